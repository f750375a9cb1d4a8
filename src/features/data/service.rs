use super::{
    Data, DataFilter, FieldSummary, Preview,
    conditions::Wanted,
    fields::{self, MOST},
    reader::Reader,
};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::documents::{Catalogue, ItemFilter},
    text,
};

/// Catalogues in memory at once.
const CATALOGUES: i64 = 50;

impl Data {
    /// From the first item to the last there is now.
    async fn read(&self, wanted: Wanted) -> Result<Reader> {
        let scope = ItemFilter { q: None, ..wanted.items.clone() };
        let upto = self.documents.last_item_id(&scope).await?;
        Ok(Reader::new(self, wanted, upto))
    }

    /// The fields, and whether there are more than are told. Where the filter looks into items they are read for it; else
    /// it is known from the catalogues, in which also items count that were duplicates.
    pub(super) async fn describe(&self, wanted: Wanted) -> Result<(Vec<FieldSummary>, bool)> {
        let mut all = Catalogue::with(MOST);
        if wanted.is_search() || wanted.items.upto.is_some() {
            self.scan(wanted, &mut all).await?;
        } else {
            let mut after = None;
            loop {
                let some = self.documents.catalogues_after(&wanted.items, after.as_ref(), CATALOGUES).await?;
                for (_, catalogue) in &some {
                    all.merge(catalogue);
                }
                let Some((last, _)) = some.into_iter().next_back() else { break };
                after = Some(last);
            }
            for task_id in self.documents.uncatalogued(&wanted.items).await? {
                let mut of_task = wanted.clone();
                of_task.items.task_id = Some(task_id);
                self.scan(of_task, &mut all).await?;
            }
        }
        let truncated = all.truncated;
        Ok((fields::summaries(all), truncated))
    }

    /// Adds the fields of all items that are wanted.
    async fn scan(&self, wanted: Wanted, fields: &mut Catalogue) -> Result<()> {
        let mut reader = self.read(wanted).await?;
        loop {
            let items = reader.next().await?;
            if items.is_empty() {
                return Ok(());
            }
            for item in &items {
                fields.add(&item.data);
            }
        }
    }

    pub(super) async fn preview(&self, task_id: TaskId, limit: i64) -> Result<Preview> {
        let filter = ItemFilter { task_id: Some(task_id), ..ItemFilter::default() };
        let total = self.documents.held(&filter).await?.items;
        let items = match self.documents.last_item_id(&filter).await? {
            Some(last) => self.documents.items_after(&filter, None, &last, limit).await?,
            None => vec![],
        };
        let mut fields = Catalogue::with(MOST);
        for item in &items {
            fields.add(&item.data);
        }
        let fields = fields::preview(fields);
        let items = items.into_iter().map(|item| item.data).collect();
        Ok(Preview { items, total, field_stats: fields.clone(), fields })
    }

    /// What the filter finds, which must name a task or a spider: everything at once is nobody's wish.
    pub(super) async fn delete(&self, filter: DataFilter) -> Result<i64> {
        let filter = ItemFilter::from(filter);
        if filter.task_id.is_none() && filter.spider_id.is_none() {
            return Err(Error::bad_request(
                "filter_required",
                text!("请指定 spider_id 或 task_id", "say which items: give spider_id or task_id"),
            ));
        }
        self.documents.delete_items(&filter).await
    }
}
