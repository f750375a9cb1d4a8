//! What of a commit can be a spider's files.

use sha2::{Digest, Sha256};

use super::{
    super::files::{Amount, Flaw, Tree, check_file, check_growth, clean, is_left_out},
    types::LeftOutPath,
};
use crate::{
    config,
    error::{Error, Result},
    platform::{
        git::{Entry, Kind},
        secrets::hex,
    },
    text,
};

/// So many of what is left out are named.
const MOST_NAMED: usize = 20;
const LONGEST_NAMED: usize = 200;

#[derive(Debug)]
pub(super) struct Chosen<'a> {
    /// With their paths in the spider.
    pub files: Vec<(String, &'a Entry)>,
    pub left_out: Vec<LeftOutPath>,
    /// Equal ones have equal files.
    pub tree: String,
}

/// The folder as git writes it; empty: all of the repository.
pub(super) fn folder_of(git_repo: &str) -> Result<String, Flaw> {
    let folder = git_repo.trim().trim_end_matches('/');
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    if folder.is_empty() || folder == "." { Ok(String::new()) } else { clean(folder) }
}

/// All of the folder, or what is wrong with it. Nothing is read yet.
pub(super) fn choose<'a>(tree: &'a [Entry], folder: &str, limits: &config::Spiders) -> Result<Chosen<'a>> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let (mut files, mut left_out, mut places, mut digest) = (Vec::new(), Vec::new(), Tree::default(), Sha256::new());
    for entry in tree {
        let Some(path) = entry.path.strip_prefix(&prefix) else { continue };
        if is_left_out(path) {
            continue;
        }
        let reason = match entry.kind {
            Kind::Link | Kind::Other => Some("link"),
            Kind::Submodule => Some("submodule"),
            Kind::File | Kind::Executable if !entry.has_utf8_path || clean(path).as_deref() != Ok(path) => Some("name"),
            Kind::File | Kind::Executable => None,
        };
        if let Some(reason) = reason {
            if left_out.len() < MOST_NAMED {
                let path = path.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAMED).collect();
                left_out.push(LeftOutPath { path, reason: reason.to_owned() });
            }
            continue;
        }
        check_file(limits, path, entry.size)?;
        places.insert(path).map_err(|other| {
            Error::conflict("path_collision", text!("{path} 与 {other} 冲突", "{path} cannot lie beside {other}"))
        })?;
        let is_executable = entry.kind == Kind::Executable;
        digest.update(format!("{path}\0{}\0{is_executable}\0", entry.object));
        files.push((path.to_owned(), entry));
    }
    check_growth(limits, Amount::default(), Amount::of(files.iter().map(|(_, entry)| entry.size)))?;
    if files.is_empty() {
        return Err(nothing(folder));
    }
    Ok(Chosen { files, left_out, tree: hex(&digest.finalize()) })
}

fn nothing(folder: &str) -> Error {
    let text = if folder.is_empty() {
        text!("提交中没有可用的文件", "the commit has no file that a spider can have")
    } else {
        text!("提交中没有文件夹 {folder}，或其中没有可用的文件", "the commit has no folder {folder} with files in it")
    };
    Error::not_found("folder_not_found", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind, size: u64) -> Entry {
        Entry { path: path.to_owned(), has_utf8_path: !path.contains('\u{fffd}'), kind, object: path.to_owned(), size }
    }

    const LIMITS: config::Spiders = config::Spiders { max_file_bytes: 10, max_total_bytes: 20, max_files: 3 };

    #[test]
    fn what_a_spider_can_have() {
        let tree = [
            entry("a/main.py", Kind::File, 1),
            entry("a/run.sh", Kind::Executable, 2),
            entry("a/link", Kind::Link, 9),
            entry("a/deep/lib", Kind::Submodule, 0),
            entry("a/b\\c", Kind::File, 1),
            entry("a/\u{fffd}", Kind::File, 1),
            entry("a/__pycache__/x.pyc", Kind::File, 1_000_000),
            entry("ab/large.bin", Kind::File, 1_000_000),
        ];
        let chosen = choose(&tree, "a", &LIMITS).unwrap();
        let paths: Vec<&str> = chosen.files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["main.py", "run.sh"]);
        let said: Vec<String> = chosen.left_out.iter().map(|out| format!("{} {}", out.reason, out.path)).collect();
        assert_eq!(said, ["link link", "submodule deep/lib", "name b\\c", "name \u{fffd}"]);
        assert_eq!(choose(&tree[..2], "a", &LIMITS).unwrap().tree, chosen.tree);
        for folder in ["b", "a/main.py", "A"] {
            assert!(choose(&tree, folder, &LIMITS).unwrap_err().to_string().contains(folder), "{folder}");
        }
    }

    #[test]
    fn limits_hold_before_anything_is_read() {
        let refused = |entries: &[Entry]| choose(entries, "", &LIMITS).unwrap_err().to_string();
        assert!(refused(&[entry("a", Kind::File, 11)]).contains("larger than the 10 bytes"));
        assert!(refused(&["a", "b", "c"].map(|path| entry(path, Kind::File, 7))).contains("20 bytes"));
        assert!(refused(&["a", "b", "c", "d"].map(|path| entry(path, Kind::File, 1))).contains("4 files"));
        assert!(refused(&["Main.py", "main.py"].map(|path| entry(path, Kind::File, 1))).contains("beside"));
        assert!(refused(&[]).contains("no file"));
    }

    #[test]
    fn folders() {
        for (given, folder) in [("", ""), (".", ""), ("/", ""), ("a/b/", "a/b"), ("./a", "a"), ("爬虫", "爬虫")] {
            assert_eq!(folder_of(given).as_deref(), Ok(folder), "{given}");
        }
        for given in ["../a", "a/../..", "/etc", "a\\b", "https://git.example/x"] {
            assert!(folder_of(given).is_err(), "{given}");
        }
    }
}
