//! How much there is, from the books that are kept with every batch.

use std::{collections::HashMap, ops::AddAssign};

use sqlx::FromRow;

use super::Documents;
use crate::{error::Result, id::SpiderId, platform::database::Database};

/// In bytes, as it was sent; the database's own needs come on top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Kept {
    pub items: i64,
    pub logs: i64,
}

impl AddAssign for Kept {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.logs += other.logs;
    }
}

#[derive(FromRow)]
struct OfSpider {
    spider_id: SpiderId,
    #[sqlx(flatten)]
    kept: Kept,
}

impl Documents {
    /// Of the file they lie in, in bytes; 0 where they lie in the main database.
    pub async fn own_size(&self) -> Result<i64> {
        match &self.db {
            Database::Sqlite { .. } => self.db.size().await,
            Database::Postgres(_) => Ok(0),
        }
    }

    /// By its tasks.
    pub async fn kept_of(&self, spider: &SpiderId) -> Result<Kept> {
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

    /// Also of spiders that are gone, as long as a task of theirs is there.
    pub async fn kept_by_spider(&self) -> Result<HashMap<SpiderId, Kept>> {
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
}
