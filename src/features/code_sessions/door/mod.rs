//! The way into an editor: a token that works once becomes a cookie of that editor's path or host alone; what goes
//! through is counted as activity.

mod activity;
mod admission;
mod opened;
mod pages;
mod place;
mod routes;
mod service;
mod statement;
mod store;
mod watch;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use place::Site;
pub use routes::{authorize_router, enter};

use self::opened::Door;
use crate::{
    clock::SharedClock,
    features::{accounts::Accounts, foundation::Foundation},
    id::CodeSessionId,
    platform::{database::Database, secrets::Secrets},
};

/// What this server has open, by session. It stands on its own, without any container: what it needs to know is in the
/// sessions' rows.
#[derive(Debug, Clone)]
pub struct Doors {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    accounts: Accounts,
    site: Arc<Site>,
    known: Arc<Mutex<HashMap<CodeSessionId, Arc<Door>>>>,
    sockets: TaskTracker,
    stop: CancellationToken,
}

impl Doors {
    pub fn new(foundation: Foundation, accounts: Accounts, site: Site) -> Self {
        let Foundation { db, clock, secrets, stop, .. } = foundation;
        let (site, known, sockets) = (Arc::new(site), Arc::default(), TaskTracker::new());
        Self { db, clock, secrets, accounts, site, known, sockets, stop }
    }

    /// Ends every connection to the session's editor on this server, and forgets what was known of it: what comes next
    /// goes by its row, so that must have changed before. Other servers find out within seconds.
    pub(in crate::features::code_sessions) fn close(&self, id: &CodeSessionId) {
        if let Some(door) = self.known().remove(id) {
            door.shut();
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<CodeSessionId, Arc<Door>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
