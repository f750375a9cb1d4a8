//! What is kept how long, how much there is, and what nobody refers to any more.

mod blobs;
mod retention;
mod routes;
mod store;
mod types;
mod usage;

use std::sync::{Arc, PoisonError};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use routes::{admin_router, router};
pub use types::{Blobs, Removed, SpiderStorage, Storage};

use self::types::Counted;
use super::tasks::{Foundation, Tasks};
use crate::{
    clock::SharedClock,
    config,
    error::Result,
    platform::{database::Database, disk::Disk, documents::Documents, files::Files},
};

#[derive(Debug, Clone)]
pub struct Housekeeping {
    db: Database,
    documents: Documents,
    files: Files,
    disk: Disk,
    clock: SharedClock,
    /// Ends a run between two of its steps.
    stop: CancellationToken,
    tasks: Tasks,
    settings: config::Retention,
    /// One run at a time on this server. Several servers do no harm, and the work twice.
    turn: Arc<Mutex<()>>,
    /// What the last sweep of this server counted.
    counted: Arc<std::sync::Mutex<Counted>>,
}

impl Housekeeping {
    pub fn new(foundation: Foundation, disk: Disk, tasks: Tasks, settings: config::Retention) -> Self {
        let Foundation { db, documents, files, clock, stop, .. } = foundation;
        let (turn, counted) = (Arc::default(), Arc::default());
        Self { db, documents, files, disk, clock, stop, tasks, settings, turn, counted }
    }

    /// Everything at once, now; what was removed.
    pub async fn clean(&self) -> Result<Removed> {
        let _turn = self.turn.lock().await;
        let mut removed = self.retain().await?;
        self.sweep(&mut removed).await?;
        Ok(removed)
    }

    fn counted(&self) -> Counted {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
