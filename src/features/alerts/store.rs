use super::{Alert, AlertFilter, Alerts};
use crate::{
    error::Result,
    id::AlertId,
    platform::{database::Transaction, http::Paging},
};

const MATCHES: &str = "($1 IS NULL OR level = $1) AND ($2 IS NULL OR is_read = $2)
                   AND ($3 IS NULL OR type = $3) AND ($4 IS NULL OR spider_id = $4)";

impl Alerts {
    pub(super) async fn list(&self, filter: &AlertFilter, paging: &Paging) -> Result<Vec<Alert>> {
        self.db
            .query_text(format!(
                "SELECT * FROM alerts WHERE {MATCHES} AND ($5 IS NULL OR id < $5)
                  ORDER BY id DESC LIMIT $6 OFFSET $7"
            ))
            .bind(filter.level)
            .bind(filter.is_read)
            .bind(filter.alert_type)
            .bind(&filter.spider_id)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count(&self, filter: &AlertFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM alerts WHERE {MATCHES}"))
            .bind(filter.level)
            .bind(filter.is_read)
            .bind(filter.alert_type)
            .bind(&filter.spider_id)
            .fetch_one()
            .await?;
        Ok(count)
    }

    pub async fn unread_count(&self) -> Result<i64> {
        let (count,) = self.db.query("SELECT COUNT(*) FROM alerts WHERE NOT is_read").fetch_one().await?;
        Ok(count)
    }

    /// Whether there is such an alert.
    pub(super) async fn mark_read(&self, id: &AlertId) -> Result<bool> {
        let done = self.db.query("UPDATE alerts SET is_read = TRUE WHERE id = $1").bind(id).execute().await?;
        Ok(done > 0)
    }

    /// Those that there are now, in steps: others write in between. Says how many there were.
    pub(super) async fn mark_all_read(&self) -> Result<i64> {
        const STEP: i64 = 1000;
        let newest: (Option<AlertId>,) =
            self.db.query("SELECT MAX(id) FROM alerts WHERE NOT is_read").fetch_one().await?;
        let (Some(newest), mut count) = (newest.0, 0) else { return Ok(0) };
        loop {
            let done = self
                .db
                .query(
                    "UPDATE alerts SET is_read = TRUE WHERE NOT is_read AND id IN
                     (SELECT id FROM alerts WHERE NOT is_read AND id <= $1 ORDER BY id LIMIT $2)",
                )
                .bind(&newest)
                .bind(STEP)
                .execute()
                .await?;
            if done == 0 {
                return Ok(count);
            }
            count += i64::try_from(done).unwrap_or(i64::MAX);
        }
    }

    pub(super) async fn remove(&self, id: &AlertId) -> Result<bool> {
        let done = self.db.query("DELETE FROM alerts WHERE id = $1").bind(id).execute().await?;
        Ok(done > 0)
    }
}

pub(super) async fn insert(transaction: &mut Transaction, alert: &Alert) -> Result<()> {
    transaction
        .query(
            "INSERT INTO alerts (id, type, level, message, spider_id, task_id, rule_id, is_read, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&alert.id)
        .bind(alert.alert_type)
        .bind(alert.level)
        .bind(&alert.message)
        .bind(&alert.spider_id)
        .bind(&alert.task_id)
        .bind(&alert.rule_id)
        .bind(alert.is_read)
        .bind(alert.created_at)
        .execute()
        .await
        .map(drop)
}
