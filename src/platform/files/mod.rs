//! Files by content: a blob is named by the SHA-256 of its bytes, written once, never changed.
//!
//! Whoever puts a blob has half a day to write down that it refers to it; what nothing refers to is removed when it is
//! a day old. A blob that is put again is as good as new.

mod bucket;
mod hold;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use opendal::{Entry, ErrorKind, Metadata, Operator, Writer, layers::RetryLayer, options::ReaderOptions, services};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use self::hold::Holding;
use super::{database::Database, disk::Disk, secrets::hex};
use crate::{
    clock::{Clock, SystemClock},
    config,
    error::{Error, Result},
    text,
};

/// What a store says of a blob that it does not have.
pub const BLOB_MISSING: &str = "blob_missing";

/// Lower-case hexadecimal SHA-256 of the content.
pub type Hash = String;

#[derive(Debug, Clone)]
pub struct Files {
    store: Operator,
    /// None: a bucket.
    folder: Option<Folder>,
    holding: Holding,
    /// What is written at once, in bytes.
    part: usize,
}

#[derive(Debug, Clone)]
struct Folder {
    /// Where the blobs are.
    blobs: PathBuf,
    /// What is being written; what a killed server had begun stays there. A bucket shows nothing of it.
    begun: Operator,
    disk: Disk,
}

const PIECE: usize = 256 * 1024;
/// Less is no part of a blob in a bucket, but for the last.
const PART: usize = 8 * 1024 * 1024;
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
    fn of(known: &Metadata) -> Self {
        let written_at = known.last_modified().map(|at| std::time::SystemTime::from(at).into());
        Self { bytes: i64::try_from(known.content_length()).unwrap_or(i64::MAX), written_at }
    }

    /// By this machine's clock, which also dates the files of a folder; a bucket has its own, a few minutes off at worst.
    fn is_younger_than(&self, age: TimeDelta) -> bool {
        // One that does not say counts as new.
        self.written_at.is_none_or(|at| SystemClock.now() - at < age)
    }
}

impl Files {
    /// Blobs in a folder of this machine.
    pub fn local(root: &Path, disk: Disk) -> anyhow::Result<Self> {
        // Written beside and renamed: a reader never sees half a blob, whatever is killed.
        let (blobs, begun) = (root.join("blobs"), root.join("blobs.new"));
        let service = services::Fs::default().root(&blobs.to_string_lossy()).atomic_write_dir(&begun.to_string_lossy());
        let begun = Operator::new(services::Fs::default().root(&begun.to_string_lossy()))?;
        let store = Operator::new(service)?.layer(RetryLayer::new().with_max_times(2));
        std::fs::create_dir_all(&blobs)?;
        let folder = Some(Folder { blobs, begun, disk });
        Ok(Self { store, folder, holding: Holding::of_folder(root), part: PIECE })
    }

    /// Blobs in a bucket, which the servers on that database share.
    pub fn in_bucket(bucket: &config::Bucket, db: &Database) -> anyhow::Result<Self> {
        let (store, holding) = (bucket::open(bucket)?, Holding::of_database(db));
        Ok(Self { store, folder: None, holding, part: PART })
    }

    /// Keeps `content`; the same bytes twice are one blob.
    pub async fn put(&self, content: impl Into<bytes::Bytes>) -> Result<Hash> {
        self.check_room().await?;
        let content = content.into();
        let hash = hash_of(&content);
        let path = path_of(&hash);
        // Nobody removes what is fresh.
        if !self.is_fresh(&path).await? {
            let mut writer = self.writer(&path).await?;
            writer.write(content).await.map_err(unavailable)?;
            self.finish(writer).await?;
        }
        Ok(hash)
    }

    async fn writer(&self, path: &str) -> Result<Writer> {
        self.store.writer_with(path).chunk(self.part).await.map_err(unavailable)
    }

    /// Only now is the blob there.
    async fn finish(&self, mut writer: Writer) -> Result<()> {
        let held = self.holding.to_put().await?;
        writer.close().await.map_err(unavailable)?;
        held.release().await
    }

    /// Keeps what a file holds, from its beginning, without holding it in memory.
    pub async fn put_file(&self, file: File) -> Result<Hash> {
        self.check_room().await?;
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
        if self.is_fresh(&path).await? {
            return Ok(hash);
        }
        file.rewind().await.map_err(unreadable)?;
        let mut writer = self.writer(&path).await?;
        loop {
            let read = file.read(&mut piece).await.map_err(unreadable)?;
            if read == 0 {
                self.finish(writer).await?;
                return Ok(hash);
            }
            writer.write(bytes::Bytes::copy_from_slice(&piece[..read])).await.map_err(unavailable)?;
        }
    }

    /// The whole blob; [`BLOB_MISSING`] where the store has it no more, which does not pass. Only for what is known to be small; see [`Files::stream`].
    pub async fn get(&self, hash: &str) -> Result<bytes::Bytes> {
        Ok(self.store.read(&path_of(hash)).await.map_err(|error| self.unread(error))?.to_bytes())
    }

    /// Of the blob, in bytes.
    pub async fn size(&self, hash: &str) -> Result<u64> {
        Ok(self.store.stat(&path_of(hash)).await.map_err(|error| self.unread(error))?.content_length())
    }

