use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{Spider, SpiderFile, Spiders, files::zip_answer},
    Deployment,
    types::{Against, DeployedContent, DeployedFile, Diff, FilePath, NewDeployment},
};
use crate::{
    error::{Error, Result},
    id::{DeploymentId, SpiderId},
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub(in super::super) fn router(spiders: Spiders) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, deploy))
        .routes(routes!(get, delete))
        .routes(routes!(files))
        .routes(routes!(content))
        .routes(routes!(archive))
        .routes(routes!(diff))
        .routes(routes!(rollback))
        .routes(routes!(restore))
        .routes(routes!(deactivate))
        .with_state(spiders)
}

/// The spider's versions, newest first.
#[utoipa::path(get, path = "/spiders/{id}/deployments", tag = "deployments", params(("id" = String, Path), Paging),
    responses((status = 200, body = Envelope<Page<Deployment>>), (status = 404, description = "`spider_not_found`")))]
async fn list(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    paging: Paging,
) -> Result<Reply<Page<Deployment>>> {
    spiders.require(&id).await?;
    let below = paging.cursor.as_deref().map(str::parse).transpose().map_err(|_| {
        Error::invalid("query.cursor", "value_error", text!("不是列表返回的游标", "is no cursor of this list"))
    })?;
    let items = spiders.deployments(&id, below, &paging).await?;
    let total = if below.is_none() { Some(spiders.count_deployments(&id).await?) } else { None };
    Ok(Reply::data(Page::new(&paging, items, total, |deployment| deployment.version.to_string())))
}

/// Keeps the files as they are, with `source`, `entry_point` and `requirements_txt`, as a new version, which becomes the
/// active one: runs take it, whatever becomes of the files. Needs no body.
#[utoipa::path(post, path = "/spiders/{id}/deployments", tag = "deployments", params(("id" = String, Path)),
    request_body = NewDeployment, responses((status = 200, body = Envelope<Deployment>),
        (status = 400, description = "`no_files`"), (status = 404, description = "`spider_not_found`")))]
async fn deploy(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    Body(new): Body<NewDeployment>,
) -> Result<Reply<Deployment>> {
    spiders.deploy(&id, new.checked()?).await.map(Reply::data)
}

/// One version.
#[utoipa::path(get, path = "/spiders/{id}/deployments/{deployment_id}", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, body = Envelope<Deployment>), (status = 404, description = "`deployment_not_found`")))]
async fn get(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<Reply<Deployment>> {
    spiders.deployment(&id, &deployment_id).await.map(Reply::data)
}

/// Removes a version; tasks that ran it still say so.
#[utoipa::path(delete, path = "/spiders/{id}/deployments/{deployment_id}", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`deployment_not_found`"),
        (status = 409, description = "`deployment_active`; `deployment_pinned`: a schedule runs this one; \
                                      `deployment_busy`: tasks of it wait or run")))]
async fn delete(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<Reply> {
    spiders.remove_deployment(&id, &deployment_id).await?;
    Ok(Reply::message(text!("部署已删除", "the deployment is deleted")))
}

/// The version's files, by path.
#[utoipa::path(get, path = "/spiders/{id}/deployments/{deployment_id}/files", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<DeployedFile>>),
        (status = 404, description = "`deployment_not_found`")))]
async fn files(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<Reply<Vec<DeployedFile>>> {
    let deployment = spiders.deployment(&id, &deployment_id).await?;
    let files = spiders.deployed_files(&deployment).await?;
    Ok(Reply::data(files.into_iter().map(DeployedFile::from).collect()))
}

/// One of its files with its content: as text, or as Base64 where it is none.
#[utoipa::path(get, path = "/spiders/{id}/deployments/{deployment_id}/files/content", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path), FilePath),
    responses((status = 200, body = Envelope<DeployedContent>),
        (status = 404, description = "`deployment_not_found`, `file_not_found`")))]
async fn content(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
    Params(query): Params<FilePath>,
) -> Result<Reply<DeployedContent>> {
    let deployment = spiders.deployment(&id, &deployment_id).await?;
    spiders.deployed_content(&deployment, &query.path).await.map(Reply::data)
}

/// All its files as a zip.
#[utoipa::path(get, path = "/spiders/{id}/deployments/{deployment_id}/archive", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, description = "the zip", content_type = "application/zip"),
        (status = 404, description = "`deployment_not_found`")))]
async fn archive(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<impl IntoResponse> {
    let deployment = spiders.deployment(&id, &deployment_id).await?;
    let name = spiders.get(&id).await?.name;
    let files = spiders.deployed_files(&deployment).await?;
    Ok(zip_answer(&format!("{name}-v{}", deployment.version), spiders.blobs, files))
}

/// What leads from another version, or from the files as they are, to this version.
#[utoipa::path(get, path = "/spiders/{id}/deployments/{deployment_id}/diff", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path), Against),
    responses((status = 200, body = Envelope<Diff>), (status = 404, description = "`deployment_not_found`")))]
async fn diff(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
    Params(query): Params<Against>,
) -> Result<Reply<Diff>> {
    spiders.diff(&id, &deployment_id, query.against).await.map(Reply::data)
}

/// Makes this version the active one, be it older or newer than the one that is.
#[utoipa::path(post, path = "/spiders/{id}/deployments/{deployment_id}/rollback", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, body = Envelope<Deployment>), (status = 404, description = "`deployment_not_found`")))]
async fn rollback(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<Reply<Deployment>> {
    spiders.roll_back(&id, &deployment_id).await.map(Reply::data)
}

/// Makes the spider's files, `source`, `entry_point` and `requirements_txt` those of this version: all or nothing. Answers
/// with the files. What runs stays the active version.
#[utoipa::path(post, path = "/spiders/{id}/deployments/{deployment_id}/restore", tag = "deployments",
    params(("id" = String, Path), ("deployment_id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<SpiderFile>>),
        (status = 404, description = "`deployment_not_found`"),
        (status = 413, description = "limits were lowered since: `file_too_large`, `too_many_files`, \
                                      `files_too_large`")))]
async fn restore(
    State(spiders): State<Spiders>,
    Path((id, deployment_id)): Path<(SpiderId, DeploymentId)>,
) -> Result<Reply<Vec<SpiderFile>>> {
    let files = spiders.restore(&id, &deployment_id).await?;
    let count = files.len();
    Ok(Reply::data(files).saying(text!("已恢复 {count} 个文件", "{count} files are restored")))
}

/// Makes no version the active one: runs take the files as they are. Answers with the spider.
#[utoipa::path(post, path = "/spiders/{id}/deployments/deactivate", tag = "deployments",
    params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Spider>), (status = 404, description = "`spider_not_found`")))]
async fn deactivate(State(spiders): State<Spiders>, Path(id): Path<SpiderId>) -> Result<Reply<Spider>> {
    spiders.deactivate(&id).await.map(Reply::data)
}
