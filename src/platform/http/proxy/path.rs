//! Paths go through as they came; only those that climb do not.

use percent_encoding::percent_decode_str;

/// Whether a part of the path is `..`, in whatever spelling an upstream may understand.
pub fn climbs(path: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..")
}

#[cfg(test)]
mod tests {
    use super::climbs;

    #[test]
    fn only_what_climbs() {
        for path in
            ["/..", "/../x", "/a/..", "/a/../b", "/%2e%2e/x", "/.%2E/x", "/a%2f..%2fb", "/a\\..\\b", "/%5c..%5C"]
        {
            assert!(climbs(path), "{path}");
        }
        for path in ["/", "//a//b", "/a..b/c", "/...", "/./a", "/a%2fb", "/%252e%252e/", "/%ff%2e"] {
            assert!(!climbs(path), "{path}");
        }
    }
}
