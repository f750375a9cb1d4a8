//! The folder of an attempt: a fresh copy of the spider's files, and places for what it leaves.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::job::{Category, End, ManifestEntry};
use super::places::{Folder, Place, open_file};
use crate::platform::files::Files;

#[derive(Debug)]
pub(super) struct WorkDir {
    root: PathBuf,
    /// The same folder, even when a spider has put something else in its place.
    held: Arc<Folder>,
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
    pub(super) fn reopen(parent: &Path, name: impl AsRef<Path>) -> Option<Self> {
        let root = parent.join(name);
        let held = Arc::new(Folder::open(&root).ok()?);
        let lock = Place::new(&held, LOCK).open().ok()?;
        lock.try_lock().ok()?;
        Some(Self { root, held, _lock: lock })
    }

    /// Removes the spider's files and what it made of them; what may hold items stays.
    pub(super) async fn clear_work(&self) {
        let folders = [WORK, HOME, TMP].map(|name| self.place(name));
        let removal = blocking(move || {
            for folder in folders {
                if let Err(error) = remove_tree(&folder.path()) {
                    tracing::warn!(folder = ?folder.name(), %error, "what a spider left stays until its folder goes");
                }
            }
            Ok(())
        });
        let _ = tokio::time::timeout(REMOVAL, removal).await;
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// To be reached by the server itself, once something has run that is not its own.
    pub(super) fn place(&self, name: &str) -> Place {
        Place::new(&self.held, name)
    }

    /// Where the spider's files are, and where it starts.
    pub(super) fn work(&self) -> PathBuf {
        self.root.join(WORK)
    }

    pub(super) fn output(&self) -> PathBuf {
        self.root.join(OUTPUT)
    }

    /// Where the SDK leaves items that it could not deliver.
    pub(super) fn spool(&self) -> PathBuf {
        self.root.join(SPOOL)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.join(HOME)
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join(TMP)
    }

    /// Where the launcher leaves what a function returned.
    pub(super) fn result_file(&self) -> PathBuf {
        self.root.join(RESULTS).join(RESULT)
    }

    /// The same, to be reached by the server itself. To be taken before anything runs.
    pub(super) fn result_place(&self) -> Place {
        match Folder::open(&self.place(RESULTS).path()) {
            Ok(folder) => Place::new(&Arc::new(folder), RESULT),
            // There is nothing of that name here.
            Err(_) => self.place(RESULT),
        }
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

/// Removes the folders that a killed server left in `parent`, each after `note` has seen it.
pub(super) async fn sweep(
    parent: &Path,
    kept: Vec<String>,
    note: impl Fn(&WorkDir) + Send + 'static,
) -> io::Result<()> {
    let parent = parent.to_owned();
    blocking(move || {
        for entry in fs::read_dir(&parent)? {
            let path = entry?.path();
            let is_used = open_file(&path.join(LOCK)).is_ok_and(|file| file.try_lock().is_err());
            let is_kept = kept.iter().any(|name| path.ends_with(name));
            if is_used || is_kept {
                continue;
            }
            if let Some(dir) = path.file_name().and_then(|name| WorkDir::reopen(&parent, name)) {
                note(&dir);
            }
            if let Err(error) = remove_tree(&path) {
                // A folder that does not go is no reason not to start.
                tracing::warn!(folder = %path.display(), %error, "a working directory stays behind");
            }
        }
        Ok(())
    })
    .await
}

const LOCK: &str = ".lock";
const WORK: &str = "work";
const HOME: &str = "home";
const TMP: &str = "tmp";
pub(super) const OUTPUT: &str = "output";
pub(super) const SPOOL: &str = "spool";
/// A folder of its own: the attempt's root is closed to the spider.
const RESULTS: &str = "result";
const RESULT: &str = "result.json";
/// A copy of what the spider printed.
pub(super) const STDOUT: &str = "stdout";

fn make(root: PathBuf) -> io::Result<WorkDir> {
    if_there(remove_tree(&root))?;
    fs::create_dir_all(root.parent().unwrap_or(&root))?;
    let private = |path: &Path| fs::DirBuilder::new().mode(0o700).create(path);
    private(&root)?;
    let lock = File::create(root.join(LOCK))?;
    lock.try_lock()?;
    for name in [WORK, OUTPUT, SPOOL, HOME, TMP, RESULTS] {
        private(&root.join(name))?;
    }
    let held = Arc::new(Folder::open(&root)?);
    Ok(WorkDir { root, held, _lock: lock })
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

/// Removes a folder with all that is in it, or whatever else has its name; what links point to stays. Folders are
/// moved up into `root` before they are emptied: however deep the tree, neither the stack nor the number of open files
/// grows, as both would with `remove_dir_all`. Nothing is made for it, as the disk may be full.
pub(super) fn remove_tree(root: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(root)?.is_dir() {
        return fs::remove_file(root);
    }
    let top = open_up(root)?;
    let mark = crate::id::new();
    let mut moved = 0_u64;
    for _ in 0..REMOVAL_ROUNDS {
        let mut folders = empty(&top)?;
        while let Some(path) = folders.pop() {
            let Some(folder) = if_there(open_up(&path))? else { continue };
            for inner in empty(&folder)? {
                let place = top.path().join(format!(".removed-{mark}-{moved}"));
                moved += 1;
                // To be moved, a folder must be writable.
                let Some(held) = if_there(open_up(&inner))? else { continue };
                if if_there(fs::rename(&inner, &place))?.is_some() {
                    folders.push(place);
                }
                drop(held);
            }
            match if_there(fs::remove_dir(&path)) {
                // Somebody else is at it too: the next round sees what is left.
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
                done => drop(done?),
            }
        }
        match if_there(fs::remove_dir(root)) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            done => return done.map(drop),
        }
    }
    Err(ErrorKind::DirectoryNotEmpty.into())
}

/// How often a folder that does not stay empty is emptied.
const REMOVAL_ROUNDS: usize = 10;

/// The folder, with every right for its owner.
fn open_up(path: &Path) -> io::Result<Folder> {
    let folder = Folder::open(path)?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// Removes what is no folder, and gives the folders.
fn empty(folder: &Folder) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder.path())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        } else {
            if_there(fs::remove_file(entry.path()))?;
        }
    }
    Ok(folders)
}

/// Nothing where another was faster.
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_tree_goes_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let (root, other) = (parent.path().join("root"), parent.path().join("other"));
        fs::create_dir_all(other.join("kept")).unwrap();
        fs::create_dir_all(root.join("wide")).unwrap();
        for n in 0..2000 {
            File::create(root.join(format!("wide/{n}"))).unwrap();
        }
        std::os::unix::fs::symlink(&other, root.join("wide/link")).unwrap();
        // Deeper than any path may be long.
        for _ in 0..20 {
            let deep = root.join(format!("{}end", "d/".repeat(300)));
            fs::create_dir_all(&deep).unwrap();
            fs::set_permissions(deep.parent().unwrap(), Permissions::from_mode(0o000)).unwrap();
            let above = parent.path().join("above");
            fs::create_dir(&above).unwrap();
            fs::rename(&root, above.join("d")).unwrap();
            fs::rename(above, &root).unwrap();
        }
        remove_tree(&root).unwrap();
        std::os::unix::fs::symlink(&other, &root).unwrap();
        remove_tree(&root).unwrap();
        File::create(&root).unwrap();
        remove_tree(&root).unwrap();
        assert_eq!(remove_tree(&root).unwrap_err().kind(), ErrorKind::NotFound);
        let left: Vec<_> = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [other.as_path()]);
        assert!(other.join("kept").exists());
    }
}
