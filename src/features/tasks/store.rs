use chrono::{DateTime, Duration, Utc};
use sqlx::types::Json;

use super::{
    Task, TaskFilter, Tasks,
    types::{Claim, Ending, NewTask, TaskFile, Trigger},
};
use crate::{
    error::{Error, Result},
    features::{
        events::{Event, TaskEnded},
        spiders::Overlap,
    },
    id::{SpiderId, TaskId},
    platform::{documents::Counts, http::Paging},
    text,
};

const MATCHES: &str = "($1 IS NULL OR spider_id = $1) AND ($2 IS NULL OR status = $2)
                   AND ($3 IS NULL OR trigger_type = $3) AND ($4 IS NULL OR is_test = $4)";

impl Tasks {
    pub async fn get(&self, id: &TaskId) -> Result<Task> {
        let task: Task =
            self.db.query("SELECT * FROM tasks WHERE id = $1").bind(id).fetch_optional().await?.ok_or_else(|| {
                Error::not_found("task_not_found", text!("任务 {id} 不存在", "there is no task {id}"))
            })?;
        Ok(self.counted(vec![task]).await?.remove(0))
    }

    pub async fn list(&self, filter: &TaskFilter, paging: &Paging) -> Result<Vec<Task>> {
        let tasks = self
            .db
            .query_text(format!(
                "SELECT * FROM tasks WHERE {MATCHES} AND ($5 IS NULL OR id < $5)
                  ORDER BY id DESC LIMIT $6 OFFSET $7"
            ))
            .bind(&filter.spider_id)
            .bind(filter.status)
            .bind(filter.trigger_type)
            .bind(filter.is_test)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        self.counted(tasks).await
    }

    pub(super) async fn count(&self, filter: &TaskFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM tasks WHERE {MATCHES}"))
            .bind(&filter.spider_id)
            .bind(filter.status)
            .bind(filter.trigger_type)
            .bind(filter.is_test)
            .fetch_one()
            .await?;
        Ok(count)
    }

    async fn counted(&self, tasks: Vec<Task>) -> Result<Vec<Task>> {
        let running: Vec<TaskId> =
            tasks.iter().filter(|task| !task.status.is_final()).map(|task| task.id.clone()).collect();
        if running.is_empty() {
            return Ok(tasks);
        }
        let counts = self.documents.counts(&running).await?;
        Ok(tasks
            .into_iter()
            .map(|task| {
                let found = counts.get(&task.id);
                task.with_counts(found)
            })
            .collect())
    }

