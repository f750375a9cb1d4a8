use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use crate::{
    config::WorkspaceMode,
    error::{Checks, Error, Result},
    id::{RunId, WorkspaceId},
    platform::{containers::Mark, database::word_enum},
    text,
};

/// That of the workspace which every user has.
pub(super) const DEFAULT: &str = "default";
const LONGEST_NAME: usize = 63;
const LONGEST_COMMAND: usize = 128 * 1024 - 1;
/// In seconds.
const LONGEST_TIME: u64 = 600;

#[derive(Debug, Clone, FromRow)]
pub(super) struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub mode: Mode,
    pub engine: Option<String>,
    pub bytes: i64,
    pub files: i64,
    pub measured_at: Option<DateTime<Utc>>,
    pub last_used_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

word_enum! {
    #[schema(as = WorkspaceMode)]
    pub enum Mode {
        /// In a container that goes on: what a command leaves running is there for the next one.
        Persistent = "persistent",
        /// In a container of its own, which is gone with it; only files stay.
        Ephemeral = "ephemeral",
    }
}

impl From<WorkspaceMode> for Mode {
    fn from(mode: WorkspaceMode) -> Self {
        match mode {
            WorkspaceMode::Persistent => Self::Persistent,
            WorkspaceMode::Ephemeral => Self::Ephemeral,
        }
    }
}

word_enum! {
    #[schema(as = WorkspaceRunKind)]
    pub enum Kind {
        Command = "command",
        Terminal = "terminal",
        Files = "files",
    }
}

/// Something that goes on in a workspace.
#[derive(Debug, Clone, FromRow)]
pub(super) struct RunRow {
    pub id: RunId,
    pub workspace_id: WorkspaceId,
    pub kind: Kind,
    pub mark: i64,
    pub lease_until: DateTime<Utc>,
}

impl RunRow {
    pub(super) fn mark(&self) -> Option<Mark> {
        Mark::of(self.mark)
    }
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewWorkspace {
    /// Lower case letters, digits, and `-` in between; 63 characters at most.
    #[schema(example = "scratch")]
    pub name: String,
    /// How commands are run that do not say it; left out: as the server's settings say.
    pub mode: Option<Mode>,
}

impl NewWorkspace {
    pub(super) fn check(&self) -> Result<()> {
        if is_name(&self.name) {
            return Ok(());
        }
        let text = text!(
            "只能由小写字母、数字和中间的 - 组成，最长 63 个字符",
            "takes lower case letters, digits, and - in between, 63 characters at most"
        );
        Err(Error::invalid("body.name", "value_error", text))
    }
}

fn is_name(name: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(may_stand)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// A workspace, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sandbox)]
pub(super) struct Shown {
    /// By which the engine's containers and volumes are known as its: label `crawlhub.workspace`.
    pub id: WorkspaceId,
    pub name: String,
    pub mode: Mode,
    /// Whether its container is there. It comes with the next command, and goes when nobody does anything for long.
    pub status: Status,
    pub usage: Usage,
    pub limits: Limits,
    pub last_used_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WorkspaceStatus)]
pub(super) enum Status {
    Running,
    Stopped,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceUsage)]
pub(super) struct Usage {
    /// Of its files on the disk.
    pub bytes: i64,
    /// Folders among them.
    pub files: i64,
    /// When they were counted; null: never.
    pub measured_at: Option<DateTime<Utc>>,
    /// Of what runs in its container; null where nothing does.
    pub memory_bytes: Option<u64>,
    /// How many run now,
    pub commands: i64,
    /// and how many are open.
    pub terminals: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceLimits)]
pub(super) struct Limits {
    pub cpus: f64,
    pub memory_mb: i64,
    pub processes: i64,
    pub file_mb: i64,
    pub disk_mb: i64,
    /// That a command may be given.
    pub timeout_seconds: u64,
    pub idle_minutes: i64,
    pub commands: i64,
    pub terminals: i64,
}

impl Limits {
    pub(super) fn of(settings: &crate::config::Workspaces) -> Self {
        Self {
            cpus: settings.cpus,
            memory_mb: settings.memory_mb,
            processes: settings.processes,
            file_mb: settings.file_mb,
            disk_mb: settings.disk_mb,
            timeout_seconds: LONGEST_TIME,
            idle_minutes: settings.idle_minutes,
            commands: settings.commands_per_user,
            terminals: settings.terminals_per_user,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RemoveParams {
    /// Whether its files go as well, for good. Left out, only what runs in it is ended, and its container goes.
    pub purge: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(super) struct Command {
    /// For `bash -c` (`sh` where the image has no bash), in `/workspace`.
    #[schema(example = "ls -l; python3 main.py")]
    pub command: String,
    /// After so many seconds it is ended, with all that it has started; 1 to 600.
    #[serde(default = "half_a_minute")]
    #[schema(default = 30, minimum = 1, maximum = 600)]
    pub timeout: u64,
    /// Left out: the workspace's own.
    pub mode: Option<Mode>,
}

fn half_a_minute() -> u64 {
    30
}

impl Command {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        checks.not_empty("body.command", &self.command);
        checks.require(self.command.len() <= LONGEST_COMMAND, "body.command", "too_long", || {
            text!("最长 {LONGEST_COMMAND} 字节", "is longer than {LONGEST_COMMAND} bytes")
        });
        checks.require(!self.command.contains('\0'), "body.command", "value_error", || {
            text!("不能包含空字符", "must not contain NUL")
        });
        checks.require((1..=LONGEST_TIME).contains(&self.timeout), "body.timeout", "value_error", || {
            text!("须在 1 到 {LONGEST_TIME} 之间", "must be between 1 and {LONGEST_TIME}")
        });
        checks.finish()
    }
}

/// What became of a command.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommandResult)]
pub(super) struct Done {
    /// Of what is no UTF-8, with marks in its place. Of more than a MiB the beginning and the end.
    pub stdout: String,
    pub stderr: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = CommandOutcome)]
#[expect(clippy::struct_excessive_bools, reason = "each of them may hold")]
pub(super) struct Outcome {
    /// 137 where it was killed.
    pub exit_code: i64,
    /// Its time was over, and everything that it had started is ended.
    pub timed_out: bool,
    pub duration_ms: u64,
    /// It printed more than is kept of it.
    pub truncated: bool,
    /// It could only be ended together with everything else in the workspace, which was started anew.
    pub restarted: bool,
    /// It was ended as the workspace holds more than it may.
    pub disk_full: bool,
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names() {
        for name in ["a", "scratch", "a-1", &"a".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a_b", "a b", "a/b", "..", "名", &"a".repeat(64)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
