//! Lines as they arrive: each gets its level, and the errors among them are put together, over calls and chunks, in
//! bounded memory.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::{kinds, level};
use crate::{
    platform::documents::{Level, LogLine, SeenError, Stream},
    runner::Line,
};

const HEAD: &str = "Traceback (most recent call last):";
const GROUP_HEAD: &str = "Exception Group Traceback (most recent call last):";
/// Between two tracebacks of which the second tells what became of the first.
const CHAINED: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];
/// How many of the innermost functions make a difference.
const FRAMES: usize = 3;
/// Of an error's own lines, the last.
const SAMPLE_BYTES: usize = 8 << 10;
const TITLE_BYTES: usize = 200;

/// What is known of an attempt's log so far. Cloned before each call: one that fails is made again from where it was.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Reading {
    /// The place behind the last line.
    next_seq: i64,
    stdout: OfStream,
    stderr: OfStream,
}

#[derive(Debug, Clone, Default)]
enum OfStream {
    #[default]
    Quiet,
    /// Within a traceback, before its last line.
    Within(Trouble),
    /// An error that is over, unless the next lines go on with it.
    Over(Trouble),
}

/// An error that is being read.
#[derive(Debug, Clone)]
struct Trouble {
    level: Level,
    at: DateTime<Utc>,
    seq: i64,
    lines: VecDeque<String>,
    bytes: usize,
    is_cut: bool,
    /// `file:function` of the innermost frames.
    frames: VecDeque<String>,
    /// The exception, or what the line said.
    said: String,
    /// In which parts of a group are drawn.
    has_gutter: bool,
}

impl Trouble {
    fn new(level: Level) -> Self {
        let (lines, frames) = (VecDeque::new(), VecDeque::new());
        let (at, seq) = (DateTime::UNIX_EPOCH, 0);
        Self { level, at, seq, lines, bytes: 0, is_cut: false, frames, said: String::new(), has_gutter: false }
    }

    fn add(&mut self, seq: i64, line: &Line) {
        (self.at, self.seq) = (line.at, seq);
        let text = &line.text[line.text.ceil_char_boundary(line.text.len().saturating_sub(SAMPLE_BYTES))..];
        self.is_cut = self.is_cut || text.len() < line.text.len();
        self.bytes += text.len() + 1;
        self.lines.push_back(text.to_owned());
        while self.bytes > SAMPLE_BYTES && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len() + 1);
            self.is_cut = true;
        }
    }

    fn enter(&mut self, frame: String) {
        self.frames.push_back(frame);
        if self.frames.len() > FRAMES {
            self.frames.pop_front();
        }
    }

    fn seen(self, known_at: i64) -> SeenError {
        let message = kinds::without_values(&self.said);
        let frames = self.frames.iter().map(String::as_str);
        let fingerprint = kinds::fingerprint(frames.chain([message.as_str()]));
        let title = self.said[..self.said.floor_char_boundary(TITLE_BYTES)].to_owned();
        let cut = self.is_cut.then(|| "…".to_owned());
        let sample = cut.into_iter().chain(self.lines).collect::<Vec<_>>().join("\n");
        SeenError { fingerprint, level: self.level, title, sample, at: self.at, seq: self.seq, known_at }
    }
}

impl Reading {
    /// Reads the lines that follow, the first of them at the place `first_seq`.
    pub(in super::super) fn read(&mut self, first_seq: i64, lines: &[Line]) -> (Vec<LogLine>, Vec<SeenError>) {
        let mut errors = Vec::new();
        let read = (first_seq..).zip(lines).map(|(seq, line)| {
            let level = match line.stream {
                Stream::Stdout => self.stdout.read(seq, line, &mut errors),
                Stream::Stderr => self.stderr.read(seq, line, &mut errors),
                Stream::System => None,
            };
            LogLine { stream: line.stream, level, at: line.at, text: line.text.clone() }
        });
        let read: Vec<LogLine> = read.collect();
        self.next_seq = first_seq + i64::try_from(lines.len()).unwrap_or(0);
        (read, errors)
    }

    /// The place behind the last line.
    pub(in super::super) fn next_seq(&self) -> i64 {
        self.next_seq
    }

