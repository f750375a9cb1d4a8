//! Room on the disk that holds the data directory.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::anyhow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{DISK_SPACE, Error, Result};

/// Bulky writes ask it first, and so leave some of the disk to the small writes that keep the books.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
    /// Bytes that bulky writes leave free; 0: none.
    reserve: u64,
    /// As it was when somebody last asked: what changes is said once.
    was_full: Arc<AtomicBool>,
}

/// In bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Room {
    pub total: u64,
    /// For the server's user.
    pub free: u64,
    /// What bulky writes leave free: `server.min_free_bytes`.
    pub min_free: u64,
    /// Less than that is free: items and logs are refused, and no task is started.
    pub brake: bool,
}

impl Disk {
    pub fn new(folder: &Path, reserve: u64) -> Self {
        Self { folder: folder.to_owned(), reserve, was_full: Arc::default() }
    }

    pub fn room(&self) -> Result<Room> {
        let disk = nix::sys::statvfs::statvfs(&self.folder).map_err(Error::internal)?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        let total = disk.blocks().saturating_mul(disk.fragment_size());
        Ok(Room { total, free, min_free: self.reserve, brake: free < self.reserve })
    }

    /// Whether there is room for bulky writes.
    pub fn check_room(&self) -> Result<()> {
        if self.reserve == 0 {
            return Ok(());
        }
        let Room { free, brake, .. } = self.room()?;
        self.tell(free, brake);
        if !brake {
            return Ok(());
        }
        let Self { folder, reserve, .. } = self;
        let source = anyhow!("{free} bytes are free in {}, {reserve} are kept", folder.display());
        Err(Error::Unavailable { what: DISK_SPACE, source })
    }

    fn tell(&self, free: u64, brake: bool) {
        if self.was_full.swap(brake, Ordering::Relaxed) == brake {
            return;
        }
        let (folder, reserve) = (self.folder.display(), self.reserve);
        if brake {
            tracing::warn!(
                free,
                reserve,
                "the disk of {folder} is nearly full: no task is started, items and logs are refused"
            );
        } else {
            tracing::info!(free, reserve, "the disk of {folder} has room again");
        }
    }
}
