use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{super::Spiders, Schedule, ScheduleFilter};
use crate::{
    error::{Error, Result},
    id::{DeploymentId, ScheduleId, SpiderId},
    platform::{
        database::{Transaction, in_list},
        http::Paging,
    },
    text,
};

const SELECT: &str = "SELECT schedules.id, schedules.spider_id, spiders.name AS spider_name, schedules.name,
           schedules.id = schedules.spider_id AS is_own, schedules.cron_expr, schedules.timezone, schedules.params,
           schedules.priority, schedules.is_active, schedules.deployment_id, schedules.next_run_at,
           schedules.last_run_at, schedules.created_at, schedules.updated_at, schedules.active_since,
           CASE WHEN schedules.id = schedules.spider_id THEN spiders.misfire ELSE schedules.misfire END AS misfire,
           CASE WHEN schedules.id = schedules.spider_id THEN spiders.overlap ELSE schedules.overlap END AS overlap,
           spiders.is_active AS spider_is_active
      FROM schedules JOIN spiders ON spiders.id = schedules.spider_id";

/// The own schedule of a spider that has no expression is there for its ledger only.
const IS_SHOWN: &str = "schedules.cron_expr <> ''";

impl Spiders {
    pub(super) async fn schedule_row(&self, id: &ScheduleId) -> Result<Schedule> {
        let query = self.db.query_text(format!("{SELECT} WHERE schedules.id = $1 AND {IS_SHOWN}"));
        query.bind(id).fetch_optional().await?.ok_or_else(|| schedule_not_found(id))
    }

