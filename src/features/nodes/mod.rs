//! Nodes: other machines that run spiders. Each has an agent (`crawlhub worker`) that calls with the node's token, says
//! how it is every few seconds, and asks for work; nothing has to reach it.

mod beats;
mod calls;
mod guard;
mod obstacle;
mod routes;
mod service;
mod store;
mod types;

use std::time::Duration;

pub use guard::FromNode;
pub use obstacle::Obstacle;
pub use routes::{admin_router, router};
pub use types::{Node, NodeStatus, check_labels};

use super::accounts::Accounts;
use crate::{
    clock::SharedClock,
    config,
    platform::{database::Database, secrets::Secrets},
};

/// How often a node says how it is, at the latest.
const BEAT: Duration = Duration::from_secs(15);

#[derive(Debug, Clone)]
pub struct Nodes {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    accounts: Accounts,
    settings: config::Nodes,
    http: reqwest::Client,
}

impl Nodes {
    pub fn new(
        db: Database,
        clock: SharedClock,
        secrets: Secrets,
        accounts: Accounts,
        settings: config::Nodes,
    ) -> Self {
        Self { db, clock, secrets, accounts, settings, http: calls::client() }
    }

    /// How long a node holds what it took without being heard of.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.settings.lease_seconds)
    }

    /// How often nodes are to say how they are, so that no claim lapses for one call that was lost.
    pub fn beat_period(&self) -> Duration {
        BEAT.min(self.lease() / 4)
    }
}
