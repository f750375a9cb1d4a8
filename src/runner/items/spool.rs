//! Batches that the SDK left because it could not send them: `<batch>.json`, or `.rejected` for those refused.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::files;

/// More files than this are not looked at.
const MOST_FILES: usize = 100_000;
/// The SDK's batches have a megabyte.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Beyond, JavaScript could not tell two numbers apart.
const BATCH_NUMBERS: std::ops::Range<i64> = 1..1 << 53;

#[derive(Debug, Default)]
pub(super) struct Spooled {
    pub(super) unsent: Vec<PathBuf>,
    pub(super) rejected: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Content {
    batch: i64,
    items: Vec<Box<RawValue>>,
}

pub(super) fn list(folder: &Path) -> io::Result<Spooled> {
    let mut spooled = Spooled::default();
    for entry in std::fs::read_dir(folder)?.take(MOST_FILES) {
        let path = entry?.path();
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("json") => spooled.unsent.push(path),
            Some("rejected") => spooled.rejected.push(path),
            _ => {}
        }
    }
    spooled.unsent.sort();
    Ok(spooled)
}

/// A batch with its number.
pub(super) fn read(path: &Path) -> Result<(i64, Vec<Box<RawValue>>), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wrong = |reason: String| format!("spool/{name}: {reason}");
    let mut bytes = Vec::new();
    let file = files::open(path).map_err(|error| wrong(error.to_string()))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong("too large".to_owned()));
    }
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if !BATCH_NUMBERS.contains(&content.batch) {
        return Err(wrong(format!("no batch can have the number {}", content.batch)));
    }
    Ok((content.batch, content.items))
}

/// How many items are in these batches.
pub(super) fn count(paths: &[PathBuf]) -> i64 {
    let items = paths.iter().map(|path| read(path).map_or(1, |(_, items)| items.len()));
    i64::try_from(items.sum::<usize>()).unwrap_or(i64::MAX)
}
