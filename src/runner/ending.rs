//! Why an attempt ended as it did, in a category and one sentence.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::job::{Category, End, ErrorRule, LONGEST_MESSAGE, StopReason};
use crate::platform::process::{Cause, Exit};

/// Why the runner itself ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intervention {
    TimedOut(Duration),
    Stopped(StopReason),
    /// What it did could not be reported.
    Trouble,
}

/// The end of a process, before its items were looked at.
pub(super) fn judge(
    exit: &Exit,
    why: Option<Intervention>,
    memory_limit_mb: Option<u64>,
    stderr_tail: &str,
    rules: &[ErrorRule],
) -> End {
    match by_itself(exit, why, memory_limit_mb, stderr_tail) {
        End::Failed { message, category } if why.is_none() => {
            let fitting = rules.iter().find(|rule| fits(rule, exit, stderr_tail));
            End::failed(fitting.map_or(category, |rule| rule.category), message)
        }
        end => end,
    }
}

/// A pattern that no longer compiles fits nothing: it was checked when it was saved.
fn fits(rule: &ErrorRule, exit: &Exit, stderr_tail: &str) -> bool {
    let has_code = rule.exit_code.is_none_or(|code| exit.code.map(i64::from) == Some(code));
    let matches = |pattern: &String| {
        let lines = regex::RegexBuilder::new(pattern).multi_line(true).build();
        lines.is_ok_and(|pattern| pattern.is_match(stderr_tail))
    };
    has_code && rule.pattern.as_ref().is_none_or(matches)
}

fn by_itself(exit: &Exit, why: Option<Intervention>, memory_limit_mb: Option<u64>, stderr_tail: &str) -> End {
    match why {
        Some(Intervention::Stopped(reason)) => return reason.into(),
        Some(Intervention::TimedOut(limit)) => {
            return End::failed(Category::Timeout, format!("timed out after {} s", limit.as_secs_f64()));
        }
        Some(Intervention::Trouble) | None => {}
    }
    let system = |message: String| End::failed(Category::System, message);
    match (exit.cause, exit.code, exit.signal) {
        (Cause::Memory, ..) => {
            let limit = memory_limit_mb.unwrap_or_default();
            system(format!("memory limit of {limit} MB exceeded (peak {} MB)", exit.peak_memory_mb))
        }
        (Cause::Disk { limit_mb }, ..) => {
            system(format!("wrote more to disk than the {limit_mb} MB that a container may (runner.disk_mb)"))
        }
        (Cause::Processes, ..) => system("too many processes at once".to_owned()),
        (Cause::SupervisorLost, ..) => system("the process was lost: its supervisor was killed".to_owned()),
        (_, Some(0), _) => End::Completed,
        (_, Some(code), _) => {
            let (category, line) = guess(stderr_tail);
            let reason = if line.is_empty() { String::new() } else { format!(": {line}") };
            End::failed(category, format!("exit code {code}{reason}"))
        }
        (_, None, Some(number)) => {
            let name = Signal::try_from(number).map_or("an unknown signal", Signal::as_str);
            let hint = match name {
                "SIGKILL" => "; perhaps the machine ran out of memory",
                "SIGXFSZ" => "; a file was longer than spiders may write",
                _ => "",
            };
            system(format!("killed by signal {name} ({number}){hint}"))
        }
        (_, None, None) => system("the process ended in an unknown way".to_owned()),
    }
}

/// The category that the end of stderr speaks for, and the line that says it best.
fn guess(stderr_tail: &str) -> (Category, String) {
    let lines = || stderr_tail.lines().rev().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let line = lines().find(|line| is_exception(line)).or_else(|| lines().next()).unwrap_or_default();
    let line = &line[..line.floor_char_boundary(LONGEST_MESSAGE)];
    (category_of(line), line.trim().to_owned())
}

/// `package.SomeError: …` at the start of a line, as Python ends its tracebacks.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let is_name = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_'));
    let last = name.rsplit('.').next().unwrap_or_default();
    is_name && ["Error", "Exception", "Timeout", "Refused", "Denied"].iter().any(|end| last.ends_with(end))
}

