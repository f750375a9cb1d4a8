//! The way into an editor: a token that works once becomes a cookie of that editor's path or host alone. What goes through
//! is counted as activity.
//!
//! Everything that the browser asks for comes here, hundreds of files a page: what is known of a session is kept for a
//! moment, and forgotten at once where it changes in this server.

mod entry;
mod pages;
mod pass;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use pass::{at_the_door, authorize_router};

use super::{CodeSession, CodeSessions};
use crate::{
    clock::SharedClock,
    error::{Error, Result},
    id::{CodeSessionId, UserId},
    platform::{
        http::proxy::Connections,
        secrets::{random_token, token_hash},
    },
    text,
};

/// How long a token opens an editor.
const TOKEN_LIFE: TimeDelta = TimeDelta::minutes(5);
/// How long a session is taken for what it was: what other servers do to it is seen that late.
const FRESH: Duration = Duration::from_secs(2);
/// Sockets of one editor; a page has two or three.
const MOST_SOCKETS: usize = 64;
/// What an open page sends by itself in a minute is far less, and what somebody types is more: see `Input`.
const INPUT_A_MINUTE: usize = 8 * 1024;
const A_MINUTE: Duration = Duration::from_mins(1);

/// Where editors are reached.
#[derive(Debug, Clone)]
pub struct Place {
    /// Whether people come by https.
    pub https: bool,
    /// Each editor has a host of its own below it.
    pub domain: Option<String>,
    /// The port of these hosts' addresses, where it is not that of the scheme.
    pub port: Option<u16>,
}

/// What this server has open, by session.
#[derive(Debug, Clone)]
pub(super) struct Doors {
    stop: CancellationToken,
    tracker: TaskTracker,
    clock: SharedClock,
    open: Arc<Mutex<HashMap<CodeSessionId, Arc<Door>>>>,
}

/// One session's, as long as its container is the same one.
#[derive(Debug)]
struct Door {
    closed: CancellationToken,
    connections: Connections,
    sockets: Arc<Semaphore>,
    known: Mutex<Option<Known>>,
    input: Input,
}

/// What was found out about a session, and when.
#[derive(Debug, Clone)]
struct Known {
    session: Arc<CodeSession>,
    /// Whether its user is still one who may.
    may: bool,
    at: Instant,
}

/// Who works sends more than an open page does by itself: that keeps its sockets alive with some bytes each few seconds,
/// and its editor tells the server now and then what it shows.
#[derive(Debug, Default)]
struct Input(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    since: Option<Instant>,
    bytes: usize,
    active_at: Option<DateTime<Utc>>,
}

impl Input {
    fn count(&self, bytes: usize, clock: &SharedClock) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since.is_none_or(|since| since.elapsed() > A_MINUTE) {
            counted.since = Some(Instant::now());
            counted.bytes = 0;
        }
        counted.bytes += bytes;
        if counted.bytes > INPUT_A_MINUTE {
            counted.active_at = Some(clock.now());
        }
    }

    fn is_active(&self, clock: &SharedClock) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).active_at = Some(clock.now());
    }

    fn take(&self) -> Option<DateTime<Utc>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).active_at.take()
    }
}

impl Doors {
    pub(super) fn new(stop: CancellationToken, clock: SharedClock) -> Self {
        Self { stop, tracker: TaskTracker::new(), clock, open: Arc::default() }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<CodeSessionId, Arc<Door>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, id: &CodeSessionId) -> Arc<Door> {
        let new = || {
            Arc::new(Door {
                closed: self.stop.child_token(),
                connections: Connections::default(),
                sockets: Arc::new(Semaphore::new(MOST_SOCKETS)),
                known: Mutex::default(),
                input: Input::default(),
            })
        };
        self.locked().entry(id.clone()).or_insert_with(new).clone()
    }

    /// Ends every connection to the session's editor. Whoever comes next is judged by what the session is now.
    pub(super) fn close(&self, id: &CodeSessionId) {
        if let Some(door) = self.locked().remove(id) {
            door.closed.cancel();
        }
    }

    /// The session is not what it was.
    pub(super) fn forget(&self, id: &CodeSessionId) {
        if let Some(door) = self.locked().get(id) {
            *door.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl CodeSessions {
    /// A token that opens the editor once.
    pub(super) async fn issue_token(&self, session: &CodeSession) -> Result<String> {
        if !session.status.is_active() {
            return Err(Error::conflict("session_closed", text!("会话已关闭", "the session is closed")));
        }
        let token = random_token();
        self.insert_token(&token_hash(&token), &session.id, self.clock.now() + TOKEN_LIFE).await?;
        Ok(token)
    }

    pub(super) fn url_of(&self, id: &CodeSessionId) -> String {
        let Some(domain) = &self.place.domain else { return format!("/code-server/{id}/") };
        let scheme = if self.place.https { "https" } else { "http" };
        let port = self.place.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{id}.{domain}{port}/")
    }

    /// Writes down when somebody worked in each editor.
    pub(super) async fn flush_activity(&self) -> Result<()> {
        let doors: Vec<(CodeSessionId, Arc<Door>)> =
            self.doors.locked().iter().map(|(id, door)| (id.clone(), door.clone())).collect();
        for (id, door) in doors {
            if let Some(at) = door.input.take() {
                self.touch(&id, at).await?;
            }
        }
        Ok(())
    }

    /// The session, as it is or was a moment ago, if there is one.
    async fn known(&self, id: &CodeSessionId) -> Result<Option<(Arc<Door>, Known)>> {
        let kept = |door: &Door| {
            let known = door.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            known.filter(|known| known.at.elapsed() < FRESH)
        };
        let door = self.doors.locked().get(id).cloned();
        if let Some(door) = door
            && let Some(known) = kept(&door)
        {
            return Ok(Some((door, known)));
        }
        // Only what is there gets a door: made-up ids leave nothing behind.
        let Some(session) = self.find(id).await? else { return Ok(None) };
        let may = self.accounts.editor(&session.user_id).await?.is_some();
        let known = Known { session: Arc::new(session), may, at: Instant::now() };
        let door = self.doors.of(id);
        *door.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(Some((door, known)))
    }

    /// What the cookie of an editor says.
    fn pass_of(&self, session: &CodeSession) -> String {
        let (user, end) = (&session.user_id, session.expires_at.timestamp());
        let signature = self.secrets.sign(&statement(&session.id, user, end));
        format!("{user}.{end}.{signature}")
    }

    fn is_pass(&self, session: &CodeSession, pass: &str) -> bool {
        let mut parts = pass.splitn(3, '.');
        let (Some(user), Some(end), Some(signature)) = (parts.next(), parts.next(), parts.next()) else { return false };
        let Ok(end) = end.parse::<i64>() else { return false };
        user == session.user_id.as_str()
            && end > self.clock.now().timestamp()
            && self.secrets.is_signed(&statement(&session.id, &session.user_id, end), signature)
    }
}

fn statement(id: &CodeSessionId, user: &UserId, end: i64) -> String {
    format!("editor {id} {user} {end}")
}
