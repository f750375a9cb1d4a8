use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Dashboard,
    types::{Day, Stats, TrendsFilter},
};
use crate::{
    error::Result,
    platform::http::{Envelope, Params, Reply},
};

pub fn router(dashboard: Dashboard) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(stats)).routes(routes!(trends)).with_state(dashboard)
}

/// How things stand now.
#[utoipa::path(get, path = "/dashboard/stats", tag = "dashboard", responses((status = 200, body = Envelope<Stats>)))]
async fn stats(State(dashboard): State<Dashboard>) -> Result<Reply<Stats>> {
    dashboard.stats().await.map(Reply::data)
}

/// How many tasks ended on each of the last days, the oldest first.
#[utoipa::path(get, path = "/dashboard/trends", tag = "dashboard", params(TrendsFilter),
    responses((status = 200, body = Envelope<Vec<Day>>)))]
async fn trends(State(dashboard): State<Dashboard>, Params(filter): Params<TrendsFilter>) -> Result<Reply<Vec<Day>>> {
    dashboard.trends(&filter).await.map(Reply::data)
}
