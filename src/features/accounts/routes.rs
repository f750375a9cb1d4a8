use axum::{
    extract::{Path, State},
    http::{Extensions, HeaderMap},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Accounts, Caller, User,
    guard::{ACCESS_COOKIE, CSRF_COOKIE, REFRESH_COOKIE, sign_in_first},
    store::SessionTokens,
    types::{ApiToken, AuditEntry, CreatedToken, Login, NewToken, NewUser, PasswordChange, UserChange},
};
use crate::{
    error::{Error, Result},
    id::{TokenId, UserId},
    platform::{
        http::{Body, Envelope, Page, Paging, Reply},
        secrets::random_token,
    },
    text,
};

/// What must answer before anyone is signed in.
pub fn public_router(accounts: Accounts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(setup))
        .routes(routes!(system_features))
        .with_state(accounts)
}

/// What is the caller's own.
pub fn own_router(accounts: Accounts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(logout))
        .routes(routes!(profile))
        .routes(routes!(change_password))
        .routes(routes!(general_settings))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(delete_token))
        .with_state(accounts)
}

/// Users and the audit.
pub fn admin_router(accounts: Accounts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, change_user, delete_user))
        .routes(routes!(audit))
        .with_state(accounts)
}

/// Signs in: sets the cookies `admin_access_token`, `admin_refresh_token` and `admin_csrf_token`.
#[utoipa::path(post, path = "/login", tag = "accounts", request_body = Login, responses(
    (status = 200, description = "signed in"),
    (status = 401, description = "`wrong_password`"),
    (status = 429, description = "`too_many_attempts`")))]
async fn login(
    State(accounts): State<Accounts>,
    headers: HeaderMap,
    extensions: Extensions,
    jar: CookieJar,
    Body(login): Body<Login>,
) -> Result<(CookieJar, Reply)> {
    let address = accounts.address(&headers, &extensions);
    let tokens = accounts.sign_in(&login, &address).await?;
    Ok((accounts.with_session(jar, tokens), Reply::message(text!("登录成功", "signed in"))))
}

/// New tokens for a session whose access token has run out. Needs no CSRF token: it gives another site nothing.
#[utoipa::path(post, path = "/refresh-token", tag = "accounts",
    responses((status = 200, description = "renewed"), (status = 401, description = "the session is over")))]
async fn refresh(State(accounts): State<Accounts>, jar: CookieJar) -> Result<(CookieJar, Reply)> {
    let Some(cookie) = jar.get(REFRESH_COOKIE) else { return Err(sign_in_first()) };
    let tokens = accounts.renew_session(cookie.value()).await?.ok_or_else(sign_in_first)?;
    Ok((accounts.with_session(jar, tokens), Reply::message(text!("已续期", "renewed"))))
}

#[derive(Debug, Serialize, ToSchema)]
struct Setup {
    step: &'static str,
}

/// The predecessor's question whether there is an administrator: there always is.
#[utoipa::path(get, path = "/setup", tag = "accounts", responses((status = 200, body = Envelope<Setup>)))]
async fn setup() -> Reply<Setup> {
    Reply::data(Setup { step: "finished" })
}

/// Asked by the predecessor's UI before sign-in.
#[utoipa::path(get, path = "/system-features", tag = "accounts", responses((status = 200, body = Envelope<Value>)))]
async fn system_features() -> Reply<Value> {
    Reply::data(json!({}))
}

/// Asked by the predecessor's UI on every page.
#[utoipa::path(get, path = "/settings/general/admin", tag = "accounts",
    responses((status = 200, body = Envelope<Value>)))]
async fn general_settings() -> Reply<Value> {
    Reply::data(json!({}))
}

/// Ends this session.
#[utoipa::path(post, path = "/logout", tag = "accounts", responses((status = 200, description = "signed out")))]
async fn logout(State(accounts): State<Accounts>, caller: Caller, jar: CookieJar) -> Result<(CookieJar, Reply)> {
    if let Some(session) = &caller.session {
        accounts.remove_session(session).await?;
    }
    let jar = [ACCESS_COOKIE, REFRESH_COOKIE, CSRF_COOKIE]
        .into_iter()
        .fold(jar, |jar, name| jar.remove(Cookie::build(name).path("/")));
    Ok((jar, Reply::message(text!("已退出登录", "signed out"))))
}

/// The caller.
#[utoipa::path(get, path = "/account/profile", tag = "accounts", responses((status = 200, body = Envelope<User>)))]
async fn profile(State(accounts): State<Accounts>, caller: Caller) -> Result<Reply<User>> {
    accounts.user(&caller.user_id).await.map(Reply::data)
}

