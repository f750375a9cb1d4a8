//! What tasks leave behind: the items they brought back and the lines they printed.
//!
//! What is acknowledged is stored, once: a batch of items is known by (task, attempt, number), a line by its place in
//! the task's log, so a caller that lost the answer simply calls again. Reads go in steps of bounded size.

mod batches;
mod fences;
mod items;
mod json;
mod logs;
mod removal;
mod search;
mod sign;
mod tail;
#[cfg(test)]
mod tests;
mod usage;

pub use batches::{Counts, NewBatch, Stored};
pub use items::{Item, ItemFilter};
pub use logs::{LogLine, StoredLine, Stream};
pub use tail::Tail;
pub use usage::Kept;

use super::{database::Database, disk::Disk};
use crate::{clock::SharedClock, error::Result};

#[derive(Debug, Clone)]
pub struct Documents {
    db: Database,
    clock: SharedClock,
    disk: Disk,
}

impl Documents {
    pub fn new(db: Database, clock: SharedClock, disk: Disk) -> Self {
        Self { db, clock, disk }
    }

    /// Whether there is room for more.
    pub fn check_room(&self) -> Result<()> {
        self.disk.check_room()
    }

    /// Whether the store answers.
    pub async fn check(&self) -> Result<()> {
        self.db.check().await
    }
}
