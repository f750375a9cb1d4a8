use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::{Cookie, SameSite};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Doors, Room,
    admission::Refusal,
    opened::{Connection, Door, Seen},
    pages::{Kind, Notice, is_navigation, private},
    place::{Place, Way},
    service::PASS,
    statement::Statement,
    store::State as RoomState,
};
use crate::{
    error::{Error, Problem, Result},
    platform::http::{
        PassedOn, is_same_origin,
        proxy::{Failure, Passage, asks_for_websocket, climbs},
    },
    text,
};

/// The parameter that holds a token, at a room's own address. VS Code has one of the same name, elsewhere, and of no
/// use to it here.
const TOKEN: &str = "tkn";
const X_UPSTREAM: HeaderName = HeaderName::from_static("x-upstream");
const X_UPSTREAM_COOKIE: HeaderName = HeaderName::from_static("x-upstream-cookie");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");

/// Middleware before all routes: what goes to a room never gets to them, whatever its path is.
pub async fn enter(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let host = host_of(&request);
    let path = request.uri().path().to_owned();
    let mut response = match doors.site.place(&host, &path) {
        Place::Platform => return next.run(request).await,
        Place::Bare => moved(&format!("{path}/{}", query_of(&request))),
        Place::Moved(way) => doors.move_on(&way, &host, &query_of(&request), request.headers()).await,
        Place::Nowhere => Notice::Nowhere.answer(Kind::Editor, request.headers()),
        Place::Room(way) => {
            let of = way.room.kind();
            let mut response = doors.serve(&way, &host, request).await;
            response.extensions_mut().insert(PassedOn(named(of)));
            return response;
        }
    };
    response.extensions_mut().insert(PassedOn(named(Kind::Editor)));
    response
}

/// In the log, whatever the address is.
fn named(of: Kind) -> &'static str {
    match of {
        Kind::Editor => "/code-server/{id}/…",
        Kind::Instance => "{instance}/…",
    }
}

/// For a proxy in front.
pub fn authorize_router(doors: Doors) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(authorize)).with_state(doors)
}

/// Whether a proxy in front may pass a request for an editor or an instance on, and where to: `X-Upstream`. It asks with the request's
/// own headers, and with `X-Original-URI`, `X-Original-Host` and, where it likes, `X-Original-Method`. What is refused is to
/// be passed to this server itself, which says why; so are a room's own address
/// with `tkn` (401), and whatever asks for an upgrade, so that it ends with the session and counts as activity.
#[utoipa::path(get, path = "/proxy/authorize", tag = "proxy",
    params(
        ("X-Original-URI" = String, Header, description = "path and query as the browser sent them"),
        ("X-Original-Host" = String, Header, description = "host and port as the browser sent them")),
    responses(
        (status = 200, description = "`X-Upstream` is `host:port`, `X-Upstream-Cookie` all the cookies to send there"),
        (status = 401, description = "without the editor's cookie"),
        (status = 403, description = "another user's, or from another site"),
        (status = 404, description = "no editor or instance, or none that is ready, or whoever asks is not to hear of it")))]
async fn authorize(State(doors): State<Doors>, headers: HeaderMap) -> Result<Response> {
    let original = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (host, uri) = (original("x-original-host"), original("x-original-uri"));
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let Place::Room(way) = doors.site.place(host, path) else { return Err(no_room(Kind::Editor)) };
    let of = way.room.kind();
    if climbs(path) {
        return Err(no_room(of));
    }
    if way.is_root() && split_token(query).0.is_some() {
        return Err(by_token());
    }
    let (door, seen) = doors.admit(&way.room, &headers).await.map_err(|refusal| match refusal {
        Refusal::Unknown => no_room(of),
        Refusal::Foreign => {
            Error::forbidden("other_user", text!("这是另一位用户的编辑器", "it is another user's editor"))
        }
        Refusal::Anonymous => by_token(),
        Refusal::Failed(error) => error,
    })?;
    let method = headers.get(X_ORIGINAL_METHOD).and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let changes = method.is_some_and(|method| !method.is_safe());
    if (changes || original("sec-fetch-mode") == "websocket") && is_from_elsewhere(&headers, host) {
        return Err(Error::forbidden(
            "other_origin",
            text!("请求来自另一个网站", "the request comes from another site"),
        ));
    }
    let Some(upstream) = seen.inside.as_ref().and(seen.room.upstream.as_deref()) else { return Err(no_room(of)) };
    if of == Kind::Instance || is_navigation(&headers) {
        door.activity.happened(doors.clock.now());
    }
    // What an editor's pages keep by cookies they do not need from a proxy in front.
    let passed = match &way.room {
        Room::Editor(id) => doors.pass_of(id),
        room @ Room::Instance(_) => room.cookies_of(&headers, None),
    };
    Ok(([(X_UPSTREAM, upstream), (X_UPSTREAM_COOKIE, &passed)], ()).into_response())
}

