use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::Alerts,
    types::{Delivery, DeliveryFilter},
};
use crate::{
    error::{Error, Result},
    id::DeliveryId,
    platform::http::{Envelope, Page, Paging, Params, Reply},
    text,
};

pub(in super::super) fn router() -> OpenApiRouter<Alerts> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(retry))
}

/// Messages and what became of them, newest first. Kept for `retention.delivery_days`.
#[utoipa::path(get, path = "/notifications/deliveries", tag = "notifications", params(Paging, DeliveryFilter),
    responses((status = 200, body = Envelope<Page<Delivery>>)))]
async fn list(
    State(alerts): State<Alerts>,
    paging: Paging,
    Params(filter): Params<DeliveryFilter>,
) -> Result<Reply<Page<Delivery>>> {
    let total = if paging.cursor.is_none() { Some(alerts.count_deliveries(&filter).await?) } else { None };
    let items = alerts.deliveries(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |delivery| delivery.id.to_string())))
}

/// One message.
#[utoipa::path(get, path = "/notifications/deliveries/{id}", tag = "notifications", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Delivery>), (status = 404, description = "`delivery_not_found`")))]
async fn get(State(alerts): State<Alerts>, Path(id): Path<DeliveryId>) -> Result<Reply<Delivery>> {
    alerts.delivery(&id).await.map(Reply::data)
}

/// Sends a message again that failed, or at once where it waits.
#[utoipa::path(post, path = "/notifications/deliveries/{id}/retry", tag = "notifications",
    params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Delivery>), (status = 404, description = "`delivery_not_found`"),
        (status = 409, description = "`delivery_done`: it was delivered")))]
async fn retry(State(alerts): State<Alerts>, Path(id): Path<DeliveryId>) -> Result<Reply<Delivery>> {
    let done = !alerts.make_due(&id).await?;
    let delivery = alerts.delivery(&id).await?;
    if done {
        return Err(Error::conflict("delivery_done", text!("该通知已送达", "the message was delivered already")));
    }
    alerts.queued().notify_one();
    Ok(Reply::data(delivery).saying(text!("已安排重新发送", "it is sent again")))
}
