use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    id::{CodeSessionId, SpiderId, UserId},
    platform::{containers::ContainerId, database::word_enum},
};

#[derive(Debug, Clone, FromRow)]
pub struct CodeSession {
    pub id: CodeSessionId,
    pub spider_id: SpiderId,
    pub user_id: UserId,
    pub status: Status,
    /// Each step of its life adds one.
    pub version: i64,
    pub engine: Option<String>,
    pub image: String,
    pub container_id: Option<ContainerId>,
    /// `host:port` at which the editor answers.
    pub upstream: Option<String>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub ready_at: Option<DateTime<Utc>>,
    pub last_active_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub end_reason: Option<String>,
    pub error_message: Option<String>,
    pub synced_at: Option<DateTime<Utc>>,
    pub sync_error: Option<String>,
    pub sync_failures: i64,
    pub retry_at: Option<DateTime<Utc>>,
    pub revivals: i64,
    pub warned_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

word_enum! {
    pub enum Status {
        /// Its container is to be made.
        Pending = "pending",
        /// The container is made, gets its files, and starts.
        Starting = "starting",
        /// The editor answers.
        Ready = "ready",
        /// The files are being brought back, to close it.
        Syncing = "syncing",
        Stopped = "stopped",
        Failed = "failed",
    }
}
