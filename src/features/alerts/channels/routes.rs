use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::Alerts,
    types::{Channel, ChannelChange, Tested},
};
use crate::{
    error::Result,
    id::ChannelId,
    platform::http::{Body, Envelope, Page, Paging, Reply},
    text,
};

pub(in super::super) fn router() -> OpenApiRouter<Alerts> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete)).routes(routes!(test))
}

/// Notification channels, newest first.
#[utoipa::path(get, path = "/notifications/channels", tag = "notifications", params(Paging),
    responses((status = 200, body = Envelope<Page<Channel>>)))]
async fn list(State(alerts): State<Alerts>, paging: Paging) -> Result<Reply<Page<Channel>>> {
    let items = alerts.channels(&paging).await?.into_iter().map(|channel| alerts.shown(channel)).collect();
    let total = if paging.cursor.is_none() { Some(alerts.count_channels().await?) } else { None };
    Ok(Reply::data(Page::new(&paging, items, total, |channel| channel.id.to_string())))
}

/// Makes a channel.
#[utoipa::path(post, path = "/notifications/channels", tag = "notifications", request_body = ChannelChange,
    responses((status = 200, body = Envelope<Channel>), (status = 400, description = "`config_not_json`"),
        (status = 422, description = "what is wrong, by field")))]
async fn create(State(alerts): State<Alerts>, Body(new): Body<ChannelChange>) -> Result<Reply<Channel>> {
    alerts.create_channel(new).await.map(Reply::data)
}

/// One channel.
#[utoipa::path(get, path = "/notifications/channels/{id}", tag = "notifications", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Channel>), (status = 404, description = "`channel_not_found`")))]
async fn get(State(alerts): State<Alerts>, Path(id): Path<ChannelId>) -> Result<Reply<Channel>> {
    let channel = alerts.channel(&id).await?;
    Ok(Reply::data(alerts.shown(channel)))
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/notifications/channels/{id}", tag = "notifications", params(("id" = String, Path)),
    request_body = ChannelChange,
    responses((status = 200, body = Envelope<Channel>), (status = 404, description = "`channel_not_found`")))]
async fn change(
    State(alerts): State<Alerts>,
    Path(id): Path<ChannelId>,
    Body(change): Body<ChannelChange>,
) -> Result<Reply<Channel>> {
    alerts.change_channel(&id, change).await.map(Reply::data)
}

/// Removes a channel and what it was sent; rules that used it only list their alerts from then on.
#[utoipa::path(delete, path = "/notifications/channels/{id}", tag = "notifications", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`channel_not_found`")))]
async fn delete(State(alerts): State<Alerts>, Path(id): Path<ChannelId>) -> Result<Reply> {
    alerts.delete_channel(&id).await?;
    Ok(Reply::message(text!("通知渠道已删除", "the notification channel is deleted")))
}

/// Sends a message now, and answers when it was taken.
#[utoipa::path(post, path = "/notifications/channels/{id}/test", tag = "notifications", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Tested>), (status = 404, description = "`channel_not_found`"),
        (status = 502, description = "`notification_failed`: it was not taken; `msg` says why"),
        (status = 503, description = "a setting that is needed is not set; `msg` names it")))]
async fn test(State(alerts): State<Alerts>, Path(id): Path<ChannelId>) -> Result<Reply<Tested>> {
    let tested = alerts.test_channel(&id).await?;
    Ok(Reply::data(tested).saying(text!("测试通知发送成功", "the test was delivered")))
}
