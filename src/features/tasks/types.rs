use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Result},
    features::spiders::Overlap,
    id::{DeploymentId, SpiderId, TaskId},
    platform::{database::word_enum, documents::Counts},
    protocol::SWARM_WORKERS,
    text,
};

word_enum! {
    pub enum TaskStatus {
        Pending = "pending",
        Running = "running",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

word_enum! {
    pub enum Trigger {
        Manual = "manual",
        Schedule = "schedule",
        Retry = "retry",
        Test = "test",
    }
}

word_enum! {
    /// What kind of failure it was, as far as exit, signal and output tell.
    pub enum ErrorCategory {
        Network = "network",
        Auth = "auth",
        Parse = "parse",
        Timeout = "timeout",
        System = "system",
    }
}

/// One run of a spider.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Task {
    pub id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    /// The version of the code that it runs; null: the files as they were when it was queued.
    #[schema(value_type = Option<String>)]
    pub deployment_id: Option<DeploymentId>,
    /// Its number.
    pub deployment_version: Option<i64>,
    /// Where that code came from a repository: the commit. Users may have changed some of it.
    pub git_commit: Option<String>,
    /// The schedule that queued it.
    pub schedule_id: Option<String>,
    /// SHA-256 over the files it runs.
    pub code_hash: String,
    pub status: TaskStatus,
    pub trigger_type: Trigger,
    pub is_test: bool,
    /// The higher, the sooner.
    pub priority: i64,
    /// How often it has been started.
    pub attempt: i64,
    /// How often it was queued again after a failure.
    pub retry_count: i64,
    pub max_retries: i64,
    /// Not before; null: as soon as it can.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why it waits, while it does; also of one that a swarm has and cannot start yet.
    #[sqlx(skip)]
    pub pending_reason: Option<String>,
    /// 0 to 100, as the spider reports it.
    pub progress: i64,
    pub progress_message: Option<String>,
    /// Items received.
    pub total_count: i64,
    /// Items stored.
    pub success_count: i64,
    /// Items rejected or not delivered.
    pub failed_count: i64,
    pub exit_code: Option<i64>,
    pub error_category: Option<ErrorCategory>,
    pub error_message: Option<String>,
    pub worker_id: Option<String>,
    pub container_id: Option<String>,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub scheduled_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// When its log was removed for its age; likewise its items. The counts still say what it did.
    pub logs_removed_at: Option<DateTime<Utc>>,
    pub items_removed_at: Option<DateTime<Utc>>,
    pub last_heartbeat: Option<DateTime<Utc>>,
    pub items_per_second: Option<f64>,
    pub peak_memory_mb: Option<f64>,
    /// JSON as text, the predecessor's form. Only where one task is asked for.
    #[sqlx(skip)]
    pub checkpoint_data: Option<String>,
    #[schema(value_type = Object)]
    pub params: Json<Map<String, Value>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Task {
    /// While a task runs its counts stand with its items; the row has them when it ends.
    pub(super) fn with_counts(mut self, counts: Option<&Counts>) -> Self {
        if let Some(counts) = counts.filter(|_| self.status == TaskStatus::Running) {
            self.total_count = counts.received;
            self.success_count = counts.stored;
            self.failed_count = counts.rejected;
        }
        self
    }
}

/// How to run a spider once.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct RunOptions {
    /// Beside the spider's own parameters, and before them where both name one.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Option<Map<String, Value>>,
    /// The higher, the sooner; 0 where left out.
    pub priority: Option<i64>,
    /// The version to run; where left out, the active one, or the files as they are where none is. A test runs the
    /// files as they are where left out.
    #[schema(value_type = Option<String>)]
    pub deployment_id: Option<DeploymentId>,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskFilter {
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    pub status: Option<TaskStatus>,
    pub trigger_type: Option<Trigger>,
    pub is_test: Option<bool>,
}

/// Whose newest task is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LatestFilter {
    /// Spiders' ids, by comma; at most 100.
    #[serde(default)]
    spider_ids: String,
}

impl LatestFilter {
    pub(super) fn spiders(&self) -> Result<Vec<SpiderId>> {
        let ids = self.spider_ids.split(',').map(str::trim).filter(|id| !id.is_empty());
        let ids: Vec<SpiderId> = ids.map(|id| id.to_owned().into()).collect();
        let mut checks = Checks::default();
        checks.require(ids.len() <= 100, "query.spider_ids", "value_error", || text!("最多 100 个", "at most 100"));
        checks.finish()?;
        Ok(ids)
    }
}

/// What a run is set to use: made at the moment it is queued.
#[derive(Debug)]
pub(super) struct NewTask {
    pub id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub trigger: Trigger,
    pub priority: i64,
    pub max_retries: i64,
    /// What it does beside other tasks of the spider.
    pub overlap: Overlap,
    pub params: Map<String, Value>,
}

/// A claim on a task: whoever holds it may write to the task until the lease runs out or `attempt` is no longer the
/// task's.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Claim {
    #[sqlx(rename = "id")]
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub attempt: i64,
    /// The server that holds it.
    pub worker_id: String,
    pub is_test: bool,
    pub deployment_id: Option<DeploymentId>,
    pub deployment_version: Option<i64>,
    pub code_hash: String,
    pub params: Json<Map<String, Value>>,
}

