//! A reverse proxy for what is not trusted: HTTP, WebSocket, anything that streams.
//!
//! What goes in carries nothing of the platform's (cookies, tokens), and what comes out cannot reach beyond its own place:
//! cookies, service workers and redirects stay below the prefix. Nothing is held in memory but what is on its way.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    response::Response,
};
use futures_util::StreamExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// For an answer to begin.
const ANSWER_PATIENCE: Duration = Duration::from_mins(2);
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
const PIECE: usize = 16 * 1024;

/// Of one connection only, and whatever `Connection` names besides.
const HOP_BY_HOP: [&str; 9] = [
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
/// What says who calls is said by nobody but this server.
const SAID_BY_US: [&str; 3] = ["authorization", "forwarded", "x-real-ip"];
const FORWARDED: &str = "x-forwarded-";
/// What would reach beyond the place that an answer comes from.
const FAR_REACHING: [&str; 6] = [
    "clear-site-data",
    "service-worker-navigation-preload",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "strict-transport-security",
    "public-key-pins",
];

/// Connections to one upstream; kept as long as it is the same one, since an address may be another's later.
#[derive(Debug, Clone)]
pub struct Connections(Client<HttpConnector, Body>);

impl Default for Connections {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_nodelay(true);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_idle_timeout(IDLE_CONNECTION).pool_timer(hyper_util::rt::TokioTimer::new());
        Self(client.build(connector))
    }
}

/// Where a request goes, and as what.
pub struct Passage {
    /// `host:port`.
    pub upstream: String,
    /// Path and query as the upstream is to see them, to the letter.
    pub target: String,
    /// What stood before it, without a slash at its end; empty where nothing did.
    pub prefix: String,
    /// The address that the browser used, its port included.
    pub host: HeaderValue,
    pub https: bool,
    pub peer: Option<IpAddr>,
    /// Cookies whose names begin with one of these are the upstream's; no other goes in or out.
    pub cookies: &'static [&'static str],
    /// Ends what is open.
    pub closed: CancellationToken,
    /// Told of every piece that comes from the browser by WebSocket, in bytes.
    pub input: Arc<dyn Fn(usize) + Send + Sync>,
    /// Where sockets go on.
    pub tracker: TaskTracker,
}

/// Marks answers that are not the platform's own.
#[derive(Debug, Clone, Copy)]
pub struct Proxied;

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("the address cannot be passed on")]
    BadTarget,
    #[error("the upstream does not answer: {0}")]
    Unreachable(anyhow::Error),
}

/// Whether a request wants to go on as a WebSocket; nothing else may be upgraded to.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    upgrade && tokens(headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
}

