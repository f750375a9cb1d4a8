//! Items as they arrive, and all that changes with them.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Document, RawDocumentBuf, doc},
    options::ReturnDocument,
};
use rand::RngExt;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    BATCHES, BOOKS, ITEMS, MongoStore, QUARANTINE,
    json::{self, Origin, text_of},
    number,
    transactions::{Failure, Tries},
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::documents::{
        catalogue::Catalogue,
        items::{Counts, NewBatch, NewItem, Stored, count},
        keys::{Decided, DedupPolicy, scope_of},
        quarantine::Refused,
        store::Batches,
    },
};

/// How the reason begins of what is in quarantine only in part.
pub(super) const TOO_LARGE: &str = "larger than ";
/// So much of it is kept.
const STUB_CHARS: usize = 1000;
/// Where batches without a number get one: beyond all that senders give.
const UNNUMBERED: std::ops::Range<i64> = i64::MIN..i64::MIN / 2;

/// Items of one task that are to be stored.
pub(super) struct Arrival<'a> {
    pub task_id: &'a TaskId,
    pub spider_id: &'a SpiderId,
    pub is_test: bool,
    /// As of [`NewBatch`].
    pub came_at: Option<DateTime<Utc>>,
    /// The attempt that sends them; none where they come out of quarantine.
    pub attempt: Option<i64>,
    pub dedup: Option<DedupPolicy>,
    pub items: Vec<NewItem>,
    pub fields: &'a Catalogue,
    /// What is counted with them, and the bytes that are kept or given up beside them.
    pub beside: (Counts, i64),
}

/// What became of them, and the task's counts then.
pub(super) struct Arrived {
    pub stored: i64,
    pub duplicate: i64,
    pub totals: Counts,
}

#[async_trait]
impl Batches for MongoStore {
    async fn store_items(&self, mut batch: NewBatch, fields: &Catalogue) -> Result<Stored> {
        let reason = reject_too_large(&mut batch);
        let rejected = count(batch.refused.len());
        let store = async {
            let _turn = self.turns.take(batch.task_id.as_str()).await;
            let scope = scope_of(&batch.spider_id, &batch.task_id, batch.is_test);
            let _scope = if batch.dedup.is_some() { Some(self.scopes.take(scope).await) } else { None };
            let number = batch.batch.unwrap_or_else(|| rand::rng().random_range(UNNUMBERED));
            let mut tries = Tries::new();
            loop {
                let mut session = self.begin().await?;
                let added = self.add(&mut session, &batch, number, rejected, fields).await;
                if let Some(stored) = tries.end(session, added).await? {
                    return Ok(stored);
                }
            }
        };
        let stored = self.call(Box::pin(store)).await?;
        Ok(Stored { reason: reason.filter(|_| !stored.repeated), ..stored })
    }

    async fn has_batch_of(&self, task_id: &TaskId, attempt: i64) -> Result<bool> {
        let find = async {
            let batch = doc! { "task_id": task_id.as_str(), "attempt": attempt };
            Ok(self.collection(BATCHES).find_one(batch).await?.is_some())
        };
        self.call(find).await
    }

    async fn counts(&self, task_ids: &[TaskId]) -> Result<HashMap<TaskId, Counts>> {
        let find = async {
            let ids: Vec<&str> = task_ids.iter().map(TaskId::as_str).collect();
            let sent = doc! { "_id": { "$in": ids }, "received": { "$exists": true } };
            let books: Vec<Document> = self.collection(BOOKS).find(sent).await?.try_collect().await?;
            let counted = books.iter().filter_map(|books| {
                let task = books.get_str("_id").ok()?;
                Some((TaskId::from(task.to_owned()), counts_of(books)))
            });
            Ok(counted.collect())
        };
        self.call(find).await
    }
}

