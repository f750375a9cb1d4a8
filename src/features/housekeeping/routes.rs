use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Housekeeping, Removed, Storage};
use crate::{
    error::Result,
    platform::http::{Envelope, Reply},
};

pub fn router(housekeeping: Housekeeping) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(storage)).with_state(housekeeping)
}

/// What takes an administrator.
pub fn admin_router(housekeeping: Housekeeping) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(clean)).with_state(housekeeping)
}

/// What fills the disk, and how much of it is left.
#[utoipa::path(get, path = "/storage", tag = "server", responses((status = 200, body = Envelope<Storage>)))]
async fn storage(State(housekeeping): State<Housekeeping>) -> Result<Reply<Storage>> {
    housekeeping.storage().await.map(Reply::data)
}

/// Removes now what is otherwise removed by the hour: what the settings and spiders' `retention` keep no longer, and
/// files that nothing refers to. Answers when that is done; who hangs up ends it after its present step.
#[utoipa::path(post, path = "/storage/clean", tag = "server", responses((status = 200, body = Envelope<Removed>)))]
async fn clean(State(housekeeping): State<Housekeeping>) -> Result<Reply<Removed>> {
    housekeeping.clean().await.map(Reply::data)
}
