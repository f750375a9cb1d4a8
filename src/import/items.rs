//! Items. Those of one task that came in one second make a batch, or several of a thousand, numbered by that second: the
//! same ones make the same batch whenever they are read, and a batch is stored once. So the place that is kept only saves
//! time.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use mongodb::bson::{Bson, Document, oid::ObjectId};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    documents::{ITEMS, OldDocuments, created_at, object_of, second_of, text_of},
    patience::patiently,
    place,
    progress::{Part, Progress},
};
use crate::{
    app::App,
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::documents::{NewBatch, NewItem},
};

const MOST_ITEMS: usize = 1000;
const MOST_BYTES: usize = 4 << 20;
/// Batches of a task in one second are numbered up to here.
const NUMBERS: i64 = 1_000_000;
/// What is younger is left for the next import: clocks differ, and a second may not be over everywhere.
pub(super) const SETTLED: TimeDelta = TimeDelta::minutes(1);
/// Tasks whose books are kept open.
const MOST_OPEN: usize = 1000;
/// Of all that come from elsewhere.
pub(super) const ATTEMPT: i64 = 1;

/// Items of a task in one second that are still to be stored.
struct Open {
    spider_id: SpiderId,
    is_test: bool,
    came_at: DateTime<Utc>,
    items: Vec<Box<RawValue>>,
    bytes: usize,
    /// Batches before this one.
    full: i64,
}

pub(super) async fn bring(source: &OldDocuments, app: &App, progress: &mut Progress) -> Result<()> {
    let mut part = Part::begin(ITEMS);
    let last: Option<i64> = place::read(app, &source.name, ITEMS).await?;
    let from = DateTime::from_timestamp(last.map_or(0, |second| second + 1), 0).unwrap_or_default();
    let until = app.now() - SETTLED;
    let mut found = source.between(ITEMS, from, until).await?;
    let mut bringing = Bringing { app, second: 0, open: HashMap::new(), fences: Vec::new() };
    let mut saved = std::time::Instant::now();
    while let Some(document) = found.next().await {
        let document = document?;
        let Ok(id) = document.get_object_id("_id") else { continue };
        if second_of(id) != bringing.second {
            bringing.end_second(&mut part).await?;
            if saved.elapsed().as_secs() > 0 {
                place::keep(app, &source.name, ITEMS, &bringing.second).await?;
                saved = std::time::Instant::now();
            }
            bringing.second = second_of(id);
        }
        if let Err(reason) = bringing.take(id, document, &mut part).await? {
            progress.trouble(format!("{ITEMS} {id}: {reason}"));
        }
        part.tell();
    }
    bringing.end_second(&mut part).await?;
    bringing.close_all().await?;
    place::keep(app, &source.name, ITEMS, &(until.timestamp() - 1)).await?;
    part.end();
    Ok(())
}

struct Bringing<'a> {
    app: &'a App,
    second: i64,
    open: HashMap<TaskId, Open>,
    /// Tasks that take items just now.
    fences: Vec<TaskId>,
}

impl Bringing<'_> {
    /// Or why it cannot be kept.
    async fn take(&mut self, id: ObjectId, mut document: Document, part: &mut Part) -> Result<Result<(), String>> {
        let (task, spider) = (text_of(&document, "task_id"), text_of(&document, "spider_id"));
        if task.is_empty() {
            return Ok(Err("it names no task".to_owned()));
        }
        let Some(Bson::Document(data)) = document.remove("data") else {
            return Ok(Err("it holds no data".to_owned()));
        };
        let item = to_raw_value(&object_of(data)).map_err(Error::internal)?;
        let task = TaskId::from(task);
        let open = self.open.entry(task.clone()).or_insert_with(|| Open {
            spider_id: SpiderId::from(spider),
            is_test: document.get_bool("is_test").unwrap_or_default(),
            came_at: created_at(&document, id),
            items: Vec::new(),
            bytes: 0,
            full: 0,
        });
        open.bytes += item.get().len();
        open.items.push(item);
        if open.items.len() >= MOST_ITEMS || open.bytes >= MOST_BYTES {
            self.store(&task, part).await?;
        }
        Ok(Ok(()))
    }

    async fn end_second(&mut self, part: &mut Part) -> Result<()> {
        for task in self.open.keys().cloned().collect::<Vec<_>>() {
            self.store(&task, part).await?;
        }
        self.open.clear();
        Ok(())
    }

    async fn store(&mut self, task: &TaskId, part: &mut Part) -> Result<()> {
        let Some(open) = self.open.get_mut(task).filter(|open| !open.items.is_empty()) else { return Ok(()) };
        let items = std::mem::take(&mut open.items);
        let count = items.len() as u64;
        let batch = NewBatch {
            task_id: task.clone(),
            spider_id: open.spider_id.clone(),
            attempt: ATTEMPT,
            batch: Some(self.second * NUMBERS + open.full),
            is_test: open.is_test,
            came_at: Some(open.came_at),
            dedup: None,
            items: items.into_iter().map(NewItem::from).collect(),
            refused: Vec::new(),
        };
        (open.bytes, open.full) = (0, open.full + 1);
        if !self.fences.contains(task) {
            if self.fences.len() >= MOST_OPEN {
                self.close_all().await?;
            }
            patiently(async || self.app.documents().open_attempt(task, ATTEMPT).await).await?;
            self.fences.push(task.clone());
        }
        let stored = patiently(async || self.app.documents().add_items(batch.clone()).await).await?;
        if stored.repeated {
            part.known += count;
        } else {
            part.new += count;
        }
        Ok(())
    }

    async fn close_all(&mut self) -> Result<()> {
        for task in self.fences.drain(..) {
            patiently(async || self.app.documents().close_attempt(&task, ATTEMPT).await).await?;
        }
        Ok(())
    }
}
