use sqlx::types::Json;

use super::{
    Task, TaskFilter, TaskStatus, Tasks,
    ends::fact_of,
    internal::not_running,
    queue,
    types::{NewTask, TaskFile, Trigger},
};
use crate::{
    error::{Error, Result},
    features::{
        events::Event,
        spiders::{CodeChoice, Overlap},
    },
    id::{SpiderId, TaskId},
    platform::{
        database::{Query, Transaction, in_list},
        http::Paging,
    },
    runner::StopReason,
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
        Ok(self.completed(vec![task]).await?.remove(0))
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
        self.completed(tasks).await
    }

    /// The newest real task of each of these spiders.
    pub(super) async fn latest(&self, spiders: &[SpiderId]) -> Result<Vec<Task>> {
        if spiders.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.db.query_text(format!(
            "SELECT * FROM tasks WHERE id IN (
                 SELECT (SELECT id FROM tasks WHERE spider_id = spiders.id AND NOT is_test ORDER BY id DESC LIMIT 1)
                   FROM spiders WHERE id IN ({}))",
            in_list(1, spiders.len())
        ));
        let tasks = spiders.iter().fold(query, Query::bind).fetch_all().await?;
        self.completed(tasks).await
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

    /// With what does not stand in its row.
    async fn completed(&self, tasks: Vec<Task>) -> Result<Vec<Task>> {
        let tasks = self.explained(tasks).await?;
        let running: Vec<TaskId> =
            tasks.iter().filter(|task| task.status == TaskStatus::Running).map(|task| task.id.clone()).collect();
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

    /// Queues the task, unless the spider's `overlap` is `skip` and it has an active one; `None` then. Where it is
    /// `replace`, what is active is cancelled or told to stop; the new one starts when nothing of it runs any more. Tests
    /// run beside anything and do not count as active.
    pub(super) async fn insert(&self, new: &NewTask, code: &CodeChoice) -> Result<Option<Task>> {
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
        if must_wait && new.overlap == Overlap::Skip {
            return Ok(None);
        }
        let mut replaced = Vec::new();
        if must_wait && new.overlap == Overlap::Replace {
            let (cancelled, stopping) = queue::replace(&mut transaction, &[&new.spider_id], &[], now).await?;
            replaced = stopping;
            replaced.extend(cancelled.iter().map(|task| task.id.clone()));
            let facts: Vec<Event> =
                cancelled.into_iter().map(|task| Event::TaskEnded(Box::new(fact_of(task, now)))).collect();
            self.events.record(&mut transaction, &facts).await?;
        }
        let code = self.spiders.code_in(&mut transaction, &new.spider_id, code).await?;
        let task = transaction
            .query(
                "INSERT INTO tasks (id, spider_id, spider_name, code_hash, status, trigger_type, is_test, priority,
                                    attempt, retry_count, max_retries, progress, total_count,
                                    success_count, failed_count, scheduled_at, params, created_at, updated_at,
                                    deployment_id, deployment_version, overlap, git_commit)
                 VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, 0, 0, $8, 0, 0, 0, 0, $9, $10, $9, $9, $11, $12, $13, $14)
              RETURNING *",
            )
            .bind(&new.id)
            .bind(&new.spider_id)
            .bind(&new.spider_name)
            .bind(&code.code_hash)
            .bind(new.trigger)
            .bind(new.trigger == Trigger::Test)
            .bind(new.priority)
            .bind(new.max_retries)
            .bind(now)
            .bind(Json(&new.params))
            .bind(&code.deployment_id)
            .bind(code.deployment_version)
            .bind(new.overlap)
            .bind(&code.git_commit)
            .fetch_one()
            .await?;
        transaction.commit().await?;
        for former in &replaced {
            self.stop_here(former, StopReason::Cancelled);
            self.signals.raise(former);
        }
        self.queued.wake_nodes();
        self.events.announce();
        Ok(Some(task))
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

    /// In one transaction: some hundred at a time. Says how many rows there were.
    pub(super) async fn remove_ended(&self, tasks: &[TaskId]) -> Result<u64> {
        let (mut transaction, mut removed) = (self.db.begin().await?, 0);
        let list = in_list(1, tasks.len());
        for sql in [
            format!("DELETE FROM task_files WHERE task_id IN ({list})"),
            format!("DELETE FROM task_checkpoints WHERE task_id IN ({list})"),
            format!("DELETE FROM tasks WHERE id IN ({list}) AND status NOT IN ('pending', 'running')"),
        ] {
            let query = tasks.iter().fold(transaction.query_text(sql), Query::bind);
            removed = query.execute().await?;
        }
        transaction.commit().await?;
        Ok(removed)
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

    /// `data` is JSON, kept to the letter. An error where the attempt is over.
    pub(super) async fn set_checkpoint(&self, task: &Task, data: &str) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        hold_running(&mut transaction, task).await?;
        transaction
            .query(
                "INSERT INTO task_checkpoints (task_id, spider_id, data, updated_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (task_id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
            )
            .bind(&task.id)
            .bind(&task.spider_id)
            .bind(data.as_bytes())
            .bind(self.clock.now())
            .execute()
            .await?;
        transaction.commit().await
    }

    pub(super) async fn checkpoint_of(&self, id: &TaskId) -> Result<Option<String>> {
        let row: Option<(Vec<u8>,)> =
            self.db.query("SELECT data FROM task_checkpoints WHERE task_id = $1").bind(id).fetch_optional().await?;
        row.map(|(data,)| String::from_utf8(data).map_err(Error::internal)).transpose()
    }

    /// The task itself, where a former attempt of it kept one; else the spider's newest failed task that did.
    pub(super) async fn last_checkpoint_task(&self, spider: &SpiderId, task: &TaskId) -> Result<Option<TaskId>> {
        let own: Option<(TaskId,)> = self
            .db
            .query("SELECT task_id FROM task_checkpoints WHERE task_id = $1")
            .bind(task)
            .fetch_optional()
            .await?;
        if let Some((id,)) = own {
            return Ok(Some(id));
        }
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

    /// An error where the attempt is over.
    pub(super) async fn insert_file(&self, task: &Task, filename: &str, hash: &str, size: i64) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        hold_running(&mut transaction, task).await?;
        transaction
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
            .await?;
        transaction.commit().await
    }

    pub(super) async fn files_of(&self, id: &TaskId) -> Result<Vec<TaskFile>> {
        self.db
            .query("SELECT id, filename, hash, size, created_at FROM task_files WHERE task_id = $1 ORDER BY id")
            .bind(id)
            .fetch_all()
            .await
    }
}

/// Holds the attempt's row until the transaction ends; an error where the attempt is over.
async fn hold_running(transaction: &mut Transaction, task: &Task) -> Result<()> {
    let held = transaction
        .query("UPDATE tasks SET id = id WHERE id = $1 AND attempt = $2 AND status = 'running'")
        .bind(&task.id)
        .bind(task.attempt)
        .execute()
        .await?;
    if held > 0 { Ok(()) } else { Err(not_running()) }
}
