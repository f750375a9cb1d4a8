//! Parts of a file: what was asked for, and the mark by which a file is known again.

use std::ops::Range;

/// What a file was made from. Its text is the file's `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The newest item that was there; `None` where there was none.
    pub upto: Option<String>,
    /// How many there were up to it, before anything was searched for.
    pub items: i64,
    pub signature: String,
}

impl Mark {
    pub(super) fn etag(&self) -> String {
        format!("\"{}.{}.{}\"", self.upto.as_deref().unwrap_or_default(), self.items, self.signature)
    }

    /// `None` of what is no mark of ours.
    pub(super) fn parse(etag: &str) -> Option<Self> {
        let mut parts = etag.strip_prefix('"')?.strip_suffix('"')?.rsplitn(3, '.');
        let (signature, items, upto) = (parts.next()?, parts.next()?, parts.next()?);
        let upto = if upto.is_empty() { None } else { Some(upto.to_owned()) };
        Some(Self { upto, items: items.parse().ok()?, signature: signature.to_owned() })
    }
}

/// The one part that a `Range` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// From there; to the end where no other is said.
    From(u64, Option<u64>),
    /// So many of the end.
    Last(u64),
}

impl Asked {
    /// `None` of what is not understood, of several parts, and of the whole file: all of them are answered with the
    /// whole.
    pub(super) fn parse(range: &str) -> Option<Self> {
        let (first, last) = range.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
        match (first, last) {
            ("", last) => Some(Self::Last(last.parse().ok()?)),
            (first, "") => Some(Self::From(first.parse().ok().filter(|first| *first > 0)?, None)),
            (first, last) => {
                let (first, last) = (first.parse().ok()?, last.parse().ok()?);
                if last < first { None } else { Some(Self::From(first, Some(last))) }
            }
        }
    }

    /// Which bytes that is; `None` where there are none.
    pub(super) fn of(self, length: u64) -> Option<Range<u64>> {
        let bytes = match self {
            Self::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1)).min(length),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        if bytes.is_empty() { None } else { Some(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_again() {
        for upto in [None, Some("0190-ab".to_owned())] {
            let mark = Mark { upto, items: 12, signature: "ab".to_owned() };
            assert_eq!(Mark::parse(&mark.etag()), Some(mark));
        }
        for other in ["", "\"\"", "\"a.b\"", "W/\"a.1.b\"", "\"a.x.b\"", "Sun, 01 Mar 2026 08:00:00 GMT", "\""] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }

    #[test]
    fn one_part_or_the_whole() {
        let of = |range: &str, length| Asked::parse(range).map(|asked| asked.of(length));
        assert_eq!(of("bytes=5-", 10), Some(Some(5..10)));
        assert_eq!(of("bytes=5-7", 10), Some(Some(5..8)));
        assert_eq!(of("bytes=0-99", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=-3", 10), Some(Some(7..10)));
        assert_eq!(of("bytes=-30", 10), Some(Some(0..10)));
        assert_eq!(of("bytes=10-", 10), Some(None));
        assert_eq!(of("bytes=-0", 10), Some(None));
        assert_eq!(of("bytes=-5", 0), Some(None));
        for whole in ["bytes=0-", "bytes=1-2,4-5", "bytes=7-5", "items=1-", "bytes=x-", "bytes=-", "bytes=", "5-"] {
            assert_eq!(of(whole, 10), None, "{whole}");
        }
    }
}
