//! Errors as answers: the only place that picks a status.

use std::any::Any;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{context::request_id, envelope::said};
use crate::{
    error::{Detail, Error},
    text,
};

/// The shape of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// The HTTP status.
    #[schema(example = 404)]
    pub code: u16,
    /// What happened, to what, and what to do, in the caller's language.
    pub msg: String,
    pub data: ErrorData,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorData {
    /// A stable word for programs.
    #[schema(example = "spider_not_found")]
    pub error: String,
    pub details: Vec<ErrorDetail>,
    /// What to name when you report a failure of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    #[schema(example = "body.name")]
    pub loc: String,
    pub msg: String,
    pub r#type: String,
}

impl From<Detail> for ErrorDetail {
    fn from(detail: Detail) -> Self {
        Self { loc: detail.loc, msg: said(detail.text), r#type: detail.kind.to_owned() }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        answer(self.into())
    }
}

impl From<Error> for ErrorBody {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(problem) => body(StatusCode::NOT_FOUND, problem.code, said(problem.text), vec![]),
            Error::Conflict(problem) => body(StatusCode::CONFLICT, problem.code, said(problem.text), vec![]),
            Error::BadRequest(problem) => body(StatusCode::BAD_REQUEST, problem.code, said(problem.text), vec![]),
            Error::TooLarge(problem) => body(StatusCode::PAYLOAD_TOO_LARGE, problem.code, said(problem.text), vec![]),
            Error::WrongVerb(problem) => body(StatusCode::METHOD_NOT_ALLOWED, problem.code, said(problem.text), vec![]),
            Error::Unauthenticated(problem) => body(StatusCode::UNAUTHORIZED, problem.code, said(problem.text), vec![]),
            Error::Forbidden(problem) => body(StatusCode::FORBIDDEN, problem.code, said(problem.text), vec![]),
            Error::TooMany(problem) => body(StatusCode::TOO_MANY_REQUESTS, problem.code, said(problem.text), vec![]),
            Error::NoRoom(problem) => body(StatusCode::INSUFFICIENT_STORAGE, problem.code, said(problem.text), vec![]),
            Error::Outside(problem) => body(StatusCode::BAD_GATEWAY, problem.code, said(problem.text), vec![]),
            Error::Offline(problem) => body(StatusCode::SERVICE_UNAVAILABLE, problem.code, said(problem.text), vec![]),
            Error::Failed(problem) => body(StatusCode::INTERNAL_SERVER_ERROR, problem.code, said(problem.text), vec![]),
            Error::Invalid(details) => {
                let details: Vec<ErrorDetail> = details.into_iter().map(ErrorDetail::from).collect();
                let first = details.first().map(|detail| format!("{}: {}", detail.loc, detail.msg)).unwrap_or_default();
                let msg = said(text!("请求参数验证失败（{first}）", "invalid input ({first})"));
                body(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", msg, details)
            }
            Error::Unavailable { what, source } => {
                tracing::warn!(what, request_id = request_id(), "{what} is unavailable: {source:#}");
                let msg =
                    said(text!("{what} 暂时不可用，请稍后再试", "{what} is unavailable just now; try again soon"));
                body(StatusCode::SERVICE_UNAVAILABLE, "unavailable", msg, vec![])
            }
            Error::Internal(source) => {
                tracing::error!(request_id = request_id(), "internal error: {source:?}");
                internal()
            }
        }
    }
}

/// Gives our shape to an error that the framework answered by itself: a path that is no UTF-8, a body of a wrong kind.
pub(super) fn in_our_shape(response: Response) -> Response {
    let status = response.status();
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    if !status.is_client_error() || !is_text {
        return response;
    }
    let msg = said(text!("请求无法理解", "the request cannot be understood"));
    answer(body(status, "bad_request", msg, vec![]))
}

/// What a caught panic becomes.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
pub fn panic_answer(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(no message)");
    tracing::error!(request_id = request_id(), "a handler panicked: {message}");
    answer(internal())
}

fn internal() -> ErrorBody {
    let id = request_id();
    let msg = said(text!(
        "服务器开小差了，请稍后再试（请求编号 {id}）",
        "the server failed to answer; try again, and name request {id} if you report it"
    ));
    body(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", msg, vec![])
}

fn body(status: StatusCode, error: &str, msg: String, details: Vec<ErrorDetail>) -> ErrorBody {
    let request_id = status.is_server_error().then(request_id);
    ErrorBody { code: status.as_u16(), msg, data: ErrorData { error: error.to_owned(), details, request_id } }
}

fn answer(body: ErrorBody) -> Response {
    let status = StatusCode::from_u16(body.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}
