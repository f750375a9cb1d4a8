//! Nothing passes without a caller who may: a layer over whole routers, so that a new route is closed until
//! somebody opens it.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, OriginalUri, Request, State},
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
/// By which a browser is signed in: nobody but the platform gets them.
pub const COOKIES: [&str; 3] = [ACCESS_COOKIE, REFRESH_COOKIE, CSRF_COOKIE];
const CSRF_HEADER: &str = "x-csrf-token";
/// The status of what nobody waited for, as proxies write it.
const HUNG_UP: u16 = 499;
/// Of what the audit keeps of a deed, in characters.
const LONGEST_DEED: usize = 200;

/// Who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone who is signed in: what is the caller's own.
    SignedIn,
    /// Viewers read; changing and running takes an editor.
    ByMethod,
    /// Editors, also to read.
    Editor,
    /// Administrators.
    Admin,
}

impl Accounts {
    /// Closes every route of `router` to all but those who may pass.
    pub fn guard(&self, access: Access, router: OpenApiRouter) -> OpenApiRouter {
        router.route_layer(axum::middleware::from_fn_with_state((self.clone(), access), check))
    }

    /// The peer, or what a trusted proxy says of it: the rightmost address that is no trusted proxy's.
    pub fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> String {
        let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() else { return String::new() };
        // Where one socket takes both, that of IPv4 comes dressed as one of IPv6.
        let peer = peer.ip().to_canonical();
        let trusted = |address: &IpAddr| self.edge.trusted_proxies.iter().any(|network| network.contains(address));
        if !trusted(&peer) {
            return peer.to_string();
        }
        // A proxy may add a line of its own behind the caller's.
        let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
        let mut hops = lines.flat_map(|line| line.rsplit(',')).map_while(|hop| hop.trim().parse::<IpAddr>().ok());
        hops.find(|hop| !trusted(hop)).unwrap_or(peer).to_string()
    }

    /// Whoever the request's token or cookie belongs to.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>> {
        if let Some(token) = bearer(headers) {
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

/// What `Authorization: Bearer` carries.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
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
        Access::ByMethod | Access::Editor => Role::Editor,
        Access::Admin => Role::Admin,
    };
    // The whole of it: nested routers see only the end.
    let path = request.extensions().get::<OriginalUri>().map_or(request.uri(), |uri| &uri.0).path().to_owned();
    let method = request.method().clone();
    let address = accounts.address(request.headers(), request.extensions());
    let deed = Deed::default();
    let entry = Entry { accounts, caller: caller.clone(), method, path, address, deed: deed.clone() };
    let mut unnoted = Unnoted(Some(entry));
    let response = if caller.role < needed {
        axum::response::IntoResponse::into_response(not_allowed(needed))
    } else {
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(deed);
        next.run(request).await
    };
    if let Some(entry) = unnoted.0.take() {
        entry.note(response.status().as_u16()).await;
    }
    Ok(response)
}

/// What was done, where its address does not say it: for the audit.
#[derive(Debug, Clone, Default)]
pub struct Deed(Arc<OnceLock<String>>);

impl Deed {
    /// To be said before it is begun, so that it is known of whoever hangs up. The first word counts.
    pub fn is(&self, what: &str) {
        let _ = self.0.set(what.chars().take(LONGEST_DEED).collect());
    }
}

/// What is to stand in the audit, also where whoever asked does not wait for the answer.
struct Unnoted(Option<Entry>);

struct Entry {
    accounts: Accounts,
    caller: Caller,
    method: Method,
    path: String,
    address: String,
    deed: Deed,
}

impl Entry {
    async fn note(self, status: u16) {
        let detail = self.deed.0.get().map(String::as_str);
        if !self.method.is_safe() || detail.is_some() {
            let what = (self.method.as_str(), self.path.as_str(), detail);
            self.accounts.note(&self.caller, what, status, &self.address).await;
        }
    }
}

impl Drop for Unnoted {
    #[expect(clippy::disallowed_methods, reason = "one row is written, and nobody is left to wait for it")]
    fn drop(&mut self) {
        if let Some(entry) = self.0.take() {
            tokio::spawn(entry.note(HUNG_UP));
        }
    }
}

/// A cookie comes along by itself, also when another site makes the browser call; a token or this header does not.
fn check_csrf(method: &Method, headers: &HeaderMap) -> Result<()> {
    if method.is_safe() || bearer(headers).is_some() {
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

impl<S: Send + Sync> FromRequestParts<S> for Deed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(sign_in_first)
    }
}
