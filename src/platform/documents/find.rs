//! Looking for lines: by level, stream, time and text, from a place on or back from it, no more than can be read soon.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use regex::Regex;

use super::{
    Documents,
    chunks::Chunk,
    logs::{Level, Levels, STEP_CHUNKS, StoredLine, Stream},
};
use crate::{
    error::{Error, Result},
    id::TaskId,
};

/// Which lines; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct LineFilter {
    pub stream: Option<Stream>,
    /// That one and those above.
    pub level: Option<Level>,
    pub from: Option<DateTime<Utc>>,
    /// Itself left out.
    pub to: Option<DateTime<Utc>>,
    pub text: Option<Needle>,
}

/// A text that is found whatever its case.
#[derive(Debug, Clone)]
pub struct Needle(Regex);

impl Needle {
    pub fn new(text: &str) -> Result<Self> {
        let pattern = regex::RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
        pattern.map(Self).map_err(Error::internal)
    }
}

impl LineFilter {
    fn levels(&self) -> Levels {
        self.level.map_or(Levels::ANY, Levels::at_least)
    }

    fn fits(&self, line: &StoredLine) -> bool {
        self.stream.is_none_or(|stream| line.stream == stream)
            && self.level.is_none_or(|least| line.level.is_some_and(|level| level.is_at_least(least)))
            && self.from.is_none_or(|from| line.timestamp >= from)
            && self.to.is_none_or(|to| line.timestamp < to)
            && self.text.as_ref().is_none_or(|Needle(text)| text.is_match(&line.line))
    }
}

/// How much one call looks through.
#[derive(Debug)]
pub struct Effort {
    bytes: usize,
    until: Instant,
}

impl Effort {
    /// Text in bytes, and time, whichever is used up first.
    pub fn new(bytes: usize, time: Duration) -> Self {
        Self { bytes, until: Instant::now() + time }
    }

    pub fn is_used_up(&self) -> bool {
        self.bytes == 0 || Instant::now() >= self.until
    }

    fn read(&mut self, chunk: &Chunk) -> Result<Vec<StoredLine>> {
        let (lines, bytes) = chunk.lines()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(lines)
    }
}

/// What a look brought.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order in which they were looked at.
    pub lines: Vec<StoredLine>,
    /// The next look goes on behind this place (or before it, looking back).
    pub place: i64,
    /// Nothing is left to be looked at.
    pub is_all: bool,
}

impl Documents {
    /// Lines that fit, behind the place `after` (0: from the first on) and before `before`.
    pub async fn find_after(
        &self,
        task_id: &TaskId,
        (after, before): (i64, i64),
        filter: &LineFilter,
        limit: usize,
        effort: &mut Effort,
    ) -> Result<Found> {
        let mut found = Found { place: after, ..Found::default() };
        loop {
            let chunks = self.chunks_after(task_id, found.place, filter.levels(), STEP_CHUNKS).await?;
            if chunks.first().is_none_or(|chunk| chunk.first_seq >= before) {
                found.is_all = true;
                return Ok(found);
            }
            for chunk in chunks {
                for line in effort.read(&chunk)? {
                    if line.seq <= found.place {
                        continue;
                    }
                    if line.seq >= before {
                        found.is_all = true;
                        return Ok(found);
                    }
                    found.place = line.seq;
                    if filter.fits(&line) {
                        found.lines.push(line);
                        if found.lines.len() == limit {
                            return Ok(found);
                        }
                    }
                }
                if effort.is_used_up() {
                    return Ok(found);
                }
            }
        }
    }

    /// Lines that fit, back from the place `before`, the last first.
    pub async fn find_before(
        &self,
        task_id: &TaskId,
        before: i64,
        filter: &LineFilter,
        limit: usize,
        effort: &mut Effort,
    ) -> Result<Found> {
        let mut found = Found { place: before, ..Found::default() };
        loop {
            let chunks = self.chunks_before(task_id, found.place, filter.levels(), STEP_CHUNKS).await?;
            if chunks.is_empty() {
                found.is_all = true;
                return Ok(found);
            }
            for chunk in chunks {
                for line in effort.read(&chunk)?.into_iter().rev() {
                    if line.seq >= found.place {
                        continue;
                    }
                    found.place = line.seq;
                    if filter.fits(&line) {
                        found.lines.push(line);
                        if found.lines.len() == limit {
                            found.is_all = found.place <= 1;
                            return Ok(found);
                        }
                    }
                }
                if effort.is_used_up() {
                    return Ok(found);
                }
            }
        }
    }
}
