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
        match self {
            Self::NotFound(problem) => answer(StatusCode::NOT_FOUND, problem.code, said(problem.text), vec![]),
            Self::Conflict(problem) => answer(StatusCode::CONFLICT, problem.code, said(problem.text), vec![]),
            Self::BadRequest(problem) => answer(StatusCode::BAD_REQUEST, problem.code, said(problem.text), vec![]),
            Self::TooLarge(problem) => answer(StatusCode::PAYLOAD_TOO_LARGE, problem.code, said(problem.text), vec![]),
            Self::WrongVerb(problem) => {
                answer(StatusCode::METHOD_NOT_ALLOWED, problem.code, said(problem.text), vec![])
            }
            Self::Unauthenticated(problem) => {
                answer(StatusCode::UNAUTHORIZED, problem.code, said(problem.text), vec![])
            }
            Self::Forbidden(problem) => answer(StatusCode::FORBIDDEN, problem.code, said(problem.text), vec![]),
            Self::TooMany(problem) => answer(StatusCode::TOO_MANY_REQUESTS, problem.code, said(problem.text), vec![]),
            Self::Outside(problem) => answer(StatusCode::BAD_GATEWAY, problem.code, said(problem.text), vec![]),
            Self::Offline(problem) => answer(StatusCode::SERVICE_UNAVAILABLE, problem.code, said(problem.text), vec![]),
            Self::Failed(problem) => {
                answer(StatusCode::INTERNAL_SERVER_ERROR, problem.code, said(problem.text), vec![])
            }
            Self::Invalid(details) => {
                let details: Vec<ErrorDetail> = details.into_iter().map(ErrorDetail::from).collect();
                let first = details.first().map(|detail| format!("{}: {}", detail.loc, detail.msg)).unwrap_or_default();
                let msg = said(text!("请求参数验证失败（{first}）", "invalid input ({first})"));
                answer(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", msg, details)
            }
            Self::Unavailable { what, source } => {
                tracing::warn!(what, request_id = request_id(), "{what} is unavailable: {source:#}");
                let msg =
                    said(text!("{what} 暂时不可用，请稍后再试", "{what} is unavailable just now; try again soon"));
                answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable", msg, vec![])
            }
            Self::Internal(source) => {
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
    answer(status, "bad_request", msg, vec![])
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
    internal()
}

fn internal() -> Response {
    let id = request_id();
    let msg = said(text!(
        "服务器开小差了，请稍后再试（请求编号 {id}）",
        "the server failed to answer; try again, and name request {id} if you report it"
    ));
    answer(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", msg, vec![])
}

fn answer(status: StatusCode, error: &str, msg: String, details: Vec<ErrorDetail>) -> Response {
    let request_id = status.is_server_error().then(request_id);
    let data = ErrorData { error: error.to_owned(), details, request_id };
    (status, Json(ErrorBody { code: status.as_u16(), msg, data })).into_response()
}
