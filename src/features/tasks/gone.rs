//! What a spider no longer brings: when a complete run ends, keys that were not seen since it began are gone. The task's
//! row remembers that this is still to be told, so no crash loses it; telling it twice changes nothing.

use chrono::{DateTime, Utc};

use super::{Task, Tasks};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::database::Transaction,
};

/// Tasks of one step.
const STEP: i64 = 50;

/// Marks a task that completed. Where other tasks of the spider are at work, the last of them to end does it for all: a key
/// that one of those which ran beside it saw is not gone. A retry goes on where its task began.
pub(super) async fn mark(transaction: &mut Transaction, task: &Task) -> Result<()> {
    // Of two that end at once, the second sees that the first has ended.
    transaction.take_turn(&format!("end of a task of {}", task.spider_id)).await?;
    let begun: (Option<DateTime<Utc>>,) =
        transaction.query("SELECT MIN(started_at) FROM attempts WHERE task_id = $1").bind(&task.id).fetch_one().await?;
    let Some(begun) = begun.0.or(task.started_at) else { return Ok(()) };
    transaction
        .query(
            "UPDATE tasks
                SET gone_since = COALESCE(
                        (SELECT MIN(attempts.started_at)
                           FROM attempts JOIN tasks AS beside ON beside.id = attempts.task_id
                          WHERE beside.spider_id = $2 AND NOT beside.is_test AND beside.finished_at >= $3
                            AND beside.id <> $1 AND attempts.started_at < $3), $3)
              WHERE id = $1
                AND NOT EXISTS (SELECT 1 FROM tasks AS other
                                 WHERE other.spider_id = $2 AND other.id <> $1 AND NOT other.is_test
                                   AND (other.status = 'running' OR other.status = 'pending' AND other.attempt > 0))",
        )
        .bind(&task.id)
        .bind(&task.spider_id)
        .bind(begun)
        .execute()
        .await
        .map(drop)
}

impl Tasks {
    /// Loop: complete runs → keys that are gone.
    pub async fn tell_gone(&self) -> anyhow::Result<()> {
        loop {
            let due: Vec<(TaskId, SpiderId, DateTime<Utc>)> = self
                .db
                .query("SELECT id, spider_id, gone_since FROM tasks WHERE gone_since IS NOT NULL ORDER BY id LIMIT $1")
                .bind(STEP)
                .fetch_all()
                .await?;
            if due.is_empty() || self.stop.is_cancelled() {
                return Ok(());
            }
            for (task, spider, since) in due {
                let gone = self.documents.mark_gone(&spider, since).await?;
                if gone > 0 {
                    tracing::info!(%task, %spider, gone, "keys that the spider no longer brings");
                }
                self.db.query("UPDATE tasks SET gone_since = NULL WHERE id = $1").bind(&task).execute().await?;
            }
        }
    }
}
