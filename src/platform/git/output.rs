//! What git says while it runs: how far it is, and its last words.

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::watch,
};

/// Of the last words, so many bytes are kept.
const LAST_WORDS: usize = 2048;
const LONGEST_LINE: usize = 1024;
const PROGRESS: [&str; 6] = [
    "Enumerating objects",
    "Counting objects",
    "Compressing objects",
    "Receiving objects",
    "Resolving deltas",
    "Indexing",
];

/// Reads to the end. What tells of progress goes to `progress`, the end of the rest is returned, without control
/// characters.
pub(super) async fn listen(mut stderr: impl AsyncRead + Unpin, progress: Option<&watch::Sender<String>>) -> String {
    let (mut line, mut words, mut piece) = (Vec::new(), String::new(), vec![0; 8192]);
    loop {
        let read = stderr.read(&mut piece).await.unwrap_or_default();
        for byte in &piece[..read] {
            if !matches!(byte, b'\n' | b'\r') {
                if line.len() < LONGEST_LINE {
                    line.push(*byte);
                }
                continue;
            }
            take(&line, progress, &mut words);
            line.clear();
        }
        if read == 0 {
            take(&line, progress, &mut words);
            return words;
        }
    }
}

fn take(line: &[u8], progress: Option<&watch::Sender<String>>, words: &mut String) {
    let line = String::from_utf8_lossy(line);
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    let line = line.trim();
    if line.is_empty() {
        return;
    }
    let said = line.strip_prefix("remote: ").unwrap_or(line);
    if PROGRESS.iter().any(|word| said.starts_with(word)) {
        if let Some(progress) = progress {
            progress.send_replace(said.trim_end_matches(", done.").to_owned());
        }
        return;
    }
    if !words.is_empty() {
        words.push_str("; ");
    }
    words.push_str(line);
    if words.len() > LAST_WORDS {
        let from = words.ceil_char_boundary(words.len() - LAST_WORDS);
        words.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn progress_and_last_words() {
        let (progress, shown) = watch::channel(String::new());
        let said = "remote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2), done.\nfatal: \u{1b}[31mno\u{7}\n\n";
        assert_eq!(listen(said.as_bytes(), Some(&progress)).await, "fatal: [31mno");
        assert_eq!(*shown.borrow(), "Counting objects: 100% (2/2)");
        let long = listen("x".repeat(10_000).as_bytes(), None).await;
        assert_eq!(long.len(), LONGEST_LINE);
        let many = listen("爬虫\n".repeat(5000).as_bytes(), None).await;
        assert!(many.len() <= LAST_WORDS && many.ends_with("爬虫"), "{}", many.len());
    }
}
