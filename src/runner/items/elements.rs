//! A JSON document: the elements of a list one by one, or one object.

use std::fmt;
use std::io::{self, BufRead, BufReader};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::input::Input;
use super::source::Found;

pub(super) struct Elements {
    input: BufReader<Input>,
    place: Place,
    line: u64,
    count: u64,
    limit: usize,
}

#[derive(PartialEq)]
enum Place {
    Start,
    InList,
    End,
}

/// How a piece of the input ended.
enum Piece {
    Whole(Vec<u8>),
    TooLong,
}

impl Elements {
    pub(super) fn new(input: Input, limit: usize) -> Self {
        let input = BufReader::with_capacity(64 * 1024, input);
        Self { input, place: Place::Start, line: 1, count: 0, limit }
    }

    pub(super) fn next(&mut self) -> Found {
        match self.read() {
            Ok(found) => found,
            Err(error) => Found::Broken(format!("line {}: {error}", self.line)),
        }
    }

    fn read(&mut self) -> io::Result<Found> {
        if self.place == Place::Start {
            if self.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
                self.input.consume(3);
            }
            match self.peek()? {
                None => self.place = Place::End,
                Some(b'[') => {
                    self.input.consume(1);
                    self.place = Place::InList;
                }
                Some(_) => {
                    self.place = Place::End;
                    let line = self.line;
                    let piece = self.piece(false)?;
                    return Ok(self.found(piece, line, true));
                }
            }
        }
        if self.place == Place::End {
            return Ok(Found::End);
        }
        match self.peek()? {
            Some(b']') => {
                self.input.consume(1);
                self.place = Place::End;
                return match self.peek()? {
                    None => Ok(Found::End),
                    Some(_) => Err(io::Error::other("something follows the list")),
                };
            }
            Some(b',') if self.count > 0 => self.input.consume(1),
            Some(_) if self.count > 0 => return Err(io::Error::other("expected `,` or `]`")),
            Some(_) => {}
            None => return Err(io::Error::other("the list does not end")),
        }
        self.peek()?;
        let line = self.line;
        let piece = self.piece(true)?;
        self.count += 1;
        Ok(self.found(piece, line, false))
    }

    fn found(&self, piece: Piece, line: u64, must_be_object: bool) -> Found {
        let place = if must_be_object { format!("line {line}") } else { format!("line {line}, item {}", self.count) };
        match piece {
            Piece::TooLong => Found::Refused(format!("{place}: longer than {} bytes", self.limit)),
            Piece::Whole(bytes) if must_be_object && bytes.first() != Some(&b'{') => {
                Found::Broken(format!("{place}: neither a JSON list nor an object"))
            }
            Piece::Whole(bytes) => {
                parse(bytes.trim_ascii()).map_or_else(|reason| Found::Broken(format!("{place}: {reason}")), Found::Item)
            }
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.input.fill_buf()?;
            let Some(byte) = buffer.first().copied() else { return Ok(None) };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
    }

    /// Bytes up to the `,` or `]` that ends an element, or to the end of the input.
    fn piece(&mut self, in_list: bool) -> io::Result<Piece> {
        let (mut bytes, mut is_too_long) = (Vec::new(), false);
        let (mut depth, mut in_string, mut is_escaped) = (0_u64, false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let ends = |byte: &u8| {
                if in_string {
                    in_string = is_escaped || *byte != b'"';
                    is_escaped = !is_escaped && *byte == b'\\';
                    return false;
                }
                match byte {
                    b'"' => in_string = true,
                    b',' | b']' if in_list && depth == 0 => return true,
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                false
            };
            let end = buffer.iter().position(ends);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            self.line += part.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            is_too_long |= bytes.len() + part.len() > self.limit;
            if !is_too_long {
                bytes.extend_from_slice(part);
            }
            let length = part.len();
            self.input.consume(length);
            if end.is_some() {
                break;
            }
        }
        Ok(if is_too_long { Piece::TooLong } else { Piece::Whole(bytes) })
    }
}

/// The bytes as JSON that everybody can read: UTF-8, nested no deeper than parsers go.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<RawValue>, String> {
    let text = check(bytes)?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The same without the value: a value in memory can take sixty times the room of its text.
pub(super) fn check(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let reason = |error: serde_json::Error| {
        // The place is that of the whole file, not of this piece.
        let text = error.to_string();
        text.split(" at line ").next().unwrap_or_default().to_owned()
    };
    serde_json::from_str::<Sound>(text).map(|_| text).map_err(reason)
}

/// Looks at a whole value and keeps nothing. `IgnoredAny` would let numbers, strings and depths pass that a
/// `serde_json::Value` cannot have.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self, A::Error> {
        while sequence.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items, then how it ended.
    fn read(content: &str, limit: usize) -> (Vec<String>, Option<String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let (mut reader, mut items) = (Elements::new(super::super::input::input(file.path()), limit), Vec::new());
        loop {
            match reader.next() {
                Found::Item(item) => items.push(item.get().to_owned()),
                Found::Refused(reason) => items.push(reason),
                Found::Broken(reason) => return (items, Some(reason)),
                Found::Nothing => {}
                Found::End => return (items, None),
            }
        }
    }

    #[test]
    fn lists_and_objects() {
        assert_eq!(
            read("\u{feff}[ {\"a\": \"],}\\\"\"} ,\n[1, 2], 3]\n", 99).0,
            ["{\"a\": \"],}\\\"\"}", "[1, 2]", "3"]
        );
        assert_eq!(read(" {\"a\":\n[1]}\n", 99), (vec!["{\"a\":\n[1]}".to_owned()], None));
        assert_eq!(read("[]", 99), (vec![], None));
        assert_eq!(read("", 99), (vec![], None));
    }

    #[test]
    fn what_came_before_the_break_stays() {
        let broken = |content| {
            let (items, reason) = read(content, 99);
            (items.len(), reason.unwrap_or_default())
        };
        assert_eq!(broken("[1,\n2"), (2, "line 2: the list does not end".to_owned()));
        assert_eq!(broken("[1]x"), (1, "line 1: something follows the list".to_owned()));
        assert_eq!(broken("[1,\nNaN]"), (1, "line 2, item 2: expected value".to_owned()));
        assert_eq!(broken("5"), (0, "line 1: neither a JSON list nor an object".to_owned()));
        assert_eq!(broken("{}{}"), (0, "line 1: trailing characters".to_owned()));
        for content in ["[,1]", "[1,]", "[1 2]", "[}", "[[[]"] {
            assert_ne!(broken(content).1, "", "{content}");
        }
    }

    #[test]
    fn one_that_is_too_long_is_passed_over() {
        let list = format!("[1,\"{}\",2]", "x".repeat(200_000));
        assert_eq!(
            read(&list, 1000),
            (vec!["1".into(), "line 1, item 2: longer than 1000 bytes".into(), "2".into()], None)
        );
    }

    #[test]
    fn what_no_parser_takes_is_refused() {
        for content in ["1e999", "\"\\ud800\"", "nan", "{1: 2}", "\"\n\"", "1 2", ""] {
            assert!(check(content.as_bytes()).is_err(), "{content}");
        }
        assert!(check("[".repeat(200).as_bytes()).is_err());
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(100).as_bytes()).is_ok() && check(nested(200).as_bytes()).is_err());
        assert!(check(br#"{"a": [null, true, -1, 1.5, 12345678901234567890123, "\u0000"]}"#).is_ok());
    }
}
