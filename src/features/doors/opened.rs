//! One room's door on this server: what is known of it, and who is inside.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    Doors, Room,
    activity::{Activity, Pulse},
    store::{Known, State as RoomState},
};
use crate::{
    clock::SharedClock,
    error::Result,
    platform::http::proxy::{Traffic, Upstream},
};

/// How long what was read of a room is taken for true: a page of an editor is hundreds of requests.
const TRUE_FOR: Duration = Duration::from_secs(2);
/// What browsers open is a handful for each page.
const MAX_SOCKETS: usize = 64;
const MAX_REQUESTS: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Door {
    /// Whose turn it is to look the room up.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    pub activity: Activity,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    used: Option<Instant>,
    seen: Option<Seen>,
}

impl State {
    fn shut(&mut self) {
        self.closed = true;
        if let Some(inside) = self.seen.take().and_then(|seen| seen.inside) {
            inside.end.cancel();
        }
    }
}

/// When something was asked for: what the answer says held then, whenever it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(Instant, DateTime<Utc>);

impl Moment {
    pub(super) fn now(clock: &SharedClock) -> Self {
        Self(Instant::now(), clock.now())
    }
}

/// A room as it was a moment ago.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    as_of: Moment,
    pub room: Arc<Known>,
    /// Where it is open.
    pub inside: Option<Arc<Inside>>,
}

/// A container that can be reached, and who is connected with it.
#[derive(Debug)]
pub(super) struct Inside {
    pub upstream: Upstream,
    pub end: CancellationToken,
    sockets: AtomicUsize,
    requests: AtomicUsize,
}

impl Inside {
    fn is_in_use(&self) -> bool {
        self.sockets.load(Ordering::Relaxed) + self.requests.load(Ordering::Relaxed) > 0
    }
}

impl Door {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is inside goes, and nobody comes in any more: there may be another door in its place.
    pub(super) fn shut(&self) {
        self.state().shut();
    }

    /// Shuts the door of a room that was found to be over; `false` where somebody who asked later has found it there.
    pub(super) fn is_over(&self, as_of: Moment) -> bool {
        let mut state = self.state();
        if state.seen.as_ref().is_some_and(|seen| seen.as_of.0 > as_of.0) {
            return false;
        }
        state.shut();
        true
    }

    fn fresh(&self, now: DateTime<Utc>) -> Option<Seen> {
        let mut state = self.state();
        state.used = Some(Instant::now());
        let is_fresh = |seen: &Seen| {
            let aged = (now - seen.as_of.1).to_std();
            seen.as_of.0.elapsed() < TRUE_FOR && aged.is_ok_and(|aged| aged < TRUE_FOR)
        };
        state.seen.clone().filter(is_fresh)
    }

    /// Takes in how the room is; `None` where the door was shut meanwhile. Whoever is connected with another
    /// container than the present one, or while nobody may be, goes; so does everybody where it was open to all.
    pub(super) fn learn(&self, room: Known, as_of: Moment, stop: &CancellationToken) -> Option<Seen> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        // Somebody who asked later was answered earlier.
        if let Some(newer) = state.seen.as_ref().filter(|seen| seen.as_of.0 > as_of.0) {
            return Some(newer.clone());
        }
        let before = state.seen.take();
        let is_same = |known: &Known| {
            known.container_id == room.container_id
                && known.upstream == room.upstream
                && known.is_public <= room.is_public
        };
        let at = room.upstream.as_deref().filter(|_| room.state() == RoomState::Open);
        let before = before.and_then(|seen| seen.inside.map(|inside| (is_same(&seen.room), inside)));
        let inside = match (before, at) {
            (Some((true, inside)), Some(_)) => Some(inside),
            (before, at) => {
                if let Some((_, inside)) = before {
                    inside.end.cancel();
                }
                at.and_then(Upstream::new).map(|upstream| {
                    let (sockets, requests) = (AtomicUsize::new(0), AtomicUsize::new(0));
                    Arc::new(Inside { upstream, end: stop.child_token(), sockets, requests })
                })
            }
        };
        let seen = Seen { as_of, room: Arc::new(room), inside };
        state.seen = Some(seen.clone());
        Some(seen)
    }

    /// Whether nobody has come for so long, and nobody is inside.
    pub(super) fn is_left_alone_for(&self, time: Duration) -> bool {
        let state = self.state();
        let in_use = state.seen.as_ref().and_then(|seen| seen.inside.as_ref()).is_some_and(|inside| inside.is_in_use());
        !in_use && state.used.is_none_or(|used| used.elapsed() >= time)
    }
}

/// One who is inside, until it is dropped.
pub(super) struct Connection {
    door: Arc<Door>,
    inside: Arc<Inside>,
    clock: SharedClock,
    /// Where not all that comes is somebody at work.
    pulse: Option<Pulse>,
    is_socket: bool,
}

impl Connection {
    /// `None` where too many are inside.
    pub(super) fn open(
        room: &Room,
        (door, inside): (Arc<Door>, Arc<Inside>),
        clock: SharedClock,
        is_socket: bool,
    ) -> Option<Self> {
        let pulse = matches!(room, Room::Editor(_)).then(|| Pulse::new(clock.now()));
        let connection = Self { door, inside, clock, pulse, is_socket };
        let (count, most) = connection.count();
        // Dropping it takes it off again.
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(connection)
    }

    fn count(&self) -> (&AtomicUsize, usize) {
        if self.is_socket { (&self.inside.sockets, MAX_SOCKETS) } else { (&self.inside.requests, MAX_REQUESTS) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.count().0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Traffic for Connection {
    fn sent(&self, bytes: usize) {
        let now = self.clock.now();
        if self.pulse.as_ref().is_none_or(|pulse| pulse.came(bytes, now)) {
            self.door.activity.happened(now);
        }
    }
}

impl Doors {
    /// The room as it is, or was a moment ago; none where it is over, or its user has lost the right to it.
    pub(super) async fn look(&self, room: &Room) -> Result<Option<(Arc<Door>, Seen)>> {
        loop {
            let door = self.known().entry(room.clone()).or_default().clone();
            if let Some(seen) = door.fresh(self.clock.now()) {
                return Ok(Some((door, seen)));
            }
            // One looks, the others wait for what it finds.
            let turn = door.turn.lock().await;
            if let Some(seen) = door.fresh(self.clock.now()) {
                drop(turn);
                return Ok(Some((door, seen)));
            }
            let as_of = Moment::now(&self.clock);
            let Some(known) = self.there_are(std::slice::from_ref(room)).await?.remove(room) else {
                drop(turn);
                if self.ends(room, &door, as_of) {
                    return Ok(None);
                }
                continue;
            };
            let seen = door.learn(known, as_of, &self.stop);
            drop(turn);
            if let Some(seen) = seen {
                return Ok(Some((door, seen)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(after: Duration) -> Moment {
        Moment(Instant::now() + after, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn what_was_asked_earlier_shuts_nobody_out_who_was_found_inside_later() {
        let (door, stop) = (Door::default(), CancellationToken::new());
        let (earlier, later, last) = (at(Duration::ZERO), at(Duration::from_secs(1)), at(Duration::from_secs(2)));
        let inside = door.learn(Known::of_an_open_room("127.0.0.1:1"), later, &stop).unwrap().inside.unwrap();
        assert!(!door.is_over(earlier));
        assert!(!inside.end.is_cancelled());
        assert!(door.is_over(last));
        assert!(inside.end.is_cancelled());
        assert!(door.learn(Known::of_an_open_room("127.0.0.1:1"), last, &stop).is_none());
    }
}
