//! The folder of an attempt: a fresh copy of the spider's files, and places for what it leaves.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::job::{Category, End, ManifestEntry};
use crate::platform::files::Files;

#[derive(Debug)]
pub(super) struct WorkDir {
    root: PathBuf,
    /// Says to [`sweep`] that the folder is in use, for as long as this process lives.
    _lock: File,
}

impl WorkDir {
    pub(super) async fn create(parent: &Path, name: &str) -> Result<Self, End> {
        let root = parent.join(name);
        let made = blocking(move || make(root)).await;
        made.map_err(|error| disk_failure("the working directory cannot be made", &error))
    }

    /// The folder of an attempt that is not in use any more.
    pub(super) fn reopen(parent: &Path, name: &str) -> Option<Self> {
        let root = parent.join(name);
        let lock = File::open(root.join(LOCK)).ok()?;
        lock.try_lock().ok()?;
        Some(Self { root, _lock: lock })
    }

    /// Removes the spider's files and what it made of them; what may hold items stays.
    pub(super) async fn clear_work(&self) {
        let folders = [self.work(), self.home(), self.tmp()];
        let removal = blocking(move || folders.iter().try_for_each(|folder| remove_tree(folder)));
        let _ = tokio::time::timeout(REMOVAL, removal).await;
    }

    /// Where the spider's files are, and where it starts.
    pub(super) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub(super) fn output(&self) -> PathBuf {
        self.root.join("output")
    }

    /// Where the SDK leaves items that it could not deliver.
    pub(super) fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Where the launcher leaves what a function returned.
    pub(super) fn result_file(&self) -> PathBuf {
        self.root.join("result/result.json")
    }

    /// A copy of what the spider printed.
    pub(super) fn stdout_copy(&self) -> PathBuf {
        self.root.join("stdout")
    }

    /// Copies the files of the spider.
    pub(super) async fn fill(&self, files: &Files, manifest: &[ManifestEntry]) -> Result<(), End> {
        let work = self.work();
        let copies = stream::iter(manifest).map(Ok).try_for_each_concurrent(8, |entry| copy(files, entry, &work));
        copies.await
    }

    /// Also what the spider made read-only, nested deeply, or in great number: that goes on behind our back.
    pub(super) async fn remove(self) {
        let root = self.root.clone();
        let removal = blocking(move || {
            remove_tree(&root).inspect_err(|error| {
                tracing::warn!(root = %root.display(), %error, "a working directory stays behind");
            })
        });
        let _ = tokio::time::timeout(REMOVAL, removal).await;
    }
}

/// An attempt waits no longer for its folder to go.
const REMOVAL: Duration = Duration::from_secs(3);

/// Removes the folders that a killed server left in `parent`.
pub(super) async fn sweep(parent: &Path, kept: Vec<String>) -> io::Result<()> {
    let parent = parent.to_owned();
    blocking(move || {
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            let is_used = File::open(path.join(LOCK)).is_ok_and(|file| file.try_lock().is_err());
            let is_kept = kept.iter().any(|name| path.ends_with(name));
            if path.is_dir() && !is_used && !is_kept {
                remove_tree(&path)?;
            }
        }
        Ok(())
    })
    .await
}

const LOCK: &str = ".lock";

fn make(root: PathBuf) -> io::Result<WorkDir> {
    if root.exists() {
        remove_tree(&root)?;
    }
    fs::create_dir_all(root.parent().unwrap_or(&root))?;
    let private = |path: &Path| fs::DirBuilder::new().mode(0o700).create(path);
    private(&root)?;
    let lock = File::create(root.join(LOCK))?;
    lock.try_lock()?;
    for name in ["work", "output", "spool", "home", "tmp", "result"] {
        private(&root.join(name))?;
    }
    Ok(WorkDir { root, _lock: lock })
}

async fn copy(files: &Files, entry: &ManifestEntry, work: &Path) -> Result<(), End> {
    let name = &entry.path;
    let Some(path) = clean(name) else {
        return Err(End::failed(Category::System, format!("the path {name:?} does not stay in the working directory")));
    };
    let target = work.join(path);
    let unreadable = |error: crate::error::Error| {
        tracing::error!(path = name, hash = entry.hash, %error, "a file of a spider cannot be read");
        End::failed(Category::System, format!("the file {name} could not be read from the store"))
    };
    let unwritable = |error: io::Error| disk_failure(&format!("the file {name} cannot be written"), &error);
    let mut pieces = std::pin::pin!(files.stream(&entry.hash).await.map_err(unreadable)?);
    tokio::fs::create_dir_all(target.parent().unwrap_or(work)).await.map_err(unwritable)?;
    let mut file = tokio::fs::File::create_new(&target).await.map_err(unwritable)?;
    let mut digest = Sha256::new();
    while let Some(piece) = pieces.try_next().await.map_err(unreadable)? {
        digest.update(&piece);
        file.write_all(&piece).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    if hex(&digest.finalize()) != entry.hash {
        return Err(End::failed(Category::System, format!("the file {name} is damaged in the store")));
    }
    let mode = if entry.executable { 0o755 } else { 0o644 };
    file.set_permissions(Permissions::from_mode(mode)).await.map_err(unwritable)
}

/// The path, if it is relative and stays below where it starts.
pub(super) fn clean(path: &str) -> Option<&Path> {
    let is_clean = !path.is_empty()
        && !path.contains('\0')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    is_clean.then_some(Path::new(path))
}

/// A failure of the machine's own disk, in words.
pub(super) fn disk_failure(what: &str, error: &io::Error) -> End {
    let reason = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "no space left on the server's disk".to_owned(),
        _ => error.to_string(),
    };
    End::failed(Category::System, format!("{what}: {reason}"))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Moves each folder up before it empties it: however deep the tree, neither the stack nor the number of open
/// files grows, as both would with `remove_dir_all`.
pub(super) fn remove_tree(root: &Path) -> io::Result<()> {
    let heap = root.with_file_name(format!(".removed-{}", crate::id::new()));
    fs::create_dir(&heap)?;
    let mut moved = 0_u64;
    let mut take = |folder: &Path| {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        moved += 1;
        let place = heap.join(moved.to_string());
        fs::rename(folder, &place).map(|()| place)
    };
    let mut folders = vec![take(root)?];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(take(&entry.path())?);
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_dir(&folder)?;
    }
    fs::remove_dir(heap)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