impl MongoStore {
    /// `rejected` is how many of the batch are not stored, those among them that go to quarantine.
    async fn add(
        &self,
        session: &mut ClientSession,
        batch: &NewBatch,
        number: i64,
        rejected: i64,
        fields: &Catalogue,
    ) -> Result<Stored, Failure> {
        let NewBatch { task_id, spider_id, attempt, is_test, came_at, dedup, items, refused, .. } = batch;
        let mut note = doc! { "task_id": task_id.as_str(), "attempt": attempt, "batch": number };
        let former = self.collection(BATCHES).find_one(note.clone()).session(&mut *session).await?;
        if let Some(former) = former {
            let books = self.check_open(session, task_id, *attempt).await?;
            return Ok(Stored {
                accepted: self::number(&former, "accepted"),
                duplicate: self::number(&former, "duplicate"),
                rejected: self::number(&former, "rejected"),
                reason: None,
                repeated: true,
                totals: counts_of(&books),
            });
        }
        let bytes = refused.iter().map(|refused| refused.data.get().len()).sum();
        let received = count(items.len()) + rejected;
        let arrival = Arrival {
            task_id,
            spider_id,
            is_test: *is_test,
            came_at: *came_at,
            attempt: Some(*attempt),
            dedup: *dedup,
            items: items.clone(),
            fields,
            beside: (Counts { received, rejected, ..Counts::default() }, count(bytes)),
        };
        let Arrived { stored, duplicate, totals } = self.take_in(session, arrival).await?;
        self.quarantine(session, (task_id, spider_id, *is_test), refused).await?;
        note.extend(doc! { "accepted": stored, "duplicate": duplicate, "rejected": rejected });
        self.collection(BATCHES).insert_one(note).session(session).await?;
        Ok(Stored { accepted: stored, duplicate, rejected, reason: None, repeated: false, totals })
    }

    /// Stores items, and all that changes with them. Whoever calls has the task's turn in this process, and that of the
    /// keys' scope.
    pub(super) async fn take_in(&self, session: &mut ClientSession, arrival: Arrival<'_>) -> Result<Arrived, Failure> {
        let Arrival { task_id, spider_id, is_test, came_at, attempt, dedup, items, fields, beside } = arrival;
        let (mut counted, bytes_beside) = beside;
        let scope = scope_of(spider_id, task_id, is_test);
        let (decided, now) = if let Some(policy) = dedup {
            self.hold_keys(session, scope).await?;
            let known = self.known(session, scope, &items).await?;
            // Not before it is our turn: within a scope later changes have later times.
            let now = self.clock.now();
            (Decided::of(policy, items, known, task_id, now), now)
        } else {
            (Decided::all(items), came_at.unwrap_or_else(|| self.clock.now()))
        };
        counted.stored += count(decided.items.len());
        counted.duplicate += decided.duplicate;
        let bytes: usize = decided.items.iter().map(|item| item.data.get().len()).sum();
        let added = doc! {
            "$set": { "spider_id": spider_id.as_str(), "is_test": is_test },
            "$inc": {
                "received": counted.received,
                "stored": counted.stored,
                "duplicate": counted.duplicate,
                "rejected": counted.rejected,
                "item_bytes": bytes_beside + count(bytes),
                "items_kept": count(decided.items.len()),
            },
        };
        let books = if let Some(attempt) = attempt {
            self.pass(session, task_id, attempt, added).await?
        } else {
            let books = self.collection(BOOKS);
            let update = books.find_one_and_update(doc! { "_id": task_id.as_str() }, added);
            update.return_document(ReturnDocument::After).session(&mut *session).await?.unwrap_or_default()
        };
        self.remove_booked(session, ITEMS, &decided.replaced.iter().map(Into::into).collect::<Vec<_>>()).await?;
        self.store_keys(session, scope, &decided.keys).await?;
        let origin = Origin { task_id, spider_id, is_test, created_at: now };
        let mut documents = Vec::with_capacity(decided.items.len());
        for item in &decided.items {
            documents.push(json::item(&origin, item).map_err(Failure::Refused)?);
        }
        self.insert(session, ITEMS, &documents).await?;
        self.add_fields(session, (task_id, spider_id, is_test), fields).await?;
        Ok(Arrived { stored: count(decided.items.len()), duplicate: decided.duplicate, totals: counts_of(&books) })
    }

