//! A task is one run of a spider: pending → running → completed | failed | cancelled. What failed may be tried again, as
//! another attempt of the same task: running → pending. The table is the queue.

mod adopt;
mod attempt;
mod claims;
mod dispatcher;
mod ends;
mod follow;
mod internal;
mod judge;
mod logs;
mod queue;
mod quota;
mod retry;
mod routes;
mod runs;
mod scheduler;
mod service;
mod signals;
mod store;
mod token;
mod types;
mod waiting;
mod watchdog;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

pub use adopt::PastTask;
pub use dispatcher::{Dispatcher, DispatcherConfig};
pub use internal::{guard_internal, internal_router};
pub use routes::router;
pub use types::{ErrorCategory, RunOptions, Task, TaskFilter, TaskStatus, Trigger};
pub use watchdog::Watchdog;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::{attempt::Running, signals::Signals};
use super::{events::Events, proxies::Proxies, spiders::Spiders};
use crate::{
    clock::SharedClock,
    config,
    id::TaskId,
    platform::{database::Database, documents::Documents, files::Files, secrets::Secrets},
};

/// What the feature stands on.
#[derive(Debug, Clone)]
pub struct Foundation {
    pub db: Database,
    pub documents: Documents,
    pub files: Files,
    pub secrets: Secrets,
    pub clock: SharedClock,
    pub events: Events,
    pub quotas: config::Quotas,
    /// Ends open streams.
    pub stop: CancellationToken,
}

#[derive(Debug, Clone)]
pub struct Tasks {
    db: Database,
    documents: Documents,
    files: Files,
    secrets: Secrets,
    clock: SharedClock,
    events: Events,
    quotas: config::Quotas,
    stop: CancellationToken,
    spiders: Spiders,
    proxies: Proxies,
    signals: Signals,
    /// Wakes the dispatcher.
    queued: Arc<Notify>,
    /// What the scheduler knows from its last step.
    scheduler: Arc<Mutex<scheduler::Memory>>,
    /// The attempts of this server.
    running: Arc<Mutex<HashMap<TaskId, Running>>>,
}

impl Tasks {
    pub fn new(foundation: Foundation, spiders: Spiders, proxies: Proxies) -> Self {
        let Foundation { db, documents, files, secrets, clock, events, quotas, stop } = foundation;
        let (signals, queued, scheduler) = (Signals::default(), Arc::default(), Arc::default());
        let running = Arc::default();
        Self {
            db,
            documents,
            files,
            secrets,
            clock,
            events,
            quotas,
            stop,
            spiders,
            proxies,
            signals,
            queued,
            scheduler,
            running,
        }
    }
}
