use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Result},
    id::{ScheduleId, SpiderId},
    platform::disk::Room,
    text,
};

/// How things stand now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stats {
    pub spiders: SpiderCounts,
    pub tasks_24h: TaskCounts,
    pub proxies: ProxyCounts,
    pub unread_alerts: i64,
    /// Editors that are open, or on their way.
    pub code_sessions: i64,
    pub nodes: NodeCounts,
    /// The disk of the data directory.
    pub disk: Room,
    /// The next that fire, the soonest first.
    pub next_fires: Vec<NextFire>,
}

#[derive(Debug, FromRow, Serialize, ToSchema)]
pub(super) struct SpiderCounts {
    pub total: i64,
    pub active: i64,
}

/// Of the last 24 hours by their ends, without test runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskCounts {
    /// Those that ended, and those that wait or run now.
    pub total: i64,
    pub completed: i64,
    pub failed: i64,
    pub cancelled: i64,
    /// Now.
    pub running: i64,
    /// Now.
    pub pending: i64,
    /// Of those that completed or failed, in percent with one decimal; 0 where there is none.
    pub success_rate: f64,
    /// Items that were stored.
    pub items: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProxyCounts {
    pub total: i64,
    pub active: i64,
    pub inactive: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeCounts {
    pub total: usize,
    /// Those that drain do not count.
    pub online: usize,
    pub offline: usize,
}

#[derive(Debug, FromRow, Serialize, ToSchema)]
pub(super) struct NextFire {
    #[schema(value_type = String)]
    pub schedule_id: ScheduleId,
    #[schema(value_type = String)]
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub name: String,
    pub timezone: String,
    pub at: DateTime<Utc>,
}

/// Tasks that ended on a day, without test runs.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Day {
    pub date: NaiveDate,
    /// Also those that were cancelled.
    pub total: i64,
    pub completed: i64,
    pub failed: i64,
    /// Items that were stored.
    pub items: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TrendsFilter {
    /// 1 to 30, today among them.
    #[serde(default = "a_week")]
    #[param(default = 7, minimum = 1, maximum = 30)]
    days: i64,
    /// Whose days: an IANA name.
    #[serde(default = "utc")]
    #[param(default = "UTC")]
    timezone: String,
}

fn a_week() -> i64 {
    7
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TrendsFilter {
    /// The days up to `now`, the oldest first: each with its beginning and its end.
    pub(super) fn days(&self, now: DateTime<Utc>) -> Result<Vec<(NaiveDate, Range<DateTime<Utc>>)>> {
        let zone: Option<Tz> = self.timezone.parse().ok();
        let mut checks = Checks::default();
        checks.require((1..=30).contains(&self.days), "query.days", "value_error", || {
            text!("须在 1 到 30 之间", "must be between 1 and 30")
        });
        checks.require(zone.is_some(), "query.timezone", "value_error", || {
            text!("不是 IANA 时区名，如 Asia/Shanghai", "is no IANA name, as Asia/Shanghai")
        });
        checks.finish()?;
        let zone = zone.unwrap_or_default();
        let today = now.with_timezone(&zone).date_naive();
        let dates = (0..self.days.unsigned_abs()).rev().filter_map(|back| today.checked_sub_days(Days::new(back)));
        Ok(dates.filter_map(|date| Some((date, begin_of(date, zone)?..begin_of(date.succ_opt()?, zone)?))).collect())
    }
}

/// Midnight, or where the clock jumps over it, the first moment of the day.
fn begin_of(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let quarters = (0..12).filter_map(|quarter| date.and_hms_opt(quarter / 4, quarter % 4 * 15, 0));
    let mut moments = quarters.filter_map(|local| zone.from_local_datetime(&local).earliest());
    moments.next().map(|moment| moment.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: i64, timezone: &str, now: &str) -> Vec<(String, String)> {
        let filter = TrendsFilter { days, timezone: timezone.to_owned() };
        let days = filter.days(now.parse().unwrap()).unwrap();
        days.iter().map(|(date, day)| (date.to_string(), day.start.to_rfc3339())).collect()
    }

    #[test]
    fn days_begin_where_the_clock_there_says() {
        assert_eq!(
            days(2, "Asia/Shanghai", "2026-03-01T17:00:00Z"),
            [
                ("2026-03-01".to_owned(), "2026-02-28T16:00:00+00:00".to_owned()),
                ("2026-03-02".to_owned(), "2026-03-01T16:00:00+00:00".to_owned()),
            ]
        );
        // The clock there jumped from midnight to one.
        assert_eq!(days(1, "America/Asuncion", "2024-10-06T12:00:00Z")[0].1, "2024-10-06T04:00:00+00:00");
    }
}
