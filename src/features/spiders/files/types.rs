use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::paths;
use crate::{
    error::{Error, Result},
    id::{FileId, SpiderId},
    platform::files::Hash,
    runner::ManifestEntry,
    text,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct SpiderFile {
    pub id: FileId,
    pub spider_id: SpiderId,
    #[schema(example = "src/main.py")]
    pub path: String,
    /// SHA-256 of the content.
    pub hash: Hash,
    pub size: i64,
    pub executable: bool,
    pub content_type: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl SpiderFile {
    /// Under a new id, and not executable.
    pub fn new(spider_id: &SpiderId, path: String, hash: Hash, size: i64, now: DateTime<Utc>) -> Self {
        Self {
            id: FileId::generate(),
            spider_id: spider_id.clone(),
            content_type: paths::content_type(&path),
            path,
            hash,
            size,
            executable: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// With the new content under the former's id.
    pub(super) fn in_place_of(self, former: &Self) -> Self {
        let (id, executable, created_at) = (former.id.clone(), former.executable, former.created_at);
        Self { id, executable, created_at, ..self }
    }

    pub(in super::super) fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }
}

impl From<SpiderFile> for ManifestEntry {
    fn from(file: SpiderFile) -> Self {
        Self { path: file.path, hash: file.hash, executable: file.executable }
    }
}

/// What is in a file: text in `content`; anything else in `content_base64`, with `content` null.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct FileText {
    pub content: Option<String>,
    /// `utf-8` or `base64`.
    #[schema(example = "utf-8")]
    pub encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
}

impl From<Bytes> for FileText {
    fn from(content: Bytes) -> Self {
        match String::from_utf8(content.into()) {
            Ok(text) => Self { content: Some(text), encoding: "utf-8", content_base64: None },
            Err(binary) => {
                let base64 = STANDARD.encode(binary.as_bytes());
                Self { content: None, encoding: "base64", content_base64: Some(base64) }
            }
        }
    }
}

/// A file with what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileContent {
    pub id: FileId,
    pub path: String,
    /// The predecessor's name for `path`.
    pub file_path: String,
    #[serde(flatten)]
    pub text: FileText,
    pub content_type: String,
    pub size: i64,
    /// Sent back as `base_hash`, it keeps one editor from overwriting another's work.
    pub hash: Hash,
    pub executable: bool,
    pub updated_at: DateTime<Utc>,
}

impl FileContent {
    pub(super) fn of(file: SpiderFile, content: Bytes) -> Self {
        Self {
            id: file.id,
            file_path: file.path.clone(),
            path: file.path,
            text: content.into(),
            content_type: file.content_type,
            size: file.size,
            hash: file.hash,
            executable: file.executable,
            updated_at: file.updated_at,
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct NewFile {
    #[schema(example = "src/parser.py")]
    pub path: Option<String>,
    /// Empty when left out.
    pub content: Option<String>,
    /// Instead of `content`, for what is not text.
    pub content_base64: Option<String>,
    pub executable: bool,
}

impl NewFile {
    pub(super) fn bytes(&mut self) -> Result<Bytes> {
        Ok(given_bytes(&mut self.content, &mut self.content_base64)?.unwrap_or_default())
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct FileEdit {
    pub content: Option<String>,
    /// Instead of `content`, for what is not text.
    pub content_base64: Option<String>,
    /// A new path.
    pub path: Option<String>,
    pub executable: Option<bool>,
    /// The `hash` that the edit starts from: 409 `file_changed` where the file has another one by now.
    pub base_hash: Option<Hash>,
}

impl FileEdit {
    pub(super) fn bytes(&mut self) -> Result<Option<Bytes>> {
        given_bytes(&mut self.content, &mut self.content_base64)
    }
}

fn given_bytes(text: &mut Option<String>, base64: &mut Option<String>) -> Result<Option<Bytes>> {
    if let Some(text) = text.take() {
        return Ok(Some(text.into()));
    }
    let Some(base64) = base64.take() else { return Ok(None) };
    STANDARD.decode(base64).map(|bytes| Some(bytes.into())).map_err(|_| {
        Error::invalid("body.content_base64", "value_error", text!("不是有效的 Base64", "is not valid Base64"))
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PathParam {
    /// The predecessor's way to say where the file goes; `path` of the body is stronger.
    pub file_path: Option<String>,
}
