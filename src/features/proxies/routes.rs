use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Proxies, Proxy, ProxyFilter,
    types::{Checked, ProxyBatch, ProxyChange, ProxyNew},
};
use crate::{
    error::Result,
    id::ProxyId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub fn router(proxies: Proxies) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_batch))
        .routes(routes!(check_all))
        .routes(routes!(get, change, delete))
        .routes(routes!(check))
        .with_state(proxies)
}

/// Proxies, newest first. Passwords are never answered.
#[utoipa::path(get, path = "/proxies", tag = "proxies", params(Paging, ProxyFilter),
    responses((status = 200, body = Envelope<Page<Proxy>>)))]
async fn list(
    State(proxies): State<Proxies>,
    paging: Paging,
    Params(filter): Params<ProxyFilter>,
) -> Result<Reply<Page<Proxy>>> {
    let total = if paging.cursor.is_none() { Some(proxies.count(&filter).await?) } else { None };
    let items = proxies.list(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |proxy| proxy.id.to_string())))
}

/// Adds a proxy to the pool.
#[utoipa::path(post, path = "/proxies", tag = "proxies", request_body = ProxyNew,
    responses((status = 200, body = Envelope<Proxy>), (status = 409, description = "`proxy_taken`")))]
async fn create(State(proxies): State<Proxies>, Body(new): Body<ProxyNew>) -> Result<Reply<Proxy>> {
    proxies.create(new).await.map(Reply::data)
}

/// Adds many proxies, all or none.
#[utoipa::path(post, path = "/proxies/batch", tag = "proxies", request_body = ProxyBatch,
    responses((status = 200, description = "added; `data` is how many"),
        (status = 422, description = "what is wrong, by row")))]
async fn create_batch(State(proxies): State<Proxies>, Body(batch): Body<ProxyBatch>) -> Result<Reply<usize>> {
    let count = proxies.create_batch(batch).await?;
    Ok(Reply::data(count).saying(text!("成功创建 {count} 个代理", "{count} proxies are added")))
}

/// Has all proxies checked that are not out of use, soon; their `last_check_at` tells when each was.
#[utoipa::path(post, path = "/proxies/check-all", tag = "proxies",
    responses((status = 200, description = "to be checked; `data` is how many")))]
async fn check_all(State(proxies): State<Proxies>) -> Result<Reply<u64>> {
    let count = proxies.call_for_checks().await?;
    proxies.check_due.notify_one();
    Ok(Reply::data(count).saying(text!("代理批量检测已提交", "{count} proxies will be checked")))
}

/// One proxy.
#[utoipa::path(get, path = "/proxies/{id}", tag = "proxies", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Proxy>), (status = 404, description = "`proxy_not_found`")))]
async fn get(State(proxies): State<Proxies>, Path(id): Path<ProxyId>) -> Result<Reply<Proxy>> {
    proxies.get(&id).await.map(Reply::data)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/proxies/{id}", tag = "proxies", params(("id" = String, Path)), request_body = ProxyChange,
    responses((status = 200, body = Envelope<Proxy>), (status = 409, description = "`proxy_taken`")))]
async fn change(
    State(proxies): State<Proxies>,
    Path(id): Path<ProxyId>,
    Body(change): Body<ProxyChange>,
) -> Result<Reply<Proxy>> {
    proxies.change(&id, change).await.map(Reply::data)
}

/// Removes a proxy. Tasks that go through it go on with it.
#[utoipa::path(delete, path = "/proxies/{id}", tag = "proxies", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`proxy_not_found`")))]
async fn delete(State(proxies): State<Proxies>, Path(id): Path<ProxyId>) -> Result<Reply> {
    proxies.remove(&id).await?;
    Ok(Reply::message(text!("代理删除成功", "the proxy is deleted")))
}

/// Checks a proxy now, and answers when that is known.
#[utoipa::path(post, path = "/proxies/{id}/check", tag = "proxies", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Checked>), (status = 404, description = "`proxy_not_found`")))]
async fn check(State(proxies): State<Proxies>, Path(id): Path<ProxyId>) -> Result<Reply<Checked>> {
    let checked = proxies.check(&id).await?;
    let said = match &checked.error {
        None => text!("代理可用", "the proxy works"),
        Some(error) => text!("代理不可用：{error}", "the proxy does not work: {error}"),
    };
    Ok(Reply::data(checked).saying(said))
}
