//! Loop: attempts whose server is gone → ended, and tried again where the spider's settings say so.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    ErrorCategory, Tasks,
    attempt::Reporter,
    types::{Claim, Ending},
};
use crate::{
    error::Result,
    platform::process::presence::{Former, Presence},
    runner::Runner,
};

/// How often lost attempts are looked for.
const PERIOD: Duration = Duration::from_secs(5);
/// The same while something that a former server of this machine started may still be ending.
const PERIOD_AFTER_CRASH: Duration = Duration::from_millis(250);
/// For so long after the start: what is not gone by then is stuck.
const HURRY: Duration = Duration::from_mins(1);

/// Finds attempts that nobody runs any more.
#[derive(Debug, Clone)]
pub struct Watchdog {
    tasks: Tasks,
    runner: Arc<Runner>,
    /// Servers that used this data directory before, for as long as they may have left something that runs.
    former: Arc<Mutex<Vec<Former>>>,
    started: Instant,
}

impl Watchdog {
    pub fn new(tasks: Tasks, runner: Arc<Runner>, presence: &Presence) -> std::io::Result<Self> {
        Ok(Self { tasks, runner, former: Arc::new(Mutex::new(presence.former()?)), started: Instant::now() })
    }

    pub fn period(&self) -> Duration {
        PERIOD
    }

    /// Ends what is lost. A spider's processes end with their server: the supervisor between them sees to that. Of this
    /// machine's servers it is known when they have; of others it is once a claim has run out, with some grace. Answers
    /// when to look again.
    pub async fn run_once(&self) -> anyhow::Result<Duration> {
        for worker in self.gone().await? {
            match self.tasks.disown(&worker).await {
                Ok(()) => self.former().extract_if(.., |former| former.worker() == worker).for_each(Former::forget),
                Err(error) => tracing::warn!(%error, worker, "a former server's tasks cannot be taken over yet"),
            }
        }
        self.tasks.end_lost(&self.runner).await?;
        let is_hurried = self.started.elapsed() < HURRY && !self.former().is_empty();
        Ok(if is_hurried { PERIOD_AFTER_CRASH } else { PERIOD })
    }

    /// Those of which nothing is left by now.
    async fn gone(&self) -> anyhow::Result<Vec<String>> {
        if self.former().is_empty() {
            return Ok(Vec::new());
        }
        let watchdog = self.clone();
        let look = move || {
            let mut former = watchdog.former();
            let gone = former.iter_mut().filter_map(|former| former.is_gone().then(|| former.worker().to_owned()));
            gone.collect()
        };
        Ok(tokio::task::spawn_blocking(look).await?)
    }

    fn former(&self) -> MutexGuard<'_, Vec<Former>> {
        self.former.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    async fn end_lost(&self, runner: &Runner) -> Result<()> {
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
        let lost = Ending::failed(ErrorCategory::System, message);
        let ending = Ending { undelivered, is_interrupted: true, ..lost };
        if let Some(status) = self.finish_lost(claim, &ending).await? {
            tracing::warn!(task = %task_id, attempt, %status, "task {task_id} was lost with its server");
            self.signals.raise(task_id);
            self.queued.notify_one();
        }
        Ok(())
    }

    /// At the start: removes the folders that a killed server left, but for those whose tasks have not been ended.
    pub async fn sweep(&self, runner: &Runner) -> anyhow::Result<()> {
        let running = self.running_attempts().await?;
        Ok(runner.sweep(&running).await?)
    }
}
