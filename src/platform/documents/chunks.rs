//! Chunks: lines that follow each other, compressed, in one row.

use serde::Deserialize;

use super::logs::{Level, Levels, LogLine, StoredLine, Stream};
use crate::error::{Error, Result};

/// Text after which a chunk is full. Readers hold a few in memory; a line longer than this makes a longer one.
const FULL: usize = 256 << 10;
/// A chunk that takes less room than this is written anew with the lines that follow, so that a spider that says little
/// makes no row of each line.
const SMALL: usize = 8 << 10;
/// No chunk of ours comes near. What says it holds more is broken.
const MOST: u64 = 64 << 20;
/// Further levels of zstd take far longer, and save little.
const COMPRESSION: i32 = 3;

/// As it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Chunk {
    pub first_seq: i64,
    pub last_seq: i64,
    pub attempt: i64,
    /// See [`Levels`].
    pub levels: i64,
    /// zstd, or as it is, of a JSON list of `[stream, milliseconds since 1970, text, level]`; the level is left out where
    /// there is none.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct BodyLine(Stream, i64, String, #[serde(default)] Option<Level>);

impl Chunk {
    /// Its lines, and how many bytes of text they came from.
    pub(super) fn lines(&self) -> Result<(Vec<StoredLine>, usize)> {
        let text = unpacked(&self.body)?;
        let lines: Vec<BodyLine> = serde_json::from_slice(&text).map_err(Error::internal)?;
        let stored = (self.first_seq..).zip(lines).map(|(seq, BodyLine(stream, at, line, level))| {
            let timestamp = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
            StoredLine { seq, attempt: self.attempt, stream, level, timestamp, line }
        });
        Ok((stored.collect(), text.len()))
    }
}

/// To be stored under its first line's place. Where a chunk stands there already it begins with the same lines, and has
/// fewer.
#[derive(Debug)]
pub(super) struct NewChunk {
    pub first_seq: i64,
    pub last_seq: i64,
    pub levels: Levels,
    pub body: Vec<u8>,
    /// How many bytes more than the chunk that it takes the place of.
    pub added_bytes: i64,
}

/// A chunk that lines are still added to.
struct Open {
    first_seq: i64,
    next_seq: i64,
    levels: Levels,
    /// Without the end of the list.
    text: Vec<u8>,
    replaced: usize,
}

impl Open {
    fn at(seq: i64) -> Self {
        Self { first_seq: seq, next_seq: seq, levels: Levels::default(), text: vec![b'['], replaced: 0 }
    }

    /// The newest chunk, where it can be gone on with.
    fn small(newest: &Chunk, attempt: i64) -> Result<Option<Self>> {
        if newest.attempt != attempt || newest.body.len() > SMALL {
            return Ok(None);
        }
        let mut text = unpacked(&newest.body)?;
        if text.len() > FULL || text.pop() != Some(b']') {
            return Ok(None);
        }
        let levels = Levels::from_bits(newest.levels);
        let (first_seq, next_seq, replaced) = (newest.first_seq, newest.last_seq + 1, newest.body.len());
        Ok(Some(Self { first_seq, next_seq, levels, text, replaced }))
    }

    fn add(&mut self, line: &LogLine) -> Result<()> {
        if self.next_seq > self.first_seq {
            self.text.push(b',');
        }
        let (stream, at, text) = (line.stream, line.at.timestamp_millis(), &line.text);
        match line.level {
            Some(level) => serde_json::to_writer(&mut self.text, &(stream, at, text, level)),
            None => serde_json::to_writer(&mut self.text, &(stream, at, text)),
        }
        .map_err(Error::internal)?;
        self.next_seq += 1;
        self.levels.add(line.level);
        Ok(())
    }

