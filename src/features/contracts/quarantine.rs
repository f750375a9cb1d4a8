use std::collections::HashMap;

use super::{
    Contracts, InQuarantine, Replayed,
    types::{QuarantineFilter, ReplayIn},
};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::{
        documents::{ItemFilter, NewItem, Quarantined, Readmission, Readmitted},
        http::{Page, Paging},
    },
    text,
};

/// Items that are checked at once.
const STEP: i64 = 200;

impl Contracts {
    pub(super) async fn quarantined(&self, filter: QuarantineFilter, paging: &Paging) -> Result<Page<InQuarantine>> {
        let filter = ItemFilter::from(filter);
        let cursor = paging.cursor.as_deref();
        let items = self.documents.quarantined(&filter, cursor, paging.offset(), paging.page_size).await?;
        let total = if cursor.is_none() { Some(self.documents.count_quarantined(&filter).await?) } else { None };
        let items = items.into_iter().map(InQuarantine::from).collect();
        Ok(Page::new(paging, items, total, |item: &InQuarantine| item.id.clone()))
    }

    pub(super) async fn delete_quarantined(&self, filter: QuarantineFilter) -> Result<i64> {
        let filter = ItemFilter::from(filter);
        if filter.task_id.is_none() && filter.spider_id.is_none() {
            return Err(Error::bad_request(
                "filter_required",
                text!("请指定 spider_id 或 task_id", "say which items: give spider_id or task_id"),
            ));
        }
        self.documents.delete_quarantined(&filter).await
    }

    /// Checks refused items against the contract as it is now, and stores with their tasks what passes. Each step is done
    /// as a whole, also where the caller goes away, so a call that was cut off is simply made again.
    pub(super) async fn replay(&self, which: ReplayIn) -> Result<Replayed> {
        let contract = self.spiders.contract(&which.spider_id).await?;
        let filter =
            ItemFilter { spider_id: Some(which.spider_id.clone()), task_id: which.task_id, ..ItemFilter::default() };
        self.tasks.correct_counts_of(&which.spider_id, filter.task_id.as_ref()).await?;
        let (mut done, mut after) = (Replayed::default(), None);
        loop {
            let step = self.documents.quarantined_after(&filter, after.as_deref(), STEP).await?;
            let Some(last) = step.last() else { return Ok(done) };
            after = Some(last.id.clone());
            let judged = contract.clone().judge(step.iter().map(|item| item.data.clone()).collect()).await?;
            let mut passed: HashMap<(TaskId, bool), Vec<(String, NewItem)>> = HashMap::new();
            for (Quarantined { id, task_id, is_test, created_at, .. }, judged) in step.into_iter().zip(judged) {
                match judged {
                    Ok(item) => {
                        let item = NewItem { came_at: Some(created_at), ..item };
                        passed.entry((task_id, is_test)).or_default().push((id, item));
                    }
                    Err(_) => done.still_rejected += 1,
                }
            }
            for ((task_id, is_test), items) in passed {
                let (spider_id, dedup) = (which.spider_id.clone(), contract.dedup());
                let readmission = Readmission { task_id, spider_id, is_test, dedup, items };
                let contracts = self.clone();
                let out = self.steps.spawn(async move { contracts.let_out(readmission).await });
                let out = out.await.map_err(Error::internal)??;
                done.replayed += out.stored + out.duplicate;
                done.duplicate += out.duplicate;
                done.still_rejected += out.left;
            }
        }
    }

    async fn let_out(&self, readmission: Readmission) -> Result<Readmitted> {
        let task_id = readmission.task_id.clone();
        let out = self.documents.readmit(readmission).await?;
        self.datasources.gets_more(&task_id).await?;
        self.tasks.correct_counts(&task_id).await?;
        Ok(out)
    }
}
