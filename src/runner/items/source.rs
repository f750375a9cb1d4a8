//! A source of items, batch by batch.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::csv_rows::CsvRows;
use super::elements::Elements;
use super::json_lines::JsonLines;
use crate::platform::files::hash_of;

/// So many items, or so many bytes, are one batch.
const BATCH_ITEMS: usize = 500;
const BATCH_BYTES: usize = 1024 * 1024;
/// So long nothing is looked for at once.
const BATCH_TIME: Duration = Duration::from_millis(200);

/// What a reader of items came upon.
pub(super) enum Found {
    Item(Box<RawValue>),
    /// This one cannot be taken; the next may.
    Refused(String),
    /// Nothing after this can be read.
    Broken(String),
    /// Not yet: it takes long.
    Nothing,
    /// No more, or no more for now.
    End,
}

/// Where items are read from, in order.
pub(super) enum Reader {
    Lines(JsonLines),
    Elements(Elements),
    Rows(Box<CsvRows>),
}

impl Reader {
    pub(super) fn next(&mut self) -> Found {
        match self {
            Self::Lines(reader) => reader.next(),
            Self::Elements(reader) => reader.next(),
            Self::Rows(reader) => reader.next(),
        }
    }
}

/// A reader and how far it got.
pub(super) struct Source {
    /// As people know it: `output/items.jsonl`.
    name: String,
    pub(super) reader: Reader,
    /// How many items were taken, by which batches have their numbers.
    taken: usize,
    /// What it says of itself comes once.
    is_broken: bool,
}

#[derive(Default)]
pub(super) struct Batch {
    pub(super) number: i64,
    pub(super) items: Vec<Box<RawValue>>,
    pub(super) refused: Vec<String>,
    pub(super) broken: Option<String>,
    /// There is no more for now.
    pub(super) is_end: bool,
}

impl Source {
    pub(super) fn new(name: impl Into<String>, reader: Reader) -> Self {
        Self { name: name.into(), reader, taken: 0, is_broken: false }
    }

    pub(super) fn batch(&mut self) -> Batch {
        let mut batch = Batch { number: batch_number(&self.name, self.taken), ..Batch::default() };
        let (mut bytes, begun) = (0, Instant::now());
        while !self.is_broken
            && batch.items.len() < BATCH_ITEMS
            && bytes < BATCH_BYTES
            && batch.refused.len() < BATCH_ITEMS
        {
            match self.reader.next() {
                Found::Item(item) => {
                    bytes += item.get().len();
                    batch.items.push(item);
                }
                Found::Refused(reason) => batch.refused.push(format!("{} {reason}", self.name)),
                Found::Broken(reason) => {
                    self.is_broken = true;
                    batch.broken = Some(format!("{} {reason}", self.name));
                }
                Found::Nothing if begun.elapsed() < BATCH_TIME => {}
                Found::Nothing => break,
                Found::End => {
                    batch.is_end = true;
                    break;
                }
            }
        }
        batch.is_end |= self.is_broken;
        self.taken += batch.items.len();
        batch
    }
}

/// Negative, so never one of the SDK's; the same for the same place of the same source.
fn batch_number(name: &str, taken: usize) -> i64 {
    let hash = hash_of(format!("{taken} {name}").as_bytes());
    let bits = i64::from_str_radix(&hash[..13], 16).unwrap_or_default();
    -1 - bits
}
