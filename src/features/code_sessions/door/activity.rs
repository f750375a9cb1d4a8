//! Whether somebody is at work in an editor, or has only left it open.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// What comes through an open page's sockets by itself in a minute stays below this, in bytes; what anybody does exceeds
/// it.
const NOISE: usize = 4096;
/// What a socket says at first is the page's, which also connects anew by itself.
const GREETING: TimeDelta = TimeDelta::seconds(15);
/// How exact the session's row is.
const PRECISION: TimeDelta = TimeDelta::seconds(30);

/// Of one session.
#[derive(Debug, Default)]
pub(super) struct Activity(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The present minute, and what came in it.
    minute: i64,
    bytes: usize,
    last: Option<DateTime<Utc>>,
    noted: Option<DateTime<Utc>>,
}

impl Activity {
    /// The user did something.
    pub(super) fn happened(&self, now: DateTime<Utc>) {
        let mut seen = self.seen();
        seen.last = seen.last.max(Some(now));
    }

    /// So many bytes came through a socket that is open since `opened`.
    pub(super) fn came(&self, bytes: usize, opened: DateTime<Utc>, now: DateTime<Utc>) {
        if now - opened < GREETING {
            return;
        }
        let mut seen = self.seen();
        let minute = now.timestamp() / 60;
        if seen.minute != minute {
            (seen.minute, seen.bytes) = (minute, 0);
        }
        seen.bytes += bytes;
        if seen.bytes > NOISE {
            seen.last = seen.last.max(Some(now));
        }
    }

    /// What is to be noted in the row now.
    pub(super) fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seen = self.seen();
        let is_old = seen.noted.is_none_or(|noted| now - noted >= PRECISION);
        seen.last.filter(|last| is_old && seen.noted.is_none_or(|noted| *last > noted))
    }

    pub(super) fn noted(&self, at: DateTime<Utc>) {
        self.seen().noted = Some(at);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
