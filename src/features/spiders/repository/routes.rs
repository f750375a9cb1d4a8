use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{super::Spiders, types::SpiderRepository};
use crate::{
    error::Result,
    id::SpiderId,
    platform::http::{Envelope, Reply},
};

pub(in super::super) fn router(spiders: Spiders) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get)).with_state(spiders)
}

/// How the spider stands to its project's repository: the commit, what of it was left out, and what both had changed.
#[utoipa::path(get, path = "/spiders/{id}/repository", tag = "spiders", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<SpiderRepository>), (status = 404, description = "`spider_not_found`")))]
async fn get(State(spiders): State<Spiders>, Path(id): Path<SpiderId>) -> Result<Reply<SpiderRepository>> {
    spiders.repository(&id).await.map(Reply::data)
}
