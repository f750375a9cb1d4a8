//! Work on things that have a name: one job at a time on each in this server, to its end even if nobody waits for it.
//! What other servers do is kept apart by a row's deadline, which whoever works renews.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::error::{Error, Result};

/// How long a job may be silent before it counts as gone with its server, and how often it says that it is not.
pub const LEASE: TimeDelta = TimeDelta::seconds(45);
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// Between the end of a job and a look at what it may have missed.
const BREATH: Duration = Duration::from_millis(200);

/// Who works on what in this server. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Jobs {
    tracker: TaskTracker,
    stop: CancellationToken,
    turns: Arc<Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>>,
}

impl Jobs {
    /// `stop` ends all of them where they are: their steps can be repeated.
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop, turns: Arc::default() }
    }

    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Does `work` on `name` once nothing else is done to it. It goes on when whoever waits for it hangs up.
    pub async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (turn, stop) = (self.turn(name), self.stop.clone());
        let done = self.tracker.spawn(async move {
            let work = async {
                let _turn = turn.lock().await;
                work.await
            };
            tokio::select! {
                done = work => done,
                () = stop.cancelled() => Err(stopping()),
            }
        });
        done.await.map_err(Error::internal)?
    }

    /// The same for a loop, which does not wait: neither for the work nor for others. Failures are logged. False where
    /// something else is being done to it.
    pub fn begin(&self, name: &str, work: impl Future<Output = Result<()>> + Send + 'static) -> bool {
        let Ok(turn) = self.turn(name).try_lock_owned() else { return false };
        let (stop, name) = (self.stop.clone(), name.to_owned());
        self.tracker.spawn(async move {
            let _turn = turn;
            let done = tokio::select! {
                done = work => done,
                () = stop.cancelled() => return,
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_passing() => tracing::debug!(name, "{error}"),
                Err(error) => tracing::warn!(name, "{error}"),
            }
        });
        true
    }

    /// Notifies once nothing is done to `name`.
    pub fn when_free(&self, name: &str, notified: Arc<Notify>) {
        let (turn, stop) = (self.turn(name), self.stop.clone());
        self.tracker.spawn(async move {
            let free = async {
                drop(turn.lock().await);
                // One that fails again and again keeps nobody busy.
                tokio::time::sleep(BREATH).await;
            };
            tokio::select! {
                () = free => notified.notify_one(),
                () = stop.cancelled() => {}
            }
        });
    }

    fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// Does `work`, and says by `renew` from time to time that it is being done.
pub async fn renewing<T, F: Future<Output = Result<()>>>(work: impl Future<Output = T>, renew: impl Fn() -> F) -> T {
    let renewal = async {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            // Where it cannot be said, another server does it again; steps can be repeated.
            let _ = renew().await;
        }
    };
    tokio::select! {
        done = work => done,
        () = renewal => unreachable!("it goes on for ever"),
    }
}

fn stopping() -> Error {
    Error::Unavailable { what: "the server", source: anyhow::anyhow!("it is being stopped") }
}
