//! The end of a log as text, for people.

use super::{Documents, Stream, logs::Levels};
use crate::{error::Result, id::TaskId};

/// How much is looked through, back from the end: so many times what is asked for, within these. A stream that was silent
/// in all of it stays empty: finding its last words could mean reading the whole log.
const LOOKED_AT_TIMES: usize = 16;
const LOOKED_AT_LEAST: usize = 1 << 20;
const LOOKED_AT_MOST: usize = 8 << 20;
/// Few queries where each line came alone.
const STEP_CHUNKS: i64 = 16;

/// The last lines of each stream, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    pub stdout: String,
    pub stderr: String,
    pub system: String,
    /// Whether there is more than this.
    pub truncated: bool,
}

/// Lines of one stream, the last first.
#[derive(Default)]
struct Back {
    lines: Vec<String>,
    bytes: usize,
    full: bool,
}

impl Back {
    fn add(&mut self, line: String, limit: usize) {
        self.full = self.full || self.bytes + line.len() + 1 > limit;
        if !self.full {
            self.bytes += line.len() + 1;
            self.lines.push(line);
        } else if self.lines.is_empty() {
            // A single line over the limit: better its end than nothing.
            let cut = line.ceil_char_boundary(line.len().saturating_sub(limit));
            self.lines.push(line[cut..].to_owned());
        }
    }

    fn text(self) -> String {
        let mut text = String::with_capacity(self.bytes);
        for line in self.lines.iter().rev() {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl Documents {
    /// At most `limit` bytes of each stream.
    pub async fn tail(&self, task_id: &TaskId, limit: usize) -> Result<Tail> {
        let (mut stdout, mut stderr, mut system) = (Back::default(), Back::default(), Back::default());
        let (mut before, mut looked_at, mut complete) = (i64::MAX, 0, false);
        let most = limit.saturating_mul(LOOKED_AT_TIMES).clamp(LOOKED_AT_LEAST, LOOKED_AT_MOST).max(2 * limit);
        while looked_at < most && !complete && !(stdout.full && stderr.full) {
            let chunks = self.chunks_before(task_id, before, Levels::ANY, STEP_CHUNKS).await?;
            complete = chunks.is_empty();
            for chunk in chunks {
                let (lines, bytes) = chunk.lines()?;
                // A chunk that grew since the last step ends with lines that were not in it.
                let lines = lines.into_iter().rev().filter(|line| line.seq < before);
                for line in lines {
                    let back = match line.stream {
                        Stream::Stdout => &mut stdout,
                        Stream::Stderr => &mut stderr,
                        Stream::System => &mut system,
                    };
                    back.add(line.line, limit);
                }
                (before, looked_at) = (chunk.first_seq, looked_at + bytes);
            }
        }
        let truncated = !complete || [&stdout, &stderr, &system].iter().any(|back| back.full);
        Ok(Tail { stdout: stdout.text(), stderr: stderr.text(), system: system.text(), truncated })
    }
}