    fn close(mut self) -> Result<NewChunk> {
        self.text.push(b']');
        let body = zstd::bulk::compress(&self.text, COMPRESSION).map_err(Error::internal)?;
        let added_bytes = super::items::count(body.len()) - super::items::count(self.replaced);
        let (first_seq, last_seq, levels) = (self.first_seq, self.next_seq - 1, self.levels);
        Ok(NewChunk { first_seq, last_seq, levels, body, added_bytes })
    }
}

/// How to store lines of an attempt, the first of them at `first_seq`, behind the task's newest chunk. Those whose places
/// are taken are passed over.
pub(super) fn arranged(
    newest: Option<&Chunk>,
    attempt: i64,
    first_seq: i64,
    lines: &[LogLine],
) -> Result<Vec<NewChunk>> {
    let taken = newest.map_or(0, |newest| (newest.last_seq + 1 - first_seq).max(0));
    let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(lines.len());
    let (first_seq, lines) = (first_seq + super::items::count(taken), &lines[taken..]);
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let before = newest.filter(|newest| newest.last_seq + 1 == first_seq);
    let before = before.map(|newest| Open::small(newest, attempt)).transpose()?.flatten();
    let mut open = before.unwrap_or_else(|| Open::at(first_seq));
    let mut chunks = Vec::new();
    for line in lines {
        if open.text.len() > FULL {
            let next = Open::at(open.next_seq);
            chunks.push(std::mem::replace(&mut open, next).close()?);
        }
        open.add(line)?;
    }
    chunks.push(open.close()?);
    Ok(chunks)
}

fn unpacked(body: &[u8]) -> Result<Vec<u8>> {
    use std::io::Read;
    // Chunks of before were not compressed.
    if body.first() == Some(&b'[') {
        return Ok(body.to_vec());
    }
    let mut text = Vec::with_capacity(body.len() * 4);
    let decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(Error::internal)?;
    decoder.take(MOST).read_to_end(&mut text).map_err(Error::internal)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(body: Vec<u8>) -> Chunk {
        Chunk { first_seq: 7, last_seq: 8, attempt: 1, levels: 1, body }
    }

    #[test]
    fn chunks_of_before_are_read_and_gone_on_with() {
        let text = br#"[["stdout",1700000000000,"a"],["stderr",1700000000001,"b"]]"#.to_vec();
        let old = chunk(text.clone());
        let (lines, bytes) = old.lines().unwrap();
        assert_eq!((lines[1].seq, lines[1].line.as_str(), lines[1].level, bytes), (8, "b", None, text.len()));
        let line = LogLine {
            stream: Stream::Stdout,
            level: Some(Level::Info),
            at: chrono::DateTime::UNIX_EPOCH,
            text: "c".into(),
        };
        // Two of them were stored before.
        let new = arranged(Some(&old), 1, 7, &[line.clone(), line.clone(), line]).unwrap();
        assert_eq!((new.len(), new[0].first_seq, new[0].last_seq, new[0].levels.bits()), (1, 7, 9, 0b101));
        assert_eq!(
            new[0].added_bytes,
            super::super::items::count(new[0].body.len()) - super::super::items::count(text.len())
        );
        let (lines, _) = chunk(new[0].body.clone()).lines().unwrap();
        assert_eq!((lines[2].seq, lines[2].line.as_str(), lines[2].level), (9, "c", Some(Level::Info)));
    }

    /// A few kilobytes that say they are gigabytes.
    #[test]
    fn what_is_unpacked_is_bounded() {
        use std::io::Write;
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(b"[").unwrap();
        let spaces = vec![b' '; 1 << 20];
        for _ in 0..=(MOST >> 20) {
            encoder.write_all(&spaces).unwrap();
        }
        let body = encoder.finish().unwrap();
        assert!(body.len() < 100_000, "{}", body.len());
        assert_eq!(unpacked(&body).unwrap().len(), usize::try_from(MOST).unwrap());
        assert!(chunk(body).lines().is_err());
        assert!(chunk(b"neither".to_vec()).lines().is_err());
    }
}
