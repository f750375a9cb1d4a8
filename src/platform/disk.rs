//! Room on the disk that holds the data directory.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::error::{DISK_SPACE, Error, Result};

/// Bulky writes ask it first, and so leave some of the disk to the small writes that keep the books.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
    /// Bytes that bulky writes leave free; 0: none.
    reserve: u64,
}

impl Disk {
    pub fn new(folder: &Path, reserve: u64) -> Self {
        Self { folder: folder.to_owned(), reserve }
    }

    /// Whether there is room for bulky writes.
    pub fn check_room(&self) -> Result<()> {
        let Self { folder, reserve } = self;
        if *reserve == 0 {
            return Ok(());
        }
        let disk = nix::sys::statvfs::statvfs(folder).map_err(Error::internal)?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        if free < *reserve {
            let source = anyhow!("{free} bytes are free in {}, {reserve} are kept", folder.display());
            return Err(Error::Unavailable { what: DISK_SPACE, source });
        }
        Ok(())
    }
}
