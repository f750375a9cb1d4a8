//! What there are doors to.

use super::Prefix;
use crate::{
    features::accounts,
    id::CodeSessionId,
    platform::http::proxy::{CookieRule, cookie_line},
};

use axum::http::HeaderMap;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Room {
    Editor(CodeSessionId),
    Instance(Prefix),
}

impl Room {
    /// As its row names it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Editor(id) => id.as_str(),
            Self::Instance(prefix) => prefix.as_str(),
        }
    }

    /// By which servers speak of it.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Editor(id) => format!("editor/{id}"),
            Self::Instance(prefix) => format!("instance/{prefix}"),
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word.split_once('/')? {
            ("editor", id) => Some(Self::Editor(id.to_owned().into())),
            ("instance", prefix) => Prefix::new(prefix).map(Self::Instance),
            _ => None,
        }
    }

    /// Its name cannot be guessed, so that whoever knows it may hear that it is there.
    pub(super) fn is_unguessable(&self) -> bool {
        matches!(self, Self::Editor(_))
    }

    /// Which cookies it may have and set. All that is on a host of its own is its own, but for what is ours.
    pub(super) fn keeps_cookie(&self) -> CookieRule {
        match self {
            Self::Editor(_) => |name| name.starts_with("vscode"),
            Self::Instance(_) => |name| {
                let bare = name.strip_prefix("__Host-").unwrap_or(name);
                !bare.is_empty() && !bare.starts_with("crawlhub_") && !accounts::COOKIES.contains(&bare)
            },
        }
    }

    /// What of the browser's cookies goes on to it.
    pub(super) fn cookies_of(&self, asked: &HeaderMap, own: Option<&str>) -> String {
        cookie_line(asked, self.keeps_cookie(), own)
    }
}
