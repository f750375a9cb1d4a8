//! Which servers have used a data directory, and whether anything they started still runs.
//!
//! Told by locks on files: the kernel drops one when the last process that holds it is gone, however it went. A process id
//! could be somebody else's by now; a lock cannot. Each server has a file of its own, which it and each of its supervisors
//! lock together; who can lock it alone knows that all of them are gone.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

const FOLDER: &str = "servers";

/// The file of the server called `worker`.
pub fn file_of(data_dir: &Path, worker: &str) -> PathBuf {
    data_dir.join(FOLDER).join(worker)
}

/// A server that uses the data directory, alone, for as long as this is held.
#[derive(Debug)]
pub struct Presence {
    file: PathBuf,
    _alone: File,
    _own: File,
}

impl Presence {
    /// Fails where another server uses the directory.
    pub fn announce(data_dir: &Path, worker: &str) -> anyhow::Result<Self> {
        let alone = File::create(data_dir.join("server.lock")).context("cannot make server.lock")?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another server uses {}; give this one a data directory of its own (CRAWLHUB_DATA_DIR)",
                data_dir.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock server.lock"),
        }
        let file = file_of(data_dir, worker);
        std::fs::create_dir_all(data_dir.join(FOLDER)).context("cannot make the folder of servers")?;
        let own = File::create(&file).with_context(|| format!("cannot make {}", file.display()))?;
        own.lock_shared().context("cannot lock the server's file")?;
        Ok(Self { file, _alone: alone, _own: own })
    }

    /// The servers that used the directory before and may have left something that runs.
    pub fn former(&self) -> io::Result<Vec<Former>> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let files = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        Ok(files.filter(|file| *file != self.file).map(|file| Former { file }).collect())
    }
}

/// A server that used the data directory before.
#[derive(Debug)]
pub struct Former {
    file: PathBuf,
}

impl Former {
    pub fn worker(&self) -> &str {
        self.file.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Whether it and everything it started is gone; stays so: a supervisor that comes late finds the file locked, or no
    /// file, and starts nothing.
    pub fn is_gone(&self) -> bool {
        let locked = File::open(&self.file).is_ok_and(|file| {
            let is_alone = file.try_lock().is_ok();
            if is_alone {
                let _ = std::fs::remove_file(&self.file);
            }
            is_alone
        });
        locked || !self.file.exists()
    }
}

/// For a supervisor, before it starts anything: counts as one of the server's for as long as the file is held. An error
/// where the server is gone already.
pub(super) fn join(file: &Path) -> anyhow::Result<File> {
    let joined = File::open(file).context("the server is gone")?;
    joined.try_lock_shared().map_err(|_| anyhow::anyhow!("the server is gone"))?;
    // Removed between opening and locking: gone as well.
    if !file.exists() {
        bail!("the server is gone");
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_gone_with_the_last_that_held_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let first = Presence::announce(dir.path(), "first").unwrap();
        let refused = Presence::announce(dir.path(), "second").unwrap_err().to_string();
        assert!(refused.contains("another server uses"), "{refused}");
        let supervisor = join(&file_of(dir.path(), "first")).unwrap();
        drop(first);

        let second = Presence::announce(dir.path(), "second").unwrap();
        let former = second.former().unwrap().pop().unwrap();
        assert_eq!(former.worker(), "first");
        assert!(!former.is_gone(), "its supervisor still runs");
        drop(supervisor);
        assert!(former.is_gone());
        assert!(join(&file_of(dir.path(), "first")).is_err(), "too late to start anything");
        assert!(second.former().unwrap().is_empty());
    }
}
