//! Loops: each looks at the world and brings it one step nearer to what it should be. A step takes no input and is
//! safe to repeat; it is woken by time or by a [`Notify`]. A loop ends only with the server.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::ToSchema;

/// How a loop fares, for operators.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct LoopStatus {
    pub runs: u64,
    /// Of the last run; null when it went well.
    pub last_error: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Background {
    tracker: TaskTracker,
    stop: CancellationToken,
    status: Arc<Mutex<BTreeMap<&'static str, LoopStatus>>>,
}

impl Background {
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop, status: Arc::default() }
    }

    /// Runs `step` at once, then each `period` and whenever `wake` is notified, until the server stops.
    /// A step that fails or panics is logged; the next one is its repetition.
    pub fn run<F>(
        &self,
        name: &'static str,
        period: Duration,
        wake: Arc<Notify>,
        mut step: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        let (stopped, status) = (self.stop.clone(), self.status.clone());
        self.tracker.spawn(async move {
            while !stopped.is_cancelled() {
                let error = match AssertUnwindSafe(step()).catch_unwind().await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(format!("{error:#}")),
                    Err(_) => Some("panicked".to_owned()),
                };
                if let Some(error) = &error {
                    tracing::error!(name, error, "the loop {name} failed: {error}");
                }
                {
                    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
                    let entry = status.entry(name).or_default();
                    entry.runs += 1;
                    entry.last_error = error;
                }
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = wake.notified() => {}
                    () = tokio::time::sleep(period) => {}
                }
            }
        });
    }

    pub fn status(&self) -> BTreeMap<&'static str, LoopStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After the stop: waits until every loop has ended its step.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
