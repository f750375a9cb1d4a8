use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::super::{Source, SpiderFile, files::FileText, types::empty_as_null};
use crate::{
    error::{Checks, Result},
    id::{DeploymentId, SpiderId},
    platform::{database::word_enum, files::Hash},
};

word_enum! {
    /// `active`: what runs. At most one of a spider's.
    pub enum DeploymentStatus {
        Active = "active",
        Archived = "archived",
    }
}

/// A version of a spider's code.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Deployment {
    pub id: DeploymentId,
    pub spider_id: SpiderId,
    /// From 1, counted up for each spider; the number of one that was removed is not given again.
    pub version: i64,
    pub status: DeploymentStatus,
    /// SHA-256 of the list of its files: equal codes have equal ones.
    pub code_hash: Hash,
    /// This and the next two as the spider had them: they are run with the files.
    pub source: Source,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub entry_point: String,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub requirements_txt: String,
    pub file_count: i64,
    /// Of all files together, in bytes.
    pub archive_size: i64,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub deploy_note: String,
    /// Where its files came from a repository: the commit. Users may have changed some of them since.
    pub git_commit: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Deployment {
    pub fn is_active(&self) -> bool {
        self.status == DeploymentStatus::Active
    }
}

/// How a version is made of the files as they are.
#[derive(Debug)]
pub(in super::super) struct NewVersion {
    pub id: DeploymentId,
    /// Its number, unless it is given already. None: the next.
    pub number: Option<i64>,
    pub note: String,
    pub created_at: DateTime<Utc>,
    pub is_active: bool,
}

/// Which code of a spider a run takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeChoice {
    /// The active deployment, or the files as they are where there is none.
    Active,
    /// The files as they are.
    Files,
    /// This version.
    Deployment(DeploymentId),
}

/// The code that a run takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// None where it is the files as they were at that moment.
    pub deployment_id: Option<DeploymentId>,
    pub deployment_version: Option<i64>,
    /// Where it came from a repository: the commit. Users may have changed some of it since.
    pub git_commit: Option<String>,
    /// SHA-256 of the manifest, which is a blob of that name.
    pub code_hash: Hash,
}

impl From<Deployment> for Code {
    fn from(deployment: Deployment) -> Self {
        Self {
            deployment_id: Some(deployment.id),
            deployment_version: Some(deployment.version),
            git_commit: deployment.git_commit,
            code_hash: deployment.code_hash,
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct NewDeployment {
    /// At most 500 characters.
    pub deploy_note: Option<String>,
}

impl NewDeployment {
    /// The note.
    pub(super) fn checked(self) -> Result<String> {
        let note = self.deploy_note.unwrap_or_default();
        let mut checks = Checks::default();
        checks.length("body.deploy_note", &note, 500);
        checks.finish()?;
        Ok(note)
    }
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct DeployedFile {
    #[schema(example = "src/main.py")]
    pub path: String,
    /// SHA-256 of the content.
    pub hash: Hash,
    pub size: i64,
    pub executable: bool,
    pub content_type: String,
}

impl From<SpiderFile> for DeployedFile {
    fn from(file: SpiderFile) -> Self {
        let SpiderFile { path, hash, size, executable, content_type, .. } = file;
        Self { path, hash, size, executable, content_type }
    }
}

/// A file of a version with what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeployedContent {
    #[serde(flatten)]
    pub file: DeployedFile,
    #[serde(flatten)]
    pub text: FileText,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FilePath {
    pub path: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Against {
    /// The id of another version, or `files` for the files as they are; the version before where left out.
    pub against: Option<String>,
}

/// What leads from `against` to the version that is looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Diff {
    /// The id of a version, or `files`; null where there is none before it, and everything is new.
    pub against: Option<String>,
    /// Its number, where it is a version.
    pub against_version: Option<i64>,
    pub version: i64,
    /// By path, as are the two below.
    pub added: Vec<DeployedFile>,
    pub removed: Vec<DeployedFile>,
    pub changed: Vec<ChangedFile>,
    /// Of `source`, `entry_point` and `requirements_txt`, what differs.
    pub settings: Vec<ChangedSetting>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedFile {
    pub path: String,
    pub from: DeployedFile,
    pub to: DeployedFile,
    /// Unified, with three lines around each change; null where the content is the same, is not text, or is large.
    pub diff: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedSetting {
    #[schema(example = "entry_point")]
    pub name: &'static str,
    pub from: String,
    pub to: String,
}
