//! Logs of the predecessor: a document an attempt, `{task_id, spider_id, stdout, stderr, created_at}`, read as chunks that
//! stand before ours. What was printed where is known, in which order is not: stdout comes first.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::{LOGS, MongoStore};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::documents::{
        chunks::Chunk,
        items::count,
        logs::{Levels, Stream},
    },
};

/// Text of one chunk, about.
const FULL: usize = 256 << 10;

impl MongoStore {
    /// The chunks that hold something between the places `after` and `before`, in order. The predecessor knew no levels.
    pub(super) async fn predecessors_chunks(
        &self,
        task_id: &TaskId,
        after: i64,
        before: i64,
        levels: Levels,
    ) -> Result<Vec<Chunk>> {
        let mut unnamed = Levels::default();
        unnamed.add(None);
        if levels.bits() & unnamed.bits() == 0 {
            return Ok(Vec::new());
        }
        let logs = self.collection(LOGS);
        let theirs = doc! { "task_id": task_id.as_str(), "last_seq": null };
        let mut found = logs.find(theirs).sort(doc! { "_id": 1 }).await?;
        let (mut chunks, mut attempt, mut last) = (Vec::new(), 0, 0);
        while let Some(document) = found.try_next().await? {
            attempt += 1;
            for mut chunk in chunks_of(&document)? {
                (chunk.first_seq, chunk.last_seq) = (chunk.first_seq + last, chunk.last_seq + last);
                (chunk.attempt, chunk.levels) = (attempt, unnamed.bits());
                last = chunk.last_seq;
                if chunk.last_seq > after && chunk.first_seq < before {
                    chunks.push(chunk);
                }
            }
        }
        Ok(chunks)
    }
}

/// The lines of a document, each chunk's places counted from 1.
fn chunks_of(document: &Document) -> Result<Vec<Chunk>> {
    let at = document.get_datetime("created_at").map_or(0, |at| at.timestamp_millis());
    let mut chunks = Vec::new();
    let (mut lines, mut bytes) = (Vec::new(), 0);
    for (stream, key) in [(Stream::Stdout, "stdout"), (Stream::Stderr, "stderr")] {
        for line in document.get_str(key).unwrap_or_default().lines() {
            bytes += line.len();
            lines.push((stream, at, line));
            if bytes > FULL {
                chunks.push(chunk(&lines)?);
                (lines, bytes) = (Vec::new(), 0);
            }
        }
    }
    if !lines.is_empty() {
        chunks.push(chunk(&lines)?);
    }
    Ok(chunks)
}

fn chunk(lines: &[(Stream, i64, &str)]) -> Result<Chunk> {
    let body = serde_json::to_vec(lines).map_err(Error::internal)?;
    Ok(Chunk { first_seq: 1, last_seq: count(lines.len()), attempt: 0, levels: 0, body })
}
