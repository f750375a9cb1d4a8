//! What is going on, at a glance: counts, days, what fires next.

mod routes;
mod store;
mod types;

pub use routes::router;

use super::{foundation::Foundation, nodes::Nodes, proxies::Proxies};
use crate::{
    clock::SharedClock,
    platform::{database::Database, disk::Disk},
};

#[derive(Debug, Clone)]
pub struct Dashboard {
    db: Database,
    clock: SharedClock,
    disk: Disk,
    proxies: Proxies,
    nodes: Nodes,
}

impl Dashboard {
    pub fn new(foundation: &Foundation, disk: Disk, proxies: Proxies, nodes: Nodes) -> Self {
        Self { db: foundation.db.clone(), clock: foundation.clock.clone(), disk, proxies, nodes }
    }
}
