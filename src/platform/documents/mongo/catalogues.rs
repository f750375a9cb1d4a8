use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
};

use super::{
    BOOKS, CATALOGUES, ITEMS, MongoStore,
    json::text_of,
    search::{Kind, Range, conditions, conditions_on_books},
    transactions::Failure,
};
use crate::{
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::documents::{catalogue::Catalogue, items::ItemFilter, store::Catalogues},
};

#[async_trait]
impl Catalogues for MongoStore {
    async fn catalogues_after(
        &self,
        filter: &ItemFilter,
        after: Option<&TaskId>,
        limit: i64,
    ) -> Result<Vec<(TaskId, Catalogue)>> {
        let read = async {
            let mut wanted = doc! { "$and": [conditions_on_books(filter)] };
            if let Some(after) = after {
                wanted.insert("_id", doc! { "$gt": after.as_str() });
            }
            let found = self.collection(CATALOGUES).find(wanted).sort(doc! { "_id": 1 }).limit(limit).await?;
            let found: Vec<Document> = found.try_collect().await?;
            found.iter().map(|row| Ok((row.get("_id").map(text_of).unwrap_or_default().into(), read(row)?))).collect()
        };
        self.call(read).await
    }

    async fn uncatalogued(&self, filter: &ItemFilter) -> Result<Vec<TaskId>> {
        let find = async {
            let filter = ItemFilter { is_test: None, q: None, upto: None, ..filter.clone() };
            // By the books, and what the predecessor left, which is in none.
            let mut keeping = doc! { "stored": { "$gt": 0 }, "item_bytes": { "$gt": 0 } };
            keeping.extend(conditions_on_books(&filter));
            let kept = self.collection(BOOKS).find(keeping).projection(doc! { "_id": 1 }).await?;
            let mut tasks: BTreeSet<String> =
                kept.map_ok(|books| books.get("_id").map(text_of).unwrap_or_default()).try_collect().await?;
            let mut predecessors = conditions(&filter);
            predecessors.extend(Range::default().of(Kind::Predecessors).unwrap_or_default());
            tasks.extend(self.collection(ITEMS).distinct("task_id", predecessors).await?.iter().map(text_of));
            let with =
                self.collection(CATALOGUES).find(conditions_on_books(&filter)).projection(doc! { "_id": 1 }).await?;
            let with: HashSet<String> =
                with.map_ok(|row| row.get("_id").map(text_of).unwrap_or_default()).try_collect().await?;
            Ok(tasks.into_iter().filter(|task| !with.contains(task)).map(TaskId::from).collect())
        };
        self.call(find).await
    }
}

impl MongoStore {
    /// Adds to the task's catalogue; the transaction has changed the task's books before.
    pub(super) async fn add_fields(
        &self,
        session: &mut ClientSession,
        (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
        fields: &Catalogue,
    ) -> Result<(), Failure> {
        if fields.items == 0 {
            return Ok(());
        }
        let of_task = doc! { "_id": task_id.as_str() };
        let row = self.collection(CATALOGUES).find_one(of_task.clone()).session(&mut *session).await?;
        let mut all = row.as_ref().map(read).transpose().map_err(Failure::Refused)?.unwrap_or_default();
        all.merge(fields);
        let row = doc! {
            "_id": task_id.as_str(),
            "task_id": task_id.as_str(),
            "spider_id": spider_id.as_str(),
            "is_test": is_test,
            "catalogue": serde_json::to_string(&all).map_err(Error::internal).map_err(Failure::Refused)?,
        };
        self.collection(CATALOGUES).replace_one(of_task, row).upsert(true).session(session).await?;
        Ok(())
    }
}

fn read(row: &Document) -> Result<Catalogue> {
    serde_json::from_str(row.get_str("catalogue").unwrap_or_default()).map_err(Error::internal)
}
