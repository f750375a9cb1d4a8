use super::{Data, DataFilter, FieldSummary, Preview, conditions::Wanted, fields::Fields, reader::Reader};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::documents::ItemFilter,
    text,
};

impl Data {
    /// From the first item to the last there is now.
    async fn read(&self, wanted: Wanted) -> Result<Reader> {
        let scope = ItemFilter { q: None, ..wanted.items.clone() };
        let upto = self.documents.last_item_id(&scope).await?;
        Ok(Reader::new(self, wanted, upto))
    }

    /// The fields, and whether there are more than are told.
    pub(super) async fn describe(&self, wanted: Wanted) -> Result<(Vec<FieldSummary>, bool)> {
        let (mut reader, mut fields) = (self.read(wanted).await?, Fields::default());
        loop {
            let items = reader.next().await?;
            if items.is_empty() {
                let truncated = fields.truncated;
                return Ok((fields.summaries(), truncated));
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
        let mut fields = Fields::default();
        for item in &items {
            fields.add(&item.data);
        }
        let fields = fields.preview();
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
