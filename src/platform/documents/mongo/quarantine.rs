use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::{
    ClientSession,
    bson::{Bson, doc},
};

use super::{
    MongoStore, QUARANTINE,
    batches::{Arrival, Arrived, TOO_LARGE},
    json::{quarantined_of, text_of},
    number,
    search::Range,
    transactions::{Failure, Tries},
};
use crate::{
    error::Result,
    platform::documents::{
        catalogue::Catalogue,
        items::{Counts, ItemFilter, count},
        keys::scope_of,
        quarantine::{Quarantined, Readmission, Readmitted},
        store::Quarantine,
    },
};

#[async_trait]
impl Quarantine for MongoStore {
    async fn quarantined(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Quarantined>> {
        let found = self.call(self.page(QUARANTINE, filter, before, offset, limit)).await?;
        found.iter().map(quarantined_of).collect()
    }

    async fn count_quarantined(&self, filter: &ItemFilter) -> Result<i64> {
        self.call(self.count_all(QUARANTINE, filter)).await
    }

    async fn quarantined_after(
        &self,
        filter: &ItemFilter,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Quarantined>> {
        let found = self.call(self.step(QUARANTINE, filter, Range { after, ..Range::default() }, limit)).await?;
        found.iter().map(quarantined_of).collect()
    }

    async fn store_readmitted(&self, readmission: Readmission, fields: &Catalogue) -> Result<Readmitted> {
        let store = async {
            let Readmission { task_id, spider_id, is_test, dedup, .. } = &readmission;
            let _turn = self.turns.take(task_id.as_str()).await;
            let scope = scope_of(spider_id, task_id, *is_test);
            let _scope = if dedup.is_some() { Some(self.scopes.take(scope).await) } else { None };
            let mut tries = Tries::new();
            loop {
                let mut session = self.begin().await?;
                let readmitted = self.let_out(&mut session, &readmission, fields).await;
                if let Some(readmitted) = tries.end(session, readmitted).await? {
                    return Ok(readmitted);
                }
            }
        };
        self.call(Box::pin(store)).await
    }

    async fn delete_quarantined(&self, filter: &ItemFilter) -> Result<i64> {
        self.remove_found(QUARANTINE, filter).await
    }
}

impl MongoStore {
    async fn let_out(
        &self,
        session: &mut ClientSession,
        readmission: &Readmission,
        fields: &Catalogue,
    ) -> Result<Readmitted, Failure> {
        let Readmission { task_id, spider_id, is_test, dedup, items } = readmission;
        let ids: Vec<Bson> = items.iter().map(|(id, _)| id.into()).collect();
        // What is there only in part is no item, whatever the contract says.
        let is_whole = doc! { "$not": { "$regex": format!("^{TOO_LARGE}") } };
        let these = doc! { "task_id": task_id.as_str(), "_id": { "$in": ids }, "reason": is_whole };
        let quarantine = self.collection(QUARANTINE);
        let find = quarantine.find(these.clone()).projection(doc! { "bytes": 1 });
        let mut found = find.session(&mut *session).await?;
        let mut let_out = HashMap::new();
        while let Some(item) = found.next(session).await.transpose()? {
            let_out.insert(item.get("_id").map(text_of).unwrap_or_default(), number(&item, "bytes"));
        }
        if let_out.is_empty() {
            return Ok(Readmitted::default());
        }
        quarantine.delete_many(these).session(&mut *session).await?;
        let beside = Counts { rejected: -count(let_out.len()), ..Counts::default() };
        let arrival = Arrival {
            task_id,
            spider_id,
            is_test: *is_test,
            came_at: None,
            attempt: None,
            dedup: *dedup,
            items: items.iter().filter(|(id, _)| let_out.contains_key(id)).map(|(_, item)| item.clone()).collect(),
            fields,
            beside: (beside, -let_out.values().sum::<i64>()),
        };
        let Arrived { stored, duplicate, .. } = self.take_in(session, arrival).await?;
        Ok(Readmitted { stored, duplicate, left: 0 })
    }
}
