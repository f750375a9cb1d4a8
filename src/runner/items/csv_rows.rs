//! CSV: the first row names the fields, each further row is an object of strings.

use std::io::{self, Read};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::input::Input;
use super::source::Found;

pub(super) struct CsvRows {
    input: Reader<Metered>,
    header: Option<StringRecord>,
    limit: usize,
}

impl CsvRows {
    pub(super) fn new(input: Input, limit: usize) -> Self {
        let input = Metered { input, left: 0 };
        Self { input: ReaderBuilder::new().has_headers(false).from_reader(input), header: None, limit }
    }

    pub(super) fn next(&mut self) -> Found {
        let Some(header) = self.header.take() else {
            return match self.row() {
                Ok(Some(mut row)) => {
                    let first = row.get(0).unwrap_or_default().trim_start_matches('\u{feff}').to_owned();
                    row = std::iter::once(first.as_str()).chain(row.iter().skip(1)).collect();
                    self.header = Some(row);
                    self.next()
                }
                Ok(None) => Found::End,
                Err(reason) => Found::Broken(reason),
            };
        };
        let found = match self.row() {
            Ok(Some(row)) => self.item(&header, &row),
            Ok(None) => Found::End,
            Err(reason) => Found::Broken(reason),
        };
        self.header = Some(header);
        found
    }

    fn item(&self, header: &StringRecord, row: &StringRecord) -> Found {
        let fields = header.iter().zip(row).map(|(name, value)| (name.to_owned(), value.into()));
        let object: serde_json::Map<_, serde_json::Value> = fields.collect();
        match serde_json::value::to_raw_value(&object) {
            Ok(item) if item.get().len() <= self.limit => Found::Item(item),
            Ok(_) => Found::Refused(format!("{}: longer than {} bytes", line_of(row), self.limit)),
            Err(error) => Found::Broken(format!("{}: {error}", line_of(row))),
        }
    }

    fn row(&mut self) -> Result<Option<StringRecord>, String> {
        // A quote that nobody closes would take the rest of the file into memory.
        self.input.get_mut().left = 4 * self.limit as u64 + 64 * 1024;
        let mut row = StringRecord::new();
        let line = self.input.position().line();
        match self.input.read_record(&mut row) {
            Ok(true) => Ok(Some(row)),
            Ok(false) => Ok(None),
            Err(error) => Err(match error.kind() {
                ErrorKind::UnequalLengths { pos, expected_len, len } => {
                    let line = pos.as_ref().map_or(line, csv::Position::line);
                    format!("line {line}: {len} fields, but the first row has {expected_len}")
                }
                ErrorKind::Utf8 { pos, .. } => {
                    format!("line {}: not UTF-8", pos.as_ref().map_or(line, csv::Position::line))
                }
                _ => format!("line {line}: {error}"),
            }),
        }
    }
}

fn line_of(row: &StringRecord) -> String {
    format!("line {}", row.position().map_or(0, csv::Position::line))
}

/// Reads no more than it is given leave to.
struct Metered {
    input: Input,
    left: u64,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        match self.left.checked_sub(length as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("the row does not end")),
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> (Vec<String>, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let (mut rows, mut items) = (CsvRows::new(super::super::input::input(file.path()), 1000), Vec::new());
        loop {
            match rows.next() {
                Found::Item(item) => items.push(item.get().to_owned()),
                Found::Refused(reason) | Found::Broken(reason) => return (items, reason),
                Found::Nothing => {}
                Found::End => return (items, String::new()),
            }
        }
    }

    #[test]
    fn rows_are_objects_of_strings() {
        let (items, end) = read("\u{feff}b,a\n1,\"x\ny\"\r\n,2\n".as_bytes());
        assert_eq!(items, [r#"{"b":"1","a":"x\ny"}"#, r#"{"b":"","a":"2"}"#]);
        assert_eq!(end, "");
        assert_eq!(read(b""), (vec![], String::new()));
        assert_eq!(read(b"only,a,header\n"), (vec![], String::new()));
    }

    #[test]
    fn breaks_are_named() {
        assert_eq!(
            read(b"a,b\n1,2\n3\n4,5\n"),
            (vec![r#"{"a":"1","b":"2"}"#.to_owned()], "line 3: 1 fields, but the first row has 2".to_owned())
        );
        assert_eq!(read(b"a\n\xff\n").1, "line 2: not UTF-8");
        let open = [b"a\n\"".to_vec(), vec![b'x'; 1_000_000]].concat();
        assert_eq!(read(&open).1, "line 2: the row does not end");
    }
}
