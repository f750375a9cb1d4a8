//! Whether somebody is at work in an editor, or has only left it open.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// What comes through a socket in a minute, in bytes, when nobody is at work; more comes from somebody who is. Measured
/// with code-server 4.139 in Chromium: an open page that nobody touches sends 177 to 220 through each of its two sockets
/// (some 600 more where the container talks all the time, for acknowledging it). Both together: a key every ten seconds
/// 3,900, the cursor moved every five seconds 2,100, a terminal that prints 13,000, as a program is at work there.
/// Reading and scrolling send nothing.
const NOISE: usize = 1024;
/// What a socket says at first is the page's, which also connects anew by itself.
const GREETING: TimeDelta = TimeDelta::seconds(15);
/// How exact the session's row is.
const PRECISION: TimeDelta = TimeDelta::seconds(30);

/// Of one room.
#[derive(Debug, Default)]
pub(super) struct Activity(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    last: Option<DateTime<Utc>>,
    noted: Option<DateTime<Utc>>,
}

/// What comes through one socket from the browser.
#[derive(Debug)]
pub(super) struct Pulse {
    opened: DateTime<Utc>,
    /// The present minute, and how many bytes came in it.
    minute: Mutex<(i64, usize)>,
}

impl Pulse {
    pub(super) fn new(opened: DateTime<Utc>) -> Self {
        Self { opened, minute: Mutex::default() }
    }

    /// Takes in that so many bytes came; whether that is somebody at work.
    pub(super) fn came(&self, bytes: usize, now: DateTime<Utc>) -> bool {
        if now - self.opened < GREETING {
            return false;
        }
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let this = now.timestamp() / 60;
        if minute.0 != this {
            *minute = (this, 0);
        }
        minute.1 += bytes;
        minute.1 > NOISE
    }
}

impl Activity {
    /// The user did something.
    pub(super) fn happened(&self, now: DateTime<Utc>) {
        let mut seen = self.seen();
        seen.last = seen.last.max(Some(now));
    }

    /// What is to be noted in its row now.
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
