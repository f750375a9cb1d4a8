//! What lies in a workspace and cannot be a spider's.

use std::collections::BTreeSet;

/// So many are named for each reason.
const MOST_NAMED: usize = 20;
const LONGEST_NAMED: usize = 200;

/// A path that a spider cannot have, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Skipped {
    pub path: String,
    pub reason: &'static str,
}

/// The reason of a file whose name no spider's file can have.
pub(in super::super) const NAME: &str = "name";
/// Of a link, a device, a pipe.
pub(super) const NOT_A_FILE: &str = "not_a_file";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// The first of them.
    pub named: Vec<Skipped>,
    /// Links and the like, all of them.
    in_the_way: BTreeSet<String>,
}

impl LeftOut {
    pub(super) fn note(&mut self, path: &str, reason: &'static str) {
        if self.named.iter().filter(|other| other.reason == reason).count() < MOST_NAMED {
            let path = path.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAMED).collect();
            self.named.push(Skipped { path, reason });
        }
        if reason == NOT_A_FILE {
            self.in_the_way.insert(path.to_owned());
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.named.extend(other.named);
        self.in_the_way.extend(other.in_the_way);
    }

    /// Whether one of them lies where that file would, or one of its folders: then nobody knows that it was removed.
    pub(super) fn hides(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        !self.in_the_way.is_empty() && folders.chain([path]).any(|part| self.in_the_way.contains(part))
    }
}
