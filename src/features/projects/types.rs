use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Result},
    id::ProjectId,
    platform::{database::word_enum, http::sent},
    text,
};

word_enum! {
    /// Of its git repository; a project without one is `active`.
    pub enum ProjectStatus {
        Active = "active",
        Pending = "pending",
        Syncing = "syncing",
        Error = "error",
    }
}

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: String,
    pub git_url: Option<String>,
    pub git_branch: Option<String>,
    pub node_id: Option<String>,
    pub local_path: Option<String>,
    pub status: ProjectStatus,
    pub sync_error: Option<String>,
    pub last_sync_at: Option<DateTime<Utc>>,
    /// Tasks of its spiders at once; null: no limit.
    pub max_concurrent: Option<i64>,
    pub spider_count: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a caller may set; a field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct ProjectChange {
    /// 1 to 255 characters, unlike any other project's.
    pub name: Option<String>,
    pub description: Option<String>,
    pub git_url: Option<String>,
    pub git_branch: Option<String>,
    /// Tasks of its spiders at once; null: no limit.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub max_concurrent: Option<Option<i64>>,
}

impl ProjectChange {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        if let Some(name) = &self.name {
            checks.not_empty("body.name", name);
            checks.length("body.name", name, 255);
        }
        for (loc, value) in [
            ("body.description", &self.description),
            ("body.git_url", &self.git_url),
            ("body.git_branch", &self.git_branch),
        ] {
            checks.length(loc, value.as_deref().unwrap_or_default(), 2000);
        }
        let limit = self.max_concurrent.flatten();
        checks.require(
            limit.is_none_or(|limit| (1..=100_000).contains(&limit)),
            "body.max_concurrent",
            "value_error",
            || text!("须在 1 到 100000 之间", "must be between 1 and 100000"),
        );
        checks.finish()
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectFilter {
    /// Part of the name, in any case.
    pub keyword: Option<String>,
}
