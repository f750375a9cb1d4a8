use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

use super::super::files::States;

/// A path of the commit that a spider cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct LeftOutPath {
    pub path: String,
    /// `link`, `submodule`, or `name`: one that cannot lie on every machine.
    pub reason: String,
}

/// A file that both had changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct FileAside {
    /// What has the commit's content.
    pub path: String,
    /// Where the spider's own content is now.
    pub aside: String,
}

/// Between a spider and its repository.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct SpiderRepository {
    /// The folder of the repository; empty: all of it.
    pub folder: String,
    /// What its files were last brought to.
    pub git_commit: Option<String>,
    /// Why they could not be brought to another one.
    pub git_error: Option<String>,
    /// What of the commit is not among its files, the first twenty.
    pub left_out: Vec<LeftOutPath>,
    /// Of the last time that something new came.
    pub conflicts: Vec<FileAside>,
    pub synced_at: Option<DateTime<Utc>>,
}

/// What both had last agreed on.
#[derive(Debug, Clone, Default, FromRow)]
pub(super) struct Agreed {
    pub folder: String,
    /// Equal ones have equal files.
    pub tree: String,
    #[sqlx(json)]
    pub files: States,
}

/// The rest of the row.
#[derive(Debug, FromRow)]
pub(super) struct Outcome {
    pub folder: String,
    pub left_out: Json<Vec<LeftOutPath>>,
    pub conflicts: Json<Vec<FileAside>>,
    pub synced_at: DateTime<Utc>,
}
