use chrono::{DateTime, Duration, Utc};
use sqlx::FromRow;

use super::{
    Accounts, Caller, Role, User,
    types::{ApiToken, NewUser, UserChange},
};
use crate::{
    error::{Error, Result},
    id::{SessionId, TokenId, UserId},
    platform::{
        database::OnTaken,
        http::Paging,
        secrets::{random_token, token_hash},
    },
    text,
};

/// A caller's last use of a token is kept to the minute: a write a request would be too dear.
const LAST_USE_PRECISION: Duration = Duration::minutes(1);

/// How long a wrong password counts.
const WRONG_PASSWORDS_COUNT: Duration = Duration::minutes(1);

/// The secrets of a new or renewed session. Only their hashes are kept.
#[derive(Debug)]
pub(super) struct SessionTokens {
    pub access: String,
    pub refresh: String,
    pub expires_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct TokenRow {
    id: TokenId,
    user_id: UserId,
    email: String,
    user_role: Role,
    role: Role,
    last_used_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

impl Accounts {
    pub(super) async fn find_user(&self, id: &UserId) -> Result<Option<User>> {
        self.db.query("SELECT * FROM users WHERE id = $1").bind(id).fetch_optional().await
    }

    pub(super) async fn user(&self, id: &UserId) -> Result<User> {
        let found = self.find_user(id).await?;
        found.ok_or_else(|| Error::not_found("user_not_found", text!("用户 {id} 不存在", "there is no user {id}")))
    }

    pub(super) async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        self.db.query("SELECT * FROM users WHERE email = $1").bind(email.to_lowercase()).fetch_optional().await
    }

    pub(super) async fn users(&self, paging: &Paging) -> Result<(Vec<User>, i64)> {
        let users = self
            .db
            .query("SELECT * FROM users WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2 OFFSET $3")
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        let (count,) = self.db.query("SELECT COUNT(*) FROM users").fetch_one().await?;
        Ok((users, count))
    }

    /// Whether there was none with that address.
    pub(super) async fn insert_user(&self, id: &UserId, new: &NewUser, password_hash: &str) -> Result<()> {
        let (email, now) = (new.email.to_lowercase(), self.clock.now());
        self.db
            .query(
                "INSERT INTO users (id, email, name, password_hash, role, interface_language, timezone, is_active,
                                    created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, 'zh-Hans', 'Asia/Shanghai', $6, $7, $7)",
            )
            .bind(id)
            .bind(&email)
            .bind(new.name.as_deref().unwrap_or(&email))
            .bind(password_hash)
            .bind(new.role)
            .bind(true)
            .bind(now)
            .execute()
            .await
            .on_taken(|| Error::conflict("email_taken", text!("邮箱 {email} 已被使用", "{email} is in use already")))?;
        Ok(())
    }

    pub(super) async fn has_users(&self) -> Result<bool> {
        let (count,): (i64,) = self.db.query("SELECT COUNT(*) FROM users").fetch_one().await?;
        Ok(count > 0)
    }

