//! Containers that belong to no session. What may hold somebody's work is not removed before its time.

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::CodeSessions, SESSION_LABEL, TYPE};
use crate::{error::Result, id::CodeSessionId, platform::containers::Container};

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
        let said = container.labels.get("crawlhub.expires_at").and_then(|at| at.parse::<DateTime<Utc>>().ok());
        // One of the pool cannot say it: somebody may have had it.
        let longest = TimeDelta::minutes(self.settings.max_minutes);
        let expires_at = said.or_else(|| container.created_at.map(|at| at + longest));
        Ok(self.containers.set_aside(container, expires_at, self.clock.now()).await?)
    }
}
