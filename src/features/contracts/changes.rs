use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;

use super::{
    Change, Changes, Contracts, Versions,
    types::{ChangesQuery, VersionItem, VersionsQuery},
};
use crate::{
    error::{Checks, Error, Result},
    platform::{
        documents::{Item, KnownKey},
        http::Paging,
    },
    text,
};

/// Items that are read at once.
const AT_ONCE: usize = 50;
/// An answer with that much in it ends.
const MOST_BYTES: usize = 8 << 20;

impl Contracts {
    pub(super) async fn changes(&self, query: ChangesQuery) -> Result<Changes> {
        let mut checks = Checks::default();
        checks.require((1..=1000).contains(&query.page_size), "query.page_size", "value_error", || {
            text!("须在 1 到 1000 之间", "must be between 1 and 1000")
        });
        let cursor = query.cursor.as_deref().map(place_of);
        checks.require(cursor != Some(None), "query.cursor", "value_error", || {
            text!("不是本接口给出的 cursor", "is no cursor of this list")
        });
        checks.finish()?;
        let start = (query.since.unwrap_or(DateTime::UNIX_EPOCH), String::new());
        let after = cursor.flatten().map_or(start.clone(), |place| place.max(start));
        let mut keys = self.documents.changes_after(&query.spider_id, &after, query.page_size).await?;
        let mut data = self.data_of(&mut keys).await?;
        let next_cursor = keys.last().map(|key| cursor_of(key.changed_at, &key.key)).or(query.cursor);
        let items = keys
            .into_iter()
            .map(|key| (data.remove(&key.item_id), key))
            .map(|(data, key)| Change::of(key, data, query.since));
        Ok(Changes { items: items.collect(), next_cursor })
    }

    pub(super) async fn versions(&self, query: VersionsQuery, paging: &Paging) -> Result<Versions> {
        let VersionsQuery { spider_id, key } = query;
        let known = self.documents.known_key(&spider_id, &key).await?.ok_or_else(|| {
            Error::not_found("key_not_found", text!("没有这个键", "this spider has brought nothing with that key"))
        })?;
        let cursor = paging.cursor.as_deref();
        let mut items = self.documents.versions(&spider_id, &key, cursor, paging.page_size).await?;
        let present = self.documents.items_by_id(std::slice::from_ref(&known.item_id)).await?;
        let data = present.first().map(|item| item.data.clone());
        if cursor.is_none() && !items.iter().any(|item| item.id == known.item_id) {
            items.splice(0..0, present);
        }
        let is_full = i64::try_from(items.len()).is_ok_and(|count| count >= paging.page_size);
        let next_cursor = items.last().filter(|_| is_full).map(|item| item.id.clone());
        let version = |Item { id, task_id, data, created_at, .. }| VersionItem { id, task_id, data, created_at };
        Ok(Versions {
            now: Change::of(known, data, None),
            versions: items.into_iter().map(version).collect(),
            next_cursor,
        })
    }

    /// The keys' present items. Keys whose items no longer fit into the answer are cut off.
    async fn data_of(&self, keys: &mut Vec<KnownKey>) -> Result<HashMap<String, Box<RawValue>>> {
        let ids: Vec<String> = keys.iter().map(|key| key.item_id.clone()).collect();
        let (mut data, mut bytes, mut looked_at) = (HashMap::new(), 0, 0);
        for some in ids.chunks(AT_ONCE) {
            if bytes >= MOST_BYTES {
                break;
            }
            for item in self.documents.items_by_id(some).await? {
                bytes += item.data.get().len();
                data.insert(item.id, item.data);
            }
            looked_at += some.len();
        }
        keys.truncate(looked_at);
        Ok(data)
    }
}

fn cursor_of(at: DateTime<Utc>, key: &str) -> String {
    format!("{}_{key}", at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn place_of(cursor: &str) -> Option<(DateTime<Utc>, String)> {
    let (at, key) = cursor.split_once('_')?;
    Some((at.parse().ok()?, key.to_owned()))
}
