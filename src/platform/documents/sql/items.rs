use async_trait::async_trait;

use super::{SqlStore, search::Selection};
use crate::{
    error::Result,
    platform::{
        database::{Query, in_list},
        documents::{
            items::{Item, ItemFilter},
            store::Items,
        },
    },
};

/// What one step of a long read holds in memory, about.
const STEP_BYTES: i64 = 4 << 20;

#[async_trait]
impl Items for SqlStore {
    async fn items(&self, filter: &ItemFilter, before: Option<&str>, offset: i64, limit: i64) -> Result<Vec<Item>> {
        Selection::of(filter)
            .and("id <", before)
            .part(offset, limit)
            .query(&self.db, "SELECT * FROM items :where ORDER BY id DESC :part")
            .fetch_all()
            .await
    }

    async fn count_items(&self, filter: &ItemFilter) -> Result<i64> {
        let (total,) = Selection::of(filter).query(&self.db, "SELECT COUNT(*) FROM items :where").fetch_one().await?;
        Ok(total)
    }

    async fn last_item_id(&self, filter: &ItemFilter) -> Result<Option<String>> {
        let last: Option<(String,)> = Selection::of(filter)
            .part(0, 1)
            .query(&self.db, "SELECT id FROM items :where ORDER BY id DESC :part")
            .fetch_optional()
            .await?;
        Ok(last.map(|(id,)| id))
    }

    async fn items_after(&self, filter: &ItemFilter, after: Option<&str>, upto: &str, limit: i64) -> Result<Vec<Item>> {
        let mut after = after.map(str::to_owned);
        loop {
            let step = Selection::of(filter).and("id >", after.as_deref());
            let Some(last) = self.end_of_step(step.clone().and("id <=", Some(upto)), Way::Up, limit).await? else {
                return Ok(vec![]);
            };
            let items: Vec<Item> = step
                .and("id <=", Some(&last))
                .part(0, limit)
                .query(&self.db, "SELECT * FROM items :where ORDER BY id :part")
                .fetch_all()
                .await?;
            if !items.is_empty() {
                return Ok(items);
            }
            // Deleted in this very moment; more may stand behind.
            after = Some(last);
        }
    }

    async fn items_before(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        from: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Item>> {
        let mut before = before.map(str::to_owned);
        loop {
            let step = Selection::of(filter).and("id <", before.as_deref());
            let Some(last) = self.end_of_step(step.clone().and("id >=", from), Way::Down, limit).await? else {
                return Ok(vec![]);
            };
            let items: Vec<Item> = step
                .and("id >=", Some(&last))
                .part(0, limit)
                .query(&self.db, "SELECT * FROM items :where ORDER BY id DESC :part")
                .fetch_all()
                .await?;
            if !items.is_empty() {
                return Ok(items);
            }
            before = Some(last);
        }
    }

    async fn items_by_id(&self, ids: &[String]) -> Result<Vec<Item>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT * FROM items WHERE id IN ({})", in_list(1, ids.len()));
        ids.iter().fold(self.db.query_text(sql), Query::bind).fetch_all().await
    }
}

/// In which order of ids.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Up,
    Down,
}

impl SqlStore {
    /// The last item up to which a step of a long read fits into memory.
    pub(super) async fn end_of_step(&self, items: Selection, way: Way, limit: i64) -> Result<Option<String>> {
        let sql = match way {
            Way::Up => {
                "SELECT id, CAST(OCTET_LENGTH(CAST(data AS TEXT)) AS BIGINT) FROM items :where ORDER BY id :part"
            }
            Way::Down => {
                "SELECT id, CAST(OCTET_LENGTH(CAST(data AS TEXT)) AS BIGINT) FROM items :where ORDER BY id DESC :part"
            }
        };
        let sizes: Vec<(String, i64)> = items.part(0, limit).query(&self.db, sql).fetch_all().await?;
        Ok(end_of(sizes))
    }
}

/// The last of these up to which they fit into memory: the first fits in any case.
pub(super) fn end_of(sizes: Vec<(String, i64)>) -> Option<String> {
    let mut room = STEP_BYTES;
    let fitting = sizes.into_iter().take_while(|(_, size)| {
        let fits = room > 0;
        room -= size;
        fits
    });
    fitting.last().map(|(id, _)| id)
}
