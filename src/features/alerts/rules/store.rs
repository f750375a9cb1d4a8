use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    super::{AlertType, Alerts},
    types::{Rule, RuleFilter},
};
use crate::{
    error::{Error, Result},
    id::{AlertRuleId, SpiderId, TaskId},
    platform::{
        database::{Query, Transaction},
        http::Paging,
    },
    text,
};

const MATCHES: &str =
    "($1 IS NULL OR rule_type = $1) AND ($2 IS NULL OR spider_id = $2) AND ($3 IS NULL OR is_enabled = $3)";

/// The columns of [`Seen`].
const SEEN: &str = "id, spider_id, spider_name, success_count, started_at, finished_at, updated_at";
/// Those of [`AlertType`] that are looked at again and again. A later version may have more.
const PERIODIC: &str = "'task_failure_rate', 'task_duration', 'items_count', 'heartbeat_timeout', 'no_run'";

/// Of a task, what rules look at.
#[derive(Debug, FromRow)]
pub(super) struct Seen {
    pub id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub success_count: i64,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

/// The first of some tasks, and how many there are.
#[derive(Debug, FromRow)]
pub(super) struct Counted {
    #[sqlx(flatten)]
    pub first: Seen,
    pub count: i64,
}

/// When an idle spider is to run, and since when.
#[derive(Debug, FromRow)]
pub(super) struct Plan {
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub cron_expr: String,
    pub timezone: String,
    pub since: DateTime<Utc>,
}

/// The rules of a kind that are on and concern the spider.
pub(in super::super) async fn looking_for(
    transaction: &mut Transaction,
    rule_type: AlertType,
    spider: Option<&SpiderId>,
) -> Result<Vec<Rule>> {
    transaction
        .query(
            "SELECT * FROM alert_rules
              WHERE is_enabled AND rule_type = $1 AND (spider_id IS NULL OR spider_id = $2) ORDER BY id",
        )
        .bind(rule_type)
        .bind(spider)
        .fetch_all()
        .await
}

/// Whether the rule is triggered now: it does not cool down, and nobody else was first.
pub(in super::super) async fn trigger(transaction: &mut Transaction, rule: &Rule, now: DateTime<Utc>) -> Result<bool> {
    if rule.cools_down(now) {
        return Ok(false);
    }
    let done = transaction
        .query(
            "UPDATE alert_rules SET last_triggered_at = $2
              WHERE id = $1 AND is_enabled AND ((last_triggered_at IS NULL AND $3 IS NULL) OR last_triggered_at = $3)",
        )
        .bind(&rule.id)
        .bind(now)
        .bind(rule.last_triggered_at)
        .execute()
        .await?;
    Ok(done > 0)
}

impl Alerts {
    pub(in super::super) async fn rule(&self, id: &AlertRuleId) -> Result<Rule> {
        let rule: Option<Rule> =
            self.db.query("SELECT * FROM alert_rules WHERE id = $1").bind(id).fetch_optional().await?;
        rule.ok_or_else(|| rule_not_found(id))
    }

