//! Files by content: a blob is named by the SHA-256 of its bytes, written once, never changed.
//!
//! Whoever puts a blob has half a day to write down that it refers to it; what nothing refers to is removed when it is
//! a day old. A blob that is put again is as good as new.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, TryStreamExt};
use opendal::{ErrorKind, Operator, layers::RetryLayer, services};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncSeekExt},
    sync::RwLock,
};

use super::{disk::Disk, secrets::hex};
use crate::{
    clock::{Clock, SystemClock},
    error::{Error, Result},
};

/// Lower-case hexadecimal SHA-256 of the content.
pub type Hash = String;

#[derive(Debug, Clone)]
pub struct Files {
    store: Operator,
    /// What is being written; what a killed server had begun stays there.
    begun: Operator,
    disk: Disk,
    /// Held together by those who put, alone by who removes: a blob that is put does not go at the same moment.
    removing: Arc<RwLock<()>>,
    /// A file that servers which share the folder lock in the same way, beside `removing`.
    lock: PathBuf,
}

/// What [`Files::removing`] and its file are held by; both are free when it goes.
struct Held<G> {
    _here: G,
    _everywhere: Option<File>,
}

const PIECE: usize = 256 * 1024;
/// A blob of that age is written again when it is put.
const FRESH: TimeDelta = TimeDelta::hours(12);
/// Younger ones may wait for the row that will refer to them.
const OLD: TimeDelta = TimeDelta::hours(24);

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that stay, and their size together.
    pub kept: i64,
    pub kept_bytes: i64,
    pub removed: i64,
    pub removed_bytes: i64,
}

/// What is known of a blob without reading it.
struct Stat {
    bytes: i64,
    written_at: Option<DateTime<Utc>>,
}

impl Stat {
    /// By this machine's clock, which also dates the files.
    fn is_younger_than(&self, age: TimeDelta) -> bool {
        // One that does not say counts as new.
        self.written_at.is_none_or(|at| SystemClock.now() - at < age)
    }
}

impl Files {
    /// Blobs in a folder of this machine.
    pub fn local(root: &Path, disk: Disk) -> anyhow::Result<Self> {
        // Written beside and renamed: a reader never sees half a blob, whatever is killed.
        let begun = root.join("blobs.new");
        let folder = services::Fs::default()
            .root(&root.join("blobs").to_string_lossy())
            .atomic_write_dir(&begun.to_string_lossy());
        let begun = Operator::new(services::Fs::default().root(&begun.to_string_lossy()))?;
        let store = Operator::new(folder)?.layer(RetryLayer::new().with_max_times(2));
        std::fs::create_dir_all(root)?;
        Ok(Self { store, begun, disk, removing: Arc::default(), lock: root.join("blobs.lock") })
    }

