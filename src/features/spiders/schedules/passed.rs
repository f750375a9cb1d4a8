//! Planned times that have passed without being judged: after downtime, a pause, or a clock that was set forward.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::super::cron::Timetable;

/// So many get a row each; what is still earlier is counted.
const LISTED: usize = 1000;
/// Steps of the timetable in one go: a schedule of each second has 2.6 million of them in a month, and a lock may be
/// held meanwhile.
const STEPS: usize = 3 * LISTED;

/// What a timetable planned from a time up to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The newest, in order of time.
    pub listed: VecDeque<DateTime<Utc>>,
    /// How many there are before those.
    pub earlier: Earlier,
    /// The first planned time after now.
    pub next: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    Exactly(usize),
    MoreThan(usize),
}

impl Passed {
    /// What was planned from `first` on, which counts as planned itself, up to `now`.
    pub fn between(table: &Timetable, first: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        match walk(table, Some(first), now) {
            Walk::Whole(passed) => passed,
            Walk::TooLong { reached } => newest(table, reached, now),
        }
    }

    /// None but what comes.
    pub fn nothing(next: Option<DateTime<Utc>>) -> Self {
        Self { listed: VecDeque::new(), earlier: Earlier::Exactly(0), next }
    }
}

enum Walk {
    Whole(Passed),
    TooLong { reached: DateTime<Utc> },
}

fn walk(table: &Timetable, first: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Walk {
    let (mut listed, mut earlier) = (VecDeque::new(), 0);
    let mut at = first;
    while let Some(time) = at.filter(|time| *time <= now) {
        if listed.len() + earlier == STEPS {
            return Walk::TooLong { reached: time };
        }
        if listed.len() == LISTED {
            listed.pop_front();
            earlier += 1;
        }
        listed.push_back(time);
        at = table.next_after(time);
    }
    Walk::Whole(Passed { listed, earlier: Earlier::Exactly(earlier), next: at })
}

/// The newest of what lies between `reached` and `now`: halves the time between them until it holds neither too few
/// nor too many. At most one planned time a second, so there is such a part.
fn newest(table: &Timetable, reached: DateTime<Utc>, now: DateTime<Utc>) -> Passed {
    let (mut too_early, mut too_late) = (reached, now);
    loop {
        let middle = too_early + (too_late - too_early) / 2;
        match walk(table, table.next_after(middle), now) {
            Walk::Whole(passed) if passed.listed.len() == LISTED => {
                return Passed { earlier: Earlier::MoreThan(STEPS - LISTED), ..passed };
            }
            Walk::Whole(passed) => {
                if middle <= too_early {
                    return passed;
                }
                too_late = middle;
            }
            Walk::TooLong { .. } => too_early = middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn table(expr: &str) -> Timetable {
        Timetable::parse(expr, "Europe/Berlin").unwrap()
    }

    #[test]
    fn a_few_are_listed() {
        let (first, now) = (at("2026-03-01T10:00:00Z"), at("2026-03-01T12:30:00Z"));
        let passed = Passed::between(&table("@hourly"), first, now);
        assert_eq!(passed.listed, [first, at("2026-03-01T11:00:00Z"), at("2026-03-01T12:00:00Z")]);
        assert_eq!((passed.earlier, passed.next), (Earlier::Exactly(0), Some(at("2026-03-01T13:00:00Z"))));
        assert_eq!(Passed::between(&table("@hourly"), now + TimeDelta::minutes(30), now).listed.len(), 0);
    }

    #[test]
    fn of_some_more_the_rest_is_counted() {
        let (first, now) = (at("2026-03-01T10:00:00Z"), at("2026-03-02T10:00:00Z"));
        let passed = Passed::between(&table("* * * * *"), first, now);
        assert_eq!((passed.listed.len(), passed.earlier), (1000, Earlier::Exactly(441)));
        assert_eq!(passed.listed.back(), Some(&now));
    }

    /// The same newest ones as a walk over all of them would find.
    #[test]
    fn of_very_many_the_newest() {
        for (expr, first, now) in [
            ("* * * * *", "2026-03-27T00:00:00Z", "2026-04-02T10:00:00Z"),
            ("* * 1-4 1 *", "2025-12-01T00:00:00Z", "2026-07-02T10:00:00Z"),
            ("*/7 1-3 * * *", "2026-03-01T00:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            let (table, first, now) = (table(expr), at(first), at(now));
            let first = table.next_after(first).unwrap();
            let passed = Passed::between(&table, first, now);
            let all = std::iter::successors(Some(first), |last| table.next_after(*last));
            let all: Vec<_> = all.take_while(|time| *time <= now).collect();
            assert_eq!(passed.listed, all[all.len() - LISTED..].to_vec(), "{expr}");
            assert_eq!(passed.earlier, Earlier::MoreThan(2000), "{expr}");
            assert!(passed.next.unwrap() > now, "{expr}");
        }
    }

    /// Of three hundred million.
    #[test]
    fn ten_years_of_seconds_are_not_walked() {
        let passed = Passed::between(&table("* * * * * *"), at("2016-01-01T00:00:00Z"), at("2026-04-02T10:00:00Z"));
        assert_eq!(passed.listed.len(), LISTED);
        assert_eq!(passed.listed.front(), Some(&at("2026-04-02T09:43:21Z")));
        assert_eq!(passed.next, Some(at("2026-04-02T10:00:01Z")));
    }
}
