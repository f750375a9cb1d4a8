//! Items among what a spider printed: a JSON list or object in all, JSON Lines, or a last line of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::IgnoredAny;

use super::elements::{Elements, parse};
use super::json_lines::JsonLines;
use super::{Reader, files};

/// A reader of the items in a copy of stdout, if there are any. Of a run that failed only JSON Lines count, as
/// nothing says that the rest is whole.
pub(super) fn find(path: &Path, is_complete: bool, has_succeeded: bool, limit: usize) -> io::Result<Option<Reader>> {
    if has_succeeded && is_complete && is_document(path)? {
        return Elements::open(path, limit).map(|reader| Some(Reader::Elements(reader)));
    }
    if is_json_lines(path, has_succeeded && is_complete, limit)? {
        let mut lines = JsonLines::new(path.to_owned(), limit);
        // The last line may be half a line, and is then no item.
        lines.look(has_succeeded && is_complete);
        return Ok(Some(Reader::Lines(lines)));
    }
    if has_succeeded && is_complete && keep_last_line(path, limit)? {
        return Elements::open(path, limit).map(|reader| Some(Reader::Elements(reader)));
    }
    Ok(None)
}

/// Whether all of it is one JSON list or object.
fn is_document(path: &Path) -> io::Result<bool> {
    let mut input = BufReader::new(files::open(path)?);
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
fn is_json_lines(path: &Path, is_whole: bool, limit: usize) -> io::Result<bool> {
    let mut input = BufReader::new(files::open(path)?);
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
        if text.first() != Some(&b'{') || parse(text).is_err() {
            return Ok(false);
        }
        has_object = true;
    }
}

/// Cuts the copy down to its last line that is not empty; false when that is no JSON list or object.
fn keep_last_line(path: &Path, limit: usize) -> io::Result<bool> {
    let mut file = files::open(path)?;
    // A list may hold many items, so it may be much longer than one.
    let length = file.metadata()?.len();
    let start = length.saturating_sub(16 * limit as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = bytes.trim_ascii_end();
    let last = match text.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => &text[end + 1..],
        None if start == 0 => text,
        None => return Ok(false),
    };
    let last = last.trim_ascii();
    if !matches!(last.first(), Some(b'[' | b'{')) || parse(last).is_err() {
        return Ok(false);
    }
    File::create(path)?.write_all(last)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::*;

    fn items(content: &str, has_succeeded: bool) -> usize {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let Some(mut reader) = find(file.path(), true, has_succeeded, 1000).unwrap() else { return 0 };
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
