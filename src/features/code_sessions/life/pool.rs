//! Editors that are started before anyone asks. They know no user and no spider; each is given to one session, and goes
//! with it.

use chrono::TimeDelta;

use super::{super::CodeSessions, LOOK_EVERY, TYPE};
use crate::{error::Result, id::CodeSessionId, platform::containers::ContainerError};

/// What one may use, as it was when it was made.
const LIMITS_LABEL: &str = "crawlhub.limits";
/// Older ones are replaced.
const OLDEST: TimeDelta = TimeDelta::minutes(30);

impl CodeSessions {
    pub(super) async fn is_pooled(&self, id: &CodeSessionId) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM code_session_pool WHERE id = $1";
        let (count,): (i64,) = self.db.query(sql).bind(id).fetch_one().await?;
        Ok(count > 0)
    }

    /// Removes what is old, of another image or has ended, and begins what is missing.
    pub(super) async fn fill_pool(&self, engine: &str) -> Result<()> {
        let (pooled, now, mut usable) = (self.pooled(engine).await?, self.clock.now(), 0);
        for (id, image, container, created_at) in pooled {
            let is_fit = image == self.settings.image && usable < self.settings.warm && now - created_at < OLDEST;
            let found = match self.containers.inspect(&container).await {
                // Of several machines one may be silent: it holds up no other. What it has is as good as none.
                Err(ContainerError::Unavailable(error)) if self.containers.starts_once() && is_fit => {
                    tracing::debug!(session = %id, "an editor of the pool is on a machine that does not answer: {error}");
                    continue;
                }
                // Nor is it waited for once it is to go: services are removed without their machines.
                Err(ContainerError::Unavailable(_)) if self.containers.starts_once() => None,
                found => found?,
            };
            let is_as_asked = found.is_some_and(|found| {
                found.state.is_running() && found.labels.get(LIMITS_LABEL) == Some(&self.limits_asked())
            });
            if is_fit && is_as_asked {
                usable += 1;
            } else if self.take_pooled(&id).await? {
                self.containers.remove(&container).await?;
            }
        }
        for _ in usable..self.settings.warm {
            let (id, engine) = (CodeSessionId::generate(), engine.to_owned());
            let Ok(turn) = self.pool_turn.clone().try_lock_owned() else { break };
            self.begin_job(&id.clone(), |sessions| async move {
                let done = sessions.warm_up(&id, &engine).await;
                if done.is_err() {
                    // It would hardly go better at once.
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                drop(turn);
                sessions.changed.notify_one();
                done
            });
        }
        Ok(())
    }

    fn limits_asked(&self) -> String {
        let settings = &self.settings;
        format!("{} {} {}", settings.cpus, settings.memory_mb, settings.processes)
    }

    async fn warm_up(&self, id: &CodeSessionId, engine: &str) -> Result<()> {
        let mut labels = self.containers.labels(TYPE);
        labels.insert(LIMITS_LABEL.to_owned(), self.limits_asked());
        let container = self.make_container(id, labels).await?;
        let up = async {
            self.containers.start(&container).await?;
            self.answering(id, &container).await
        };
        let limit = std::time::Duration::from_secs(self.settings.start_seconds.unsigned_abs());
        let late = |_| ContainerError::failed("an editor of the pool did not come up");
        match tokio::time::timeout(limit, up).await.map_err(late) {
            Ok(Ok(_)) => self.insert_pooled(id, engine, &container).await,
            Ok(Err(error)) => {
                self.containers.remove(&container).await?;
                Err(error)
            }
            Err(error) => {
                self.containers.remove(&container).await?;
                Err(error.into())
            }
        }
    }
}
