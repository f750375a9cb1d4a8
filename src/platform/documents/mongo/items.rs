use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, future::ready, stream::BoxStream};
use mongodb::bson::{Bson, Document, doc};

use super::{
    ITEMS, MongoStore,
    json::{item_of, json_of, text_of},
    number,
    search::{Kind, Range, conditions, spellings},
    taken_literally,
};
use crate::{
    error::Result,
    platform::documents::{
        items::{Item, ItemFilter, count},
        store::Items,
    },
};

/// What one step of a long read holds in memory, about.
const STEP_BYTES: i64 = 4 << 20;
const NEWEST_FIRST: [Kind; 2] = [Kind::Ours, Kind::Predecessors];
const OLDEST_FIRST: [Kind; 2] = [Kind::Predecessors, Kind::Ours];

#[async_trait]
impl Items for MongoStore {
    async fn items(&self, filter: &ItemFilter, before: Option<&str>, offset: i64, limit: i64) -> Result<Vec<Item>> {
        let found = self.call(self.page(ITEMS, filter, before, offset, limit)).await?;
        found.iter().map(item_of).collect()
    }

    async fn count_items(&self, filter: &ItemFilter) -> Result<i64> {
        self.call(self.count_all(ITEMS, filter)).await
    }

    async fn last_item_id(&self, filter: &ItemFilter) -> Result<Option<String>> {
        let last = self.call(self.page(ITEMS, filter, None, 0, 1)).await?;
        Ok(last.first().and_then(|last| last.get("_id")).map(text_of))
    }

    async fn items_after(&self, filter: &ItemFilter, after: Option<&str>, upto: &str, limit: i64) -> Result<Vec<Item>> {
        let range = Range { after, upto: Some(upto), ..Range::default() };
        let found = self.call(self.step(ITEMS, filter, range, limit)).await?;
        found.iter().map(item_of).collect()
    }

    async fn items_before(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        from: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Item>> {
        let range = Range { before, from, ..Range::default() };
        let found = self.call(self.step_of(ITEMS, filter, range, (NEWEST_FIRST, -1), limit)).await?;
        found.iter().map(item_of).collect()
    }

    async fn items_by_id(&self, ids: &[String]) -> Result<Vec<Item>> {
        let read = async {
            let ids: Vec<Bson> = ids.iter().map(|id| Kind::of(id).1).collect();
            let found = self.items_of(ITEMS).find(doc! { "_id": { "$in": ids } }).await?;
            Ok(found.try_collect::<Vec<_>>().await?)
        };
        self.call(read).await?.iter().map(|item| item_of(&taken_literally(item)?)).collect()
    }
}

impl MongoStore {
    /// A page of items, in quarantine or not, newest first.
    pub(super) async fn page(
        &self,
        collection: &str,
        filter: &ItemFilter,
        before: Option<&str>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Document>> {
        let range = Range { before, ..Range::default() }.within(filter);
        let (mut found, mut to_pass) = (Vec::new(), offset);
        for kind in NEWEST_FIRST {
            let Some(part) = range.of(kind) else { continue };
            // What MongoDB can pass over itself does not come here.
            let skipped = if filter.q.is_none() { to_pass } else { 0 };
            to_pass -= skipped;
            let (former, wanted) = (found.len(), limit - count(found.len()));
            let mut documents = self.documents(collection, filter, part.clone(), -1, skipped, wanted).await?;
            while count(found.len()) < limit
                && let Some(document) = documents.try_next().await?
            {
                if to_pass > 0 {
                    to_pass -= 1;
                } else {
                    found.push(document);
                }
            }
            if count(found.len()) == limit {
                break;
            }
            // The page begins among the older ones.
            if skipped > 0 && found.len() == former {
                to_pass = (skipped - self.count_part(collection, filter, part).await?).max(0);
            }
        }
        Ok(found)
    }

    /// The next step of a long read of items, in quarantine or not, oldest first.
    pub(super) async fn step(
        &self,
        collection: &str,
        filter: &ItemFilter,
        range: Range<'_>,
        limit: i64,
    ) -> Result<Vec<Document>> {
        self.step_of(collection, filter, range, (OLDEST_FIRST, 1), limit).await
    }

    async fn step_of(
        &self,
        collection: &str,
        filter: &ItemFilter,
        range: Range<'_>,
        (kinds, order): ([Kind; 2], i32),
        limit: i64,
    ) -> Result<Vec<Document>> {
        let (range, mut found, mut room) = (range.within(filter), Vec::new(), STEP_BYTES);
        for kind in kinds {
            let Some(part) = range.of(kind) else { continue };
            let mut documents = self.documents(collection, filter, part, order, 0, limit).await?;
            while room > 0
                && count(found.len()) < limit
                && let Some(document) = documents.try_next().await?
            {
                // The predecessor's, which say no size, are of a usual one.
                room -= number(&document, "bytes").max(1000);
                found.push(document);
            }
        }
        Ok(found)
    }

    /// The documents of one kind that the filter means, as they come from MongoDB: a few at a time. `limit` is how many
    /// the caller takes, about.
    pub(super) async fn documents(
        &self,
        collection: &str,
        filter: &ItemFilter,
        part: Document,
        order: i32,
        skipped: i64,
        limit: i64,
    ) -> Result<BoxStream<'static, Result<Document>>> {
        let mut wanted = conditions(filter);
        wanted.extend(part);
        let items = self.items_of(collection);
        let find = items.find(wanted).sort(doc! { "_id": order });
        let Some(spellings) = spellings(filter) else {
            let found = find.skip(u64::try_from(skipped).unwrap_or(0)).limit(limit).await?;
            return Ok(found.map_err(Into::into).and_then(async |item| taken_literally(&item)).boxed());
        };
        // The text of a document is known here alone.
        let found = find.await?.map_err(Into::into).and_then(async |item| taken_literally(&item));
        let found = found.try_filter_map(move |document: Document| {
            let json = json_of(&document);
            ready(json.map(|json| spellings.stand_in(json.get()).then_some(document)))
        });
        Ok(found.boxed())
    }

    pub(super) async fn count_all(&self, collection: &str, filter: &ItemFilter) -> Result<i64> {
        if filter.upto.is_none() {
            return self.count_part(collection, filter, Document::new()).await;
        }
        let (range, mut all) = (Range::default().within(filter), 0);
        for part in OLDEST_FIRST.into_iter().filter_map(|kind| range.of(kind)) {
            all += self.count_part(collection, filter, part).await?;
        }
        Ok(all)
    }

    pub(super) async fn count_part(&self, collection: &str, filter: &ItemFilter, part: Document) -> Result<i64> {
        if filter.q.is_some() {
            return self
                .documents(collection, filter, part, 1, 0, i64::MAX)
                .await?
                .try_fold(0, |sum, _| ready(Ok(sum + 1)))
                .await;
        }
        let mut wanted = conditions(filter);
        wanted.extend(part);
        let items = self.collection(collection);
        let number = if wanted.is_empty() {
            items.estimated_document_count().await?
        } else {
            items.count_documents(wanted).await?
        };
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
