//! What became of items under their spider's contract: those that were refused, which can be looked at and let in once the
//! contract has changed, and what is new, changed and gone among those that it tells apart. (Judging them as they arrive is
//! `spiders`' and `tasks`' business.)

mod changes;
mod quarantine;
mod routes;
mod types;

pub use routes::router;
pub use types::{Change, ChangeKind, Changes, InQuarantine, Replayed, Versions};

use tokio_util::task::TaskTracker;

use super::{datasources::Datasources, spiders::Spiders, tasks::Tasks};
use crate::platform::documents::Documents;

#[derive(Debug, Clone)]
pub struct Contracts {
    documents: Documents,
    spiders: Spiders,
    tasks: Tasks,
    datasources: Datasources,
    /// Steps of replays, which are done to their end.
    steps: TaskTracker,
}

impl Contracts {
    pub fn new(documents: Documents, spiders: Spiders, tasks: Tasks, datasources: Datasources) -> Self {
        Self { documents, spiders, tasks, datasources, steps: TaskTracker::new() }
    }
}
