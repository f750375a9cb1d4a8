//! What tasks leave behind: the items they brought back and the lines they printed.
//!
//! What is acknowledged is stored, once: a batch of items is known by (task, attempt, number), a line by its place in
//! the task's log, so a caller that lost the answer simply calls again. Reads go in steps of bounded size.

mod items;
mod logs;
mod sql;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod usage;

use std::{ops::Deref, sync::Arc};

pub use items::{Counts, Item, ItemFilter, NewBatch, Stored};
pub use logs::{LogLine, StoredLine, Stream};
pub use sql::SqlStore;
pub use store::DocumentStore;
pub use tail::Tail;
pub use usage::{Held, Kept};

use super::disk::Disk;
use crate::error::Result;

/// What is the same in every home stands here; the rest is the home's own.
#[derive(Debug, Clone)]
pub struct Documents {
    store: Arc<dyn DocumentStore>,
    disk: Disk,
}

impl Documents {
    /// `disk` must have room for whatever is to be stored.
    pub fn new(store: impl DocumentStore + 'static, disk: Disk) -> Self {
        Self { store: Arc::new(store), disk }
    }

    /// Whether there is room for more.
    pub fn check_room(&self) -> Result<()> {
        self.disk.check_room()
    }
}

impl Deref for Documents {
    type Target = dyn DocumentStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}
