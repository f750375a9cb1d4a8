use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
};

use super::{
    ITEMS, KEY_SCOPES, KEYS, MongoStore, from_micros,
    json::{item_of, text_of},
    micros, number, taken_literally,
    transactions::{Failure, Tries},
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::documents::{
        items::{Item, NewItem},
        keys::KnownKey,
        store::Keys,
    },
};

/// Keys of one transaction.
const STEP: i64 = 2000;

#[async_trait]
impl Keys for MongoStore {
    async fn changes_after(
        &self,
        spider_id: &SpiderId,
        (at, key): &(DateTime<Utc>, String),
        limit: i64,
    ) -> Result<Vec<KnownKey>> {
        let read = async {
            let at = at.timestamp_micros();
            let later = doc! { "scope": spider_id.as_str(), "$or": [
                { "changed_at": { "$gt": at } }, { "changed_at": at, "item_key": { "$gt": key } },
            ] };
            let keys = self.collection(KEYS);
            let found = keys.find(later).sort(doc! { "changed_at": 1, "item_key": 1 }).limit(limit).await?;
            found.map_err(Into::into).and_then(async |key| key_of(&key)).try_collect().await
        };
        self.call(read).await
    }

    async fn mark_gone(&self, spider_id: &SpiderId, not_since: DateTime<Utc>) -> Result<i64> {
        let (mut marked, mut after) = (0, String::new());
        while let Some(end) = self.call(self.end_of_keys(spider_id, &after)).await? {
            let step = async {
                let _turn = self.scopes.take(spider_id.as_str()).await;
                let mut tries = Tries::new();
                loop {
                    let mut session = self.begin().await?;
                    let gone = self.mark_step(&mut session, spider_id, (&after, &end), not_since).await;
                    if let Some(gone) = tries.end(session, gone).await? {
                        return Ok(gone);
                    }
                }
            };
            marked += self.call(step).await?;
            after = end;
        }
        Ok(marked)
    }

    async fn known_key(&self, spider_id: &SpiderId, key: &str) -> Result<Option<KnownKey>> {
        let read = async {
            let found = self.collection(KEYS).find_one(doc! { "scope": spider_id.as_str(), "item_key": key }).await?;
            found.as_ref().map(key_of).transpose()
        };
        self.call(read).await
    }

    async fn versions(&self, spider_id: &SpiderId, key: &str, before: Option<&str>, limit: i64) -> Result<Vec<Item>> {
        let read = async {
            let mut wanted = doc! { "spider_id": spider_id.as_str(), "item_key": key };
            if let Some(before) = before {
                wanted.insert("_id", doc! { "$lt": before });
            }
            let found = self.items_of(ITEMS).find(wanted).sort(doc! { "_id": -1 }).limit(limit).await?;
            found.map_err(Into::into).and_then(async |item| item_of(&taken_literally(&item)?)).try_collect().await
        };
        self.call(read).await
    }
}

impl MongoStore {
    /// Makes all that changes the scope's keys come one after the other: a second one fails here, and is tried again.
    pub(super) async fn hold_keys(&self, session: &mut ClientSession, scope: &str) -> Result<(), Failure> {
        let scopes = self.collection(KEY_SCOPES);
        let turn = scopes.update_one(doc! { "_id": scope }, doc! { "$inc": { "turns": 1_i64 } });
        turn.upsert(true).session(session).await?;
        Ok(())
    }

    /// What is known of the items' keys, and whether their present items are there.
    pub(super) async fn known(
        &self,
        session: &mut ClientSession,
        scope: &str,
        items: &[NewItem],
    ) -> Result<Vec<(KnownKey, bool)>, Failure> {
        let keys: Vec<&str> = items.iter().filter_map(|item| item.key.as_ref()).map(|key| key.hash.as_str()).collect();
        let mut found = self
            .collection(KEYS)
            .find(doc! { "scope": scope, "item_key": { "$in": keys } })
            .session(&mut *session)
            .await?;
        let mut known = Vec::new();
        while let Some(key) = found.next(session).await.transpose()? {
            known.push(key_of(&key).map_err(Failure::Refused)?);
        }
        let there = self.tasks_of(session, &known, doc! {}).await?;
        Ok(known
            .into_iter()
            .map(|key| (there.contains_key(&key.item_id), key))
            .map(|(there, key)| (key, there))
            .collect())
    }

    /// The tasks of the keys' present items, by item, where these are there and as is wanted.
    async fn tasks_of(
        &self,
        session: &mut ClientSession,
        keys: &[KnownKey],
        mut wanted: Document,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let ids: Vec<&str> = keys.iter().map(|key| key.item_id.as_str()).collect();
        wanted.insert("_id", doc! { "$in": ids });
        let items = self.collection(ITEMS);
        let mut found = items.find(wanted).projection(doc! { "task_id": 1 }).session(&mut *session).await?;
        let mut there = BTreeMap::new();
        while let Some(item) = found.next(session).await.transpose()? {
            let text = |key: &str| item.get(key).map(text_of).unwrap_or_default();
            there.insert(text("_id"), text("task_id"));
        }
        Ok(there)
    }