    async fn hold_to_put(&self) -> Result<Held<impl Sized + '_>> {
        let here = self.removing.read().await;
        Ok(Held { _here: here, _everywhere: self.locked(File::lock_shared).await? })
    }

    async fn hold_to_remove(&self) -> Result<Held<impl Sized + '_>> {
        let here = self.removing.write().await;
        Ok(Held { _here: here, _everywhere: self.locked(File::lock).await? })
    }

    /// None where the folder's disk knows no locks.
    async fn locked(&self, how: fn(&File) -> io::Result<()>) -> Result<Option<File>> {
        let path = self.lock.clone();
        let wait = move || {
            let file = File::options().create(true).truncate(false).write(true).open(path)?;
            match how(&file) {
                Ok(()) => Ok(Some(file)),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
                Err(error) => Err(error),
            }
        };
        let locked = tokio::task::spawn_blocking(wait).await.map_err(Error::internal)?;
        locked.map_err(|error| Error::Unavailable { what: "files", source: error.into() })
    }

    /// Keeps `content`; the same bytes twice are one blob.
    pub async fn put(&self, content: impl Into<bytes::Bytes>) -> Result<Hash> {
        self.check_room()?;
        let content = content.into();
        let hash = hash_of(&content);
        let path = path_of(&hash);
        let _held = self.hold_to_put().await?;
        if !self.is_fresh(&path).await? {
            self.store.write(&path, content).await.map_err(unavailable)?;
        }
        Ok(hash)
    }

    /// Keeps what a file holds, from its beginning, without holding it in memory.
    pub async fn put_file(&self, file: File) -> Result<Hash> {
        self.check_room()?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
        loop {
            let read = file.read(&mut piece).await.map_err(unreadable)?;
            if read == 0 {
                break;
            }
            hash.update(&piece[..read]);
        }
        let hash = hex(&hash.finalize());
        let path = path_of(&hash);
        let _held = self.hold_to_put().await?;
        if self.is_fresh(&path).await? {
            return Ok(hash);
        }
        file.rewind().await.map_err(unreadable)?;
        let mut writer = self.store.writer(&path).await.map_err(unavailable)?;
        loop {
            let read = file.read(&mut piece).await.map_err(unreadable)?;
            if read == 0 {
                writer.close().await.map_err(unavailable)?;
                return Ok(hash);
            }
            writer.write(bytes::Bytes::copy_from_slice(&piece[..read])).await.map_err(unavailable)?;
        }
    }

    /// The whole blob. Only for what is known to be small; see [`Files::stream`].
    pub async fn get(&self, hash: &str) -> Result<bytes::Bytes> {
        Ok(self.store.read(&path_of(hash)).await.map_err(unavailable)?.to_bytes())
    }

    /// Of the blob, in bytes.
    pub async fn size(&self, hash: &str) -> Result<u64> {
        Ok(self.store.stat(&path_of(hash)).await.map_err(unavailable)?.content_length())
    }

    /// The blob in pieces of at most 256 KiB.
    pub async fn stream(&self, hash: &str) -> Result<impl Stream<Item = Result<bytes::Bytes>> + Send + 'static> {
        let reader = self.store.reader_with(&path_of(hash)).chunk(PIECE).await.map_err(unavailable)?;
        let bytes = reader.into_bytes_stream(..).await.map_err(unavailable)?;
        Ok(bytes.map_err(|error| Error::Unavailable { what: "files", source: error.into() }))
    }

    /// Whether the blob is there and stays long enough for whoever puts it. Any other is to be written.
    async fn is_fresh(&self, path: &str) -> Result<bool> {
        Ok(stat(&self.store, path).await?.is_some_and(|stat| stat.is_younger_than(FRESH)))
    }

    /// Removes each blob that is a day old and not wanted, and counts the others. What is wanted was found out before;
    /// who put a blob since has made it new.
    pub async fn sweep(&self, is_wanted: impl Fn(&str) -> bool + Send) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut listed = self.store.lister_with("").recursive(true).await.map_err(unavailable)?;
        while let Some(entry) = listed.try_next().await.map_err(unavailable)? {
            let (path, name) = (entry.path(), entry.name());
            // Not ours.
            if !entry.metadata().is_file() || path != path_of(name) {
                continue;
            }
            let removed = if is_wanted(name) { None } else { self.remove_old(path).await? };
            if let Some(bytes) = removed {
                swept.removed += 1;
                swept.removed_bytes += bytes;
            } else if let Some(stat) = stat(&self.store, path).await? {
                swept.kept += 1;
                swept.kept_bytes += stat.bytes;
            }
        }
        self.sweep_begun().await?;
        Ok(swept)
    }

    /// Removes what was written first, but for what is wanted, until no more than `most_bytes` are left. For a store of
    /// copies, whose blobs can be had again.
    pub async fn shrink(&self, most_bytes: u64, is_wanted: impl Fn(&str) -> bool + Send) -> Result<()> {
        let (mut blobs, mut total) = (Vec::new(), 0);
        let mut listed = self.store.lister_with("").recursive(true).await.map_err(unavailable)?;
        while let Some(entry) = listed.try_next().await.map_err(unavailable)? {
            let (path, name) = (entry.path(), entry.name());
            if entry.metadata().is_file()
                && path == path_of(name)
                && let Some(stat) = stat(&self.store, path).await?
            {
                total += u64::try_from(stat.bytes).unwrap_or(0);
                blobs.push((stat.written_at, stat.bytes, name.to_owned()));
            }
        }
        blobs.sort();
        for (_, bytes, name) in blobs {
            if total <= most_bytes {
                break;
            }
            if !is_wanted(&name) {
                let _alone = self.hold_to_remove().await?;
                self.store.delete(&path_of(&name)).await.map_err(unavailable)?;
                total -= u64::try_from(bytes).unwrap_or(0);
            }
        }
        self.sweep_begun().await
    }

    /// Removes what was begun a day ago: nobody writes it to its end any more.
    async fn sweep_begun(&self) -> Result<()> {
        let mut listed = self.begun.lister_with("").recursive(true).await.map_err(unavailable)?;
        while let Some(entry) = listed.try_next().await.map_err(unavailable)? {
            let is_file = entry.metadata().is_file();
            if is_file && stat(&self.begun, entry.path()).await?.is_some_and(|stat| !stat.is_younger_than(OLD)) {
                self.begun.delete(entry.path()).await.map_err(unavailable)?;
            }
        }
        Ok(())
    }

    /// Its size, where it was old and is gone now.
    async fn remove_old(&self, path: &str) -> Result<Option<i64>> {
        let _alone = self.hold_to_remove().await?;
        match stat(&self.store, path).await? {
            Some(stat) if !stat.is_younger_than(OLD) => {
                self.store.delete(path).await.map_err(unavailable)?;
                Ok(Some(stat.bytes))
            }
            _ => Ok(None),
        }
    }

    /// Whether the store answers.
    pub async fn check(&self) -> Result<()> {
        self.store.exists("ready").await.map(drop).map_err(unavailable)
    }

    /// Whether there is room for more. See [`Disk`].
    pub fn check_room(&self) -> Result<()> {
        self.disk.check_room()
    }
}

