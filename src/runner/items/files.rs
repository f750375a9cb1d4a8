//! The item files of a folder that a spider may fill as it likes.

use std::fs;
use std::io;
use std::path::Path;

use super::super::places::Place;

/// More files than this are not looked at.
pub(super) const MOST_FILES: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    JsonLines,
    Json,
    Csv,
}

#[derive(Debug)]
pub(super) struct ItemFile {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The item files directly in `folder`, by name. Links, pipes and devices are none.
pub(super) fn list(folder: &Place) -> io::Result<Vec<ItemFile>> {
    let mut found = Vec::new();
    let folder = folder.folder()?;
    for entry in fs::read_dir(folder.path())? {
        let entry = entry?;
        let file_name = entry.file_name();
        let kind = match Path::new(&file_name).extension().and_then(|kind| kind.to_str()) {
            Some("jsonl" | "ndjson") => Kind::JsonLines,
            Some("json") => Kind::Json,
            Some("csv") => Kind::Csv,
            _ => continue,
        };
        if entry.file_type()?.is_file() && found.len() < MOST_FILES {
            let name = format!("output/{}", file_name.to_string_lossy());
            found.push(ItemFile { place: Place::new(&folder, file_name), name, kind });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
