//! The items of an attempt: followed in files while the spider runs, gathered from all places when it has ended.

mod csv_rows;
mod elements;
mod files;
mod json_lines;
mod spool;
mod stdout;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::output::StdoutCopy;
use super::report::{Report, Reporter};
use super::workdir::blocking;
use crate::platform::files::hash_of;
use csv_rows::CsvRows;
use elements::Elements;
use files::{ItemFile, Kind};
use json_lines::JsonLines;

/// Followed so often while the spider runs.
const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// So many items, or so many bytes, are one batch.
const BATCH_ITEMS: usize = 500;
const BATCH_BYTES: usize = 1024 * 1024;
/// Of refused items, so many are named in the log.
const NAMED_REFUSALS: i64 = 20;

/// What a reader of items came upon.
enum Found {
    Item(Box<RawValue>),
    /// This one cannot be taken; the next may.
    Refused(String),
    /// Nothing after this can be read.
    Broken(String),
    /// No more, or no more for now.
    End,
}

/// Where items are read from, in order.
enum Reader {
    Lines(JsonLines),
    Elements(Elements),
    Rows(Box<CsvRows>),
}

impl Reader {
    fn next(&mut self) -> Found {
        match self {
            Self::Lines(reader) => reader.next(),
            Self::Elements(reader) => reader.next(),
            Self::Rows(reader) => reader.next(),
        }
    }
}

/// A reader and how far it got.
struct Source {
    /// As people know it: `output/items.jsonl`.
    name: String,
    reader: Reader,
    /// How many items were taken, by which batches have their numbers.
    taken: usize,
    /// What it says of itself comes once.
    is_broken: bool,
}

#[derive(Default)]
struct Batch {
    number: i64,
    items: Vec<Box<RawValue>>,
    refused: Vec<String>,
    broken: Option<String>,
}

impl Source {
    fn new(name: impl Into<String>, reader: Reader) -> Self {
        Self { name: name.into(), reader, taken: 0, is_broken: false }
    }

    fn batch(&mut self) -> Batch {
        let mut batch = Batch { number: batch_number(&self.name, self.taken), ..Batch::default() };
        let mut bytes = 0;
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
                Found::End => break,
            }
        }
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

/// Finds the items of an attempt and delivers them.
pub(super) struct Items<'a, R> {
    reporter: &'a Reporter<'a, R>,
    output: PathBuf,
    max_item_bytes: usize,
    followed: HashMap<PathBuf, Source>,
    /// Delivered here; the SDK delivers by itself.
    delivered: usize,
    undelivered: i64,
    /// The first thing that went wrong, in one sentence.
    problem: Option<String>,
}

/// Where else items may be, once the spider has ended.
pub(super) struct Leftovers<'a> {
    pub(super) spool: PathBuf,
    pub(super) result_file: PathBuf,
    pub(super) stdout: Option<&'a StdoutCopy>,
    pub(super) has_succeeded: bool,
}

impl<'a, R: Report> Items<'a, R> {
    pub(super) fn new(reporter: &'a Reporter<'a, R>, output: PathBuf, max_item_bytes: usize) -> Self {
        let (followed, delivered, undelivered, problem) = (HashMap::new(), 0, 0, None);
        Self { reporter, output, max_item_bytes, followed, delivered, undelivered, problem }
    }

