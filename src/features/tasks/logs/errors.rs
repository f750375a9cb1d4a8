//! Errors in the logs of a spider's runs, by kind.

use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::Tasks;
use crate::{
    error::{Error, Result},
    id::SpiderId,
    platform::{
        documents::ErrorGroup,
        http::{Envelope, Page, Paging, Reply},
    },
    text,
};

pub(super) fn router() -> OpenApiRouter<Tasks> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, forget))
}

/// The kinds of errors that a spider's runs printed, the last seen first: tracebacks, and lines of level `error` and above
/// without one. A spider has 500 of them at most; a further one takes the place of that which was not seen for longest.
#[utoipa::path(get, path = "/spiders/{id}/errors", tag = "tasks", params(("id" = String, Path), Paging),
    responses((status = 200, body = Envelope<Page<ErrorGroup>>)))]
async fn list(State(tasks): State<Tasks>, Path(id): Path<SpiderId>, paging: Paging) -> Result<Reply<Page<ErrorGroup>>> {
    tasks.spiders.get(&id).await?;
    let before = paging.cursor.as_deref().map(place_of).transpose()?;
    let groups = tasks.documents.error_groups(&id, before, paging.offset(), paging.page_size).await?;
    let total = if before.is_none() { Some(tasks.documents.count_error_groups(&id).await?) } else { None };
    Ok(Reply::data(Page::new(&paging, groups, total, |group| {
        format!("{}:{}", group.last_seen.timestamp_micros(), group.fingerprint)
    })))
}

fn place_of(cursor: &str) -> Result<(DateTime<Utc>, &str)> {
    let place = cursor
        .split_once(':')
        .and_then(|(at, fingerprint)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, fingerprint)));
    place.ok_or_else(|| {
        Error::invalid("query.cursor", "value_error", text!("不是有效的游标", "is no cursor of a former answer"))
    })
}

/// One kind of error.
#[utoipa::path(get, path = "/spiders/{id}/errors/{fingerprint}", tag = "tasks",
    params(("id" = String, Path), ("fingerprint" = String, Path)),
    responses((status = 200, body = Envelope<ErrorGroup>), (status = 404, description = "`error_not_found`")))]
async fn get(
    State(tasks): State<Tasks>,
    Path((id, fingerprint)): Path<(SpiderId, String)>,
) -> Result<Reply<ErrorGroup>> {
    tasks.spiders.get(&id).await?;
    let group = tasks.documents.error_group(&id, &fingerprint).await?;
    Ok(Reply::data(group.ok_or_else(no_such_error)?))
}

/// Forgets a kind of error, as one that was repaired: should it come again, it is seen for the first time.
#[utoipa::path(delete, path = "/spiders/{id}/errors/{fingerprint}", tag = "tasks",
    params(("id" = String, Path), ("fingerprint" = String, Path)),
    responses((status = 200, description = "forgotten"), (status = 404, description = "`error_not_found`")))]
async fn forget(State(tasks): State<Tasks>, Path((id, fingerprint)): Path<(SpiderId, String)>) -> Result<Reply> {
    tasks.spiders.get(&id).await?;
    if tasks.documents.forget_error(&id, &fingerprint).await? {
        return Ok(Reply::message(text!("错误已移除", "the error is forgotten")));
    }
    Err(no_such_error())
}

fn no_such_error() -> Error {
    Error::not_found("error_not_found", text!("没有这种错误", "the spider has no such error"))
}
