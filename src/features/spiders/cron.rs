//! When a cron expression fires: five fields, or six with seconds in front; names, `L W #`, `@hourly` and the like.
//!
//! A day on which the clock falls back, a fixed hour fires once; one that the clock jumps over fires at the end of
//! the gap.

mod habits;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

use crate::{
    error::{Error, Result},
    text,
};

/// A cron expression in its time zone.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: croner::Cron,
    zone: Tz,
}

impl Timetable {
    /// `timezone` is an IANA name. What is wrong is said of `body.cron_expr` or `body.timezone`.
    pub fn parse(expr: &str, timezone: &str) -> Result<Self> {
        Ok(Self { zone: parse_zone(timezone)?, cron: parse_expr(expr)? })
    }

    /// The first planned time after `after`; none where it never fires again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = after.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&start, false).ok().map(|next| next.with_timezone(&Utc))
    }

    /// The last planned time before `before`; none where there was none.
    pub fn last_before(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = before.with_timezone(&self.zone);
        self.cron.find_previous_occurrence(&start, false).ok().map(|last| last.with_timezone(&Utc))
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