    /// The blob in pieces of at most 256 KiB. An error at once where it is not there, see [`Files::get`].
    pub async fn stream(&self, hash: &str) -> Result<impl Stream<Item = Result<bytes::Bytes>> + Send + 'static> {
        // A bucket sends one answer, piece by piece; a folder is asked for each piece.
        let chunk = self.folder.is_some().then_some(PIECE);
        let options = ReaderOptions { chunk, ..ReaderOptions::default() };
        let reader = self.store.reader_options(&path_of(hash), options).await.map_err(|error| self.unread(error))?;
        let files = self.clone();
        let broken = move |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound if files.is_there() => missing(),
            _ => Error::Unavailable { what: "files", source: error.into() },
        };
        let mut bytes = reader.into_bytes_stream(..).await.map_err(|error| self.unread(error))?.map_err(broken);
        // A bucket is asked only now.
        let first = bytes.try_next().await?;
        let whole = stream::iter(first.map(Ok)).chain(bytes);
        // It sends what its connection has.
        Ok(whole.map_ok(|bytes| stream::iter(pieces(bytes).map(Ok))).try_flatten())
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
            } else if let Some(stat) = self.stat_of(&entry).await? {
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
                && let Some(stat) = self.stat_of(&entry).await?
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
                let alone = self.holding.to_remove().await?;
                self.store.delete(&path_of(&name)).await.map_err(unavailable)?;
                alone.release().await?;
                total -= u64::try_from(bytes).unwrap_or(0);
            }
        }
        self.sweep_begun().await
    }

    /// Removes what was begun a day ago: nobody writes it to its end any more.
    async fn sweep_begun(&self) -> Result<()> {
        let Some(Folder { begun, .. }) = &self.folder else { return Ok(()) };
        let mut listed = begun.lister_with("").recursive(true).await.map_err(unavailable)?;
        while let Some(entry) = listed.try_next().await.map_err(unavailable)? {
            let is_file = entry.metadata().is_file();
            if is_file && stat(begun, entry.path()).await?.is_some_and(|stat| !stat.is_younger_than(OLD)) {
                begun.delete(entry.path()).await.map_err(unavailable)?;
            }
        }
        Ok(())
    }

    /// What a bucket's list says of it is enough; a folder's says nothing.
    async fn stat_of(&self, entry: &Entry) -> Result<Option<Stat>> {
        match entry.metadata() {
            known if known.last_modified().is_some() => Ok(Some(Stat::of(known))),
            _ => stat(&self.store, entry.path()).await,
        }
    }

    /// Its size, where it was old and is gone now.
    async fn remove_old(&self, path: &str) -> Result<Option<i64>> {
        let alone = self.holding.to_remove().await?;
        let removed = match stat(&self.store, path).await? {
            Some(stat) if !stat.is_younger_than(OLD) => {
                self.store.delete(path).await.map_err(unavailable)?;
                Some(stat.bytes)
            }
            _ => None,
        };
        alone.release().await?;
        Ok(removed)
    }

    /// Whether the store answers.
    pub async fn check(&self) -> Result<()> {
        if self.folder.is_some() {
            return self.check_folder().await;
        }
        // Of a file that is not there a bucket that is not there says the same.
        let mut listed = self.store.lister_with("").limit(1).await.map_err(unavailable)?;
        listed.try_next().await.map(drop).map_err(unavailable)
    }

    /// Whether there is room for more, where that is known. See [`Disk`]. Where the folder is away nothing makes it anew:
    /// the blobs in it would be missing then, and what was put would go with the next mount.
    async fn check_room(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        folder.disk.check_room()?;
        self.check_folder().await
    }

    /// Of a disk that hangs nobody waits on a thread of the runtime.
    async fn check_folder(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if tokio::fs::metadata(&folder.blobs).await.is_ok_and(|found| found.is_dir()) {
            return Ok(());
        }
        Err(unavailable(opendal::Error::new(ErrorKind::NotFound, "the folder of blobs is not there")))
    }

    /// Whether a folder is there at all: one whose disk is not mounted has nothing in it either. A bucket says so itself.
    fn is_there(&self) -> bool {
        self.folder.as_ref().is_none_or(|folder| folder.blobs.is_dir())
    }

    /// Of a blob that is read.
    fn unread(&self, error: opendal::Error) -> Error {
        if error.kind() == ErrorKind::NotFound && self.is_there() { missing() } else { unavailable(error) }
    }
}

pub fn hash_of(content: &[u8]) -> Hash {
    hex(&Sha256::digest(content))
}

/// None where there is no such file.
async fn stat(store: &Operator, path: &str) -> Result<Option<Stat>> {
    match store.stat(path).await {
        Ok(stat) => Ok(Some(Stat::of(&stat))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// Two levels, so that no folder grows too large.
fn path_of(hash: &str) -> String {
    format!("{}/{hash}", hash.get(..2).unwrap_or_default())
}

fn pieces(mut bytes: bytes::Bytes) -> impl Iterator<Item = bytes::Bytes> {
    std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(PIECE))))
}

fn missing() -> Error {
    Error::not_found(BLOB_MISSING, text!("存储中已没有此文件", "the file is not in the store any more"))
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

        let removing = one.holding.to_remove().await.unwrap();
        let mut put = Box::pin(other.put("content"));
        assert!(timeout(Duration::from_millis(200), &mut put).await.is_err(), "it was put while it could be removed");
        drop(removing);
        assert_eq!(timeout(A_WHILE, put).await.unwrap().unwrap(), hash);

        File::options().write(true).open(&blob).unwrap().set_modified(old).unwrap();
        let putting = one.holding.to_put().await.unwrap();
        assert!(other.holding.to_put().await.is_ok(), "those who put do not wait for each other");
        let mut swept = other.sweep(|_| false).boxed();
        assert!(timeout(Duration::from_millis(200), &mut swept).await.is_err(), "it was removed while it was put");
        drop(putting);
        assert_eq!(timeout(A_WHILE, swept).await.unwrap().unwrap().removed, 1);
    }
}
