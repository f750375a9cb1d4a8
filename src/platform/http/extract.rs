//! What handlers take, with rejections in our own shape.

use axum::{
    RequestExt,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

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
    if let Some(field) = missing_field(&error.to_string()) {
        return missing(format!("{loc}.{field}"));
    }
    Error::invalid(loc, kind, text!("{error}", "{error}"))
}

/// The field that serde's sentence says is missing.
fn missing_field(sentence: &str) -> Option<&str> {
    sentence.strip_prefix("missing field `")?.split('`').next()
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
            let inner = error.inner().to_string();
            match missing_field(&inner) {
                Some(field) => missing(format!("query.{field}")),
                None => Error::invalid(format!("query.{}", error.path()), "type_error", text!("{inner}", "{inner}")),
            }
        })
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// `deserialize_with` of a field that may be left out: only called where it is there, so that null is a value of `T`, or
/// an error.
pub fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
