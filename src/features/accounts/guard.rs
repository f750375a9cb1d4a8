//! Nothing passes without a caller who may: a layer over whole routers, so that a new route is closed until
//! somebody opens it.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::CookieJar;
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;

use super::{Accounts, Caller, Role, service::TOKEN_PREFIX};
use crate::{
    error::{Error, Problem, Result},
    text,
};

pub(super) const ACCESS_COOKIE: &str = "admin_access_token";
pub(super) const REFRESH_COOKIE: &str = "admin_refresh_token";
pub(super) const CSRF_COOKIE: &str = "admin_csrf_token";
const CSRF_HEADER: &str = "x-csrf-token";

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone who is signed in: what is the caller's own.
    SignedIn,
    /// Viewers read; changing and running takes an editor.
    ByMethod,
    /// Administrators.
    Admin,
}

impl Accounts {
    /// Closes every route of `router` to all but those who may pass.
    pub fn guard(&self, access: Access, router: OpenApiRouter) -> OpenApiRouter {
        router.route_layer(axum::middleware::from_fn_with_state((self.clone(), access), check))
    }

    /// The peer, or what a trusted proxy says of it: the rightmost address that is no trusted proxy's.
    pub(super) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> String {
        let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() else { return String::new() };
        let trusted = |address: &IpAddr| self.edge.trusted_proxies.contains(address);
        if !trusted(&peer.ip()) {
            return peer.ip().to_string();
        }
        let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut hops = forwarded.rsplit(',').filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
        hops.find(|hop| !trusted(hop)).unwrap_or(peer.ip()).to_string()
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
            return if token.starts_with(TOKEN_PREFIX) {
                self.caller_of_token(token).await
            } else {
                self.caller_of_session(token).await
            };
        }
        match CookieJar::from_headers(headers).get(ACCESS_COOKIE) {
            Some(cookie) => self.caller_of_session(cookie.value()).await,
            None => Ok(None),
        }
    }
}

async fn check(
    State((accounts, access)): State<(Accounts, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let caller = accounts.caller(request.headers()).await?.ok_or_else(sign_in_first)?;
    check_csrf(request.method(), request.headers())?;
    let needed = match access {
        Access::SignedIn => Role::Viewer,
        Access::ByMethod if request.method().is_safe() => Role::Viewer,
        Access::ByMethod => Role::Editor,
        Access::Admin => Role::Admin,
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let address = accounts.address(request.headers(), request.extensions());
    let response = if caller.role < needed {
        axum::response::IntoResponse::into_response(not_allowed(needed))
    } else {
        request.extensions_mut().insert(caller.clone());
        next.run(request).await
    };
    if !method.is_safe() {
        accounts.note(&caller, method.as_str(), &path, response.status().as_u16(), &address).await;
    }
    Ok(response)
}

/// A cookie comes along by itself, also when another site makes the browser call; the header does not.
fn check_csrf(method: &Method, headers: &HeaderMap) -> Result<()> {
    if method.is_safe() || headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let sent = headers.get(CSRF_HEADER).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let jar = CookieJar::from_headers(headers);
    let kept = jar.get(CSRF_COOKIE).map(|cookie| cookie.value().as_bytes().to_vec()).unwrap_or_default();
    if !kept.is_empty() && bool::from(sent.ct_eq(&kept)) {
        return Ok(());
    }
    Err(Error::forbidden(
        "csrf_mismatch",
        text!(
            "缺少 X-CSRF-Token，或与 cookie admin_csrf_token 不一致",
            "X-CSRF-Token is missing or differs from the cookie admin_csrf_token"
        ),
    ))
}

pub(super) fn sign_in_first() -> Error {
    Error::Unauthenticated(Problem {
        code: "unauthenticated",
        text: text!("请先登录", "sign in first, or send an API token as Authorization: Bearer"),
    })
}

fn not_allowed(needed: Role) -> Error {
    Error::forbidden("not_allowed", text!("需要 {needed} 角色", "this takes the role {needed}"))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(sign_in_first)
    }
}
