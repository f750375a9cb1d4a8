//! Loop: tasks whose server is gone → failed, with the reason.

use super::{
    ErrorCategory, Tasks,
    attempt::Reporter,
    types::{Claim, Ending},
};
use crate::{error::Result, runner::Runner};

impl Tasks {
    /// Ends each attempt whose claim has run out. The spider's processes ended with their server: the supervisor
    /// between them sees to that.
    pub async fn end_lost(&self, runner: &Runner) -> anyhow::Result<()> {
        for claim in self.lost().await? {
            // While the database was away nobody could renew: whoever still runs here does so soon.
            if self.runs_here(&claim.task_id) {
                continue;
            }
            if let Err(error) = self.end_one_lost(&claim, runner).await {
                tracing::warn!(%error, task = %claim.task_id, "a lost task cannot be ended yet");
            }
        }
        Ok(())
    }

    async fn end_one_lost(&self, claim: &Claim, runner: &Runner) -> Result<()> {
        // What the SDK could not send any more lies in the attempt's folder, where that is on this machine.
        let undelivered = runner.salvage(&claim.task_id, claim.attempt, &Reporter::new(self, claim).await?).await;
        let message = "the server that ran the task is gone; what the spider had delivered is kept".to_owned();
        let Claim { task_id, attempt, .. } = claim;
        let ending = Ending { undelivered, ..Ending::failed(ErrorCategory::System, message) };
        if self.finish_lost(claim, &ending).await? {
            tracing::warn!(task = %task_id, attempt, "task {task_id} was lost with its server");
            self.signals.raise(task_id);
        }
        Ok(())
    }

    /// At the start: removes the folders that a killed server left, but for those whose tasks have not been ended.
    pub async fn sweep(&self, runner: &Runner) -> anyhow::Result<()> {
        let running = self.running_attempts().await?;
        Ok(runner.sweep(&running).await?)
    }
}
