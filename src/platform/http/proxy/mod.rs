//! A reverse proxy: requests, answers and sockets go through as streams, in both directions only with what is meant
//! for the other side. What stands behind it is hostile, and so may be whoever comes.

mod body;
mod headers;
mod path;
mod socket;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderValue, StatusCode, Uri, Version,
        uri::{Authority, PathAndQuery, Scheme},
    },
    response::Response,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use headers::{asks_for_websocket, cookie_line, cookies};
pub use path::climbs;

use body::{Cut, Progress};

/// On a network of this machine, a connection is there at once or not at all.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an upstream may think about an answer, once it has the whole request.
const THINK: Duration = Duration::from_mins(1);
/// Less than Node's five seconds: a connection is not taken up again as the other side closes it.
const KEEP: Duration = Duration::from_secs(3);
const KEPT: usize = 32;

/// One upstream for as long as it lives: its connections are its own, so that none of them outlives it to reach whoever
/// gets its address next.
#[derive(Debug, Clone)]
pub struct Upstream {
    authority: Authority,
    client: Client<HttpConnector, Cut<Body>>,
}

/// Says which cookies an upstream may have, by their names.
pub type CookieRule = fn(&str) -> bool;

/// How one request goes through.
pub struct Passage {
    /// What stands before the upstream's paths where the browser sees them, without a slash at the end: `/editor/7`;
    /// empty where the upstream has a host to itself.
    pub prefix: String,
    /// What the upstream is asked for.
    pub target: PathAndQuery,
    /// As the browser sent it, with its port.
    pub host: HeaderValue,
    pub https: bool,
    /// The address of whoever asks; empty: not known.
    pub peer: String,
    /// Whether the upstream gets, and may set, the cookie of that name.
    pub keeps_cookie: CookieRule,
    /// A cookie that goes along with each request, as `name=value`; the upstream hears of no other by that name.
    pub own_cookie: Option<String>,
    /// Cuts off whatever goes through.
    pub end: CancellationToken,
    pub traffic: Arc<dyn Traffic>,
}

/// What sees to one connection: it is dropped when that ends.
pub trait Traffic: Any + Send + Sync {
    /// So many bytes came through a WebSocket from the browser.
    fn sent(&self, bytes: usize);
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nobody is there, or hung up, or does not speak HTTP.
    Gone,
    /// It did not answer in time.
    Slow,
    /// It was cut off from this side.
    Ended,
}

impl Upstream {
    /// `authority` is `host:port`; `None` where it is not.
    pub fn new(authority: &str) -> Option<Self> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP)
            .pool_max_idle_per_host(KEPT)
            .build(connector);
        Some(Self { authority: authority.parse().ok()?, client })
    }

    /// Passes the request on, and back the answer; a WebSocket then lives on among `sockets`.
    pub async fn pass(
        &self,
        mut request: Request,
        passage: Passage,
        sockets: &TaskTracker,
    ) -> Result<Response, Failure> {
        let browser = asks_for_websocket(&request).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        parts.headers = headers::toward(&parts.headers, &passage, browser.is_some());
        parts.version = Version::HTTP_11;
        parts.uri = self.uri(passage.target.clone()).ok_or(Failure::Gone)?;
        parts.extensions.clear();
        let progress = Arc::new(Progress::new());
        let body = Cut::new(body, &passage, Some(progress.clone()));
        let asked = self.client.request(Request::from_parts(parts, body));
        let answer = tokio::select! {
            answer = asked => answer.map_err(|error| {
                tracing::debug!(upstream = %self.authority, "no answer: {error}");
                Failure::Gone
            })?,
            () = progress.none_for(THINK) => return Err(Failure::Slow),
            () = passage.end.cancelled() => return Err(Failure::Ended),
        };
        let (mut parts, body) = answer.into_parts();
        let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let headers = headers::back(&parts.headers, &passage, &self.authority, switches);
        match browser {
            Some(browser) if switches && headers::is_websocket(&parts.headers) => {
                let upstream = hyper::upgrade::on(Response::from_parts(parts, body));
                sockets.spawn(socket::carry(browser, upstream, passage.end, passage.traffic));
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                *response.headers_mut() = headers;
                Ok(response)
            }
            // Nobody asked for it.
            _ if switches => Err(Failure::Gone),
            _ => {
                parts.headers = headers;
                parts.extensions.clear();
                let body = Cut::new(body, &passage, None);
                Ok(Response::from_parts(parts, Body::new(body)))
            }
        }
    }

    fn uri(&self, target: PathAndQuery) -> Option<Uri> {
        let mut parts = axum::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).ok()
    }
}
