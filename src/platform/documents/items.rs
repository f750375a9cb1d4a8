use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::{
    Documents,
    json::{JsonText, StoredJson},
    search::Selection,
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::database::{Transaction, in_list},
};

/// How many rows one `INSERT` has. Few sizes, so that each connection soon has all of them prepared; two parameters
/// a row stay far below the 32,766 of `SQLite`.
const INSERT_ROWS: [usize; 4] = [500, 100, 10, 1];
/// `PostgreSQL` parses JSON by recursion and refuses what is deeper than its stack (some thousands of levels).
/// Nothing that people crawl comes near; one such item must not fail the batch it stands in.
const DEEPEST: usize = 1000;
/// What one step of a long read holds in memory, about.
const STEP_BYTES: i64 = 4 << 20;
/// Short transactions: on `SQLite` others wait for the only writer.
const DELETE_ROWS: i64 = 5000;

/// Items as they arrive.
#[derive(Debug)]
pub struct NewBatch {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub attempt: i64,
    /// The sender's number for it within the attempt; without one, each call counts.
    pub batch: Option<i64>,
    pub is_test: bool,
    pub items: Vec<Box<RawValue>>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub accepted: i64,
    pub duplicate: i64,
    pub rejected: i64,
    /// It was stored by an earlier call, which this one tells again: nothing was added.
    pub repeated: bool,
    /// Of the task, this batch included.
    pub totals: Counts,
}

/// Of one task, since it began. Deleting items does not change them: they say what the task did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Counts {
    pub received: i64,
    pub stored: i64,
    pub duplicate: i64,
    pub rejected: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct Item {
    pub id: String,
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub is_test: bool,
    /// To the letter as it was sent.
    #[sqlx(try_from = "StoredJson")]
    pub data: Box<RawValue>,
    pub created_at: DateTime<Utc>,
}

/// Which items; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    pub spider_id: Option<SpiderId>,
    pub task_id: Option<TaskId>,
    pub is_test: Option<bool>,
    /// Found anywhere in the JSON text, whatever its case.
    pub q: Option<String>,
}

#[derive(FromRow)]
struct TaskCounts {
    task_id: TaskId,
    #[sqlx(flatten)]
    counts: Counts,
}

impl Documents {
    /// Stores a batch and counts it, both or neither.
    pub async fn add_items(&self, batch: NewBatch) -> Result<Stored> {
        let received = count(batch.items.len());
        let items: Vec<&RawValue> =
            batch.items.iter().map(AsRef::as_ref).filter(|item| depth(item.get()) <= DEEPEST).collect();
        let accepted = count(items.len());
        let mut stored = Stored {
            accepted,
            duplicate: 0,
            rejected: received - accepted,
            repeated: false,
            totals: Counts { received, stored: accepted, duplicate: 0, rejected: received - accepted },
        };
        let mut transaction = self.db.begin().await?;
        if !claim_batch(&mut transaction, &batch).await? {
            stored.repeated = true;
            stored.totals = Counts::default();
        }
        // First the counts: their row is the task's lock, so that ids of one task are made in the order of commits.
        stored.totals = add_counts(&mut transaction, &batch, stored.totals).await?;
        if !stored.repeated {
            insert_items(&mut transaction, &batch, &items, self.clock.now()).await?;
        }
        transaction.commit().await?;
        Ok(stored)
    }