fn no_room(of: Kind) -> Error {
    match of {
        Kind::Editor => Error::not_found("no_editor", text!("这里没有编辑器", "there is no editor here")),
        Kind::Instance => Error::not_found(
            "no_instance",
            text!("这里没有对你开放的实例", "there is no instance here that is open to you"),
        ),
    }
}

fn by_token() -> Error {
    Error::Unauthenticated(Problem {
        code: "open_from_crawlhub",
        text: text!("请从 CrawlHub 打开编辑器", "open the editor from CrawlHub"),
    })
}

impl Doors {
    async fn serve(&self, way: &Way<'_>, host: &str, request: Request) -> Response {
        let (asked, of) = (request.headers(), way.room.kind());
        if [Method::CONNECT, Method::TRACE].contains(request.method()) {
            return Notice::WrongVerb.answer(of, asked);
        }
        if !way.path.starts_with('/') || climbs(way.path) {
            return Notice::Climbs.answer(of, asked);
        }
        let (token, query) = split_token(request.uri().query().unwrap_or_default());
        if let Some(token) = token.filter(|_| way.is_root()) {
            return self.exchange(way, &token, &query, asked).await.unwrap_or_else(IntoResponse::into_response);
        }
        let (door, seen) = match self.admit(&way.room, asked).await {
            Ok(found) => found,
            Err(Refusal::Unknown | Refusal::Foreign) => return Notice::Nowhere.answer(of, asked),
            Err(Refusal::Anonymous) => return Notice::Anonymous.answer(of, asked),
            Err(Refusal::Failed(error)) => return error.into_response(),
        };
        let changes = !request.method().is_safe();
        if (changes || asks_for_websocket(&request)) && is_from_elsewhere(asked, host) {
            return Notice::OtherOrigin.answer(of, asked);
        }
        if of == Kind::Instance || changes || is_navigation(asked) {
            door.activity.happened(self.clock.now());
        }
        self.pass(way, host, request, door, &seen).await
    }

    async fn pass(&self, way: &Way<'_>, host: &str, request: Request, door: Arc<Door>, seen: &Seen) -> Response {
        let is_socket = asks_for_websocket(&request);
        let (asked, of) = (request.headers(), way.room.kind());
        let Some(inside) = &seen.inside else {
            let notice = match seen.room.state() {
                // It is open, and not where it was.
                RoomState::Coming | RoomState::Open => Notice::Starting,
                RoomState::Going => Notice::Closing,
                RoomState::Stopped => Notice::Stopped,
                RoomState::Failed => Notice::Failed,
            };
            return notice.answer(of, asked);
        };
        let connection = Connection::open(&way.room, (door, inside.clone()), self.clock.clone(), is_socket);
        let Some(connection) = connection else { return Notice::TooMany.answer(of, asked) };
        let target = address(way.path, &split_token(request.uri().query().unwrap_or_default()).1);
        let (Ok(target), Ok(host)) = (PathAndQuery::try_from(target), HeaderValue::from_str(host)) else {
            return Notice::Climbs.answer(of, asked);
        };
        let passage = Passage {
            prefix: way.prefix.to_owned(),
            target,
            host,
            https: self.site.https(),
            peer: self.accounts.address(asked, request.extensions()),
            keeps_cookie: way.room.keeps_cookie(),
            own_cookie: self.own_cookie(&way.room),
            end: inside.end.clone(),
            traffic: Arc::new(connection),
        };
        let asked = asked.clone();
        match inside.upstream.pass(request, passage, &self.sockets).await {
            Ok(response) => response,
            Err(Failure::Ended) => Notice::Nowhere.answer(of, &asked),
            Err(Failure::Gone | Failure::Slow) => Notice::Gone.answer(of, &asked),
        }
    }

