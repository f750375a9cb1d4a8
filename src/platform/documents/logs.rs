//! Logs: what tasks print, in lines.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use futures_util::{Stream as Flow, stream};
use serde::Serialize;

use super::{Documents, errors::SeenError};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::database::word_enum,
};

/// Of a step of a long read, about: what one who reads on slowly holds meanwhile.
const STEP_BYTES: usize = 64 << 10;
/// Of a look back.
const BACK_BYTES: usize = 512 << 10;
/// Few queries where each line came alone, little memory where chunks are full.
pub(super) const STEP_CHUNKS: i64 = 8;

word_enum! {
    /// Where a line came from; `system` is what the platform itself has to say about the run.
    pub enum Stream {
        Stdout = "stdout",
        Stderr = "stderr",
        System = "system",
    }
}

word_enum! {
    /// How much a line matters, by its own words.
    pub enum Level {
        Debug = "debug",
        Info = "info",
        #[serde(alias = "warn")]
        Warning = "warning",
        Error = "error",
        #[serde(alias = "fatal")]
        Critical = "critical",
    }
}

impl Level {
    fn bit(level: Option<Self>) -> i64 {
        1 << level.map_or(0, |level| level as i64 + 1)
    }

    pub fn is_at_least(self, other: Self) -> bool {
        self as u8 >= other as u8
    }
}

/// A set of levels, a bit for each; lines that name none have a bit of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels(i64);

impl Levels {
    /// Whatever a line's level.
    pub const ANY: Self = Self(i64::MAX);

    /// That one and all above.
    pub fn at_least(lowest: Level) -> Self {
        Self(Self::ANY.0 & !(Level::bit(Some(lowest)) - 1))
    }

    pub(super) fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    pub fn bits(self) -> i64 {
        self.0
    }

    pub(super) fn add(&mut self, level: Option<Level>) {
        self.0 |= Level::bit(level);
    }
}

/// A line to be stored, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub stream: Stream,
    pub level: Option<Level>,
    pub at: DateTime<Utc>,
    pub text: String,
}

/// Lines of an attempt that follow each other, and the errors that were found in its log with them.
#[derive(Debug, Clone)]
pub struct NewLines {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub attempt: i64,
    /// The number of the deployment that runs, where one does.
    pub version: Option<i64>,
    /// The place of the first line in the task's log.
    pub first_seq: i64,
    pub lines: Vec<LogLine>,
    pub errors: Vec<SeenError>,
}

/// `seq` is its place in the task's log, from 1, over all attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoredLine {
    pub seq: i64,
    pub attempt: i64,
    pub stream: Stream,
    /// Null where the line names none.
    pub level: Option<Level>,
    /// To the millisecond.
    pub timestamp: DateTime<Utc>,
    pub line: String,
}

impl Documents {
    /// Stores lines. Those at places that are taken already are the ones of a call whose answer was lost: they are passed
    /// over, and so are errors that were counted then.
    pub async fn append_lines(&self, new: &NewLines) -> Result<()> {
        self.check_room()?;
        if new.lines.is_empty() && new.errors.is_empty() { Ok(()) } else { self.store_lines(new).await }
    }

    /// The next step of a long read: the lines behind the place `after` (0: from the first on), at most `limit` of them,
    /// fewer where they are long; none only at the end.
    pub async fn lines_after(&self, task_id: &TaskId, after: i64, limit: usize) -> Result<Vec<StoredLine>> {
        let (mut found, mut bytes, mut after) = (Vec::new(), 0, after);
        loop {
            let chunks = self.chunks_after(task_id, after, Levels::ANY, 2).await?;
            if chunks.is_empty() {
                return Ok(found);
            }
            for chunk in chunks {
                for line in chunk.lines()?.0 {
                    if line.seq <= after {
                        continue;
                    }
                    (after, bytes) = (line.seq, bytes + line.line.len());
                    found.push(line);
                    if found.len() == limit || bytes > STEP_BYTES {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// The last lines before the place `before`, in order, at most `limit` of them, fewer where they are long.
    pub async fn lines_before(&self, task_id: &TaskId, before: i64, limit: usize) -> Result<Vec<StoredLine>> {
        let (mut found, mut bytes, mut from) = (VecDeque::new(), 0, before);
        while found.len() < limit && bytes < BACK_BYTES {
            let chunks = self.chunks_before(task_id, from, Levels::ANY, STEP_CHUNKS).await?;
            if chunks.is_empty() {
                break;
            }
            for chunk in chunks {
                // A chunk that grew since the last step ends with lines that were not in it.
                for line in chunk.lines()?.0.into_iter().rev().filter(|line| line.seq < from) {
                    if found.len() < limit && bytes < BACK_BYTES {
                        bytes += line.line.len();
                        found.push_front(line);
                    }
                }
                from = chunk.first_seq;
            }
        }
        Ok(found.into())
    }

    /// A place with a few chunks behind it, for who wants to begin near the end; 0 where there are no more.
    pub async fn place_near_end(&self, task_id: &TaskId) -> Result<i64> {
        let last = self.chunks_before(task_id, i64::MAX, Levels::ANY, 2).await?;
        Ok(last.last().map_or(0, |chunk| chunk.first_seq - 1))
    }

    /// The whole log as it stands, in steps, for a download.
    pub fn all_lines(&self, task_id: &TaskId) -> impl Flow<Item = Result<Vec<StoredLine>>> + Send + 'static {
        let start = (self.clone(), task_id.clone(), 0);
        stream::try_unfold(start, |(documents, task_id, after)| async move {
            let chunks = documents.chunks_after(&task_id, after, Levels::ANY, STEP_CHUNKS).await?;
            let Some(last) = chunks.last().map(|chunk| chunk.last_seq) else { return Ok(None) };
            let mut lines = Vec::new();
            for chunk in &chunks {
                lines.extend(chunk.lines()?.0);
            }
            // A chunk that grew since the last step begins with lines that were in it.
            lines.retain(|line| line.seq > after);
            Ok(Some((lines, (documents, task_id, last))))
        })
    }
}
