//! Paths below `/api/v1/projects`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};

use super::super::Node;
use crate::{
    error::Result,
    platform::http::{Body, Reply},
    protocol::{CloneAnswer, CloneOrder, NodeProject, PullOrder},
    text,
};

pub(in super::super) fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/clone", post(clone))
        .route("/{id}/pull", post(pull))
        .route("/{id}/status", get(status))
        .route("/{id}", axum::routing::delete(remove))
}

async fn clone(
    State(node): State<Arc<Node>>,
    Body(order): Body<CloneOrder>,
) -> Result<(StatusCode, Json<CloneAnswer>)> {
    let answer = node.clone_project(order)?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn pull(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Body(order): Body<PullOrder>,
) -> Result<(StatusCode, Json<CloneAnswer>)> {
    let answer = node.pull_project(&id, order.access, order.force)?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn status(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<Json<NodeProject>> {
    node.projects.status(&id).map(Json)
}

async fn remove(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<Reply> {
    node.remove_project(&id).await?;
    Ok(Reply::message(text!("项目已删除", "the project is removed")))
}
