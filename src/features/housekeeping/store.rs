use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Housekeeping, types::Part};
use crate::{
    error::Result,
    features::spiders::Retention,
    id::{SpiderId, TaskId},
    platform::database::{Query, in_list},
};

/// Tasks of one step.
const TASKS: i64 = 100;
/// Small rows of one step.
const ROWS: i64 = 1000;

impl Housekeeping {
    /// Whoever has something to keep, with what is said of it: spiders, and those gone of which tasks are there.
    pub(super) async fn keepers(&self) -> Result<Vec<(SpiderId, Retention)>> {
        let spiders: Vec<(SpiderId, Json<Retention>)> =
            self.db.query("SELECT id, retention FROM spiders ORDER BY id").fetch_all().await?;
        let gone: Vec<(SpiderId,)> = self
            .db
            .query(
                "SELECT DISTINCT spider_id FROM tasks
                  WHERE NOT EXISTS (SELECT 1 FROM spiders WHERE spiders.id = tasks.spider_id)",
            )
            .fetch_all()
            .await?;
        let spiders = spiders.into_iter().map(|(id, Json(retention))| (id, retention));
        Ok(spiders.chain(gone.into_iter().map(|(id,)| (id, Retention::default()))).collect())
    }

    /// Those of the spiders that were removed.
    pub(super) async fn gone(&self, spiders: Vec<SpiderId>) -> Result<Vec<SpiderId>> {
        if spiders.is_empty() {
            return Ok(spiders);
        }
        let there: Vec<(SpiderId,)> = self.db.query("SELECT id FROM spiders").fetch_all().await?;
        let there: HashSet<SpiderId> = there.into_iter().map(|(id,)| id).collect();
        Ok(spiders.into_iter().filter(|spider| !there.contains(spider)).collect())
    }

    /// The first ended tasks up to and with that one, by their end.
    pub(super) async fn ended_upto(
        &self,
        spider: &SpiderId,
        is_test: bool,
        (ended_at, id): &(DateTime<Utc>, TaskId),
    ) -> Result<Vec<TaskId>> {
        let rows: Vec<(TaskId,)> = self
            .db
            .query(
                "SELECT id FROM tasks
                  WHERE spider_id = $1 AND is_test = $2 AND finished_at IS NOT NULL AND (finished_at, id) <= ($3, $4)
                    AND status NOT IN ('pending', 'running')
                  ORDER BY finished_at, id LIMIT $5",
            )
            .bind(spider)
            .bind(is_test)
            .bind(ended_at)
            .bind(id)
            .bind(TASKS)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// The last ended task that is not among the newest so many, tests apart.
    pub(super) async fn last_beyond(&self, spider: &SpiderId, most: i64) -> Result<Option<(DateTime<Utc>, TaskId)>> {
        self.db
            .query(
                "SELECT finished_at, id FROM tasks
                  WHERE spider_id = $1 AND is_test = $2 AND finished_at IS NOT NULL
                    AND status NOT IN ('pending', 'running')
                  ORDER BY finished_at DESC, id DESC LIMIT 1 OFFSET $3",
            )
            .bind(spider)
            .bind(false)
            .bind(most)
            .fetch_optional()
            .await
    }

    /// The first tasks that ended before that time and have not lost that part.
    pub(super) async fn ended_with(&self, spider: &SpiderId, part: Part, before: DateTime<Utc>) -> Result<Vec<TaskId>> {
        let rows: Vec<(TaskId,)> = self
            .db
            .query_text(format!(
                "SELECT id FROM tasks
                  WHERE spider_id = $1 AND {} IS NULL AND finished_at < $2 AND status NOT IN ('pending', 'running')
                  ORDER BY finished_at, id LIMIT $3",
                part.column()
            ))
            .bind(spider)
            .bind(before)
            .bind(TASKS)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Says how many it marked: those that no other server did.
    pub(super) async fn mark_removed(&self, tasks: &[TaskId], part: Part, now: DateTime<Utc>) -> Result<u64> {
        let (column, list) = (part.column(), in_list(2, tasks.len()));
        let sql = format!("UPDATE tasks SET {column} = $1 WHERE id IN ({list}) AND {column} IS NULL");
        tasks.iter().fold(self.db.query_text(sql).bind(now), Query::bind).execute().await
    }

    pub(super) async fn has_more_versions(&self, spider: &SpiderId, most: i64) -> Result<bool> {
        let beyond: Option<(i64,)> = self
            .db
            .query("SELECT version FROM deployments WHERE spider_id = $1 ORDER BY version DESC LIMIT 1 OFFSET $2")
            .bind(spider)
            .bind(most)
            .fetch_optional()
            .await?;
        Ok(beyond.is_some())
    }

    /// Removes all versions but the newest so many and those in use.
    pub(super) async fn remove_versions(&self, spider: &SpiderId, most: i64) -> Result<u64> {
        let mut transaction = self.db.begin().await?;
        // Holds the spider's row: whoever takes a version into use does so before this or after it.
        transaction.query("UPDATE spiders SET id = id WHERE id = $1").bind(spider).execute().await?;
        let removed = transaction
            .query(
                "DELETE FROM deployments
                  WHERE spider_id = $1
                    AND version <= (SELECT version FROM deployments WHERE spider_id = $1
                                     ORDER BY version DESC LIMIT 1 OFFSET $2)
                    AND NOT EXISTS (SELECT 1 FROM spiders WHERE active_deployment_id = deployments.id)
                    AND NOT EXISTS (SELECT 1 FROM schedules WHERE deployment_id = deployments.id)
                    AND NOT EXISTS (SELECT 1 FROM tasks
                                     WHERE tasks.spider_id = $1 AND tasks.deployment_id = deployments.id
                                       AND tasks.status IN ('pending', 'running'))",
            )
            .bind(spider)
            .bind(most)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(removed)
    }

    /// The schedules whose ledger goes back before that time.
    pub(super) async fn schedules_with_fires(&self, before: DateTime<Utc>) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self
            .db
            .query(
                "SELECT id FROM schedules
                  WHERE EXISTS (SELECT 1 FROM fires WHERE schedule_id = schedules.id AND planned_at < $1)",
            )
            .bind(before)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    pub(super) async fn remove_fires(&self, schedule: &str, before: DateTime<Utc>) -> Result<u64> {
        self.db
            .query(
                "DELETE FROM fires WHERE schedule_id = $1 AND planned_at IN
                 (SELECT planned_at FROM fires WHERE schedule_id = $1 AND planned_at < $2 ORDER BY planned_at LIMIT $3)",
            )
            .bind(schedule)
            .bind(before)
            .bind(ROWS)
            .execute()
            .await
    }

    /// Only the first rows that are `over` are looked at: ids grow with time.
    pub(super) async fn remove_oldest(
        &self,
        table: &'static str,
        over: &'static str,
        before: DateTime<Utc>,
    ) -> Result<u64> {
        let sql = format!(
            "DELETE FROM {table}
              WHERE created_at < $1 AND id IN (SELECT id FROM {table} WHERE {over} ORDER BY id LIMIT $2) AND {over}"
        );
        self.db.query_text(sql).bind(before).bind(ROWS).execute().await
    }

    /// Of those that are there.
    pub(super) async fn names(&self, spiders: &[SpiderId]) -> Result<Vec<(SpiderId, String)>> {
        if spiders.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT id, name FROM spiders WHERE id IN ({})", in_list(1, spiders.len()));
        spiders.iter().fold(self.db.query_text(sql), Query::bind).fetch_all().await
    }
}
