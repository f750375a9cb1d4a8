use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Spider, SpiderChange, SpiderFilter, Spiders,
    templates::{TEMPLATES, Template},
};
use crate::{
    error::{Checks, Result},
    features::accounts::{Caller, Role},
    id::SpiderId,
    platform::{
        http::{Body, Envelope, Page, Paging, Params, Reply},
        notify::masked_webhook,
    },
    text,
};

pub(super) fn router(spiders: Spiders) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .layer(spiders.json_limit())
        .routes(routes!(templates))
        .routes(routes!(schedule))
        .with_state(spiders)
}

/// Spiders, newest first.
#[utoipa::path(get, path = "/spiders", tag = "spiders", params(Paging, SpiderFilter),
    responses((status = 200, body = Envelope<Page<Spider>>)))]
async fn list(
    State(spiders): State<Spiders>,
    paging: Paging,
    Params(filter): Params<SpiderFilter>,
    caller: Caller,
) -> Result<Reply<Page<Spider>>> {
    let total = if paging.cursor.is_none() { Some(spiders.count(&filter).await?) } else { None };
    let items = spiders.list(&filter, &paging).await?;
    let items = items.into_iter().map(|spider| seen_by(&caller, spider)).collect();
    Ok(Reply::data(Page::new(&paging, items, total, |spider| spider.id.to_string())))
}

/// Makes a spider, from a template if wished.
#[utoipa::path(post, path = "/spiders", tag = "spiders", request_body = SpiderChange,
    responses((status = 200, body = Envelope<Spider>), (status = 422, description = "what is wrong, by field")))]
async fn create(State(spiders): State<Spiders>, Body(new): Body<SpiderChange>) -> Result<Reply<Spider>> {
    spiders.create(new).await.map(Reply::data)
}

/// What spiders can start from.
#[utoipa::path(get, path = "/spiders/templates", tag = "spiders",
    responses((status = 200, body = Envelope<Vec<Template>>)))]
async fn templates() -> Reply<&'static [Template]> {
    Reply::data(&TEMPLATES)
}

/// One spider.
#[utoipa::path(get, path = "/spiders/{id}", tag = "spiders", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Spider>), (status = 404, description = "`spider_not_found`")))]
async fn get(State(spiders): State<Spiders>, Path(id): Path<SpiderId>, caller: Caller) -> Result<Reply<Spider>> {
    let spider = spiders.shown(&id).await?;
    Ok(Reply::data(seen_by(&caller, spider)))
}

/// The address of a webhook can be a secret of those who may change it.
fn seen_by(caller: &Caller, mut spider: Spider) -> Spider {
    if caller.role == Role::Viewer {
        spider.webhook_url = masked_webhook(&spider.webhook_url);
    }
    spider
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/spiders/{id}", tag = "spiders", params(("id" = String, Path)),
    request_body = SpiderChange, responses((status = 200, body = Envelope<Spider>),
        (status = 404, description = "`spider_not_found`"), (status = 422, description = "what is wrong, by field")))]
async fn change(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    Body(change): Body<SpiderChange>,
) -> Result<Reply<Spider>> {
    spiders.change(&id, change).await.map(Reply::data)
}

/// Removes a spider and its files; its tasks and their items stay.
#[utoipa::path(delete, path = "/spiders/{id}", tag = "spiders", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`spider_not_found`"),
        (status = 409, description = "`spider_busy`: it has tasks that wait or run")))]
async fn delete(State(spiders): State<Spiders>, Path(id): Path<SpiderId>) -> Result<Reply> {
    spiders.delete(&id).await?;
    Ok(Reply::message(text!("爬虫删除成功", "the spider is deleted")))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Count {
    /// 1 to 100.
    #[serde(default = "five")]
    #[param(default = 5, minimum = 1, maximum = 100)]
    count: usize,
}

impl Count {
    pub(super) fn checked(&self) -> Result<usize> {
        let mut checks = Checks::default();
        checks.require((1..=100).contains(&self.count), "query.count", "value_error", || {
            text!("须在 1 到 100 之间", "must be between 1 and 100")
        });
        checks.finish().map(|()| self.count)
    }
}

fn five() -> usize {
    5
}

/// When it runs next by its own schedule; an empty list while it is inactive or paused, or has none.
#[utoipa::path(get, path = "/spiders/{id}/schedule", tag = "spiders", params(("id" = String, Path), Count),
    responses((status = 200, body = Envelope<Vec<String>>), (status = 404, description = "`spider_not_found`")))]
async fn schedule(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    Params(count): Params<Count>,
) -> Result<Reply<Vec<DateTime<Utc>>>> {
    spiders.schedule(&id, count.checked()?).await.map(Reply::data)
}
