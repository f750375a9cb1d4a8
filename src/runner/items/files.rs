//! The item files of a folder that a spider may fill as it likes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

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
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The item files directly in `folder`, by name. Links, pipes and devices are none.
pub(super) fn list(folder: &Path) -> io::Result<Vec<ItemFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = match path.extension().and_then(|kind| kind.to_str()) {
            Some("jsonl" | "ndjson") => Kind::JsonLines,
            Some("json") => Kind::Json,
            Some("csv") => Kind::Csv,
            _ => continue,
        };
        if entry.file_type()?.is_file() && found.len() < MOST_FILES {
            let name = format!("output/{}", entry.file_name().to_string_lossy());
            found.push(ItemFile { path, name, kind });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Opens a regular file and nothing else: no link is followed, no pipe waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}
