//! From the first call to the last byte: steps that each begin with a compare-and-set on the session's row and can be
//! repeated, and a loop that begins what nobody else does.
//!
//! One job at a time works on a session in this server, and says by the row's deadline to other servers that it does. Its
//! work goes on when whoever asked for it hangs up, and is begun anew by the loop when its server is gone.

mod close;
mod disk;
mod keep;
mod orphans;
mod pool;
mod start;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{CodeSession, CodeSessions, Status, types::End};
use crate::{
    error::Result,
    id::CodeSessionId,
    platform::{
        containers::ContainerError,
        jobs::{LEASE, renewing},
    },
};

pub(super) const TYPE: &str = "code-server";
pub(super) const SESSION_LABEL: &str = "crawlhub.session_id";

/// How often everything is looked at, and how often it is asked for an engine that is away while editors are open.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long after their end sessions of another engine are given up: of one that is gone for good nobody tells.
const ELSEWHERE: TimeDelta = TimeDelta::hours(24);
/// How long it is remembered that an editor was open.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

impl CodeSessions {
    /// Does `work` on a session once nothing else is done to it, to its end even if nobody waits for it.
    pub(super) async fn job<T, F>(&self, id: &CodeSessionId, work: impl FnOnce(Self) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.jobs.run(id.as_str(), Box::pin(work(self.clone()))).await
    }

    /// The same for the loop, which does not wait. False where something else is being done to the session.
    fn begin_job<F>(&self, id: &CodeSessionId, work: impl FnOnce(Self) -> F) -> bool
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.jobs.begin(id.as_str(), Box::pin(work(self.clone())))
    }

    /// `work` on a step of a session, while other servers are told that it is being worked on.
    async fn leased<T>(&self, session: &CodeSession, work: impl Future<Output = T>) -> T {
        renewing(Box::pin(work), || self.prolong(session, self.clock.now() + LEASE)).await
    }

    /// Listens to what happens to editors' containers. Returns how long to wait before the engine is asked again.
    pub async fn listen(&self) -> anyhow::Result<Duration> {
        self.containers.listen(TYPE, &self.changed, self.jobs.stopping()).await
    }

    /// The loop: looks at all sessions of this server's engine, and begins what is to be done. Returns how long there is
    /// nothing else.
    pub async fn look_after(&self) -> anyhow::Result<Duration> {
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
                    self.jobs.when_free(session.id.as_str(), self.changed.clone());
                }
                // What is behind us is being done.
                return times.into_iter().filter(|at| *at > now).min().unwrap_or(now + LEASE);
            }
            _ => {}
        }
        session.deadline_at.filter(|deadline| *deadline > now).unwrap_or_else(|| now + LEASE)
    }
}
