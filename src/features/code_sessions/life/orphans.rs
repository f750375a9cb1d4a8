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
            if let Err(error) = self.judge(&container).await {
                // The others are none the less to go.
                tracing::warn!(container = %container.name, "a container of no session stays for now: {error}");
            }
        }
        Ok(())
    }

    async fn judge(&self, container: &Container) -> Result<()> {
        let id = CodeSessionId::from(container.labels.get(SESSION_LABEL).cloned().unwrap_or_default());
        match self.find(&id).await? {
            Some(session) if session.status.is_active() => Ok(()),
            // Its files are the spider's, or there were none.
            Some(_) => Ok(self.containers.remove(&container.id).await?),
            None if self.is_pooled(&id).await? => Ok(()),
            None => self.judge_unknown(container).await,
        }
    }

    async fn judge_unknown(&self, container: &Container) -> Result<()> {
        let now = self.clock.now();
        // By the machine's clock, which mostly is the engine's.
        if container.created_at.is_none_or(|at| (SystemClock.now() - at).abs() < A_MOMENT) {
            return Ok(());
        }
        let said = container.labels.get("crawlhub.expires_at").and_then(|at| at.parse::<DateTime<Utc>>().ok());
        // One of the pool cannot say it: somebody may have had it.
        let longest = TimeDelta::minutes(self.settings.max_minutes);
        let expires_at = said.or_else(|| container.created_at.map(|at| at + longest));
        if container.state == State::Created || expires_at.is_none_or(|at| at + KEPT < now) {
            return Ok(self.containers.remove(&container.id).await?);
        }
        if container.state.is_running() {
            tracing::warn!(container = %container.name, "an editor of which nothing is known is stopped, and kept for a day");
            self.containers.stop(&container.id, STOP_GRACE).await?;
        }
        Ok(())
    }
}
