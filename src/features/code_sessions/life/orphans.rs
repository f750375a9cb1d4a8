//! Containers that belong to no session. What may hold somebody's work is not removed before its time.

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::CodeSessions, SESSION_LABEL, TYPE};
use crate::{
    clock::{Clock, SystemClock},
    error::Result,
    id::CodeSessionId,
    platform::containers::{Container, State},
};

/// Whoever makes a container needs a moment to write it down.
const A_MOMENT: TimeDelta = TimeDelta::minutes(10);
/// How long a container of which nothing is known any more is kept beyond its own end.
const KEPT: TimeDelta = TimeDelta::hours(24);
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(10);

impl CodeSessions {
    /// Removes what is over, and stops what nobody knows.
    pub(super) async fn remove_orphans(&self) -> Result<()> {
        for container in self.containers.own(TYPE).await? {
            let id = container.labels.get(SESSION_LABEL).cloned().unwrap_or_default();
            let id = CodeSessionId::from(id);
            match self.find(&id).await? {
                Some(session) if session.status.is_active() => {}
                // Its files are the spider's, or there were none.
                Some(_) => self.containers.remove(&container.id).await?,
                None => self.judge_unknown(&id, &container).await?,
            }
        }
        Ok(())
    }

    async fn judge_unknown(&self, id: &CodeSessionId, container: &Container) -> Result<()> {
        let now = self.clock.now();
        // By the machine's clock, which mostly is the engine's.
        let is_new = container.created_at.is_none_or(|at| (SystemClock.now() - at).abs() < A_MOMENT);
        let is_pooled = container.labels.contains_key(super::pool::POOL_LABEL);
        if is_pooled {
            let is_wanted = self.is_pooled(id).await?;
            return if is_wanted || is_new { Ok(()) } else { Ok(self.containers.remove(&container.id).await?) };
        }
        let expires_at: Option<DateTime<Utc>> =
            container.labels.get("crawlhub.expires_at").and_then(|at| at.parse().ok());
        if container.state == State::Created || expires_at.is_none_or(|at| at + KEPT < now) {
            return if is_new { Ok(()) } else { Ok(self.containers.remove(&container.id).await?) };
        }
        if container.state.is_running() && !is_new {
            tracing::warn!(container = %container.name, "an editor of which nothing is known is stopped, and kept for a day");
            self.containers.stop(&container.id, STOP_GRACE).await?;
        }
        Ok(())
    }
}
