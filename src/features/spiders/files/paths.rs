//! Which paths a spider's files may have: relative, inside the spider, the same on every machine.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::{error::Text, text};

/// What file systems take for one name.
const LONGEST_NAME: usize = 255;
/// Well below what systems allow in all, since a working directory's own path comes before it.
const LONGEST_PATH: usize = 1024;
/// Never part of a spider, wherever they lie.
pub const LEFT_OUT: [&str; 7] = ["__pycache__", ".git", ".DS_Store", "Thumbs.db", ".venv", "node_modules", "__MACOSX"];
/// Left out as folders only: a script may be named `env`.
pub const LEFT_OUT_FOLDERS: [&str; 2] = ["venv", "env"];

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Empty,
    Absolute,
    Backslash,
    Climbs,
    EmptyName,
    Control,
    LongName,
    LongPath,
}

impl Flaw {
    pub fn text(self) -> Text {
        match self {
            Self::Empty => text!("路径不能为空", "the path is empty"),
            Self::Absolute => text!("不能是绝对路径", "must not be absolute"),
            Self::Backslash => text!("不能包含反斜杠，请用 / 分隔", "must not contain a backslash; separate by /"),
            Self::Climbs => text!("不能包含 . 或 .. 路径段", "must not contain the parts . or .."),
            Self::EmptyName => text!("路径段不能为空", "must not contain an empty part"),
            Self::Control => text!("不能包含控制字符", "must not contain control characters"),
            Self::LongName => {
                text!("名称超过 {LONGEST_NAME} 字节", "a name is longer than {LONGEST_NAME} bytes")
            }
            Self::LongPath => {
                text!("路径超过 {LONGEST_PATH} 字节", "the path is longer than {LONGEST_PATH} bytes")
            }
        }
    }

    /// Whether it only matters for what would be kept.
    pub(super) fn is_of_length(self) -> bool {
        matches!(self, Self::LongName | Self::LongPath)
    }
}

/// The path as it is kept: Unicode NFC, so that one name typed on two systems is one file.
pub fn clean(path: &str) -> Result<String, Flaw> {
    let path: String = path.nfc().collect();
    if path.is_empty() {
        return Err(Flaw::Empty);
    }
    if path.chars().any(char::is_control) {
        return Err(Flaw::Control);
    }
    if path.contains('\\') {
        return Err(Flaw::Backslash);
    }
    if path.starts_with('/') || has_drive(&path) {
        return Err(Flaw::Absolute);
    }
    for name in path.split('/') {
        match name {
            "" => return Err(Flaw::EmptyName),
            "." | ".." => return Err(Flaw::Climbs),
            _ if name.len() > LONGEST_NAME => return Err(Flaw::LongName),
            _ => {}
        }
    }
    if path.len() > LONGEST_PATH { Err(Flaw::LongPath) } else { Ok(path) }
}

/// `C:…`, which Windows takes for a place of its own.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Whether it is one of the files that are never part of a spider: caches, environments, what systems leave behind.
pub fn is_left_out(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    LEFT_OUT.contains(&name)
        || has_extension(name, "pyc")
        || folders.split('/').any(|folder| LEFT_OUT.contains(&folder) || LEFT_OUT_FOLDERS.contains(&folder))
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, last)| last == extension)
}

/// What kind of file a name promises.
pub(super) fn content_type(path: &str) -> String {
    if has_extension(path, "py") {
        return "text/x-python".to_owned();
    }
    mime_guess::from_path(path).first_or_octet_stream().essence_str().to_owned()
}

/// Paths that may lie side by side on every machine, also where letter case makes no difference.
#[derive(Debug, Default)]
pub struct Tree {
    /// By [`fold`].
    files: HashMap<String, String>,
    folders: HashMap<String, String>,
}

impl Tree {
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tree = Self::default();
        for path in paths {
            // What lies there already lies there.
            let _ = tree.insert(path);
        }
        tree
    }

    /// Takes the file in, or names the path that is in its way.
    pub fn insert(&mut self, path: &str) -> Result<(), String> {
        let key = fold(path);
        if let Some(other) = self.files.get(&key).or_else(|| self.folders.get(&key)) {
            return Err(other.clone());
        }
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.insert_folder(folder)?;
        }
        self.files.insert(key, path.to_owned());
        Ok(())
    }

    /// Whether [`Self::insert`] would take it.
    pub fn has_room_for(&self, path: &str) -> bool {
        let key = fold(path);
        let folders = path.match_indices('/').map(|(at, _)| fold(&path[..at]));
        let taken = self.files.contains_key(&key) || self.folders.contains_key(&key);
        !taken && !folders.into_iter().any(|folder| self.files.contains_key(&folder))
    }

    /// The same of a folder, which may be there already.
    pub fn insert_folder(&mut self, path: &str) -> Result<(), String> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for folder in ends.map(|end| &path[..end]) {
            let key = fold(folder);
            if let Some(file) = self.files.get(&key) {
                return Err(file.clone());
            }
            self.folders.entry(key).or_insert_with(|| folder.to_owned());
        }
        Ok(())
    }
}

