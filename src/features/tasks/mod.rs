//! A task is one run of a spider: pending → running → completed | failed | cancelled. What failed may be tried again, as
//! another attempt of the same task: running → pending. The table is the queue.

mod adopt;
mod attempt;
mod claims;
mod contained;
mod dispatcher;
mod drift;
mod ends;
mod follow;
mod gone;
mod internal;
mod judge;
mod logs;
mod place;
mod queue;
mod quota;
mod remote;
mod reporter;
mod retry;
mod routes;
mod runs;
mod scheduler;
mod service;
mod signals;
mod store;
mod swarm;
mod token;
mod types;
mod waiting;
mod watchdog;
mod weight;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

pub use adopt::{NOT_ENDED, PastTask};
pub use attempt::JobSettings;
pub use contained::Engine;
pub use dispatcher::{Dispatcher, DispatcherConfig};
pub use internal::{guard_internal, internal_router};
pub use logs::with_levels;
pub use remote::{holder_router, router as node_router};
pub use routes::router;
pub use swarm::{Swarm, SwarmSettings};
pub use types::{ErrorCategory, RunOptions, Task, TaskFilter, TaskStatus, Trigger};
pub use watchdog::Watchdog;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::{
    attempt::Running,
    logs::Feeds,
    remote::Remote,
    signals::{Queued, Signals},
};
pub use super::foundation::Foundation;
use super::{datasources::Datasources, events::Events, nodes::Nodes, proxies::Proxies, spiders::Spiders};
use crate::{
    clock::SharedClock,
    config,
    id::TaskId,
    platform::{database::Database, documents::Documents, files::Files, secrets::Secrets},
};

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
    datasources: Datasources,
    nodes: Nodes,
    /// Of spiders that set none.
    default_memory_limit_mb: Option<i64>,
    remote: Remote,
    signals: Signals,
    feeds: Feeds,
    queued: Queued,
    /// Wakes the loop that tells what is gone.
    whole: Arc<Notify>,
    /// What the scheduler knows from its last step.
    scheduler: Arc<Mutex<scheduler::Memory>>,
    /// Where spiders run in containers.
    engine: Arc<Engine>,
    swarm: Arc<Swarm>,
    /// The attempts of this server.
    running: Arc<Mutex<HashMap<TaskId, Running>>>,
}

impl Tasks {
    pub fn new(
        foundation: Foundation,
        spiders: Spiders,
        proxies: Proxies,
        datasources: Datasources,
        (nodes, default_memory_limit_mb): (Nodes, Option<i64>),
        (engine, swarm): (Engine, Swarm),
    ) -> Self {
        let Foundation { db, documents, files, secrets, clock, events, wakes, quotas, stop } = foundation;
        let (signals, queued, scheduler) = (Signals::new(wakes.clone()), Queued::new(wakes), Arc::default());
        let (running, feeds) = (Arc::default(), Feeds::default());
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
            datasources,
            nodes,
            default_memory_limit_mb,
            remote: Remote::default(),
            signals,
            feeds,
            queued,
            whole: Arc::default(),
            scheduler,
            engine: Arc::new(engine),
            swarm: Arc::new(swarm),
            running,
        }
    }

    /// Notified when a complete run may have left something out.
    pub fn completed_whole(&self) -> Arc<Notify> {
        self.whole.clone()
    }
}
