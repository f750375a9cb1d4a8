//! The present time. Nothing else asks the machine for it, so that tests can hold it still.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use chrono::{DateTime, Duration, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// Cut to microseconds: PostgreSQL keeps no more, and what is read back must equal what was written.
    fn now(&self) -> DateTime<Utc>;

    /// Of a clock that is moved by hand: changes when it is. Whoever waits for a time must look again then.
    fn moves(&self) -> Option<watch::Receiver<DateTime<Utc>>> {
        None
    }
}

pub type SharedClock = Arc<dyn Clock>;

#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// The clock of a machine elsewhere, that several servers agree on: as it was last heard of, and going on by itself in
/// between. What is done to this machine's clock does not touch it.
#[derive(Debug, Default)]
pub struct SyncedClock(Mutex<Option<(DateTime<Utc>, Instant)>>);

impl SyncedClock {
    /// It was `there` at that moment.
    pub fn set(&self, there: DateTime<Utc>, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((there, at));
    }
}

impl Clock for SyncedClock {
    fn now(&self) -> DateTime<Utc> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((there, at)) = heard else { return SystemClock.now() };
        (there + TimeDelta::from_std(at.elapsed()).unwrap_or_default()).trunc_subsecs(6)
    }
}

/// Stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<DateTime<Utc>>);

impl ManualClock {
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(watch::Sender::new(start.trunc_subsecs(6)))
    }

    /// Backward where `by` is negative.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }

    pub fn set(&self, to: DateTime<Utc>) {
        self.0.send_replace(to.trunc_subsecs(6));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    fn moves(&self) -> Option<watch::Receiver<DateTime<Utc>>> {
        Some(self.0.subscribe())
    }
}