    pub(super) async fn schedule_rows(&self, filter: &ScheduleFilter, paging: &Paging) -> Result<Vec<Schedule>> {
        self.db
            .query_text(format!(
                "{SELECT} WHERE ($1 IS NULL OR schedules.spider_id = $1) AND ($2 IS NULL OR schedules.is_active = $2)
                    AND ($3 IS NULL OR schedules.id < $3) AND {IS_SHOWN}
                  ORDER BY schedules.id DESC LIMIT $4 OFFSET $5"
            ))
            .bind(&filter.spider_id)
            .bind(filter.is_active)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count_schedules(&self, filter: &ScheduleFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!(
                "SELECT COUNT(*) FROM schedules
                  WHERE ($1 IS NULL OR spider_id = $1) AND ($2 IS NULL OR is_active = $2) AND {IS_SHOWN}"
            ))
            .bind(&filter.spider_id)
            .bind(filter.is_active)
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// Those of the spiders whose first unjudged time has passed, or will.
    pub(super) async fn live_schedules(&self, spiders: &[SpiderId]) -> Result<Vec<Schedule>> {
        let list = in_list(1, spiders.len());
        let mut query = self.db.query_text(format!(
            "{SELECT} WHERE schedules.spider_id IN ({list}) AND schedules.is_active AND spiders.is_active"
        ));
        for spider in spiders {
            query = query.bind(spider);
        }
        query.fetch_all().await
    }

    /// Those whose first unjudged time is still to come, or that have none.
    pub(super) async fn waiting_schedules(&self, now: DateTime<Utc>) -> Result<Vec<Schedule>> {
        self.db
            .query_text(format!(
                "{SELECT} WHERE {IS_SHOWN} AND (schedules.next_run_at IS NULL OR schedules.next_run_at > $1)"
            ))
            .bind(now)
            .fetch_all()
            .await
    }

    /// Begins a change of the spider's schedules; others wait until it ends.
    pub(super) async fn change_schedules(&self, spider: &SpiderId) -> Result<Transaction> {
        let mut transaction = self.db.begin().await?;
        // First of all, and not by reading: the row is the lock.
        let held = transaction.query("UPDATE spiders SET id = id WHERE id = $1").bind(spider).execute().await?;
        if held == 0 {
            return Err(super::super::store::spider_not_found(spider));
        }
        Ok(transaction)
    }
}

/// Those of the spider that are active and due.
pub(super) async fn due_of(
    transaction: &mut Transaction,
    spider: &SpiderId,
    now: DateTime<Utc>,
) -> Result<Vec<Schedule>> {
    transaction
        .query_text(format!(
            "{SELECT} WHERE schedules.spider_id = $1 AND schedules.is_active AND schedules.next_run_at <= $2"
        ))
        .bind(spider)
        .bind(now)
        .fetch_all()
        .await
}

pub(super) async fn get_in(transaction: &mut Transaction, id: &ScheduleId) -> Result<Option<Schedule>> {
    transaction.query_text(format!("{SELECT} WHERE schedules.id = $1")).bind(id).fetch_optional().await
}

/// `misfire` and `overlap` of an own schedule stand with its spider.
pub(super) async fn insert(transaction: &mut Transaction, schedule: &Schedule) -> Result<()> {
    transaction
        .query(
            "INSERT INTO schedules (id, spider_id, name, cron_expr, timezone, params, priority, is_active, active_since,
                                    misfire, overlap, deployment_id, next_run_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
        )
        .bind(&schedule.id)
        .bind(&schedule.spider_id)
        .bind(&schedule.name)
        .bind(&schedule.cron_expr)
        .bind(&schedule.timezone)
        .bind(Json(&schedule.params))
        .bind(schedule.priority)
        .bind(schedule.is_active)
        .bind(schedule.active_since)
        .bind(schedule.misfire.filter(|_| !schedule.is_own))
        .bind(schedule.overlap.filter(|_| !schedule.is_own))
        .bind(&schedule.deployment_id)
        .bind(schedule.next_run_at)
        .bind(schedule.created_at)
        .bind(schedule.updated_at)
        .execute()
        .await
        .map(drop)
}

/// The whole row: it was read in the same transaction, which locked its spider's.
pub(super) async fn update(transaction: &mut Transaction, schedule: &Schedule) -> Result<()> {
    transaction
        .query(
            "UPDATE schedules SET name = $2, cron_expr = $3, timezone = $4, params = $5, priority = $6, is_active = $7,
                    active_since = $8, misfire = $9, overlap = $10, deployment_id = $11, next_run_at = $12,
                    updated_at = $13
              WHERE id = $1",
        )
        .bind(&schedule.id)
        .bind(&schedule.name)
        .bind(&schedule.cron_expr)
        .bind(&schedule.timezone)
        .bind(Json(&schedule.params))
        .bind(schedule.priority)
        .bind(schedule.is_active)
        .bind(schedule.active_since)
        .bind(schedule.misfire.filter(|_| !schedule.is_own))
        .bind(schedule.overlap.filter(|_| !schedule.is_own))
        .bind(&schedule.deployment_id)
        .bind(schedule.next_run_at)
        .bind(schedule.updated_at)
        .execute()
        .await
        .map(drop)
}

pub(super) async fn set_next(
    transaction: &mut Transaction,
    id: &ScheduleId,
    next: Option<DateTime<Utc>>,
) -> Result<()> {
    let set = transaction.query("UPDATE schedules SET next_run_at = $2 WHERE id = $1").bind(id).bind(next);
    set.execute().await.map(drop)
}

pub(super) async fn remove(transaction: &mut Transaction, id: &ScheduleId) -> Result<()> {
    transaction.query("DELETE FROM schedules WHERE id = $1").bind(id).execute().await.map(drop)
}

/// The spider runs by itself again: what was planned before is skipped.
pub(super) async fn resume_all(transaction: &mut Transaction, spider: &SpiderId, now: DateTime<Utc>) -> Result<()> {
    transaction
        .query("UPDATE schedules SET active_since = $2 WHERE spider_id = $1")
        .bind(spider)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// Of the spider itself, whose own schedule it is.
pub(super) async fn set_own(transaction: &mut Transaction, own: &Schedule) -> Result<()> {
    transaction
        .query(
            "UPDATE spiders SET cron_expr = $2, timezone = $3, misfire = $4, overlap = $5, updated_at = $6 WHERE id = $1",
        )
        .bind(&own.spider_id)
        .bind(&own.cron_expr)
        .bind(&own.timezone)
        .bind(own.misfire)
        .bind(own.overlap)
        .bind(own.updated_at)
        .execute()
        .await
        .map(drop)
}

pub(super) async fn clear_own(transaction: &mut Transaction, spider: &SpiderId, now: DateTime<Utc>) -> Result<()> {
    transaction
        .query("UPDATE spiders SET cron_expr = '', updated_at = $2 WHERE id = $1")
        .bind(spider)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

pub(super) async fn has_deployment(
    transaction: &mut Transaction,
    spider: &SpiderId,
    id: &DeploymentId,
) -> Result<bool> {
    let found: Option<(i64,)> = transaction
        .query("SELECT CAST(1 AS BIGINT) FROM deployments WHERE id = $1 AND spider_id = $2")
        .bind(id)
        .bind(spider)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

pub(super) fn schedule_not_found(id: &ScheduleId) -> Error {
    Error::not_found("schedule_not_found", text!("定时任务 {id} 不存在", "there is no schedule {id}"))
}
