//! Whether the server and what it depends on are well.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    error::Result,
    features::tasks::Tasks,
    platform::{
        background::{Background, LoopStatus},
        containers::Containers,
        database::Database,
        disk::Disk,
        documents::Documents,
        files::Files,
    },
};

/// A dependency that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub struct Health {
    pub db: Database,
    pub documents: Documents,
    pub files: Files,
    pub disk: Disk,
    pub containers: Containers,
    pub tasks: Tasks,
    pub background: Background,
    /// The server is to stop.
    pub leaving: CancellationToken,
}

pub fn router(health: Health) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).with_state(health)
}

#[derive(Debug, Serialize, ToSchema)]
struct Live {
    status: &'static str,
    pid: u32,
}

/// The process is up.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, body = Live)))]
async fn live() -> Json<Live> {
    Json(Live { status: "ok", pid: std::process::id() })
}

#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// `ok` or `unavailable`; `leaving`: it is to stop, and serves only what comes meanwhile.
    status: &'static str,
    /// `ok` or `unavailable`, for each.
    dependencies: BTreeMap<&'static str, &'static str>,
    /// `ok`, or `nearly_full`: no task is started, and items and logs are refused, until there is room again. The server
    /// counts as ready all the same: whoever makes room needs it.
    disk: &'static str,
    /// `ok` or `unavailable`. The server counts as ready without it: only editors and spiders in containers need it.
    docker: &'static str,
    /// `ok` or `unavailable`, of the manager at `swarm.host`; null where there is none. The server counts as ready without
    /// it: tasks for the swarm wait.
    swarm: Option<&'static str>,
    loops: BTreeMap<&'static str, LoopHealth>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LoopHealth {
    runs: u64,
    well: bool,
}

impl From<LoopStatus> for LoopHealth {
    fn from(status: LoopStatus) -> Self {
        Self { runs: status.runs, well: status.last_error.is_none() }
    }
}

/// Database and stores answer, and the server is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "server",
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Ready>) {
    let (database, documents, files, docker) = tokio::join!(
        answers(health.db.check()),
        answers(health.documents.check()),
        answers(health.files.check()),
        answers(async { health.containers.ping().await.map_err(Into::into) }),
    );
    let dependencies = BTreeMap::from([("database", database), ("documents", documents), ("files", files)]);
    let well = dependencies.values().all(|state| *state == "ok");
    let disk = if health.disk.check_room().is_ok() { "ok" } else { "nearly_full" };
    let swarm = health.tasks.swarm_answers().map(|answers| if answers { "ok" } else { "unavailable" });
    let loops = health.background.status().into_iter().map(|(name, status)| (name, status.into())).collect();
    let (code, status) = match (well, health.leaving.is_cancelled()) {
        (true, false) => (StatusCode::OK, "ok"),
        (true, true) => (StatusCode::SERVICE_UNAVAILABLE, "leaving"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Json(Ready { status, dependencies, disk, docker, swarm, loops }))
}

async fn answers(check: impl Future<Output = Result<()>>) -> &'static str {
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(())) => "ok",
        _ => "unavailable",
    }
}