impl Claim {
    /// The task, its attempt, and whoever holds it.
    pub(super) fn held(&self) -> (&TaskId, i64, &str) {
        (&self.task_id, self.attempt, &self.worker_id)
    }
}

/// A claim as others see it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Held {
    #[sqlx(rename = "id")]
    pub task_id: TaskId,
    pub attempt: i64,
    pub lease_until: DateTime<Utc>,
    pub worker_id: String,
}

/// A claim that a swarm is to run, or runs.
#[derive(Debug, Clone, FromRow)]
pub(super) struct InSwarm {
    #[sqlx(flatten)]
    pub claim: Claim,
    pub started_at: DateTime<Utc>,
    pub lease_until: DateTime<Utc>,
    pub is_cancelled: bool,
}

impl InSwarm {
    pub(super) fn held(&self) -> Held {
        Held {
            task_id: self.claim.task_id.clone(),
            attempt: self.claim.attempt,
            lease_until: self.lease_until,
            worker_id: self.claim.worker_id.clone(),
        }
    }

    /// Whether its container has not asked for it yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.claim.worker_id == SWARM_WORKERS
    }
}

/// What broke an attempt off, where it was not the spider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// The server stopped.
    Stopped,
    /// The server is gone, or was cut off.
    Lost,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub status: TaskStatus,
    pub exit_code: Option<i64>,
    pub category: Option<ErrorCategory>,
    pub message: Option<String>,
    pub peak_memory_mb: Option<f64>,
    /// Items that could not be stored.
    pub undelivered: i64,
    pub interruption: Option<Interruption>,
}

/// One time that a task was started.
#[derive(Debug, Serialize, FromRow, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's word")]
pub(super) struct Attempt {
    pub attempt: i64,
    pub worker_id: String,
    pub started_at: DateTime<Utc>,
    /// Null while it runs.
    pub finished_at: Option<DateTime<Utc>>,
    pub status: Option<TaskStatus>,
    pub exit_code: Option<i64>,
    pub error_category: Option<ErrorCategory>,
    pub error_message: Option<String>,
    /// Its server stopped or was lost. That counts for no retry.
    pub is_interrupted: bool,
    /// Items that it stored.
    pub items: i64,
    pub peak_memory_mb: Option<f64>,
}

/// A file that a spider uploaded.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub(super) struct TaskFile {
    pub id: String,
    pub filename: String,
    #[serde(skip)]
    pub hash: String,
    pub size: i64,
    pub created_at: DateTime<Utc>,
}
