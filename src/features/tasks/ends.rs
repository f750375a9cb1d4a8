//! How attempts end: for good, or to be tried again.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ErrorCategory, Task, TaskStatus, Tasks, gone,
    retry::{Past, Policy},
    types::{Attempt, Claim, Ending, Interruption},
};
use crate::{
    error::{Error, Result},
    features::{
        events::{DataDrift, Event, TaskEnded},
        spiders::Spider,
    },
    id::{SpiderId, TaskId},
    platform::{database::Transaction, documents::Counts},
    protocol::SWARM_WORKERS,
};

/// So many crashes of servers a task survives at least, whatever it is set to: it has not failed. Not without end, as it
/// may be what takes them down.
const CRASHES: i64 = 10;
/// Tasks whose counts are taken over at once.
const CORRECTED: i64 = 200;

impl Tasks {
    /// Ends the attempt. `None` when it was no longer ours to end; else what became of the task: `pending` where it is
    /// tried again.
    pub(super) async fn finish(&self, claim: &Claim, ending: &Ending) -> Result<Option<TaskStatus>> {
        // First of all: what is counted is all there is.
        let counts = self.documents.close_attempt(&claim.task_id, claim.attempt).await?;
        let spider = self.spider_of(&claim.spider_id).await?;
        let policy = spider.as_ref().map(policy_of);
        let is_whole = ending.status == TaskStatus::Completed && !claim.is_test;
        // That a run ended must not hang on how it compares with others.
        let drift = if is_whole { self.drift_of(claim, counts).await } else { Ok(None) };
        let drift = drift.unwrap_or_else(|error| {
            tracing::warn!(%error, task = %claim.task_id, "the run cannot be compared with those before it");
            None
        });
        let may_tell_gone = is_whole
            && counts.received > 0
            // Where it was cut there, what it did not bring may be there all the same.
            && spider.is_some_and(|spider| spider.max_items.is_none_or(|most| counts.received < most))
            && self.spiders.contract(&claim.spider_id).await?.dedup().is_some();
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        // By changing it, not by reading: the row is the lock.
        let task: Option<Task> = transaction
            .query(
                "UPDATE tasks SET updated_at = $4
                  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'running'
              RETURNING *",
            )
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(&claim.worker_id)
            .bind(now)
            .fetch_optional()
            .await?;
        let Some(task) = task else { return Ok(None) };
        let next = match policy {
            Some(policy) => next_attempt(&mut transaction, &task, ending, &policy, now).await?,
            None => None,
        };
        let status = match (ending.status, next) {
            (TaskStatus::Failed, Some(_)) => TaskStatus::Pending,
            // Somebody wanted it ended, and it has.
            (TaskStatus::Failed, None) if task.cancel_requested_at.is_some() => TaskStatus::Cancelled,
            (status, _) => status,
        };
        let items = end_row(&mut transaction, &task, ending, counts, now).await?;
        let ended = set_end(&mut transaction, &task, (status, next), ending, (counts, items), now).await?;
        // What was rejected, in any attempt, is not among the keys that were seen.
        let tells_gone = may_tell_gone && ended.failed_count == 0;
        if tells_gone {
            gone::mark(&mut transaction, &ended).await?;
        }
        if status.is_final() {
            let drift = drift
                .map(|drift| Event::DataDrift(Box::new(DataDrift { spider_name: ended.spider_name.clone(), ..drift })));
            let events: Vec<Event> =
                [Event::TaskEnded(Box::new(fact_of(ended, now)))].into_iter().chain(drift).collect();
            self.events.record(&mut transaction, &events).await?;
        }
        transaction.commit().await?;
        self.events.announce();
        if tells_gone {
            self.whole.notify_one();
        }
        Ok(Some(status))
    }

