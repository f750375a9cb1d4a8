//! How much a line matters, by its own words: as the SDK, Scrapy, Python's `logging` and its usual relatives write it.

use std::sync::LazyLock;

use regex::Regex;

use crate::platform::documents::Level;

/// A level stands in front, behind a time and names at most.
const LOOKED_AT: usize = 200;

/// A level as a word of its own: the first of the line; behind a time and up to four words; or behind a logger's name
/// that ends in a dash or a bar. `logging` writes it in capitals; in small letters it may be any word, so there it needs
/// the SDK's brackets.
static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"[\[(]?\d{4}[-/]\d\d[-/]\d\d[T ,]\s?\d\d:\d\d:\d\d\S*\s+";
    let before = format!(r"[\[(<|]?\s?|{time}(?:\S+\s+){{0,4}}?[\[(<|]?|[\w.]+ [-|] ");
    let level = "DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL";
    let pattern = format!(r"^(?:\[crawlhub:(?P<own>[a-z]{{4,8}})\]|(?:{before})(?P<level>{level})\b)");
    Regex::new(&pattern).expect("it is tested")
});

/// `package/module.py:12: DeprecationWarning: …`, as `warnings` prints it.
static PYTHON_WARNING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\S[^:]*:\d+: \w*Warning: ").expect("it is tested"));

/// Colours and the like.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;]*[A-Za-z]").expect("it is tested"));

/// The line without what only a terminal understands.
pub(super) fn plain(line: &str) -> std::borrow::Cow<'_, str> {
    if line.contains('\u{1b}') { ESCAPES.replace_all(line, "") } else { line.into() }
}

/// The level that the line names, and what it says behind it.
pub(super) fn named(line: &str) -> Option<(Level, &str)> {
    let start = &line[..line.floor_char_boundary(LOOKED_AT)];
    let Some(found) = LEVEL.captures(start) else {
        return PYTHON_WARNING.is_match(start).then_some((Level::Warning, line));
    };
    let word = found.name("own").or_else(|| found.name("level"))?;
    let level = match word.as_str() {
        "debug" | "DEBUG" => Level::Debug,
        "info" | "INFO" => Level::Info,
        "warn" | "warning" | "WARN" | "WARNING" => Level::Warning,
        "error" | "ERROR" => Level::Error,
        "critical" | "CRITICAL" | "FATAL" => Level::Critical,
        _ => return None,
    };
    // Behind a level there may be the process's name: `ERROR/MainProcess]`.
    let said = line[word.end()..].trim_start_matches(|letter: char| letter == '/' || letter.is_alphanumeric());
    Some((level, said.trim_start_matches([':', ']', ')', '>', '|', '-', ' ', '\t'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_as_they_are_written() {
        for (line, level, said) in [
            ("[crawlhub:warn] slow", Level::Warning, "slow"),
            ("[crawlhub:error] gone", Level::Error, "gone"),
            ("2026-03-01 08:00:00 [scrapy.core.engine] INFO: Spider opened", Level::Info, "Spider opened"),
            ("2026-03-01 08:00:00 [scrapy.core.scraper] ERROR: Error downloading", Level::Error, "Error downloading"),
            ("ERROR:root:no such page", Level::Error, "root:no such page"),
            ("WARNING:urllib3.connectionpool:Retrying", Level::Warning, "urllib3.connectionpool:Retrying"),
            ("2026-03-01 08:00:00,123 - shop.pages - CRITICAL - out of memory", Level::Critical, "out of memory"),
            ("2026-03-01 08:00:00.123 | DEBUG    | shop:run:12 - page 1", Level::Debug, "shop:run:12 - page 1"),
            ("[2026-03-01 08:00:00,123: ERROR/MainProcess] lost", Level::Error, "lost"),
            ("[2026-03-01 08:00:00,123] ERROR in app: boom", Level::Error, "in app: boom"),
            ("[INFO] one", Level::Info, "one"),
            ("FATAL nothing left", Level::Critical, "nothing left"),
            ("shop.pages - WARNING - slow", Level::Warning, "slow"),
            ("INFO     httpx:client.py:1025 HTTP Request", Level::Info, "httpx:client.py:1025 HTTP Request"),
        ] {
            assert_eq!(named(line), Some((level, said)), "{line}");
        }
        let warning = "/tmp/main.py:3: DeprecationWarning: old";
        assert_eq!(named(warning), Some((Level::Warning, warning)));
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0m: red"), "ERROR: red");
    }

    #[test]
    fn other_words_are_none() {
        for line in [
            "",
            "got ERROR from the server",
            "ERRORS: 3",
            "Error: no such page",
            "[crawlhub:loud] x",
            "2026-03-01 the ERROR",
            "item {'level': 'ERROR'}",
            "字符 ERROR",
        ] {
            assert_eq!(named(line), None, "{line}");
        }
        // Cut between characters.
        assert_eq!(named(&"字".repeat(200)), None);
    }
}
