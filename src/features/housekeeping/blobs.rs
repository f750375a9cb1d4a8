//! Loop: blobs that nothing refers to → gone. Whoever deletes a row leaves its blobs to this.

use std::{collections::HashSet, sync::PoisonError};

use anyhow::bail;
use sqlx::FromRow;

use super::{Blobs, Counted, Housekeeping, Removed};
use crate::{
    error::{Error, Result},
    platform::files::Hash,
    runner::ManifestEntry,
};

/// A SHA-256: with a million of them in memory, some 40 MB.
type Digest = [u8; 32];

#[derive(FromRow)]
struct Reference {
    hash: Hash,
    /// The blob names others.
    is_manifest: bool,
}

impl Housekeeping {
    pub async fn sweep_once(&self) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        let mut removed = Removed::default();
        tokio::select! {
            // Each blob for itself: cut off, the next sweep goes on.
            () = self.stop.cancelled() => return Ok(()),
            swept = self.sweep(&mut removed) => swept?,
        }
        let Removed { blobs, blob_bytes, .. } = removed;
        if blobs > 0 {
            tracing::info!(blobs, blob_bytes, "{blobs} files that nothing refers to are removed");
        }
        match self.counted().blocked_by {
            Some(manifest) => bail!("no file is removed: the list of files {manifest} cannot be read"),
            None => Ok(()),
        }
    }

    pub(super) async fn sweep(&self, removed: &mut Removed) -> Result<()> {
        let (wanted, blocked_by) = match self.wanted().await? {
            Ok(wanted) => (Some(wanted), None),
            Err(manifest) => (None, Some(manifest)),
        };
        let (counted_at, may_remove) = (self.clock.now(), wanted.is_some());
        let swept = self
            .files
            .sweep(|hash| match &wanted {
                Some(wanted) => digest(hash).is_none_or(|digest| wanted.contains(&digest)),
                None => true,
            })
            .await?;
        if may_remove {
            removed.blobs = swept.removed;
            removed.blob_bytes = swept.removed_bytes;
        }
        let blobs = Blobs { count: swept.kept, bytes: swept.kept_bytes, counted_at };
        let counted = Counted { blobs: Some(blobs), blocked_by };
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = counted;
        Ok(())
    }

    /// What rows and manifests refer to; or the manifest that cannot be read: what it names is not known then, and
    /// nothing may be removed.
    async fn wanted(&self) -> Result<Result<HashSet<Digest>, Hash>> {
        let (mut wanted, mut manifests) = (HashSet::new(), Vec::new());
        self.references(|Reference { hash, is_manifest }| {
            wanted.extend(digest(&hash));
            if is_manifest {
                manifests.push(hash);
            }
        })
        .await?;
        for manifest in manifests {
            match self.entries(&manifest).await {
                Ok(entries) => wanted.extend(entries.iter().filter_map(|entry| digest(&entry.hash))),
                Err(error) => {
                    tracing::error!(manifest, %error, "the list of files {manifest} cannot be read");
                    return Ok(Err(manifest));
                }
            }
        }
        Ok(Ok(wanted))
    }

    async fn entries(&self, manifest: &str) -> Result<Vec<ManifestEntry>> {
        serde_json::from_slice(&self.files.get(manifest).await?).map_err(Error::internal)
    }

    /// One statement, and so one moment: a reference that moves from one table to another is not missed.
    async fn references(&self, each: impl FnMut(Reference)) -> Result<()> {
        self.db
            .query(
                "SELECT hash, FALSE AS is_manifest FROM spider_files
                  UNION SELECT hash, FALSE FROM task_files
                  UNION SELECT git_listing, FALSE FROM projects WHERE git_listing IS NOT NULL
                  UNION SELECT code_hash, TRUE FROM spiders WHERE code_hash IS NOT NULL
                  UNION SELECT code_hash, TRUE FROM deployments
                  UNION SELECT code_hash, TRUE FROM tasks",
            )
            .for_each(each)
            .await
    }
}

/// None where it is none: no blob has such a name.
fn digest(hash: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if hash.len() != 2 * digest.len() || !hash.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}
