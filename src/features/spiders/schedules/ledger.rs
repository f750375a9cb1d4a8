//! The ledger: what became of each planned time.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    super::{Spiders, cron::Timetable},
    Earlier, Fire, FireFilter, FireOutcome, Schedule,
};
use crate::{
    error::{Error, Result},
    id::ScheduleId,
    platform::{
        database::{Transaction, rows},
        http::{Page, Paging},
    },
    text,
};

/// Rows a statement: eight values each, far below what either engine takes.
const BATCH: usize = 500;
const MATCHES: &str = "schedule_id = $1 AND ($2 IS NULL OR planned_at >= $2) AND ($3 IS NULL OR planned_at <= $3)
                   AND ($4 IS NULL OR outcome = $4)";
/// The reason of what is skipped because of a pause.
pub const PAUSED: &str = "the schedule or its spider was paused then";

impl Spiders {
    /// What became of the planned times, newest first. Those that pass while it is paused are judged when that ends; here
    /// they are seen before.
    pub(super) async fn fires(&self, id: &ScheduleId, filter: &FireFilter, paging: &Paging) -> Result<Page<Fire>> {
        let schedule = self.schedule_row(id).await?;
        let before = paging.cursor.as_deref().map(parse_cursor).transpose()?;
        let now = self.clock.now();
        let paused = if schedule.is_live() { Vec::new() } else { of_unjudged(&schedule, now, PAUSED) };
        let paused: Vec<Fire> = paused
            .into_iter()
            .rev()
            .filter(|fire| filter.takes(fire) && before.is_none_or(|before| fire.planned_at < before))
            .collect();
        let (offset, size) = (paging.offset(), paging.page_size);
        let count = i64::try_from(paused.len()).unwrap_or(i64::MAX);
        let mut items: Vec<Fire> = paused
            .into_iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .take(usize::try_from(size).unwrap_or(0))
            .collect();
        let missing = size - i64::try_from(items.len()).unwrap_or(size);
        items.extend(self.fire_rows(id, filter, before, missing, (offset - count).max(0)).await?);
        let total =
            if before.is_none() { Some(count.saturating_add(self.count_fires(id, filter).await?)) } else { None };
        Ok(Page::new(paging, items, total, |fire| fire.planned_at.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
    }

    async fn fire_rows(
        &self,
        id: &ScheduleId,
        filter: &FireFilter,
        before: Option<DateTime<Utc>>,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Fire>> {
        self.db
            .query_text(format!(
                "SELECT * FROM fires WHERE {MATCHES} AND ($5 IS NULL OR planned_at < $5)
                  ORDER BY planned_at DESC LIMIT $6 OFFSET $7"
            ))
            .bind(id)
            .bind(filter.from)
            .bind(filter.to)
            .bind(filter.outcome)
            .bind(before)
            .bind(limit)
            .bind(offset)
            .fetch_all()
            .await
    }

    async fn count_fires(&self, id: &ScheduleId, filter: &FireFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM fires WHERE {MATCHES}"))
            .bind(id)
            .bind(filter.from)
            .bind(filter.to)
            .bind(filter.outcome)
            .fetch_one()
            .await?;
        Ok(count)
    }

    pub(super) async fn fire_at(&self, id: &ScheduleId, at: DateTime<Utc>) -> Result<Option<Fire>> {
        self.db
            .query("SELECT * FROM fires WHERE schedule_id = $1 AND planned_at = $2")
            .bind(id)
            .bind(at)
            .fetch_optional()
            .await
    }

    /// The row that stands for that time, which has none, as very many passed at once.
    pub(super) async fn fire_after(&self, id: &ScheduleId, at: DateTime<Utc>) -> Result<Option<Fire>> {
        self.db
            .query(
                "SELECT * FROM fires WHERE schedule_id = $1 AND planned_at > $2 AND earlier_from <= $2
                  ORDER BY planned_at LIMIT 1",
            )
            .bind(id)
            .bind(at)
            .fetch_optional()
            .await
    }

    /// The oldest planned time in the ledger.
    pub(super) async fn first_fire(&self, id: &ScheduleId) -> Result<Option<DateTime<Utc>>> {
        let first: Option<(DateTime<Utc>,)> = self
            .db
            .query("SELECT planned_at FROM fires WHERE schedule_id = $1 ORDER BY planned_at LIMIT 1")
            .bind(id)
            .fetch_optional()
            .await?;
        Ok(first.map(|(at,)| at))
    }
}

/// The first planned time after `after` at which nothing was started yet: where the clock was set back, what it started
/// before lies ahead again.
pub(super) async fn next_free(
    transaction: &mut Transaction,
    id: &ScheduleId,
    table: &Timetable,
    after: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let started: Vec<(DateTime<Utc>,)> = transaction
        .query(
            "SELECT planned_at FROM fires WHERE schedule_id = $1 AND planned_at > $2 AND task_id IS NOT NULL
              ORDER BY planned_at LIMIT 1000",
        )
        .bind(id)
        .bind(after)
        .fetch_all()
        .await?;
    let started: HashSet<DateTime<Utc>> = started.into_iter().map(|(at,)| at).collect();
    let mut planned = std::iter::successors(table.next_after(after), |last| table.next_after(*last));
    Ok(planned.find(|at| !started.contains(at)))
}

/// Writes rows. A planned time that is there already stays as it was judged first, but where it started nothing then,
/// and starts something now that it has come again.
pub async fn record(transaction: &mut Transaction, fires: &[Fire]) -> Result<()> {
    for batch in fires.chunks(BATCH) {
        let mut query = transaction.query_text(format!(
            "INSERT INTO fires (schedule_id, planned_at, outcome, task_id, late_ms, reason, earlier, earlier_from)
             VALUES {}
             ON CONFLICT (schedule_id, planned_at) DO UPDATE
                SET outcome = excluded.outcome, task_id = excluded.task_id, late_ms = excluded.late_ms,
                    reason = excluded.reason
              WHERE fires.task_id IS NULL AND excluded.task_id IS NOT NULL",
            rows(batch.len(), 8)
        ));
        for fire in batch {
            query = query
                .bind(&fire.schedule_id)
                .bind(fire.planned_at)
                .bind(fire.outcome)
                .bind(&fire.task_id)
                .bind(fire.late_ms)
                .bind(&fire.reason)
                .bind(fire.earlier)
                .bind(fire.earlier_from);
        }
        query.execute().await?;
    }
    Ok(())
}

/// What is to be said of the planned times up to `now` that nobody judged, in order: what passed while the schedule was
/// paused was skipped, the rest is missed for this reason.
pub(super) fn of_unjudged(schedule: &Schedule, now: DateTime<Utc>, reason: &str) -> Vec<Fire> {
    let passed = schedule.unjudged(now);
    let mut fires: Vec<Fire> = passed
        .listed
        .iter()
        .map(|planned| {
            if !schedule.is_live() || *planned < schedule.active_since {
                Fire::without_task(&schedule.id, *planned, FireOutcome::SkippedPaused, PAUSED.to_owned())
            } else {
                Fire::without_task(&schedule.id, *planned, FireOutcome::Missed, reason.to_owned())
            }
        })
        .collect();
    if let (Some(oldest), Some(first)) = (fires.first_mut(), schedule.next_run_at) {
        oldest.add_earlier(passed.earlier, first);
    }
    fires
}

impl Fire {
    pub fn without_task(
        schedule: &ScheduleId,
        planned_at: DateTime<Utc>,
        outcome: FireOutcome,
        reason: String,
    ) -> Self {
        let schedule_id = schedule.clone();
        let reason = Some(reason);
        Self {
            schedule_id,
            planned_at,
            outcome,
            task_id: None,
            late_ms: None,
            reason,
            earlier: None,
            earlier_from: None,
        }
    }

    /// Says in the oldest row how many there are before it, from `first` on, that have none.
    pub fn add_earlier(&mut self, earlier: Earlier, first: DateTime<Utc>) {
        let (count, said) = match earlier {
            Earlier::Exactly(0) => return,
            Earlier::Exactly(count) => (count, count.to_string()),
            Earlier::MoreThan(count) => (count, format!("more than {count}")),
        };
        let (reason, from) = (self.reason.take().unwrap_or_default(), first.to_rfc3339_opts(SecondsFormat::Secs, true));
        self.reason = Some(format!(
            "{reason}; {said} earlier planned times, from {from} on, started nothing, too, and are not listed"
        ));
        (self.earlier, self.earlier_from) = (i64::try_from(count).ok(), Some(first));
    }

    /// Whether `at` is one of the planned times that it stands for beside its own.
    pub(super) fn stands_for(&self, at: DateTime<Utc>) -> bool {
        self.earlier_from.is_some_and(|from| from <= at && at < self.planned_at)
    }
}

fn parse_cursor(text: &str) -> Result<DateTime<Utc>> {
    text.parse().map_err(|_| {
        Error::invalid("query.cursor", "value_error", text!("不是上一页给出的游标", "is no cursor of a former page"))
    })
}