fn fold(path: &str) -> String {
    path.chars().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_taken() {
        for path in ["main.py", "a/b/c.txt", "爬虫/主程序.py", "..a/b..", "...", "a b/ c", "ab:y", ".env", "it's"]
        {
            assert_eq!(clean(path).as_deref(), Ok(path));
        }
        assert_eq!(clean("cafe\u{301}.py").as_deref(), Ok("café.py"));
        assert_eq!(clean(&"爬".repeat(85)).map(|path| path.len()), Ok(255));
    }

    #[test]
    fn what_is_refused() {
        for (path, flaw) in [
            ("", Flaw::Empty),
            ("/etc/passwd", Flaw::Absolute),
            ("//host/x", Flaw::Absolute),
            ("C:/x", Flaw::Absolute),
            ("c:x", Flaw::Absolute),
            ("a\\b", Flaw::Backslash),
            ("..\\x", Flaw::Backslash),
            ("../x", Flaw::Climbs),
            ("a/../../x", Flaw::Climbs),
            ("a/..", Flaw::Climbs),
            ("./a", Flaw::Climbs),
            ("a//b", Flaw::EmptyName),
            ("a/", Flaw::EmptyName),
            ("a\0b", Flaw::Control),
            ("a\nb", Flaw::Control),
            ("a\u{85}b", Flaw::Control),
        ] {
            assert_eq!(clean(path), Err(flaw), "{path:?}");
        }
        assert_eq!(clean(&"a".repeat(300)), Err(Flaw::LongName));
        assert_eq!(clean(&"爬".repeat(86)), Err(Flaw::LongName));
        assert_eq!(clean(&"abc/".repeat(300).replace("c/", "c/d")), Err(Flaw::LongPath));
    }

    #[test]
    fn what_is_left_out() {
        for path in [
            "__pycache__/a.pyc",
            "a/__pycache__/b.txt",
            "a/b.pyc",
            ".git/config",
            "sub/.git",
            ".DS_Store",
            "a/Thumbs.db",
            "venv/bin/python",
            "x/env/y",
            ".venv/a",
            "node_modules/x/y.js",
            "__MACOSX/._a",
        ] {
            assert!(is_left_out(path), "{path}");
        }
        for path in ["env", "venv", "env.py", ".gitignore", "pyc", "a.pyc/b", ".env", "my_env/a.py", "environment/a"] {
            assert!(!is_left_out(path), "{path}");
        }
    }

    #[test]
    fn what_cannot_lie_side_by_side() {
        let in_way = |paths: &[&str]| {
            let mut tree = Tree::default();
            paths.iter().find_map(|path| tree.insert(path).err())
        };
        assert_eq!(in_way(&["a/b.py", "a/c.py", "A/d.py", "ab", "a/b/c.py"]), None);
        assert_eq!(in_way(&["a", "a"]).as_deref(), Some("a"));
        assert_eq!(in_way(&["Main.py", "main.PY"]).as_deref(), Some("Main.py"));
        assert_eq!(in_way(&["a", "a/b"]).as_deref(), Some("a"));
        assert_eq!(in_way(&["x/y/z", "X/y"]).as_deref(), Some("x/y"));
        assert_eq!(in_way(&["Äpfel.py", "äpfel.py"]).as_deref(), Some("Äpfel.py"));
        let mut tree = Tree::of(["a/b"]);
        assert_eq!(tree.insert_folder("a/b/c"), Err("a/b".to_owned()));
        assert!(tree.insert_folder("a").is_ok());
    }

    #[test]
    fn kinds_of_files() {
        for (path, kind) in [
            ("a/main.py", "text/x-python"),
            ("a.json", "application/json"),
            ("scrapy.cfg", "text/plain"),
            ("README", "application/octet-stream"),
        ] {
            assert_eq!(content_type(path), kind);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_taken_leaves_its_root(path in r"([a-zA-Z.:/\\~爬é\u{301}\u{0}-\u{20}]|\.\.|/){0,40}") {
            if let Ok(kept) = clean(&path) {
                let joined = Path::new("/root/of/spider").join(&kept);
                prop_assert!(joined.starts_with("/root/of/spider"));
                prop_assert!(joined != Path::new("/root/of/spider"));
                prop_assert!(Path::new(&kept).components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(Path::new(&kept).components().count(), kept.split('/').count());
                prop_assert_eq!(clean(&kept), Ok(kept.clone()));
            }
        }

        #[test]
        fn files_of_a_tree_can_all_be_made(paths in proptest::collection::vec("[abAB]{1,2}(/[abAB]{1,2}){0,3}", 0..12)) {
            let root = tempfile::tempdir().unwrap();
            let mut tree = Tree::default();
            for path in paths.iter().filter(|path| tree.insert(path).is_ok()).map(|path| root.path().join(path)) {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                prop_assert!(std::fs::File::create_new(path).is_ok());
            }
        }
    }
}
