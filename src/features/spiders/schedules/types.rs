use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::{Misfire, Overlap, cron::Timetable},
    passed::Passed,
};
use crate::{
    error::Result,
    id::{DeploymentId, ScheduleId, SpiderId, TaskId},
    platform::database::word_enum,
};

/// When a spider is to run by itself.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Schedule {
    pub id: ScheduleId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub name: String,
    /// Whether it is the spider's own `cron_expr`; it has the spider's id then.
    pub is_own: bool,
    #[schema(example = "0 8 * * MON-FRI")]
    pub cron_expr: String,
    #[schema(example = "Asia/Shanghai")]
    pub timezone: String,
    /// Beside the spider's own parameters, and before them where both name one.
    #[sqlx(json)]
    pub params: Map<String, Value>,
    /// Of its tasks: the higher, the sooner.
    pub priority: i64,
    pub is_active: bool,
    /// Null: as the spider is set. That of the own one is the spider's.
    pub misfire: Option<Misfire>,
    pub overlap: Option<Overlap>,
    /// The version of the spider that it runs; null: the active one.
    pub deployment_id: Option<DeploymentId>,
    /// Null while it, or its spider, is paused.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The last planned time at which it started a task.
    pub last_run_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(super) active_since: DateTime<Utc>,
    #[serde(skip)]
    pub(super) spider_is_active: bool,
}

impl Schedule {
    pub(super) fn timetable(&self) -> Result<Timetable> {
        Timetable::parse(&self.cron_expr, &self.timezone)
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_active && self.spider_is_active
    }

    /// The planned times after `now` to come; none while it is paused. Those that are judged do not come again, also
    /// where the clock was set back.
    pub(super) fn upcoming(&self, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let Some(unjudged) = self.next_run_at.filter(|_| self.is_live()) else { return Vec::new() };
        // A saved expression that no longer parses counts as none.
        let Ok(table) = self.timetable() else { return Vec::new() };
        let first = if unjudged > now { Some(unjudged) } else { table.next_after(now) };
        std::iter::successors(first, |last| table.next_after(*last)).take(count).collect()
    }

    /// As it is answered: its row has the first time that is not judged, which may just have passed.
    pub(super) fn shown(mut self, now: DateTime<Utc>) -> Self {
        self.next_run_at = self.upcoming(now, 1).pop();
        self
    }

    /// The planned times up to `now` that nobody has judged.
    pub(super) fn unjudged(&self, now: DateTime<Utc>) -> Passed {
        match (self.next_run_at, self.timetable()) {
            (Some(first), Ok(table)) => Passed::between(&table, first, now),
            _ => Passed::nothing(None),
        }
    }
}

/// What a caller may set. A field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ScheduleChange {
    /// Needed when it is made; stays.
    #[schema(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    /// 1 to 255 characters; the expression when it is made without one.
    #[serde(deserialize_with = "sent")]
    pub name: Option<String>,
    /// Five fields, or six with seconds; needed when it is made. Of a spider's own schedule: also the spider's.
    #[serde(deserialize_with = "sent")]
    pub cron_expr: Option<String>,
    /// An IANA name; the spider's when it is made without one.
    #[serde(deserialize_with = "sent")]
    pub timezone: Option<String>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub params: Option<Map<String, Value>>,
    /// -100 to 100.
    #[serde(deserialize_with = "sent")]
    pub priority: Option<i64>,
    #[serde(deserialize_with = "sent")]
    pub is_active: Option<bool>,
    /// Null: as the spider is set. Of a spider's own schedule: the spider's, which null leaves as it is.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Misfire>)]
    pub misfire: Option<Option<Misfire>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Overlap>)]
    pub overlap: Option<Option<Overlap>>,
    /// One of the spider's versions; null: the active one.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub deployment_id: Option<Option<DeploymentId>>,
}

/// Only called for a field that is there: null is a value of `T`, or an error.
fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScheduleFilter {
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    pub is_active: Option<bool>,
}

word_enum! {
    /// What became of a planned time.
    pub enum FireOutcome {
        /// A task was queued.
        Fired = "fired",
        /// A former task of the spider had not ended.
        SkippedOverlap = "skipped_overlap",
        /// The schedule or its spider was paused.
        SkippedPaused = "skipped_paused",
        /// It passed without a server that could start it, or its spider was at its quota.
        Missed = "missed",
    }
}

/// A planned time and what became of it: a row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct Fire {
    #[serde(skip)]
    pub schedule_id: ScheduleId,
    pub planned_at: DateTime<Utc>,
    pub outcome: FireOutcome,
    pub task_id: Option<TaskId>,
    /// From the planned time to the task's being queued.
    pub late_ms: Option<i64>,
    /// Why it is not as planned.
    pub reason: Option<String>,
    /// So many planned times before it, at least, passed with it and started nothing; they are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<i64>,
    /// The first of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier_from: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FireFilter {
    /// The first planned time of interest.
    pub from: Option<DateTime<Utc>>,
    /// The last one.
    pub to: Option<DateTime<Utc>>,
    pub outcome: Option<FireOutcome>,
}

impl FireFilter {
    pub(super) fn takes(&self, fire: &Fire) -> bool {
        self.from.is_none_or(|from| from <= fire.planned_at)
            && self.to.is_none_or(|to| fire.planned_at <= to)
            && self.outcome.is_none_or(|outcome| outcome == fire.outcome)
    }
}

/// Why a schedule did, or did not, start its spider at a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    pub at: DateTime<Utc>,
    /// Whether it is a planned time, as the schedule is set now.
    pub is_planned: bool,
    /// What became of it.
    pub fire: Option<Fire>,
    /// A sentence; `msg` has it in the caller's language.
    pub explanation: String,
    /// The planned times around it, as the schedule is set now.
    pub planned_before: Option<DateTime<Utc>>,
    pub planned_after: Option<DateTime<Utc>>,
}
