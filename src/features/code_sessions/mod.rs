//! Editors in the browser: for each user and spider a container with VS Code and the spider's files.
//!
//! A session's row says what should be, its container's labels whose it is; a loop brings the two together, so that
//! nothing depends on a server that lives on. What an editor holds is only given up once it is among the spider's files.

mod door;
mod routes;
mod service;
mod store;
mod sync;
mod types;

use std::sync::Arc;

use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;

pub use door::{Doors, Site, authorize_router, enter};
pub use types::{CodeSession, Status};

use super::{events::Events, foundation::Foundation, spiders::Spiders};
use crate::{
    clock::SharedClock,
    config,
    platform::{containers::Containers, database::Database, files::Files, secrets::Secrets},
};

#[derive(Debug, Clone)]
pub struct CodeSessions {
    db: Database,
    clock: SharedClock,
    files: Files,
    secrets: Secrets,
    events: Events,
    spiders: Spiders,
    containers: Containers,
    settings: Arc<config::CodeSessions>,
    doors: Doors,
    /// Wakes the loop that looks after sessions.
    changed: Arc<Notify>,
}

impl CodeSessions {
    pub fn new(
        foundation: Foundation,
        spiders: Spiders,
        containers: Containers,
        doors: Doors,
        settings: config::CodeSessions,
    ) -> Self {
        let Foundation { db, clock, files, secrets, events, .. } = foundation;
        let (settings, changed) = (Arc::new(settings), Arc::default());
        Self { db, clock, files, secrets, events, spiders, containers, settings, doors, changed }
    }
}

pub fn router(sessions: CodeSessions) -> OpenApiRouter {
    routes::router().with_state(sessions)
}
