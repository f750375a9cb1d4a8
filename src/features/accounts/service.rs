use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Duration;

use super::{
    Accounts, Caller, Role, User,
    store::SessionTokens,
    types::{CreatedToken, Login, NewToken, NewUser, PasswordChange, UserChange, check_password},
};
use crate::{
    config::{self, Secret},
    error::{Checks, Error, Problem, Result},
    id::{TokenId, UserId},
    platform::secrets::random_token,
    text,
};

/// Tells an API token from a session's.
pub(super) const TOKEN_PREFIX: &str = "chk_";

impl Accounts {
    /// Makes the first administrator where there is no user at all. The password, if one had to be made up.
    pub async fn ensure_admin(&self, admin: &config::Admin) -> Result<Option<Secret>> {
        if self.has_users().await? {
            return Ok(None);
        }
        let made_up = admin.password.is_empty().then(random_token);
        let password = made_up.clone().unwrap_or_else(|| admin.password.reveal().to_owned());
        let new = NewUser {
            email: admin.email.clone(),
            name: Some("admin".into()),
            password: password.clone(),
            role: Role::Admin,
        };
        let hash = self.passwords.hash(&password).await?;
        match self.insert_user(&UserId::generate(), &new, &hash).await {
            Ok(()) => Ok(made_up.map(Secret::from)),
            // Another server was faster.
            Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a made-up password, for whoever forgot theirs and can run the binary.
    pub async fn reset_password(&self, email: &str) -> Result<Secret> {
        let user = self.user_by_email(email).await?.ok_or_else(|| {
            Error::not_found("user_not_found", text!("没有邮箱为 {email} 的用户", "there is no user {email}"))
        })?;
        let password = random_token();
        let hash = self.passwords.hash(&password).await?;
        self.set_password(&user.id, &hash, None).await?;
        Ok(password.into())
    }

    pub(super) async fn sign_in(&self, login: &Login, address: &str) -> Result<SessionTokens> {
        let mut checks = Checks::default();
        checks.length("body.email", &login.email, 254);
        checks.length("body.password", &login.password, 1024);
        checks.finish()?;
        let subjects = [format!("account:{}", login.email.to_lowercase()), format!("address:{address}")];
        self.refuse_after_wrong_passwords(&subjects).await?;
        // Judged one at a time, so that guesses side by side count like guesses one after the other.
        let _turn = self.sign_in_turn.lock().await;
        self.refuse_after_wrong_passwords(&subjects).await?;
        let user = self.user_by_email(&login.email).await?.filter(|user| user.is_active);
        let hash = user.as_ref().map(|user| user.password_hash.as_str());
        let right = self.is_right(&login.password, hash).await?;
        let Some(user) = user.filter(|_| right) else {
            self.note_wrong_password(&subjects).await?;
            return Err(Error::Unauthenticated(Problem {
                code: "wrong_password",
                text: text!("邮箱或密码错误", "wrong e-mail address or password"),
            }));
        };
        self.forget_wrong_passwords(&subjects).await?;
        let days = if login.remember_me { self.settings.remember_days } else { self.settings.session_days };
        self.insert_session(&user.id, Duration::days(days), address).await
    }

    async fn refuse_after_wrong_passwords(&self, subjects: &[String; 2]) -> Result<()> {
        if self.wrong_passwords(subjects).await? < self.settings.wrong_passwords_a_minute {
            return Ok(());
        }
        Err(Error::TooMany(Problem {
            code: "too_many_attempts",
            text: text!("密码错误次数过多，请一分钟后再试", "too many wrong passwords; wait a minute and try again"),
        }))
    }

    /// The predecessor's UI sends passwords as Base64.
    async fn is_right(&self, given: &str, hash: Option<&str>) -> Result<bool> {
        if self.passwords.is_right(given, hash).await? {
            return Ok(true);
        }
        match STANDARD.decode(given).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(decoded) => self.passwords.is_right(&decoded, hash).await,
            None => Ok(false),
        }
    }

    pub(super) async fn change_own_password(&self, caller: &Caller, change: &PasswordChange) -> Result<()> {
        let user = self.user(&caller.user_id).await?;
        if !self.is_right(&change.old_password, Some(&user.password_hash)).await? {
            return Err(Error::invalid("body.old_password", "value_error", text!("密码错误", "is wrong")));
        }
        let mut checks = Checks::default();
        check_password(&mut checks, "body.new_password", &change.new_password);
        checks.finish()?;
        let hash = self.passwords.hash(&change.new_password).await?;
        self.set_password(&caller.user_id, &hash, caller.session.as_ref()).await
    }

    pub(super) async fn create_user(&self, new: NewUser) -> Result<User> {
        new.check()?;
        let id = UserId::generate();
        let hash = self.passwords.hash(&new.password).await?;
        self.insert_user(&id, &new, &hash).await?;
        self.user(&id).await
    }

    /// Whose account it is, while it is active and may change things; None else.
    pub async fn editor(&self, id: &UserId) -> Result<Option<User>> {
        let found = self.find_user(id).await?;
        Ok(found.filter(|user| user.is_active && user.role >= Role::Editor))
    }

    pub(super) async fn change_user(&self, id: &UserId, change: UserChange) -> Result<User> {
        change.check()?;
        self.user(id).await?;
        let hash = match &change.password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        if !self.update_user(id, &change, hash.as_deref()).await? {
            return Err(last_admin());
        }
        self.user(id).await
    }

    pub(super) async fn delete_user(&self, id: &UserId) -> Result<()> {
        self.user(id).await?;
        if self.remove_user(id).await? { Ok(()) } else { Err(last_admin()) }
    }

    pub(super) async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<CreatedToken> {
        let mut checks = Checks::default();
        checks.not_empty("body.name", &new.name);
        checks.length("body.name", &new.name, 100);
        let role = new.role.unwrap_or(caller.role);
        checks.require(role <= caller.role, "body.role", "value_error", || {
            text!("不能超过自己的角色", "must not be more than your own role")
        });
        let now = self.clock.now();
        // A token that ends makes none that outlives it.
        let expires_at = new.expires_at.or(caller.expires_at);
        checks.require(expires_at.is_none_or(|at| at > now), "body.expires_at", "value_error", || {
            text!("须晚于现在", "must lie in the future")
        });
        let is_longer = caller.expires_at.is_some_and(|own| expires_at.is_none_or(|at| at > own));
        checks.require(!is_longer, "body.expires_at", "value_error", || {
            text!("不能晚于所用令牌的期限", "must not be later than that of the token you use")
        });
        checks.finish()?;
        let (id, token) = (TokenId::generate(), format!("{TOKEN_PREFIX}{}", random_token()));
        self.insert_token(&id, &caller.user_id, &new.name, role, expires_at, &token).await?;
        Ok(CreatedToken { id, name: new.name, role, token })
    }
}

fn last_admin() -> Error {
    Error::conflict("last_admin", text!("至少要保留一个可用的管理员", "at least one active administrator must remain"))
}
