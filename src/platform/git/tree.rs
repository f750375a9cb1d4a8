//! What is in a commit.

use super::{Failure, Git, Trouble, run};

/// Far more than repositories of people have.
const MOST_PRINTED: u64 = 64 * 1024 * 1024;
const MOST_ENTRIES: usize = 200_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Executable,
    Link,
    /// A commit of another repository, of which nothing is here.
    Submodule,
    Other,
}

impl Kind {
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// A leaf of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root of the repository, as it is there. What is no UTF-8 is replaced.
    pub path: String,
    pub has_utf8_path: bool,
    pub kind: Kind,
    /// By which git knows the content.
    pub object: String,
    /// In bytes.
    pub size: u64,
}

impl Git {
    /// All leaves of the commit, in git's order.
    pub async fn tree(&self, name: &str, commit: &str) -> Result<Vec<Entry>, Failure> {
        let repository = self.folder(name)?;
        let call = run::Call::local(&repository, &["ls-tree", "-r", "-z", "-l", "--full-tree", commit]);
        let printed = self.run(call, None, |stdout| run::all(stdout, MOST_PRINTED)).await?;
        let printed = printed.map_err(|error| Failure::local("the commit cannot be read", &error))?;
        let lines = printed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        if printed.len() as u64 == MOST_PRINTED || lines.clone().count() > MOST_ENTRIES {
            let sentence = format!("the commit has more than {MOST_ENTRIES} files");
            return Err(Failure::said(Trouble::TooManyFiles, sentence));
        }
        let unread = || Failure::said(Trouble::Other, "the commit cannot be read");
        lines.map(|line| entry(line).ok_or_else(unread)).collect()
    }
}

/// `<mode> <type> <object> <size>\t<path>`
fn entry(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split_ascii_whitespace();
    let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match (kind, mode) {
        ("blob", "100755") => Kind::Executable,
        ("blob", "120000") => Kind::Link,
        ("blob", mode) if mode.starts_with("100") => Kind::File,
        ("commit", _) => Kind::Submodule,
        _ => Kind::Other,
    };
    let path = String::from_utf8_lossy(&line[tab + 1..]);
    Some(Entry {
        has_utf8_path: matches!(path, std::borrow::Cow::Borrowed(_)),
        path: path.into_owned(),
        kind,
        object: object.to_owned(),
        size: size.parse().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_of_every_kind() {
        let read = |line: &[u8]| entry(line).map(|entry| (entry.kind, entry.size, entry.path, entry.has_utf8_path));
        let path = "a b\n爬.py";
        for (line, kind, size) in [
            (format!("100644 blob 0123 \x20   12\t{path}"), Kind::File, 12),
            (format!("100755 blob 0123 0\t{path}"), Kind::Executable, 0),
            (format!("120000 blob 0123 9\t{path}"), Kind::Link, 9),
            (format!("160000 commit 0123       -\t{path}"), Kind::Submodule, 0),
        ] {
            assert_eq!(read(line.as_bytes()), Some((kind, size, path.to_owned(), true)), "{line}");
        }
        assert_eq!(read(b"100644 blob 01 1\t\xff"), Some((Kind::File, 1, "\u{fffd}".to_owned(), false)));
        assert_eq!(read(b"100644 blob"), None);
    }
}
