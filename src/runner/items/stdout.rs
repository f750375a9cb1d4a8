//! Items among what a spider printed: a JSON list or object in all, JSON Lines, or a last line of JSON.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use serde::de::IgnoredAny;
use tokio_util::sync::CancellationToken;

use super::super::output::StdoutCopy;
use super::elements::{Elements, check};
use super::input::Input;
use super::json_lines::JsonLines;
use super::source::Reader;

/// A reader of the items in a copy of stdout, if there are any. Of a run that failed only JSON Lines count, as
/// nothing says that the rest is whole.
pub(super) fn find(
    copy: &StdoutCopy,
    has_succeeded: bool,
    given_up: &CancellationToken,
    limit: usize,
) -> io::Result<Option<Reader>> {
    let is_whole = has_succeeded && copy.is_complete;
    let open = || Input::open(&copy.place, given_up);
    let elements = |input| Some(Reader::Elements(Elements::new(input, limit)));
    if is_whole && is_document(open()?)? {
        return Ok(elements(open()?));
    }
    if is_json_lines(open()?, is_whole, limit)? {
        let mut lines = JsonLines::new(copy.place.clone(), given_up.clone(), limit);
        // The last line may be half a line, and is then no item.
        lines.look(copy.place.clone(), is_whole);
        return Ok(Some(Reader::Lines(lines)));
    }
    let last = if is_whole { last_line(open()?, limit)? } else { None };
    Ok(last.and_then(elements))
}

/// Whether all of it is one JSON list or object.
fn is_document(input: Input) -> io::Result<bool> {
    let mut input = BufReader::new(input);
    let first = loop {
        let buffer = input.fill_buf()?;
        match buffer.first() {
            Some(byte) if byte.is_ascii_whitespace() => input.consume(1),
            first => break first.copied(),
        }
    };
    Ok(matches!(first, Some(b'[' | b'{')) && serde_json::from_reader::<_, IgnoredAny>(input).is_ok())
}

/// Whether each line that is not empty is a JSON object, and there is one.
fn is_json_lines(input: Input, is_whole: bool, limit: usize) -> io::Result<bool> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    let mut has_object = false;
    loop {
        line.clear();
        let length = input.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut line)?;
        let is_cut = line.last() != Some(&b'\n') && !is_whole;
        if length == 0 || is_cut {
            return Ok(has_object);
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if text.first() != Some(&b'{') || check(text).is_err() {
            return Ok(false);
        }
        has_object = true;
    }
}

/// The last line that is not empty, where that is a JSON list or object.
fn last_line(mut input: Input, limit: usize) -> io::Result<Option<Input>> {
    // A list may hold many items, so it may be much longer than one.
    let length = input.file().metadata()?.len();
    let start = length.saturating_sub(16 * limit as u64);
    input.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    input.by_ref().take(16 * limit as u64).read_to_end(&mut bytes)?;
    let text = bytes.trim_ascii_end();
    let begin = match text.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => end + 1,
        None if start == 0 => 0,
        None => return Ok(None),
    };
    let last = text[begin..].trim_ascii();
    if !matches!(last.first(), Some(b'[' | b'{')) || check(last).is_err() {
        return Ok(None);
    }
    input.seek(SeekFrom::Start(start + begin as u64))?;
    Ok(Some(input))
}

#[cfg(test)]
mod tests {
    use super::super::super::places::Place;
    use super::super::source::Found;
    use super::*;

    fn items(content: &str, has_succeeded: bool) -> usize {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let copy = StdoutCopy { place: Place::of(file.path()), is_complete: true };
        let found = find(&copy, has_succeeded, &CancellationToken::new(), 1000).unwrap();
        let Some(mut reader) = found else { return 0 };
        std::iter::from_fn(|| matches!(reader.next(), Found::Item(_)).then_some(())).count()
    }

    #[test]
    fn of_a_run_that_succeeded() {
        for (content, count) in [
            ("[1, {\"a\": 2}]\n", 2),
            ("\n{\n\"a\": 1}\n", 1),
            ("{\"a\":1}\n\n{\"b\":1}", 2),
            ("starting\n[{}, {}]\n \n", 2),
            ("starting\n{\"a\": 1}", 1),
            ("{\"a\":1}\n{\"b", 0),
            ("{\"a\":1}\nfound 5\n", 0),
            ("5\n", 0),
            ("[]", 0),
            ("", 0),
        ] {
            assert_eq!(items(content, true), count, "{content}");
        }
    }

    #[test]
    fn of_a_run_that_failed() {
        for (content, count) in [("{\"a\":1}\n{\"b\":1}\n{\"c", 2), ("[{}]", 0), ("starting\n[{}]\n", 0), ("{}\n", 1)] {
            assert_eq!(items(content, false), count, "{content}");
        }
    }
}
