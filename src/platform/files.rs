//! Files by content: a blob is named by the SHA-256 of its bytes, written once, never changed.

use std::path::Path;

use futures_util::{Stream, TryStreamExt};
use opendal::{Operator, layers::RetryLayer, services};
use sha2::{Digest, Sha256};

use super::secrets::hex;
use crate::error::{Error, Result};

/// Lower-case hexadecimal SHA-256 of the content.
pub type Hash = String;

#[derive(Debug, Clone)]
pub struct Files {
    store: Operator,
}

impl Files {
    /// Blobs in a folder of this machine.
    pub fn local(root: &Path) -> anyhow::Result<Self> {
        // Written beside and renamed: a reader never sees half a blob, whatever is killed.
        let folder = services::Fs::default()
            .root(&root.join("blobs").to_string_lossy())
            .atomic_write_dir(&root.join("blobs.new").to_string_lossy());
        Ok(Self { store: Operator::new(folder)?.layer(RetryLayer::new().with_max_times(2)) })
    }

    /// Keeps `content`; the same bytes twice are one blob.
    pub async fn put(&self, content: impl Into<bytes::Bytes>) -> Result<Hash> {
        let content = content.into();
        let hash = hash_of(&content);
        let path = path_of(&hash);
        if !self.store.exists(&path).await.map_err(unavailable)? {
            self.store.write(&path, content).await.map_err(unavailable)?;
        }
        Ok(hash)
    }

    /// The whole blob. Only for what is known to be small; see [`Files::stream`].
    pub async fn get(&self, hash: &str) -> Result<bytes::Bytes> {
        Ok(self.store.read(&path_of(hash)).await.map_err(unavailable)?.to_bytes())
    }

    /// The blob in pieces of at most 256 KiB.
    pub async fn stream(&self, hash: &str) -> Result<impl Stream<Item = Result<bytes::Bytes>> + Send + 'static> {
        let reader = self.store.reader_with(&path_of(hash)).chunk(256 * 1024).await.map_err(unavailable)?;
        let bytes = reader.into_bytes_stream(..).await.map_err(unavailable)?;
        Ok(bytes.map_err(|error| Error::Unavailable { what: "files", source: error.into() }))
    }

    /// Whether the store takes and gives back a blob.
    pub async fn check(&self) -> Result<()> {
        self.put("ready?").await.map(drop)
    }
}

pub fn hash_of(content: &[u8]) -> Hash {
    hex(&Sha256::digest(content))
}

/// Two levels, so that no folder grows too large.
fn path_of(hash: &str) -> String {
    format!("{}/{hash}", &hash[..2])
}

fn unavailable(error: opendal::Error) -> Error {
    Error::Unavailable { what: "files", source: anyhow::Error::new(error).context("blob store") }
}
