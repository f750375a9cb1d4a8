//! What is going on, at a glance: counts, days, what fires next.

mod routes;
mod store;
mod types;

pub use routes::router;

use super::{foundation::Foundation, proxies::Proxies};
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
}

impl Dashboard {
    pub fn new(foundation: &Foundation, disk: Disk, proxies: Proxies) -> Self {
        Self { db: foundation.db.clone(), clock: foundation.clock.clone(), disk, proxies }
    }
}