    /// `None` where the spider is gone: nothing to try again.
    async fn spider_of(&self, id: &SpiderId) -> Result<Option<Spider>> {
        match self.spiders.get(id).await {
            Ok(spider) => Ok(Some(spider)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// [`Self::correct_counts`] for the latest of the spider's tasks that had items rejected, or for the one: whoever let
    /// these out may have been cut off before the counts were taken over.
    pub async fn correct_counts_of(&self, spider: &SpiderId, task: Option<&TaskId>) -> Result<()> {
        let tasks: Vec<(TaskId,)> = self
            .db
            .query(
                "SELECT id FROM tasks
                  WHERE spider_id = $1 AND ($2 IS NULL OR id = $2) AND failed_count > 0
                    -- What the predecessor counted stays.
                    AND status NOT IN ('pending', 'running')
                    AND EXISTS (SELECT 1 FROM attempts WHERE attempts.task_id = tasks.id)
                  ORDER BY id DESC LIMIT $3",
            )
            .bind(spider)
            .bind(task)
            .bind(CORRECTED)
            .fetch_all()
            .await?;
        for (task,) in tasks {
            self.correct_counts(&task).await?;
        }
        Ok(())
    }

    /// Takes over what was counted anew of a task that has ended: items were let out of quarantine.
    pub async fn correct_counts(&self, id: &TaskId) -> Result<()> {
        let counts = self.documents.counts(std::slice::from_ref(id)).await?;
        let Some(counts) = counts.get(id) else { return Ok(()) };
        self.db
            .query(
                "UPDATE tasks
                    SET success_count = $2,
                        failed_count = $3 + (SELECT CAST(COALESCE(SUM(undelivered), 0) AS BIGINT) FROM attempts
                                              WHERE task_id = $1)
                  WHERE id = $1 AND status NOT IN ('pending', 'running')",
            )
            .bind(id)
            .bind(counts.stored)
            .bind(counts.rejected)
            .execute()
            .await
            .map(drop)
    }

    /// Ends a task that has not started, where it has not. Whether it did.
    pub(super) async fn cancel_pending(&self, id: &TaskId) -> Result<bool> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        let task: Option<Task> = transaction
            .query(
                "UPDATE tasks SET status = 'cancelled', next_attempt_at = NULL, finished_at = $2, updated_at = $2,
                                  cancel_requested_at = $2
                  WHERE id = $1 AND status = 'pending'
              RETURNING *",
            )
            .bind(id)
            .bind(now)
            .fetch_optional()
            .await?;
        let Some(task) = task else { return Ok(false) };
        let event = Event::TaskEnded(Box::new(fact_of(task, now)));
        self.events.record(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        self.events.announce();
        Ok(true)
    }

    /// The task's attempts, in order.
    pub(super) async fn attempts_of(&self, id: &TaskId) -> Result<Vec<Attempt>> {
        self.db.query("SELECT * FROM attempts WHERE task_id = $1 ORDER BY attempt").bind(id).fetch_all().await
    }
}

fn policy_of(spider: &Spider) -> Policy {
    Policy {
        max_retries: spider.max_retries,
        delay: TimeDelta::seconds(spider.retry_delay_seconds),
        limits: spider.retry_limits.clone(),
    }
}

/// When the task is tried again, if it is. `max_retries` of the task, not of the spider: as it was when it was queued.
async fn next_attempt(
    transaction: &mut Transaction,
    task: &Task,
    ending: &Ending,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let Some(category) = ending.category.filter(|_| ending.status == TaskStatus::Failed) else { return Ok(None) };
    if task.cancel_requested_at.is_some() || task.is_test {
        return Ok(None);
    }
    let before = "SELECT COUNT(*) FILTER (WHERE is_interrupted),
                         COUNT(*) FILTER (WHERE error_category = $3 AND NOT is_interrupted)
                    FROM attempts WHERE task_id = $1 AND attempt < $2";
    let (interrupted, alike): (i64, i64) =
        transaction.query(before).bind(&task.id).bind(task.attempt).bind(category).fetch_one().await?;
    let policy = Policy { max_retries: task.max_retries, ..policy.clone() };
    // Where a container says that it was told to stop, the spider in it may have done that.
    let is_told_by_container = task.worker_id.as_ref().is_some_and(|worker| worker.starts_with(SWARM_WORKERS));
    match ending.interruption {
        Some(Interruption::Stopped) if !is_told_by_container => Ok(Some(now)),
        Some(Interruption::Stopped | Interruption::Lost) => {
            Ok(Some(now).filter(|_| interrupted < CRASHES.max(task.max_retries)))
        }
        None if policy.allows(category, Past { retries: task.retry_count, alike }) => {
            Ok(Some(now + policy.pause(&task.id, task.retry_count)))
        }
        None => Ok(None),
    }
}

/// The attempt's own row; how many items it stored.
async fn end_row(
    transaction: &mut Transaction,
    task: &Task,
    ending: &Ending,
    counts: Counts,
    now: DateTime<Utc>,
) -> Result<i64> {
    let row: Option<(i64,)> = transaction
        .query(
            "UPDATE attempts
                SET finished_at = $3, status = $4, exit_code = $5, error_category = $6, error_message = $7,
                    is_interrupted = $8, peak_memory_mb = $9, undelivered = $10,
                    items = $11 - (SELECT CAST(COALESCE(SUM(former.items), 0) AS BIGINT) FROM attempts AS former
                                    WHERE former.task_id = $1 AND former.attempt < $2)
              WHERE task_id = $1 AND attempt = $2
          RETURNING items",
        )
        .bind(&task.id)
        .bind(task.attempt)
        .bind(now)
        .bind(ending.status)
        .bind(ending.exit_code)
        .bind(ending.category)
        .bind(&ending.message)
        .bind(ending.interruption.is_some())
        .bind(ending.peak_memory_mb.or(task.peak_memory_mb))
        .bind(ending.undelivered)
        .bind(counts.stored)
        .fetch_optional()
        .await?;
    // None: it was started by a version that kept no attempts.
    Ok(row.map_or(counts.stored, |(items,)| items))
}

/// The task's row, with the sums of all attempts; how fast items came is the last one's.
async fn set_end(
    transaction: &mut Transaction,
    task: &Task,
    (status, next_attempt_at): (TaskStatus, Option<DateTime<Utc>>),
    ending: &Ending,
    (counts, items): (Counts, i64),
    now: DateTime<Utc>,
) -> Result<Task> {
    let is_retry = next_attempt_at.is_some() && ending.interruption.is_none();
    transaction
        .query(
            "UPDATE tasks
                SET status = $2, exit_code = $3, error_category = $4, error_message = $5,
                    peak_memory_mb = COALESCE($6, peak_memory_mb), items_per_second = $7, total_count = $8,
                    success_count = $9,
                    failed_count = $10 + (SELECT CAST(COALESCE(SUM(undelivered), 0) AS BIGINT) FROM attempts
                                           WHERE task_id = $1),
                    finished_at = $11, lease_until = NULL, next_attempt_at = $12, retry_count = retry_count + $13,
                    -- Not whoever wrote the end down in the place of one that is gone.
                    worker_id = (SELECT worker_id FROM attempts WHERE task_id = $1 AND attempt = $14),
                    progress = CASE WHEN $2 = 'completed' THEN 100 ELSE progress END
              WHERE id = $1
          RETURNING *",
        )
        .bind(&task.id)
        .bind(status)
        .bind(ending.exit_code)
        .bind(ending.category)
        .bind(&ending.message)
        .bind(ending.peak_memory_mb)
        .bind(task.started_at.map(|started| rate_of(items, now - started)))
        .bind(counts.received)
        .bind(counts.stored)
        .bind(counts.rejected)
        .bind(Some(now).filter(|_| status.is_final()))
        .bind(next_attempt_at)
        .bind(i64::from(is_retry))
        .bind(task.attempt)
        .fetch_one()
        .await
}

/// What others hear of a task that has ended.
pub(super) fn fact_of(task: Task, now: DateTime<Utc>) -> TaskEnded {
    TaskEnded {
        task_id: task.id,
        spider_id: task.spider_id,
        spider_name: task.spider_name,
        status: task.status.to_string(),
        is_test: task.is_test,
        retry_count: task.retry_count,
        error_category: task.error_category.as_ref().map(ErrorCategory::to_string),
        error_message: task.error_message,
        total_count: task.total_count,
        success_count: task.success_count,
        started_at: task.started_at,
        finished_at: task.finished_at.unwrap_or(now),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate_of(items: i64, took: TimeDelta) -> f64 {
    let seconds = took.num_milliseconds().max(1) as f64 / 1000.0;
    (items as f64 / seconds * 100.0).round() / 100.0
}