/// Passes a request on and its answer back.
pub async fn forward(
    connections: &Connections,
    mut request: Request,
    passage: Passage,
) -> Result<Response, ProxyError> {
    let is_websocket = is_websocket(request.headers());
    let from_browser = is_websocket.then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let mut onward = Request::new(if is_websocket { Body::empty() } else { body });
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = Uri::builder()
        .scheme("http")
        .authority(passage.upstream.as_str())
        .path_and_query(passage.target.parse::<PathAndQuery>().map_err(|_| ProxyError::BadTarget)?)
        .build()
        .map_err(|_| ProxyError::BadTarget)?;
    *onward.headers_mut() = inward(&parts.headers, &passage, is_websocket);
    let answer = tokio::select! {
        answer = tokio::time::timeout(ANSWER_PATIENCE, connections.0.request(onward)) => answer,
        () = passage.closed.cancelled() => return Err(ProxyError::Unreachable(anyhow::anyhow!("closed"))),
    };
    let answer = answer.map_err(|_| ProxyError::Unreachable(anyhow::anyhow!("no answer in time")))?;
    let mut answer = answer.map_err(|error| ProxyError::Unreachable(error.into()))?;
    let is_switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = outward(answer.headers(), &passage, is_switched);
    let status = answer.status();
    let body = if is_switched {
        let Some(from_browser) = from_browser else {
            return Err(ProxyError::Unreachable(anyhow::anyhow!("it switched protocols unasked")));
        };
        let from_upstream = hyper::upgrade::on(&mut answer);
        let (closed, input) = (passage.closed.clone(), passage.input.clone());
        passage.tracker.spawn(async move {
            let both = async { tokio::try_join!(from_browser, from_upstream) };
            let opened = tokio::select! {
                opened = both => opened,
                () = closed.cancelled() => return,
            };
            // Whoever asked may be gone.
            let Ok((browser, upstream)) = opened else { return };
            splice(TokioIo::new(browser), TokioIo::new(upstream), &closed, &*input).await;
        });
        Body::empty()
    } else {
        let pieces = Body::new(answer.into_body()).into_data_stream();
        Body::from_stream(pieces.take_until(passage.closed.cancelled_owned()))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(Proxied);
    Ok(response)
}

fn inward(headers: &HeaderMap, passage: &Passage, is_websocket: bool) -> HeaderMap {
    let mut onward = HeaderMap::with_capacity(headers.len() + 4);
    let named: Vec<String> = tokens(headers, &header::CONNECTION).map(str::to_ascii_lowercase).collect();
    for (name, value) in headers {
        let word = name.as_str();
        let is_ours = SAID_BY_US.contains(&word) || word.starts_with(FORWARDED) || word.starts_with("x-original-");
        if HOP_BY_HOP.contains(&word) || is_ours || named.iter().any(|other| other == word) {
            continue;
        }
        if *name != header::COOKIE && *name != header::HOST {
            onward.append(name.clone(), value.clone());
        }
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies: Vec<&str> = cookies
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|cookie| is_theirs(cookie, passage.cookies))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&cookies.join("; "))
        && !cookies.is_empty()
    {
        onward.insert(header::COOKIE, value);
    }
    onward.insert(header::HOST, passage.host.clone());
    onward.insert(HeaderName::from_static("x-forwarded-host"), passage.host.clone());
    let scheme = HeaderValue::from_static(if passage.https { "https" } else { "http" });
    onward.insert(HeaderName::from_static("x-forwarded-proto"), scheme);
    if let Some(Ok(peer)) = passage.peer.map(|peer| HeaderValue::from_str(&peer.to_string())) {
        onward.insert(HeaderName::from_static("x-forwarded-for"), peer);
    }
    if is_websocket {
        onward.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        onward.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    onward
}

fn outward(headers: &HeaderMap, passage: &Passage, is_switched: bool) -> HeaderMap {
    let mut back = HeaderMap::with_capacity(headers.len() + 2);
    let named: Vec<String> = tokens(headers, &header::CONNECTION).map(str::to_ascii_lowercase).collect();
    for (name, value) in headers {
        let word = name.as_str();
        if HOP_BY_HOP.contains(&word) || FAR_REACHING.contains(&word) || named.iter().any(|other| other == word) {
            continue;
        }
        let value = match word {
            "set-cookie" => cookie_of_place(value, passage),
            "location" | "content-location" => redirected(value, passage),
            "service-worker-allowed" => HeaderValue::from_str(&format!("{}/", passage.prefix)).ok(),
            _ => Some(value.clone()),
        };
        if let Some(value) = value {
            back.append(name.clone(), value);
        }
    }
    if is_switched {
        back.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        back.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    back
}

fn is_theirs(cookie: &str, theirs: &[&str]) -> bool {
    theirs.iter().any(|start| cookie.starts_with(start))
}

/// A cookie of the upstream's, for its own place alone.
fn cookie_of_place(value: &HeaderValue, passage: &Passage) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    if !is_theirs(text.trim_start(), passage.cookies) {
        return None;
    }
    let kept = text.split(';').filter(|part| {
        let name = part.split('=').next().unwrap_or_default().trim();
        !name.eq_ignore_ascii_case("domain") && !name.eq_ignore_ascii_case("path")
    });
    let kept = kept.collect::<Vec<_>>().join(";");
    HeaderValue::from_str(&format!("{kept}; Path={}/", passage.prefix)).ok()
}

/// A redirect within the upstream, as seen from outside.
fn redirected(value: &HeaderValue, passage: &Passage) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let host = passage.host.to_str().unwrap_or_default();
    let within = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix(host))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .unwrap_or(text);
    if within.starts_with('/') && !within.starts_with("//") {
        return HeaderValue::from_str(&format!("{}{within}", passage.prefix)).ok();
    }
    Some(value.clone())
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

