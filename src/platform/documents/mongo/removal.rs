//! Removing documents, in short steps. What is cut off half-way is done to its end by the same call again.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::{
    BATCHES, BOOKS, CATALOGUES, ITEMS, KEY_SCOPES, LOGS, MongoStore, QUARANTINE,
    json::text_of,
    search::{Range, conditions_on_books},
    transactions::Tries,
};
use crate::{
    error::Result,
    id::TaskId,
    platform::documents::{
        items::{ItemFilter, count},
        store::Removal,
    },
};

/// Documents of one step.
const STEP: i64 = 1000;

#[async_trait]
impl Removal for MongoStore {
    async fn delete_items(&self, filter: &ItemFilter) -> Result<i64> {
        let removed = self.remove_found(ITEMS, filter).await?;
        if filter.q.is_none() && filter.upto.is_none() {
            let all = async { Ok(self.collection(CATALOGUES).delete_many(conditions_on_books(filter)).await?) };
            self.call(all).await?;
        }
        Ok(removed)
    }

    async fn forget_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        // Quarantine before items: what is let out of it meanwhile is an item.
        for collection in [QUARANTINE, ITEMS, CATALOGUES, LOGS, BATCHES] {
            self.remove_of(collection, tasks).await?;
        }
        for task in tasks {
            self.leave_keys(task).await?;
        }
        // Last: who is cut off before finds the rest again.
        let forget = async {
            for collection in [KEY_SCOPES, BOOKS] {
                self.collection(collection).delete_many(doc! { "_id": { "$in": ids(tasks) } }).await?;
            }
            Ok(())
        };
        self.call(forget).await
    }

    async fn remove_logs(&self, tasks: &[TaskId]) -> Result<()> {
        self.remove_of(LOGS, tasks).await?;
        self.keep_nothing(tasks, doc! { "log_bytes": 0_i64 }).await
    }

    async fn remove_items_of_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        for collection in [QUARANTINE, ITEMS, CATALOGUES] {
            self.remove_of(collection, tasks).await?;
        }
        // Also what MongoDB itself removed.
        self.keep_nothing(tasks, doc! { "item_bytes": 0_i64, "items_kept": 0_i64 }).await
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
    async fn remove_of(&self, name: &str, tasks: &[TaskId]) -> Result<()> {
        let collection = self.collection(name);
        loop {
            let step = async {
                // A catalogue's id is its task.
                let by = if name == CATALOGUES { "_id" } else { "task_id" };
                let of_tasks = doc! { by: { "$in": ids(tasks) } };
                let found = collection.find(of_tasks).projection(doc! { "_id": 1 }).limit(STEP).await?;
                let found: Vec<Bson> = found.map_ok(id_of).try_collect().await?;
                if found.is_empty() {
                    return Ok(false);
                }
                if [ITEMS, QUARANTINE].contains(&name) {
                    self.remove_step(name, &found).await?;
                } else {
                    collection.delete_many(doc! { "_id": { "$in": &found } }).await?;
                }
                Ok(count(found.len()) == STEP)
            };
            if !self.call(step).await? {
                return Ok(());
            }
        }
    }

    async fn keep_nothing(&self, tasks: &[TaskId], nothing: Document) -> Result<()> {
        let of_tasks = doc! { "_id": { "$in": ids(tasks) } };
        let update = async { Ok(self.collection(BOOKS).update_many(of_tasks, doc! { "$set": nothing }).await?) };
        self.call(update).await.map(drop)
    }

    /// Removes what there is now of the filter, and takes it from what its tasks keep; says how many.
    pub(super) async fn remove_found(&self, collection: &str, filter: &ItemFilter) -> Result<i64> {
        let last = self.call(self.page(collection, filter, None, 0, 1)).await?;
        let Some(last) = last.first().and_then(|last| last.get("_id")).map(text_of) else { return Ok(0) };
        let (mut removed, mut after) = (0, None::<String>);
        loop {
            // Not from the start again: where a text is looked for, all up to here was read.
            let range = Range { after: after.as_deref(), upto: Some(&last), ..Range::default() };
            let found = self.call(self.step(collection, filter, range, STEP)).await?;
            let Some(end) = found.last().and_then(|end| end.get("_id")).map(text_of) else { return Ok(removed) };
            let ids: Vec<Bson> = found.into_iter().map(id_of).collect();
            removed += self.call(self.remove_step(collection, &ids)).await?;
            after = Some(end);
        }
    }

    async fn remove_step(&self, collection: &str, ids: &[Bson]) -> Result<i64> {
        let mut tries = Tries::new();
        loop {
            let mut session = self.begin().await?;
            let removed = self.remove_booked(&mut session, collection, ids).await;
            if let Some(removed) = tries.end(session, removed).await? {
                return Ok(removed);
            }
        }
    }
}

fn id_of(mut document: Document) -> Bson {
    document.remove("_id").unwrap_or(Bson::Null)
}