    /// What was over with the last line.
    pub(in super::super) fn finish(self) -> Vec<SeenError> {
        let mut errors = Vec::new();
        for stream in [self.stdout, self.stderr] {
            // A traceback without its last line says nothing.
            if let OfStream::Over(trouble) = stream {
                errors.push(trouble.seen(self.next_seq));
            }
        }
        errors
    }
}

impl OfStream {
    fn read(&mut self, seq: i64, line: &Line, errors: &mut Vec<SeenError>) -> Option<Level> {
        let text = level::plain(&line.text);
        match std::mem::take(self) {
            Self::Within(trouble) => Some(self.go_on(trouble, seq, line, &text)),
            Self::Over(mut trouble) => {
                if is_head(&text) {
                    // Of the line before, or of an exception that became another one.
                    trouble.frames.clear();
                    let level = trouble.level;
                    *self = Self::begun(trouble, seq, line, &text);
                    return Some(level);
                }
                let is_traceback = !trouble.frames.is_empty();
                if is_traceback && (text.trim().is_empty() || CHAINED.contains(&text.trim())) {
                    let level = trouble.level;
                    trouble.add(seq, line);
                    *self = Self::Over(trouble);
                    return Some(level);
                }
                errors.push(trouble.seen(seq));
                self.begin(seq, line, &text)
            }
            Self::Quiet => self.begin(seq, line, &text),
        }
    }

    /// A line that goes on with nothing.
    fn begin(&mut self, seq: i64, line: &Line, text: &str) -> Option<Level> {
        if is_head(text) {
            *self = Self::begun(Trouble::new(Level::Error), seq, line, text);
            return Some(Level::Error);
        }
        let (level, said) = level::named(text)?;
        if level.is_at_least(Level::Error) {
            let mut trouble = Trouble::new(level);
            trouble.add(seq, line);
            said.clone_into(&mut trouble.said);
            *self = Self::Over(trouble);
        }
        Some(level)
    }

    fn begun(mut trouble: Trouble, seq: i64, line: &Line, text: &str) -> Self {
        trouble.has_gutter = without_gutter(text) != text;
        trouble.add(seq, line);
        Self::Within(trouble)
    }

    /// A line of a traceback: a frame, what stands there in the code, or at last the exception.
    fn go_on(&mut self, mut trouble: Trouble, seq: i64, line: &Line, text: &str) -> Level {
        let level = trouble.level;
        let text = if trouble.has_gutter { without_gutter(text) } else { text };
        trouble.add(seq, line);
        if let Some(frame) = frame(text) {
            trouble.enter(frame);
        }
        *self = if text.starts_with([' ', '\t']) || text.is_empty() {
            Self::Within(trouble)
        } else {
            text.trim_end().clone_into(&mut trouble.said);
            Self::Over(trouble)
        };
        level
    }
}

fn is_head(text: &str) -> bool {
    let bare = without_gutter(text).trim_end();
    bare == HEAD || bare == GROUP_HEAD
}

/// In front of each line of a group of exceptions: `  | `, `  + `.
fn without_gutter(text: &str) -> &str {
    let bare = text.trim_start();
    match bare.strip_prefix(['|', '+']) {
        Some(rest) => rest.strip_prefix(' ').unwrap_or(rest),
        None => text,
    }
}

