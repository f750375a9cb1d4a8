//! Claims on tasks: who may run one, for how long, and what says that he no longer may.

use chrono::{DateTime, Duration, Utc};

use super::{Tasks, types::Claim};
use crate::{error::Result, id::TaskId};

/// How long after its end a claim is still honoured by others: its holder, cut off, ends what it started meanwhile.
/// More than the five seconds between SIGTERM and SIGKILL.
pub(super) const GRACE: Duration = Duration::seconds(8);

/// Whether a task may start now: its own time has come, its spider may keep more, and its spider and its project run
/// fewer tasks than they may. Tests run beside anything and count for nothing.
const MAY_START: &str = "
    waiting.status = 'pending'
    AND (waiting.next_attempt_at IS NULL OR waiting.next_attempt_at <= $2)
    AND NOT spiders.over_quota
    AND (waiting.is_test
         OR ((SELECT COUNT(*) FROM tasks AS other
               WHERE other.spider_id = waiting.spider_id AND other.status = 'running' AND NOT other.is_test)
             < CASE WHEN spiders.overlap = 'allow' THEN COALESCE(spiders.max_concurrent, 1000000) ELSE 1 END
             AND (projects.max_concurrent IS NULL
                  OR (SELECT COUNT(*) FROM tasks AS other JOIN spiders AS sibling ON sibling.id = other.spider_id
                       WHERE other.status = 'running' AND NOT other.is_test
                         AND sibling.project_id = spiders.project_id)
                     < projects.max_concurrent)))";

impl Tasks {
    /// Takes the first task that may start: by priority, then by age.
    pub(super) async fn claim_next(&self, worker: &str, lease: Duration) -> Result<Option<Claim>> {
        let now = self.clock.now();
        // Without a lock: most looks find nothing.
        let waiting: Option<(i64,)> = self
            .db
            .query(
                "SELECT CAST(1 AS BIGINT) FROM tasks
                  WHERE status = 'pending' AND (next_attempt_at IS NULL OR next_attempt_at <= $1) LIMIT 1",
            )
            .bind(now)
            .fetch_optional()
            .await?;
        if waiting.is_none() {
            return Ok(None);
        }
        let mut transaction = self.db.begin().await?;
        // Two servers that count at the same moment would both find room for one more.
        transaction.take_turn("claims").await?;
        let claim: Option<Claim> = transaction
            .query_text(format!(
                "UPDATE tasks
                    SET status = 'running', worker_id = $1, attempt = attempt + 1, lease_until = $3,
                        started_at = $2, finished_at = NULL, last_heartbeat = $2, next_attempt_at = NULL,
                        progress = 0, progress_message = NULL, updated_at = $2
                  WHERE id = (SELECT waiting.id
                                FROM tasks AS waiting
                                JOIN spiders ON spiders.id = waiting.spider_id
                                JOIN projects ON projects.id = spiders.project_id
                               WHERE {MAY_START}
                               ORDER BY waiting.priority DESC, waiting.id LIMIT 1)
                    AND status = 'pending'
              RETURNING id, spider_id, attempt, is_test, deployment_id, code_hash, params"
            ))
            .bind(worker)
            .bind(now)
            .bind(now + lease)
            .fetch_optional()
            .await?;
        let Some(claim) = claim else { return Ok(None) };
        transaction
            .query("INSERT INTO attempts (task_id, attempt, worker_id, started_at, items) VALUES ($1, $2, $3, $4, 0)")
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(worker)
            .bind(now)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(Some(claim))
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

    /// Attempts whose claim has run out, and its grace with it: their server is gone.
    pub(super) async fn lost(&self) -> Result<Vec<Claim>> {
        self.db
            .query(
                "SELECT id, spider_id, attempt, is_test, deployment_id, code_hash, params
                   FROM tasks WHERE status = 'running' AND lease_until < $1",
            )
            .bind(self.clock.now() - GRACE)
            .fetch_all()
            .await
    }

    /// Takes all claims from a server that is known to be gone with all that it ran.
    pub(super) async fn disown(&self, worker: &str) -> Result<()> {
        self.db
            .query("UPDATE tasks SET lease_until = $2 WHERE worker_id = $1 AND status = 'running'")
            .bind(worker)
            .bind(self.clock.now() - GRACE * 2)
            .execute()
            .await
            .map(drop)
    }

    /// The server's tasks that somebody asked to be cancelled.
    pub(super) async fn to_cancel(&self, worker: &str) -> Result<Vec<TaskId>> {
        let rows: Vec<(TaskId,)> = self
            .db
            .query(
                "SELECT id FROM tasks
                  WHERE status = 'running' AND worker_id = $1 AND cancel_requested_at IS NOT NULL",
            )
            .bind(worker)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// The attempts that count as running, wherever.
    pub(super) async fn running_attempts(&self) -> Result<Vec<(TaskId, i64)>> {
        self.db.query("SELECT id, attempt FROM tasks WHERE status = 'running'").fetch_all().await
    }
}
