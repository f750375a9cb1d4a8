//! What tasks leave behind: the items they brought back and the lines they printed.
//!
//! What is acknowledged is stored, once: a batch of items is known by (task, attempt, number), a line by its place in
//! the task's log, so a caller that lost the answer simply calls again. Reads go in steps of bounded size.

mod catalogue;
mod chunks;
mod errors;
mod find;
mod fingerprint;
mod items;
mod keys;
mod logs;
mod mongo;
pub mod object;
mod quarantine;
mod sql;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod usage;

use std::{ops::Deref, sync::Arc};

pub use catalogue::{Catalogue, FieldCount, Most};
pub use errors::{ErrorGroup, SeenError};
pub use find::{Effort, Found, LineFilter, Needle};
pub use fingerprint::{fingerprint, fingerprint_at};
pub use items::{Counts, Item, ItemFilter, NewBatch, NewItem, Stored};
pub use keys::{DedupPolicy, Key, KnownKey};
pub use logs::{Level, LogLine, NewLines, StoredLine, Stream};
pub use mongo::MongoStore;
pub use quarantine::{Quarantined, Readmission, Readmitted, Refused};
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

    /// Whether more can be stored, as far as is known: there is room, and the home is not away.
    pub fn check_room(&self) -> Result<()> {
        self.disk.check_room()?;
        self.store.trouble()
    }
}

impl Deref for Documents {
    type Target = dyn DocumentStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}
