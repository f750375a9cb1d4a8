use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqlStore;
use crate::{
    error::Result,
    id::SpiderId,
    platform::{
        database::{Transaction, rows},
        documents::{
            errors::{ErrorGroup, MOST_GROUPS, Seen},
            logs::NewLines,
            store::Errors,
        },
    },
};

/// Of one statement.
const ROWS: usize = 100;

#[async_trait]
impl Errors for SqlStore {
    async fn error_groups(
        &self,
        spider: &SpiderId,
        before: Option<(DateTime<Utc>, &str)>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<ErrorGroup>> {
        let (last_seen, fingerprint) = before.unzip();
        self.db
            .query(
                "SELECT * FROM error_groups
                  WHERE spider_id = $1 AND ($2 IS NULL OR (last_seen, fingerprint) < ($2, $3))
                  ORDER BY last_seen DESC, fingerprint DESC LIMIT $4 OFFSET $5",
            )
            .bind(spider)
            .bind(last_seen)
            .bind(fingerprint)
            .bind(limit)
            .bind(offset)
            .fetch_all()
            .await
    }

    async fn count_error_groups(&self, spider: &SpiderId) -> Result<i64> {
        let count = self.db.query("SELECT COUNT(*) FROM error_groups WHERE spider_id = $1").bind(spider);
        Ok(count.fetch_one::<(i64,)>().await?.0)
    }

    async fn error_group(&self, spider: &SpiderId, fingerprint: &str) -> Result<Option<ErrorGroup>> {
        self.db
            .query("SELECT * FROM error_groups WHERE spider_id = $1 AND fingerprint = $2")
            .bind(spider)
            .bind(fingerprint)
            .fetch_optional()
            .await
    }

    async fn forget_error(&self, spider: &SpiderId, fingerprint: &str) -> Result<bool> {
        let removed = self
            .db
            .query("DELETE FROM error_groups WHERE spider_id = $1 AND fingerprint = $2")
            .bind(spider)
            .bind(fingerprint)
            .execute()
            .await?;
        Ok(removed > 0)
    }

    async fn forget_errors_of(&self, spider: &SpiderId) -> Result<()> {
        self.db.query("DELETE FROM error_groups WHERE spider_id = $1").bind(spider).execute().await.map(drop)
    }

    async fn spiders_with_errors(&self) -> Result<Vec<SpiderId>> {
        let spiders: Vec<(SpiderId,)> =
            self.db.query("SELECT DISTINCT spider_id FROM error_groups").fetch_all().await?;
        Ok(spiders.into_iter().map(|(spider,)| spider).collect())
    }
}

/// Adds the errors that were not counted before to their groups. The attempt's fence is held.
pub(super) async fn count(transaction: &mut Transaction, new: &NewLines) -> Result<()> {
    let Some(upto) = new.errors_upto() else { return Ok(()) };
    let (counted,): (i64,) = transaction
        .query("SELECT errors_upto FROM attempt_fences WHERE task_id = $1")
        .bind(&new.task_id)
        .fetch_one()
        .await?;
    let seen: Vec<Seen<'_>> = new.seen(counted).into_values().collect();
    if seen.is_empty() {
        return Ok(());
    }
    transaction
        .query("UPDATE attempt_fences SET errors_upto = $1 WHERE task_id = $2")
        .bind(upto)
        .bind(&new.task_id)
        .execute()
        .await?;
    // Two tasks of the spider that see the same errors would wait for each other.
    transaction.take_turn("errors").await?;
    for seen in seen.chunks(ROWS) {
        add(transaction, new, seen).await?;
    }
    transaction
        .query(
            "DELETE FROM error_groups WHERE spider_id = $1 AND fingerprint IN
             (SELECT fingerprint FROM error_groups WHERE spider_id = $1
               ORDER BY last_seen DESC, fingerprint DESC LIMIT 1000 OFFSET $2)",
        )
        .bind(&new.spider_id)
        .bind(MOST_GROUPS)
        .execute()
        .await
        .map(drop)
}

async fn add(transaction: &mut Transaction, new: &NewLines, seen: &[Seen<'_>]) -> Result<()> {
    let mut query = transaction.query_text(format!(
        "INSERT INTO error_groups (spider_id, fingerprint, level, title, sample, count, first_seen, last_seen, first_task,
                                   last_task, last_seq, first_version, last_version)
         VALUES {}
         ON CONFLICT (spider_id, fingerprint) DO UPDATE
            SET level = excluded.level, title = excluded.title, sample = excluded.sample,
                count = error_groups.count + excluded.count, last_seen = excluded.last_seen,
                last_task = excluded.last_task, last_seq = excluded.last_seq, last_version = excluded.last_version",
        rows(seen.len(), 13)
    ));
    for Seen { count, since, newest } in seen {
        query = query
            .bind(&new.spider_id)
            .bind(&newest.fingerprint)
            .bind(newest.level)
            .bind(&newest.title)
            .bind(&newest.sample)
            .bind(*count)
            .bind(*since)
            .bind(newest.at)
            .bind(&new.task_id)
            .bind(&new.task_id)
            .bind(newest.seq)
            .bind(new.version)
            .bind(new.version);
    }
    query.execute().await.map(drop)
}