    /// Writes keys as they are now.
    pub(super) async fn store_keys(
        &self,
        session: &mut ClientSession,
        scope: &str,
        keys: &[KnownKey],
    ) -> Result<(), Failure> {
        if keys.is_empty() {
            return Ok(());
        }
        let hashes: Vec<&str> = keys.iter().map(|key| key.key.as_str()).collect();
        let former = doc! { "scope": scope, "item_key": { "$in": hashes } };
        self.collection(KEYS).delete_many(former).session(&mut *session).await?;
        self.collection(KEYS).insert_many(keys.iter().map(|key| document_of(scope, key))).session(session).await?;
        Ok(())
    }

    /// The last key of the next step behind `after`.
    async fn end_of_keys(&self, spider_id: &SpiderId, after: &str) -> Result<Option<String>> {
        let step = doc! { "scope": spider_id.as_str(), "item_key": { "$gt": after } };
        let keys = self.collection(KEYS);
        let found = keys.find(step).sort(doc! { "item_key": 1 }).limit(STEP).projection(doc! { "item_key": 1 }).await?;
        let keys: Vec<Document> = found.try_collect().await?;
        Ok(keys.last().and_then(|last| last.get("item_key")).map(text_of))
    }

    async fn mark_step(
        &self,
        session: &mut ClientSession,
        spider_id: &SpiderId,
        (after, end): (&str, &str),
        not_since: DateTime<Utc>,
    ) -> Result<i64, Failure> {
        self.hold_keys(session, spider_id.as_str()).await?;
        let now = self.clock.now().timestamp_micros();
        let unseen = doc! {
            "scope": spider_id.as_str(),
            "item_key": { "$gt": after, "$lte": end },
            "last_seen": { "$lt": not_since.timestamp_micros() },
            "gone_at": null,
        };
        let gone = doc! { "$set": { "gone_at": now, "changed_at": now } };
        let marked = self.collection(KEYS).update_many(unseen, gone).session(session).await?;
        Ok(i64::try_from(marked.modified_count).unwrap_or(i64::MAX))
    }

    /// Of keys that this task saw last go those whose present item is gone; the others are that item's task's from now on.
    /// The task's own items are gone already.
    pub(super) async fn leave_keys(&self, task: &TaskId) -> Result<()> {
        while let Some(scope) = self.call(self.scope_seen_by(task)).await? {
            let step = async {
                let _turn = self.scopes.take(&scope).await;
                let mut tries = Tries::new();
                loop {
                    let mut session = self.begin().await?;
                    let left = self.leave_step(&mut session, &scope, task).await;
                    if tries.end(session, left).await?.is_some() {
                        return Ok(());
                    }
                }
            };
            self.call(step).await?;
        }
        Ok(())
    }

    /// Where the task is the last that saw a key.
    async fn scope_seen_by(&self, task: &TaskId) -> Result<Option<String>> {
        let key = self.collection(KEYS).find_one(doc! { "task_id": task.as_str() }).await?;
        Ok(key.as_ref().and_then(|key| key.get("scope")).map(text_of))
    }

    async fn leave_step(&self, session: &mut ClientSession, scope: &str, task: &TaskId) -> Result<(), Failure> {
        self.hold_keys(session, scope).await?;
        let keys = self.collection(KEYS);
        let of_task = doc! { "scope": scope, "task_id": task.as_str() };
        let mut found = keys.find(of_task.clone()).limit(STEP / 2).session(&mut *session).await?;
        let mut some = Vec::new();
        while let Some(key) = found.next(session).await.transpose()? {
            some.push(key_of(&key).map_err(Failure::Refused)?);
        }
        let heirs = self.tasks_of(session, &some, doc! { "task_id": { "$ne": task.as_str() } }).await?;
        let mut by_heir = BTreeMap::<Option<&String>, Vec<&str>>::new();
        for key in &some {
            by_heir.entry(heirs.get(&key.item_id)).or_default().push(&key.key);
        }
        for (heir, hashes) in by_heir {
            let mut these = of_task.clone();
            these.insert("item_key", doc! { "$in": hashes });
            match heir {
                Some(heir) => {
                    let inherited = doc! { "$set": { "task_id": heir } };
                    keys.update_many(these, inherited).session(&mut *session).await?;
                }
                None => {
                    keys.delete_many(these).session(&mut *session).await?;
                }
            }
        }
        Ok(())
    }
}

fn document_of(scope: &str, key: &KnownKey) -> Document {
    doc! {
        "scope": scope,
        "item_key": &key.key,
        "label": &key.label,
        "task_id": key.task_id.as_str(),
        "item_id": &key.item_id,
        "content": &key.content,
        "version": key.version,
        "first_seen": micros(key.first_seen),
        "last_seen": micros(key.last_seen),
        "appeared_at": micros(key.appeared_at),
        "changed_at": micros(key.changed_at),
        "gone_at": key.gone_at.map(micros),
    }
}

fn key_of(document: &Document) -> Result<KnownKey> {
    let text = |name: &str| document.get(name).map(text_of).unwrap_or_default();
    let at = |name: &str| from_micros(document, name);
    Ok(KnownKey {
        key: text("item_key"),
        label: text("label"),
        task_id: text("task_id").into(),
        item_id: text("item_id"),
        content: text("content"),
        version: number(document, "version"),
        first_seen: at("first_seen")?,
        last_seen: at("last_seen")?,
        appeared_at: at("appeared_at")?,
        changed_at: at("changed_at")?,
        gone_at: document.get_i64("gone_at").is_ok().then(|| at("gone_at")).transpose()?,
    })
}
