//! The copies of repositories: a bare one in a folder of its own each.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Failure, Git, run::Call};

/// What the name of a folder that is used for one call begins with, of a list for one, and of what is being removed.
pub(super) const PRIVATE: &str = ".private-";
pub(super) const LIST: &str = ".list-";
const TRASH: &str = ".trash-";
/// A copy of more parts than these is made anew: what is in them besides the last commit is of no use any more.
const MOST_PACKS: usize = 30;

impl Git {
    /// Removes what killed servers left. Not while another server uses the folder.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.0.root)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(LIST) {
                fs::remove_file(entry.path())?;
            } else if entry.file_name().to_string_lossy().starts_with('.') {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
            return Err(Failure::local("no name for a copy of a repository", &name));
        }
        Ok(self.0.root.join(name))
    }

    /// The names of the copies that there are.
    pub fn kept(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.0.root)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter(|name| !name.starts_with('.')).collect())
    }

    /// Removes a copy, if there is one. Whoever still writes into it fails.
    pub async fn remove(&self, name: &str) -> Result<(), Failure> {
        let folder = self.folder(name)?;
        let trash = self.0.root.join(format!("{TRASH}{}", crate::id::new()));
        let removed = tokio::task::spawn_blocking(move || match fs::rename(&folder, &trash) {
            Ok(()) => fs::remove_dir_all(&trash),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        });
        let removed = removed.await.map_err(io::Error::other).flatten();
        removed.map_err(|error| Failure::local("the copy of a repository cannot be removed", &error))
    }

    /// The folder of a copy that can be fetched into.
    pub(super) async fn ready(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder(name)?;
        let looked_at = folder.clone();
        let limit = self.0.max_mb * 1024 * 1024;
        let is_good = tokio::task::spawn_blocking(move || is_good(&looked_at, limit)).await;
        if is_good.map_err(io::Error::other).flatten().unwrap_or(false) {
            return Ok(folder);
        }
        self.remove(name).await?;
        fs::create_dir(&folder).map_err(|error| Failure::local("the copy of a repository cannot be made", &error))?;
        let mut call = Call::local(&folder, &["init", "--quiet", "--bare", "--template="]);
        call.writes = true;
        self.run(call, None, super::run::nothing).await?;
        Ok(folder)
    }
}

/// Whether a copy can be used further. What a killed call left in it is removed.
fn is_good(folder: &Path, limit: u64) -> io::Result<bool> {
    if !folder.join("HEAD").is_file() || !folder.join("objects/pack").is_dir() {
        return Ok(false);
    }
    let mut packs = 0;
    for entry in fs::read_dir(folder.join("objects/pack"))?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("tmp_") {
            fs::remove_file(entry.path())?;
        }
        packs += usize::from(name.ends_with(".pack"));
    }
    for lock in ["shallow.lock", "config.lock", "HEAD.lock", "packed-refs.lock", "refs/crawlhub/tip.lock"] {
        match fs::remove_file(folder.join(lock)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(packs <= MOST_PACKS && size_of(folder)? < limit / 2)
}

/// Of all files in it, in bytes. What goes meanwhile does not count.
pub(super) fn size_of(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        size += match entry.metadata() {
            Ok(found) if found.is_dir() => size_of(&entry.path()).unwrap_or_default(),
            Ok(found) => found.len(),
            Err(_) => 0,
        };
    }
    Ok(size)
}
