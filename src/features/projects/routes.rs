use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Project, ProjectChange, Projects, types::ProjectFilter};
use crate::{
    error::Result,
    id::ProjectId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub fn router(projects: Projects) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete)).with_state(projects)
}

/// Projects, newest first.
#[utoipa::path(get, path = "/projects", tag = "projects", params(Paging, ProjectFilter),
    responses((status = 200, body = Envelope<Page<Project>>)))]
async fn list(
    State(projects): State<Projects>,
    paging: Paging,
    Params(filter): Params<ProjectFilter>,
) -> Result<Reply<Page<Project>>> {
    let items = projects.list(&filter, &paging).await?;
    let total = if paging.cursor.is_none() { Some(projects.count(&filter).await?) } else { None };
    Ok(Reply::data(Page::new(&paging, items, total, |project| project.id.to_string())))
}

/// Makes a project.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = ProjectChange,
    responses((status = 200, body = Envelope<Project>), (status = 409, description = "`name_taken`")))]
async fn create(State(projects): State<Projects>, Body(new): Body<ProjectChange>) -> Result<Reply<Project>> {
    projects.create(new).await.map(Reply::data)
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