/// Changes the caller's password and ends their other sessions.
#[utoipa::path(put, path = "/account/password", tag = "accounts", request_body = PasswordChange,
    responses((status = 200, description = "changed")))]
async fn change_password(
    State(accounts): State<Accounts>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<Reply> {
    accounts.change_own_password(&caller, &change).await?;
    Ok(Reply::message(text!("密码已修改，其他会话已退出", "the password is changed; other sessions are ended")))
}

/// The caller's API tokens, without the tokens themselves.
#[utoipa::path(get, path = "/tokens", tag = "accounts", responses((status = 200, body = Envelope<Vec<ApiToken>>)))]
async fn list_tokens(State(accounts): State<Accounts>, caller: Caller) -> Result<Reply<Vec<ApiToken>>> {
    accounts.tokens(&caller.user_id).await.map(Reply::data)
}

/// Makes an API token; this answer is the only one that shows it.
#[utoipa::path(post, path = "/tokens", tag = "accounts", request_body = NewToken,
    responses((status = 200, body = Envelope<CreatedToken>)))]
async fn create_token(
    State(accounts): State<Accounts>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<Reply<CreatedToken>> {
    accounts.create_token(&caller, new).await.map(Reply::data)
}

/// Revokes one of the caller's tokens.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, description = "revoked")))]
async fn delete_token(State(accounts): State<Accounts>, caller: Caller, Path(id): Path<TokenId>) -> Result<Reply> {
    if !accounts.remove_token(&id, &caller.user_id).await? {
        return Err(Error::not_found("token_not_found", text!("令牌 {id} 不存在", "you have no token {id}")));
    }
    Ok(Reply::message(text!("令牌已删除", "the token is revoked")))
}

/// All users. Administrators only, as all of `/users` and `/audit`.
#[utoipa::path(get, path = "/users", tag = "accounts", params(Paging),
    responses((status = 200, body = Envelope<Page<User>>)))]
async fn list_users(State(accounts): State<Accounts>, paging: Paging) -> Result<Reply<Page<User>>> {
    let (users, total) = accounts.users(&paging).await?;
    Ok(Reply::data(Page::new(&paging, users, Some(total), |user| user.id.to_string())))
}

/// Makes a user.
#[utoipa::path(post, path = "/users", tag = "accounts", request_body = NewUser,
    responses((status = 200, body = Envelope<User>), (status = 409, description = "`email_taken`")))]
async fn create_user(State(accounts): State<Accounts>, Body(new): Body<NewUser>) -> Result<Reply<User>> {
    accounts.create_user(new).await.map(Reply::data)
}

/// One user.
#[utoipa::path(get, path = "/users/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<User>)))]
async fn get_user(State(accounts): State<Accounts>, Path(id): Path<UserId>) -> Result<Reply<User>> {
    accounts.user(&id).await.map(Reply::data)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/users/{id}", tag = "accounts", params(("id" = String, Path)), request_body = UserChange,
    responses((status = 200, body = Envelope<User>), (status = 409, description = "`last_admin`")))]
async fn change_user(
    State(accounts): State<Accounts>,
    Path(id): Path<UserId>,
    Body(change): Body<UserChange>,
) -> Result<Reply<User>> {
    accounts.change_user(&id, change).await.map(Reply::data)
}

/// Removes a user with their sessions and tokens.
#[utoipa::path(delete, path = "/users/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 409, description = "`last_admin`")))]
async fn delete_user(State(accounts): State<Accounts>, Path(id): Path<UserId>) -> Result<Reply> {
    accounts.delete_user(&id).await?;
    Ok(Reply::message(text!("用户已删除", "the user is removed")))
}

/// What users changed, newest first.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(Paging),
    responses((status = 200, body = Envelope<Page<AuditEntry>>)))]
async fn audit(State(accounts): State<Accounts>, paging: Paging) -> Result<Reply<Page<AuditEntry>>> {
    let (entries, total) = accounts.audit(&paging).await?;
    Ok(Reply::data(Page::new(&paging, entries, Some(total), |entry| entry.id.clone())))
}

impl Accounts {
    fn with_session(&self, jar: CookieJar, tokens: SessionTokens) -> CookieJar {
        let left = (tokens.expires_at - self.clock.now()).num_seconds();
        let cookie = |name: &'static str, value: String, http_only: bool| {
            Cookie::build((name, value))
                .path("/")
                .http_only(http_only)
                .same_site(SameSite::Lax)
                .secure(self.edge.https)
                .max_age(time::Duration::seconds(left))
        };
        jar.add(cookie(ACCESS_COOKIE, tokens.access, true))
            .add(cookie(REFRESH_COOKIE, tokens.refresh, true))
            .add(cookie(CSRF_COOKIE, random_token(), false))
    }
}
