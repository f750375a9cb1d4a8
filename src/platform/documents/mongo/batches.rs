use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Document, RawDocumentBuf, doc},
};
use rand::RngExt;

use super::{
    BATCHES, BOOKS, ITEMS, MongoStore,
    connection::is_taken,
    json, number,
    transactions::{Failure, Tries},
};
use crate::{
    error::Result,
    id::TaskId,
    platform::documents::{
        items::{Counts, NewBatch, Stored, count},
        store::Batches,
    },
};

/// Where batches without a number get one: beyond all that senders give.
const UNNUMBERED: std::ops::Range<i64> = i64::MIN..i64::MIN / 2;

/// A batch as MongoDB takes it.
struct Encoded {
    task_id: TaskId,
    spider_id: String,
    attempt: i64,
    number: i64,
    items: Vec<RawDocumentBuf>,
    /// Of the items as they were sent.
    bytes: i64,
    rejected: i64,
}

#[async_trait]
impl Batches for MongoStore {
    async fn store_items(&self, batch: NewBatch, rejected: i64) -> Result<Stored> {
        let store = async {
            let _turn = self.turns.take(&batch.task_id).await;
            // Ids are made in the task's turn: in the order of commits.
            let batch = self.encode(batch, rejected)?;
            let mut stored = Stored {
                accepted: count(batch.items.len()),
                duplicate: 0,
                rejected: batch.rejected,
                repeated: false,
                totals: Counts::default(),
            };
            let mut tries = Tries::new();
            loop {
                let mut session = self.begin().await?;
                let added = self.add(&mut session, &batch).await;
                stored.repeated = matches!(&added, Err(Failure::Mongo(error)) if is_taken(error));
                if stored.repeated {
                    let _ = session.abort_transaction().await;
                    let books = self.collection(BOOKS).find_one(doc! { "_id": batch.task_id.as_str() }).await?;
                    stored.totals = books.as_ref().map(counts_of).unwrap_or_default();
                    return Ok(stored);
                }
                if let Some(totals) = tries.end(session, added).await? {
                    return Ok(Stored { totals, ..stored });
                }
            }
        };
        Box::pin(self.call(store)).await
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
    /// An item that is too large for MongoDB is rejected; the others are not the worse for it.
    fn encode(&self, batch: NewBatch, rejected: i64) -> Result<Encoded> {
        let now = batch.came_at.unwrap_or_else(|| self.clock.now());
        let (mut items, mut bytes, mut too_large) = (Vec::with_capacity(batch.items.len()), 0, 0);
        for item in &batch.items {
            if let Some(document) = json::document_of(&batch, item, now)? {
                items.push(document);
                bytes += count(item.get().len());
            } else {
                too_large += 1;
            }
        }
        Ok(Encoded {
            task_id: batch.task_id,
            spider_id: batch.spider_id.as_str().to_owned(),
            attempt: batch.attempt,
            number: batch.batch.unwrap_or_else(|| rand::rng().random_range(UNNUMBERED)),
            items,
            bytes,
            rejected: rejected + too_large,
        })
    }

    /// The counts after it. That its number is taken means that it was stored before.
    async fn add(&self, session: &mut ClientSession, batch: &Encoded) -> Result<Counts, Failure> {
        let accepted = count(batch.items.len());
        let added = doc! {
            "$set": { "spider_id": &batch.spider_id },
            "$inc": {
                "received": accepted + batch.rejected,
                "stored": accepted,
                "duplicate": 0_i64,
                "rejected": batch.rejected,
                "item_bytes": batch.bytes,
            },
        };
        let books = self.pass(session, &batch.task_id, batch.attempt, added).await?;
        let claim = doc! { "task_id": batch.task_id.as_str(), "attempt": batch.attempt, "batch": batch.number };
        self.collection(BATCHES).insert_one(claim).session(&mut *session).await?;
        if !batch.items.is_empty() {
            let items = self.connection.database().collection::<RawDocumentBuf>(ITEMS);
            items.insert_many(&batch.items).session(session).await?;
        }
        Ok(counts_of(&books))
    }
}

fn counts_of(books: &Document) -> Counts {
    Counts {
        received: number(books, "received"),
        stored: number(books, "stored"),
        duplicate: number(books, "duplicate"),
        rejected: number(books, "rejected"),
    }
}