fn category_of(line: &str) -> Category {
    const AUTH: [&str; 8] = [
        "401 ",
        "403 ",
        "Unauthorized",
        "Forbidden",
        "PermissionDenied",
        "AuthenticationError",
        "AuthError",
        "LoginRequired",
    ];
    const NETWORK: [&str; 22] = [
        "ConnectionError",
        "ConnectionRefused",
        "ConnectionReset",
        "ConnectionAborted",
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
        "ReadError",
        "TimeoutError",
        "Timeout",
        "timed out",
        "gaierror",
        "NameResolution",
        "DNSLookup",
        "URLError",
        "SSLError",
        "ProxyError",
        "RemoteDisconnected",
        "RemoteProtocolError",
        "IncompleteRead",
        "ClientOSError",
        "Network is unreachable",
    ];
    const PARSE: [&str; 19] = [
        "SyntaxError",
        "IndentationError",
        "TabError",
        "ImportError",
        "ModuleNotFoundError",
        "NameError",
        "KeyError",
        "IndexError",
        "AttributeError",
        "TypeError",
        "ValueError",
        "DecodeError",
        "AssertionError",
        "UnicodeEncodeError",
        "XPathEvalError",
        "ParserError",
        "ParseError",
        "SelectorSyntaxError",
        "ValidationError",
    ];
    let name = line.split(':').next().unwrap_or_default();
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    // An HTTP library's error has its status only in its text.
    let is_http = name.contains("HTTP") || name.contains("ClientResponse");
    if has(name, &AUTH) || (is_http && has(&format!("{line} "), &AUTH)) {
        Category::Auth
    } else if has(name, &NETWORK) || is_http {
        Category::Network
    } else if has(name, &PARSE) || line.contains("No module named") {
        Category::Parse
    } else if has(line, &AUTH[2..]) {
        Category::Auth
    } else if has(line, &NETWORK) {
        Category::Network
    } else {
        Category::System
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(stderr: &str) -> Category {
        guess(stderr).0
    }

    #[test]
    fn the_exception_of_a_traceback_decides() {
        let traceback = "Traceback (most recent call last):\n  File \"main.py\", line 403, in <module>\n    x['a']\nKeyError: 'a'\n\n";
        assert_eq!(guess(traceback), (Category::Parse, "KeyError: 'a'".to_owned()));
        assert_eq!(guessed("json.decoder.JSONDecodeError: Expecting value: line 1"), Category::Parse);
        assert_eq!(guessed("ModuleNotFoundError: No module named 'requests'"), Category::Parse);
        assert_eq!(
            guessed("requests.exceptions.ConnectionError: HTTPConnectionPool(host='x'): refused"),
            Category::Network
        );
        assert_eq!(guessed("httpx.ConnectTimeout"), Category::Network);
        assert_eq!(guessed("socket.gaierror: [Errno -2] Name or service not known"), Category::Network);
        assert_eq!(guessed("urllib.error.HTTPError: HTTP Error 403: Forbidden"), Category::Auth);
        assert_eq!(guessed("requests.exceptions.HTTPError: 401 Client Error: x"), Category::Auth);
        assert_eq!(guessed("requests.exceptions.HTTPError: 502 Server Error: x"), Category::Network);
        assert_eq!(guessed("PermissionError: [Errno 13] Permission denied: '/x'"), Category::System);
        assert_eq!(guessed("MemoryError"), Category::System);
        assert_eq!(guessed("ValueError: invalid literal 403 Forbidden"), Category::Parse);
    }

    #[test]
    fn other_words_are_taken_as_they_are() {
        assert_eq!(guess(""), (Category::System, String::new()));
        assert_eq!(guess("boom\nlast words\n \n"), (Category::System, "last words".to_owned()));
        assert_eq!(guessed("error: connection timed out"), Category::Network);
    }

    #[test]
    fn ends() {
        let exit = |code, signal| Exit { code, signal, ..Exit::default() };
        assert_eq!(judge(&exit(Some(0), None), None, None, "warning", &[]), End::Completed);
        let killed = judge(&exit(None, Some(11)), None, None, "", &[]);
        assert_eq!(killed, End::failed(Category::System, "killed by signal SIGSEGV (11)"));
        let failed = judge(&exit(Some(3), None), None, None, "KeyError: 'x'", &[]);
        assert_eq!(failed, End::failed(Category::Parse, "exit code 3: KeyError: 'x'"));
        let coloured = judge(&exit(Some(1), None), None, None, "\u{1b}[31mboom\0\t!\u{85}", &[]);
        assert_eq!(coloured, End::failed(Category::System, "exit code 1: \u{fffd}[31mboom\u{fffd} !"));
        let End::Failed { message, .. } = judge(&exit(Some(1), None), None, None, &"\0é".repeat(5000), &[]) else {
            panic!("it failed");
        };
        assert!((1990..=LONGEST_MESSAGE).contains(&message.len()), "{}", message.len());
        assert!(!message.contains(char::is_control), "{message}");
        let late = judge(&exit(None, Some(15)), Some(Intervention::TimedOut(Duration::from_secs(2))), None, "", &[]);
        assert_eq!(late, End::failed(Category::Timeout, "timed out after 2 s"));
    }

    #[test]
    fn rules_of_the_spider_come_first() {
        let rule = |exit_code, pattern: Option<&str>, category| ErrorRule {
            exit_code,
            pattern: pattern.map(str::to_owned),
            category,
        };
        let rules = [
            rule(Some(75), None, Category::Network),
            rule(Some(3), Some("(?i)captcha"), Category::Auth),
            rule(None, Some("^KeyError"), Category::System),
        ];
        let judged = |code, stderr: &str, why| match judge(
            &Exit { code: Some(code), ..Exit::default() },
            why,
            None,
            stderr,
            &rules,
        ) {
            End::Failed { category, .. } => category,
            other => panic!("{other:?}"),
        };
        assert_eq!(judged(75, "KeyError: 1", None), Category::Network);
        assert_eq!(judged(3, "a Captcha!", None), Category::Auth);
        assert_eq!(judged(4, "a Captcha!", None), Category::System);
        assert_eq!(judged(4, "ValueError: 1", None), Category::Parse);
        let timed_out = Some(Intervention::TimedOut(Duration::from_secs(1)));
        assert_eq!(judged(75, "", timed_out), Category::Timeout);
    }
}
