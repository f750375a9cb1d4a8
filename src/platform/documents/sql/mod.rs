//! The home that needs nothing else: tables in SQLite or PostgreSQL.

mod batches;
mod catalogues;
mod errors;
mod fences;
mod items;
mod json;
mod keys;
mod logs;
mod quarantine;
mod removal;
mod search;
mod usage;

use async_trait::async_trait;
pub(super) use json::StoredJson;

use super::store::DocumentStore;
use crate::{clock::SharedClock, error::Result, platform::database::Database};

#[derive(Debug)]
pub struct SqlStore {
    db: Database,
    clock: SharedClock,
}

impl SqlStore {
    pub fn new(db: Database, clock: SharedClock) -> Self {
        Self { db, clock }
    }
}

#[async_trait]
impl DocumentStore for SqlStore {
    async fn check(&self) -> Result<()> {
        self.db.check().await
    }

    /// What the platform itself stands on is not asked after again.
    fn trouble(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) {
        self.db.close().await;
    }
}
