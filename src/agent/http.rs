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

use super::Agent;
use crate::{
    error::{Error, Problem, Result},
    platform::http::carry_context,
    protocol::TOKEN_HEADER,
    text,
};

impl Agent {
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let quit = self.quit.clone();
        let router = router(self);
        let served = axum::serve(listener, router).with_graceful_shutdown(quit.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the agent's API has ended");
        }
    }
}

fn router(agent: Arc<Agent>) -> Router {
    let closed = Router::new()
        .route("/status", get(status))
        .nest("/projects", super::projects::router())
        .fallback(nothing)
        .layer(from_fn_with_state(agent.clone(), check));
    Router::new()
        .route("/health", get(health))
        .nest("/api/v1", closed)
        .fallback(nothing)
        .with_state(agent)
        .layer(from_fn(carry_context))
}

async fn check(State(agent): State<Arc<Agent>>, request: Request, next: Next) -> Result<Response> {
    let given = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    if given.is_some_and(|given| agent.server.is_token(given)) {
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

async fn status(State(agent): State<Arc<Agent>>) -> Json<Value> {
    let data = json!({
        "name": agent.settings.name,
        "instance": agent.instance,
        "slots": agent.settings.slots,
        "running_tasks": agent.held.running(),
        "held": agent.held.all().iter().map(|holding| holding.told()).collect::<Vec<_>>(),
        "is_stopping": agent.stop.is_cancelled(),
    });
    Json(json!({"code": 200, "msg": "success", "data": data}))
}

async fn nothing() -> Error {
    Error::not_found("no_route", text!("没有这个地址", "there is nothing at this address"))
}
