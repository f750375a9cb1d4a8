//! What is kept of what a command prints: the beginning, and of the rest the end.

use bytes::Bytes;

const HEAD: usize = 1024 * 1024;
const TAIL: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Capture {
    head: usize,
    /// What came after that, and its last bytes.
    behind: u64,
    tail: Vec<u8>,
}

impl Capture {
    /// What of it belongs to the beginning.
    pub(super) fn take(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        let first = bytes.split_to(bytes.len().min(HEAD - self.head));
        self.head += first.len();
        self.behind += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
        Some(first).filter(|first| !first.is_empty())
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.behind > TAIL as u64
    }

    /// How much is left out, if anything, and the end.
    pub(super) fn rest(self) -> impl Iterator<Item = Bytes> {
        let left_out = self.behind.saturating_sub(TAIL as u64);
        let note = (left_out > 0).then(|| Bytes::from(format!("\n[... {left_out} bytes left out ...]\n")));
        let mut tail = Bytes::from(self.tail);
        let tail = tail.split_off(tail.len().saturating_sub(TAIL));
        note.into_iter().chain(Some(tail).filter(|tail| !tail.is_empty()))
    }
}

/// Text of pieces that may end within a letter.
#[derive(Debug, Default)]
pub(super) struct Letters(Vec<u8>);

impl Letters {
    /// What is whole now; what is no UTF-8 with marks in its place.
    pub(super) fn take(&mut self, bytes: &[u8]) -> String {
        let mut given = std::mem::take(&mut self.0);
        given.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&given) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => last_whole(&given),
        };
        self.0 = given.split_off(whole);
        String::from_utf8_lossy(&given).into_owned()
    }

    /// What never became whole.
    pub(super) fn rest(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// Where the letter begins that the bytes end within; their end where they do not.
fn last_whole(bytes: &[u8]) -> usize {
    let end = bytes.len();
    for start in end.saturating_sub(3)..end {
        if std::str::from_utf8(&bytes[start..])
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        {
            return start;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end() {
        let mut capture = Capture::default();
        assert_eq!(capture.take(Bytes::from_static(b"abc")).unwrap(), "abc");
        let passed: usize =
            (0..100).filter_map(|_| capture.take(Bytes::from(vec![b'x'; 50_000]))).map(|piece| piece.len()).sum();
        assert_eq!(passed, HEAD - 3);
        assert!(capture.take(Bytes::from_static(b"the end")).is_none());
        assert!(capture.is_truncated());
        let rest: Vec<Bytes> = capture.rest().collect();
        assert_eq!(rest[0], format!("\n[... {} bytes left out ...]\n", 5_000_010 - HEAD - TAIL));
        assert!(rest[1].len() == TAIL && rest[1].ends_with(b"xthe end"));
        let mut short = Capture::default();
        short.take(Bytes::from(vec![b'x'; HEAD]));
        short.take(Bytes::from_static(b"a little more"));
        assert!(!short.is_truncated());
        assert_eq!(short.rest().collect::<Vec<_>>(), ["a little more"]);
    }

    #[test]
    fn letters_are_whole() {
        let text = "a爬虫\u{1F577}b".as_bytes();
        for size in 1..text.len() {
            let mut letters = Letters::default();
            let said: String = text.chunks(size).map(|piece| letters.take(piece)).collect();
            assert_eq!((said + &letters.rest()).as_bytes(), text, "{size}");
        }
        let mut letters = Letters::default();
        assert_eq!(letters.take(b"\xff\xe7\x88"), "\u{fffd}");
        assert_eq!(letters.take(b"\xacx\xe7"), "爬x");
        assert_eq!(letters.rest(), "\u{fffd}");
    }
}
