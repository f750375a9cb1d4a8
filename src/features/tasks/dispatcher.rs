//! Loop: waiting tasks → free slots of this server.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Tasks, attempt::JobSettings, place::Place};
use crate::{
    error::Result,
    id::TaskId,
    runner::{Runner, StopReason},
};

/// How often the queue is looked at without being woken: tasks that another server queued, or whose time has come.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// This server's name, for as long as it runs.
    pub worker: String,
    /// Tasks at once.
    pub slots: usize,
    pub lease: TimeDelta,
    pub job: JobSettings,
}

/// Claims tasks and runs them.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    tasks: Tasks,
    runner: Arc<Runner>,
    config: Arc<DispatcherConfig>,
    slots: Arc<Semaphore>,
    attempts: TaskTracker,
    stop: CancellationToken,
}

impl Dispatcher {
    /// `stop` ends claiming.
    pub fn new(tasks: Tasks, runner: Runner, config: DispatcherConfig, stop: CancellationToken) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(config.slots)),
            runner: Arc::new(runner),
            config: Arc::new(config),
            attempts: TaskTracker::new(),
            tasks,
            stop,
        }
    }

    pub fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// How long a claim holds without being renewed.
    pub fn lease(&self) -> Duration {
        self.config.lease.to_std().unwrap_or_default()
    }

    pub fn period(&self) -> Duration {
        PERIOD
    }

    /// Notified when something may be waiting.
    pub fn wake(&self) -> Arc<tokio::sync::Notify> {
        self.tasks.queued.dispatcher()
    }

    /// Stops what somebody asked to be cancelled on another server.
    async fn stop_cancelled(&self) -> Result<()> {
        if self.attempts.is_empty() {
            return Ok(());
        }
        for task in self.tasks.to_cancel(&self.config.worker).await? {
            self.tasks.stop_here(&task, StopReason::Cancelled);
        }
        Ok(())
    }

    /// Starts waiting tasks until none is left that may start, or no slot.
    pub async fn run_once(&self) -> anyhow::Result<()> {
        self.stop_cancelled().await?;
        // A task that starts now could keep nothing. The disk, or MongoDB, has said so itself.
        if self.tasks.documents.check_room().is_err() {
            return Ok(());
        }
        while !self.stop.is_cancelled() {
            let Ok(slot) = self.slots.clone().try_acquire_owned() else { return Ok(()) };
            let claimed = Instant::now();
            let Some(claim) = self.tasks.claim_next(&self.config.worker, self.config.lease, &Place::Here).await? else {
                return Ok(());
            };
            let dispatcher = self.clone();
            self.attempts.spawn(async move {
                let Self { tasks, runner, config, .. } = dispatcher;
                Box::pin(tasks.run_attempt(claim, claimed, &runner, &config)).await;
                drop(slot);
                tasks.queued.notify_one();
            });
        }
        Ok(())
    }

    /// After the stop: gives running tasks `grace` to end by themselves, then ends them.
    pub async fn drain(&self, grace: Duration) {
        self.attempts.close();
        if tokio::time::timeout(grace, self.attempts.wait()).await.is_err() {
            self.tasks.stop_all(StopReason::Shutdown);
            self.attempts.wait().await;
        }
    }
}

impl Tasks {
    /// Where the task runs on this server.
    pub(super) fn stop_here(&self, task: &TaskId, reason: StopReason) {
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(running) = running.get(task) {
            running.stop.request(reason);
        }
    }

    fn stop_all(&self, reason: StopReason) {
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.values().for_each(|running| running.stop.request(reason));
    }
}
