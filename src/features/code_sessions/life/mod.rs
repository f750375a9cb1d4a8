//! From the first call to the last byte: steps that each begin with a compare-and-set on the session's row and can be
//! repeated, and a loop that begins what nobody else does.
//!
//! One job at a time works on a session in this server, and says by the row's deadline to other servers that it does. Its
//! work goes on when whoever asked for it hangs up, and is begun anew by the loop when its server is gone.

mod close;
mod disk;
mod keep;
mod listen;
mod orphans;
mod pool;
mod start;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{CodeSession, CodeSessions, Status, types::End};
use crate::{
    error::{Error, Result},
    id::CodeSessionId,
    platform::containers::ContainerError,
};

pub(super) const TYPE: &str = "code-server";
pub(super) const SESSION_LABEL: &str = "crawlhub.session_id";

/// How long a job may be silent before it counts as gone with its server, and how often it says that it is not.
const LEASE: TimeDelta = TimeDelta::seconds(45);
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How often everything is looked at, and how often it is asked for an engine that is away while editors are open.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Between the end of a job and a look at what it may have missed.
const BREATH: Duration = Duration::from_millis(200);
/// How long after their end sessions of another engine are given up: of one that is gone for good nobody tells.
const ELSEWHERE: TimeDelta = TimeDelta::hours(24);
/// How long it is remembered that an editor was open.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Who works on which session in this server.
#[derive(Debug, Clone)]
pub(super) struct Jobs {
    tracker: TaskTracker,
    stop: CancellationToken,
    turns: Arc<Mutex<HashMap<CodeSessionId, Weak<tokio::sync::Mutex<()>>>>>,
    /// Whether the loop has looked at anything yet.
    has_looked: Arc<AtomicBool>,
    asked: disk::Asked,
}

impl Jobs {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop,
            turns: Arc::default(),
            has_looked: Arc::default(),
            asked: disk::Asked::default(),
        }
    }

    fn turn(&self, id: &CodeSessionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }
}

impl CodeSessions {
    /// Does `work` on a session once nothing else is done to it, to its end even if nobody waits for it.
    pub(super) async fn job<T, F>(&self, id: &CodeSessionId, work: impl FnOnce(Self) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let (sessions, turn, stop) = (self.clone(), self.jobs.turn(id), self.jobs.stop.clone());
        let done = self.jobs.tracker.spawn(async move {
            let work = async {
                let _turn = turn.lock().await;
                work(sessions).await
            };
            tokio::select! {
                done = work => done,
                () = stop.cancelled() => Err(stopping()),
            }
        });
        done.await.map_err(Error::internal)?
    }

    /// The same for the loop, which does not wait: neither for the work nor for others. Failures are logged. False where
    /// something else is being done to the session.
    fn begin_job<F>(&self, id: &CodeSessionId, work: impl FnOnce(Self) -> F + Send + 'static) -> bool
    where
        F: Future<Output = Result<()>> + Send,
    {
        let Ok(turn) = self.jobs.turn(id).try_lock_owned() else { return false };
        let (sessions, stop, id) = (self.clone(), self.jobs.stop.clone(), id.clone());
        self.jobs.tracker.spawn(async move {
            let _turn = turn;
            let done = tokio::select! {
                done = work(sessions) => done,
                () = stop.cancelled() => return,
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_passing() => tracing::debug!(session = %id, "{error}"),
                Err(error) => tracing::warn!(session = %id, "{error}"),
            }
        });
        true
    }

    /// `work` on a step of a session, while other servers are told that it is being worked on.
    async fn leased<T>(&self, session: &CodeSession, work: impl Future<Output = T>) -> T {
        let renew = async {
            loop {
                tokio::time::sleep(RENEW_EVERY).await;
                // Where it cannot be said, another server does it again; steps can be repeated.
                let _ = self.prolong(session, self.lease()).await;
            }
        };
        tokio::select! {
            done = work => done,
            () = renew => unreachable!("it goes on for ever"),
        }
    }

    fn lease(&self) -> DateTime<Utc> {
        self.clock.now() + LEASE
    }

    /// The loop: looks at all sessions of this server's engine, and begins what is to be done. Returns how long there is
    /// nothing else.
    pub async fn look_after(&self) -> anyhow::Result<Duration> {
        if !self.db.is_shared() && !self.jobs.has_looked.load(Ordering::Relaxed) {
            self.end_leases().await?;
        }
        self.jobs.has_looked.store(true, Ordering::Relaxed);
        let sessions = self.all_active().await?;
        self.clear_old(REMEMBERED).await?;
        let engine = match self.containers.engine().await {
            Ok(engine) => engine.id,
            // Nothing is known: nothing is decided.
            Err(ContainerError::Unavailable(_)) => {
                return Ok(if sessions.is_empty() { LOOK_EVERY } else { ASK_EVERY });
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let mut next = now + TimeDelta::from_std(LOOK_EVERY)?;
        for session in sessions {
            if session.engine.as_ref().is_none_or(|own| *own == engine) {
                next = next.min(self.look_at(&session, now));
            } else if session.expires_at + ELSEWHERE < now {
                self.lost(session).await?;
            }
        }
        self.remove_orphans().await?;
        self.fill_pool(&engine).await?;
        Ok((next - now).to_std().unwrap_or_default().max(Duration::from_millis(100)))
    }

    /// Looks at everything again once nothing is done to that session.
    fn look_after_turn(&self, id: &CodeSessionId) {
        let (turn, stop, changed) = (self.jobs.turn(id), self.jobs.stop.clone(), self.changed.clone());
        self.jobs.tracker.spawn(async move {
            let free = async {
                drop(turn.lock().await);
                // One that fails again and again keeps nobody busy.
                tokio::time::sleep(BREATH).await;
            };
            tokio::select! {
                () = free => changed.notify_one(),
                () = stop.cancelled() => {}
            }
        });
    }

    /// Begins what a session needs; when it will need something again.
    fn look_at(&self, session: &CodeSession, now: DateTime<Utc>) -> DateTime<Utc> {
        let (id, is_late) = (session.id.clone(), session.deadline_at.is_none_or(|deadline| deadline <= now));
        match session.status {
            Status::Pending | Status::Starting if is_late => {
                self.begin_job(&session.id, |sessions| async move { sessions.start_again(&id).await });
            }
            Status::Syncing if is_late => {
                self.begin_job(&session.id, |sessions| async move { sessions.close_again(&id).await });
            }
            Status::Ready => {
                let end = End::of(session, &self.settings);
                let times = [end.at, end.warns_at(&self.settings), self.checkpoint_at(session)];
                let has_begun =
                    self.begin_job(&session.id, |sessions| async move { Box::pin(sessions.keep(&id)).await });
                // What is being done to it may have begun before its time had come.
                if !has_begun && session.retry_at.is_none_or(|at| at <= now) && times.iter().any(|at| *at <= now) {
                    self.look_after_turn(&session.id);
                }
                // What is behind us is being done.
                return times.into_iter().filter(|at| *at > now).min().unwrap_or(now + LEASE);
            }
            _ => {}
        }
        session.deadline_at.filter(|deadline| *deadline > now).unwrap_or_else(|| now + LEASE)
    }
}

fn stopping() -> Error {
    Error::Unavailable { what: "the server", source: anyhow::anyhow!("it is being stopped") }
}
