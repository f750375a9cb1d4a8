use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{SqlStore, search::Selection};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::{
        database::Database,
        documents::{
            items::ItemFilter,
            store::Books,
            usage::{Held, Kept},
        },
    },
};

#[derive(FromRow)]
struct OfSpider {
    spider_id: SpiderId,
    #[sqlx(flatten)]
    kept: Kept,
}

#[async_trait]
impl Books for SqlStore {
    async fn own_size(&self) -> Result<i64> {
        match &self.db {
            Database::Sqlite { .. } => self.db.size().await,
            Database::Postgres(_) => Ok(0),
        }
    }

    async fn held(&self, filter: &ItemFilter) -> Result<Held> {
        let scope = ItemFilter { q: None, upto: None, ..filter.clone() };
        Selection::of(&scope)
            .query(
                &self.db,
                "SELECT CAST(COALESCE(SUM(items_kept), 0) AS BIGINT) AS items,
                        CAST(COALESCE(SUM(items_altered), 0) AS BIGINT) AS altered
                   FROM item_counts :where",
            )
            .fetch_one()
            .await
    }

    async fn kept_of(&self, spider: &SpiderId) -> Result<Kept> {
        self.db
            .query(
                "SELECT CAST(COALESCE(SUM(item_bytes), 0) AS BIGINT) AS items,
                        CAST(COALESCE(SUM(log_bytes), 0) AS BIGINT) AS logs
                   FROM item_counts WHERE spider_id = $1",
            )
            .bind(spider)
            .fetch_one()
            .await
    }

    async fn kept_by_spider(&self) -> Result<HashMap<SpiderId, Kept>> {
        let rows: Vec<OfSpider> = self
            .db
            .query(
                "SELECT spider_id, CAST(SUM(item_bytes) AS BIGINT) AS items, CAST(SUM(log_bytes) AS BIGINT) AS logs
                   FROM item_counts GROUP BY spider_id",
            )
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|row| (row.spider_id, row.kept)).collect())
    }

    async fn last_sign(&self, task_id: &TaskId) -> Result<Option<DateTime<Utc>>> {
        let mut last = None;
        for sql in [
            "SELECT created_at FROM log_chunks WHERE task_id = $1 ORDER BY first_seq DESC LIMIT 1",
            "SELECT created_at FROM items WHERE task_id = $1 ORDER BY id DESC LIMIT 1",
        ] {
            let newest: Option<(DateTime<Utc>,)> = self.db.query(sql).bind(task_id).fetch_optional().await?;
            last = last.max(newest.map(|(at,)| at));
        }
        Ok(last)
    }
}