/// Both ways until either side ends or it is closed.
async fn splice(
    browser: impl AsyncRead + AsyncWrite,
    upstream: impl AsyncRead + AsyncWrite,
    closed: &CancellationToken,
    input: &(dyn Fn(usize) + Send + Sync),
) {
    let (mut from_browser, mut to_browser) = tokio::io::split(browser);
    let (mut from_upstream, mut to_upstream) = tokio::io::split(upstream);
    let up = async {
        let mut piece = vec![0; PIECE];
        loop {
            let read = from_browser.read(&mut piece).await?;
            if read == 0 {
                return to_upstream.shutdown().await;
            }
            input(read);
            to_upstream.write_all(&piece[..read]).await?;
        }
    };
    let down = async {
        tokio::io::copy(&mut from_upstream, &mut to_browser).await?;
        to_browser.shutdown().await
    };
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        () = closed.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(prefix: &str) -> Passage {
        Passage {
            upstream: "127.0.0.1:1".to_owned(),
            target: "/".to_owned(),
            prefix: prefix.to_owned(),
            host: HeaderValue::from_static("hub.example:8000"),
            https: true,
            peer: None,
            cookies: &["vscode"],
            closed: CancellationToken::new(),
            input: Arc::new(|_| {}),
            tracker: TaskTracker::new(),
        }
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn redirects_stay_in_their_place() {
        let to = |location: &str, prefix: &str| {
            redirected(&location.parse().unwrap(), &passage(prefix)).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(to("./?folder=/workspace", "/e/1"), "./?folder=/workspace");
        assert_eq!(to("/login", "/e/1"), "/e/1/login");
        assert_eq!(to("http://hub.example:8000/login", "/e/1"), "/e/1/login");
        assert_eq!(to("http://hub.example:8000.evil.example/", "/e/1"), "http://hub.example:8000.evil.example/");
        assert_eq!(to("/login", ""), "/login");
    }

    #[test]
    fn cookies_stay_in_their_place() {
        let kept = |cookie: &str| {
            cookie_of_place(&cookie.parse().unwrap(), &passage("/e/1")).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            kept("vscode-x=1; Domain=hub.example; Path=/; HttpOnly").unwrap(),
            "vscode-x=1; HttpOnly; Path=/e/1/"
        );
        assert_eq!(kept("admin_access_token=stolen"), None);
        assert_eq!(kept(" admin_csrf_token=1; vscode=2"), None);
    }

    #[test]
    fn nothing_of_the_platform_goes_in() {
        let sent = headers(&[
            ("cookie", "admin_access_token=a; vscode-x=1"),
            ("cookie", "crawlhub_editor=b"),
            ("authorization", "Bearer c"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example"),
            ("x-original-uri", "/x"),
            ("connection", "keep-alive, x-secret"),
            ("x-secret", "d"),
            ("accept", "*/*"),
        ]);
        let onward = inward(&sent, &passage("/e/1"), false);
        let mut names: Vec<&str> = onward.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "cookie", "host", "x-forwarded-host", "x-forwarded-proto"]);
        assert_eq!(onward["cookie"], "vscode-x=1");
        assert_eq!(onward["x-forwarded-host"], "hub.example:8000");
    }

    #[test]
    fn only_websockets_are_switched_to() {
        assert!(is_websocket(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        assert!(!is_websocket(&headers(&[("connection", "Upgrade"), ("upgrade", "h2c")])));
        assert!(!is_websocket(&headers(&[("connection", "Upgrade"), ("upgrade", "websocket, h2c")])));
        assert!(!is_websocket(&headers(&[("upgrade", "websocket")])));
    }
}