    /// A task that has sent nothing yet is left out.
    pub async fn counts(&self, task_ids: &[TaskId]) -> Result<HashMap<TaskId, Counts>> {
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

    /// Newest first. `before` is the id of the last item of the page above.
    pub async fn items(&self, filter: &ItemFilter, before: Option<&str>, offset: i64, limit: i64) -> Result<Vec<Item>> {
        Selection::of(filter)
            .and("id <", before)
            .part(offset, limit)
            .query(&self.db, "SELECT * FROM items :where ORDER BY id DESC :part")
            .fetch_all()
            .await
    }

    pub async fn count_items(&self, filter: &ItemFilter) -> Result<i64> {
        let (total,) = Selection::of(filter).query(&self.db, "SELECT COUNT(*) FROM items :where").fetch_one().await?;
        Ok(total)
    }

    /// The newest item there is: the end of a long read that must not run after what still arrives.
    pub async fn last_item_id(&self, filter: &ItemFilter) -> Result<Option<String>> {
        let last: Option<(String,)> = Selection::of(filter)
            .part(0, 1)
            .query(&self.db, "SELECT id FROM items :where ORDER BY id DESC :part")
            .fetch_optional()
            .await?;
        Ok(last.map(|(id,)| id))
    }

    /// The next step of a long read, oldest first: after the item `after`, up to and with the item `upto`. At most
    /// `limit` items, fewer where they are large; none only at the end.
    pub async fn items_after(
        &self,
        filter: &ItemFilter,
        after: Option<&str>,
        upto: &str,
        limit: i64,
    ) -> Result<Vec<Item>> {
        let mut after = after.map(str::to_owned);
        loop {
            let Some(last) = self.end_of_step(filter, after.as_deref(), upto, limit).await? else { return Ok(vec![]) };
            let items: Vec<Item> = Selection::of(filter)
                .and("id >", after.as_deref())
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

    /// The last item up to which a step of a long read fits into memory.
    async fn end_of_step(
        &self,
        filter: &ItemFilter,
        after: Option<&str>,
        upto: &str,
        limit: i64,
    ) -> Result<Option<String>> {
        let sizes: Vec<(String, i64)> = Selection::of(filter)
            .and("id >", after)
            .and("id <=", Some(upto))
            .part(0, limit)
            .query(
                &self.db,
                "SELECT id, CAST(OCTET_LENGTH(CAST(data AS TEXT)) AS BIGINT) FROM items :where ORDER BY id :part",
            )
            .fetch_all()
            .await?;
        let mut room = STEP_BYTES;
        let fitting = sizes.into_iter().take_while(|(_, size)| {
            let fits = room > 0;
            room -= size;
            fits
        });
        Ok(fitting.last().map(|(id, _)| id))
    }

    /// Removes the items that there are now, and says how many. Counts and batch numbers stay: the one tells what a
    /// task did, the other keeps a late repetition from bringing items back.
    pub async fn delete_items(&self, filter: &ItemFilter) -> Result<i64> {
        let Some(last) = self.last_item_id(filter).await? else { return Ok(0) };
        let mut deleted = 0;
        loop {
            let some = Selection::of(filter)
                .and("id <=", Some(&last))
                .part(0, DELETE_ROWS)
                .query(&self.db, "DELETE FROM items WHERE id IN (SELECT id FROM items :where ORDER BY id :part)")
                .execute()
                .await?;
            if some == 0 {
                return Ok(deleted);
            }
            deleted += i64::try_from(some).unwrap_or(i64::MAX);
        }
    }

    /// Removes all that there is of a task: items, counts, batch numbers, lines.
    pub async fn forget_task(&self, task_id: &TaskId) -> Result<()> {
        self.delete_items(&ItemFilter { task_id: Some(task_id.clone()), ..ItemFilter::default() }).await?;
        self.delete_logs(task_id).await?;
        let mut transaction = self.db.begin().await?;
        transaction.query("DELETE FROM item_batches WHERE task_id = $1").bind(task_id).execute().await?;
        transaction.query("DELETE FROM item_counts WHERE task_id = $1").bind(task_id).execute().await?;
        transaction.commit().await
    }
}

/// Whether the batch is new.
async fn claim_batch(transaction: &mut Transaction, batch: &NewBatch) -> Result<bool> {
    let Some(number) = batch.batch else { return Ok(true) };
    let claimed = transaction
        .query("INSERT INTO item_batches (task_id, attempt, batch) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(&batch.task_id)
        .bind(batch.attempt)
        .bind(number)
        .execute()
        .await?;
    Ok(claimed > 0)
}

async fn add_counts(transaction: &mut Transaction, batch: &NewBatch, added: Counts) -> Result<Counts> {
    transaction
        .query(
            "INSERT INTO item_counts (task_id, spider_id, received, stored, duplicate, rejected)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (task_id) DO UPDATE
                SET received = item_counts.received + excluded.received,
                    stored = item_counts.stored + excluded.stored,
                    duplicate = item_counts.duplicate + excluded.duplicate,
                    rejected = item_counts.rejected + excluded.rejected
             RETURNING received, stored, duplicate, rejected",
        )
        .bind(&batch.task_id)
        .bind(&batch.spider_id)
        .bind(added.received)
        .bind(added.stored)
        .bind(added.duplicate)
        .bind(added.rejected)
        .fetch_one()
        .await
}

async fn insert_items(
    transaction: &mut Transaction,
    batch: &NewBatch,
    mut items: &[&RawValue],
    now: DateTime<Utc>,
) -> Result<()> {
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

/// How deep lists and objects stand in each other in a valid JSON text.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
