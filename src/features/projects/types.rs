use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::repository;
use crate::{
    config::Secret,
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
    /// Whether a token is kept for it, and whether a deploy key is; neither is ever answered.
    pub has_git_token: bool,
    pub has_git_key: bool,
    pub has_webhook_secret: bool,
    /// The commit that was fetched last, and the first line of its message.
    pub git_commit: Option<String>,
    pub git_subject: Option<String>,
    #[serde(skip)]
    pub(super) git_listing: Option<String>,
    pub node_id: Option<String>,
    pub local_path: Option<String>,
    pub status: ProjectStatus,
    /// How far it is, while it is `syncing`.
    pub sync_progress: Option<String>,
    /// Why the repository could not be fetched, in git's own last words, or which spiders could not take it.
    pub sync_error: Option<String>,
    /// When it was last fetched.
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
    /// `https://…`, `ssh://…` or `git@host:path`; empty: it has no repository. Where it is changed, or the branch or what opens
    /// it, the repository is fetched. Of another server than before, token, key and host key are forgotten.
    pub git_url: Option<String>,
    /// A branch, a full name like `refs/tags/v1`, or a commit of 40 digits; empty: the repository's default branch.
    pub git_branch: Option<String>,
    /// Over https: `token`, or `user:token`. Kept encrypted and never answered; empty: none.
    #[schema(value_type = Option<String>)]
    pub git_token: Option<Secret>,
    /// Over ssh: a private key in PEM, without a passphrase. Kept encrypted and never answered; empty: none.
    #[schema(value_type = Option<String>)]
    pub git_key: Option<Secret>,
    /// Over ssh: the key that the host shows next is believed, as the first one was.
    pub forget_host_key: Option<bool>,
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
        repository::check(self, &mut checks)?;
        checks.finish()
    }
}

/// A project with a repository.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(super) struct ProjectClone {
    pub name: Option<String>,
    pub description: Option<String>,
    pub git_url: Option<String>,
    pub git_branch: Option<String>,
    #[schema(value_type = Option<String>)]
    pub git_token: Option<Secret>,
    #[schema(value_type = Option<String>)]
    pub git_key: Option<Secret>,
    /// The worker node that is to keep it; empty: this server.
    pub node_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct PullOptions {
    /// What users changed of spiders' files is thrown away, and the commit's version runs, whichever ran before.
    pub force: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectFilter {
    /// Part of the name, in any case.
    pub keyword: Option<String>,
}
