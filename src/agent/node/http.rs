//! The agent's own API, on its own port.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Node;
use crate::{
    error::{Error, Problem, Result},
    platform::http::carry_context,
    protocol::TOKEN_HEADER,
    text,
};

impl Node {
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let quit = self.agent.quit.clone();
        let router = router(self);
        let served = axum::serve(listener, router).with_graceful_shutdown(quit.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the agent's API has ended");
        }
    }
}

fn router(node: Arc<Node>) -> Router {
    let closed = Router::new()
        .route("/status", get(status))
        .nest("/projects", super::projects::router())
        .fallback(nothing)
        .layer(from_fn_with_state(node.clone(), check));
    Router::new()
        .route("/health", get(health))
        .nest("/api/v1", closed)
        .fallback(nothing)
        .with_state(node)
        .layer(from_fn(carry_context))
}

async fn check(State(node): State<Arc<Node>>, request: Request, next: Next) -> Result<Response> {
    let given = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    if let Some(given) = given
        && node.agent.server.is_token(given).await
    {
        return Ok(next.run(request).await);
    }
    Err(Error::Unauthenticated(Problem {
        code: "agent_token_needed",
        text: text!("需要节点令牌（X-Agent-Token）", "this takes the node's token as X-Agent-Token"),
    }))
}

/// Says no more to whoever asks.
async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn status(State(node): State<Arc<Node>>) -> Json<Value> {
    let data = json!({
        "name": node.settings.name,
        "instance": node.instance,
        "slots": node.settings.slots,
        "running_tasks": node.agent.held.running(),
        "held": node.agent.held.all().iter().map(|holding| holding.told()).collect::<Vec<_>>(),
        "is_stopping": node.agent.stop.is_cancelled(),
    });
    Json(json!({"code": 200, "msg": "success", "data": data}))
}

async fn nothing() -> Error {
    Error::not_found("no_route", text!("没有这个地址", "there is nothing at this address"))
}
