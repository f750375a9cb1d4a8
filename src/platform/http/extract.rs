//! What handlers take, with rejections in our own shape.

use axum::{
    RequestExt,
    extract::{FromRequest, FromRequestParts, Multipart, Request, multipart::Field},
    http::{StatusCode, request::Parts},
};
use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    text,
};

/// A JSON body. An empty one is `{}`, so that a call without options needs no body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = request.extract::<Bytes, _>().await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::too_large("body_too_large", text!("请求体过大", "the request body is too large"))
            } else {
                Error::bad_request("body_unreadable", text!("无法读取请求体", "the request body cannot be read"))
            }
        })?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        parse_json(text).map(Self)
    }
}

fn parse_json<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let loc = if path == "." || path == "?" { "body".to_owned() } else { format!("body.{path}") };
        refused(loc, error.inner())
    })?;
    json.end().map_err(|error| refused("body".to_owned(), &error))?;
    Ok(value)
}

/// serde's own sentence names fields and types of the contract, nothing internal.
fn refused(loc: String, error: &serde_json::Error) -> Error {
    let kind = if error.is_data() { "type_error" } else { "json_invalid" };
    let loc = match error.to_string().strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => return missing(format!("{loc}.{field}")),
        None => loc,
    };
    Error::invalid(loc, kind, text!("{error}", "{error}"))
}

fn missing(loc: String) -> Error {
    Error::invalid(loc, "missing", text!("必填", "is required"))
}

/// The query string. An empty value is no filter, as the predecessor's UI sends them.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let given = parts.uri.query().unwrap_or_default();
        let filled: Vec<&str> =
            given.split('&').filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty())).collect();
        let filled = filled.join("&");
        let values = serde_urlencoded::Deserializer::new(form_pairs(&filled));
        serde_path_to_error::deserialize(values).map(Self).map_err(|error| {
            let (loc, inner) = (format!("query.{}", error.path()), error.inner());
            Error::invalid(loc, "type_error", text!("{inner}", "{inner}"))
        })
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// One part of a multipart upload, held in memory: bounded by the caller's limit.
#[derive(Debug)]
pub struct UploadField {
    pub file_name: Option<String>,
    pub content: Bytes,
}

impl UploadField {
    pub fn text(self) -> Result<String> {
        String::from_utf8(self.content.into())
            .map_err(|_| Error::invalid("body", "type_error", text!("不是 UTF-8 文本", "is not UTF-8 text")))
    }
}

/// The next part with its name; `None` after the last. More than `limit` bytes in it is [`Error::TooLarge`].
pub async fn multipart_field(multipart: &mut Multipart, limit: usize) -> Result<Option<(String, UploadField)>> {
    let Some(field) = multipart.next_field().await.map_err(|error| broken(&error))? else { return Ok(None) };
    let name = field.name().unwrap_or_default().to_owned();
    let file_name = field.file_name().map(str::to_owned);
    let content = read_field(field, limit).await?;
    Ok(Some((name, UploadField { file_name, content })))
}

async fn read_field(mut field: Field<'_>, limit: usize) -> Result<Bytes> {
    let mut content = BytesMut::new();
    while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
        if content.len() + piece.len() > limit {
            return Err(upload_too_large(limit));
        }
        content.extend_from_slice(&piece);
    }
    Ok(content.freeze())
}

fn upload_too_large(limit: usize) -> Error {
    Error::too_large(
        "upload_too_large",
        text!("上传内容超过上限 {limit} 字节", "the upload is larger than {limit} bytes"),
    )
}

fn broken(error: &axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::too_large("upload_too_large", text!("上传内容过大", "the upload is too large"));
    }
    Error::bad_request("multipart_broken", text!("无法读取上传内容", "the multipart body is broken or incomplete"))
}
