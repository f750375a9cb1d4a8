//! A deployed version as the predecessor keeps it: a tar, compressed with gzip.

use std::io::Read;

use flate2::read::GzDecoder;
use tar::Archive;

use crate::features::spiders::CodeFile;

/// Of all files together, in bytes: more than a spider may have by default, so that its own limit refuses them.
const MOST_BYTES: u64 = 256 << 20;

/// Regular files only: what links point to is not in the archive.
pub(super) fn files_of(archive: &[u8]) -> anyhow::Result<Vec<CodeFile>> {
    let mut left = MOST_BYTES;
    let mut files = Vec::new();
    for entry in Archive::new(GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        anyhow::ensure!(entry.size() <= left, "it unpacks to more than {MOST_BYTES} bytes");
        left -= entry.size();
        let path = String::from_utf8(entry.path_bytes().into_owned())?;
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push(CodeFile { path: path.trim_start_matches("./").to_owned(), content: content.into(), executable });
    }
    anyhow::ensure!(!files.is_empty(), "it holds no files");
    Ok(files)
}