/// Of `  File "/a/b.py", line 3, in function`.
fn frame(text: &str) -> Option<String> {
    let rest = text.trim_start().strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let function = rest.split_once(", in ").map_or("", |(_, function)| function.trim());
    let file = path.rsplit('/').next().unwrap_or(path);
    let frame = format!("{file}:{function}");
    Some(frame[..frame.floor_char_boundary(TITLE_BYTES)].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stream: Stream, text: &str) -> Line {
        Line { stream, at: DateTime::UNIX_EPOCH, text: text.to_owned() }
    }

    /// Levels and errors of a text on stderr, read in calls of so many lines.
    fn read(text: &str, call: usize) -> (Vec<Option<Level>>, Vec<SeenError>) {
        let lines: Vec<Line> = text.lines().map(|text| line(Stream::Stderr, text)).collect();
        let (mut reading, mut levels, mut errors, mut seq) = (Reading::default(), Vec::new(), Vec::new(), 1);
        for some in lines.chunks(call) {
            let (kept, seen) = reading.read(seq, some);
            seq += i64::try_from(some.len()).unwrap();
            levels.extend(kept.into_iter().map(|line| line.level));
            errors.extend(seen);
        }
        errors.extend(reading.finish());
        (levels, errors)
    }

    const CHAIN: &str = "before\nTraceback (most recent call last):\n  File \"/tmp/a/main.py\", line 3, in fetch\n    x()\n    ~^^\nOSError: [Errno 5] gone\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/tmp/a/main.py\", line 9, in <module>\n    run(17)\n  File \"/tmp/a/shop/pages.py\", line 5, in run\n    raise PageError(f'no page {n}')\nshop.PageError: no page 17\nafter";

    #[test]
    fn however_lines_come_the_errors_are_the_same() {
        let whole = read(CHAIN, 100);
        for call in 1..8 {
            assert_eq!(read(CHAIN, call), whole);
        }
        let (levels, errors) = whole;
        assert_eq!((levels[0], levels[15]), (None, None));
        assert!(levels[1..15].iter().all(|level| *level == Some(Level::Error)), "{levels:?}");
        assert_eq!(errors.len(), 1, "of a chain it is the last: {errors:?}");
        assert_eq!(
            (errors[0].title.as_str(), errors[0].seq, errors[0].known_at),
            ("shop.PageError: no page 17", 15, 16)
        );
        assert_eq!(errors[0].sample, CHAIN.lines().skip(1).take(14).collect::<Vec<_>>().join("\n"));
        // Elsewhere on the disk, another line, another page: the same kind.
        let other = CHAIN.replace("/tmp/a/", "/tmp/b/").replace("line 5", "line 7").replace("17", "18");
        assert_eq!(read(&other, 100).1[0].fingerprint, errors[0].fingerprint);
        let other = CHAIN.replace("in run", "in walk");
        assert_ne!(read(&other, 100).1[0].fingerprint, errors[0].fingerprint);
    }

    #[test]
    fn a_line_and_its_traceback_are_one() {
        let text = "2026-03-01 08:00:00 [scrapy.core.scraper] CRITICAL: Spider error processing <GET http://a.test/1>\nTraceback (most recent call last):\n  File \"a.py\", line 1, in parse\nValueError: 1\n2026-03-01 08:00:01 [shop] ERROR: page 1 is gone\n2026-03-01 08:00:01 [shop] ERROR: page 2 is gone\n2026-03-01 08:00:02 [shop] INFO: on";
        let (levels, errors) = read(text, 2);
        let titles: Vec<&str> = errors.iter().map(|error| error.title.as_str()).collect();
        assert_eq!(titles, ["ValueError: 1", "page 1 is gone", "page 2 is gone"]);
        assert!(levels[..4].iter().all(|level| *level == Some(Level::Critical)));
        assert_eq!(errors[1].fingerprint, errors[2].fingerprint);
        assert_eq!(levels[6], Some(Level::Info));
    }

    #[test]
    fn groups_of_exceptions() {
        let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"/tmp/x.py\", line 9, in <module>\n  |     asyncio.run(main())\n  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \"/tmp/x.py\", line 4, in page\n    |     raise ValueError(1)\n    | ValueError: 1\n    +------------------------------------";
        let titles: Vec<String> = read(text, 3).1.into_iter().map(|error| error.title).collect();
        assert_eq!(titles, ["ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)", "ValueError: 1"]);
    }

    #[test]
    fn streams_do_not_disturb_each_other_and_memory_is_bounded() {
        let mut reading = Reading::default();
        let mut lines = vec![line(Stream::Stderr, HEAD)];
        for n in 0..10_000 {
            lines.push(line(Stream::Stderr, &format!("  File \"/a/{n}.py\", line 1, in f{n}")));
            lines.push(line(Stream::Stdout, "item"));
            lines.push(line(Stream::System, "the platform's own"));
        }
        lines.push(line(Stream::Stderr, &format!("RecursionError: {}", "x".repeat(60_000))));
        let (kept, errors) = reading.read(1, &lines);
        assert_eq!((kept[2].level, kept[3].level, errors.len()), (None, None, 0));
        let errors = reading.finish();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].sample.len() < 2 * SAMPLE_BYTES && errors[0].title.len() <= TITLE_BYTES);
        // One that never ends is none.
        assert!(read(HEAD, 1).1.is_empty());
    }
}
