//! Items: what spiders bring back, in batches.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::{Documents, sql::StoredJson};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// `PostgreSQL` parses JSON by recursion and refuses what is deeper than its stack (some thousands of levels).
/// Nothing that people crawl comes near; one such item must not fail the batch it stands in.
const DEEPEST: usize = 1000;

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
    /// The id of the newest item that counts: what arrived later is left out.
    pub upto: Option<String>,
}

impl Documents {
    /// Stores a batch and counts it, both or neither. What is nested too deep is rejected.
    pub async fn add_items(&self, mut batch: NewBatch) -> Result<Stored> {
        self.disk.check_room()?;
        let received = batch.items.len();
        batch.items.retain(|item| depth(item.get()) <= DEEPEST);
        let rejected = received - batch.items.len();
        self.store_items(batch, count(rejected)).await
    }
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

pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
