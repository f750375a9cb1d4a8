use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::sync::Synced;
use crate::{
    config,
    error::Text,
    id::{CodeSessionId, SpiderId, UserId},
    platform::{containers::ContainerId, database::word_enum, http::said},
    text,
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
    #[schema(as = CodeSessionStatus)]
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

impl Status {
    /// Whether it is neither over nor given up.
    pub(super) fn is_active(self) -> bool {
        !matches!(self, Self::Stopped | Self::Failed)
    }
}

word_enum! {
    /// Why an editor is closed.
    pub enum Ending {
        /// Somebody closed it.
        Closed = "closed",
        /// Nobody worked in it for long.
        Idle = "idle",
        /// It was open for as long as one may be.
        Expired = "expired",
        /// It ended by itself again and again.
        Crashed = "crashed",
        /// It had written more to the engine's disk than one may.
        DiskFull = "disk_full",
        /// The spider is gone.
        SpiderGone = "spider_gone",
        /// Its user is gone, or may not change spiders any more.
        UserGone = "user_gone",
    }
}

/// When an editor will be closed if nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub at: DateTime<Utc>,
    pub is_idle: bool,
}

impl End {
    pub(super) fn of(session: &CodeSession, settings: &config::CodeSessions) -> Self {
        let idle = session.last_active_at + TimeDelta::minutes(settings.idle_minutes);
        Self { at: idle.min(session.expires_at), is_idle: idle < session.expires_at }
    }

    /// From when on there is a warning.
    pub(super) fn warns_at(self, settings: &config::CodeSessions) -> DateTime<Utc> {
        self.at - TimeDelta::minutes(settings.warn_minutes)
    }
}

/// An editor, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    pub id: CodeSessionId,
    pub spider_id: SpiderId,
    pub user_id: UserId,
    pub status: Status,
    /// Where it is opened, with `?tkn=<token>` behind it.
    #[schema(example = "/code-server/01890a5d-ac96-774b-bcce-b302099a8057/")]
    pub url: String,
    /// Opens it once, within five minutes. Only answered to whoever asks for an editor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    pub last_active_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// There soon: it will be closed, unless somebody works in it.
    pub warning: Option<Warning>,
    /// When the spider got its files last.
    pub synced_at: Option<DateTime<Utc>>,
    /// Why the spider could not get its files the last time.
    pub sync_error: Option<String>,
    pub error_message: Option<String>,
    pub end_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Warning {
    /// `idle` or `expired`.
    pub reason: &'static str,
    pub at: DateTime<Utc>,
}

/// What a synchronisation came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Synchronised {
    pub success: bool,
    /// Written and removed here, and in the editor.
    pub files_synced: usize,
    pub message: String,
    /// Where both sides had changed a file: the spider's version stays, and the editor's lies beside it.
    pub conflicts: Vec<Conflict>,
    /// What a spider cannot have, and stays in the editor.
    pub skipped: Vec<SkippedFile>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Conflict {
    pub path: String,
    pub kept_as: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SkippedFile {
    pub path: String,
    /// `name`: no path that a spider may have; `not_a_file`: a link, a device.
    pub reason: &'static str,
}

impl From<Synced> for Synchronised {
    fn from(synced: Synced) -> Self {
        let files_synced = synced.written + synced.removed + synced.sent;
        let conflicts: Vec<Conflict> =
            synced.conflicts.into_iter().map(|(path, kept_as)| Conflict { path, kept_as }).collect();
        let skipped =
            synced.skipped.into_iter().map(|file| SkippedFile { path: file.path, reason: file.reason }).collect();
        let message = said(told(files_synced, &conflicts));
        Self { success: true, files_synced, message, conflicts, skipped }
    }
}

fn told(files: usize, conflicts: &[Conflict]) -> Text {
    if conflicts.is_empty() {
        return text!("已同步 {files} 个文件", "{files} files synchronised");
    }
    let kept: Vec<&str> = conflicts.iter().map(|conflict| conflict.kept_as.as_str()).take(10).collect();
    let kept = kept.join(", ");
    text!(
        "已同步 {files} 个文件；双方都修改过的文件，编辑器的版本另存为: {kept}",
        "{files} files synchronised; where both sides had changed a file, the editor's version is kept as: {kept}"
    )
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OpenParams {
    /// Whether to answer only when the editor can be used; true where left out.
    pub wait: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CloseParams {
    /// Also where the files cannot be brought back: what is not saved is lost.
    pub force: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    pub status: Option<Status>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct Heartbeat {
    /// Whether somebody works in the editor. An open page is no work: left out, it is false.
    pub active: bool,
}
