use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::{
    id::{SpiderId, TaskId},
    platform::{
        database::word_enum,
        documents::{ItemFilter, KnownKey, Quarantined},
    },
};

/// Which refused items.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QuarantineFilter {
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    #[param(value_type = Option<String>)]
    pub task_id: Option<TaskId>,
}

impl From<QuarantineFilter> for ItemFilter {
    fn from(filter: QuarantineFilter) -> Self {
        Self { spider_id: filter.spider_id, task_id: filter.task_id, ..Self::default() }
    }
}

/// An item that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct InQuarantine {
    #[serde(rename = "_id")]
    pub id: String,
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    /// What the spider sent, to the letter; as a text where it is nested too deep for most programs to read.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Places in the item, each with what is wrong there.
    #[schema(example = "/price: \"9.90\" is not of type \"number\"")]
    pub reason: String,
    pub is_test: bool,
    pub created_at: DateTime<Utc>,
}

impl From<Quarantined> for InQuarantine {
    fn from(item: Quarantined) -> Self {
        let Quarantined { id, task_id, spider_id, is_test, data, reason, created_at } = item;
        // What serde itself would read.
        let is_readable = serde_json::from_str::<serde::de::IgnoredAny>(data.get()).is_ok() && !is_deep(data.get());
        let as_text = || serde_json::value::to_raw_value(data.get()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let data = if is_readable { data } else { as_text() };
        Self { id, task_id, spider_id, data, reason, is_test, created_at }
    }
}

/// Brackets in texts count too: it only decides how an item is shown.
fn is_deep(json: &str) -> bool {
    const MANY: usize = 100;
    let mut depth = 0_usize;
    json.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MANY
    })
}

/// Which refused items are to be checked again.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ReplayIn {
    #[schema(value_type = String)]
    pub spider_id: SpiderId,
    /// Of all its tasks where left out.
    #[schema(value_type = Option<String>)]
    pub task_id: Option<TaskId>,
}

/// What became of refused items that were checked again.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct Replayed {
    /// They are out of quarantine: stored, or known as duplicates.
    pub replayed: i64,
    /// Of those, how many were duplicates.
    pub duplicate: i64,
    pub still_rejected: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    #[param(value_type = String)]
    pub spider_id: SpiderId,
    /// What changed at that time (RFC 3339) or later; all that is known where left out.
    pub since: Option<DateTime<Utc>>,
    /// A former answer's `next_cursor`; goes before `since` where it is later.
    pub cursor: Option<String>,
    /// 1 to 1000.
    #[serde(default = "hundred")]
    #[param(default = 100, minimum = 1, maximum = 1000)]
    pub page_size: i64,
}

fn hundred() -> i64 {
    100
}

word_enum! {
    /// What became of a thing that a spider brings.
    pub enum ChangeKind {
        /// It was not there before, or was gone.
        New = "new",
        /// It has other content than before.
        Changed = "changed",
        /// A complete run did not see it.
        Gone = "gone",
    }
}

/// What a thing that a spider brings has become.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    pub kind: ChangeKind,
    /// Names it for good.
    pub key: String,
    /// The fields that it is known by, as JSON (cut where it is long); empty where the whole item is.
    #[schema(example = "{\"sku\":\"a-1\"}")]
    pub label: String,
    pub item_id: String,
    /// Its present item, or the last one; null where that was deleted.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
    /// The task that saw it last.
    pub task_id: TaskId,
    /// How many contents it has had.
    pub version: i64,
    /// Equal contents have equal ones.
    pub content_hash: String,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// When it was first seen, or seen again after it was gone.
    pub appeared_at: DateTime<Utc>,
    /// When it last became new, other or gone.
    pub changed_at: DateTime<Utc>,
    pub gone_at: Option<DateTime<Utc>>,
}

impl Change {
    /// As it is for whoever knows how things were at `since`.
    pub(super) fn of(key: KnownKey, data: Option<Box<RawValue>>, since: Option<DateTime<Utc>>) -> Self {
        let kind = if key.gone_at.is_some() {
            ChangeKind::Gone
        } else if key.appeared_at >= since.unwrap_or(key.changed_at) {
            ChangeKind::New
        } else {
            ChangeKind::Changed
        };
        Self {
            kind,
            key: key.key,
            label: key.label,
            item_id: key.item_id,
            data,
            task_id: key.task_id,
            version: key.version,
            content_hash: key.content,
            first_seen: key.first_seen,
            last_seen: key.last_seen,
            appeared_at: key.appeared_at,
            changed_at: key.changed_at,
            gone_at: key.gone_at,
        }
    }
}

/// Changes in the order in which they came to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changes {
    /// Fewer than `page_size` where they are large, or where there are no more; none where there are no more.
    pub items: Vec<Change>,
    /// For `?cursor=`: what comes behind these, now or later. Null where there is nothing at all yet.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionsQuery {
    #[param(value_type = String)]
    pub spider_id: SpiderId,
    /// As `/data/changes` tells it.
    pub key: String,
}

/// A thing that a spider brings, with the contents it has had.
#[derive(Debug, Serialize, ToSchema)]
pub struct Versions {
    #[serde(flatten)]
    pub now: Change,
    /// Newest first. All of them are kept where `dedup_policy` is `version`, else the present one alone.
    pub versions: Vec<VersionItem>,
    /// For `?cursor=`; null where there are no further ones.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VersionItem {
    #[serde(rename = "_id")]
    pub id: String,
    pub task_id: TaskId,
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    pub created_at: DateTime<Utc>,
}
