//! Claims on tasks: who may run one, for how long, and what says that he no longer may.

use chrono::{DateTime, Duration, Utc};

use super::{
    Tasks,
    place::Place,
    types::{Claim, Held, InSwarm},
};
use crate::{
    error::{Error, Result},
    id::TaskId,
    protocol::{SWARM_WORKERS, worker_prefix},
};

/// How long after its end a claim is still honoured by others: its holder, cut off, ends what it started meanwhile.
/// More than the five seconds between SIGTERM and SIGKILL.
pub(super) const GRACE: Duration = Duration::seconds(8);
/// How long the end of a lost attempt may take: what it left is stored first.
const TO_END: Duration = Duration::minutes(3);
/// The end of a claim that is nobody's any more.
pub(super) const DISOWNED: DateTime<Utc> = DateTime::UNIX_EPOCH;

const CLAIM: &str = "id, spider_id, attempt, worker_id, is_test, code_hash, deployment_id, deployment_version, params";

/// Whether a task may start now: its own time has come, its spider may keep more, and its spider and its project run
/// fewer tasks than they may. Tests run beside anything and count for nothing.
const MAY_START: &str = "
    waiting.status = 'pending'
    AND (waiting.next_attempt_at IS NULL OR waiting.next_attempt_at <= $1)
    AND NOT spiders.over_quota
    AND (waiting.is_test
         OR ((SELECT COUNT(*) FROM tasks AS other
               WHERE other.spider_id = waiting.spider_id AND other.status = 'running' AND NOT other.is_test)
             < CASE WHEN COALESCE(waiting.overlap, spiders.overlap) = 'allow' THEN COALESCE(spiders.max_concurrent, 1000000) ELSE 1 END
             AND (projects.max_concurrent IS NULL
                  OR (SELECT COUNT(*) FROM tasks AS other JOIN spiders AS sibling ON sibling.id = other.spider_id
                       WHERE other.status = 'running' AND NOT other.is_test
                         AND sibling.project_id = spiders.project_id)
                     < projects.max_concurrent)))";

