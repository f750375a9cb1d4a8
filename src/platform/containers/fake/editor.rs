//! What answers like an editor.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Request,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Fake, Made, Output, SILENT, process::Main};

/// Where editors listen in their containers.
const PORT: u16 = 8080;

/// The end of a process that SIGTERM ended.
pub(super) const TERMINATED: i64 = 143;

#[expect(clippy::disallowed_methods, reason = "it ends with its container")]
pub(super) async fn start(fake: &Fake, made: &Arc<Made>) -> anyhow::Result<Main> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (port, end) = (listener.local_addr()?.port(), CancellationToken::new());
    let password = made.spec.env.iter().find(|(name, _)| name == "HASHED_PASSWORD").map(|(_, value)| value.clone());
    let routes = if made.spec.image == SILENT {
        Router::new()
    } else {
        let page = move |request: Request| std::future::ready(answer(&request, password.as_deref()));
        Router::new().route("/healthz", get(|| async { "{}" })).fallback(page)
    };
    made.print(Output::Stderr("the editor starts\n".into()));
    let (fake, made, ended) = (fake.clone(), made.clone(), end.clone());
    tokio::spawn(async move {
        tokio::select! {
            served = axum::serve(listener, routes) => drop(served),
            () = ended.cancelled() => {}
        }
        fake.has_ended(&made, TERMINATED);
    });
    Ok(Main::Server { inside: PORT, port, end })
}

/// Whoever has not signed in is sent to where that is done.
fn answer(request: &Request, password: Option<&str>) -> Response {
    let pass = password.map(|password| format!("code-server-session={password}"));
    let lines = request.headers().get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split("; "));
    if pass.is_some_and(|pass| !cookies.any(|cookie| cookie == pass)) {
        return Redirect::to("./login").into_response();
    }
    echo(request).into_response()
}

/// Answers what it was asked.
pub(super) fn echo(request: &Request) -> Json<Value> {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    Json(json!({"method": request.method().as_str(), "uri": request.uri().to_string(), "headers": headers}))
}
