//! Editors that are started before anyone asks. They know no user and no spider; each is given to one session, and goes
//! with it.

use chrono::TimeDelta;

use super::{super::CodeSessions, TYPE};
use crate::{error::Result, id::CodeSessionId, platform::containers::ContainerError};

pub(super) const POOL_LABEL: &str = "crawlhub.pool";
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
            let runs = self.containers.inspect(&container).await?.is_some_and(|found| found.state.is_running());
            if is_fit && runs {
                usable += 1;
            } else if self.take_pooled(&id).await? {
                self.containers.remove(&container).await?;
            }
        }
        for _ in usable..self.settings.warm {
            let (id, engine) = (CodeSessionId::generate(), engine.to_owned());
            let Ok(turn) = self.pool_turn.clone().try_lock_owned() else { break };
            self.begin_job(&id.clone(), |sessions| async move {
                sessions.warm_up(&id, &engine).await?;
                // The next one, or the next look.
                drop(turn);
                sessions.changed.notify_one();
                Ok(())
            });
        }
        Ok(())
    }

    async fn warm_up(&self, id: &CodeSessionId, engine: &str) -> Result<()> {
        let mut labels = self.containers.labels(TYPE);
        labels.insert(POOL_LABEL.to_owned(), "warm".to_owned());
        let container = self.make_container(id, labels).await?;
        let up = async {
            self.containers.start(&container).await?;
            self.answering(&container).await
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
