//! Takes a multipart upload: its file goes to a temporary file of the system, never whole into memory.

use axum::{
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::StatusCode,
};
use tokio::io::AsyncWriteExt;

use crate::{
    error::{Error, Result},
    text,
};

/// Longer than any path that is taken.
const LONGEST_TEXT: usize = 8 * 1024;

pub(super) struct Received {
    /// From its beginning.
    pub file: std::fs::File,
    pub file_name: Option<String>,
    pub path: Option<String>,
}

/// The parts `file` (at most `limit` bytes, else `too_large` of its name) and `path`.
pub(super) async fn receive(request: Request, limit: usize, too_large: impl Fn(&str) -> Error) -> Result<Received> {
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| {
        Error::bad_request("multipart_broken", text!("须为 multipart/form-data 请求", "send multipart/form-data"))
    })?;
    let (mut received, mut path) = (None, None);
    while let Some(mut field) = multipart.next_field().await.map_err(|error| broken(&error, "file", &too_large))? {
        match field.name() {
            Some("file") => {
                let file_name = field.file_name().map(str::to_owned);
                let name = file_name.as_deref().unwrap_or("file");
                let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwritten)?);
                let mut size = 0;
                while let Some(piece) = field.chunk().await.map_err(|error| broken(&error, name, &too_large))? {
                    size += piece.len();
                    if size > limit {
                        return Err(too_large(name));
                    }
                    file.write_all(&piece).await.map_err(unwritten)?;
                }
                file.flush().await.map_err(unwritten)?;
                received = Some((file.into_std().await, file_name));
            }
            Some("path") => {
                let mut text = Vec::new();
                while let Some(piece) = field.chunk().await.map_err(|error| broken(&error, "path", &too_large))? {
                    text.extend_from_slice(&piece);
                    if text.len() > LONGEST_TEXT {
                        return Err(Error::invalid("body.path", "too_long", text!("路径过长", "is too long")));
                    }
                }
                path = Some(String::from_utf8(text).map_err(|_| {
                    Error::invalid("body.path", "type_error", text!("不是 UTF-8 文本", "is not UTF-8 text"))
                })?);
            }
            _ => {}
        }
    }
    let (mut file, file_name) =
        received.ok_or_else(|| Error::invalid("body.file", "missing", text!("必填", "is required")))?;
    std::io::Seek::rewind(&mut file).map_err(unwritten)?;
    Ok(Received { file, file_name, path: path.filter(|path| !path.is_empty()) })
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
