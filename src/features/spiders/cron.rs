//! When a cron expression fires: five fields, or six with seconds in front; names, `L W #`, `@hourly` and the like.
//!
//! Where neither the minute nor the hour holds a `*`, the expression names times of the day. On a day on which the clock
//! falls back they fire in the first of the two hours only; those that the clock jumps over fire at the end of the gap,
//! once for all of them. Any other expression is an interval: it goes on through both hours, and leaves the gap out.

mod habits;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

use crate::{
    error::{Error, Result},
    text,
};

const A_DAY: TimeDelta = TimeDelta::days(1);

/// A cron expression in its time zone.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: croner::Cron,
    zone: Tz,
    names_times: bool,
}

impl Timetable {
    /// `timezone` is an IANA name. What is wrong is said of `body.cron_expr` or `body.timezone`.
    pub fn parse(expr: &str, timezone: &str) -> Result<Self> {
        let (zone, cron) = (parse_zone(timezone)?, parse_expr(expr)?);
        let names_times = names_times(cron.as_str());
        Ok(Self { cron, zone, names_times })
    }

    /// The first planned time after `after`; none where it never fires again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = after.with_timezone(&self.zone);
        if !self.names_times {
            return self.cron.find_next_occurrence(&start, false).ok().map(|next| next.with_timezone(&Utc));
        }
        // What the clocks there showed up to then, they showed first at `after` or before.
        let mut local = start.naive_local();
        loop {
            local = self.cron.find_next_occurrence(&local.and_utc(), false).ok()?.naive_utc();
            let next = self.first_shown(local);
            if next > after {
                return Some(next);
            }
        }
    }

    /// The last planned time before `before`; none where there was none.
    pub fn last_before(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = before.with_timezone(&self.zone);
        if !self.names_times {
            return self.cron.find_previous_occurrence(&start, false).ok().map(|last| last.with_timezone(&Utc));
        }
        let mut local = start.naive_local();
        if let MappedLocalTime::Ambiguous(first, second) = self.zone.from_local_datetime(&local)
            && second == start
        {
            // All that they show twice, they have shown once.
            local += second.signed_duration_since(first);
        }
        loop {
            local = self.cron.find_previous_occurrence(&local.and_utc(), false).ok()?.naive_utc();
            let last = self.first_shown(local);
            if last < before {
                return Some(last);
            }
        }
    }

    /// When the clocks of the zone first showed `local`, or more, where they jumped over it.
    fn first_shown(&self, local: NaiveDateTime) -> DateTime<Utc> {
        if let Some(shown) = self.zone.from_local_datetime(&local).earliest() {
            return shown.with_timezone(&Utc);
        }
        // No zone is a day from UTC.
        let (mut before, mut after) = (local.and_utc() - A_DAY, local.and_utc() + A_DAY);
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if middle.with_timezone(&self.zone).naive_local() < local {
                before = middle;
            } else {
                after = middle;
            }
        }
        after
    }

    /// Whether `at` is a planned time. They are whole seconds.
    pub fn plans(&self, at: DateTime<Utc>) -> bool {
        at == at.trunc_subsecs(0) && self.next_after(at - TimeDelta::seconds(1)) == Some(at)
    }

    /// The next `count` planned times after `after`, or as many as there are.
    pub fn upcoming(&self, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last)).take(count).collect()
    }
}

/// See [`Timetable::next_after`].
pub fn next_after(expr: &str, timezone: &str, after: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    Ok(Timetable::parse(expr, timezone)?.next_after(after))
}

/// What may be saved: an expression that parses, in a zone that exists, and that fires at least once more.
pub fn check(expr: &str, timezone: &str, now: DateTime<Utc>) -> Result<()> {
    if expr.is_empty() {
        return parse_zone(timezone).map(drop);
    }
    if next_after(expr, timezone, now)?.is_none() {
        return Err(refused(text!("表达式 {expr} 永远不会触发", "{expr} never fires: no date matches it")));
    }
    Ok(())
}

fn parse_zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        Error::invalid(
            "body.timezone",
            "value_error",
            text!(
                "未知时区 {name}，应为 IANA 名称，例如 Asia/Shanghai",
                "{name} is no time zone; use an IANA name like Asia/Shanghai"
            ),
        )
    })
}

