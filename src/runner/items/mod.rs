//! The items of an attempt: followed in files while the spider runs, gathered from all places when it has ended.

mod csv_rows;
mod elements;
mod files;
mod input;
mod json_lines;
mod source;
mod spool;
mod stdout;

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::output::StdoutCopy;
use super::places::Place;
use super::report::{Report, Reporter};
use super::workdir::{OUTPUT, SPOOL, WorkDir, blocking};
use csv_rows::CsvRows;
use elements::Elements;
use files::{ItemFile, Kind};
use input::Input;
use json_lines::JsonLines;
use source::{Reader, Source};

/// Followed so often while the spider runs.
const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// Of refused items, so many are named in the log.
const NAMED_REFUSALS: i64 = 20;

/// How many batches the SDK left in the folder because it could not send them.
pub(super) fn unsent_in(dir: &WorkDir) -> usize {
    spool::list(&dir.place(SPOOL)).map_or(0, |spooled| spooled.unsent.len())
}

/// Finds the items of an attempt and delivers them.
pub(super) struct Items<'a, R> {
    reporter: &'a Reporter<'a, R>,
    output: Place,
    spool: Place,
    result: Place,
    limits: Limits,
    /// By their names in the output folder.
    followed: HashMap<PathBuf, Source>,
    /// Delivered here; the SDK delivers by itself.
    delivered: usize,
    undelivered: i64,
    /// The first thing that went wrong, in one sentence.
    problem: Option<String>,
    /// What is still read is of no use any more.
    given_up: CancellationToken,
    has_too_many_names: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) item_bytes: usize,
    /// Of all that is found here. What the SDK sends it counts itself.
    pub(super) items: Option<usize>,
}

impl<R> Drop for Items<'_, R> {
    fn drop(&mut self) {
        self.given_up.cancel();
    }
}

