use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Alert, AlertFilter, Alerts};
use crate::{
    error::Result,
    id::AlertId,
    platform::http::{Envelope, Page, Paging, Params, Reply},
    text,
};

pub(super) fn router() -> OpenApiRouter<Alerts> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(unread_count))
        .routes(routes!(read_all))
        .routes(routes!(read))
        .routes(routes!(delete))
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(Paging, AlertFilter),
    responses((status = 200, body = Envelope<Page<Alert>>)))]
async fn list(
    State(alerts): State<Alerts>,
    paging: Paging,
    Params(filter): Params<AlertFilter>,
) -> Result<Reply<Page<Alert>>> {
    let total = if paging.cursor.is_none() { Some(alerts.count(&filter).await?) } else { None };
    let items = alerts.list(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |alert| alert.id.to_string())))
}

#[derive(Debug, Serialize, ToSchema)]
struct Count {
    count: i64,
}

/// How many nobody has read.
#[utoipa::path(get, path = "/alerts/unread-count", tag = "alerts",
    responses((status = 200, body = Envelope<Count>)))]
async fn unread_count(State(alerts): State<Alerts>) -> Result<Reply<Count>> {
    Ok(Reply::data(Count { count: alerts.unread_count().await? }))
}

/// Marks an alert as read.
#[utoipa::path(post, path = "/alerts/{id}/read", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, description = "marked"), (status = 404, description = "`alert_not_found`")))]
async fn read(State(alerts): State<Alerts>, Path(id): Path<AlertId>) -> Result<Reply> {
    alerts.read(&id).await?;
    Ok(Reply::message(text!("告警已标记为已读", "the alert is marked as read")))
}

/// Marks all alerts as read.
#[utoipa::path(post, path = "/alerts/read-all", tag = "alerts",
    responses((status = 200, body = Envelope<Count>, description = "how many were unread")))]
async fn read_all(State(alerts): State<Alerts>) -> Result<Reply<Count>> {
    let count = alerts.mark_all_read().await?;
    let said = text!("已标记 {count} 条告警为已读", "{count} alerts are marked as read");
    Ok(Reply::data(Count { count }).saying(said))
}

/// Removes an alert.
#[utoipa::path(delete, path = "/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`alert_not_found`")))]
async fn delete(State(alerts): State<Alerts>, Path(id): Path<AlertId>) -> Result<Reply> {
    alerts.delete(&id).await?;
    Ok(Reply::message(text!("告警已删除", "the alert is deleted")))
}
