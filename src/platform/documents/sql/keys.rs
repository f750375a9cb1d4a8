use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{SqlStore, batches::in_rows};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::{
        database::{Transaction, in_list, rows},
        documents::{
            items::{Item, NewItem},
            keys::KnownKey,
            store::Keys,
        },
    },
};

/// Of one transaction.
const STEP: i64 = 2000;

/// A key, and whether its present item is there.
#[derive(FromRow)]
struct Found {
    #[sqlx(flatten)]
    key: KnownKey,
    found_item: Option<String>,
}

/// Makes all that changes the scope's keys come one after the other.
pub(super) async fn take_turn(transaction: &mut Transaction, scope: &str) -> Result<()> {
    transaction.take_turn(&format!("keys of {scope}")).await
}

/// What is known of the items' keys.
pub(super) async fn known(
    transaction: &mut Transaction,
    scope: &str,
    items: &[NewItem],
) -> Result<Vec<(KnownKey, bool)>> {
    let mut keys: Vec<&str> = items.iter().filter_map(|item| item.key.as_ref()).map(|key| key.hash.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut known = Vec::new();
    for some in in_rows(&keys) {
        let sql = format!(
            "SELECT item_keys.*, items.id AS found_item
               FROM item_keys LEFT JOIN items ON items.id = item_keys.item_id
              WHERE item_keys.scope = $1 AND item_keys.item_key IN ({})",
            in_list(2, some.len())
        );
        let query = some.iter().fold(transaction.query_text(sql).bind(scope), |query, key| query.bind(*key));
        let found: Vec<Found> = query.fetch_all().await?;
        known.extend(found.into_iter().map(|Found { key, found_item }| (key, found_item.is_some())));
    }
    Ok(known)
}

/// Writes keys as they are now.
pub(super) async fn store(transaction: &mut Transaction, scope: &str, keys: &[KnownKey]) -> Result<()> {
    for some in in_rows(keys) {
        let mut query = transaction.query_text(format!(
            "INSERT INTO item_keys (scope, item_key, label, task_id, item_id, content, version, first_seen, last_seen,
                                    appeared_at, changed_at, gone_at)
             VALUES {}
             ON CONFLICT (scope, item_key) DO UPDATE
                SET label = excluded.label, task_id = excluded.task_id, item_id = excluded.item_id,
                    content = excluded.content, version = excluded.version, last_seen = excluded.last_seen,
                    appeared_at = excluded.appeared_at, changed_at = excluded.changed_at, gone_at = excluded.gone_at",
            rows(some.len(), 12)
        ));
        for key in some {
            query = query
                .bind(scope)
                .bind(&key.key)
                .bind(&key.label)
                .bind(&key.task_id)
                .bind(&key.item_id)
                .bind(&key.content)
                .bind(key.version)
                .bind(key.first_seen)
                .bind(key.last_seen)
                .bind(key.appeared_at)
                .bind(key.changed_at)
                .bind(key.gone_at);
        }
        query.execute().await?;
    }
    Ok(())
}

#[async_trait]
impl Keys for SqlStore {
    async fn changes_after(
        &self,
        spider_id: &SpiderId,
        (at, key): &(DateTime<Utc>, String),
        limit: i64,
    ) -> Result<Vec<KnownKey>> {
        self.db
            .query(
                "SELECT * FROM item_keys WHERE scope = $1 AND (changed_at, item_key) > ($2, $3)
                  ORDER BY changed_at, item_key LIMIT $4",
            )
            .bind(spider_id)
            .bind(at)
            .bind(key)
            .bind(limit)
            .fetch_all()
            .await
    }

    async fn mark_gone(&self, spider_id: &SpiderId, not_since: DateTime<Utc>) -> Result<i64> {
        let (mut marked, mut after) = (0, String::new());
        while let Some(end) = self.end_of_keys(spider_id, &after).await? {
            let mut transaction = self.db.begin().await?;
            take_turn(&mut transaction, spider_id.as_str()).await?;
            let now = self.clock.now();
            marked += transaction
                .query(
                    "UPDATE item_keys SET gone_at = $1, changed_at = $1
                      WHERE scope = $2 AND item_key > $3 AND item_key <= $4 AND last_seen < $5 AND gone_at IS NULL",
                )
                .bind(now)
                .bind(spider_id)
                .bind(&after)
                .bind(&end)
                .bind(not_since)
                .execute()
                .await?;
            transaction.commit().await?;
            after = end;
        }
        Ok(i64::try_from(marked).unwrap_or(i64::MAX))
    }

    async fn known_key(&self, spider_id: &SpiderId, key: &str) -> Result<Option<KnownKey>> {
        self.db
            .query("SELECT * FROM item_keys WHERE scope = $1 AND item_key = $2")
            .bind(spider_id)
            .bind(key)
            .fetch_optional()
            .await
    }

    async fn versions(&self, spider_id: &SpiderId, key: &str, before: Option<&str>, limit: i64) -> Result<Vec<Item>> {
        self.db
            .query(
                "SELECT * FROM items WHERE spider_id = $1 AND item_key = $2 AND ($3 IS NULL OR id < $3)
                  ORDER BY id DESC LIMIT $4",
            )
            .bind(spider_id)
            .bind(key)
            .bind(before)
            .bind(limit)
            .fetch_all()
            .await
    }
}

impl SqlStore {
    /// The last key of the next step behind `after`.
    async fn end_of_keys(&self, spider_id: &SpiderId, after: &str) -> Result<Option<String>> {
        let end: (Option<String>,) = self
            .db
            .query(
                "SELECT MAX(item_key) FROM (SELECT item_key FROM item_keys WHERE scope = $1 AND item_key > $2
                                             ORDER BY item_key LIMIT $3) AS step",
            )
            .bind(spider_id)
            .bind(after)
            .bind(STEP)
            .fetch_one()
            .await?;
        Ok(end.0)
    }

    /// Of keys that this task saw last go those whose present item is gone; the others are that item's task's from now on.
    /// The task's own items are gone already.
    pub(super) async fn leave_keys(&self, task: &TaskId) -> Result<()> {
        loop {
            let some: Vec<(String, String)> = self
                .db
                .query("SELECT scope, item_key FROM item_keys WHERE task_id = $1 LIMIT $2")
                .bind(task)
                .bind(STEP / 2)
                .fetch_all()
                .await?;
            let Some((scope, _)) = some.first() else { return Ok(()) };
            let keys: Vec<&str> = some.iter().filter(|row| row.0 == *scope).map(|(_, key)| key.as_str()).collect();
            let list = in_list(3, keys.len());
            let mut transaction = self.db.begin().await?;
            take_turn(&mut transaction, scope).await?;
            for sql in [
                format!(
                    "DELETE FROM item_keys WHERE task_id = $1 AND scope = $2 AND item_key IN ({list})
                        AND NOT EXISTS (SELECT 1 FROM items WHERE id = item_id AND items.task_id <> $1)"
                ),
                format!(
                    "UPDATE item_keys SET task_id = (SELECT items.task_id FROM items WHERE id = item_id)
                      WHERE task_id = $1 AND scope = $2 AND item_key IN ({list})"
                ),
            ] {
                let query = transaction.query_text(sql).bind(task).bind(scope);
                keys.iter().fold(query, |query, key| query.bind(*key)).execute().await?;
            }
            transaction.commit().await?;
        }
    }
}
