use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::{
    BOOKS, ITEMS, LOGS, MongoStore, number,
    search::{Kind, Range, conditions_on_books},
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::documents::{
        items::ItemFilter,
        store::Books,
        usage::{Held, Kept},
    },
};

#[async_trait]
impl Books for MongoStore {
    async fn own_size(&self) -> Result<i64> {
        Ok(0)
    }

    async fn held(&self, filter: &ItemFilter) -> Result<Held> {
        let read = async {
            let scope = ItemFilter { q: None, upto: None, ..filter.clone() };
            let sums = doc! {
                "_id": null, "items": { "$sum": "$items_kept" }, "altered": { "$sum": "$items_altered" },
            };
            let steps = [doc! { "$match": conditions_on_books(&scope) }, doc! { "$group": sums }];
            let sums = self.collection(BOOKS).aggregate(steps).await?.try_next().await?.unwrap_or_default();
            let items = if self.ttl_days > 0 {
                // What MongoDB itself removes is in no books.
                self.count_all(ITEMS, &scope).await?
            } else {
                // Nor is what the predecessor left.
                let predecessors = Range::default().of(Kind::Predecessors).unwrap_or_default();
                number(&sums, "items") + self.count_part(ITEMS, &scope, predecessors).await?
            };
            Ok(Held { items, altered: number(&sums, "altered") })
        };
        self.call(read).await
    }

    async fn kept_of(&self, spider: &SpiderId) -> Result<Kept> {
        let kept = self.call(self.kept(doc! { "spider_id": spider.as_str() })).await?;
        Ok(kept.get(spider).copied().unwrap_or_default())
    }

    async fn kept_by_spider(&self) -> Result<HashMap<SpiderId, Kept>> {
        self.call(self.kept(doc! { "spider_id": { "$exists": true } })).await
    }

    async fn last_sign(&self, task_id: &TaskId) -> Result<Option<DateTime<Utc>>> {
        let read = async {
            let mut last = None;
            for (collection, order) in [(LOGS, "last_seq"), (ITEMS, "_id")] {
                let of_task = doc! { "task_id": task_id.as_str() };
                let documents = self.collection(collection);
                let newest = documents.find_one(of_task).sort(doc! { order: -1 });
                let newest = newest.projection(doc! { "created_at": 1 }).await?;
                if let Some(newest) = newest {
                    let at = newest.get_datetime("created_at").map(|at| at.timestamp_millis());
                    last = last.max(at.ok().and_then(DateTime::from_timestamp_millis));
                }
            }
            Ok(last)
        };
        self.call(read).await
    }
}

impl MongoStore {
    async fn kept(&self, wanted: Document) -> Result<HashMap<SpiderId, Kept>> {
        let sums = doc! {
            "_id": "$spider_id", "items": { "$sum": "$item_bytes" }, "logs": { "$sum": "$log_bytes" },
        };
        let found = self.collection(BOOKS).aggregate([doc! { "$match": wanted }, doc! { "$group": sums }]).await?;
        let found: Vec<Document> = found.try_collect().await?;
        let kept = found.iter().filter_map(|sums| {
            let spider = sums.get_str("_id").ok()?;
            Some((spider.to_owned().into(), Kept { items: number(sums, "items"), logs: number(sums, "logs") }))
        });
        Ok(kept.collect())
    }
}
