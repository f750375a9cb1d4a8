use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    DataSource, Datasources,
    types::{DataSourceChange, DataSourceFilter, Tested},
};
use crate::{
    error::Result,
    id::DatasourceId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub(super) fn router() -> OpenApiRouter<Datasources> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(test_given))
        .routes(routes!(get, change, delete))
        .routes(routes!(test))
        .routes(routes!(start))
        .routes(routes!(stop))
}

/// Datasources, newest first.
#[utoipa::path(get, path = "/datasources", tag = "datasources", params(Paging, DataSourceFilter),
    responses((status = 200, body = Envelope<Page<DataSource>>)))]
async fn list(
    State(datasources): State<Datasources>,
    paging: Paging,
    Params(filter): Params<DataSourceFilter>,
) -> Result<Reply<Page<DataSource>>> {
    let total = if paging.cursor.is_none() { Some(datasources.count(&filter).await?) } else { None };
    let items = datasources.list(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |source| source.id.to_string())))
}

/// Makes a datasource. Nothing is connected yet: see `/datasources/{id}/test`.
#[utoipa::path(post, path = "/datasources", tag = "datasources", request_body = DataSourceChange,
    responses((status = 200, body = Envelope<DataSource>), (status = 422, description = "what is wrong, by field"),
        (status = 502, description = "`database_not_made`: `create_db_if_not_exists` did not succeed; `msg` says why"),
        (status = 503, description = "`managed`, and there is no container engine")))]
async fn create(
    State(datasources): State<Datasources>,
    Body(new): Body<DataSourceChange>,
) -> Result<Reply<DataSource>> {
    datasources.create(new).await.map(Reply::data)
}

/// Whether a database can be reached with what is sent; nothing of it is kept.
#[utoipa::path(post, path = "/datasources/test", tag = "datasources", request_body = DataSourceChange,
    responses((status = 200, body = Envelope<Tested>, description = "also where it cannot: `message` says why"),
        (status = 422, description = "what is wrong, by field")))]
async fn test_given(
    State(datasources): State<Datasources>,
    Body(given): Body<DataSourceChange>,
) -> Result<Reply<Tested>> {
    datasources.test_given(given).await.map(Reply::data)
}

/// One datasource.
#[utoipa::path(get, path = "/datasources/{id}", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<DataSource>), (status = 404, description = "`datasource_not_found`")))]
async fn get(State(datasources): State<Datasources>, Path(id): Path<DatasourceId>) -> Result<Reply<DataSource>> {
    datasources.get(&id).await.map(Reply::data)
}

/// Changes the fields that are sent. What waits for it is tried again at once.
#[utoipa::path(put, path = "/datasources/{id}", tag = "datasources", params(("id" = String, Path)),
    request_body = DataSourceChange, responses((status = 200, body = Envelope<DataSource>),
        (status = 404, description = "`datasource_not_found`"), (status = 422, description = "what is wrong, by field")))]
async fn change(
    State(datasources): State<Datasources>,
    Path(id): Path<DatasourceId>,
    Body(change): Body<DataSourceChange>,
) -> Result<Reply<DataSource>> {
    datasources.change(&id, change).await.map(Reply::data)
}

/// Removes a datasource; what was delivered there stays there.
#[utoipa::path(delete, path = "/datasources/{id}", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 400, description = "`datasource_linked`"),
        (status = 404, description = "`datasource_not_found`")))]
async fn delete(State(datasources): State<Datasources>, Path(id): Path<DatasourceId>) -> Result<Reply> {
    datasources.delete(&id).await?;
    Ok(Reply::message(text!("数据源删除成功", "the datasource is deleted")))
}

/// Whether it can be reached, and writes that down.
#[utoipa::path(post, path = "/datasources/{id}/test", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Tested>, description = "also where it cannot, or there is none")))]
async fn test(State(datasources): State<Datasources>, Path(id): Path<DatasourceId>) -> Result<Reply<Tested>> {
    datasources.test(&id).await.map(Reply::data)
}

/// Starts the container of a managed one.
#[utoipa::path(post, path = "/datasources/{id}/start", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, description = "started"), (status = 400, description = "`not_managed`"),
        (status = 404, description = "`datasource_not_found`"), (status = 503, description = "no container engine")))]
async fn start(State(datasources): State<Datasources>, Path(id): Path<DatasourceId>) -> Result<Reply> {
    datasources.switch(&id).await?;
    Ok(Reply::message(text!("容器已启动", "the container is started")))
}

/// Stops the container of a managed one.
#[utoipa::path(post, path = "/datasources/{id}/stop", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, description = "stopped"), (status = 400, description = "`not_managed`"),
        (status = 404, description = "`datasource_not_found`"), (status = 503, description = "no container engine")))]
async fn stop(State(datasources): State<Datasources>, Path(id): Path<DatasourceId>) -> Result<Reply> {
    datasources.switch(&id).await?;
    Ok(Reply::message(text!("容器已停止", "the container is stopped")))
}
