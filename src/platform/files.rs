//! Files by content: a blob is named by the SHA-256 of its bytes, written once, never changed.

use std::path::Path;

use futures_util::{Stream, TryStreamExt};
use opendal::{Operator, layers::RetryLayer, services};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{disk::Disk, secrets::hex};
use crate::error::{Error, Result};

/// Lower-case hexadecimal SHA-256 of the content.
pub type Hash = String;

#[derive(Debug, Clone)]
pub struct Files {
    store: Operator,
    disk: Disk,
}

const PIECE: usize = 256 * 1024;

impl Files {
    /// Blobs in a folder of this machine.
    pub fn local(root: &Path, disk: Disk) -> anyhow::Result<Self> {
        // Written beside and renamed: a reader never sees half a blob, whatever is killed.
        let folder = services::Fs::default()
            .root(&root.join("blobs").to_string_lossy())
            .atomic_write_dir(&root.join("blobs.new").to_string_lossy());
        Ok(Self { store: Operator::new(folder)?.layer(RetryLayer::new().with_max_times(2)), disk })
    }

    /// Keeps `content`; the same bytes twice are one blob.
    pub async fn put(&self, content: impl Into<bytes::Bytes>) -> Result<Hash> {
        self.check_room()?;
        let content = content.into();
        let hash = hash_of(&content);
        let path = path_of(&hash);
        if !self.store.exists(&path).await.map_err(unavailable)? {
            self.store.write(&path, content).await.map_err(unavailable)?;
        }
        Ok(hash)
    }

    /// Keeps what a file holds, from its beginning, without holding it in memory.
    pub async fn put_file(&self, file: std::fs::File) -> Result<Hash> {
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
        if self.store.exists(&path).await.map_err(unavailable)? {
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

/// Two levels, so that no folder grows too large.
fn path_of(hash: &str) -> String {
    format!("{}/{hash}", &hash[..2])
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Unavailable { what: "temporary files", source: error.into() }
}

fn unavailable(error: opendal::Error) -> Error {
    Error::Unavailable { what: "files", source: anyhow::Error::new(error).context("blob store") }
}
