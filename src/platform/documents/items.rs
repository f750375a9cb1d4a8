//! Items: what spiders bring back, in batches.

use std::{collections::BTreeSet, fmt::Write};

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
    /// When they came, where that is not now: they are brought from elsewhere.
    pub came_at: Option<DateTime<Utc>>,
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

/// The ways in which a text can stand in a JSON text: as it is, as the inside of a string, and as the inside of one in
/// which all but ASCII is escaped (Python's habit). ASCII is in lower case; of other letters both cases are among them, as
/// not every engine can change these.
#[derive(Debug, Clone)]
pub(super) struct Spellings(BTreeSet<String>);

impl Spellings {
    pub(super) fn of(q: &str) -> Self {
        let mut forms = BTreeSet::new();
        for text in [q.to_owned(), q.to_lowercase()] {
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            let inside = &quoted[1..quoted.len() - 1];
            let mut ascii = String::new();
            for char in inside.chars() {
                if char.is_ascii() {
                    ascii.push(char);
                } else {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        // Writing to a string cannot fail.
                        let _ = write!(ascii, "\\u{unit:04x}");
                    }
                }
            }
            forms.extend([text.clone(), inside.to_owned(), ascii].map(|form| form.to_ascii_lowercase()));
        }
        Self(forms)
    }

    /// Whether one of them is found in the JSON text.
    pub(super) fn stand_in(&self, json: &str) -> bool {
        let lower = json.to_lowercase();
        self.0.iter().any(|form| lower.contains(form.as_str()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Documents {
    /// Stores a batch and counts it, both or neither. What is nested too deep is rejected.
    pub async fn add_items(&self, mut batch: NewBatch) -> Result<Stored> {
        self.check_room()?;
        let received = batch.items.len();
        batch.items.retain(|item| depth(item.get()) <= DEEPEST);
        let rejected = received - batch.items.len();
        self.store_items(batch, count(rejected)).await
    }
}

/// How deep lists and objects stand in each other in a valid JSON text.
pub(super) fn depth(json: &str) -> usize {
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
