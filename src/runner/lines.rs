//! Bytes to lines, in bounded memory whatever comes.

/// A longer line is cut into pieces.
pub(super) const LONGEST: usize = 64 * 1024;

/// Ends lines at `\n`, `\r\n`, and a bare `\r`, with which progress bars draw themselves again.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    pending: Vec<u8>,
    /// The last line ended at `\r`: a `\n` that follows belongs to that end.
    swallow_newline: bool,
}

impl Splitter {
    pub(super) fn push(&mut self, mut bytes: &[u8], lines: &mut Vec<String>) {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.append(&bytes[..at], lines);
            let is_empty = self.pending.is_empty();
            let is_return = bytes[at] == b'\r';
            // A `\r` at the start of a line draws nothing.
            let ends_line = if is_return { !is_empty } else { !(is_empty && self.swallow_newline) };
            if ends_line {
                put(&self.pending, lines);
                self.pending.clear();
            }
            self.swallow_newline = is_return && ends_line;
            bytes = &bytes[at + 1..];
        }
        self.append(bytes, lines);
    }

    /// What came after the last line end.
    pub(super) fn finish(self, lines: &mut Vec<String>) {
        if !self.pending.is_empty() {
            put(&self.pending, lines);
        }
    }

    fn append(&mut self, mut bytes: &[u8], lines: &mut Vec<String>) {
        while self.pending.len() + bytes.len() > LONGEST {
            let (fits, rest) = bytes.split_at(LONGEST - self.pending.len());
            self.pending.extend_from_slice(fits);
            let tail = self.pending.split_off(char_boundary(&self.pending));
            put(&self.pending, lines);
            self.pending = tail;
            bytes = rest;
        }
        self.pending.extend_from_slice(bytes);
    }
}

/// Where to cut so that a UTF-8 character that goes on behind the end stays whole.
fn char_boundary(bytes: &[u8]) -> usize {
    let last_three = bytes.len().saturating_sub(3)..bytes.len();
    let unfinished = last_three.rev().find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000).filter(|at| {
        let needed = match bytes[*at] {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            _ => 1,
        };
        at + needed > bytes.len()
    });
    unfinished.unwrap_or(bytes.len())
}

/// As text, which is longer where replacement characters are in it: then in pieces, too.
fn put(bytes: &[u8], lines: &mut Vec<String>) {
    let mut text = text(bytes);
    while text.len() > LONGEST {
        let rest = text.split_off(text.floor_char_boundary(LONGEST));
        lines.push(std::mem::replace(&mut text, rest));
    }
    lines.push(text);
}

/// NUL, which no text column takes, and what is not UTF-8 become the replacement character.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for piece in pieces {
            splitter.push(piece, &mut lines);
        }
        splitter.finish(&mut lines);
        lines
    }

    #[test]
    fn line_ends() {
        assert_eq!(split(&[b"a\nb\r\n\nc\r\n\r\nd"]), ["a", "b", "", "c", "", "d"]);
        assert_eq!(split(&[b"a\r", b"\nb"]), ["a", "b"]);
        assert_eq!(split(&[b"\r 10%\r 20%\r\n\ndone\n"]), [" 10%", " 20%", "", "done"]);
        assert!(split(&[b""]).is_empty());
    }

    #[test]
    fn a_character_in_two_reads_stays_whole() {
        assert_eq!(split(&["爬".as_bytes().split_at(1).0, "爬".as_bytes().split_at(1).1, b"\n"]), ["爬"]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = format!("x{}", "虫".repeat(LONGEST));
        let pieces = split(&[line.as_bytes()]);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST && !piece.contains('\u{fffd}')));
        assert_eq!(pieces.concat(), line);
    }

    #[test]
    fn binary_becomes_text() {
        assert_eq!(split(&[b"a\0b\xff\n"]), ["a\u{fffd}b\u{fffd}"]);
        for noise in [0x80, 0xff, 0] {
            let pieces = split(&[&vec![noise; 3 * LONGEST]]);
            assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= LONGEST));
            assert_eq!(pieces.concat(), "\u{fffd}".repeat(3 * LONGEST));
        }
    }
}