    /// Changes the user unless that would leave no active administrator; false then. `password_hash` set ends the
    /// user's sessions, as does `is_active = false`.
    pub(super) async fn update_user(
        &self,
        id: &UserId,
        change: &UserChange,
        password_hash: Option<&str>,
    ) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        lock_admins(&mut transaction).await?;
        transaction
            .query(
                "UPDATE users
                    SET name = COALESCE($2, name), role = COALESCE($3, role), is_active = COALESCE($4, is_active),
                        password_hash = COALESCE($5, password_hash), updated_at = $6
                  WHERE id = $1",
            )
            .bind(id)
            .bind(&change.name)
            .bind(change.role)
            .bind(change.is_active)
            .bind(password_hash)
            .bind(self.clock.now())
            .execute()
            .await?;
        if !has_admin(&mut transaction).await? {
            return Ok(false);
        }
        if password_hash.is_some() || change.is_active == Some(false) {
            transaction.query("DELETE FROM sessions WHERE user_id = $1").bind(id).execute().await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Removes the user with sessions and tokens, unless no active administrator would be left; false then.
    pub(super) async fn remove_user(&self, id: &UserId) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        lock_admins(&mut transaction).await?;
        transaction.query("DELETE FROM users WHERE id = $1").bind(id).execute().await?;
        if !has_admin(&mut transaction).await? {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Sets the user's own new password and ends all sessions but `kept`.
    pub(super) async fn set_password(&self, id: &UserId, hash: &str, kept: Option<&SessionId>) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        transaction
            .query("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1")
            .bind(id)
            .bind(hash)
            .bind(self.clock.now())
            .execute()
            .await?;
        transaction
            .query("DELETE FROM sessions WHERE user_id = $1 AND ($2 IS NULL OR id <> $2)")
            .bind(id)
            .bind(kept)
            .execute()
            .await?;
        transaction.commit().await
    }

    pub(super) async fn insert_session(
        &self,
        user: &UserId,
        lifetime: Duration,
        address: &str,
    ) -> Result<SessionTokens> {
        let now = self.clock.now();
        let tokens = SessionTokens { access: random_token(), refresh: random_token(), expires_at: now + lifetime };
        let mut transaction = self.db.begin().await?;
        transaction.query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute().await?;
        transaction
            .query(
                "INSERT INTO sessions (id, user_id, access_hash, refresh_hash, access_expires_at, expires_at, address,
                                       created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(SessionId::generate())
            .bind(user)
            .bind(token_hash(&tokens.access))
            .bind(token_hash(&tokens.refresh))
            .bind(now + Duration::minutes(self.settings.access_minutes))
            .bind(tokens.expires_at)
            .bind(address)
            .bind(now)
            .execute()
            .await?;
        transaction.query("UPDATE users SET last_login_at = $2 WHERE id = $1").bind(user).bind(now).execute().await?;
        transaction.commit().await?;
        Ok(tokens)
    }

    /// New tokens for the session that `refresh` belongs to; the old ones are void.
    pub(super) async fn renew_session(&self, refresh: &str) -> Result<Option<SessionTokens>> {
        let now = self.clock.now();
        let (access, renewed) = (random_token(), random_token());
        let row: Option<(DateTime<Utc>,)> = self
            .db
            .query(
                "UPDATE sessions SET access_hash = $2, refresh_hash = $3, access_expires_at = $4
                  WHERE refresh_hash = $1 AND expires_at > $5
              RETURNING expires_at",
            )
            .bind(token_hash(refresh))
            .bind(token_hash(&access))
            .bind(token_hash(&renewed))
            .bind(now + Duration::minutes(self.settings.access_minutes))
            .bind(now)
            .fetch_optional()
            .await?;
        Ok(row.map(|(expires_at,)| SessionTokens { access, refresh: renewed, expires_at }))
    }

    pub(super) async fn remove_session(&self, id: &SessionId) -> Result<()> {
        self.db.query("DELETE FROM sessions WHERE id = $1").bind(id).execute().await.map(drop)
    }

    pub(super) async fn caller_of_session(&self, access: &str) -> Result<Option<Caller>> {
        let now = self.clock.now();
        let row: Option<(UserId, String, Role, SessionId)> = self
            .db
            .query(
                "SELECT users.id, users.email, users.role, sessions.id AS session_id
                   FROM sessions JOIN users ON users.id = sessions.user_id
                  WHERE sessions.access_hash = $1 AND sessions.access_expires_at > $2 AND sessions.expires_at > $2
                    AND users.is_active",
            )
            .bind(token_hash(access))
            .bind(now)
            .fetch_optional()
            .await?;
        Ok(row.map(|(user_id, email, role, session)| Caller {
            user_id,
            email,
            role,
            session: Some(session),
            token: None,
            expires_at: None,
        }))
    }

    pub(super) async fn caller_of_token(&self, token: &str) -> Result<Option<Caller>> {
        let now = self.clock.now();
        let row: Option<TokenRow> = self
            .db
            .query(
                "SELECT api_tokens.id, users.id AS user_id, users.email, users.role AS user_role, api_tokens.role,
                        api_tokens.last_used_at, api_tokens.expires_at
                   FROM api_tokens JOIN users ON users.id = api_tokens.user_id
                  WHERE api_tokens.hash = $1 AND users.is_active
                    AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > $2)",
            )
            .bind(token_hash(token))
            .bind(now)
            .fetch_optional()
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.last_used_at.is_none_or(|used| now - used >= LAST_USE_PRECISION) {
            let noted = self.db.query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1");
            if let Err(error) = noted.bind(&row.id).bind(now).execute().await {
                // Reading goes on while nothing can be written.
                tracing::warn!(%error, "the use of a token cannot be noted");
            }
        }
        let role = row.role.min(row.user_role);
        Ok(Some(Caller {
            user_id: row.user_id,
            email: row.email,
            role,
            session: None,
            token: Some(row.id),
            expires_at: row.expires_at,
        }))
    }

    /// What the caller may do now: None where they have signed out, their token is gone, or their account is closed.
    pub async fn role_now(&self, caller: &Caller) -> Result<Option<Role>> {
        let now = self.clock.now();
        let roles: Option<(Role, Role)> = match (&caller.session, &caller.token) {
            (Some(session), _) => {
                self.db
                    .query(
                        "SELECT users.role, users.role AS own FROM sessions JOIN users ON users.id = sessions.user_id
                          WHERE sessions.id = $1 AND sessions.expires_at > $2 AND users.is_active",
                    )
                    .bind(session)
                    .bind(now)
                    .fetch_optional()
                    .await?
            }
            (None, Some(token)) => {
                self.db
                    .query(
                        "SELECT users.role, api_tokens.role AS own
                           FROM api_tokens JOIN users ON users.id = api_tokens.user_id
                          WHERE api_tokens.id = $1 AND users.is_active
                            AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > $2)",
                    )
                    .bind(token)
                    .bind(now)
                    .fetch_optional()
                    .await?
            }
            (None, None) => None,
        };
        Ok(roles.map(|(user, own)| user.min(own)))
    }

