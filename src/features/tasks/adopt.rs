//! Tasks that come from elsewhere, with their ids: what they were, not what is to be done.

use chrono::{DateTime, Utc};

use super::{ErrorCategory, TaskStatus, Tasks, Trigger};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// The error of a task that had not: what became of it later may be brought later.
pub const NOT_ENDED: &str = "had not ended where it was brought from; it is cancelled here";

/// A task as it ended elsewhere.
#[derive(Debug)]
pub struct PastTask {
    pub id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    /// A final one.
    pub status: TaskStatus,
    pub trigger: Trigger,
    pub is_test: bool,
    pub retry_count: i64,
    pub max_retries: i64,
    pub progress: i64,
    pub total_count: i64,
    pub success_count: i64,
    pub failed_count: i64,
    pub error_category: Option<ErrorCategory>,
    pub error_message: Option<String>,
    pub worker_id: Option<String>,
    pub items_per_second: Option<f64>,
    pub peak_memory_mb: Option<f64>,
    /// JSON, for the next task of the spider to go on from.
    pub checkpoint: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Tasks {
    /// Keeps those that are not there, or had not ended when they were brought and have now, and says how many. They ran
    /// code that is not known here: it counts as empty.
    pub async fn adopt(&self, tasks: &[PastTask]) -> Result<u64> {
        let code_hash = self.files.put("[]".to_owned()).await?;
        let mut added = 0;
        let mut transaction = self.db.begin().await?;
        for task in tasks {
            let inserted = transaction
                .query(
                    "INSERT INTO tasks (id, spider_id, spider_name, code_hash, status, trigger_type, is_test, retry_count,
                                        max_retries, progress, total_count, success_count, failed_count, error_category,
                                        error_message, worker_id, items_per_second, peak_memory_mb, started_at,
                                        finished_at, created_at, updated_at, scheduled_at, priority, attempt, params)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                             $21, $22, $21, 0, 1, '{}')
                     ON CONFLICT (id) DO UPDATE
                        SET status = excluded.status, progress = excluded.progress, total_count = excluded.total_count,
                            success_count = excluded.success_count, failed_count = excluded.failed_count,
                            retry_count = excluded.retry_count, error_category = excluded.error_category,
                            error_message = excluded.error_message, worker_id = excluded.worker_id,
                            items_per_second = excluded.items_per_second, peak_memory_mb = excluded.peak_memory_mb,
                            started_at = excluded.started_at, finished_at = excluded.finished_at,
                            updated_at = excluded.updated_at
                      WHERE tasks.error_message = $23 AND COALESCE(excluded.error_message, '') <> $23",
                )
                .bind(&task.id)
                .bind(&task.spider_id)
                .bind(&task.spider_name)
                .bind(&code_hash)
                .bind(task.status)
                .bind(task.trigger)
                .bind(task.is_test)
                .bind(task.retry_count)
                .bind(task.max_retries)
                .bind(task.progress)
                .bind(task.total_count)
                .bind(task.success_count)
                .bind(task.failed_count)
                .bind(task.error_category)
                .bind(&task.error_message)
                .bind(&task.worker_id)
                .bind(task.items_per_second)
                .bind(task.peak_memory_mb)
                .bind(task.started_at)
                .bind(task.finished_at)
                .bind(task.created_at)
                .bind(task.updated_at)
                .bind(NOT_ENDED)
                .execute()
                .await?;
            added += inserted;
            let Some(checkpoint) = task.checkpoint.as_ref().filter(|_| inserted > 0) else { continue };
            transaction
                .query(
                    "INSERT INTO task_checkpoints (task_id, spider_id, data, updated_at) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (task_id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
                )
                .bind(&task.id)
                .bind(&task.spider_id)
                .bind(checkpoint.as_bytes())
                .bind(task.updated_at)
                .execute()
                .await?;
        }
        transaction.commit().await?;
        Ok(added)
    }
}
