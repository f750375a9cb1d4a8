//! Takes a multipart upload: its file goes to a temporary file of the system, never whole into memory.

use std::collections::BTreeMap;

use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use crate::{
    error::{Error, Result},
    text,
};

/// Longer than any path that is taken.
const LONGEST_TEXT: usize = 8 * 1024;

#[derive(Debug)]
pub struct Upload {
    /// From its beginning.
    pub file: std::fs::File,
    pub size: u64,
    /// As the client calls it.
    pub file_name: Option<String>,
    /// The parts that are text, where they are not empty.
    pub texts: BTreeMap<String, String>,
}

/// A multipart body, one part after the other.
#[derive(Debug)]
pub struct Parts<F>(Multipart, F);

pub enum Part<'a> {
    /// Its field, and what it says.
    Text(String, String),
    File(FilePart<'a>),
}

/// The part `file`, as it comes.
pub struct FilePart<'a> {
    /// As the client calls it.
    pub name: Option<String>,
    field: Box<Field<'a>>,
    too_large: &'a (dyn Fn(&str) -> Error + Sync),
}

impl FilePart<'_> {
    /// None at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let name = self.name.as_deref().unwrap_or("file");
        self.field.chunk().await.map_err(|error| broken(&error, name, self.too_large))
    }
}

impl<F: Fn(&str) -> Error + Sync> Parts<F> {
    /// `too_large`: of a file of that name, where the body is larger than bodies may be.
    pub async fn of(request: Request, too_large: F) -> Result<Self> {
        let multipart = Multipart::from_request(request, &()).await.map_err(|_| {
            Error::bad_request("multipart_broken", text!("须为 multipart/form-data 请求", "send multipart/form-data"))
        })?;
        Ok(Self(multipart, too_large))
    }

    /// None after the last.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>> {
        let too_large = &self.1;
        let Some(field) = self.0.next_field().await.map_err(|error| broken(&error, "file", too_large))? else {
            return Ok(None);
        };
        let field_name = field.name().unwrap_or_default().to_owned();
        if field_name != "file" {
            return Ok(Some(Part::Text(field_name, text_of(field).await?)));
        }
        Ok(Some(Part::File(FilePart { name: field.file_name().map(str::to_owned), field: Box::new(field), too_large })))
    }
}

/// The part `file` (at most `limit` bytes, else `too_large` of its name) and the texts beside it.
pub async fn receive_upload(
    request: Request,
    limit: usize,
    too_large: impl Fn(&str) -> Error + Sync,
) -> Result<Upload> {
    let mut parts = Parts::of(request, &too_large).await?;
    let (mut received, mut texts) = (None, BTreeMap::new());
    while let Some(part) = parts.next().await? {
        let mut part = match part {
            Part::Text(field, text) => {
                texts.insert(field, text);
                continue;
            }
            Part::File(part) => part,
        };
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwritten)?);
        let mut size = 0;
        while let Some(piece) = part.chunk().await? {
            size += piece.len();
            if size > limit {
                return Err(too_large(part.name.as_deref().unwrap_or("file")));
            }
            file.write_all(&piece).await.map_err(unwritten)?;
        }
        file.flush().await.map_err(unwritten)?;
        received = Some((file.into_std().await, size as u64, part.name));
    }
    let (mut file, size, file_name) =
        received.ok_or_else(|| Error::invalid("body.file", "missing", text!("必填", "is required")))?;
    std::io::Seek::rewind(&mut file).map_err(unwritten)?;
    texts.retain(|_, text| !text.is_empty());
    Ok(Upload { file, size, file_name, texts })
}

async fn text_of(mut field: Field<'_>) -> Result<String> {
    let loc = format!("body.{}", field.name().unwrap_or_default());
    let mut text = Vec::new();
    let unreadable = |error: MultipartError| {
        broken(&error, "", |_| Error::too_large("upload_too_large", text!("上传内容过大", "the upload is too large")))
    };
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST_TEXT {
            return Err(Error::invalid(loc, "too_long", text!("过长", "is too long")));
        }
    }
    String::from_utf8(text)
        .map_err(|_| Error::invalid(loc, "type_error", text!("不是 UTF-8 文本", "is not UTF-8 text")))
}

/// The whole body is bounded as well, a little above `limit`.
fn broken(error: &MultipartError, name: &str, too_large: impl Fn(&str) -> Error) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(name);
    }
    Error::bad_request("multipart_broken", text!("无法读取上传内容", "the multipart body is broken or incomplete"))
}

/// No room for temporary files passes, unlike a defect.
fn unwritten(error: std::io::Error) -> Error {
    Error::Unavailable { what: "temporary files", source: error.into() }
}
