use super::{
    Data, DataFilter, FieldSummary, ItemRow, Preview,
    fields::{self, MOST},
};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::{
        documents::{Catalogue, Item, ItemFilter},
        http::{Page, Paging},
    },
    text,
};

/// A step of a long read: few enough that others get their turn in between.
const STEP: i64 = 500;
/// Catalogues in memory at once.
const CATALOGUES: i64 = 50;

/// Items from the first to the last there was when it began, in steps.
#[derive(Debug)]
pub(super) struct Reader {
    data: Data,
    filter: ItemFilter,
    after: Option<String>,
    /// `None`: there is nothing to read.
    upto: Option<String>,
}

impl Reader {
    /// The next items; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Item>> {
        let Some(upto) = &self.upto else { return Ok(vec![]) };
        let items = self.data.documents.items_after(&self.filter, self.after.as_deref(), upto, STEP).await?;
        if let Some(last) = items.last() {
            self.after = Some(last.id.clone());
        }
        Ok(items)
    }

    /// The same items once more.
    pub(super) fn again(&self) -> Self {
        Self { data: self.data.clone(), filter: self.filter.clone(), after: None, upto: self.upto.clone() }
    }
}

impl Data {
    pub(super) async fn read(&self, filter: DataFilter) -> Result<Reader> {
        let filter = ItemFilter::from(filter);
        let upto = self.documents.last_item_id(&filter).await?;
        Ok(Reader { data: self.clone(), filter, after: None, upto })
    }

    pub(super) async fn page(&self, filter: DataFilter, paging: &Paging) -> Result<Page<ItemRow>> {
        let filter = ItemFilter::from(filter);
        let cursor = paging.cursor.as_deref();
        let items = self.documents.items(&filter, cursor, paging.offset(), paging.page_size).await?;
        let total = if cursor.is_none() { Some(self.documents.count_items(&filter).await?) } else { None };
        let rows = items.into_iter().map(ItemRow::from).collect();
        Ok(Page::new(paging, rows, total, |row: &ItemRow| row.id.clone()))
    }

    /// The fields, and whether there are more than are told. Where the filter looks into items they are read for it; else
    /// it is known from the catalogues, in which also items count that were duplicates.
    pub(super) async fn describe(&self, filter: DataFilter) -> Result<(Vec<FieldSummary>, bool)> {
        let mut all = Catalogue::with(MOST);
        if filter.q.is_some() {
            self.scan(filter, &mut all).await?;
        } else {
            let of_items = ItemFilter::from(filter.clone());
            let mut after = None;
            loop {
                let some = self.documents.catalogues_after(&of_items, after.as_ref(), CATALOGUES).await?;
                some.iter().for_each(|(_, catalogue)| all.merge(catalogue));
                let Some((last, _)) = some.into_iter().next_back() else { break };
                after = Some(last);
            }
            for task_id in self.documents.uncatalogued(&of_items).await? {
                self.scan(DataFilter { task_id: Some(task_id), ..filter.clone() }, &mut all).await?;
            }
        }
        let truncated = all.truncated;
        Ok((fields::summaries(all), truncated))
    }

    /// Adds the fields of all items that the filter finds.
    async fn scan(&self, filter: DataFilter, fields: &mut Catalogue) -> Result<()> {
        let mut reader = self.read(filter).await?;
        loop {
            let items = reader.next().await?;
            if items.is_empty() {
                return Ok(());
            }
            items.iter().for_each(|item| fields.add(&item.data));
        }
    }

    pub(super) async fn preview(&self, task_id: TaskId, limit: i64) -> Result<Preview> {
        let filter = ItemFilter { task_id: Some(task_id), ..ItemFilter::default() };
        let total = self.documents.count_items(&filter).await?;
        let items = match self.documents.last_item_id(&filter).await? {
            Some(last) => self.documents.items_after(&filter, None, &last, limit).await?,
            None => vec![],
        };
        let mut fields = Catalogue::with(MOST);
        items.iter().for_each(|item| fields.add(&item.data));
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
