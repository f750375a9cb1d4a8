use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Changes, Contracts, InQuarantine, Replayed, Versions,
    types::{ChangesQuery, QuarantineFilter, ReplayIn, VersionsQuery},
};
use crate::{
    error::Result,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub fn router(contracts: Contracts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(quarantined, delete))
        .routes(routes!(replay))
        .routes(routes!(changes))
        .routes(routes!(versions))
        .with_state(contracts)
}

/// Items that were refused, newest first.
#[utoipa::path(get, path = "/data/quarantine", tag = "data", params(Paging, QuarantineFilter),
    responses((status = 200, body = Envelope<Page<InQuarantine>>)))]
async fn quarantined(
    State(contracts): State<Contracts>,
    paging: Paging,
    Params(filter): Params<QuarantineFilter>,
) -> Result<Reply<Page<InQuarantine>>> {
    contracts.quarantined(filter, &paging).await.map(Reply::data)
}

#[derive(Debug, Serialize, ToSchema)]
struct DeletedFromQuarantine {
    deleted_count: i64,
}

/// Removes refused items; a task or a spider must be named. They still count as rejected.
#[utoipa::path(delete, path = "/data/quarantine", tag = "data", params(QuarantineFilter),
    responses((status = 200, body = Envelope<DeletedFromQuarantine>), (status = 400, description = "`filter_required`")))]
async fn delete(
    State(contracts): State<Contracts>,
    Params(filter): Params<QuarantineFilter>,
) -> Result<Reply<DeletedFromQuarantine>> {
    let deleted_count = contracts.delete_quarantined(filter).await?;
    let said = text!("已删除 {deleted_count} 条数据", "{deleted_count} items deleted");
    Ok(Reply::data(DeletedFromQuarantine { deleted_count }).saying(said))
}

/// Checks refused items again, against what the spider's `item_schema` and `dedup_fields` are now.
///
/// What passes is stored with the task it came from, which counts it as stored or duplicate, no longer as rejected. Goes in
/// steps, and can be repeated.
#[utoipa::path(post, path = "/data/quarantine/replay", tag = "data", request_body = ReplayIn,
    responses((status = 200, body = Envelope<Replayed>), (status = 404, description = "`spider_not_found`")))]
async fn replay(State(contracts): State<Contracts>, Body(which): Body<ReplayIn>) -> Result<Reply<Replayed>> {
    let done = contracts.replay(which).await?;
    let Replayed { replayed, still_rejected, .. } = done;
    Ok(Reply::data(done).saying(text!(
        "{replayed} 条已通过，{still_rejected} 条仍未通过",
        "{replayed} items passed, {still_rejected} are still rejected"
    )))
}

/// What is new, changed and gone among the things that a spider brings, in the order in which it came to be.
///
/// For spiders with `dedup_enabled`. Each thing is told once, as it is now: `new` where it appeared at or after `since`
/// (without one, where nothing happened to it after that), `changed` where its content is another, `gone` where a complete
/// run that brought items did not see it. While several runs of a spider go on at once, the last to end decides, and what
/// any of them saw is not gone. A run of which items were rejected, or that brought as many as `max_items` allows, says
/// nothing of what is gone. With `keep_first`, other content is no change.
#[utoipa::path(get, path = "/data/changes", tag = "data", params(ChangesQuery),
    responses((status = 200, body = Envelope<Changes>)))]
async fn changes(State(contracts): State<Contracts>, Params(query): Params<ChangesQuery>) -> Result<Reply<Changes>> {
    contracts.changes(query).await.map(Reply::data)
}

/// What is known of one thing that a spider brings, and the contents it has had.
#[utoipa::path(get, path = "/data/changes/versions", tag = "data", params(VersionsQuery, Paging),
    responses((status = 200, body = Envelope<Versions>), (status = 404, description = "`key_not_found`")))]
async fn versions(
    State(contracts): State<Contracts>,
    paging: Paging,
    Params(query): Params<VersionsQuery>,
) -> Result<Reply<Versions>> {
    contracts.versions(query, &paging).await.map(Reply::data)
}
