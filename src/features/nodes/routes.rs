use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Node, Nodes,
    types::{NodeChange, NodeNew, NodeWithToken},
};
use crate::{
    error::Result,
    id::NodeId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

/// What everybody may read.
pub fn router(nodes: Nodes) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).with_state(nodes)
}

pub fn admin_router(nodes: Nodes) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(change, delete))
        .routes(routes!(rotate))
        .with_state(nodes)
}

/// Nodes, newest first, with their state.
#[utoipa::path(get, path = "/nodes", tag = "nodes", params(Paging),
    responses((status = 200, body = Envelope<Page<Node>>)))]
async fn list(State(nodes): State<Nodes>, paging: Paging) -> Result<Reply<Page<Node>>> {
    let total = if paging.cursor.is_none() { Some(nodes.count().await?) } else { None };
    let items = nodes.list(&paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |node| node.id.to_string())))
}

/// One node.
#[utoipa::path(get, path = "/nodes/{id}", tag = "nodes", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Node>), (status = 404, description = "`node_not_found`")))]
async fn get(State(nodes): State<Nodes>, Path(id): Path<NodeId>) -> Result<Reply<Node>> {
    nodes.get(&id).await.map(Reply::data)
}

/// Adds a node. The answer holds its agent's token, which is shown this once.
#[utoipa::path(post, path = "/nodes", tag = "nodes", request_body = NodeNew,
    responses((status = 200, body = Envelope<NodeWithToken>), (status = 409, description = "`node_taken`")))]
async fn create(State(nodes): State<Nodes>, Body(new): Body<NodeNew>) -> Result<Reply<NodeWithToken>> {
    nodes.create(new).await.map(Reply::data)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/nodes/{id}", tag = "nodes", params(("id" = String, Path)), request_body = NodeChange,
    responses((status = 200, body = Envelope<Node>), (status = 404, description = "`node_not_found`")))]
async fn change(
    State(nodes): State<Nodes>,
    Path(id): Path<NodeId>,
    Body(change): Body<NodeChange>,
) -> Result<Reply<Node>> {
    nodes.change(&id, change).await.map(Reply::data)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Removal {
    /// Also while it runs tasks: they are started again elsewhere once their lease has run out.
    #[serde(default)]
    force: bool,
}

/// Removes a node; its token holds no more.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "nodes", params(("id" = String, Path), Removal),
    responses((status = 200, description = "removed"), (status = 409, description = "`node_busy`")))]
async fn delete(State(nodes): State<Nodes>, Path(id): Path<NodeId>, Params(removal): Params<Removal>) -> Result<Reply> {
    nodes.remove(&id, removal.force).await?;
    Ok(Reply::message(text!("节点已删除", "the node is deleted")))
}

/// A new token for the node's agent, shown this once. The one before holds for ten minutes more.
#[utoipa::path(post, path = "/nodes/{id}/rotate-token", tag = "nodes", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<NodeWithToken>), (status = 404, description = "`node_not_found`")))]
async fn rotate(State(nodes): State<Nodes>, Path(id): Path<NodeId>) -> Result<Reply<NodeWithToken>> {
    nodes.rotate(&id).await.map(Reply::data)
}
