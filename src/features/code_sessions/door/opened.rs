//! One session's door on this server: what is known of it, and who is inside.

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
    Doors,
    activity::{Activity, Pulse},
    store::Known,
};
use crate::{
    clock::SharedClock,
    error::Result,
    features::code_sessions::Status,
    id::CodeSessionId,
    platform::http::proxy::{Traffic, Upstream},
};

/// How long what was read of a session is taken for true: a page of an editor is hundreds of requests.
const TRUE_FOR: Duration = Duration::from_secs(2);
/// What browsers open is a handful for each page.
const MAX_SOCKETS: usize = 64;
const MAX_REQUESTS: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Door {
    /// Whose turn it is to look the session up.
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

/// When something was asked for: what the answer says held then, whenever it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(Instant, DateTime<Utc>);

impl Moment {
    pub(super) fn now(clock: &SharedClock) -> Self {
        Self(Instant::now(), clock.now())
    }
}

/// A session as it was a moment ago.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    as_of: Moment,
    pub session: Arc<Known>,
    /// Where it is ready.
    pub editor: Option<Arc<Editor>>,
}

/// A container that can be reached, and who is connected with it.
#[derive(Debug)]
pub(super) struct Editor {
    pub upstream: Upstream,
    pub end: CancellationToken,
    sockets: AtomicUsize,
    requests: AtomicUsize,
}

impl Editor {
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
        let mut state = self.state();
        state.closed = true;
        if let Some(editor) = state.seen.take().and_then(|seen| seen.editor) {
            editor.end.cancel();
        }
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

    /// Takes in how the session is; `None` where the door was shut meanwhile. Whoever is connected with another
    /// container than the present one, or while nobody may be, goes.
    pub(super) fn learn(&self, session: Known, as_of: Moment, stop: &CancellationToken) -> Option<Seen> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        // Somebody who asked later was answered earlier.
        if let Some(newer) = state.seen.as_ref().filter(|seen| seen.as_of.0 > as_of.0) {
            return Some(newer.clone());
        }
        let before = state.seen.take();
        let is_same = |known: &Known| known.container_id == session.container_id && known.upstream == session.upstream;
        let at = session.upstream.as_deref().filter(|_| session.status == Status::Ready);
        let before = before.and_then(|seen| seen.editor.map(|editor| (is_same(&seen.session), editor)));
        let editor = match (before, at) {
            (Some((true, editor)), Some(_)) => Some(editor),
            (before, at) => {
                if let Some((_, editor)) = before {
                    editor.end.cancel();
                }
                at.and_then(Upstream::new).map(|upstream| {
                    let (sockets, requests) = (AtomicUsize::new(0), AtomicUsize::new(0));
                    Arc::new(Editor { upstream, end: stop.child_token(), sockets, requests })
                })
            }
        };
        let seen = Seen { as_of, session: Arc::new(session), editor };
        state.seen = Some(seen.clone());
        Some(seen)
    }

    /// Whether nobody has come for so long, and nobody is inside.
    pub(super) fn is_left_alone_for(&self, time: Duration) -> bool {
        let state = self.state();
        let in_use = state.seen.as_ref().and_then(|seen| seen.editor.as_ref()).is_some_and(|editor| editor.is_in_use());
        !in_use && state.used.is_none_or(|used| used.elapsed() >= time)
    }
}

/// One who is inside, until it is dropped.
pub(super) struct Connection {
    door: Arc<Door>,
    editor: Arc<Editor>,
    clock: SharedClock,
    pulse: Pulse,
    is_socket: bool,
}

impl Connection {
    /// `None` where too many are inside.
    pub(super) fn open(door: Arc<Door>, editor: Arc<Editor>, clock: SharedClock, is_socket: bool) -> Option<Self> {
        let pulse = Pulse::new(clock.now());
        let connection = Self { door, editor, clock, pulse, is_socket };
        let (count, most) = connection.count();
        // Dropping it takes it off again.
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(connection)
    }

    fn count(&self) -> (&AtomicUsize, usize) {
        if self.is_socket { (&self.editor.sockets, MAX_SOCKETS) } else { (&self.editor.requests, MAX_REQUESTS) }
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
        if self.pulse.came(bytes, now) {
            self.door.activity.happened(now);
        }
    }
}

impl Doors {
    /// The session as it is, or was a moment ago; none where it is over, or its user has lost the right to it.
    pub(super) async fn look(&self, id: &CodeSessionId) -> Result<Option<(Arc<Door>, Seen)>> {
        loop {
            let door = self.known().entry(id.clone()).or_default().clone();
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
            let Some(session) = self.open_ones(std::slice::from_ref(id)).await?.pop() else {
                drop(turn);
                self.close(id);
                return Ok(None);
            };
            let seen = door.learn(session, as_of, &self.stop);
            drop(turn);
            if let Some(seen) = seen {
                return Ok(Some((door, seen)));
            }
        }
    }
}
