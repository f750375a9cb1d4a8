//! Whose version of a file counts, by what both sides had last agreed on: an editor or a repository, and the spider.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    SpiderFile,
    paths::{Tree, clean},
};
use crate::platform::files::Hash;

/// What a file is to both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub hash: Hash,
    pub executable: bool,
    pub size: i64,
}

impl From<&SpiderFile> for State {
    fn from(file: &SpiderFile) -> Self {
        Self { hash: file.hash.clone(), executable: file.executable, size: file.size }
    }
}

/// By path.
pub type States = BTreeMap<String, State>;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// What both sides are to have.
    pub files: States,
    /// Where both had changed a file: its path, which keeps their version, and where ours is now.
    pub conflicts: Vec<(String, String)>,
}

/// Where both have changed a file, `theirs` keeps its name and `ours` stands aside, under a name that `mark` is in. In an
/// editor ours is the container's and theirs the spider's; with a repository ours is the spider's and theirs the commit's.
pub fn merge(base: &States, ours: &States, theirs: &States, mark: &str) -> Merged {
    let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let (mut merged, mut aside) = (Merged::default(), Vec::new());
    for path in paths {
        let (base, our, their) = (base.get(path), ours.get(path), theirs.get(path));
        let kept = if our == base {
            their.cloned()
        } else if their == base || their.is_none() {
            our.cloned()
        } else if let (Some(our), Some(their)) = (our, their) {
            let (both, is_conflict) = of_both(base, our, their);
            if is_conflict {
                aside.push((path.clone(), our.clone()));
            }
            Some(both)
        } else {
            // Removed here, changed there since.
            their.cloned()
        };
        if let Some(kept) = kept {
            merged.files.insert(path.clone(), kept);
        }
    }
    let (mut tree, blocked) = in_the_way(&mut merged.files, theirs);
    aside.extend(blocked);
    for (path, our) in aside {
        let new = free_name(&merged.files, &tree, &path, mark, &our);
        // Where it is there already it stays what it is.
        let _ = tree.insert(&new);
        merged.files.insert(new.clone(), our);
        merged.conflicts.push((path, new));
    }
    merged
}

/// Content and the executable bit each by itself; whether the contents are in conflict.
fn of_both(base: Option<&State>, our: &State, their: &State) -> (State, bool) {
    let had = |is: bool| base.is_some_and(|base| base.executable == is);
    let executable = if had(their.executable) { our.executable } else { their.executable };
    let (from, is_conflict) = if our.hash == their.hash || base.is_some_and(|base| base.hash == our.hash) {
        (their, false)
    } else if base.is_some_and(|base| base.hash == their.hash) {
        (our, false)
    } else {
        (their, true)
    };
    (State { executable, ..from.clone() }, is_conflict)
}

/// Takes out what cannot lie beside their files: a file where they have a folder, or another letter case. Beside it, the
/// tree of what stays.
fn in_the_way(files: &mut States, theirs: &States) -> (Tree, Vec<(String, State)>) {
    let first = files.keys().filter(|path| theirs.contains_key(*path));
    let mut tree = Tree::of(first.map(String::as_str));
    let others: Vec<String> = files.keys().filter(|path| !theirs.contains_key(*path)).cloned().collect();
    let blocked = others.into_iter().filter(|path| tree.insert(path).is_err()).collect::<Vec<_>>();
    (tree, blocked.into_iter().filter_map(|path| files.remove_entry(&path)).collect())
}

/// `a/b.py` → `a/b.conflict-<mark>.py`, with a number where that is taken by something else. What is in the way of a
/// folder goes beside all folders, and so does what would have too long a path.
fn free_name(files: &States, tree: &Tree, path: &str, mark: &str, content: &State) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let folders = [folder.to_owned(), format!("conflict-{mark}")];
    for number in 1.. {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        for folder in &folders {
            let slash = if folder.is_empty() { "" } else { "/" };
            let mark = format!(".conflict-{mark}{number}");
            let Some(new) = shortened(&format!("{folder}{slash}"), stem, &format!("{mark}{ending}"))
                .or_else(|| shortened(&format!("{folder}{slash}"), name, &mark))
            else {
                continue;
            };
            if files.get(&new) == Some(content) || tree.has_room_for(&new) {
                return new;
            }
        }
    }
    unreachable!("numbers do not end")
}

