//! The way into what runs in containers and is used in a browser, editors and instances: a token that works once becomes
//! a cookie of that one's path or host alone; what goes through is counted as activity.

mod activity;
mod admission;
mod opened;
mod pages;
mod place;
mod prefix;
mod room;
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
pub use prefix::Prefix;
pub use room::Room;
pub use routes::{authorize_router, enter};

use self::opened::Door;
use super::{accounts::Accounts, foundation::Foundation};
use crate::{
    clock::SharedClock,
    platform::{database::Database, secrets::Secrets},
};

/// What this server has open, by room. It stands on its own, without any container: what it needs to know is in the
/// rooms' rows.
#[derive(Debug, Clone)]
pub struct Doors {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    accounts: Accounts,
    site: Arc<Site>,
    known: Arc<Mutex<HashMap<Room, Arc<Door>>>>,
    sockets: TaskTracker,
    stop: CancellationToken,
}

impl Doors {
    pub fn new(foundation: Foundation, accounts: Accounts, site: Site) -> Self {
        let Foundation { db, clock, secrets, stop, .. } = foundation;
        let (site, known, sockets) = (Arc::new(site), Arc::default(), TaskTracker::new());
        Self { db, clock, secrets, accounts, site, known, sockets, stop }
    }

    /// Where rooms are found.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Ends every connection to the room on this server, and forgets what was known of it: what comes next goes by its
    /// row, so that must have changed before. Other servers find out within seconds.
    pub fn close(&self, room: &Room) {
        if let Some(door) = self.known().remove(room) {
            door.shut();
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Room, Arc<Door>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
