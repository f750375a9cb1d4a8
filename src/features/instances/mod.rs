//! Programs with a web page of their own, at a host of their own, for as long as their users like: each is a container
//! from an image that the operator allows.
//!
//! A row says what is to be and what is; a loop brings the two together, so that nothing depends on a server that lives
//! on. What an instance writes stays in its container until it is deleted.

mod compose;
mod life;
mod ports;
mod routes;
mod service;
mod store;
mod terminal;
mod types;

use std::{ops::RangeInclusive, sync::Arc};

use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;

pub use types::{Desired, Status, StopReason};

use super::{accounts::Accounts, doors::Doors, events::Events, foundation::Foundation};
use crate::{
    clock::SharedClock,
    config,
    platform::{
        containers::{Containers, DiskWatch},
        database::Database,
        jobs::Jobs,
        secrets::Secrets,
    },
};

#[derive(Debug, Clone)]
pub struct Instances {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    events: Events,
    accounts: Accounts,
    containers: Containers,
    settings: Arc<config::Instances>,
    ports: RangeInclusive<u16>,
    doors: Doors,
    jobs: Jobs,
    disk: DiskWatch,
    terminals: terminal::Terminals,
    /// Asks instances whether they are there.
    http: reqwest::Client,
    /// Wakes the loop that looks after instances.
    changed: Arc<Notify>,
}

impl Instances {
    pub fn new(
        foundation: Foundation,
        accounts: Accounts,
        containers: Containers,
        settings: config::Instances,
        doors: Doors,
    ) -> anyhow::Result<Self> {
        let Foundation { db, clock, secrets, events, stop, .. } = foundation;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self {
            db,
            clock,
            secrets,
            events,
            accounts,
            containers,
            ports: settings.ports()?,
            settings: Arc::new(settings),
            doors,
            jobs: Jobs::new(stop),
            disk: DiskWatch::default(),
            terminals: terminal::Terminals::default(),
            http,
            changed: Arc::default(),
        })
    }

    /// Wakes the loop that looks after instances.
    pub fn wake(&self) -> Arc<Notify> {
        self.changed.clone()
    }
}

pub fn router(instances: Instances) -> OpenApiRouter {
    routes::router().merge(terminal::router()).with_state(instances)
}
