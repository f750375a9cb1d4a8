//! What errors of one kind have in common, whatever page, item or time they came from.

use std::{fmt::Write, sync::LazyLock};

use regex::Regex;
use sha2::{Digest, Sha256};

/// Of a message; what comes behind is mostly a value.
const COMPARED: usize = 300;

/// Addresses, quoted values, what looks like an id, numbers: in this order, as each may hold the ones behind it.
static VALUES: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    [
        (r"\w+://[^\s'\x22<>]+", "<url>"),
        (r"(^|[\s(\[{=:,])(?:'[^']*'|\x22[^\x22]*\x22)", "$1<text>"),
        (r"\b(?:0x)?[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b", "<id>"),
        (r"0x[0-9a-fA-F]+", "<id>"),
        (r"\d+(?:[.,:/-]\d+)*", "<n>"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).expect("it is tested"), name))
});

/// A message without the values in it.
pub(super) fn without_values(message: &str) -> String {
    let message = &message[..message.floor_char_boundary(COMPARED)];
    VALUES.iter().fold(message.to_owned(), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
}

/// A short name for what errors of one kind have in common.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_out() {
        for (message, left) in [
            (
                "404 Client Error: Not Found for url: http://shop.test/p/17?x=1",
                "<n> Client Error: Not Found for url: <url>",
            ),
            ("KeyError: 'price'", "KeyError: <text>"),
            ("can't open it, don't know why", "can't open it, don't know why"),
            ("<Page object at 0x7f00aa> of 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "<Page object at <id>> of <id>"),
            ("item17 at 2026-03-01T08:00:00 took 1.5s", "item<n> at <n>T<n> took <n>s"),
            (r#"got "a b" (expected 'c')"#, "got <text> (expected <text>)"),
            ("价格 12 元", "价格 <n> 元"),
        ] {
            assert_eq!(without_values(message), left);
        }
        assert!(without_values(&"字".repeat(500)).len() <= COMPARED);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
        assert_eq!(fingerprint(["a"]).len(), 16);
    }
}
