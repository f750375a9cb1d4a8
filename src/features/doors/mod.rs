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

use self::opened::{Door, Moment};
use super::{accounts::Accounts, foundation::Foundation};
use crate::{
    clock::SharedClock,
    platform::{
        database::{Database, Wakes},
        secrets::Secrets,
    },
};

/// What servers say to each other: the room is not as it was.
const CLOSED: &str = "room";

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
    wakes: Wakes,
    stop: CancellationToken,
}

impl Doors {
    pub fn new(foundation: Foundation, accounts: Accounts, site: Site) -> Self {
        let Foundation { db, clock, secrets, wakes, stop, .. } = foundation;
        let (site, known, sockets) =
            (Arc::new(site), Arc::<Mutex<HashMap<Room, Arc<Door>>>>::default(), TaskTracker::new());
        let here = known.clone();
        wakes.hear(CLOSED, move |room| {
            // Where it may be any, the next look of the loop tells.
            if let Some(room) = room.and_then(Room::of_word) {
                shut(&here, &room);
            }
        });
        Self { db, clock, secrets, accounts, site, known, sockets, wakes, stop }
    }

    /// Where rooms are found.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Ends every connection to the room, and forgets what was known of it: what comes next goes by its row, so that
    /// must have changed before. Other servers are told, and find out within seconds by themselves.
    pub fn close(&self, room: &Room) {
        self.shut(room);
        self.wakes.say(CLOSED, &room.word());
    }

    /// The same on this server alone.
    fn shut(&self, room: &Room) {
        shut(&self.known, room);
    }

    /// Forgets a door whose room was found to be over; `false` where somebody who asked later has found it there. Another
    /// door that stands in its place meanwhile is left alone.
    fn ends(&self, room: &Room, door: &Arc<Door>, as_of: Moment) -> bool {
        let over = door.is_over(as_of);
        if over {
            let mut known = self.known();
            if known.get(room).is_some_and(|present| Arc::ptr_eq(present, door)) {
                known.remove(room);
            }
        }
        over
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Room, Arc<Door>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shut(known: &Mutex<HashMap<Room, Arc<Door>>>, room: &Room) {
    let door = known.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
    if let Some(door) = door {
        door.shut();
    }
}
