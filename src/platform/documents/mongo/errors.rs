use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
};

use super::{BOOKS, ERRORS, MongoStore, from_micros, json::text_of, micros, number, transactions::Failure, unreadable};
use crate::{
    error::Result,
    id::SpiderId,
    platform::documents::{
        errors::{ErrorGroup, MOST_GROUPS, Seen},
        logs::NewLines,
        store::Errors,
    },
};

#[async_trait]
impl Errors for MongoStore {
    async fn error_groups(
        &self,
        spider: &SpiderId,
        before: Option<(DateTime<Utc>, &str)>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<ErrorGroup>> {
        let read = async {
            let mut wanted = doc! { "spider_id": spider.as_str() };
            if let Some((at, fingerprint)) = before {
                let earlier = doc! { "last_seen": { "$lt": micros(at) } };
                let beside = doc! { "last_seen": micros(at), "fingerprint": { "$lt": fingerprint } };
                wanted.insert("$or", vec![earlier, beside]);
            }
            let groups = self.collection(ERRORS);
            let found = groups.find(wanted).sort(doc! { "last_seen": -1, "fingerprint": -1 });
            let found = found.skip(u64::try_from(offset).unwrap_or(0)).limit(limit).await?;
            found.map_err(Into::into).and_then(async |group| group_of(&group)).try_collect().await
        };
        self.call(read).await
    }

    async fn count_error_groups(&self, spider: &SpiderId) -> Result<i64> {
        let of_spider = doc! { "spider_id": spider.as_str() };
        let count = async { Ok(self.collection(ERRORS).count_documents(of_spider).await?) };
        Ok(i64::try_from(self.call(count).await?).unwrap_or(i64::MAX))
    }

    async fn error_group(&self, spider: &SpiderId, fingerprint: &str) -> Result<Option<ErrorGroup>> {
        let one = doc! { "spider_id": spider.as_str(), "fingerprint": fingerprint };
        let found = self.call(async { Ok(self.collection(ERRORS).find_one(one).await?) }).await?;
        found.as_ref().map(group_of).transpose()
    }

    async fn forget_error(&self, spider: &SpiderId, fingerprint: &str) -> Result<bool> {
        let one = doc! { "spider_id": spider.as_str(), "fingerprint": fingerprint };
        let removed = self.call(async { Ok(self.collection(ERRORS).delete_one(one).await?) }).await?;
        Ok(removed.deleted_count > 0)
    }

    async fn forget_errors_of(&self, spider: &SpiderId) -> Result<()> {
        let all = doc! { "spider_id": spider.as_str() };
        self.call(async { Ok(self.collection(ERRORS).delete_many(all).await?) }).await.map(drop)
    }

    async fn spiders_with_errors(&self) -> Result<Vec<SpiderId>> {
        let spiders = self.call(async { Ok(self.collection(ERRORS).distinct("spider_id", doc! {}).await?) }).await?;
        Ok(spiders.iter().map(|spider| text_of(spider).into()).collect())
    }
}

impl MongoStore {
    /// Adds the errors that were not counted before to their groups. The attempt's fence is held, and the spider's turn in
    /// this process.
    pub(super) async fn count_errors(
        &self,
        session: &mut ClientSession,
        new: &NewLines,
        counted: i64,
    ) -> Result<(), Failure> {
        let (Some(upto), seen) = (new.errors_upto(), new.seen(counted)) else { return Ok(()) };
        if seen.is_empty() {
            return Ok(());
        }
        let note = doc! { "$set": { "errors_upto": upto } };
        self.collection(BOOKS).update_one(doc! { "_id": new.task_id.as_str() }, note).session(&mut *session).await?;
        let groups = self.collection(ERRORS);
        let spider = new.spider_id.as_str();
        let fingerprints: Vec<&str> = seen.keys().copied().collect();
        let these = doc! { "spider_id": spider, "fingerprint": { "$in": fingerprints } };
        let mut found = groups.find(these.clone()).session(&mut *session).await?;
        let mut former = HashMap::new();
        while let Some(group) = found.next(session).await.transpose()? {
            let group = group_of(&group).map_err(Failure::Refused)?;
            former.insert(group.fingerprint.clone(), group);
        }
        let present: Vec<Document> =
            seen.iter().map(|(fingerprint, seen)| document_of(new, seen, former.get(*fingerprint))).collect();
        groups.delete_many(these).session(&mut *session).await?;
        groups.insert_many(present).session(&mut *session).await?;
        self.make_room(session, spider).await
    }

    /// The oldest go where there are more than a spider has.
    async fn make_room(&self, session: &mut ClientSession, spider: &str) -> Result<(), Failure> {
        let groups = self.collection(ERRORS);
        let find = groups.find(doc! { "spider_id": spider }).sort(doc! { "last_seen": -1, "fingerprint": -1 });
        let find = find.skip(u64::try_from(MOST_GROUPS).unwrap_or_default()).projection(doc! { "_id": 1 });
        let mut oldest = find.session(&mut *session).await?;
        let mut ids = Vec::new();
        while let Some(mut group) = oldest.next(session).await.transpose()? {
            ids.extend(group.remove("_id"));
        }
        if !ids.is_empty() {
            groups.delete_many(doc! { "_id": { "$in": ids } }).session(session).await?;
        }
        Ok(())
    }
}

fn document_of(new: &NewLines, Seen { count, since, newest }: &Seen<'_>, former: Option<&ErrorGroup>) -> Document {
    let task = new.task_id.as_str();
    doc! {
        "spider_id": new.spider_id.as_str(),
        "fingerprint": &newest.fingerprint,
        "level": newest.level.as_str(),
        "title": &newest.title,
        "sample": &newest.sample,
        "count": count + former.map_or(0, |group| group.count),
        "first_seen": micros(former.map_or(*since, |group| group.first_seen)),
        "last_seen": micros(newest.at),
        "first_task": former.map_or(task, |group| group.first_task.as_str()),
        "last_task": task,
        "last_seq": newest.seq,
        "first_version": former.map_or(new.version, |group| group.first_version),
        "last_version": new.version,
    }
}

fn group_of(document: &Document) -> Result<ErrorGroup> {
    let text = |name: &str| document.get(name).map(text_of).unwrap_or_default();
    let version = |name: &str| document.get(name).is_some_and(|it| *it != Bson::Null).then(|| number(document, name));
    Ok(ErrorGroup {
        fingerprint: text("fingerprint"),
        level: text("level").parse().map_err(|_| unreadable("the level of an error"))?,
        title: text("title"),
        sample: text("sample"),
        count: number(document, "count"),
        first_seen: from_micros(document, "first_seen")?,
        last_seen: from_micros(document, "last_seen")?,
        first_task: text("first_task").into(),
        last_task: text("last_task").into(),
        last_seq: number(document, "last_seq"),
        first_version: version("first_version"),
        last_version: version("last_version"),
    })
}
