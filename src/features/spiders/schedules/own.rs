//! A spider's own schedule, kept in step with its `cron_expr` in the transaction that changes the spider.

use chrono::{DateTime, Utc};
use serde_json::Map;

use super::{
    super::{Spider, Spiders},
    Schedule, ledger, store,
};
use crate::{
    error::Result,
    id::{ScheduleId, SpiderId},
    platform::database::Transaction,
};

/// The reasons of planned times that nobody had judged yet.
pub(super) const CHANGED: &str = "the schedule was changed before it could start";
pub(super) const PAUSED: &str = "the schedule or its spider was paused before it could start";

/// Makes, changes or hides the own schedule of the spider, which was `former` before; none when it is new.
pub(in super::super) async fn keep_in_step(
    transaction: &mut Transaction,
    former: Option<&Spider>,
    spider: &Spider,
    now: DateTime<Utc>,
) -> Result<()> {
    if former.is_some_and(|former| !former.is_active) && spider.is_active {
        store::resume_all(transaction, &spider.id, now).await?;
    }
    if former.is_some_and(|former| former.is_active) && !spider.is_active {
        for due in store::due_of(transaction, &spider.id, now).await? {
            // As it was until now.
            let former = Schedule { spider_is_active: true, ..due.clone() };
            reset(transaction, &former, due, now, PAUSED).await?;
        }
    }
    let id = own_id(&spider.id);
    match store::get_in(transaction, &id).await? {
        None if spider.cron_expr.is_empty() => Ok(()),
        None => store::insert(transaction, &own(spider, now)?).await,
        Some(row) if row.cron_expr == spider.cron_expr && row.timezone == spider.timezone => Ok(()),
        Some(row) => {
            let former = row.clone();
            let (cron_expr, timezone) = (spider.cron_expr.clone(), spider.timezone.clone());
            let mut changed = Schedule { cron_expr, timezone, updated_at: now, ..row };
            if changed.cron_expr.is_empty() {
                // Nobody sees it any more, but its ledger is there when the spider has an expression again.
                changed = Schedule { next_run_at: None, deployment_id: None, is_active: true, ..changed };
            } else if former.cron_expr.is_empty() {
                changed.active_since = now;
            }
            reset(transaction, &former, changed, now, CHANGED).await
        }
    }
}

/// Writes a schedule that is planned again from now. What it had planned and nobody had judged is over, for that reason.
pub(super) async fn reset(
    transaction: &mut Transaction,
    former: &Schedule,
    mut changed: Schedule,
    now: DateTime<Utc>,
    reason: &str,
) -> Result<()> {
    let over = ledger::of_unjudged(former, now, reason);
    ledger::record(transaction, &over).await?;
    if let Ok(table) = changed.timetable() {
        changed.next_run_at = ledger::next_free(transaction, &changed.id, &table, now).await?;
        // It has no plans from before.
        changed.active_since = now;
    }
    store::update(transaction, &changed).await
}

fn own(spider: &Spider, now: DateTime<Utc>) -> Result<Schedule> {
    let mut own = Schedule {
        id: own_id(&spider.id),
        spider_id: spider.id.clone(),
        spider_name: spider.name.clone(),
        name: "own".to_owned(),
        is_own: true,
        cron_expr: spider.cron_expr.clone(),
        timezone: spider.timezone.clone(),
        params: Map::new(),
        priority: 0,
        is_active: true,
        misfire: None,
        overlap: None,
        deployment_id: None,
        next_run_at: None,
        last_run_at: None,
        created_at: now,
        updated_at: now,
        active_since: now,
        spider_is_active: spider.is_active,
    };
    own.next_run_at = own.timetable()?.next_after(now);
    Ok(own)
}

fn own_id(spider: &SpiderId) -> ScheduleId {
    ScheduleId::from(spider.to_string())
}

impl Spiders {
    /// At the start: makes the rows of spiders that are older than schedules are.
    pub async fn adopt_schedules(&self) -> Result<()> {
        let now = self.clock.now();
        let without: Vec<Spider> = self
            .db
            .query(
                "SELECT * FROM spiders WHERE cron_expr <> ''
                    AND NOT EXISTS (SELECT 1 FROM schedules WHERE schedules.id = spiders.id)",
            )
            .fetch_all()
            .await?;
        for spider in without {
            match own(&spider, now) {
                Ok(own) => {
                    let mut transaction = self.db.begin().await?;
                    store::insert(&mut transaction, &own).await?;
                    transaction.commit().await?;
                }
                Err(error) => tracing::warn!(spider = %spider.id, "its cron_expr is no longer understood: {error}"),
            }
        }
        Ok(())
    }
}
