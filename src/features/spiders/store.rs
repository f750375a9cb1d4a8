use sqlx::types::Json;

use super::{Spider, SpiderFilter, Spiders};
use crate::{
    error::{Error, Result},
    id::SpiderId,
    platform::{
        database::{Query, Transaction, in_list, like},
        http::Paging,
    },
    text,
};

/// In the order of [`bound`]. Without what files and deployments set.
const COLUMNS: [&str; 41] = [
    "id",
    "project_id",
    "name",
    "description",
    "start_url",
    "source",
    "entry_point",
    "script_content",
    "git_repo",
    "cron_expr",
    "timezone",
    "is_active",
    "params",
    "env_vars",
    "requirements_txt",
    "runner",
    "node_id",
    "node_labels",
    "image",
    "timeout_seconds",
    "memory_limit_mb",
    "cpu_limit",
    "max_items",
    "max_retries",
    "retry_delay_seconds",
    "retry_limits",
    "error_rules",
    "max_concurrent",
    "retention",
    "overlap",
    "misfire",
    "rate_limit_rps",
    "autothrottle_enabled",
    "proxy_enabled",
    "dedup_enabled",
    "dedup_fields",
    "dedup_policy",
    "item_schema",
    "webhook_url",
    "created_at",
    "updated_at",
];

/// With the first time that one of its schedules has not judged.
const SELECT: &str = "SELECT spiders.*, (SELECT MIN(next_run_at) FROM schedules
                           WHERE spider_id = spiders.id AND schedules.is_active AND spiders.is_active) AS next_run_at
                        FROM spiders";

impl Spiders {
    pub async fn get(&self, id: &SpiderId) -> Result<Spider> {
        let spider: Option<Spider> =
            self.db.query_text(format!("{SELECT} WHERE id = $1")).bind(id).fetch_optional().await?;
        spider.map(|spider| self.completed(spider)).ok_or_else(|| spider_not_found(id))
    }

    /// Fails where there is no such spider.
    pub(super) async fn require(&self, id: &SpiderId) -> Result<()> {
        let found: Option<(i64,)> =
            self.db.query("SELECT CAST(1 AS BIGINT) FROM spiders WHERE id = $1").bind(id).fetch_optional().await?;
        found.map(drop).ok_or_else(|| spider_not_found(id))
    }

    pub(super) async fn list(&self, filter: &SpiderFilter, paging: &Paging) -> Result<Vec<Spider>> {
        let spiders: Vec<Spider> = self
            .db
            .query_text(format!(
                r"{SELECT}
                   WHERE ($1 IS NULL OR LOWER(name) LIKE LOWER($1) ESCAPE '\') AND ($2 IS NULL OR project_id = $2)
                     AND ($3 IS NULL OR is_active = $3) AND ($4 IS NULL OR id < $4)
                   ORDER BY id DESC LIMIT $5 OFFSET $6"
            ))
            .bind(filter.keyword.as_deref().map(like))
            .bind(&filter.project_id)
            .bind(filter.is_active)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        self.all_shown(spiders.into_iter().map(|spider| self.completed(spider)).collect()).await
    }

    pub(super) async fn count(&self, filter: &SpiderFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query(
                r"SELECT COUNT(*) FROM spiders
                   WHERE ($1 IS NULL OR LOWER(name) LIKE LOWER($1) ESCAPE '\') AND ($2 IS NULL OR project_id = $2)
                     AND ($3 IS NULL OR is_active = $3)",
            )
            .bind(filter.keyword.as_deref().map(like))
            .bind(&filter.project_id)
            .bind(filter.is_active)
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// Whether it went; it stays while a task of it waits or runs. Its files' rows go with it.
    pub(super) async fn remove_idle(&self, id: &SpiderId) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        // Who queues a run at the same moment holds the row: only then is seen what he queued.
        transaction.query("UPDATE spiders SET id = id WHERE id = $1").bind(id).execute().await?;
        let removed = transaction
            .query(
                "DELETE FROM spiders WHERE id = $1 AND NOT EXISTS
                 (SELECT 1 FROM tasks WHERE spider_id = $1 AND status IN ('pending', 'running'))",
            )
            .bind(id)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(removed > 0)
    }
}

pub(super) async fn insert(transaction: &mut Transaction, spider: &Spider) -> Result<()> {
    let sql = format!("INSERT INTO spiders ({}) VALUES ({})", COLUMNS.join(", "), in_list(1, COLUMNS.len()));
    bound(transaction.query_text(sql), spider).execute().await.map(drop)
}

/// The whole row: it was read in the same transaction, which locked it.
pub(super) async fn update(transaction: &mut Transaction, spider: &Spider) -> Result<()> {
    let assigned: Vec<String> =
        COLUMNS.iter().enumerate().skip(1).map(|(at, column)| format!("{column} = ${}", at + 1)).collect();
    let sql = format!("UPDATE spiders SET {} WHERE id = $1", assigned.join(", "));
    bound(transaction.query_text(sql), spider).execute().await.map(drop)
}

pub(super) async fn get_in(transaction: &mut Transaction, id: &SpiderId) -> Result<Spider> {
    transaction.query("SELECT * FROM spiders WHERE id = $1").bind(id).fetch_one().await
}

fn bound<'c>(query: Query<'c>, spider: &Spider) -> Query<'c> {
    query
        .bind(&spider.id)
        .bind(&spider.project_id)
        .bind(&spider.name)
        .bind(&spider.description)
        .bind(&spider.start_url)
        .bind(spider.source)
        .bind(&spider.entry_point)
        .bind(&spider.script_content)
        .bind(&spider.git_repo)
        .bind(&spider.cron_expr)
        .bind(&spider.timezone)
        .bind(spider.is_active)
        .bind(Json(&spider.params))
        .bind(&spider.sealed_env_vars)
        .bind(&spider.requirements_txt)
        .bind(spider.runner)
        .bind(&spider.node_id)
        .bind(Json(&spider.node_labels))
        .bind(&spider.image)
        .bind(spider.timeout_seconds)
        .bind(spider.memory_limit_mb)
        .bind(spider.cpu_limit)
        .bind(spider.max_items)
        .bind(spider.max_retries)
        .bind(spider.retry_delay_seconds)
        .bind(Json(&spider.retry_limits))
        .bind(Json(&spider.error_rules))
        .bind(spider.max_concurrent)
        .bind(Json(&spider.retention))
        .bind(spider.overlap)
        .bind(spider.misfire)
        .bind(spider.rate_limit_rps)
        .bind(spider.autothrottle_enabled)
        .bind(spider.proxy_enabled)
        .bind(spider.dedup_enabled)
        .bind(&spider.dedup_fields)
        .bind(spider.dedup_policy)
        .bind(spider.item_schema.as_ref().map(Json))
        .bind(&spider.webhook_url)
        .bind(spider.created_at)
        .bind(spider.updated_at)
}

pub(super) fn spider_not_found(id: &SpiderId) -> Error {
    Error::not_found("spider_not_found", text!("爬虫 {id} 不存在", "there is no spider {id}"))
}
