//! Loop: tasks whose server is gone → failed, with the reason.

use super::{
    ErrorCategory, Tasks,
    types::{Claim, Ending},
};

impl Tasks {
    /// Ends each attempt whose claim has run out. The spider's processes ended with their server: the supervisor
    /// between them sees to that.
    pub async fn end_lost(&self) -> anyhow::Result<()> {
        for claim in self.lost().await? {
            self.end_one_lost(&claim).await?;
        }
        Ok(())
    }

    async fn end_one_lost(&self, claim: &Claim) -> anyhow::Result<()> {
        let message = "the server that ran the task is gone; what the spider had delivered is kept".to_owned();
        if self.finish(claim, &Ending::failed(ErrorCategory::System, message)).await? {
            tracing::warn!(task = %claim.task_id, attempt = claim.attempt, "task {} was lost with its server", claim.task_id);
            self.signals.raise(&claim.task_id);
        }
        Ok(())
    }
}
