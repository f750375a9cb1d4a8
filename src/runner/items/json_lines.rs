//! JSON Lines: one JSON value a line, read while the file still grows.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use tokio_util::sync::CancellationToken;

use super::super::places::Place;
use super::elements::parse;
use super::input::Input;
use super::source::Found;

pub(super) struct JsonLines {
    place: Place,
    given_up: CancellationToken,
    file: Option<BufReader<Input>>,
    /// Which file the position belongs to.
    inode: u64,
    /// Of the first line that was not read.
    position: u64,
    line: u64,
    /// The beginning of the present line was too long, so its rest is skipped.
    is_skipping: bool,
    /// No more is written: a line may end without a line end.
    is_last: bool,
    limit: usize,
}

impl JsonLines {
    pub(super) fn new(place: Place, given_up: CancellationToken, limit: usize) -> Self {
        let (file, inode, position, line) = (None, 0, 0, 1);
        Self { place, given_up, file, inode, position, line, is_skipping: false, is_last: false, limit }
    }

    /// To be called before each round: opens the file at the position where the last round ended. The folder may be
    /// another than it was.
    pub(super) fn look(&mut self, place: Place, is_last: bool) {
        self.place = place;
        self.is_last = is_last;
        self.file = None;
    }

    pub(super) fn next(&mut self) -> Found {
        match self.read() {
            Ok(found) => found,
            // It may have been there a moment ago: what is gone has no items.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::End,
            Err(error) => Found::Broken(format!("line {}: {error}", self.line)),
        }
    }

    fn read(&mut self) -> io::Result<Found> {
        loop {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => self.open()?,
            };
            let mut bytes = Vec::new();
            let length = file.by_ref().take(self.limit as u64 + 1).read_until(b'\n', &mut bytes)? as u64;
            let has_end = bytes.last() == Some(&b'\n');
            let is_too_long = !has_end && bytes.len() > self.limit;
            if length == 0 || !(has_end || is_too_long || self.is_last || self.is_skipping) {
                // The file stays closed between rounds.
                return Ok(Found::End);
            }
            self.file = Some(file);
            self.position += length;
            let was_skipping = self.is_skipping;
            self.is_skipping = is_too_long || (was_skipping && !has_end);
            if was_skipping {
                self.line += u64::from(has_end);
                // Such a line can go on for terabytes.
                return Ok(Found::Nothing);
            }
            let line = self.line;
            if is_too_long {
                return Ok(Found::Refused(format!("line {line}: longer than {} bytes", self.limit)));
            }
            self.line += 1;
            let text = bytes.trim_ascii();
            let text = if line == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
            if !text.is_empty() {
                return Ok(
                    parse(text).map_or_else(|reason| Found::Refused(format!("line {line}: {reason}")), Found::Item)
                );
            }
        }
    }

    fn open(&mut self) -> io::Result<BufReader<Input>> {
        let mut file = Input::open(&self.place, &self.given_up)?;
        let metadata = file.file().metadata()?;
        if self.inode != metadata.ino() || metadata.len() < self.position {
            // Another file of that name, or written anew: its lines are new lines.
            (self.inode, self.position, self.line, self.is_skipping) = (metadata.ino(), 0, 1, false);
        }
        file.seek(SeekFrom::Start(self.position))?;
        Ok(BufReader::new(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(path: &std::path::Path) -> JsonLines {
        JsonLines::new(Place::of(path), CancellationToken::new(), 20)
    }

    fn round(lines: &mut JsonLines, is_last: bool) -> Vec<String> {
        lines.look(lines.place.clone(), is_last);
        let mut found = Vec::new();
        loop {
            match lines.next() {
                Found::Item(item) => found.push(item.get().to_owned()),
                Found::Refused(reason) | Found::Broken(reason) => found.push(reason),
                Found::Nothing => {}
                Found::End => return found,
            }
        }
    }

    #[test]
    fn a_growing_file_is_followed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| io::Write::write_all(&mut file.as_file(), text.as_bytes()).unwrap();
        let mut lines = new(file.path());
        assert!(round(&mut lines, false).is_empty());
        write("{\"a\":1}\n\n{\"b");
        assert_eq!(round(&mut lines, false), ["{\"a\":1}"]);
        write("\":2}\r\n\"");
        assert_eq!(round(&mut lines, false), ["{\"b\":2}"]);
        write(&"x".repeat(50));
        assert_eq!(round(&mut lines, false), ["line 4: longer than 20 bytes"]);
        write(&"x".repeat(50));
        assert!(round(&mut lines, false).is_empty());
        write("\"\n7");
        assert!(round(&mut lines, false).is_empty());
        assert_eq!(round(&mut lines, true), ["7"]);
        assert!(round(&mut lines, true).is_empty());
    }

    #[test]
    fn a_new_file_of_the_name_is_read_from_its_start() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "1\n2\n").unwrap();
        let mut lines = new(file.path());
        assert_eq!(round(&mut lines, false), ["1", "2"]);
        std::fs::write(file.path(), "3\n").unwrap();
        assert_eq!(round(&mut lines, false), ["3"]);
        std::fs::remove_file(file.path()).unwrap();
        assert!(round(&mut lines, true).is_empty());
    }
}
