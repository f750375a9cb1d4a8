//! Databases of users' own, and the delivery of items to tables in them.
//!
//! A link says that a spider's items go to a table of a datasource. Each is delivered at least once, in the order of its
//! task, and carries its id, so that doing it twice changes nothing. How far delivery has come is kept by link and task,
//! since ids of items follow the order of commits within a task only. What a table refuses stands aside, with the reason,
//! and holds up nothing.

mod delivery;
mod links;
mod routes;
mod service;
mod store;
mod types;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use types::{DataSource, Mode, Status};

use self::delivery::Sinks;
use super::{events::Events, foundation::Foundation, spiders::Spiders};
use crate::{
    clock::SharedClock,
    platform::{database::Database, documents::Documents, secrets::Secrets},
};

#[derive(Debug, Clone)]
pub struct Datasources {
    db: Database,
    documents: Documents,
    secrets: Secrets,
    clock: SharedClock,
    events: Events,
    stop: CancellationToken,
    spiders: Spiders,
    sinks: Sinks,
    /// Wakes the loop that delivers.
    stored: Arc<Notify>,
}

impl Datasources {
    /// `allow_private`: whether datasources may stand in this machine's or its network's own address ranges.
    pub fn new(foundation: Foundation, spiders: Spiders, allow_private: bool) -> Self {
        let Foundation { db, documents, secrets, clock, events, stop, .. } = foundation;
        let (sinks, stored) = (Sinks::new(allow_private), Arc::default());
        Self { db, documents, secrets, clock, events, stop, spiders, sinks, stored }
    }

    /// Wakes the loop that delivers.
    pub fn wake(&self) -> Arc<Notify> {
        self.stored.clone()
    }

    /// There are items that may have to be delivered.
    pub fn items_are_stored(&self) {
        self.stored.notify_one();
    }
}

pub fn router(datasources: Datasources) -> OpenApiRouter {
    routes::router().merge(links::router()).with_state(datasources)
}