    pub(super) async fn insert_token(
        &self,
        id: &TokenId,
        owner: &UserId,
        name: &str,
        role: Role,
        expires_at: Option<DateTime<Utc>>,
        token: &str,
    ) -> Result<()> {
        self.db
            .query(
                "INSERT INTO api_tokens (id, user_id, name, hash, role, expires_at, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(id)
            .bind(owner)
            .bind(name)
            .bind(token_hash(token))
            .bind(role)
            .bind(expires_at)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn tokens(&self, owner: &UserId) -> Result<Vec<ApiToken>> {
        self.db.query("SELECT * FROM api_tokens WHERE user_id = $1 ORDER BY id DESC").bind(owner).fetch_all().await
    }

    pub(super) async fn remove_token(&self, id: &TokenId, owner: &UserId) -> Result<bool> {
        let removed = self
            .db
            .query("DELETE FROM api_tokens WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(owner)
            .execute()
            .await?;
        Ok(removed > 0)
    }

    /// How many wrong passwords the fuller of the subjects has had within a minute.
    pub(super) async fn wrong_passwords(&self, subjects: &[String; 2]) -> Result<i64> {
        let counts: Vec<(i64,)> = self
            .db
            .query(
                "SELECT COUNT(*) FROM login_failures
                  WHERE (subject = $1 OR subject = $2) AND failed_at > $3 GROUP BY subject",
            )
            .bind(&subjects[0])
            .bind(&subjects[1])
            .bind(self.clock.now() - WRONG_PASSWORDS_COUNT)
            .fetch_all()
            .await?;
        Ok(counts.into_iter().map(|(count,)| count).max().unwrap_or_default())
    }

    pub(super) async fn note_wrong_password(&self, subjects: &[String; 2]) -> Result<()> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        transaction
            .query("DELETE FROM login_failures WHERE failed_at <= $1")
            .bind(now - WRONG_PASSWORDS_COUNT)
            .execute()
            .await?;
        for subject in subjects {
            transaction
                .query("INSERT INTO login_failures (id, subject, failed_at) VALUES ($1, $2, $3)")
                .bind(crate::id::new())
                .bind(subject)
                .bind(now)
                .execute()
                .await?;
        }
        transaction.commit().await
    }

    pub(super) async fn forget_wrong_passwords(&self, subjects: &[String; 2]) -> Result<()> {
        self.db
            .query("DELETE FROM login_failures WHERE subject = $1 OR subject = $2")
            .bind(&subjects[0])
            .bind(&subjects[1])
            .execute()
            .await
            .map(drop)
    }
}

/// First of all, and not by reading: two who take each other's role away must not both see the other one left.
async fn lock_admins(transaction: &mut crate::platform::database::Transaction) -> Result<()> {
    transaction.query("UPDATE users SET role = role WHERE role = 'admin'").execute().await.map(drop)
}

async fn has_admin(transaction: &mut crate::platform::database::Transaction) -> Result<bool> {
    let (count,): (i64,) =
        transaction.query("SELECT COUNT(*) FROM users WHERE role = 'admin' AND is_active").fetch_one().await?;
    Ok(count > 0)
}