    /// A token becomes a cookie, and leaves the address.
    async fn exchange(&self, way: &Way<'_>, token: &str, rest: &str, asked: &HeaderMap) -> Result<Response> {
        let of = way.room.kind();
        let Some((door, seen)) = self.look(&way.room).await? else { return Ok(Notice::BadToken.answer(of, asked)) };
        // Whoever follows another's link would work in that one's room.
        if self.is_another(asked, &seen.room.user_id).await? {
            return Ok(Notice::OtherUser.answer(of, asked));
        }
        let Some(statement) = self.redeem(&way.room, &seen.room, token).await? else {
            return Ok(Notice::BadToken.answer(of, asked));
        };
        door.activity.happened(self.clock.now());
        // What begins with two slashes would be a host.
        let start = if way.prefix.is_empty() && way.path.starts_with("//") { "/." } else { way.prefix };
        let mut response = StatusCode::SEE_OTHER.into_response();
        go_to(&mut response, &format!("{start}{}", address(way.path, rest)));
        let own = (self.cookie_name(&way.room), self.state(&way.room, &statement));
        // For a proxy in front that passes cookies on; what goes through here has it anyway.
        let pass = match &way.room {
            Room::Editor(id) => Some((PASS.to_owned(), self.password_of(id))),
            Room::Instance(_) => None,
        };
        for cookie in [own].into_iter().chain(pass).map(|pair| self.cookie(way, pair, &statement).to_string()) {
            response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
        }
        Ok(response)
    }

    fn cookie(&self, way: &Way<'_>, pair: (String, String), statement: &Statement) -> Cookie<'static> {
        let life = (statement.expires_at - self.clock.now()).num_seconds();
        Cookie::build(pair)
            .path(format!("{}/", way.prefix))
            .max_age(time::Duration::seconds(life))
            .same_site(SameSite::Lax)
            .http_only(true)
            .secure(self.site.https())
            .build()
    }

    /// To the editor's own host, where there is one for it.
    async fn move_on(&self, way: &Way<'_>, host: &str, query: &str, asked: &HeaderMap) -> Response {
        let has_token = split_token(query.trim_start_matches('?')).0.is_some();
        // Over there nobody is signed in at the platform, so that it could not be noticed.
        if has_token {
            let another = match self.look(&way.room).await {
                Ok(Some((_, seen))) => self.is_another(asked, &seen.room.user_id).await,
                Ok(None) => Ok(false),
                Err(error) => Err(error),
            };
            match another {
                Ok(false) => {}
                Ok(true) => return Notice::OtherUser.answer(way.room.kind(), asked),
                Err(error) => return error.into_response(),
            }
        }
        let there = self.site.own_address(way.room.name(), host);
        moved(&format!("{there}{}{query}", way.path))
    }
}

/// As the browser sent it; empty where it said none.
fn host_of(request: &Request) -> String {
    let named = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let header = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(header).unwrap_or_default().to_owned()
}

/// With its question mark; empty where there is none.
fn query_of(request: &Request) -> String {
    request.uri().query().map(|query| format!("?{query}")).unwrap_or_default()
}

fn address(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The token in a query, and the query without it, otherwise as it was.
fn split_token(query: &str) -> (Option<String>, String) {
    let name = |pair: &str| form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
    let (tokens, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| name(pair).is_some_and(|name| name == TOKEN));
    let token = tokens.first().and_then(|pair| form_urlencoded::parse(pair.as_bytes()).next());
    (token.map(|(_, value)| value.into_owned()), rest.join("&"))
}

/// A browser says where what it was made to send comes from.
fn is_from_elsewhere(asked: &HeaderMap, host: &str) -> bool {
    let origin = asked.get(header::ORIGIN);
    origin.is_some_and(|origin| !origin.to_str().is_ok_and(|origin| is_same_origin(origin, host)))
}

fn moved(place: &str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    go_to(&mut response, place);
    response
}

fn go_to(response: &mut Response, place: &str) {
    private(response.headers_mut());
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
}
