use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Binary, Bson, Document, doc, spec::BinarySubtype},
};

use super::{
    LOGS, MongoStore,
    json::date,
    number,
    transactions::{Failure, Tries},
    unreadable,
};
use crate::{
    error::Result,
    id::TaskId,
    platform::documents::{
        chunks::{Chunk, arranged},
        items::count,
        logs::{Levels, NewLines},
        store::Logs,
    },
};

#[async_trait]
impl Logs for MongoStore {
    async fn store_lines(&self, new: &NewLines) -> Result<()> {
        let store = async {
            let _turn = self.turns.take(new.task_id.as_str()).await;
            let _errors =
                if new.errors.is_empty() { None } else { Some(self.scopes.take(new.spider_id.as_str()).await) };
            let mut tries = Tries::new();
            loop {
                let mut session = self.begin().await?;
                let added = self.add_lines(&mut session, new).await;
                if tries.end(session, added).await?.is_some() {
                    return Ok(());
                }
            }
        };
        self.call(store).await
    }

    async fn last_seq(&self, task_id: &TaskId) -> Result<i64> {
        let read = async {
            let last = self.collection(LOGS).find_one(ours(task_id)).sort(doc! { "last_seq": -1 }).await?;
            if let Some(last) = last {
                return Ok(number(&last, "last_seq"));
            }
            let theirs = self.predecessors_chunks(task_id, 0, i64::MAX, Levels::ANY).await?;
            Ok(theirs.last().map_or(0, |last| last.last_seq))
        };
        self.call(read).await
    }

    async fn chunks_after(&self, task_id: &TaskId, after: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>> {
        let read = async {
            let mut wanted = of_levels(levels);
            wanted.extend(doc! { "task_id": task_id.as_str(), "last_seq": { "$gt": after } });
            let mut ours = self.chunks(wanted, doc! { "last_seq": 1 }, limit).await?;
            // Before the first of ours there may be the predecessor's.
            if ours.first().is_none_or(|first| first.first_seq > after.saturating_add(1)) {
                let mut all = self.predecessors_chunks(task_id, after, i64::MAX, levels).await?;
                all.append(&mut ours);
                all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(all);
            }
            Ok(ours)
        };
        self.call(read).await
    }

    async fn chunks_before(&self, task_id: &TaskId, before: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>> {
        let read = async {
            let mut wanted = of_levels(levels);
            wanted.extend(doc! { "task_id": task_id.as_str(), "first_seq": { "$lt": before } });
            let mut all = self.chunks(wanted, doc! { "first_seq": -1 }, limit).await?;
            if count(all.len()) < limit {
                let theirs = self.predecessors_chunks(task_id, 0, before, levels).await?;
                all.extend(theirs.into_iter().rev());
                all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            Ok(all)
        };
        self.call(read).await
    }
}

impl MongoStore {
    async fn chunks(&self, wanted: Document, order: Document, limit: i64) -> Result<Vec<Chunk>> {
        let logs = self.collection(LOGS);
        let found: Vec<Document> = logs.find(wanted).sort(order).limit(limit).await?.try_collect().await?;
        found.into_iter().map(chunk_of).collect()
    }

    async fn add_lines(&self, session: &mut ClientSession, new: &NewLines) -> Result<(), Failure> {
        let logs = self.collection(LOGS);
        let newest = logs.find_one(ours(&new.task_id)).sort(doc! { "last_seq": -1 }).session(&mut *session).await?;
        let newest = newest.map(chunk_of).transpose().map_err(Failure::Refused)?;
        let chunks = arranged(newest.as_ref(), new.attempt, new.first_seq, &new.lines).map_err(Failure::Refused)?;
        let bytes: i64 = chunks.iter().map(|chunk| chunk.added_bytes).sum();
        let added = doc! { "$set": { "spider_id": new.spider_id.as_str() }, "$inc": { "log_bytes": bytes } };
        let books = self.pass(session, &new.task_id, new.attempt, added).await?;
        let now = date(self.clock.now());
        for chunk in chunks {
            let id = format!("{}/{:019}", new.task_id, chunk.first_seq);
            let document = doc! {
                "_id": &id,
                "task_id": new.task_id.as_str(),
                "spider_id": new.spider_id.as_str(),
                "first_seq": chunk.first_seq,
                "last_seq": chunk.last_seq,
                "attempt": new.attempt,
                "levels": chunk.levels.bits(),
                "body": Binary { subtype: BinarySubtype::Generic, bytes: chunk.body },
                "created_at": now,
            };
            logs.replace_one(doc! { "_id": id }, document).upsert(true).session(&mut *session).await?;
        }
        self.count_errors(session, new, number(&books, "errors_upto")).await
    }
}

/// Chunks of the task's log; the predecessor's documents have no places.
fn ours(task_id: &TaskId) -> Document {
    doc! { "task_id": task_id.as_str(), "last_seq": { "$gt": 0 } }
}

fn of_levels(levels: Levels) -> Document {
    if levels == Levels::ANY {
        Document::new()
    } else {
        doc! { "levels": { "$bitsAnySet": levels.bits() } }
    }
}

fn chunk_of(mut document: Document) -> Result<Chunk> {
    let Some(Bson::Binary(body)) = document.remove("body") else { return Err(unreadable("a chunk of a log")) };
    Ok(Chunk {
        first_seq: number(&document, "first_seq"),
        last_seq: number(&document, "last_seq"),
        attempt: number(&document, "attempt"),
        levels: number(&document, "levels"),
        body: body.bytes,
    })
}