pub fn hash_of(content: &[u8]) -> Hash {
    hex(&Sha256::digest(content))
}

/// None where there is no such file.
async fn stat(store: &Operator, path: &str) -> Result<Option<Stat>> {
    let stat = match store.stat(path).await {
        Ok(stat) => stat,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unavailable(error)),
    };
    let written_at = stat.last_modified().map(|at| std::time::SystemTime::from(at).into());
    Ok(Some(Stat { bytes: i64::try_from(stat.content_length()).unwrap_or(i64::MAX), written_at }))
}

/// Two levels, so that no folder grows too large.
fn path_of(hash: &str) -> String {
    format!("{}/{hash}", hash.get(..2).unwrap_or_default())
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Unavailable { what: "temporary files", source: error.into() }
}

fn unavailable(error: opendal::Error) -> Error {
    Error::Unavailable { what: "files", source: anyhow::Error::new(error).context("blob store") }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use futures_util::FutureExt;
    use tokio::time::timeout;

    use super::*;

    const A_WHILE: Duration = Duration::from_secs(30);

    /// Two servers on one folder.
    #[tokio::test]
    async fn who_puts_and_who_removes_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let files = || Files::local(folder.path(), Disk::new(folder.path(), 0)).unwrap();
        let (one, other) = (files(), files());
        let hash = one.put("content").await.unwrap();
        let blob = folder.path().join("blobs").join(path_of(&hash));
        let old = SystemTime::now() - Duration::from_hours(48);
        File::options().write(true).open(&blob).unwrap().set_modified(old).unwrap();

        let removing = one.hold_to_remove().await.unwrap();
        let mut put = Box::pin(other.put("content"));
        assert!(timeout(Duration::from_millis(200), &mut put).await.is_err(), "it was put while it could be removed");
        drop(removing);
        assert_eq!(timeout(A_WHILE, put).await.unwrap().unwrap(), hash);

        File::options().write(true).open(&blob).unwrap().set_modified(old).unwrap();
        let putting = one.hold_to_put().await.unwrap();
        assert!(other.hold_to_put().await.is_ok(), "those who put do not wait for each other");
        let mut swept = other.sweep(|_| false).boxed();
        assert!(timeout(Duration::from_millis(200), &mut swept).await.is_err(), "it was removed while it was put");
        drop(putting);
        assert_eq!(timeout(A_WHILE, swept).await.unwrap().unwrap().removed, 1);
    }
}
