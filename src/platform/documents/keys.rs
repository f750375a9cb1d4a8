//! Keys: what makes two items the same thing, and what is known of each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::items::NewItem;
use crate::{
    id::{SpiderId, TaskId},
    platform::database::word_enum,
};

word_enum! {
    /// What becomes of an item whose key is known. One with the same content is a duplicate in any case.
    pub enum DedupPolicy {
        /// It is a duplicate.
        KeepFirst = "keep_first",
        /// It takes the place of the former item.
        KeepLast = "keep_last",
        /// It is stored beside the former ones.
        Version = "version",
    }
}

/// What an item is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// A hash of the fields that make it.
    pub hash: String,
    /// The fields as JSON, cut where they are long; empty where the key is the whole item.
    pub label: String,
    /// A hash of the whole item.
    pub content: String,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KnownKey {
    #[sqlx(rename = "item_key")]
    pub key: String,
    pub label: String,
    /// The task that saw it last.
    pub task_id: TaskId,
    /// Its present item, which may have been deleted since.
    pub item_id: String,
    pub content: String,
    /// How many contents it has had; from 1.
    pub version: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// When it was first seen, or seen again after it was gone.
    pub appeared_at: DateTime<Utc>,
    /// When it last became new, other or gone.
    pub changed_at: DateTime<Utc>,
    /// When a complete run was found not to have seen it; none while it is there.
    pub gone_at: Option<DateTime<Utc>>,
}

/// Where keys are told apart: in all of a spider's tasks, or in one test run.
pub(super) fn scope_of<'a>(spider_id: &'a SpiderId, task_id: &'a TaskId, is_test: bool) -> &'a str {
    if is_test { task_id.as_str() } else { spider_id.as_str() }
}

/// An item that is to be stored.
#[derive(Debug)]
pub(super) struct Admitted {
    pub id: String,
    pub data: Box<RawValue>,
    /// Where all versions are kept, what they are found by.
    pub key: Option<String>,
}

/// What becomes of items.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub items: Vec<Admitted>,
    pub duplicate: i64,
    /// The ids of former items whose place is taken.
    pub replaced: Vec<String>,
    /// The keys that were seen, as they are from now on, sorted.
    pub keys: Vec<KnownKey>,
}

impl Decided {
    /// All of them are stored.
    pub(super) fn all(items: Vec<NewItem>) -> Self {
        let admitted = |item: NewItem| Admitted { id: crate::id::new(), data: item.data, key: None };
        Self { items: items.into_iter().map(admitted).collect(), ..Self::default() }
    }

    /// `known`: the keys that were seen before, and whether their present item is still there.
    pub(super) fn of(
        policy: DedupPolicy,
        items: Vec<NewItem>,
        known: Vec<(KnownKey, bool)>,
        task_id: &TaskId,
        now: DateTime<Utc>,
    ) -> Self {
        let mut known: HashMap<String, (KnownKey, Place)> = known
            .into_iter()
            .map(|(key, is_there)| (key.key.clone(), (key, if is_there { Place::Stored } else { Place::Nowhere })))
            .collect();
        let mut decided = Self::default();
        let mut seen = Vec::new();
        for NewItem { data, key, came_at } in items {
            let (id, came_at) = (crate::id::new(), came_at.unwrap_or(now));
            let Some(Key { hash, label, content }) = key else {
                decided.items.push(Admitted { id, data, key: None });
                continue;
            };
            let item = Admitted { id, data, key: (policy == DedupPolicy::Version).then(|| hash.clone()) };
            seen.push(hash.clone());
            if let Some((key, place)) = known.get_mut(&hash) {
                if came_at < key.last_seen {
                    decided.late(policy, key, item, &content);
                } else {
                    decided.again(policy, (key, place), item, (content, label), (task_id, came_at, now));
                }
                continue;
            }
            let key = KnownKey {
                key: hash.clone(),
                label,
                task_id: task_id.clone(),
                item_id: item.id.clone(),
                content,
                version: 1,
                first_seen: came_at,
                last_seen: came_at,
                appeared_at: now,
                changed_at: now,
                gone_at: None,
            };
            known.insert(hash, (key, Place::Here(decided.items.len())));
            decided.items.push(item);
        }
        seen.sort_unstable();
        seen.dedup();
        decided.keys = seen.iter().filter_map(|key| known.remove(key)).map(|(key, _)| key).collect();
        decided
    }

    /// An item that came before its key was last seen: it says nothing of how things are now.
    fn late(&mut self, policy: DedupPolicy, key: &mut KnownKey, item: Admitted, content: &str) {
        if policy == DedupPolicy::Version && key.content != content {
            key.version += 1;
            self.items.push(item);
        } else {
            self.duplicate += 1;
        }
    }

    /// An item whose key was seen before.
    fn again(
        &mut self,
        policy: DedupPolicy,
        (key, place): (&mut KnownKey, &mut Place),
        item: Admitted,
        (content, label): (String, String),
        (task_id, came_at, now): (&TaskId, DateTime<Utc>, DateTime<Utc>),
    ) {
        key.task_id.clone_from(task_id);
        key.last_seen = came_at;
        if key.gone_at.take().is_some() {
            (key.appeared_at, key.changed_at) = (now, now);
        }
        let is_other = key.content != content;
        // Only an item that is there can stand for this one.
        if *place != Place::Nowhere && (!is_other || policy == DedupPolicy::KeepFirst) {
            self.duplicate += 1;
            return;
        }
        if is_other {
            (key.content, key.label) = (content, label);
            key.version += 1;
            key.changed_at = now;
        }
        match *place {
            Place::Here(at) if policy == DedupPolicy::KeepLast => {
                self.items[at].data = item.data;
                self.duplicate += 1;
                return;
            }
            Place::Stored if policy == DedupPolicy::KeepLast => {
                self.replaced.push(std::mem::replace(&mut key.item_id, item.id.clone()));
            }
            _ => key.item_id.clone_from(&item.id),
        }
        *place = Place::Here(self.items.len());
        self.items.push(item);
    }
}

/// Where a key's present item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Stored,
    /// It was deleted.
    Nowhere,
    /// Among those that are being stored.
    Here(usize),
}
