//! Which servers have used a data directory, and whether anything they started still runs.
//!
//! Told by locks on files: the kernel drops one when the last process that holds it is gone, however it went. A process id
//! could be somebody else's by now; a lock cannot. Each server has a file of its own, which it and each of its supervisors
//! lock together; who can lock it alone knows that all of them are gone. A spider may still be there, when server and
//! supervisor were killed together: it is found by its mark, and killed.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::strays::kill_strays;

const FOLDER: &str = "servers";
/// For so long a lock may outlive its server: what the server had just begun to start holds it until it is another program.
const AFTERGLOW: Duration = Duration::from_secs(2);
/// How long one look at a former server waits for what it left to die.
const PATIENCE: Duration = Duration::from_secs(1);

/// The file of the server called `worker`.
pub fn file_of(data_dir: &Path, worker: &str) -> PathBuf {
    data_dir.join(FOLDER).join(worker)
}

/// What the marks of all that the server starts begin with.
pub(super) fn mark_of(server: Option<&Path>) -> String {
    format!("{}/", server.map(worker_of).unwrap_or_default())
}

fn worker_of(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// To be locked: NFS wants a file that is open for reading to be locked together, and for writing to be locked alone.
fn open(file: &Path, create: bool) -> io::Result<File> {
    File::options().read(true).write(true).create(create).open(file)
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
    pub async fn announce(data_dir: &Path, worker: &str) -> anyhow::Result<Self> {
        let alone = open(&data_dir.join("server.lock"), true).context("cannot make server.lock")?;
        let begun = Instant::now();
        loop {
            match alone.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() < AFTERGLOW => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(TryLockError::WouldBlock) => bail!(
                    "another server uses {}; give this one a data directory of its own (CRAWLHUB_DATA_DIR)",
                    data_dir.display()
                ),
                Err(TryLockError::Error(error)) => return Err(error).context("cannot lock server.lock"),
            }
        }
        let file = file_of(data_dir, worker);
        std::fs::create_dir_all(data_dir.join(FOLDER)).context("cannot make the folder of servers")?;
        let own = open(&file, true).with_context(|| format!("cannot make {}", file.display()))?;
        own.lock_shared().context("cannot lock the server's file")?;
        Ok(Self { file, _alone: alone, _own: own })
    }

    /// The servers that used the directory before and may have left something that runs.
    pub fn former(&self) -> io::Result<Vec<Former>> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let files =
            std::fs::read_dir(folder)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let files = files.map(|entry| entry.path()).filter(|file| *file != self.file);
        Ok(files.map(|file| Former { file, locked: None, is_gone: false }).collect())
    }
}

/// A server that used the data directory before.
#[derive(Debug)]
pub struct Former {
    file: PathBuf,
    /// Locked alone, which keeps supervisors that come late from starting anything.
    locked: Option<File>,
    is_gone: bool,
}

impl Former {
    pub fn worker(&self) -> &str {
        worker_of(&self.file)
    }

    /// Whether it and everything it started is gone; what has lost its supervisor is killed. May take a second, without
    /// a runtime. Once it is so it stays so: a supervisor that comes late finds the file locked, or no file, and starts
    /// nothing.
    pub fn is_gone(&mut self) -> bool {
        if self.is_gone {
            return true;
        }
        if self.locked.is_none() {
            match open(&self.file, false) {
                Ok(file) if file.try_lock().is_ok() => self.locked = Some(file),
                Ok(_) => return false,
                // Somebody has removed it: its supervisors start nothing, and none can hold it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::debug!(file = %self.file.display(), %error, "a former server's file cannot be opened");
                    return false;
                }
            }
        }
        self.is_gone = kill_strays(&mark_of(Some(&self.file)), None, PATIENCE);
        self.is_gone
    }

    /// To be called when nothing asks for it any more. Where its file does not go, the next server asks again.
    pub fn forget(self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// For a supervisor, before it starts anything: counts as one of the server's for as long as the file is held. An error
/// where the server is gone already.
pub(super) fn join(file: &Path) -> anyhow::Result<File> {
    let joined = open(file, false).context("the server is gone")?;
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

    #[tokio::test]
    async fn a_server_is_gone_with_the_last_that_held_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let first = Presence::announce(dir.path(), "first").await.unwrap();
        let refused = Presence::announce(dir.path(), "second").await.unwrap_err().to_string();
        assert!(refused.contains("another server uses"), "{refused}");
        let supervisor = join(&file_of(dir.path(), "first")).unwrap();

        // A lock that outlives its server for a moment is waited for.
        let (second, ()) = tokio::join!(Presence::announce(dir.path(), "second"), async { drop(first) });
        let second = second.unwrap();
        std::fs::create_dir(file_of(dir.path(), "no file")).unwrap();
        let mut former = second.former().unwrap().pop().unwrap();
        assert_eq!(former.worker(), "first");
        assert!(!former.is_gone(), "its supervisor still runs");
        drop(supervisor);
        assert!(former.is_gone());
        assert!(join(&file_of(dir.path(), "first")).is_err(), "too late to start anything");
        assert_eq!(second.former().unwrap().len(), 1, "a crash before it is forgotten asks again");
        former.forget();
        assert!(join(&file_of(dir.path(), "first")).is_err(), "still too late");
        assert!(second.former().unwrap().is_empty());
    }
}
