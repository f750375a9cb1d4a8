//! What is said where an editor's page would be: to people as a small page, to programs in the usual shape.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::{
    error::Text,
    platform::http::{ErrorBody, ErrorData, said},
    text,
};

/// A page that comes by itself is asked for again after so many seconds.
const AGAIN: &str = "2";

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Nowhere,
    Climbs,
    WrongVerb,
    Anonymous,
    BadToken,
    OtherUser,
    OtherOrigin,
    TooMany,
    Starting,
    Closing,
    Gone,
}

impl Notice {
    fn status(self) -> StatusCode {
        match self {
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::Climbs => StatusCode::BAD_REQUEST,
            Self::WrongVerb => StatusCode::METHOD_NOT_ALLOWED,
            Self::Anonymous => StatusCode::UNAUTHORIZED,
            Self::BadToken | Self::OtherUser | Self::OtherOrigin => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Starting | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Gone => StatusCode::BAD_GATEWAY,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Nowhere => "no_editor",
            Self::Climbs => "path_climbs",
            Self::WrongVerb => "wrong_method",
            Self::Anonymous => "open_from_crawlhub",
            Self::BadToken => "token_void",
            Self::OtherUser => "other_user",
            Self::OtherOrigin => "other_origin",
            Self::TooMany => "too_many_connections",
            Self::Starting => "editor_starting",
            Self::Closing => "editor_closing",
            Self::Gone => "editor_gone",
        }
    }

    fn text(self) -> Text {
        match self {
            Self::Nowhere => text!(
                "这里没有编辑器，或者它已经关闭。请从 CrawlHub 重新打开。",
                "There is no editor here, or it has been closed. Open it again from CrawlHub."
            ),
            Self::Climbs => text!("地址中不能有“..”。", "The address must not contain \"..\"."),
            Self::WrongVerb => text!("不支持该方法。", "This method cannot be used here."),
            Self::Anonymous => text!(
                "请从 CrawlHub 打开编辑器；仅凭地址无法进入。",
                "Open the editor from CrawlHub: its address alone lets nobody in."
            ),
            Self::BadToken => text!(
                "该链接已失效：它只能使用一次，并且五分钟内有效。请从 CrawlHub 重新打开编辑器。",
                "This link works no longer: it can be used once, within five minutes. Open the editor again from CrawlHub."
            ),
            Self::OtherUser => text!(
                "该链接属于另一位用户。请从 CrawlHub 打开你自己的编辑器。",
                "This link is another user's. Open an editor of your own from CrawlHub."
            ),
            Self::OtherOrigin => text!("请求来自另一个网站。", "The request comes from another site."),
            Self::TooMany => text!(
                "该编辑器的连接过多，请关闭一些页面。",
                "There are too many connections to this editor; close some of its pages."
            ),
            Self::Starting => text!("编辑器正在启动……", "The editor is starting…"),
            Self::Closing => text!("正在保存文件并关闭编辑器……", "The files are being saved, and the editor closed…"),
            Self::Gone => text!(
                "编辑器没有应答，请稍后再试，或从 CrawlHub 重新打开。",
                "The editor does not answer. Try again soon, or open it again from CrawlHub."
            ),
        }
    }

    fn comes_again(self) -> bool {
        matches!(self, Self::Starting | Self::Closing)
    }

    /// `asked`: the headers of the request.
    pub(super) fn answer(self, asked: &HeaderMap) -> Response {
        let (status, msg) = (self.status(), said(self.text()));
        let mut response = if wants_page(asked) {
            Html(page(&msg)).into_response()
        } else {
            let data = ErrorData { error: self.code().to_owned(), details: Vec::new(), request_id: None };
            Json(ErrorBody { code: status.as_u16(), msg, data }).into_response()
        };
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if self.comes_again() {
            headers.insert(header::REFRESH, HeaderValue::from_static(AGAIN));
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN));
        }
        private(headers);
        response
    }
}

/// What all that is said here has in common: it is kept nowhere, told to nobody, and runs nothing.
pub(super) fn private(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"),
        (HeaderName::from_static("vary"), "Accept, Accept-Language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn page(msg: &str) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>CrawlHub</title>\
         <style>body{{font:16px/1.6 sans-serif;margin:20vh auto;max-width:32em;padding:0 1em;text-align:center}}</style>\
         <p>{msg}</p>\n"
    )
}

fn wants_page(asked: &HeaderMap) -> bool {
    let accept = asked.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

/// Whether a person went to a page, by a browser's own account.
pub(super) fn is_navigation(asked: &HeaderMap) -> bool {
    let says = |name: &str| asked.get(name).and_then(|value| value.to_str().ok());
    match (says("sec-fetch-mode"), says("sec-fetch-dest")) {
        (Some(mode), Some(dest)) => mode == "navigate" && dest == "document",
        // Browsers leave them out where the address is not secure.
        _ => wants_page(asked),
    }
}
