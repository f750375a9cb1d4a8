//! Items as they arrive, and the counts that change with them.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rand::RngExt;
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::{SqlStore, fences, json::JsonText};
use crate::{
    error::Result,
    id::TaskId,
    platform::{
        database::{Transaction, in_list},
        documents::{
            items::{Counts, NewBatch, Stored, count},
            store::Batches,
        },
    },
};

/// How many rows one `INSERT` has. Few sizes, so that each connection soon has all of them prepared; two parameters
/// a row stay far below the 32,766 of `SQLite`.
const INSERT_ROWS: [usize; 4] = [500, 100, 10, 1];
/// Where batches without a number get one: beyond all that senders give.
const UNNUMBERED: std::ops::Range<i64> = i64::MIN..i64::MIN / 2;

#[derive(FromRow)]
struct TaskCounts {
    task_id: TaskId,
    #[sqlx(flatten)]
    counts: Counts,
}

#[async_trait]
impl Batches for SqlStore {
    async fn store_items(&self, batch: NewBatch, rejected: i64) -> Result<Stored> {
        let accepted = count(batch.items.len());
        let mut stored = Stored {
            accepted,
            duplicate: 0,
            rejected,
            repeated: false,
            totals: Counts { received: accepted + rejected, stored: accepted, duplicate: 0, rejected },
        };
        let mut transaction = self.db.begin().await?;
        fences::pass(&mut transaction, &batch.task_id, batch.attempt).await?;
        if !claim_batch(&mut transaction, &batch).await? {
            stored.repeated = true;
            stored.totals = Counts::default();
        }
        // First the counts: their row is the task's lock, so that ids of one task are made in the order of commits.
        let bytes = if stored.repeated { 0 } else { batch.items.iter().map(|item| item.get().len()).sum() };
        stored.totals = add_counts(&mut transaction, &batch, stored.totals, count(bytes)).await?;
        if !stored.repeated {
            insert_items(&mut transaction, &batch, self.clock.now()).await?;
        }
        transaction.commit().await?;
        Ok(stored)
    }

    async fn has_batch_of(&self, task_id: &TaskId, attempt: i64) -> Result<bool> {
        let found: Option<(i64,)> = self
            .db
            .query("SELECT batch FROM item_batches WHERE task_id = $1 AND attempt = $2 LIMIT 1")
            .bind(task_id)
            .bind(attempt)
            .fetch_optional()
            .await?;
        Ok(found.is_some())
    }

    async fn counts(&self, task_ids: &[TaskId]) -> Result<HashMap<TaskId, Counts>> {
        let mut counts = HashMap::with_capacity(task_ids.len());
        for some in task_ids.chunks(500) {
            let mut query = self.db.query_text(format!(
                "SELECT task_id, received, stored, duplicate, rejected FROM item_counts WHERE task_id IN ({})",
                in_list(1, some.len()),
            ));
            for task_id in some {
                query = query.bind(task_id);
            }
            counts.extend(query.fetch_all::<TaskCounts>().await?.into_iter().map(|row| (row.task_id, row.counts)));
        }
        Ok(counts)
    }
}

/// Whether the batch is new.
async fn claim_batch(transaction: &mut Transaction, batch: &NewBatch) -> Result<bool> {
    let number = batch.batch.unwrap_or_else(|| rand::rng().random_range(UNNUMBERED));
    let claimed = transaction
        .query("INSERT INTO item_batches (task_id, attempt, batch) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(&batch.task_id)
        .bind(batch.attempt)
        .bind(number)
        .execute()
        .await?;
    Ok(claimed > 0)
}

async fn add_counts(transaction: &mut Transaction, batch: &NewBatch, added: Counts, bytes: i64) -> Result<Counts> {
    transaction
        .query(
            "INSERT INTO item_counts
                    (task_id, spider_id, received, stored, duplicate, rejected, item_bytes, items_kept, is_test)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (task_id) DO UPDATE
                SET received = item_counts.received + excluded.received,
                    stored = item_counts.stored + excluded.stored,
                    duplicate = item_counts.duplicate + excluded.duplicate,
                    rejected = item_counts.rejected + excluded.rejected,
                    item_bytes = item_counts.item_bytes + excluded.item_bytes,
                    items_kept = item_counts.items_kept + excluded.items_kept,
                    is_test = excluded.is_test
             RETURNING received, stored, duplicate, rejected",
        )
        .bind(&batch.task_id)
        .bind(&batch.spider_id)
        .bind(added.received)
        .bind(added.stored)
        .bind(added.duplicate)
        .bind(added.rejected)
        .bind(bytes)
        .bind(added.stored)
        .bind(batch.is_test)
        .fetch_one()
        .await
}

async fn insert_items(transaction: &mut Transaction, batch: &NewBatch, now: DateTime<Utc>) -> Result<()> {
    let mut items: &[Box<RawValue>] = &batch.items;
    while !items.is_empty() {
        let size = INSERT_ROWS.into_iter().find(|size| *size <= items.len()).unwrap_or(1);
        let (some, rest) = items.split_at(size);
        let mut query = transaction
            .query_text(insert_text(size))
            .bind(&batch.task_id)
            .bind(&batch.spider_id)
            .bind(batch.is_test)
            .bind(now);
        for item in some {
            query = query.bind(crate::id::new()).bind(JsonText(item));
        }
        query.execute().await?;
        items = rest;
    }
    Ok(())
}

fn insert_text(rows: usize) -> String {
    let rows: Vec<String> =
        (0..rows).map(|row| format!("(${}, $1, $2, $3, ${}, $4)", row * 2 + 5, row * 2 + 6)).collect();
    format!("INSERT INTO items (id, task_id, spider_id, is_test, data, created_at) VALUES {}", rows.join(", "))
}
