//! Paths below `/api/v1/projects`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};

use super::super::Agent;
use crate::{
    error::Result,
    platform::http::{Body, Reply},
    protocol::{CloneAnswer, CloneOrder, NodeProject, PullOrder},
    text,
};

pub(in super::super) fn router() -> Router<Arc<Agent>> {
    Router::new()
        .route("/clone", post(clone))
        .route("/{id}/pull", post(pull))
        .route("/{id}/status", get(status))
        .route("/{id}", axum::routing::delete(remove))
}

async fn clone(
    State(agent): State<Arc<Agent>>,
    Body(order): Body<CloneOrder>,
) -> Result<(StatusCode, Json<CloneAnswer>)> {
    let answer = agent.clone_project(order)?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn pull(
    State(agent): State<Arc<Agent>>,
    Path(id): Path<String>,
    Body(order): Body<PullOrder>,
) -> Result<(StatusCode, Json<CloneAnswer>)> {
    let answer = agent.pull_project(&id, order.access, order.force)?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn status(State(agent): State<Arc<Agent>>, Path(id): Path<String>) -> Result<Json<NodeProject>> {
    agent.projects.status(&id).map(Json)
}

async fn remove(State(agent): State<Arc<Agent>>, Path(id): Path<String>) -> Result<Reply> {
    agent.remove_project(&id).await?;
    Ok(Reply::message(text!("项目已删除", "the project is removed")))
}
