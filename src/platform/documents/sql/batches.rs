//! Items as they arrive, and the counts that change with them.

use std::{
    collections::{BTreeMap, HashMap},
    ops::AddAssign,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rand::RngExt;
use sqlx::FromRow;

use super::{SqlStore, catalogues, fences, json::JsonText, keys, quarantine, removal};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::{
        database::{Query, Transaction, in_list, rows},
        documents::{
            catalogue::Catalogue,
            items::{Counts, NewBatch, NewItem, Stored, count},
            keys::{Admitted, Decided, DedupPolicy, scope_of},
            store::Batches,
        },
    },
};

/// How many rows one `INSERT` has. Few sizes, so that each connection soon has all of them prepared; a dozen parameters
/// a row stay below the 32,766 of `SQLite`.
const INSERT_ROWS: [usize; 4] = [500, 100, 10, 1];
/// Where batches without a number get one: beyond all that senders give.
const UNNUMBERED: std::ops::Range<i64> = i64::MIN..i64::MIN / 2;

#[derive(FromRow)]
struct TaskCounts {
    task_id: TaskId,
    #[sqlx(flatten)]
    counts: Counts,
}

/// Items of one task that are to be stored.
pub(super) struct Arrival<'a> {
    pub task_id: &'a TaskId,
    pub spider_id: &'a SpiderId,
    pub is_test: bool,
    /// As of [`NewBatch`].
    pub came_at: Option<DateTime<Utc>>,
    pub dedup: Option<DedupPolicy>,
    pub items: Vec<NewItem>,
    pub fields: &'a Catalogue,
    /// What is counted with them, and the bytes that are kept or given up beside them.
    pub beside: (Counts, i64),
}

/// What a task keeps no longer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Freed {
    items: i64,
    bytes: i64,
}

impl Freed {
    pub(super) fn item(bytes: i64) -> Self {
        Self { items: 1, bytes }
    }

    /// In quarantine it is no item.
    pub(super) fn refused(bytes: i64) -> Self {
        Self { items: 0, bytes }
    }
}

impl AddAssign for Freed {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
    }
}

/// What became of them, and the task's counts then.
pub(super) struct Arrived {
    pub stored: i64,
    pub duplicate: i64,
    pub totals: Counts,
}

