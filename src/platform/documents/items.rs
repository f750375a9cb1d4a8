//! Items: what spiders bring back, in batches.

use std::{collections::BTreeSet, fmt::Write};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::{
    Documents,
    catalogue::Catalogue,
    keys::{DedupPolicy, Key},
    quarantine::Refused,
    sql::StoredJson,
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// `PostgreSQL` parses JSON by recursion and refuses what is deeper than its stack (some thousands of levels).
/// Nothing that people crawl comes near; one such item must not fail the batch it stands in.
const DEEPEST: usize = 1000;

/// Items as they arrive.
#[derive(Debug, Clone)]
pub struct NewBatch {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub attempt: i64,
    /// The sender's number for it within the attempt; without one, each call counts.
    pub batch: Option<i64>,
    pub is_test: bool,
    /// When they came, where that is not now: they are brought from elsewhere.
    pub came_at: Option<DateTime<Utc>>,
    /// What becomes of items that have a key; without one all are stored.
    pub dedup: Option<DedupPolicy>,
    pub items: Vec<NewItem>,
    /// What goes to quarantine.
    pub refused: Vec<Refused>,
}

/// An item, and what it is known by where its spider tells items apart.
#[derive(Debug, Clone)]
pub struct NewItem {
    pub data: Box<RawValue>,
    pub key: Option<Key>,
    /// When it came, where that is not now: it was in quarantine since.
    pub came_at: Option<DateTime<Utc>>,
}

impl From<Box<RawValue>> for NewItem {
    fn from(data: Box<RawValue>) -> Self {
        Self { data, key: None, came_at: None }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub accepted: i64,
    pub duplicate: i64,
    pub rejected: i64,
    /// Why the first of those was rejected; not told again.
    pub reason: Option<String>,
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
    /// Stores a batch and counts it, both or neither. What is nested too deep goes to quarantine.
    pub async fn add_items(&self, mut batch: NewBatch) -> Result<Stored> {
        self.check_room()?;
        let (items, deep) = batch.items.into_iter().partition(|item| !is_too_deep(&item.data));
        batch.items = items;
        let deep: Vec<NewItem> = deep;
        let reason = || format!("nested deeper than {DEEPEST} levels");
        batch.refused.extend(deep.into_iter().map(|item| Refused { data: item.data, reason: reason() }));
        let mut fields = Catalogue::default();
        batch.items.iter().for_each(|item| fields.add(&item.data));
        let reason = batch.refused.first().map(|refused| refused.reason.clone());
        let stored = self.store_items(batch, &fields).await?;
        Ok(Stored { reason: reason.filter(|_| !stored.repeated).or(stored.reason), ..stored })
    }
}

/// Whether no home could be sure to take it.
pub(super) fn is_too_deep(item: &RawValue) -> bool {
    depth(item.get()) > DEEPEST
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
