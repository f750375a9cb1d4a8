//! Exports as answers.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use axum::{
    Json,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::{
    Format, Of, Plan,
    part::{Asked, Mark},
    pipe::Pipe,
    request::Compression,
};
use crate::{
    error::{Error, Result},
    platform::http::{ErrorBody, ErrorData, attachment, request_id, said},
    text,
};

/// What is read of a finished file at once.
const PIECE: usize = 64 << 10;

/// What would be said of the file.
pub(super) fn head(plan: &Plan, mark: &Mark) -> Response {
    headers(plan, mark).into_response()
}

/// A file that is made while it is sent. A part needs its length, and what stands before it: both are made and thrown
/// away.
pub(super) async fn stream(plan: Plan, mark: &Mark, range: Option<&str>) -> Result<Response> {
    let headers = headers(&plan, mark);
    let Some(asked) = range.and_then(Asked::parse) else {
        return Ok((headers, body(Pipe::open(&plan)?, 0..u64::MAX, None)).into_response());
    };
    let length = Pipe::open(&plan)?.length().await?;
    let Some(bytes) = asked.of(length) else { return Ok(no_such_part(length)) };
    let part = part_headers(&bytes, length);
    let pipe = Pipe::open(&plan)?;
    let file = Some(Arc::new((plan, mark.clone())));
    Ok((StatusCode::PARTIAL_CONTENT, headers, part, body(pipe, bytes, file)).into_response())
}

/// A finished file.
pub(super) fn file(plan: &Plan, mark: &Mark, range: Option<&str>, mut file: File) -> Result<Response> {
    let length = file.metadata().map_err(Error::internal)?.len();
    let asked = range.and_then(Asked::parse);
    let (status, bytes, part) = match asked.map(|asked| asked.of(length)) {
        None => (StatusCode::OK, 0..length, [(header::CONTENT_LENGTH, length.to_string())].to_vec()),
        Some(None) => return Ok(no_such_part(length)),
        Some(Some(bytes)) => {
            let part = part_headers(&bytes, length).to_vec();
            (StatusCode::PARTIAL_CONTENT, bytes, part)
        }
    };
    file.seek(SeekFrom::Start(bytes.start)).map_err(Error::internal)?;
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(bytes.end - bytes.start), PIECE);
    let mut headers = headers(plan, mark);
    for (name, value) in part {
        headers.insert(name, HeaderValue::from_str(&value).map_err(Error::internal)?);
    }
    Ok((status, headers, Body::from_stream(pieces)).into_response())
}

fn headers(plan: &Plan, mark: &Mark) -> HeaderMap {
    let (extension, kind) = match plan.format {
        Format::Json => ("json", "application/json; charset=utf-8"),
        Format::NdJson => ("ndjson", "application/x-ndjson; charset=utf-8"),
        Format::Csv => ("csv", "text/csv; charset=utf-8"),
        Format::Xlsx => ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format::Parquet => ("parquet", "application/vnd.apache.parquet"),
    };
    let (suffix, kind) = match plan.options.compress {
        None => ("", kind),
        Some(Compression::Gzip) => (".gz", "application/gzip"),
        Some(Compression::Zstd) => (".zst", "application/zstd"),
    };
    let name = if plan.of == Of::Rows { "data_stream" } else { "data" };
    let values = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&format!("{name}.{extension}{suffix}"))),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, mark.etag()),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))).collect()
}

fn part_headers(bytes: &Range<u64>, length: u64) -> [(header::HeaderName, String); 2] {
    let (start, end) = (bytes.start, bytes.end);
    [
        (header::CONTENT_RANGE, format!("bytes {start}-{}/{length}", end - 1)),
        (header::CONTENT_LENGTH, (end - start).to_string()),
    ]
}

fn no_such_part(length: u64) -> Response {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let msg = said(text!("文件只有 {length} 字节，没有这一部分", "the file has {length} bytes and no such part"));
    let data = ErrorData { error: "range_not_satisfiable".to_owned(), details: vec![], request_id: None };
    let body = Json(ErrorBody { code: status.as_u16(), msg, data });
    (status, [(header::CONTENT_RANGE, format!("bytes */{length}"))], body).into_response()
}

/// These bytes of the file, or all there are: the next are made when the client has taken the ones before. The last of a
/// part are sent only if it is still that `file` which they were made from.
fn body(pipe: Pipe, bytes: Range<u64>, file: Option<Arc<(Plan, Mark)>>) -> Body {
    // Here, since the request is over for the rest of the server when its body is read.
    let request = request_id();
    let pieces = stream::try_unfold((pipe, bytes.start, bytes.end - bytes.start), move |(mut pipe, mut skip, left)| {
        let (request, file) = (request.clone(), file.clone());
        async move {
            if left == 0 {
                return Ok(None);
            }
            loop {
                let piece = match pipe.next().await {
                    Ok(Some(piece)) => piece,
                    Ok(None) => return Ok(None),
                    // The client sees a broken transfer, never a file that looks whole.
                    Err(error) => {
                        tracing::error!(request_id = request, "an export broke off: {error:#}");
                        return Err(error);
                    }
                };
                let length = piece.len() as u64;
                if length <= skip {
                    skip -= length;
                    continue;
                }
                let from = usize::try_from(skip).unwrap_or(usize::MAX);
                let mut piece = Bytes::from(piece).split_off(from);
                piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - piece.len() as u64;
                if let Some((plan, mark)) = file.as_deref().filter(|_| left == 0)
                    && !plan.is_still(mark).await?
                {
                    tracing::warn!(request_id = request, "an export broke off: items of it were removed or replaced");
                    return Err(Error::internal(anyhow::anyhow!("items of the file were removed or replaced")));
                }
                return Ok(Some((piece, (pipe, 0, left))));
            }
        }
    });
    Body::from_stream(pieces)
}
