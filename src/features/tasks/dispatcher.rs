//! Loop: waiting tasks → free slots of this server.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Tasks;
use crate::runner::{Runner, StopReason};

/// How often the queue is looked at without being woken: tasks that another server queued, or whose time has come.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// Tasks at once.
    pub slots: usize,
    pub lease: TimeDelta,
    /// Where spiders reach the server.
    pub api_url: String,
    /// Of spiders that set none.
    pub memory_limit_mb: Option<i64>,
}

/// Claims tasks and runs them.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    tasks: Tasks,
    runner: Arc<Runner>,
    config: Arc<DispatcherConfig>,
    /// This server, for as long as it runs.
    worker: String,
    slots: Arc<Semaphore>,
    attempts: TaskTracker,
    stop: CancellationToken,
}

impl Dispatcher {
    /// `stop` ends claiming.
    pub fn new(tasks: Tasks, runner: Runner, config: DispatcherConfig, stop: CancellationToken) -> Self {
        let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            worker: format!("{host}:{}:{}", std::process::id(), crate::id::new()),
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

    pub fn period(&self) -> Duration {
        PERIOD
    }

    /// Notified when something may be waiting.
    pub fn wake(&self) -> Arc<tokio::sync::Notify> {
        self.tasks.queued.clone()
    }

    /// Starts waiting tasks until none is left that may start, or no slot.
    pub async fn run_once(&self) -> anyhow::Result<()> {
        if let Err(error) = self.tasks.documents.check_room() {
            // A task that starts now could keep nothing.
            tracing::warn!(%error, "no task is started");
            return Ok(());
        }
        while !self.stop.is_cancelled() {
            let Ok(slot) = self.slots.clone().try_acquire_owned() else { return Ok(()) };
            let Some(claim) = self.tasks.claim_next(&self.worker, self.config.lease).await? else { return Ok(()) };
            let dispatcher = self.clone();
            self.attempts.spawn(async move {
                let Self { tasks, runner, config, .. } = dispatcher;
                Box::pin(tasks.run_attempt(claim, &runner, &config)).await;
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
    fn stop_all(&self, reason: StopReason) {
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.values().for_each(|stop| stop.request(reason));
    }
}