fn parse_expr(expr: &str) -> Result<croner::Cron> {
    let wanted = expr.trim();
    // Vixie cron's name for @daily, which croner does not know.
    let known = if wanted.eq_ignore_ascii_case("@midnight") { "@daily" } else { wanted };
    if !known.starts_with('@') && !(5..=6).contains(&known.split_whitespace().count()) {
        return Err(refused(text!(
            "须为 5 个字段（分 时 日 月 周），或以秒开头的 6 个字段",
            "needs five fields (minute hour day month weekday), or six with seconds first"
        )));
    }
    let known = if known.starts_with('@') { known.to_owned() } else { habits::rewritten(known) };
    CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build()
        .parse(&known)
        .map_err(|error| refused(text!("不是有效的 cron 表达式：{error}", "not a cron expression: {error}")))
}

/// Whether neither the minute nor the hour holds a `*`, of an expression that parses.
fn names_times(expr: &str) -> bool {
    match expr.to_ascii_lowercase().as_str() {
        "@hourly" => false,
        name if name.starts_with('@') => true,
        expr => !expr.split_whitespace().rev().skip(3).take(2).any(|field| field.contains(['*', '?'])),
    }
}

fn refused(text: crate::error::Text) -> Error {
    Error::invalid("body.cron_expr", "value_error", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(expr: &str, zone: &str, after: &str) -> String {
        next_after(expr, zone, at(after)).unwrap().unwrap().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }

    #[test]
    fn five_fields_six_fields_and_names() {
        for (expr, zone, wanted) in [
            ("*/5 * * * *", "UTC", "2026-03-01T10:05:00Z"),
            ("30 * * * * *", "UTC", "2026-03-01T10:02:30Z"),
            ("0 8 * * *", "Asia/Shanghai", "2026-03-02T00:00:00Z"),
            ("0 0 L * *", "UTC", "2026-03-31T00:00:00Z"),
            ("0 0 15W * *", "UTC", "2026-03-16T00:00:00Z"),
            ("0 0 * * FRI#2", "UTC", "2026-03-13T00:00:00Z"),
            ("0 9 * JAN-MAR MON", "UTC", "2026-03-02T09:00:00Z"),
            ("@hourly", "UTC", "2026-03-01T11:00:00Z"),
            ("@Midnight", "UTC", "2026-03-02T00:00:00Z"),
            ("  0 12 * * *  ", "UTC", "2026-03-01T12:00:00Z"),
            ("0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z"),
            ("0 22-4 * * *", "UTC", "2026-03-01T22:00:00Z"),
            ("0 0 * * FRI-MON", "UTC", "2026-03-02T00:00:00Z"),
            ("0 0 * * L5", "UTC", "2026-03-27T00:00:00Z"),
        ] {
            assert_eq!(next(expr, zone, "2026-03-01T10:02:00.5Z"), wanted, "{expr}");
        }
    }

    #[test]
    fn next_is_later_and_a_whole_second() {
        assert_eq!(next("* * * * * *", "UTC", "2026-03-01T10:02:00.5Z"), "2026-03-01T10:02:01Z");
        assert_eq!(next("* * * * * *", "UTC", "2026-03-01T10:02:01Z"), "2026-03-01T10:02:02Z");
        let hours = Timetable::parse("@hourly", "UTC").unwrap().upcoming(at("2026-03-01T22:30:00Z"), 3);
        assert_eq!(hours, [at("2026-03-01T23:00:00Z"), at("2026-03-02T00:00:00Z"), at("2026-03-02T01:00:00Z")]);
    }

    #[test]
    fn a_fixed_hour_fires_once_when_the_clock_changes() {
        // Berlin, 29 March 2026: 02:00 becomes 03:00 (01:00 UTC).
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T00:30:00Z");
        // 25 October 2026: 03:00 becomes 02:00 again (01:00 UTC); 02:30 comes twice, the spider once.
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
        // An interval goes on through both.
        assert_eq!(next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-25T01:00:00Z");
    }

    /// All planned times from `from` to `to`.
    fn all(expr: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        let times = Timetable::parse(expr, zone).unwrap().upcoming(at(from) - TimeDelta::seconds(1), 1000);
        let times = times.into_iter().take_while(|time| *time <= at(to));
        times.map(|time| time.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn several_fixed_times_fire_once_each_when_the_clock_falls_back() {
        let (berlin, york) = ("Europe/Berlin", "America/New_York");
        for (expr, zone, from, to, wanted) in [
            // 25 October 2026: 03:00 becomes 02:00 again (01:00 UTC).
            (
                "0 2,14 * * *",
                berlin,
                "2026-10-25T00:00:00Z",
                "2026-10-26T12:00:00Z",
                &["25 00:00", "25 13:00", "26 01:00"][..],
            ),
            ("0,30 2 * * *", berlin, "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z", &["25 00:00", "25 00:30"]),
            (
                "30 1-3 * * *",
                berlin,
                "2026-10-24T23:00:00Z",
                "2026-10-25T12:00:00Z",
                &["24 23:30", "25 00:30", "25 02:30"],
            ),
            (
                "*/30 2 * * *",
                berlin,
                "2026-10-25T00:00:00Z",
                "2026-10-25T12:00:00Z",
                &["25 00:00", "25 00:30", "25 01:00", "25 01:30"],
            ),
            (
                "0 */2 * * *",
                berlin,
                "2026-10-24T22:00:00Z",
                "2026-10-25T04:00:00Z",
                &["24 22:00", "25 00:00", "25 01:00", "25 03:00"],
            ),
            // 1 November 2026: 02:00 becomes 01:00 again (06:00 UTC).
            ("15 1,2 * * *", york, "2026-11-01T04:00:00Z", "2026-11-01T12:00:00Z", &["01 05:15", "01 07:15"]),
            // 5 April 2026: 02:00 becomes 01:30 again (15:00 UTC).
            (
                "15,45 1,2 * * *",
                "Australia/Lord_Howe",
                "2026-04-04T14:00:00Z",
                "2026-04-05T00:00:00Z",
                &["04 14:15", "04 14:45", "04 15:45", "04 16:15"],
            ),
            // 25 October 2026: 00:00 becomes 23:00 of Saturday again (01:00 UTC).
            ("30 23 * * SAT", "America/Nuuk", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", &["25 00:30"]),
        ] {
            assert_eq!(all(expr, zone, from, to), wanted, "{expr} {zone}");
        }
    }

    #[test]
    fn several_fixed_times_in_a_gap_fire_at_its_end() {
        let (berlin, york) = ("Europe/Berlin", "America/New_York");
        for (expr, zone, from, to, wanted) in [
            // 29 March 2026: 02:00 becomes 03:00 (01:00 UTC).
            (
                "0 2,14 * * *",
                berlin,
                "2026-03-29T00:00:00Z",
                "2026-03-30T11:00:00Z",
                &["29 01:00", "29 12:00", "30 00:00"][..],
            ),
            ("0,30 2 * * *", berlin, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", &["29 01:00"]),
            ("0 2,3 * * *", berlin, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", &["29 01:00"]),
            (
                "30 1-3 * * *",
                berlin,
                "2026-03-29T00:00:00Z",
                "2026-03-29T12:00:00Z",
                &["29 00:30", "29 01:00", "29 01:30"],
            ),
            ("*/30 2 * * *", berlin, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", &[]),
            // 8 March 2026: 02:00 becomes 03:00 (07:00 UTC).
            ("15 1,2 * * *", york, "2026-03-08T04:00:00Z", "2026-03-08T12:00:00Z", &["08 06:15", "08 07:00"]),
            // 4 October 2026: 02:00 becomes 02:30 (15:30 UTC of the day before).
            (
                "0,15,45 2 * * *",
                "Australia/Lord_Howe",
                "2026-10-03T14:00:00Z",
                "2026-10-04T00:00:00Z",
                &["03 15:30", "03 15:45"],
            ),
            // 28 March 2026, a Saturday: 23:00 becomes 00:00 of Sunday (01:00 UTC).
            ("30 23 * * SAT", "America/Nuuk", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", &["29 01:00"]),
            ("30 23 * * SAT", "America/Godthab", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", &["29 01:00"]),
            ("30 23 28 3 *", "America/Nuuk", "2026-03-01T12:00:00Z", "2026-12-31T12:00:00Z", &["29 01:00"]),
            // There was no 30 December 2011.
            (
                "0 12 * * *",
                "Pacific/Apia",
                "2011-12-29T12:00:00Z",
                "2012-01-01T00:00:00Z",
                &["29 22:00", "30 10:00", "30 22:00", "31 22:00"],
            ),
        ] {
            assert_eq!(all(expr, zone, from, to), wanted, "{expr} {zone}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

        /// Wherever a search begins, it finds the first planned time on that side, and both sides agree.
        #[test]
        fn planned_times_are_in_order_and_the_same_from_everywhere(
            minute in proptest::sample::select(vec!["0", "0,30", "15-20", "59", "*/17", "*", "0-59/13"]),
            hour in proptest::sample::select(vec!["0", "1,2", "2", "1-3", "0,23", "*", "*/2", "2,14"]),
            days in proptest::sample::select(vec!["* * *", "* * SAT,SUN", "L * *", "29 * *"]),
            zone in proptest::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Nuuk", "America/Sao_Paulo",
                "Africa/Casablanca", "Asia/Shanghai",
            ]),
            // Around the changes of 2026, in seconds.
            change in proptest::sample::select(vec![
                "2026-03-08T07:00:00Z", "2026-03-29T01:00:00Z", "2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z",
                "2026-10-25T01:00:00Z", "2026-11-01T06:00:00Z", "2018-11-04T03:00:00Z", "2026-03-22T02:00:00Z",
            ]),
            from in -200_000_i64..100_000,
            inside in 0.0..1.0_f64,
        ) {
            let table = Timetable::parse(&format!("{minute} {hour} {days}"), zone).unwrap();
            let mut last = at(change) + TimeDelta::seconds(from);
            for _ in 0..30 {
                let next = table.next_after(last).unwrap();
                proptest::prop_assert!(next > last, "{next} after {last}");
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some seconds")]
                let between = last + TimeDelta::seconds(((next - last).num_seconds() as f64 * inside) as i64);
                proptest::prop_assert_eq!(table.next_after(between), Some(next), "from {}", between);
                proptest::prop_assert!(table.plans(next));
                if last != at(change) + TimeDelta::seconds(from) {
                    proptest::prop_assert_eq!(table.last_before(next), Some(last), "before {}", next);
                }
                last = next;
            }
        }
    }

    /// Where a search begins decides nothing about what it finds.
    #[test]
    fn every_beginning_finds_the_same_times() {
        for (expr, zone, day) in [
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z"),
            ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z"),
            ("*/20 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z"),
            ("15 1,2 * * *", "America/New_York", "2026-11-01T04:00:00Z"),
            ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z"),
            ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z"),
        ] {
            let table = Timetable::parse(expr, zone).unwrap();
            let (start, end) = (at(day), at(day) + TimeDelta::hours(5));
            let whole: Vec<_> = table.upcoming(start, 100).into_iter().take_while(|time| *time <= end).collect();
            for minute in 0..300 {
                let from = start + TimeDelta::minutes(minute);
                let found: Vec<_> = table.upcoming(from, 100).into_iter().take_while(|time| *time <= end).collect();
                let wanted: Vec<_> = whole.iter().copied().filter(|time| *time > from).collect();
                assert_eq!(found, wanted, "{expr} {zone} from {from}");
                assert_eq!(table.plans(from) && from > start, whole.contains(&from), "{expr} {zone} at {from}");
            }
        }
    }

    #[test]
    fn what_cannot_be_saved() {
        let now = at("2026-03-01T10:02:00Z");
        for expr in
            ["* * * *", "61 * * * *", "0 0 30 2 *", "0 0 1 1 * * 2031", "@sometimes", "a b c d e", "0 0 31 2,4,6 *"]
        {
            let error = check(expr, "UTC", now).unwrap_err().to_string();
            assert!(error.contains("body.cron_expr"), "{expr}: {error}");
        }
        for zone in ["", "Mars/Olympus", "UTC+8", "北京"] {
            assert!(check("", zone, now).unwrap_err().to_string().contains("body.timezone"), "{zone}");
        }
        check("", "Asia/Shanghai", now).unwrap();
        check("0 0 29 2 *", "America/New_York", now).unwrap();
    }
}
