//! What stands behind a proxy: it says what it heard, and does what proxies must not let through.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io::{copy, split},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use super::wire::Said;

/// An upstream of the test's own.
pub struct Upstream {
    /// `host:port`.
    pub address: String,
    asked: Arc<AtomicUsize>,
    dead: CancellationToken,
}

/// What it may not set, and what it may not say.
const NOT_THROUGH: [(&str, &str); 16] = [
    ("set-cookie", "admin_access_token=stolen; Path=/"),
    ("set-cookie", "crawlhub_code_x=y"),
    ("set-cookie", "vscode-tkn=1; Domain=example.com; Path=/; HttpOnly"),
    ("set-cookie", " vscode-b = 2 ;path=/elsewhere"),
    ("set-cookie", "=; vscode=1"),
    ("clear-site-data", "\"*\""),
    ("service-worker-allowed", "/"),
    ("service-worker-navigation-preload", "true"),
    ("access-control-allow-origin", "*"),
    ("access-control-allow-credentials", "true"),
    ("strict-transport-security", "max-age=99999999"),
    ("x-accel-redirect", "/etc/passwd"),
    ("alt-svc", "h2=\":1\""),
    ("keep-alive", "timeout=5"),
    ("x-kept", "1"),
    ("x-kept", "2"),
];

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, dead) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let router = Router::new().fallback(answer).with_state((asked.clone(), dead.clone()));
        tokio::spawn(dead.clone().run_until_cancelled_owned(async move { axum::serve(listener, router).await }));
        Self { address, asked, dead }
    }

    /// How many requests it has heard.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.dead.cancel();
    }
}

async fn answer(State((asked, dead)): State<(Arc<AtomicUsize>, CancellationToken)>, mut request: Request) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    match request.uri().path() {
        "/not-through" => {
            let headers = axum::response::AppendHeaders(NOT_THROUGH);
            (StatusCode::NOT_FOUND, headers, "its own words").into_response()
        }
        // Whither the request says.
        "/to" => {
            let place = request.headers()["x-to"].clone();
            (StatusCode::FOUND, [(header::LOCATION, place)]).into_response()
        }
        "/endless" => {
            let piece = Bytes::from(vec![b'x'; 32 * 1024]);
            let pieces = stream::repeat_with(move || Ok::<_, Infallible>(piece.clone()));
            Body::from_stream(pieces).into_response()
        }
        "/unasked" => (StatusCode::SWITCHING_PROTOCOLS, [(header::UPGRADE, "websocket")]).into_response(),
        "/socket" if request.headers().contains_key(header::UPGRADE) => {
            let socket = hyper::upgrade::on(&mut request);
            tokio::spawn(dead.run_until_cancelled_owned(async move {
                let (mut heard, mut said) = split(TokioIo::new(socket.await.unwrap()));
                // What comes goes back.
                let _ = copy(&mut heard, &mut said).await;
            }));
            let headers = [
                (header::CONNECTION, "Upgrade"),
                (header::UPGRADE, "websocket"),
                (HeaderName::from_static("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ];
            (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
        }
        _ => echo(request).await,
    }
}

/// What the upstream heard in a header.
pub fn heard(said: &Said, name: &str) -> Vec<String> {
    assert_eq!(said.status, 200, "{said:?}");
    let headers = said.json()["headers"].as_array().unwrap().clone();
    let of_name = headers.iter().filter(|pair| pair[0] == name);
    of_name.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
}

/// What was heard.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut pieces = body.into_data_stream();
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        length += piece.map_or(0, |piece| piece.len());
    }
    let headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    Json(json!({
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "headers": headers,
        "length": length,
    }))
    .into_response()
}