#[async_trait]
impl Batches for SqlStore {
    async fn store_items(&self, batch: NewBatch, fields: &Catalogue) -> Result<Stored> {
        let NewBatch { task_id, spider_id, attempt, batch, is_test, came_at, dedup, items, refused } = batch;
        let (task_id, spider_id) = (&task_id, &spider_id);
        let mut transaction = self.db.begin().await?;
        // Batches of one task come one after the other from here on.
        fences::pass(&mut transaction, task_id, attempt).await?;
        if let Some(former) = former_answer(&mut transaction, task_id, attempt, batch).await? {
            let totals = add_counts(&mut transaction, (task_id, spider_id, is_test), Counts::default(), 0).await?;
            transaction.commit().await?;
            return Ok(Stored { totals, ..former });
        }
        let rejected = count(refused.len());
        let received = count(items.len()) + rejected;
        let bytes = refused.iter().map(|refused| refused.data.get().len()).sum();
        let beside = (Counts { received, rejected, ..Counts::default() }, count(bytes));
        let arrival = Arrival { task_id, spider_id, is_test, came_at, dedup, items, fields, beside };
        let Arrived { stored, duplicate, totals } = self.take_in(&mut transaction, arrival).await?;
        quarantine::insert(&mut transaction, (task_id, spider_id, is_test), &refused, self.clock.now()).await?;
        let answer = Stored { accepted: stored, duplicate, rejected, reason: None, repeated: false, totals };
        note_batch(&mut transaction, task_id, attempt, batch, &answer).await?;
        transaction.commit().await?;
        Ok(answer)
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

impl SqlStore {
    /// Stores items, and all that changes with them.
    ///
    /// Transactions take their locks in this order, so that none waits for another in a circle: the task's fence, the
    /// turn of the keys' scope, the turn of removals, the rows that count.
    pub(super) async fn take_in(&self, transaction: &mut Transaction, arrival: Arrival<'_>) -> Result<Arrived> {
        let Arrival { task_id, spider_id, is_test, came_at, dedup, items, fields, beside: (beside, bytes_beside) } =
            arrival;
        let origin = (task_id, spider_id, is_test);
        let mut counted = beside;
        let (decided, now, totals) = if let Some(policy) = dedup {
            let scope = scope_of(spider_id, task_id, is_test);
            keys::take_turn(transaction, scope).await?;
            let known = keys::known(transaction, scope, &items).await?;
            // Not before it is our turn: within a scope later changes have later times.
            let now = self.clock.now();
            let decided = Decided::of(policy, items, known, task_id, now);
            let freed = remove_replaced(transaction, &decided.replaced).await?;
            keys::store(transaction, scope, &decided.keys).await?;
            (counted.stored, counted.duplicate) =
                (counted.stored + count(decided.items.len()), counted.duplicate + decided.duplicate);
            let bytes = bytes_beside + size_of(&decided.items);
            let totals = add_counts(transaction, origin, counted, bytes).await?;
            free(transaction, &freed).await?;
            (decided, now, totals)
        } else {
            counted.stored += count(items.len());
            let bytes: usize = items.iter().map(|item| item.data.get().len()).sum();
            // First the counts: their row is the task's lock, so that ids of one task are made in the order of commits.
            let totals = add_counts(transaction, origin, counted, bytes_beside + count(bytes)).await?;
            (Decided::all(items), came_at.unwrap_or_else(|| self.clock.now()), totals)
        };
        insert_items(transaction, origin, &decided.items, now).await?;
        catalogues::add(transaction, origin, fields).await?;
        Ok(Arrived { stored: count(decided.items.len()), duplicate: decided.duplicate, totals })
    }
}

/// What the batch was answered with, where it is known.
async fn former_answer(
    transaction: &mut Transaction,
    task_id: &TaskId,
    attempt: i64,
    batch: Option<i64>,
) -> Result<Option<Stored>> {
    let Some(number) = batch else { return Ok(None) };
    let former: Option<(i64, i64, i64)> = transaction
        .query(
            "SELECT accepted, duplicate, rejected FROM item_batches WHERE task_id = $1 AND attempt = $2 AND batch = $3",
        )
        .bind(task_id)
        .bind(attempt)
        .bind(number)
        .fetch_optional()
        .await?;
    Ok(former.map(|(accepted, duplicate, rejected)| Stored {
        accepted,
        duplicate,
        rejected,
        reason: None,
        repeated: true,
        totals: Counts::default(),
    }))
}

async fn note_batch(
    transaction: &mut Transaction,
    task_id: &TaskId,
    attempt: i64,
    batch: Option<i64>,
    answer: &Stored,
) -> Result<()> {
    let number = batch.unwrap_or_else(|| rand::rng().random_range(UNNUMBERED));
    transaction
        .query(
            "INSERT INTO item_batches (task_id, attempt, batch, accepted, duplicate, rejected)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(task_id)
        .bind(attempt)
        .bind(number)
        .bind(answer.accepted)
        .bind(answer.duplicate)
        .bind(answer.rejected)
        .execute()
        .await
        .map(drop)
}

async fn add_counts(
    transaction: &mut Transaction,
    (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
    added: Counts,
    bytes: i64,
) -> Result<Counts> {
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
        .bind(task_id)
        .bind(spider_id)
        .bind(added.received)
        .bind(added.stored)
        .bind(added.duplicate)
        .bind(added.rejected)
        .bind(bytes)
        .bind(added.stored)
        .bind(is_test)
        .fetch_one()
        .await
}

/// Takes what is gone off what tasks keep.
pub(super) async fn free(transaction: &mut Transaction, freed: &BTreeMap<TaskId, Freed>) -> Result<()> {
    for (task, Freed { items, bytes }) in freed {
        transaction
            .query(
                "UPDATE item_counts
                    SET items_kept = items_kept - $1, items_altered = items_altered + $1, item_bytes = item_bytes - $2
                  WHERE task_id = $3",
            )
            .bind(items)
            .bind(bytes)
            .bind(task)
            .execute()
            .await?;
    }
    Ok(())
}

/// Removes items whose place is taken; what their tasks keep no longer.
async fn remove_replaced(transaction: &mut Transaction, ids: &[String]) -> Result<BTreeMap<TaskId, Freed>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut all = Vec::with_capacity(ids.len());
    transaction.take_turn(removal::TURN).await?;
    for some in in_rows(ids) {
        let sql = format!(
            "DELETE FROM items WHERE id IN ({}) RETURNING task_id, CAST(OCTET_LENGTH(CAST(data AS TEXT)) AS BIGINT)",
            in_list(1, some.len())
        );
        let removed: Vec<(TaskId, i64)> =
            some.iter().fold(transaction.query_text(sql), Query::bind).fetch_all().await?;
        all.extend(removed);
    }
    Ok(removal::sums(all, Freed::item))
}

fn size_of(items: &[Admitted]) -> i64 {
    count(items.iter().map(|item| item.data.get().len()).sum())
}

/// Steps of the sizes that statements are prepared for.
pub(super) fn in_rows<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = INSERT_ROWS.into_iter().find(|size| *size <= rows.len())?;
        let (some, rest) = rows.split_at(size);
        rows = rest;
        Some(some)
    })
}

async fn insert_items(
    transaction: &mut Transaction,
    (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
    items: &[Admitted],
    now: DateTime<Utc>,
) -> Result<()> {
    for some in in_rows(items) {
        // Each parameter once and in order, also what all rows have in common: SQLite is slow else.
        let mut query = transaction.query_text(format!(
            "INSERT INTO items (id, task_id, spider_id, is_test, data, created_at, item_key) VALUES {}",
            rows(some.len(), 7)
        ));
        for item in some {
            query = query
                .bind(&item.id)
                .bind(task_id)
                .bind(spider_id)
                .bind(is_test)
                .bind(JsonText(&item.data))
                .bind(now)
                .bind(&item.key);
        }
        query.execute().await?;
    }
    Ok(())
}
