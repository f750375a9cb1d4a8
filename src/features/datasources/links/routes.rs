use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::Datasources,
    types::{Link, LinkChange, NewLink, Refusal},
};
use crate::{
    error::Result,
    id::{LinkId, SpiderId},
    platform::http::{Body, Envelope, Page, Paging, Reply},
    text,
};

pub(in super::super) fn router() -> OpenApiRouter<Datasources> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, delete))
        .routes(routes!(retry))
        .routes(routes!(refused, forget))
}

/// Where the spider's items go, and how that fares.
#[utoipa::path(get, path = "/spiders/{id}/datasources", tag = "datasources", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<Link>>), (status = 404, description = "`spider_not_found`")))]
async fn list(State(datasources): State<Datasources>, Path(spider): Path<SpiderId>) -> Result<Reply<Vec<Link>>> {
    datasources.shown_links(&spider).await.map(Reply::data)
}

/// From now on the spider's items go to that table too; those of test runs do not.
#[utoipa::path(post, path = "/spiders/{id}/datasources", tag = "datasources", params(("id" = String, Path)),
    request_body = NewLink, responses((status = 200, body = Envelope<Link>),
        (status = 404, description = "`spider_not_found`"), (status = 409, description = "`datasource_linked`"),
        (status = 422, description = "what is wrong, by field")))]
async fn create(
    State(datasources): State<Datasources>,
    Path(spider): Path<SpiderId>,
    Body(new): Body<NewLink>,
) -> Result<Reply<Link>> {
    datasources.create_link(&spider, new).await.map(Reply::data)
}

/// Changes the fields that are sent, and tries again at once.
#[utoipa::path(put, path = "/spiders/{id}/datasources/{link}", tag = "datasources",
    params(("id" = String, Path), ("link" = String, Path)), request_body = LinkChange,
    responses((status = 200, body = Envelope<Link>), (status = 404, description = "`datasource_link_not_found`"),
        (status = 409, description = "`datasource_linked`"), (status = 422, description = "what is wrong, by field")))]
async fn change(
    State(datasources): State<Datasources>,
    Path((spider, link)): Path<(SpiderId, LinkId)>,
    Body(change): Body<LinkChange>,
) -> Result<Reply<Link>> {
    datasources.change_link(&spider, &link, change).await.map(Reply::data)
}

/// Nothing more goes there, nor what waits; what was delivered stays there.
#[utoipa::path(delete, path = "/spiders/{id}/datasources/{link}", tag = "datasources",
    params(("id" = String, Path), ("link" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`datasource_link_not_found`")))]
async fn delete(
    State(datasources): State<Datasources>,
    Path((spider, link)): Path<(SpiderId, LinkId)>,
) -> Result<Reply> {
    datasources.delete_link(&spider, &link).await?;
    Ok(Reply::message(text!("关联已移除", "the link is removed")))
}

/// Tries again now, also what was refused.
#[utoipa::path(post, path = "/spiders/{id}/datasources/{link}/retry", tag = "datasources",
    params(("id" = String, Path), ("link" = String, Path)),
    responses((status = 200, body = Envelope<Link>), (status = 404, description = "`datasource_link_not_found`")))]
async fn retry(
    State(datasources): State<Datasources>,
    Path((spider, link)): Path<(SpiderId, LinkId)>,
) -> Result<Reply<Link>> {
    datasources.retry_link(&spider, &link).await.map(Reply::data)
}

/// Items that the table would not take, newest first.
#[utoipa::path(get, path = "/spiders/{id}/datasources/{link}/refused", tag = "datasources",
    params(("id" = String, Path), ("link" = String, Path), Paging),
    responses((status = 200, body = Envelope<Page<Refusal>>),
        (status = 404, description = "`datasource_link_not_found`")))]
async fn refused(
    State(datasources): State<Datasources>,
    Path((spider, link)): Path<(SpiderId, LinkId)>,
    paging: Paging,
) -> Result<Reply<Page<Refusal>>> {
    let total = datasources.link(&spider, &link).await?.refused;
    let items = datasources.refusals(&link, &paging).await?;
    let total = paging.cursor.is_none().then_some(total);
    Ok(Reply::data(Page::new(&paging, items, total, |refusal| refusal.item_id.clone())))
}

#[derive(Debug, Serialize, ToSchema)]
struct Forgotten {
    count: u64,
}

/// Gives up on the items that were refused. The platform keeps them; they are just not delivered.
#[utoipa::path(delete, path = "/spiders/{id}/datasources/{link}/refused", tag = "datasources",
    params(("id" = String, Path), ("link" = String, Path)),
    responses((status = 200, body = Envelope<Forgotten>), (status = 404, description = "`datasource_link_not_found`")))]
async fn forget(
    State(datasources): State<Datasources>,
    Path((spider, link)): Path<(SpiderId, LinkId)>,
) -> Result<Reply<Forgotten>> {
    datasources.link(&spider, &link).await?;
    let count = datasources.forget_refusals(&link).await?;
    datasources.items_are_stored();
    Ok(Reply::data(Forgotten { count }))
}