    /// Queues the task, unless the spider's `overlap` is `skip` and it has an active one; `None` then. Tests run beside
    /// anything and do not count as active.
    pub(super) async fn insert(&self, new: &NewTask, overlap: Overlap) -> Result<Option<Task>> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        // Holds the spider's row: two runs at the same moment come one after the other here.
        transaction.query("UPDATE spiders SET id = id WHERE id = $1").bind(&new.spider_id).execute().await?;
        let (active,): (i64,) = transaction
            .query(
                "SELECT COUNT(*) FROM tasks
                  WHERE spider_id = $1 AND status IN ('pending', 'running') AND trigger_type <> 'test'",
            )
            .bind(&new.spider_id)
            .fetch_one()
            .await?;
        let must_wait = active > 0 && new.trigger != Trigger::Test;
        if must_wait && overlap == Overlap::Skip {
            return Ok(None);
        }
        let task = transaction
            .query(
                "INSERT INTO tasks (id, spider_id, spider_name, code_hash, status, trigger_type, is_test, priority,
                                    attempt, retry_count, max_retries, progress, total_count,
                                    success_count, failed_count, scheduled_at, params, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, 0, 0, $8, 0, 0, 0, 0, $9, $10, $9, $9)
              RETURNING *",
            )
            .bind(&new.id)
            .bind(&new.spider_id)
            .bind(&new.spider_name)
            .bind(&new.code_hash)
            .bind(new.trigger)
            .bind(new.trigger == Trigger::Test)
            .bind(new.priority)
            .bind(new.max_retries)
            .bind(now)
            .bind(Json(&new.params))
            .fetch_one()
            .await?;
        transaction.commit().await?;
        Ok(Some(task))
    }

    /// Takes the first task that may start: by priority, then by age. A spider whose overlap is not `allow` runs one
    /// task at a time; tests run beside anything.
    pub(super) async fn claim_next(&self, worker: &str, lease: Duration) -> Result<Option<Claim>> {
        let now = self.clock.now();
        self.db
            .query(
                "UPDATE tasks
                    SET status = 'running', worker_id = $1, attempt = attempt + 1, lease_until = $3,
                        started_at = $2, last_heartbeat = $2, updated_at = $2
                  WHERE id = (SELECT waiting.id FROM tasks AS waiting
                               WHERE waiting.status = 'pending'
                                 AND (waiting.next_attempt_at IS NULL OR waiting.next_attempt_at <= $2)
                                 AND (waiting.is_test
                                      OR NOT EXISTS (SELECT 1 FROM tasks AS other
                                                       JOIN spiders ON spiders.id = other.spider_id
                                                      WHERE other.spider_id = waiting.spider_id
                                                        AND other.status = 'running' AND NOT other.is_test
                                                        AND spiders.overlap <> 'allow'))
                               ORDER BY waiting.priority DESC, waiting.id LIMIT 1)
                    AND status = 'pending'
              RETURNING id, spider_id, attempt, is_test, code_hash, params",
            )
            .bind(worker)
            .bind(now)
            .bind(now + lease)
            .fetch_optional()
            .await
    }

    /// Keeps the claim. `None` when it is no longer ours; else whether somebody asked for the task to be cancelled.
    pub(super) async fn renew(&self, claim: &Claim, lease: Duration, peak_mb: Option<f64>) -> Result<Option<bool>> {
        let now = self.clock.now();
        let row: Option<(Option<DateTime<Utc>>,)> = self
            .db
            .query(
                "UPDATE tasks SET lease_until = $3, last_heartbeat = $4, peak_memory_mb = COALESCE($5, peak_memory_mb)
                  WHERE id = $1 AND attempt = $2 AND status = 'running'
              RETURNING cancel_requested_at",
            )
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(now + lease)
            .bind(now)
            .bind(peak_mb)
            .fetch_optional()
            .await?;
        Ok(row.map(|(requested,)| requested.is_some()))
    }

    /// Ends the attempt. False when it was no longer ours to end.
    pub(super) async fn finish(&self, claim: &Claim, ending: &Ending) -> Result<bool> {
        self.end_attempt(claim, ending, None).await
    }

    /// Ends an attempt of another server, if its claim has still run out.
    pub(super) async fn finish_lost(&self, claim: &Claim, ending: &Ending) -> Result<bool> {
        self.end_attempt(claim, ending, Some(self.clock.now())).await
    }

    async fn end_attempt(&self, claim: &Claim, ending: &Ending, lapsed: Option<DateTime<Utc>>) -> Result<bool> {
        let counts = self.documents.counts(std::slice::from_ref(&claim.task_id)).await?;
        let counts = counts.get(&claim.task_id).copied().unwrap_or_default();
        let started: Option<(Option<DateTime<Utc>>,)> =
            self.db.query("SELECT started_at FROM tasks WHERE id = $1").bind(&claim.task_id).fetch_optional().await?;
        let now = self.clock.now();
        let rate = started.and_then(|(at,)| at).map(|at| rate_of(&counts, now - at));
        let mut transaction = self.db.begin().await?;
        let ended: Option<Task> = transaction
            .query(
                "UPDATE tasks
                    SET status = $3, exit_code = $4, error_category = $5, error_message = $6,
                        peak_memory_mb = COALESCE($7, peak_memory_mb), items_per_second = $8, total_count = $9,
                        success_count = $10, failed_count = $11, finished_at = $12, updated_at = $12,
                        lease_until = NULL, progress = CASE WHEN $3 = 'completed' THEN 100 ELSE progress END
                  WHERE id = $1 AND attempt = $2 AND status = 'running' AND ($13 IS NULL OR lease_until < $13)
              RETURNING *",
            )
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(ending.status)
            .bind(ending.exit_code)
            .bind(ending.category)
            .bind(&ending.message)
            .bind(ending.peak_memory_mb)
            .bind(rate)
            .bind(counts.received)
            .bind(counts.stored)
            .bind(counts.rejected + ending.undelivered)
            .bind(now)
            .bind(lapsed)
            .fetch_optional()
            .await?;
        let Some(task) = ended else { return Ok(false) };
        self.events.record(&mut transaction, &[Event::TaskEnded(Box::new(task_ended(task, now)))]).await?;
        transaction.commit().await?;
        self.events.announce();
        Ok(true)
    }

    /// Attempts whose lease has run out: their server is gone.
    pub(super) async fn lost(&self) -> Result<Vec<Claim>> {
        self.db
            .query(
                "SELECT id, spider_id, attempt, is_test, code_hash, params
                   FROM tasks WHERE status = 'running' AND lease_until < $1",
            )
            .bind(self.clock.now())
            .fetch_all()
            .await
    }

    /// The attempts that count as running, wherever.
    pub(super) async fn running_attempts(&self) -> Result<Vec<(TaskId, i64)>> {
        self.db.query("SELECT id, attempt FROM tasks WHERE status = 'running'").fetch_all().await
    }

    /// Whether the task was still waiting, and now is cancelled.
    pub(super) async fn cancel_pending(&self, id: &TaskId) -> Result<bool> {
        let done = self
            .db
            .query(
                "UPDATE tasks SET status = 'cancelled', finished_at = $2, updated_at = $2
                  WHERE id = $1 AND status = 'pending'",
            )
            .bind(id)
            .bind(self.clock.now())
            .execute()
            .await?;
        Ok(done > 0)
    }

    pub(super) async fn request_cancel(&self, id: &TaskId) -> Result<bool> {
        let done = self
            .db
            .query(
                "UPDATE tasks SET cancel_requested_at = COALESCE(cancel_requested_at, $2), updated_at = $2
                  WHERE id = $1 AND status = 'running'",
            )
            .bind(id)
            .bind(self.clock.now())
            .execute()
            .await?;
        Ok(done > 0)
    }

    pub(super) async fn active_of(&self, spider: &SpiderId) -> Result<Vec<TaskId>> {
        let rows: Vec<(TaskId,)> = self
            .db
            .query("SELECT id FROM tasks WHERE spider_id = $1 AND status IN ('pending', 'running') AND NOT is_test")
            .bind(spider)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    pub(super) async fn remove_ended(&self, id: &TaskId) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        for sql in [
            "DELETE FROM task_files WHERE task_id = $1",
            "DELETE FROM task_checkpoints WHERE task_id = $1",
            "DELETE FROM tasks WHERE id = $1 AND status NOT IN ('pending', 'running')",
        ] {
            transaction.query(sql).bind(id).execute().await?;
        }
        transaction.commit().await
    }

    pub(super) async fn set_progress(
        &self,
        id: &TaskId,
        attempt: i64,
        progress: i64,
        message: Option<&str>,
    ) -> Result<()> {
        self.db
            .query(
                "UPDATE tasks SET progress = $3, progress_message = $4, updated_at = $5
                  WHERE id = $1 AND attempt = $2 AND status = 'running'",
            )
            .bind(id)
            .bind(attempt)
            .bind(progress)
            .bind(message)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    /// `data` is JSON, kept to the letter.
    pub(super) async fn set_checkpoint(&self, task: &Task, data: &str) -> Result<()> {
        self.db
            .query(
                "INSERT INTO task_checkpoints (task_id, spider_id, data, updated_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (task_id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
            )
            .bind(&task.id)
            .bind(&task.spider_id)
            .bind(data.as_bytes())
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn checkpoint_of(&self, id: &TaskId) -> Result<Option<String>> {
        let row: Option<(Vec<u8>,)> =
            self.db.query("SELECT data FROM task_checkpoints WHERE task_id = $1").bind(id).fetch_optional().await?;
        row.map(|(data,)| String::from_utf8(data).map_err(Error::internal)).transpose()
    }

    /// The spider's newest failed task that kept one.
    pub(super) async fn last_checkpoint_task(&self, spider: &SpiderId) -> Result<Option<TaskId>> {
        let row: Option<(TaskId,)> = self
            .db
            .query(
                "SELECT tasks.id FROM task_checkpoints JOIN tasks ON tasks.id = task_checkpoints.task_id
                  WHERE task_checkpoints.spider_id = $1 AND tasks.status = 'failed'
                  ORDER BY tasks.id DESC LIMIT 1",
            )
            .bind(spider)
            .fetch_optional()
            .await?;
        Ok(row.map(|(id,)| id))
    }

    pub(super) async fn insert_file(&self, task: &Task, filename: &str, hash: &str, size: i64) -> Result<()> {
        self.db
            .query(
                "INSERT INTO task_files (id, task_id, spider_id, filename, hash, size, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(crate::id::new())
            .bind(&task.id)
            .bind(&task.spider_id)
            .bind(filename)
            .bind(hash)
            .bind(size)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn files_of(&self, id: &TaskId) -> Result<Vec<TaskFile>> {
        self.db
            .query("SELECT id, filename, hash, size, created_at FROM task_files WHERE task_id = $1 ORDER BY id")
            .bind(id)
            .fetch_all()
            .await
    }
}

/// What others hear of a task that has ended.
fn task_ended(task: Task, finished_at: DateTime<Utc>) -> TaskEnded {
    TaskEnded {
        task_id: task.id,
        spider_id: task.spider_id,
        spider_name: task.spider_name,
        status: task.status.to_string(),
        is_test: task.is_test,
        retry_count: task.retry_count,
        error_category: task.error_category.map(|category| category.to_string()),
        error_message: task.error_message,
        total_count: task.total_count,
        success_count: task.success_count,
        started_at: task.started_at,
        finished_at,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate_of(counts: &Counts, took: Duration) -> f64 {
    let seconds = took.num_milliseconds().max(1) as f64 / 1000.0;
    (counts.stored as f64 / seconds * 100.0).round() / 100.0
}
