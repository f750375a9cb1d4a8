//! What the door itself says: a page to people, an error to programs.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::{
    error::{Error, Problem, Text},
    platform::http::{proxy::Proxied, said},
    text,
};

/// Why nobody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Unknown, over, or somebody else's.
    NotFound,
    /// Neither token nor cookie.
    NoPass,
    /// A token that was used, is too old or another editor's.
    BadToken,
    /// Somebody else is signed in.
    NotYours,
    /// Another site calls.
    ForeignOrigin,
    /// An address that climbs.
    BadPath,
    /// Not yet, or not just now.
    Starting,
    TooManySockets,
    /// The editor does not answer.
    Unreachable,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoPass => StatusCode::UNAUTHORIZED,
            Self::BadToken | Self::NotYours | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::BadPath => StatusCode::BAD_REQUEST,
            Self::Starting => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManySockets => StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable => StatusCode::BAD_GATEWAY,
        }
    }

    fn told(self) -> (&'static str, Text) {
        match self {
            Self::NotFound => {
                ("no_code_session", text!("编辑器不存在或已关闭", "this editor does not exist, or was closed"))
            }
            Self::NoPass => (
                "no_pass",
                text!("请从 CrawlHub 打开编辑器", "open the editor from CrawlHub: this address alone does not open it"),
            ),
            Self::BadToken => (
                "bad_token",
                text!(
                    "链接已使用或已过期，请从 CrawlHub 重新打开编辑器",
                    "this link was used already or is too old; open the editor from CrawlHub again"
                ),
            ),
            Self::NotYours => ("not_yours", text!("这是其他用户的编辑器", "this is another user's editor")),
            Self::ForeignOrigin => ("foreign_origin", text!("不允许跨站访问", "another site may not call this editor")),
            Self::BadPath => ("bad_path", text!("地址无效", "this address is not valid")),
            Self::Starting => ("starting", text!("编辑器正在准备，请稍候…", "the editor is getting ready…")),
            Self::TooManySockets => {
                ("too_many_sockets", text!("打开的页面过多，请关闭一些", "too many pages are open; close some"))
            }
            Self::Unreachable => ("unreachable", text!("编辑器没有响应，请稍候…", "the editor does not answer…")),
        }
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        let (code, text) = self.told();
        let wants_page = headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.as_bytes().windows(9).any(|part| part == b"text/html"));
        let mut response = if wants_page {
            let comes_again = matches!(self, Self::Starting | Self::Unreachable);
            Html(page(&said(text), comes_again)).into_response()
        } else {
            Error::BadRequest(Problem { code, text }).into_response()
        };
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if self == Self::Starting {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response.extensions_mut().insert(Proxied);
        response
    }
}

fn page(sentence: &str, comes_again: bool) -> String {
    let refresh = if comes_again { r#"<meta http-equiv="refresh" content="2">"# } else { "" };
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>CrawlHub</title>{refresh}\
         <style>body{{font:16px system-ui,sans-serif;display:grid;place-items:center;height:90vh;margin:0;color:#333}}\
         @media(prefers-color-scheme:dark){{body{{background:#1e1e1e;color:#ccc}}}}</style></head>\
         <body><p>{sentence}</p></body></html>"
    )
}