    pub(super) async fn rules(&self, filter: &RuleFilter, paging: &Paging) -> Result<Vec<Rule>> {
        self.db
            .query_text(format!(
                "SELECT * FROM alert_rules WHERE {MATCHES} AND ($4 IS NULL OR id < $4)
                  ORDER BY id DESC LIMIT $5 OFFSET $6"
            ))
            .bind(filter.rule_type)
            .bind(&filter.spider_id)
            .bind(filter.is_enabled)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count_rules(&self, filter: &RuleFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM alert_rules WHERE {MATCHES}"))
            .bind(filter.rule_type)
            .bind(&filter.spider_id)
            .bind(filter.is_enabled)
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// Those that are looked at again and again, of the kinds that this version knows.
    pub(super) async fn periodic_rules(&self) -> Result<Vec<Rule>> {
        let sql = format!("SELECT * FROM alert_rules WHERE is_enabled AND rule_type IN ({PERIODIC}) ORDER BY id");
        self.db.query_text(sql).fetch_all().await
    }

    pub(super) async fn insert_rule(&self, rule: &Rule) -> Result<()> {
        let query = self.db.query(
            "INSERT INTO alert_rules (id, name, rule_type, condition, spider_id, notification_channel_id, is_enabled,
                                      cooldown_minutes, updated_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        );
        bound(query, rule).execute().await.map(drop)
    }

    /// False where it is gone. When it was last triggered stays as it is.
    pub(super) async fn update_rule(&self, rule: &Rule) -> Result<bool> {
        let query = self.db.query(
            "UPDATE alert_rules
                SET name = $2, rule_type = $3, condition = $4, spider_id = $5, notification_channel_id = $6,
                    is_enabled = $7, cooldown_minutes = $8, updated_at = $9
              WHERE id = $1",
        );
        Ok(bound(query, rule).execute().await? > 0)
    }

    pub(super) async fn remove_rule(&self, id: &AlertRuleId) -> Result<bool> {
        let done = self.db.query("DELETE FROM alert_rules WHERE id = $1").bind(id).execute().await?;
        Ok(done > 0)
    }

    /// Of the tasks that ended since: how many completed or failed, and how many of these failed.
    pub(super) async fn outcomes(&self, spider: Option<&SpiderId>, since: DateTime<Utc>) -> Result<(i64, i64)> {
        let sql = format!(
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE status = 'failed') FROM tasks
              WHERE is_test = FALSE AND status IN ('completed', 'failed') AND finished_at > $1{}",
            of_spider(spider, 2)
        );
        spider.into_iter().fold(self.db.query_text(sql).bind(since), Query::bind).fetch_one().await
    }

    /// Goes through the tasks that ended after the one time and up to the other, however, in the order of their ends.
    pub(super) async fn each_ended(
        &self,
        spider: Option<&SpiderId>,
        (after, until): (DateTime<Utc>, DateTime<Utc>),
        each: impl FnMut(Seen),
    ) -> Result<()> {
        let sql = format!(
            "SELECT {SEEN} FROM tasks
              WHERE is_test = FALSE AND started_at IS NOT NULL AND finished_at > $1 AND finished_at <= $2
                AND status IN ('completed', 'failed', 'cancelled'){}
              ORDER BY finished_at, id",
            of_spider(spider, 3)
        );
        spider.into_iter().fold(self.db.query_text(sql).bind(after).bind(until), Query::bind).for_each(each).await
    }

    /// Of the tasks that completed in that time with fewer items stored: the first, and how many there are.
    pub(super) async fn poor_within(
        &self,
        spider: Option<&SpiderId>,
        (after, until): (DateTime<Utc>, DateTime<Utc>),
        min_items: i64,
    ) -> Result<Option<Counted>> {
        let sql = format!(
            "SELECT {SEEN}, COUNT(*) OVER () AS count FROM tasks
              WHERE is_test = FALSE AND status = 'completed' AND finished_at > $1 AND finished_at <= $2
                AND success_count < $3{}
              ORDER BY finished_at, id LIMIT 1",
            of_spider(spider, 4)
        );
        let query = self.db.query_text(sql).bind(after).bind(until).bind(min_items);
        spider.into_iter().fold(query, Query::bind).fetch_optional().await
    }

    /// Tasks that run and were started by then: no more than there are slots.
    pub(super) async fn running_since(&self, spider: Option<&SpiderId>, by: DateTime<Utc>) -> Result<Vec<Seen>> {
        let sql = format!(
            "SELECT {SEEN} FROM tasks
              WHERE is_test = FALSE AND status = 'running' AND started_at <= $1{} ORDER BY id",
            of_spider(spider, 2)
        );
        spider.into_iter().fold(self.db.query_text(sql).bind(by), Query::bind).fetch_all().await
    }

    /// The plans, of those that are not paused, of spiders that do not run and did not start since.
    pub(super) async fn plans_of_idle(&self, spider: Option<&SpiderId>, since: DateTime<Utc>) -> Result<Vec<Plan>> {
        let sql = format!(
            "SELECT schedules.spider_id, spiders.name AS spider_name, schedules.cron_expr, schedules.timezone,
                    schedules.active_since AS since
               FROM schedules JOIN spiders ON spiders.id = schedules.spider_id
              WHERE schedules.is_active AND spiders.is_active{}
                AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.spider_id = spiders.id
                                   AND tasks.is_test = FALSE AND tasks.status = 'running')
                AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.spider_id = spiders.id
                                   AND tasks.is_test = FALSE AND tasks.started_at > $1)
              ORDER BY schedules.spider_id, schedules.id",
            spider.map(|_| " AND schedules.spider_id = $2").unwrap_or_default()
        );
        spider.into_iter().fold(self.db.query_text(sql).bind(since), Query::bind).fetch_all().await
    }
}

/// The condition on a spider, where there is one; it is bound last.
fn of_spider(spider: Option<&SpiderId>, number: usize) -> String {
    spider.map(|_| format!(" AND spider_id = ${number}")).unwrap_or_default()
}

pub(super) fn rule_not_found(id: &AlertRuleId) -> Error {
    Error::not_found("rule_not_found", text!("告警规则 {id} 不存在", "there is no alert rule {id}"))
}

fn bound<'q>(query: Query<'q>, rule: &Rule) -> Query<'q> {
    query
        .bind(&rule.id)
        .bind(&rule.name)
        .bind(rule.rule_type)
        .bind(&rule.condition)
        .bind(&rule.spider_id)
        .bind(&rule.notification_channel_id)
        .bind(rule.is_enabled)
        .bind(rule.cooldown_minutes)
        .bind(rule.updated_at)
}