    async fn quarantine(
        &self,
        session: &mut ClientSession,
        (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
        refused: &[Refused],
    ) -> Result<(), Failure> {
        let origin = Origin { task_id, spider_id, is_test, created_at: self.clock.now() };
        let mut documents = Vec::with_capacity(refused.len());
        for refused in refused {
            documents.push(json::quarantined(&origin, refused).map_err(Failure::Refused)?);
        }
        self.insert(session, QUARANTINE, &documents).await
    }

    async fn insert(
        &self,
        session: &mut ClientSession,
        collection: &str,
        documents: &[RawDocumentBuf],
    ) -> Result<(), Failure> {
        if !documents.is_empty() {
            self.items_of(collection).insert_many(documents).session(session).await?;
        }
        Ok(())
    }

    /// Removes items, in quarantine or not, and takes them from what their tasks keep. How many were still there.
    pub(super) async fn remove_booked(
        &self,
        session: &mut ClientSession,
        collection: &str,
        ids: &[mongodb::bson::Bson],
    ) -> Result<i64, Failure> {
        if ids.is_empty() {
            return Ok(0);
        }
        let these = doc! { "_id": { "$in": ids } };
        let items = self.collection(collection);
        let find = items.find(these.clone()).projection(doc! { "task_id": 1, "bytes": 1 });
        let mut found = find.session(&mut *session).await?;
        // In one order, so that two that remove at once do not fail each other in turn.
        let (mut removed, mut by_task) = (0, BTreeMap::<String, (i64, i64)>::new());
        while let Some(item) = found.next(session).await.transpose()? {
            removed += 1;
            let (items, bytes) = by_task.entry(item.get("task_id").map(text_of).unwrap_or_default()).or_default();
            *items += 1;
            *bytes += number(&item, "bytes");
        }
        items.delete_many(these).session(&mut *session).await?;
        for (task, (items, bytes)) in by_task {
            let mut taken = doc! { "item_bytes": -bytes };
            // In quarantine they are no items.
            if collection == ITEMS {
                taken.extend(doc! { "items_kept": -items, "items_altered": items });
            }
            let books = self.collection(BOOKS);
            books.update_one(doc! { "_id": task }, doc! { "$inc": taken }).session(&mut *session).await?;
        }
        Ok(removed)
    }
}

/// Sends what is too large for MongoDB to quarantine, as the start of its text; says why, where an item was.
fn reject_too_large(batch: &mut NewBatch) -> Option<String> {
    let is_too_large = |data: &RawValue| data.get().len() > json::LARGEST_TEXT;
    for refused in batch.refused.iter_mut().filter(|refused| is_too_large(&refused.data)) {
        *refused = stub_of(&refused.data);
    }
    let refused_before = batch.refused.len();
    let refused = &mut batch.refused;
    batch.items.retain(|item| {
        let fits = !is_too_large(&item.data);
        if !fits {
            refused.push(stub_of(&item.data));
        }
        fits
    });
    batch.refused.get(refused_before).map(|first| first.reason.clone())
}

/// What stands in quarantine for an item that is too large: a JSON string of its first characters.
fn stub_of(data: &RawValue) -> Refused {
    let text = data.get();
    let start: String = text.chars().take(STUB_CHARS).collect();
    let reason = format!("{TOO_LARGE}{} bytes, which MongoDB does not take: it has {}", json::LARGEST_TEXT, text.len());
    // A string can always be written as JSON.
    Refused { data: to_raw_value(&start).unwrap_or_default(), reason }
}

fn counts_of(books: &Document) -> Counts {
    Counts {
        received: number(books, "received"),
        stored: number(books, "stored"),
        duplicate: number(books, "duplicate"),
        rejected: number(books, "rejected"),
    }
}
