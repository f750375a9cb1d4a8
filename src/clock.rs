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
pub struct SyncedClock(Mutex<Heard>);

#[derive(Debug, Default, Clone, Copy)]
struct Heard {
    last: Option<(DateTime<Utc>, Instant)>,
    /// When it was found to have been set.
    jumped: Option<Instant>,
}

/// What a clock may be off by without having been set.
const DRIFT: TimeDelta = TimeDelta::seconds(2);

impl SyncedClock {
    /// It was `there` at that moment.
    pub fn set(&self, there: DateTime<Utc>, at: Instant) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = heard.last.map(|(then, when)| then + passed(when, at));
        if expected.is_some_and(|expected| (there - expected).abs() > DRIFT) {
            tracing::warn!("the database's clock was set: it is {there}");
            heard.jumped = Some(Instant::now());
        }
        heard.last = Some((there, at));
    }

    /// Whether it has gone on evenly for so long, as far as is known.
    pub fn is_steady_for(&self, time: std::time::Duration) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.jumped.is_none_or(|jumped| jumped.elapsed() > time)
    }
}

impl Clock for SyncedClock {
    fn now(&self) -> DateTime<Utc> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((there, at)) = heard.last else { return SystemClock.now() };
        (there + passed(at, Instant::now())).trunc_subsecs(6)
    }
}

fn passed(from: Instant, to: Instant) -> TimeDelta {
    TimeDelta::from_std(to.saturating_duration_since(from)).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use std::time::Duration as Time;

    use super::*;

    #[test]
    fn a_clock_that_was_set_is_not_steady() {
        let (clock, start) = (SyncedClock::default(), Instant::now());
        let there: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().unwrap();
        clock.set(there, start);
        assert!((clock.now() - there).num_seconds() < 60);
        clock.set(there + TimeDelta::milliseconds(10_900), start + Time::from_secs(10));
        assert!(clock.is_steady_for(Time::from_secs(38)), "clocks drift");
        for set in [TimeDelta::seconds(60), TimeDelta::hours(-1)] {
            let clock = SyncedClock::default();
            clock.set(there, start);
            clock.set(there + set, start + Time::from_secs(1));
            assert!(!clock.is_steady_for(Time::from_secs(38)), "{set}");
            assert!(clock.is_steady_for(Time::ZERO), "it was some time ago");
        }
    }
}
