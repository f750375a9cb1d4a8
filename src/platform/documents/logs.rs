use chrono::{DateTime, Utc};
use futures_util::{Stream as Flow, stream};
use serde::{Deserialize, Serialize};

use super::Documents;
use crate::{
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::database::word_enum,
};

/// Readers hold a few chunks in memory. A line longer than this makes a longer chunk of its own.
const CHUNK_BYTES: usize = 256 << 10;
/// Few queries where each line came alone, little memory where chunks are full.
const STEP_CHUNKS: i64 = 8;

word_enum! {
    /// Where a line came from; `system` is what the platform itself has to say about the run.
    pub enum Stream {
        Stdout = "stdout",
        Stderr = "stderr",
        System = "system",
    }
}

/// A line to be stored, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub stream: Stream,
    pub at: DateTime<Utc>,
    pub text: String,
}

/// `seq` is its place in the task's log, from 1, over all attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoredLine {
    pub seq: i64,
    pub attempt: i64,
    pub stream: Stream,
    /// To the millisecond.
    pub timestamp: DateTime<Utc>,
    pub line: String,
}

/// Of a chunk's body: stream, milliseconds since 1970, text.
#[derive(Deserialize)]
struct BodyLine(Stream, i64, String);

#[derive(sqlx::FromRow)]
pub struct Chunk {
    pub first_seq: i64,
    pub last_seq: i64,
    pub attempt: i64,
    pub body: Vec<u8>,
}

impl Chunk {
    pub(super) fn lines(&self) -> Result<Vec<StoredLine>> {
        let lines: Vec<BodyLine> = serde_json::from_slice(&self.body).map_err(Error::internal)?;
        let stored = (self.first_seq..).zip(lines).map(|(seq, BodyLine(stream, at, line))| {
            let timestamp = DateTime::from_timestamp_millis(at).unwrap_or_default();
            StoredLine { seq, attempt: self.attempt, stream, timestamp, line }
        });
        Ok(stored.collect())
    }
}

impl Documents {
    /// Stores lines that follow each other, the first of them at `first_seq`. Lines at places that are taken already
    /// are the ones of a call whose answer was lost: they are passed over.
    pub async fn append_lines(
        &self,
        task_id: &TaskId,
        spider_id: &SpiderId,
        attempt: i64,
        first_seq: i64,
        lines: &[LogLine],
    ) -> Result<()> {
        self.check_room()?;
        if lines.is_empty() { Ok(()) } else { self.store_lines(task_id, spider_id, attempt, first_seq, lines).await }
    }

    /// The lines behind the place `after` (0: from the first on), at most `limit` of them.
    pub async fn lines_after(
        &self,
        task_id: &TaskId,
        after: i64,
        stream: Option<Stream>,
        limit: usize,
    ) -> Result<Vec<StoredLine>> {
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            let chunks = self.chunks_after(task_id, after, STEP_CHUNKS).await?;
            if chunks.is_empty() {
                return Ok(found);
            }
            for chunk in chunks {
                let lines = chunk.lines()?.into_iter();
                let wanted = lines.filter(|line| line.seq > after && stream.is_none_or(|stream| line.stream == stream));
                found.extend(wanted.take(limit - found.len()));
                if found.len() == limit {
                    return Ok(found);
                }
                after = chunk.last_seq;
            }
        }
    }

    /// The whole log as it stands, in steps, for a download.
    pub fn all_lines(&self, task_id: &TaskId) -> impl Flow<Item = Result<Vec<StoredLine>>> + Send + 'static {
        let start = (self.clone(), task_id.clone(), 0);
        stream::try_unfold(start, |(documents, task_id, after)| async move {
            let chunks = documents.chunks_after(&task_id, after, STEP_CHUNKS).await?;
            let Some(last) = chunks.last().map(|chunk| chunk.last_seq) else { return Ok(None) };
            let lines = chunks.iter().map(Chunk::lines).collect::<Result<Vec<_>>>()?;
            Ok(Some((lines.concat(), (documents, task_id, last))))
        })
    }
}

pub(super) struct NewChunk {
    pub lines: i64,
    pub body: Vec<u8>,
}

pub(super) fn chunks(lines: &[LogLine]) -> Result<Vec<NewChunk>> {
    let mut chunks = Vec::new();
    let mut open = NewChunk { lines: 0, body: vec![b'['] };
    for line in lines {
        if open.body.len() > CHUNK_BYTES {
            open.body.push(b']');
            chunks.push(std::mem::replace(&mut open, NewChunk { lines: 0, body: vec![b'['] }));
        }
        if open.lines > 0 {
            open.body.push(b',');
        }
        serde_json::to_writer(&mut open.body, &(line.stream, line.at.timestamp_millis(), &line.text))
            .map_err(Error::internal)?;
        open.lines += 1;
    }
    if open.lines > 0 {
        open.body.push(b']');
        chunks.push(open);
    }
    Ok(chunks)
}