impl Tasks {
    /// Takes the first task that may start: by priority, then by age.
    pub(super) async fn claim_next(&self, worker: &str, lease: Duration, place: &Place) -> Result<Option<Claim>> {
        let now = self.clock.now();
        let (fits, next) = place.condition(2);
        let first = format!(
            "SELECT waiting.id
               FROM tasks AS waiting
               JOIN spiders ON spiders.id = waiting.spider_id
               JOIN projects ON projects.id = spiders.project_id
              WHERE {MAY_START} AND {fits}
              ORDER BY waiting.priority DESC, waiting.id LIMIT 1"
        );
        // Without a lock: most looks find nothing, and a long queue of those that may not start holds up nobody.
        let look = place.bind(self.db.query_text(first.clone()).bind(now));
        let found: Option<(TaskId,)> = look.fetch_optional().await?;
        if found.is_none() {
            return Ok(None);
        }
        let mut transaction = self.db.begin().await?;
        // Two servers that count at the same moment would both find room for one more.
        transaction.take_turn("claims").await?;
        let (worker_at, lease_at) = (next, next + 1);
        let claiming = transaction
            .query_text(format!(
                "UPDATE tasks
                    SET status = 'running', worker_id = ${worker_at}, attempt = attempt + 1, lease_until = ${lease_at},
                        started_at = $1, finished_at = NULL, last_heartbeat = $1, next_attempt_at = NULL,
                        exit_code = NULL, error_category = NULL, error_message = NULL, peak_memory_mb = NULL,
                        progress = 0, progress_message = NULL, updated_at = $1
                  WHERE id = ({first}) AND status = 'pending'
              RETURNING {CLAIM}"
            ))
            .bind(now);
        let claiming = place.bind(claiming).bind(worker).bind(now + lease);
        let claim: Option<Claim> = claiming.fetch_optional().await?;
        let Some(claim) = claim else { return Ok(None) };
        transaction
            .query(
                "INSERT INTO attempts (task_id, attempt, worker_id, started_at, is_interrupted, items, undelivered)
                 VALUES ($1, $2, $3, $4, FALSE, 0, 0)",
            )
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
    pub(super) async fn renew(
        &self,
        (task, attempt, worker): (&TaskId, i64, &str),
        lease: Duration,
        peak_mb: Option<f64>,
    ) -> Result<Option<bool>> {
        let now = self.clock.now();
        let row: Option<(Option<DateTime<Utc>>,)> = self
            .db
            .query(
                "UPDATE tasks SET lease_until = $4, last_heartbeat = $5, peak_memory_mb = COALESCE($6, peak_memory_mb)
                  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'running'
              RETURNING cancel_requested_at",
            )
            .bind(task)
            .bind(attempt)
            .bind(worker)
            .bind(now + lease)
            .bind(now)
            .bind(peak_mb)
            .fetch_optional()
            .await?;
        Ok(row.map(|(requested,)| requested.is_some()))
    }

    /// All claims there are, whoever holds them.
    pub(super) async fn held(&self) -> Result<Vec<Held>> {
        self.db
            .query("SELECT id, attempt, lease_until, worker_id FROM tasks WHERE status = 'running' AND lease_until IS NOT NULL")
            .fetch_all()
            .await
    }

    /// Claims that a swarm is to run, or runs.
    pub(super) async fn in_swarm(&self) -> Result<Vec<InSwarm>> {
        self.db
            .query_text(format!(
                "SELECT {CLAIM}, started_at, lease_until, cancel_requested_at IS NOT NULL AS is_cancelled FROM tasks
                  WHERE status = 'running' AND SUBSTR(worker_id, 1, {}) = $1 ORDER BY id",
                SWARM_WORKERS.len()
            ))
            .bind(SWARM_WORKERS)
            .fetch_all()
            .await
    }

    /// Takes a lost claim, to end the attempt; `None` where it was renewed meanwhile, or somebody else took it.
    pub(super) async fn take_over(&self, lost: &Held, worker: &str) -> Result<Option<Claim>> {
        self.db
            .query_text(format!(
                "UPDATE tasks SET worker_id = $4, lease_until = $5
                  WHERE id = $1 AND attempt = $2 AND lease_until = $3 AND status = 'running'
              RETURNING {CLAIM}"
            ))
            .bind(&lost.task_id)
            .bind(lost.attempt)
            .bind(lost.lease_until)
            .bind(worker)
            .bind(self.clock.now() + TO_END)
            .fetch_optional()
            .await
    }

    /// Takes all claims from a server that is known to be gone with all that it ran.
    pub(super) async fn disown(&self, worker: &str) -> Result<()> {
        self.db
            .query("UPDATE tasks SET lease_until = $2 WHERE worker_id = $1 AND status = 'running'")
            .bind(worker)
            .bind(DISOWNED)
            .execute()
            .await
            .map(drop)
    }

    /// The claim on an attempt, where this worker has it.
    pub(super) async fn claim_of(&self, task: &TaskId, attempt: i64, worker: &str) -> Result<Option<Claim>> {
        self.db
            .query_text(format!(
                "SELECT {CLAIM} FROM tasks WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'running'"
            ))
            .bind(task)
            .bind(attempt)
            .bind(worker)
            .fetch_optional()
            .await
    }

    pub(super) async fn claims_of(&self, worker: &str) -> Result<Vec<Claim>> {
        self.db
            .query_text(format!("SELECT {CLAIM} FROM tasks WHERE status = 'running' AND worker_id = $1 ORDER BY id"))
            .bind(worker)
            .fetch_all()
            .await
    }

    /// Takes an attempt that waits for whoever comes first, for `worker`; once more where he has it already.
    pub(super) async fn take_waiting(
        &self,
        (task, attempt, worker): (&TaskId, i64, String),
        lease: Duration,
    ) -> Result<Option<Claim>> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        let claim: Option<Claim> = transaction
            .query_text(format!(
                "UPDATE tasks SET worker_id = $3, lease_until = $4, last_heartbeat = $5
                  WHERE id = $1 AND attempt = $2 AND worker_id IN ($6, $3) AND status = 'running'
              RETURNING {CLAIM}"
            ))
            .bind(task)
            .bind(attempt)
            .bind(&worker)
            .bind(now + lease)
            .bind(now)
            .bind(SWARM_WORKERS)
            .fetch_optional()
            .await?;
        if claim.is_none() {
            return Ok(None);
        }
        transaction
            .query("UPDATE attempts SET worker_id = $3 WHERE task_id = $1 AND attempt = $2 AND worker_id = $4")
            .bind(task)
            .bind(attempt)
            .bind(&worker)
            .bind(SWARM_WORKERS)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(claim)
    }

    /// How many tasks a node runs, whichever start of its agent took them.
    pub(super) async fn running_on(&self, node: &str) -> Result<i64> {
        let prefix = worker_prefix(node);
        let (count,) = self
            .db
            .query("SELECT COUNT(*) FROM tasks WHERE status = 'running' AND SUBSTR(worker_id, 1, $1) = $2")
            .bind(i32::try_from(prefix.len()).map_err(Error::internal)?)
            .bind(&prefix)
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// How many lines were in the task's log before the attempt, where that was written down.
    pub(super) async fn former_lines(&self, claim: &Claim) -> Result<Option<i64>> {
        let row: Option<(Option<i64>,)> = self
            .db
            .query("SELECT former_lines FROM attempts WHERE task_id = $1 AND attempt = $2")
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .fetch_optional()
            .await?;
        Ok(row.and_then(|(lines,)| lines))
    }

    /// Writes it down, and answers what stands there: the first word counts.
    pub(super) async fn set_former_lines(&self, claim: &Claim, lines: i64) -> Result<i64> {
        let row: Option<(i64,)> = self
            .db
            .query(
                "UPDATE attempts SET former_lines = COALESCE(former_lines, $3)
                  WHERE task_id = $1 AND attempt = $2 RETURNING former_lines",
            )
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(lines)
            .fetch_optional()
            .await?;
        Ok(row.map_or(lines, |(lines,)| lines))
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
}
