use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use bytes::Bytes;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Project, ProjectChange, Projects,
    tree::{ProjectTree, TreePath},
    types::{ProjectClone, ProjectFilter, PullOptions},
    webhook::{WebhookAnswer, WebhookSecret},
};
use crate::{
    error::Result,
    features::nodes::FromNode,
    id::ProjectId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    protocol::ProjectHint,
    text,
};

pub fn router(projects: Projects) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(clone))
        .routes(routes!(get, change, delete))
        .routes(routes!(pull))
        .routes(routes!(tree))
        .routes(routes!(webhook_secret))
        .with_state(projects)
}

/// For agents of nodes.
pub fn node_router(projects: Projects) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(node_says)).with_state(projects)
}

/// For forges, which prove themselves in their own way.
pub fn public_router(projects: Projects) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(webhook)).with_state(projects)
}

/// Projects, newest first.
#[utoipa::path(get, path = "/projects", tag = "projects", params(Paging, ProjectFilter),
    responses((status = 200, body = Envelope<Page<Project>>)))]
async fn list(
    State(projects): State<Projects>,
    paging: Paging,
    Params(filter): Params<ProjectFilter>,
) -> Result<Reply<Page<Project>>> {
    let total = if paging.cursor.is_none() { Some(projects.count(&filter).await?) } else { None };
    let items = projects.list(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |project| project.id.to_string())))
}

/// Makes a project.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = ProjectChange,
    responses((status = 200, body = Envelope<Project>), (status = 409, description = "`name_taken`")))]
async fn create(State(projects): State<Projects>, Body(new): Body<ProjectChange>) -> Result<Reply<Project>> {
    projects.create(new).await.map(Reply::data)
}

/// Makes a project of a repository, which is fetched in the background: its `status` goes from `pending` over `syncing` to
/// `active` or `error`.
#[utoipa::path(post, path = "/projects/clone", tag = "projects", request_body = ProjectClone,
    responses((status = 202, body = Envelope<Project>), (status = 400, description = "`credentials_in_url`"),
        (status = 409, description = "`name_taken`"), (status = 503, description = "`node_offline`")))]
async fn clone(State(projects): State<Projects>, Body(new): Body<ProjectClone>) -> Result<Reply<Project>> {
    let project = projects.clone_repository(new).await?;
    Ok(Reply::accepted(project).saying(text!("项目克隆已开始", "the repository is being fetched")))
}

/// One project.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Project>), (status = 404, description = "`project_not_found`")))]
async fn get(State(projects): State<Projects>, Path(id): Path<ProjectId>) -> Result<Reply<Project>> {
    projects.get(&id).await.map(Reply::data)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)),
    request_body = ProjectChange, responses((status = 200, body = Envelope<Project>)))]
async fn change(
    State(projects): State<Projects>,
    Path(id): Path<ProjectId>,
    Body(change): Body<ProjectChange>,
) -> Result<Reply<Project>> {
    projects.change(&id, change).await.map(Reply::data)
}

/// Removes a project that has no spiders.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 409, description = "`project_not_empty`")))]
async fn delete(State(projects): State<Projects>, Path(id): Path<ProjectId>) -> Result<Reply> {
    projects.delete(&id).await?;
    Ok(Reply::message(text!("项目删除成功", "the project is deleted")))
}

/// Fetches the repository again, and brings its spiders to the commit: what users changed of their files stays, unless
/// `force`. While that goes on, another round is noted.
#[utoipa::path(post, path = "/projects/{id}/pull", tag = "projects", params(("id" = String, Path)),
    request_body = PullOptions,
    responses((status = 202, body = Envelope<Project>), (status = 409, description = "`no_repository`")))]
async fn pull(
    State(projects): State<Projects>,
    Path(id): Path<ProjectId>,
    Body(options): Body<PullOptions>,
) -> Result<Reply<Project>> {
    let project = projects.pull(&id, options.force).await?;
    Ok(Reply::accepted(project).saying(text!("项目同步已开始", "the repository is being fetched")))
}

/// A folder of the repository, as the commit that was fetched last has it.
#[utoipa::path(get, path = "/projects/{id}/tree", tag = "projects", params(("id" = String, Path), TreePath),
    responses((status = 200, body = Envelope<ProjectTree>), (status = 404, description = "`path_not_found`"),
        (status = 409, description = "`not_synced`")))]
async fn tree(
    State(projects): State<Projects>,
    Path(id): Path<ProjectId>,
    Params(at): Params<TreePath>,
) -> Result<Reply<ProjectTree>> {
    projects.tree(&id, &at).await.map(Reply::data)
}

/// Makes a new secret for the forge's webhook, and shows it once; the former one is worth nothing from now on.
#[utoipa::path(post, path = "/projects/{id}/webhook-secret", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<WebhookSecret>)))]
async fn webhook_secret(State(projects): State<Projects>, Path(id): Path<ProjectId>) -> Result<Reply<WebhookSecret>> {
    projects.renew_webhook_secret(&id).await.map(Reply::data)
}

/// The agent of the project's node says that something has changed. The server asks it then: nothing of this is believed.
#[utoipa::path(post, path = "/projects/{id}/status", tag = "internal", params(("id" = String, Path)),
    request_body = ProjectHint,
    responses((status = 200, description = "noted"), (status = 404, description = "`project_not_found`")))]
async fn node_says(
    State(projects): State<Projects>,
    from: FromNode,
    Path(id): Path<ProjectId>,
    Body(hint): Body<ProjectHint>,
) -> Result<Reply> {
    tracing::debug!(project = %id, status = hint.status, "a node has news of a project");
    projects.hear_of(&from, &id).await?;
    Ok(Reply::message(text!("已记录", "noted")))
}

/// For the forge: something was pushed. It proves itself by `X-Hub-Signature-256` (GitHub, Gitea) or `X-Gitlab-Token`. A push
/// of another branch does nothing.
#[utoipa::path(post, path = "/projects/{id}/webhook", tag = "projects", params(("id" = String, Path)),
    request_body = Object,
    responses((status = 202, body = Envelope<WebhookAnswer>), (status = 401, description = "`webhook_refused`")))]
async fn webhook(
    State(projects): State<Projects>,
    Path(id): Path<ProjectId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Reply<WebhookAnswer>> {
    projects.receive_push(&id, &headers, &body).await.map(Reply::accepted)
}