    pub(super) fn undelivered(&self) -> i64 {
        self.undelivered
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Takes what `.jsonl` files gain, until the spider has ended.
    pub(super) async fn follow(&mut self, ended: &CancellationToken) {
        while ended.run_until_cancelled(tokio::time::sleep(FOLLOW_EVERY)).await.is_some() {
            self.take_lines(false).await;
        }
    }

    /// Takes what is left, in files and wherever else items may be.
    pub(super) async fn finish(&mut self, leftovers: Leftovers<'_>) {
        if self.reporter.trouble().is_some() {
            return;
        }
        self.take_lines(true).await;
        let list = self.list().await;
        if list.len() == files::MOST_FILES {
            self.note_problem(format!("output has more than {} files of items", list.len())).await;
        }
        for file in list {
            let limit = self.max_item_bytes;
            let reader = match file.kind {
                Kind::JsonLines => continue,
                Kind::Json => Elements::open(&file.path, limit).map(Reader::Elements),
                Kind::Csv => CsvRows::open(&file.path, limit).map(|rows| Reader::Rows(Box::new(rows))),
            };
            match reader {
                Ok(reader) => drop(self.deliver(Source::new(file.name, reader)).await),
                Err(error) => self.note_problem(format!("{} cannot be read: {error}", file.name)).await,
            }
        }
        self.take_spool(leftovers.spool).await;
        if self.delivered == 0 && self.problem.is_none() && self.reporter.delivered().await == Some(0) {
            self.take_what_was_returned(&leftovers.result_file, leftovers.stdout, leftovers.has_succeeded).await;
        }
    }

    async fn take_lines(&mut self, is_last: bool) {
        for file in self.list().await {
            if !matches!(file.kind, Kind::JsonLines) {
                continue;
            }
            let limit = self.max_item_bytes;
            let mut source = self
                .followed
                .remove(&file.path)
                .unwrap_or_else(|| Source::new(file.name, Reader::Lines(JsonLines::new(file.path.clone(), limit))));
            if let Reader::Lines(lines) = &mut source.reader {
                lines.look(is_last);
            }
            if let Some(source) = self.deliver(source).await {
                self.followed.insert(file.path, source);
            }
        }
    }

    async fn list(&mut self) -> Vec<ItemFile> {
        let folder = self.output.clone();
        blocking(move || files::list(&folder)).await.unwrap_or_default()
    }

    /// Until the source has no more for now. Gives it back, or nothing where reporting has failed.
    async fn deliver(&mut self, mut source: Source) -> Option<Source> {
        loop {
            let read = blocking(move || {
                let batch = source.batch();
                Ok((source, batch))
            });
            let batch;
            (source, batch) = read.await.ok()?;
            for reason in &batch.refused {
                self.note_refused(reason).await;
            }
            if let Some(reason) = batch.broken {
                self.note_problem(reason).await;
            }
            if batch.items.is_empty() {
                if batch.refused.is_empty() {
                    return Some(source);
                }
                continue;
            }
            if !self.report(batch.number, &batch.items).await {
                return None;
            }
        }
    }

    async fn report(&mut self, number: i64, items: &[Box<RawValue>]) -> bool {
        let has_kept = self.reporter.items(number, items).await;
        if has_kept {
            self.delivered += items.len();
        } else {
            self.undelivered += i64::try_from(items.len()).unwrap_or(i64::MAX);
        }
        has_kept
    }

    async fn note_refused(&mut self, reason: &str) {
        self.undelivered += 1;
        if self.undelivered <= NAMED_REFUSALS {
            self.reporter.say(format!("item not taken: {reason}")).await;
        }
        self.problem.get_or_insert_with(|| reason.to_owned());
    }

    async fn note_problem(&mut self, reason: String) {
        self.reporter.say(format!("items not taken: {reason}")).await;
        self.problem.get_or_insert(reason);
    }

    /// Batches that the SDK could not send, with the numbers it gave them.
    pub(super) async fn take_spool(&mut self, folder: PathBuf) {
        let found = blocking(move || spool::list(&folder)).await.unwrap_or_default();
        for path in found.unsent {
            match blocking(move || Ok(spool::read(&path))).await {
                Ok(Ok((number, items))) => drop(self.report(number, &items).await),
                Ok(Err(reason)) => self.note_problem(reason).await,
                Err(_) => return,
            }
        }
        if !found.rejected.is_empty() {
            let rejected = blocking(move || Ok(spool::count(&found.rejected))).await.unwrap_or_default();
            self.undelivered += rejected;
            self.note_problem(format!("the server refused {rejected} items of the SDK")).await;
        }
    }

    async fn take_what_was_returned(&mut self, result: &Path, stdout: Option<&StdoutCopy>, has_succeeded: bool) {
        if result.exists() {
            match Elements::open(result, self.max_item_bytes) {
                Ok(reader) => drop(self.deliver(Source::new("the result", Reader::Elements(reader))).await),
                Err(error) => self.note_problem(format!("the result cannot be read: {error}")).await,
            }
            return;
        }
        let Some(copy) = stdout else { return };
        let (path, is_complete, limit) = (copy.path.clone(), copy.is_complete, self.max_item_bytes);
        let found = blocking(move || stdout::find(&path, is_complete, has_succeeded, limit)).await;
        if let Ok(Some(reader)) = found {
            self.deliver(Source::new("stdout", reader)).await;
            if !is_complete {
                self.note_problem("stdout is too long to be searched for items to its end".to_owned()).await;
            }
        }
    }
}
