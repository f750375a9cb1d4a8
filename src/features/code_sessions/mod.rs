//! Editors in the browser: for each user and spider a container with VS Code and the spider's files.
//!
//! A session's row says what should be, its container's labels whose it is; a loop brings the two together, so that
//! nothing depends on a server that lives on. What an editor holds is only given up once it is among the spider's files.

mod life;
mod routes;
mod service;
mod store;
mod sync;
mod types;
mod workspace;

use std::{ops::RangeInclusive, sync::Arc};

use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;

pub use types::{CodeSession, Ending, Status};

use super::{accounts::Accounts, doors::Doors, events::Events, foundation::Foundation, spiders::Spiders};
use crate::{
    clock::SharedClock,
    config,
    platform::{
        containers::{Containers, DiskWatch},
        database::Database,
        files::Files,
        jobs::Jobs,
    },
};

#[derive(Debug, Clone)]
pub struct CodeSessions {
    db: Database,
    clock: SharedClock,
    files: Files,
    events: Events,
    accounts: Accounts,
    spiders: Spiders,
    containers: Containers,
    settings: Arc<config::CodeSessions>,
    /// To publish editors at, where their containers cannot be reached.
    ports: RangeInclusive<u16>,
    doors: Doors,
    jobs: Jobs,
    disk: DiskWatch,
    memory: sync::Memory,
    /// One editor of the warm pool is started at a time.
    pool_turn: Arc<tokio::sync::Mutex<()>>,
    /// Asks editors whether they are there.
    http: reqwest::Client,
    /// Wakes the loop that looks after sessions.
    changed: Arc<Notify>,
}

impl CodeSessions {
    pub fn new(
        foundation: Foundation,
        (accounts, spiders): (Accounts, Spiders),
        containers: Containers,
        (settings, ports): (config::CodeSessions, RangeInclusive<u16>),
        doors: Doors,
    ) -> anyhow::Result<Self> {
        let Foundation { db, clock, files, events, stop, .. } = foundation;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()?;
        let (settings, jobs, memory) = (Arc::new(settings), Jobs::new(stop), sync::Memory::default());
        let (pool_turn, changed) = (Arc::default(), Arc::default());
        Ok(Self {
            db,
            clock,
            files,
            events,
            accounts,
            spiders,
            containers,
            settings,
            ports,
            doors,
            jobs,
            disk: DiskWatch::default(),
            memory,
            pool_turn,
            http,
            changed,
        })
    }

    /// Wakes the loop that looks after sessions.
    pub fn wake(&self) -> Arc<Notify> {
        self.changed.clone()
    }
}

pub fn router(sessions: CodeSessions) -> OpenApiRouter {
    routes::router().merge(workspace::router()).with_state(sessions)
}

pub fn admin_router(sessions: CodeSessions) -> OpenApiRouter {
    routes::admin_router().with_state(sessions)
}
