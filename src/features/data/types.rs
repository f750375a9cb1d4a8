use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::fields::{PreviewField, PreviewFields};
use crate::{
    error::{Checks, Result},
    id::{SpiderId, TaskId},
    platform::{
        documents::{Item, ItemFilter},
        http::Page,
    },
};

/// Which items.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DataFilter {
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    #[param(value_type = Option<String>)]
    pub task_id: Option<TaskId>,
    /// Of test runs, or only of real ones; both when left out.
    pub is_test: Option<bool>,
    /// Text anywhere in the item, in any case; at most 500 characters.
    pub q: Option<String>,
}

/// Of a text that is searched for, in characters.
const LONGEST_TEXT: usize = 500;

impl DataFilter {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        checks.length("query.q", self.q.as_deref().unwrap_or_default(), LONGEST_TEXT);
        checks.finish()
    }
}

impl From<DataFilter> for ItemFilter {
    fn from(filter: DataFilter) -> Self {
        Self { spider_id: filter.spider_id, task_id: filter.task_id, is_test: filter.is_test, q: filter.q, upto: None }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewSize {
    /// 1 to 100.
    #[serde(default = "twenty")]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub limit: i64,
}

fn twenty() -> i64 {
    20
}

/// One item and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemRow {
    #[serde(rename = "_id")]
    pub id: String,
    #[serde(flatten)]
    pub row: WholeRow,
}

/// A page of items.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemPage {
    #[serde(flatten)]
    pub page: Page<ItemRow>,
    /// Whether a search ended before it had seen all items: there may be more than `total`, and `next_cursor` goes on, also
    /// where the page is short or empty.
    pub total_is_at_least: bool,
}

impl From<Page<ItemRow>> for ItemPage {
    fn from(page: Page<ItemRow>) -> Self {
        Self { page, total_is_at_least: false }
    }
}

/// A row as it is exported.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeRow {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    /// What the spider sent, to the letter.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    pub is_test: bool,
    pub created_at: DateTime<Utc>,
}

/// The first items of a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Box<RawValue>>,
    /// How many the task has in all.
    pub total: i64,
    /// By name, of the items shown.
    #[schema(value_type = std::collections::HashMap<String, PreviewField>)]
    pub fields: PreviewFields,
    /// The same, under the name that the predecessor's UI reads.
    #[schema(value_type = std::collections::HashMap<String, PreviewField>)]
    pub field_stats: PreviewFields,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    pub deleted_count: i64,
}

impl From<Item> for WholeRow {
    fn from(item: Item) -> Self {
        Self {
            task_id: item.task_id,
            spider_id: item.spider_id,
            data: item.data,
            is_test: item.is_test,
            created_at: item.created_at,
        }
    }
}

impl From<Item> for ItemRow {
    fn from(item: Item) -> Self {
        Self { id: item.id.clone(), row: item.into() }
    }
}
