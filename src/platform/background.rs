//! Loops: each looks at the world and brings it one step nearer to what it should be. A step takes no input and is
//! safe to repeat; it is woken by time or by a [`Notify`]. A loop ends only with the server.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::ToSchema;

use crate::clock::SharedClock;

/// How a loop fares, for operators.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct LoopStatus {
    pub runs: u64,
    /// Of the last run; null when it went well.
    pub last_error: Option<String>,
}

/// How long after a step that failed the next one comes: twice as long each time.
#[derive(Clone, Copy)]
struct Retry {
    first: Duration,
    longest: Duration,
}

impl Retry {
    fn after(self, failures: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failures)).min(self.longest)
    }
}

#[derive(Debug, Clone)]
pub struct Background {
    tracker: TaskTracker,
    stop: CancellationToken,
    clock: SharedClock,
    status: Arc<Mutex<BTreeMap<&'static str, LoopStatus>>>,
}

impl Background {
    pub fn new(stop: CancellationToken, clock: SharedClock) -> Self {
        Self { tracker: TaskTracker::new(), stop, clock, status: Arc::default() }
    }

    /// Runs `step` at once, then each `period` and whenever `wake` is notified or the clock was moved by hand, until
    /// the server stops. A step that fails or panics is logged; the next one is its repetition.
    pub fn run<F>(
        &self,
        name: &'static str,
        period: Duration,
        wake: Arc<Notify>,
        mut step: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        self.drive(name, period, Retry { first: period, longest: period }, wake, move || {
            let step = step();
            async move { step.await.map(|()| period) }
        });
    }

    /// Like [`Self::run`], but each step says how long there is nothing to do: at most `longest` is slept. A step that
    /// fails may have had something to do at once: it is repeated soon.
    pub fn run_until_next<F>(
        &self,
        name: &'static str,
        longest: Duration,
        wake: Arc<Notify>,
        step: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<Duration>> + Send,
    {
        let retry = Retry { first: Duration::from_millis(200), longest: longest.min(Duration::from_secs(1)) };
        self.drive(name, longest, retry, wake, step);
    }

    fn drive<F>(
        &self,
        name: &'static str,
        longest: Duration,
        retry: Retry,
        wake: Arc<Notify>,
        mut step: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<Duration>> + Send,
    {
        let (stopped, status) = (self.stop.clone(), self.status.clone());
        let mut moves = self.clock.moves();
        let (mut trouble, mut failures) = (Trouble::default(), 0_u32);
        self.tracker.spawn(async move {
            while !stopped.is_cancelled() {
                // A move while the step runs is seen after it.
                if let Some(moves) = &mut moves {
                    moves.mark_unchanged();
                }
                let (pause, error) = match AssertUnwindSafe(step()).catch_unwind().await {
                    Ok(Ok(pause)) => (pause.min(longest), None),
                    Ok(Err(error)) => (retry.after(failures), Some(format!("{error:#}"))),
                    Err(_) => (retry.after(failures), Some("panicked".to_owned())),
                };
                failures = if error.is_some() { failures + 1 } else { 0 };
                trouble.note(name, error.as_deref());
                {
                    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
                    let entry = status.entry(name).or_default();
                    entry.runs += 1;
                    entry.last_error = error;
                }
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = wake.notified() => {}
                    () = moved(&mut moves) => {}
                    () = tokio::time::sleep(pause) => {}
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

/// A loop that goes on failing says so once a minute.
#[derive(Default)]
struct Trouble {
    said_at: Option<Instant>,
}

impl Trouble {
    const EVERY: Duration = Duration::from_mins(1);

    fn note(&mut self, name: &'static str, error: Option<&str>) {
        match error {
            Some(error) if self.said_at.is_none_or(|at| at.elapsed() >= Self::EVERY) => {
                tracing::error!(name, error, "the loop {name} fails: {error}");
                self.said_at = Some(Instant::now());
            }
            None if self.said_at.take().is_some() => tracing::info!(name, "the loop {name} is well again"),
            _ => {}
        }
    }
}

/// Ends when the clock is moved by hand; never for a clock that is not.
pub async fn moved(moves: &mut Option<watch::Receiver<DateTime<Utc>>>) {
    if let Some(moves) = moves
        && moves.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn failures_are_repeated_ever_later() {
        let retry = Retry { first: Duration::from_millis(200), longest: Duration::from_secs(1) };
        let after = |failures: u32| retry.after(failures).as_millis();
        assert_eq!([after(0), after(1), after(2), after(3), after(1_000_000)], [200, 400, 800, 1000, 1000]);
    }

    /// Not only when there would be something to do again, in an hour.
    #[tokio::test]
    async fn a_step_that_fails_is_repeated_soon() {
        let stop = CancellationToken::new();
        let background = Background::new(stop.clone(), Arc::new(SystemClock));
        let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
        let mut count = 0;
        background.run_until_next("a loop", Duration::from_hours(1), Arc::default(), move || {
            count += 1;
            let _ = ran.send(count);
            let fails = count < 3;
            async move { if fails { Err(anyhow::anyhow!("away")) } else { Ok(Duration::from_hours(1)) } }
        });
        for run in 1..=3 {
            let next = tokio::time::timeout(Duration::from_secs(30), runs.recv()).await;
            assert_eq!(next, Ok(Some(run)));
        }
        stop.cancel();
        background.ended().await;
        assert_eq!(background.status().get("a loop").map(|status| status.last_error.clone()), Some(None));
    }
}
