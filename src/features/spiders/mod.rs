//! A spider is a program that crawls: its files, its settings, when it runs.
//!
//! Its files are rows that name blobs by their content (see [`files`]); versions of them can be kept and run (see
//! [`deployments`]); a folder of its project's repository can be what it is made from (see [`repository`]); its `env_vars` are encrypted at rest.

mod adopt;
mod change;
mod contract;
pub mod cron;
mod deployments;
pub mod files;
mod loops;
mod repository;
mod retention;
mod routes;
pub mod schedules;
mod service;
mod store;
mod templates;
mod types;

use std::sync::Arc;

pub use adopt::{Code as AdoptedCode, CodeFile, Newcomer};
use axum::extract::DefaultBodyLimit;
pub use change::SpiderChange;
pub use contract::Contract;
pub use deployments::{Code, CodeChoice, Deployment};
pub use files::SpiderFile;
pub use retention::Retention;
use tokio::sync::Notify;
pub use types::{Misfire, Overlap, Runner, Source, Spider, SpiderFilter};
use utoipa_axum::router::OpenApiRouter;

use super::projects::Projects;
use crate::{
    clock::SharedClock,
    config,
    platform::{database::Database, files::Files, secrets::Secrets},
};

/// Everything the platform does with spiders and their files. Rules are in the `service`s, SQL in the `store`s.
#[derive(Debug, Clone)]
pub struct Spiders {
    db: Database,
    clock: SharedClock,
    blobs: Files,
    secrets: Secrets,
    projects: Projects,
    limits: config::Spiders,
    max_timeout_seconds: i64,
    /// Wakes the scheduler.
    schedules_changed: Arc<Notify>,
    contracts: contract::Compiled,
}

impl Spiders {
    pub fn new(
        db: Database,
        clock: SharedClock,
        blobs: Files,
        secrets: Secrets,
        projects: Projects,
        limits: config::Spiders,
        max_timeout_seconds: i64,
    ) -> Self {
        let (schedules_changed, contracts) = (Arc::default(), Arc::default());
        Self { db, clock, blobs, secrets, projects, limits, max_timeout_seconds, schedules_changed, contracts }
    }

    /// Notified when a schedule may be due earlier than it was.
    pub fn schedules_changed(&self) -> Arc<Notify> {
        self.schedules_changed.clone()
    }

    /// JSON writes a control character as six: what a file of the largest size can need, and some more.
    fn json_limit(&self) -> DefaultBodyLimit {
        DefaultBodyLimit::max(self.limits.max_file_bytes.saturating_mul(6) + 256 * 1024)
    }
}

pub fn router(spiders: Spiders) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(routes::router(spiders.clone()))
        .merge(schedules::router(spiders.clone()))
        .merge(files::router(spiders.clone()))
        .merge(repository::router(spiders.clone()))
        .merge(deployments::router(spiders))
}
