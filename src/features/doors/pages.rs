//! What is said where a room's page would be: to people as a small page, to programs in the usual shape.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::Room;
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
    Stopped,
    Failed,
    Gone,
}

/// What it is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Editor,
    Instance,
}

impl Room {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Editor(_) => Kind::Editor,
            Self::Instance(_) => Kind::Instance,
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Instance => "instance",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Editor => "编辑器",
            Self::Instance => "实例",
        }
    }
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
            Self::Starting | Self::Closing | Self::Stopped | Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
            Self::Gone => StatusCode::BAD_GATEWAY,
        }
    }

    fn code(self, of: Kind) -> String {
        let word = of.word();
        match self {
            Self::Nowhere => format!("no_{word}"),
            Self::Climbs => "path_climbs".to_owned(),
            Self::WrongVerb => "wrong_method".to_owned(),
            Self::Anonymous => "open_from_crawlhub".to_owned(),
            Self::BadToken => "token_void".to_owned(),
            Self::OtherUser => "other_user".to_owned(),
            Self::OtherOrigin => "other_origin".to_owned(),
            Self::TooMany => "too_many_connections".to_owned(),
            Self::Starting => format!("{word}_starting"),
            Self::Closing => format!("{word}_closing"),
            Self::Stopped => format!("{word}_stopped"),
            Self::Failed => format!("{word}_failed"),
            Self::Gone => format!("{word}_gone"),
        }
    }

    fn text(self, of: Kind) -> Text {
        let (noun, word) = (of.noun(), of.word());
        match (self, of) {
            (Self::Nowhere, Kind::Editor) => text!(
                "这里没有编辑器，或者它已经关闭。请从 CrawlHub 重新打开。",
                "There is no editor here, or it has been closed. Open it again from CrawlHub."
            ),
            // The same whether there is one or not: names can be guessed.
            (Self::Nowhere, Kind::Instance) => text!(
                "这里没有对你开放的实例。如果它属于你，请从 CrawlHub 打开。",
                "There is no instance here that is open to you. If it is yours, open it from CrawlHub."
            ),
            (Self::Climbs, _) => text!("地址中不能有“..”。", "The address must not contain \"..\"."),
            (Self::WrongVerb, _) => text!("不支持该方法。", "This method cannot be used here."),
            (Self::Anonymous, _) => text!(
                "请从 CrawlHub 打开{noun}；仅凭地址无法进入。",
                "Open the {word} from CrawlHub: its address alone lets nobody in."
            ),
            (Self::BadToken, _) => text!(
                "该链接已失效：它只能使用一次，并且五分钟内有效。请从 CrawlHub 重新打开{noun}。",
                "This link works no longer: it can be used once, within five minutes. Open the {word} again from CrawlHub."
            ),
            (Self::OtherUser, _) => text!(
                "该链接属于另一位用户。请从 CrawlHub 打开你自己的{noun}。",
                "This link is another user's. Open an {word} of your own from CrawlHub."
            ),
            (Self::OtherOrigin, _) => text!("请求来自另一个网站。", "The request comes from another site."),
            (Self::TooMany, _) => text!(
                "该{noun}的连接过多，请关闭一些页面。",
                "There are too many connections to this {word}; close some of its pages."
            ),
            (Self::Starting, _) => text!("{noun}正在启动……", "The {word} is starting…"),
            (Self::Closing, Kind::Editor) => {
                text!("正在保存文件并关闭编辑器……", "The files are being saved, and the editor closed…")
            }
            (Self::Closing, Kind::Instance) => text!("实例正在停止……", "The instance is being stopped…"),
            (Self::Stopped, _) => {
                text!("{noun}已停止，请在 CrawlHub 中启动。", "The {word} is stopped. Start it from CrawlHub.")
            }
            (Self::Failed, _) => text!(
                "{noun}启动失败或反复退出。原因与日志见 CrawlHub，可在那里重新启动。",
                "The {word} could not be started, or ended again and again. CrawlHub has the reason and the log; start it again there."
            ),
            (Self::Gone, _) => text!(
                "{noun}没有应答，请稍后再试，或从 CrawlHub 重新打开。",
                "The {word} does not answer. Try again soon, or open it again from CrawlHub."
            ),
        }
    }

    fn comes_again(self) -> bool {
        matches!(self, Self::Starting | Self::Closing)
    }

    /// `asked`: the headers of the request.
    pub(super) fn answer(self, of: Kind, asked: &HeaderMap) -> Response {
        let (status, msg) = (self.status(), said(self.text(of)));
        let mut response = if wants_page(asked) {
            Html(page(&msg)).into_response()
        } else {
            let data = ErrorData { error: self.code(of), details: Vec::new(), request_id: None };
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
