//! Who comes in, and what is passed on.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{CodeSession, CodeSessions, Status},
    Door, Known,
    entry::{Entry, Meant, climbs, host_of, taken_out},
    pages::Refusal,
};
use crate::{
    error::Result,
    platform::{
        http::proxy::{Passage, ProxyError, forward, is_websocket},
        secrets::token_hash,
    },
};

const COOKIE: &str = "crawlhub_editor";
const TOKEN: &str = "tkn";
/// Cookies that the editor makes for itself.
const EDITORS_COOKIES: &[&str] = &["vscode"];
const UPSTREAM: HeaderName = HeaderName::from_static("x-upstream");

/// Takes requests that are meant for editors, and lets all others go on to the platform.
pub async fn at_the_door(State(sessions): State<CodeSessions>, request: Request, next: Next) -> Response {
    let host = host_of(request.headers(), request.uri()).to_owned();
    let entry = match sessions.meant_by(&host, request.uri()) {
        Meant::Platform => return next.run(request).await,
        Meant::Nothing => return Refusal::NotFound.answer(request.headers()),
        Meant::Editor(entry) => entry,
    };
    let headers = request.headers().clone();
    match sessions.enter(request, entry, &host).await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.answer(&headers),
        Err(error) => error.into_response(),
    }
}

impl CodeSessions {
    async fn enter(&self, request: Request, entry: Entry, host: &str) -> Result<Result<Response, Refusal>> {
        let headers = request.headers().clone();
        let Some(target) = entry.target.clone() else {
            // Relative addresses of the page would be one folder too high.
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            return Ok(Ok(redirect(StatusCode::PERMANENT_REDIRECT, &format!("{}/{query}", entry.prefix))));
        };
        if climbs(&target) {
            return Ok(Err(Refusal::BadPath));
        }
        let Some((door, known)) = self.known(&entry.id).await? else { return Ok(Err(Refusal::NotFound)) };
        if !known.session.status.is_active() || !known.may {
            return Ok(Err(Refusal::NotFound));
        }
        if let (Some(token), rest) = taken_out(&target, TOKEN) {
            return self.exchange(&headers, &known.session, &entry, (&token, &rest)).await;
        }
        if let Err(refusal) = self.may_pass(&known, &headers, request.method(), host) {
            return Ok(Err(refusal));
        }
        if !entry.prefix.is_empty() && self.place.domain.is_some() {
            // Where editors have hosts of their own, none runs at the platform's.
            let host = self.url_of(&entry.id);
            return Ok(Ok(redirect(StatusCode::TEMPORARY_REDIRECT, &format!("{host}{}", &target[1..]))));
        }
        let (Status::Ready, Some(upstream)) = (known.session.status, known.session.upstream.clone()) else {
            return Ok(Err(Refusal::Starting));
        };
        Ok(self.pass(request, &door, (upstream, target, entry.prefix), host).await)
    }

    async fn pass(
        &self,
        request: Request,
        door: &Arc<Door>,
        (upstream, target, prefix): (String, String, String),
        host: &str,
    ) -> Result<Response, Refusal> {
        let permit = if is_websocket(request.headers()) {
            Some(door.sockets.clone().try_acquire_owned().map_err(|_| Refusal::TooManySockets)?)
        } else {
            if is_work(&request) {
                door.input.is_active(&self.clock);
            }
            None
        };
        let (counted, clock) = (door.clone(), self.clock.clone());
        let passage = Passage {
            upstream,
            target,
            prefix,
            host: HeaderValue::from_str(host).map_err(|_| Refusal::BadPath)?,
            https: self.place.https,
            peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()),
            cookies: EDITORS_COOKIES,
            closed: door.closed.clone(),
            input: Arc::new(move |bytes| {
                // As long as the socket is open.
                let _ = &permit;
                counted.input.count(bytes, &clock);
            }),
            tracker: self.doors.tracker.clone(),
        };
        forward(&door.connections, request, passage).await.map_err(|error| match error {
            ProxyError::BadTarget => Refusal::BadPath,
            ProxyError::Unreachable(reason) => {
                tracing::debug!("an editor does not answer: {reason:#}");
                Refusal::Unreachable
            }
        })
    }

    /// Whether a request carries the pass of the session, and comes from the editor's own pages where it matters.
    fn may_pass(
        &self,
        known: &Known,
        headers: &HeaderMap,
        method: &axum::http::Method,
        host: &str,
    ) -> Result<(), Refusal> {
        let jar = CookieJar::from_headers(headers);
        if !jar.get(COOKIE).is_some_and(|pass| self.is_pass(&known.session, pass.value())) {
            return Err(Refusal::NoPass);
        }
        // A cookie comes along by itself, also when another site calls.
        if (is_websocket(headers) || !method.is_safe()) && !is_own_origin(headers, host) {
            return Err(Refusal::ForeignOrigin);
        }
        Ok(())
    }

    /// The token, which works once, becomes the cookie, and the address loses it.
    async fn exchange(
        &self,
        headers: &HeaderMap,
        session: &CodeSession,
        entry: &Entry,
        (token, rest): (&str, &str),
    ) -> Result<Result<Response, Refusal>> {
        // Whoever is made to click another's link would work in another's editor.
        if let Some(caller) = self.accounts.signed_in(headers).await?
            && caller.user_id != session.user_id
        {
            return Ok(Err(Refusal::NotYours));
        }
        if !self.use_token(&token_hash(token), &session.id).await? {
            return Ok(Err(Refusal::BadToken));
        }
        let life = (session.expires_at - self.clock.now()).num_seconds().max(0);
        let cookie = Cookie::build((COOKIE, self.pass_of(session)))
            .path(format!("{}/", entry.prefix))
            .http_only(true)
            .secure(self.place.https)
            .same_site(SameSite::Lax)
            .max_age(time::Duration::seconds(life));
        let mut response = redirect(StatusCode::SEE_OTHER, &format!("{}{rest}", entry.prefix));
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().insert(header::SET_COOKIE, value);
        }
        self.touch(&session.id, self.clock.now()).await?;
        Ok(Ok(response))
    }
}

