//! The home that needs nothing else: tables in SQLite or PostgreSQL.

mod batches;
mod errors;
mod fences;
mod items;
mod json;
mod logs;
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
}