/// With as much of the stem as a path may have.
fn shortened(folder: &str, stem: &str, ending: &str) -> Option<String> {
    let ends = stem.char_indices().map(|(at, letter)| at + letter.len_utf8()).rev();
    ends.map(|end| format!("{folder}{}{ending}", &stem[..end])).find(|path| clean(path).as_deref() == Ok(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(files: &str) -> States {
        let state = |text: &str| State { hash: text.replace('*', ""), executable: text.ends_with('*'), size: 1 };
        files
            .split_whitespace()
            .map(|file| file.split_once('=').unwrap())
            .map(|(path, text)| (path.to_owned(), state(text)))
            .collect()
    }

    /// Base, ours, theirs → both; a star is an executable bit.
    #[test]
    fn whose_version_counts() {
        for (base, ours, theirs, both, conflicts) in [
            ("a=1", "a=1", "a=1", "a=1", ""),
            ("a=1", "a=2", "a=1", "a=2", ""),
            ("a=1", "a=1", "a=2", "a=2", ""),
            ("a=1", "a=2", "a=2", "a=2", ""),
            ("a=1", "", "a=1", "", ""),
            ("a=1", "a=1", "", "", ""),
            ("a=1", "", "", "", ""),
            ("", "a=1", "", "a=1", ""),
            ("", "", "a=1", "a=1", ""),
            ("", "a=1", "a=1", "a=1", ""),
            // Removed on one side, changed on the other: the change stays.
            ("a=1", "", "a=2", "a=2", ""),
            ("a=1", "a=2", "", "a=2", ""),
            // Both changed.
            ("a.py=1", "a.py=2", "a.py=3", "a.py=3 a.conflict-x.py=2", "a.py"),
            ("", "d/a=2", "d/a=3", "d/a=3 d/a.conflict-x=2", "d/a"),
            (".env=1", ".env=2", ".env=3", ".env=3 .env.conflict-x=2", ".env"),
            ("", "a.py=2 a.conflict-x.py=2", "a.py=3", "a.py=3 a.conflict-x.py=2", "a.py"),
            ("", "a.py=2 a.conflict-x.py=9", "a.py=3", "a.py=3 a.conflict-x.py=9 conflict-x/a.conflict-x.py=2", "a.py"),
            // The bit goes by itself.
            ("a=1", "a=1*", "a=1", "a=1*", ""),
            ("a=1", "a=1*", "a=2", "a=2*", ""),
            ("a=1*", "a=2*", "a=1", "a=2", ""),
            ("a=1", "a=2*", "a=2", "a=2*", ""),
            // A rename is one that went and one that came.
            ("a=1", "b=1", "a=1", "b=1", ""),
            ("a=1", "b=1", "a=2", "a=2 b=1", ""),
            // A file where the other side has a folder, or another letter case.
            ("", "a=1", "a/b=2", "a/b=2 a.conflict-x=1", "a"),
            ("", "a/b=1", "a=2", "a=2 conflict-x/b.conflict-x=1", "a/b"),
            ("", "Main.py=1", "main.py=2", "main.py=2 Main.conflict-x.py=1", "Main.py"),
        ] {
            let merged = merge(&states(base), &states(ours), &states(theirs), "x");
            assert_eq!(merged.files, states(both), "{base} | {ours} | {theirs}");
            let said: Vec<&str> = merged.conflicts.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(said.join(" "), conflicts, "{base} | {ours} | {theirs}");
        }
    }

    #[test]
    fn names_that_are_as_long_as_they_may_be() {
        let long = format!("{}.py", "爬".repeat(84));
        let deep = format!("{}/x.py", vec!["d".repeat(200); 5].join("/"));
        let odd = format!("a.{}", "x".repeat(250));
        for path in [long, deep, odd] {
            let merged = merge(&States::new(), &states(&format!("{path}=1")), &states(&format!("{path}=2")), "x");
            let (_, aside) = &merged.conflicts[0];
            assert_eq!(clean(aside).as_deref(), Ok(aside.as_str()));
            assert!(aside.contains(".conflict-x"), "{aside}");
            assert_eq!(merged.files[aside].hash, "1");
        }
    }

    /// What both have agreed on does not come up again.
    #[test]
    fn a_conflict_is_told_once() {
        let (base, ours, theirs) = (states("a=1"), states("a=2"), states("a=3"));
        let merged = merge(&base, &ours, &theirs, "x").files;
        // Before the container has got it, and after.
        for (base, ours) in [(&ours, &ours), (&merged, &merged)] {
            assert_eq!(merge(base, ours, &merged, "x"), Merged { files: merged.clone(), conflicts: vec![] });
        }
    }
}
