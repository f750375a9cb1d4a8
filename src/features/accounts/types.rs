use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;

use crate::{
    error::{Checks, Result},
    id::{SessionId, TokenId, UserId},
    platform::database::word_enum,
    text,
};

word_enum! {
    #[derive(PartialOrd, Ord)]
    pub enum Role {
        /// Reads.
        Viewer = "viewer",
        /// Also changes and runs.
        Editor = "editor",
        /// Also manages users, nodes, settings.
        Admin = "admin",
    }
}

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub interface_language: String,
    pub timezone: String,
    pub is_active: bool,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(super) password_hash: String,
}

/// A signed-in user or the holder of an API token.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user_id: UserId,
    pub email: String,
    /// Of the user or of the token, whichever may less.
    pub role: Role,
    /// `None` for an API token.
    pub session: Option<SessionId>,
    /// `None` for a session.
    pub token: Option<TokenId>,
    /// Of the API token.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Login {
    pub email: String,
    /// As it is, or Base64 of its UTF-8 bytes.
    pub password: String,
    #[serde(default)]
    pub remember_me: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PasswordChange {
    pub old_password: String,
    /// At least 8 characters.
    pub new_password: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewUser {
    pub email: String,
    /// The e-mail address where left out.
    pub name: Option<String>,
    /// At least 8 characters.
    pub password: String,
    #[serde(default = "viewer")]
    pub role: Role,
}

fn viewer() -> Role {
    Role::Viewer
}

impl NewUser {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        let has_at = self.email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        checks.require(has_at, "body.email", "value_error", || text!("不是邮箱地址", "is not an e-mail address"));
        checks.length("body.email", &self.email, 254);
        checks.length("body.name", self.name.as_deref().unwrap_or_default(), 100);
        check_password(&mut checks, "body.password", &self.password);
        checks.finish()
    }
}

/// A field left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct UserChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub is_active: Option<bool>,
    /// Ends the user's sessions.
    pub password: Option<String>,
}

impl UserChange {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        checks.length("body.name", self.name.as_deref().unwrap_or_default(), 100);
        if let Some(password) = &self.password {
            check_password(&mut checks, "body.password", password);
        }
        checks.finish()
    }
}

pub(super) fn check_password(checks: &mut Checks, loc: &str, password: &str) {
    let length = password.chars().count();
    checks.require((8..=256).contains(&length), loc, "value_error", || {
        text!("须为 8 到 256 个字符", "must have 8 to 256 characters")
    });
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewToken {
    pub name: String,
    /// At most the caller's own, which is also the default.
    pub role: Option<Role>,
    /// Where left out: never, or with the token that makes it.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(super) struct ApiToken {
    pub id: TokenId,
    pub name: String,
    pub role: Role,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// The only answer that holds the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedToken {
    pub id: TokenId,
    pub name: String,
    pub role: Role,
    pub token: String,
}

#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(super) struct AuditEntry {
    pub id: String,
    pub user_id: UserId,
    pub email: String,
    pub method: String,
    pub path: String,
    /// What was done, where that does not say it: the beginning of a command.
    pub detail: Option<String>,
    pub status: i64,
    pub address: String,
    pub request_id: String,
    pub created_at: DateTime<Utc>,
}
