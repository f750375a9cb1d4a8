//! What can go wrong, in the product's words. No HTTP here: `platform::http::error` alone picks
//! statuses and the language of the answer.

use std::borrow::Cow;

/// A sentence for people, in both languages of the product. Made with [`text!`](crate::text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

/// A sentence in Chinese and English; both sides are `format!` strings.
#[macro_export]
macro_rules! text {
    ($zh:literal, $en:literal) => {
        $crate::error::Text { zh: format!($zh).into(), en: format!($en).into() }
    };
}

impl Text {
    /// Both languages in one, for what is written once for all readers.
    pub fn in_both(&self) -> String {
        let Self { zh, en } = self;
        if zh == en { zh.clone().into_owned() } else { format!("{zh} / {en}") }
    }
}

/// What happened, to what, and what to do, beside a stable word for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `snake_case`, kept for ever: clients compare it.
    pub code: &'static str,
    pub text: Text,
}

/// One field of the caller's input that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Where it stands: `body.name`, `query.page`, `file.src/main.py`.
    pub loc: String,
    pub text: Text,
    /// `missing`, `value_error`, `too_long`, …
    pub kind: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", .0.text.en)]
    NotFound(Problem),
    /// Right in itself, but not in the present state.
    #[error("{}", .0.text.en)]
    Conflict(Problem),
    /// The call makes no sense as it stands, whatever the state.
    #[error("{}", .0.text.en)]
    BadRequest(Problem),
    /// The address is right, what is to be done there is not.
    #[error("{}", .0.text.en)]
    WrongVerb(Problem),
    #[error("{}", .0.text.en)]
    TooLarge(Problem),
    #[error("invalid input: {}", .0.iter().map(|detail| format!("{}: {}", detail.loc, detail.text.en)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Detail>),
    #[error("{}", .0.text.en)]
    Unauthenticated(Problem),
    #[error("{}", .0.text.en)]
    Forbidden(Problem),
    #[error("{}", .0.text.en)]
    TooMany(Problem),
    /// There is no room for it, until somebody makes some.
    #[error("{}", .0.text.en)]
    NoRoom(Problem),
    /// Something outside of the platform, that the caller named, did not do its part.
    #[error("{}", .0.text.en)]
    Outside(Problem),
    /// What the caller named cannot be used just now; later it may.
    #[error("{}", .0.text.en)]
    Offline(Problem),
    /// What the platform was to do did not succeed, and the caller may hear why.
    #[error("{}", .0.text.en)]
    Failed(Problem),
    /// Something the server depends on does not answer; the same call may succeed later.
    #[error("{} is unavailable: {source:#}", .what)]
    Unavailable { what: &'static str, source: anyhow::Error },
    /// A defect or an unforeseen failure. Its text never leaves the server.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

/// What [`Error::Unavailable`] names when the disk is full.
pub const DISK_SPACE: &str = "disk space";

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn not_found(code: &'static str, text: Text) -> Self {
        Self::NotFound(Problem { code, text })
    }

    pub fn conflict(code: &'static str, text: Text) -> Self {
        Self::Conflict(Problem { code, text })
    }

    pub fn bad_request(code: &'static str, text: Text) -> Self {
        Self::BadRequest(Problem { code, text })
    }

    pub fn too_large(code: &'static str, text: Text) -> Self {
        Self::TooLarge(Problem { code, text })
    }

    pub fn forbidden(code: &'static str, text: Text) -> Self {
        Self::Forbidden(Problem { code, text })
    }

    pub fn outside(code: &'static str, text: Text) -> Self {
        Self::Outside(Problem { code, text })
    }

    pub fn failed(code: &'static str, text: Text) -> Self {
        Self::Failed(Problem { code, text })
    }

    pub fn no_room(code: &'static str, text: Text) -> Self {
        Self::NoRoom(Problem { code, text })
    }

    pub fn too_many(code: &'static str, text: Text) -> Self {
        Self::TooMany(Problem { code, text })
    }

    /// One unacceptable field.
    pub fn invalid(loc: impl Into<String>, kind: &'static str, text: Text) -> Self {
        Self::Invalid(vec![Detail { loc: loc.into(), text, kind }])
    }

    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(source.into())
    }

    /// What people may hear of it; what is internal stays in the log.
    pub fn for_people(&self) -> Text {
        match self {
            Self::Internal(_) => text!("内部错误", "internal error"),
            Self::Unavailable { what, .. } => text!("{what} 不可用", "{what} is unavailable"),
            Self::NotFound(problem)
            | Self::Conflict(problem)
            | Self::BadRequest(problem)
            | Self::TooLarge(problem)
            | Self::Failed(problem) => problem.text.clone(),
            other => text!("{other}", "{other}"),
        }
    }

    /// Whether there is no room left for what was to be kept.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Unavailable { what: DISK_SPACE, .. })
    }

    /// Whether the same call may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Collects what is wrong with an input, so that the caller hears of everything at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<Detail>);

impl Checks {
    pub fn require(&mut self, holds: bool, loc: &str, kind: &'static str, text: impl FnOnce() -> Text) {
        if !holds {
            self.0.push(Detail { loc: loc.to_owned(), text: text(), kind });
        }
    }

    /// At most `limit` characters, and no NUL, which PostgreSQL keeps in no text.
    pub fn length(&mut self, loc: &str, value: &str, limit: usize) {
        let length = value.chars().count();
        self.require(length <= limit, loc, "too_long", || {
            text!("长度 {length} 超过上限 {limit} 个字符", "{length} characters; at most {limit} are allowed")
        });
        self.require(!value.contains('\0'), loc, "value_error", || text!("不能包含空字符", "must not contain NUL"));
    }

    pub fn not_empty(&mut self, loc: &str, value: &str) {
        self.require(!value.trim().is_empty(), loc, "missing", || text!("不能为空", "must not be empty"));
    }

    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
