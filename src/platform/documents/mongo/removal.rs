//! Removing documents, in short steps. What is cut off half-way is done to its end by the same call again.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
};

use super::{
    BATCHES, BOOKS, ITEMS, LOGS, MongoStore,
    json::text_of,
    number,
    search::{Kind, Range},
    transactions::{Failure, Tries},
};
use crate::{
    error::Result,
    id::TaskId,
    platform::documents::{
        items::{ItemFilter, count},
        store::{Items, Removal},
    },
};

/// Documents of one step.
const STEP: i64 = 1000;

#[async_trait]
impl Removal for MongoStore {
    async fn delete_items(&self, filter: &ItemFilter) -> Result<i64> {
        let Some(last) = self.last_item_id(filter).await? else { return Ok(0) };
        let mut removed = 0;
        for kind in [Kind::Predecessors, Kind::Ours] {
            let Some(part) = (Range { upto: Some(&last), ..Range::default() }).of(kind) else { continue };
            loop {
                let found = self.call(self.some(filter, part.clone())).await?;
                if found.is_empty() {
                    break;
                }
                removed += self.call(self.remove_step(&found)).await?;
            }
        }
        Ok(removed)
    }

    async fn forget_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        for collection in [ITEMS, LOGS, BATCHES] {
            self.remove_of(collection, tasks).await?;
        }
        // Last: who is cut off before finds the rest again.
        let forget = async { Ok(self.collection(BOOKS).delete_many(doc! { "_id": { "$in": ids(tasks) } }).await?) };
        self.call(forget).await.map(drop)
    }

    async fn remove_logs(&self, tasks: &[TaskId]) -> Result<()> {
        self.remove_of(LOGS, tasks).await?;
        self.keep_nothing(tasks, "log_bytes").await
    }

    async fn remove_items_of_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        self.remove_of(ITEMS, tasks).await?;
        self.keep_nothing(tasks, "item_bytes").await
    }

    /// MongoDB uses it again by itself.
    async fn give_back(&self) -> Result<()> {
        Ok(())
    }
}

fn ids(tasks: &[TaskId]) -> Vec<&str> {
    tasks.iter().map(TaskId::as_str).collect()
}

impl MongoStore {
    /// Removes what the collection has of these tasks, which have ended.
    async fn remove_of(&self, collection: &str, tasks: &[TaskId]) -> Result<()> {
        let collection = self.collection(collection);
        loop {
            let step = async {
                let of_tasks = doc! { "task_id": { "$in": ids(tasks) } };
                let found = collection.find(of_tasks).projection(doc! { "_id": 1 }).limit(STEP).await?;
                let found: Vec<Bson> = found.map_ok(id_of).try_collect().await?;
                if !found.is_empty() {
                    collection.delete_many(doc! { "_id": { "$in": &found } }).await?;
                }
                Ok(count(found.len()) == STEP)
            };
            if !self.call(step).await? {
                return Ok(());
            }
        }
    }

    async fn keep_nothing(&self, tasks: &[TaskId], what: &str) -> Result<()> {
        let of_tasks = doc! { "_id": { "$in": ids(tasks) } };
        let update =
            async { Ok(self.collection(BOOKS).update_many(of_tasks, doc! { "$set": { what: 0_i64 } }).await?) };
        self.call(update).await.map(drop)
    }

    /// The ids of the first that are left.
    async fn some(&self, filter: &ItemFilter, part: Document) -> Result<Vec<Bson>> {
        let documents = self.documents(filter, part, 1, 0, STEP).await?;
        let ids = documents.map_ok(id_of).take(usize::try_from(STEP).unwrap_or(usize::MAX));
        ids.try_collect().await
    }

    /// Removes the items, and takes them from what their tasks keep. How many were still there.
    async fn remove_step(&self, ids: &[Bson]) -> Result<i64> {
        let mut tries = Tries::new();
        loop {
            let mut session = self.begin().await?;
            let removed = self.remove_booked(&mut session, ids).await;
            if let Some(removed) = tries.end(session, removed).await? {
                return Ok(removed);
            }
        }
    }

    async fn remove_booked(&self, session: &mut ClientSession, ids: &[Bson]) -> Result<i64, Failure> {
        let these = doc! { "_id": { "$in": ids } };
        let items = self.collection(ITEMS);
        let find = items.find(these.clone()).projection(doc! { "task_id": 1, "bytes": 1 });
        let mut found = find.session(&mut *session).await?;
        // In one order, so that two that remove at once do not fail each other in turn.
        let (mut removed, mut bytes) = (0, BTreeMap::<String, i64>::new());
        while let Some(item) = found.next(session).await.transpose()? {
            removed += 1;
            *bytes.entry(item.get("task_id").map(text_of).unwrap_or_default()).or_default() += number(&item, "bytes");
        }
        items.delete_many(these).session(&mut *session).await?;
        for (task, bytes) in bytes {
            let taken = doc! { "$inc": { "item_bytes": -bytes } };
            self.collection(BOOKS).update_one(doc! { "_id": task }, taken).session(&mut *session).await?;
        }
        Ok(removed)
    }
}

fn id_of(mut document: Document) -> Bson {
    document.remove("_id").unwrap_or(Bson::Null)
}
