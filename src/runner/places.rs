//! Reaching what a spider may have replaced: no link is followed, no pipe waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;

/// A folder itself, not what its path may mean later.
#[derive(Debug)]
pub struct Folder(File);

impl Folder {
    pub fn open(path: &Path) -> io::Result<Self> {
        // Without the right to read, which the folder may not give.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY;
        File::options().read(true).custom_flags(flags.bits()).open(path).map(Self)
    }

    /// Means this folder for as long as it is held, wherever it is moved.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

/// A name in a folder that is held.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: Arc<Folder>,
    name: OsString,
}

impl Place {
    pub(super) fn new(folder: &Arc<Folder>, name: impl Into<OsString>) -> Self {
        Self { folder: folder.clone(), name: name.into() }
    }

    #[cfg(test)]
    pub(super) fn of(path: &Path) -> Self {
        let folder = Folder::open(path.parent().unwrap()).unwrap();
        Self::new(&Arc::new(folder), path.file_name().unwrap())
    }

    /// To be used no longer than this is held.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    pub(super) fn name(&self) -> &Path {
        Path::new(&self.name)
    }

    pub(super) fn exists(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }

    /// The folder of this name.
    pub(super) fn folder(&self) -> io::Result<Arc<Folder>> {
        Folder::open(&self.path()).map(Arc::new)
    }

    /// The regular file of this name.
    pub(super) fn open(&self) -> io::Result<File> {
        open_file(&self.path())
    }

    /// An empty file in place of whatever has this name.
    pub(super) fn create(&self) -> io::Result<File> {
        let path = self.path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::options().write(true).create_new(true).mode(0o600).open(path)
    }
}

/// A regular file and nothing else.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}
