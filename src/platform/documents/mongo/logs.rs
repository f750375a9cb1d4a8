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
    id::{SpiderId, TaskId},
    platform::documents::{
        items::count,
        logs::{Chunk, LogLine, chunks},
        store::Logs,
    },
};

#[async_trait]
impl Logs for MongoStore {
    async fn store_lines(
        &self,
        task_id: &TaskId,
        spider_id: &SpiderId,
        attempt: i64,
        first_seq: i64,
        lines: &[LogLine],
    ) -> Result<()> {
        let store = async {
            let _turn = self.turns.take(task_id).await;
            let mut tries = Tries::new();
            loop {
                let mut session = self.begin().await?;
                let added = self.add_lines(&mut session, task_id, spider_id, attempt, first_seq, lines).await;
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
            Ok(last.map_or(0, |last| number(&last, "last_seq")))
        };
        self.call(read).await
    }

    async fn chunks_after(&self, task_id: &TaskId, after: i64, limit: i64) -> Result<Vec<Chunk>> {
        let wanted = doc! { "task_id": task_id.as_str(), "last_seq": { "$gt": after } };
        self.call(self.chunks(wanted, doc! { "last_seq": 1 }, limit)).await
    }

    async fn chunks_before(&self, task_id: &TaskId, before: i64, limit: i64) -> Result<Vec<Chunk>> {
        let wanted = doc! { "task_id": task_id.as_str(), "first_seq": { "$lt": before } };
        self.call(self.chunks(wanted, doc! { "first_seq": -1 }, limit)).await
    }
}

impl MongoStore {
    async fn chunks(&self, wanted: Document, order: Document, limit: i64) -> Result<Vec<Chunk>> {
        let found: Vec<Document> =
            self.collection(LOGS).find(wanted).sort(order).limit(limit).await?.try_collect().await?;
        found.into_iter().map(chunk_of).collect()
    }

    async fn add_lines(
        &self,
        session: &mut ClientSession,
        task_id: &TaskId,
        spider_id: &SpiderId,
        attempt: i64,
        first_seq: i64,
        lines: &[LogLine],
    ) -> Result<(), Failure> {
        let logs = self.collection(LOGS);
        let last = logs.find_one(ours(task_id)).sort(doc! { "last_seq": -1 }).session(&mut *session).await?;
        let taken = last.map_or(0, |last| (number(&last, "last_seq") + 1 - first_seq).max(0));
        let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(lines.len());
        let (mut seq, mut bytes, mut documents) = (first_seq + count(taken), 0, Vec::new());
        let now = date(self.clock.now());
        for chunk in chunks(&lines[taken..]).map_err(Failure::Refused)? {
            bytes += count(chunk.body.len());
            documents.push(doc! {
                "_id": format!("{task_id}/{seq:019}"),
                "task_id": task_id.as_str(),
                "spider_id": spider_id.as_str(),
                "first_seq": seq,
                "last_seq": seq + chunk.lines - 1,
                "attempt": attempt,
                "body": Binary { subtype: BinarySubtype::Generic, bytes: chunk.body },
                "created_at": now,
            });
            seq += chunk.lines;
        }
        if documents.is_empty() {
            return self.check_open(session, task_id, attempt).await;
        }
        let added = doc! { "$set": { "spider_id": spider_id.as_str() }, "$inc": { "log_bytes": bytes } };
        self.pass(session, task_id, attempt, added).await?;
        logs.insert_many(documents).session(session).await?;
        Ok(())
    }
}

/// Chunks of the task's log; the predecessor's documents have no places.
fn ours(task_id: &TaskId) -> Document {
    doc! { "task_id": task_id.as_str(), "last_seq": { "$gt": 0 } }
}

fn chunk_of(mut document: Document) -> Result<Chunk> {
    let Some(Bson::Binary(body)) = document.remove("body") else { return Err(unreadable("a chunk of a log")) };
    Ok(Chunk {
        first_seq: number(&document, "first_seq"),
        last_seq: number(&document, "last_seq"),
        attempt: number(&document, "attempt"),
        body: body.bytes,
    })
}