impl<'a, R: Report> Items<'a, R> {
    pub(super) fn new(reporter: &'a Reporter<'a, R>, dir: &WorkDir, limits: Limits) -> Self {
        Self {
            reporter,
            output: dir.place(OUTPUT),
            spool: dir.place(SPOOL),
            result: dir.result_place(),
            limits,
            followed: HashMap::new(),
            delivered: 0,
            undelivered: 0,
            problem: None,
            given_up: CancellationToken::new(),
            has_too_many_names: false,
        }
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
            self.take_lines(Some(ended)).await;
        }
    }

    /// Takes what is left, in files and wherever else items may be.
    pub(super) async fn finish(&mut self, stdout: Option<&StdoutCopy>, has_succeeded: bool) {
        self.take_lines(None).await;
        self.take_documents().await;
        self.take_spool().await;
        let has_none = self.delivered == 0 && self.undelivered == 0 && self.problem.is_none();
        if has_none && self.reporter.has_delivered().await == Some(false) {
            self.take_what_was_returned(stdout, has_succeeded).await;
        }
    }

    /// Takes what a server that is gone may have left. Not JSON Lines: nothing says how far it had followed them.
    pub(super) async fn salvage(&mut self) {
        self.take_spool().await;
        self.take_documents().await;
    }

    /// Until the spider has ended, or to their very ends.
    async fn take_lines(&mut self, until: Option<&CancellationToken>) {
        for file in self.list().await {
            if !matches!(file.kind, Kind::JsonLines) {
                continue;
            }
            if self.is_done() || until.is_some_and(CancellationToken::is_cancelled) {
                return;
            }
            let name = file.place.name().to_owned();
            let mut source = match self.followed.remove(&name) {
                Some(source) => source,
                // A spider can make and remove names for as long as it runs.
                None if self.followed.len() >= files::MOST_FILES => {
                    self.note_too_many_names().await;
                    continue;
                }
                None => {
                    let lines = JsonLines::new(file.place.clone(), self.given_up.clone(), self.limits.item_bytes);
                    Source::new(file.name, Reader::Lines(lines))
                }
            };
            if let Reader::Lines(lines) = &mut source.reader {
                lines.look(file.place, until.is_none());
            }
            if let Some(source) = self.deliver(source, until).await {
                self.followed.insert(name, source);
            }
        }
    }

    async fn take_documents(&mut self) {
        let list = self.list().await;
        if list.len() == files::MOST_FILES {
            self.note_too_many_names().await;
        }
        for file in list {
            if self.is_done() {
                return;
            }
            let limit = self.limits.item_bytes;
            let reader = match file.kind {
                Kind::JsonLines => continue,
                Kind::Json => self.open(&file.place).map(|input| Reader::Elements(Elements::new(input, limit))),
                Kind::Csv => self.open(&file.place).map(|input| Reader::Rows(Box::new(CsvRows::new(input, limit)))),
            };
            match reader {
                Ok(reader) => drop(self.deliver(Source::new(file.name, reader), None).await),
                Err(error) => self.note_problem(format!("{} cannot be read: {error}", file.name)).await,
            }
        }
    }

    fn open(&self, place: &Place) -> std::io::Result<Input> {
        Input::open(place, &self.given_up)
    }

    async fn list(&mut self) -> Vec<ItemFile> {
        if self.is_done() {
            return Vec::new();
        }
        let folder = self.output.clone();
        blocking(move || files::list(&folder)).await.unwrap_or_default()
    }

    /// Whether nothing more can, or may, be delivered.
    fn is_done(&self) -> bool {
        self.room() == 0 || self.reporter.trouble().is_some()
    }

    /// How many items may still come.
    fn room(&self) -> usize {
        self.limits.items.map_or(usize::MAX, |limit| limit.saturating_sub(self.delivered))
    }

    /// Until the source has no more for now, or the spider has ended. Gives it back, or nothing where no more of it is
    /// to be taken.
    async fn deliver(&mut self, mut source: Source, until: Option<&CancellationToken>) -> Option<Source> {
        loop {
            let read = blocking(move || {
                let batch = source.batch();
                Ok((source, batch))
            });
            let mut batch;
            (source, batch) = read.await.ok()?;
            for reason in &batch.refused {
                self.note_refused(reason).await;
            }
            if let Some(reason) = batch.broken {
                self.note_problem(reason).await;
            }
            batch.items.truncate(self.room());
            if !batch.items.is_empty() && !self.report(batch.number, &batch.items).await {
                return None;
            }
            if self.room() == 0 {
                self.reporter.say(format!("{} items: the limit is reached", self.delivered)).await;
                return None;
            }
            if batch.is_end || until.is_some_and(CancellationToken::is_cancelled) {
                return Some(source);
            }
        }
    }

    async fn report(&mut self, number: i64, items: &[Box<RawValue>]) -> bool {
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        // Until they are known to be kept: the wait for that may be given up.
        self.undelivered += count;
        let has_kept = self.reporter.items(number, items).await;
        if has_kept {
            self.undelivered -= count;
            self.delivered += items.len();
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

    async fn note_too_many_names(&mut self) {
        if !std::mem::replace(&mut self.has_too_many_names, true) {
            self.note_problem(format!("output has had more than {} files of items", files::MOST_FILES)).await;
        }
    }

    /// Batches that the SDK could not send, with the numbers it gave them.
    async fn take_spool(&mut self) {
        let folder = self.spool.clone();
        let found = blocking(move || spool::list(&folder)).await.unwrap_or_default();
        let mut unsent = found.unsent.into_iter();
        while let Some(place) = unsent.next() {
            if self.reporter.trouble().is_some() {
                self.undelivered += self.count(std::iter::once(place).chain(unsent).collect()).await;
                break;
            }
            let given_up = self.given_up.clone();
            match blocking(move || Ok(spool::read(&place, &given_up))).await {
                Ok(Ok((_, items))) if items.is_empty() => {}
                Ok(Ok((number, items))) => drop(self.report(number, &items).await),
                Ok(Err(refused)) => {
                    self.undelivered += refused.items;
                    self.note_problem(refused.reason).await;
                }
                Err(_) => return,
            }
        }
        if !found.rejected.is_empty() {
            let rejected = self.count(found.rejected).await;
            self.undelivered += rejected;
            self.note_problem(format!("the server refused {rejected} items of the SDK")).await;
        }
    }

    async fn count(&self, batches: Vec<Place>) -> i64 {
        let given_up = self.given_up.clone();
        blocking(move || Ok(spool::count(&batches, &given_up))).await.unwrap_or_default()
    }

    async fn take_what_was_returned(&mut self, stdout: Option<&StdoutCopy>, has_succeeded: bool) {
        let limit = self.limits.item_bytes;
        if self.result.exists() {
            match self.open(&self.result) {
                Ok(input) => {
                    let reader = Reader::Elements(Elements::new(input, limit));
                    drop(self.deliver(Source::new("the result", reader), None).await);
                }
                Err(error) => self.note_problem(format!("the result cannot be read: {error}")).await,
            }
            return;
        }
        let Some(copy) = stdout.cloned() else { return };
        let (is_complete, given_up) = (copy.is_complete, self.given_up.clone());
        let found = blocking(move || stdout::find(&copy, has_succeeded, &given_up, limit)).await;
        if let Ok(Some(reader)) = found {
            self.deliver(Source::new("stdout", reader), None).await;
            if !is_complete {
                self.note_problem("stdout is too long to be searched for items to its end".to_owned()).await;
            }
        }
    }
}
