//! What of the headers goes through, in either direction.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header, uri::Authority},
};

use super::{CookieRule, Passage};

/// They are about one connection.
const OF_A_CONNECTION: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What nobody outside may say to an upstream: who asks is known here, and so is where. `expect` is answered here.
const NOT_INWARD: [&str; 6] = ["authorization", "cookie", "expect", "forwarded", "host", "x-real-ip"];

/// What an upstream may not do to a host that is not its own, or to a proxy in front of us: it would last, reach
/// beyond its own pages, or let others in.
const NOT_OUTWARD: [&str; 10] = [
    "alt-svc",
    "clear-site-data",
    "nel",
    "public-key-pins",
    "report-to",
    "reporting-endpoints",
    "service-worker-navigation-preload",
    "set-cookie",
    "strict-transport-security",
    "x-upstream",
];

const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");

/// Whether the browser wants a WebSocket, and nothing else.
pub fn asks_for_websocket(request: &Request) -> bool {
    request.method() == Method::GET && request.version() == Version::HTTP_11 && is_websocket(request.headers())
}

pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = words(headers, &header::UPGRADE);
    upgrades.next().is_some_and(|word| word.eq_ignore_ascii_case("websocket"))
        && upgrades.next().is_none()
        && words(headers, &header::CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
}

fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// Every cookie that came along: name and value.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The cookies that an upstream gets: `own`, and of those that came what it may have.
pub fn cookie_line(given: &HeaderMap, keeps: CookieRule, own: Option<&str>) -> String {
    let of_its_own = cookies(given).filter(|(name, _)| keeps(name));
    let of_its_own = of_its_own.map(|(name, value)| format!("{name}={value}"));
    own.map(str::to_owned).into_iter().chain(of_its_own).collect::<Vec<_>>().join("; ")
}

/// What the upstream hears.
pub(super) fn toward(given: &HeaderMap, passage: &Passage, websocket: bool) -> HeaderMap {
    let mut kept = through(given, |name| NOT_INWARD.contains(&name) || name.starts_with("x-forwarded-"));
    kept.insert(header::HOST, passage.host.clone());
    kept.insert("x-forwarded-host", passage.host.clone());
    kept.insert("x-forwarded-proto", HeaderValue::from_static(if passage.https { "https" } else { "http" }));
    if let Ok(peer) = HeaderValue::from_str(&passage.peer) {
        kept.insert("x-forwarded-for", peer);
    }
    let line = cookie_line(given, passage.keeps_cookie, passage.own_cookie.as_deref());
    if let Some(line) = HeaderValue::from_str(&line).ok().filter(|line| !line.is_empty()) {
        kept.insert(header::COOKIE, line);
    }
    if websocket {
        say_websocket(&mut kept);
    }
    kept
}

/// What the browser hears.
pub(super) fn back(given: &HeaderMap, passage: &Passage, upstream: &Authority, switches: bool) -> HeaderMap {
    let mut kept = through(given, |name| {
        NOT_OUTWARD.contains(&name) || name.starts_with("access-control-") || name.starts_with("x-accel-")
    });
    for cookie in given.get_all(header::SET_COOKIE) {
        if let Some(cookie) = own_cookie(cookie, passage) {
            kept.append(header::SET_COOKIE, cookie);
        }
    }
    if kept.contains_key(&SERVICE_WORKER_ALLOWED) {
        match HeaderValue::from_str(&format!("{}/", passage.prefix)) {
            Ok(scope) => kept.insert(SERVICE_WORKER_ALLOWED, scope),
            Err(_) => kept.remove(SERVICE_WORKER_ALLOWED),
        };
    }
    if let Some(place) = kept.get(header::LOCATION).and_then(|place| inside(place, passage, upstream)) {
        kept.insert(header::LOCATION, place);
    }
    if switches {
        say_websocket(&mut kept);
    }
    kept
}

fn say_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// All but those of a connection, those that it names, and those that are `refused`.
fn through(given: &HeaderMap, refused: impl Fn(&str) -> bool) -> HeaderMap {
    let named: Vec<&str> = words(given, &header::CONNECTION).collect();
    let mut kept = HeaderMap::with_capacity(given.len() + 4);
    for (name, value) in given {
        let word = name.as_str();
        let is_named = named.iter().any(|named| named.eq_ignore_ascii_case(word));
        if !OF_A_CONNECTION.contains(&word) && !is_named && !refused(word) {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// The cookie for the upstream's own host and paths alone; none where it may not set it.
fn own_cookie(cookie: &HeaderValue, passage: &Passage) -> Option<HeaderValue> {
    let mut parts = cookie.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pair = parts.next()?;
    let name = pair.split(|byte| *byte == b'=').next()?.trim_ascii();
    if !std::str::from_utf8(name).is_ok_and(passage.keeps_cookie) {
        return None;
    }
    // All paths of a host that it has to itself are its own.
    let shares = !passage.prefix.is_empty();
    let is_about_its_place = |part: &[u8]| {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"domain") || shares && name.eq_ignore_ascii_case(b"path")
    };
    let mut own = pair.to_vec();
    for part in parts.filter(|part| !is_about_its_place(part)) {
        own.extend_from_slice(b"; ");
        own.extend_from_slice(part);
    }
    if shares {
        own.extend_from_slice(format!("; Path={}/", passage.prefix).as_bytes());
    }
    HeaderValue::from_bytes(&own).ok()
}

/// Where a redirect of the upstream leads in the browser, if that is not what it says: its paths begin behind the
/// prefix.
fn inside(place: &HeaderValue, passage: &Passage, upstream: &Authority) -> Option<HeaderValue> {
    let place = place.to_str().ok()?;
    let path = match place.strip_prefix("http:").or_else(|| place.strip_prefix("https:")).unwrap_or(place) {
        with_host if with_host.starts_with("//") => {
            let (host, _) = split_at_path(&with_host[2..]);
            let is_ours = host.eq_ignore_ascii_case(upstream.as_str())
                || passage.host.to_str().is_ok_and(|own| host.eq_ignore_ascii_case(own));
            // To somewhere else.
            if !is_ours {
                return None;
            }
            split_at_path(&with_host[2..]).1
        }
        path if path.starts_with('/') => path,
        // Relative to the page; or with another scheme.
        _ => return None,
    };
    let is_inside = path.strip_prefix(&*passage.prefix).is_some_and(|rest| rest.starts_with('/'));
    let prefix = if is_inside { "" } else { &*passage.prefix };
    // What begins with two slashes would be a host.
    let dot = if prefix.is_empty() && path.starts_with("//") { "/." } else { "" };
    let slash = if path.starts_with('/') { "" } else { "/" };
    HeaderValue::from_str(&format!("{dot}{prefix}{slash}{path}")).ok()
}

fn split_at_path(text: &str) -> (&str, &str) {
    text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()))
}
