//! A project groups spiders; one named `default` always exists.

mod adopt;
mod routes;
mod service;
mod store;
mod types;

pub use routes::router;
pub use types::{Project, ProjectChange, ProjectFilter, ProjectStatus};

use crate::{clock::SharedClock, platform::database::Database};

#[derive(Debug, Clone)]
pub struct Projects {
    db: Database,
    clock: SharedClock,
}

impl Projects {
    pub fn new(db: Database, clock: SharedClock) -> Self {
        Self { db, clock }
    }
}
