//! The shape of every successful JSON answer: `{"code": 200, "msg": …, "data": …}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::context::{Language, language};
use crate::error::Text;

/// `code` is the HTTP status, `msg` a sentence in the caller's language.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    #[schema(example = 200)]
    pub code: u16,
    #[schema(example = "success")]
    pub msg: String,
    pub data: Option<T>,
}

/// A successful answer before its language is known.
#[derive(Debug)]
pub struct Reply<T = ()> {
    status: StatusCode,
    msg: Option<Text>,
    data: Option<T>,
}

impl<T> Reply<T> {
    pub fn data(data: T) -> Self {
        Self { status: StatusCode::OK, msg: None, data: Some(data) }
    }

    /// What was asked for goes on behind this.
    pub fn accepted(data: T) -> Self {
        Self { status: StatusCode::ACCEPTED, msg: None, data: Some(data) }
    }

    #[must_use]
    pub fn saying(mut self, msg: Text) -> Self {
        self.msg = Some(msg);
        self
    }
}

impl Reply<()> {
    /// An answer that is only a sentence.
    pub fn message(msg: Text) -> Self {
        Self { status: StatusCode::OK, msg: Some(msg), data: None }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let msg = self.msg.map_or_else(|| "success".to_owned(), said);
        (self.status, Json(Envelope { code: self.status.as_u16(), msg, data: self.data })).into_response()
    }
}

/// The sentence in the language of the request being answered.
pub fn said(text: Text) -> String {
    match language() {
        Language::Chinese => text.zh.into_owned(),
        Language::English => text.en.into_owned(),
    }
}