/// Somebody goes somewhere, or changes something; not what a page fetches by itself.
fn is_work(request: &Request) -> bool {
    let mode = request.headers().get("sec-fetch-mode");
    !request.method().is_safe() || mode.is_some_and(|mode| mode == "navigate")
}

/// Whether the page that calls is of the host that is called. What is no browser sends none.
fn is_own_origin(headers: &HeaderMap, host: &str) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host))
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What a proxy in front asks; it judges by itself who comes in.
pub fn authorize_router(sessions: CodeSessions) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(authorize)).with_state(sessions)
}

/// Whether a request may go to an editor, and where that is; for a proxy in front, which sends the request's own headers
/// along. Without `X-Original-URI` there is nothing to judge.
#[utoipa::path(get, path = "/proxy/authorize", tag = "code sessions",
    params(("x-original-uri" = String, Header, description = "path and query that the browser asked for"),
        ("x-original-host" = String, Header, description = "the host it asked for, with its port"),
        ("x-original-method" = Option<String>, Header, description = "GET where left out")),
    responses((status = 200, description = "`X-Upstream: host:port`"), (status = 401, description = "no cookie of it"),
        (status = 403, description = "another site's page, or an address that climbs"),
        (status = 404, description = "no such editor, or it is not ready")))]
async fn authorize(State(sessions): State<CodeSessions>, headers: HeaderMap) -> Response {
    match sessions.authorized(&headers).await {
        Ok(Ok(upstream)) => (StatusCode::OK, [(UPSTREAM, upstream)]).into_response(),
        Ok(Err(refusal)) => refusal.answer(&headers),
        Err(error) => error.into_response(),
    }
}

impl CodeSessions {
    async fn authorized(&self, headers: &HeaderMap) -> Result<Result<String, Refusal>> {
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let host = said("x-original-host").unwrap_or_default();
        let Some(Ok(uri)) = said("x-original-uri").map(str::parse::<Uri>) else { return Ok(Err(Refusal::NotFound)) };
        let Meant::Editor(Entry { id, target: Some(target), .. }) = self.meant_by(host, &uri) else {
            return Ok(Err(Refusal::NotFound));
        };
        let Some((door, known)) = self.known(&id).await? else { return Ok(Err(Refusal::NotFound)) };
        if !known.session.status.is_active() || !known.may {
            return Ok(Err(Refusal::NotFound));
        }
        if climbs(&target) || taken_out(&target, TOKEN).0.is_some() {
            // A token becomes a cookie here, not in front.
            return Ok(Err(Refusal::NoPass));
        }
        let method = said("x-original-method").and_then(|method| method.parse().ok()).unwrap_or_default();
        if let Err(refusal) = self.may_pass(&known, headers, &method, host) {
            return Ok(Err(refusal));
        }
        let (Status::Ready, Some(upstream)) = (known.session.status, &known.session.upstream) else {
            return Ok(Err(Refusal::NotFound));
        };
        if !method.is_safe() || said("sec-fetch-mode") == Some("navigate") {
            door.input.is_active(&self.clock);
        }
        Ok(Ok(upstream.clone()))
    }
}
