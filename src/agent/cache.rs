//! Code by its content: fetched once, checked, and kept for the next run, up to a limit.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::client::{Pauses, Server, Trouble};
use crate::{
    error::Result,
    platform::{
        disk::Disk,
        files::{BLOB_MISSING, Files},
    },
    runner::{Category, End, Job, ManifestEntry, Stop},
};

/// So often a file is fetched that came damaged.
const TRIES: usize = 3;
const AT_ONCE: usize = 4;
/// For so long a server is asked that cannot give a file: as long as the server's own attempts wait for theirs.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(super) struct Cache {
    files: Files,
    most_bytes: u64,
    /// Something came since it was last made smaller.
    has_grown: AtomicBool,
}

impl Cache {
    pub(super) fn open(folder: &Path, disk: Disk, most_bytes: u64) -> anyhow::Result<Self> {
        Ok(Self { files: Files::local(folder, disk)?, most_bytes, has_grown: AtomicBool::new(true) })
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Something else was put into it.
    pub(super) fn has_grown(&self) {
        self.has_grown.store(true, Ordering::Relaxed);
    }

    /// Has every file of the job.
    pub(super) async fn fetch(&self, server: &Server, job: &Job, stop: &Stop) -> Result<(), End> {
        let files: HashMap<&str, &ManifestEntry> =
            job.manifest.iter().map(|entry| (entry.hash.as_str(), entry)).collect();
        let fetch = |entry| self.fetch_one(server, &job.token, entry);
        let all = stream::iter(files.into_values()).map(Ok).try_for_each_concurrent(AT_ONCE, fetch);
        tokio::select! {
            fetched = all => fetched,
            reason = stop.wait() => Err(reason.into()),
        }
    }

    async fn fetch_one(&self, server: &Server, token: &str, entry: &ManifestEntry) -> Result<(), End> {
        if self.files.size(&entry.hash).await.is_ok() {
            return Ok(());
        }
        let name = &entry.path;
        let failed = |said: String| Err(End::failed(Category::System, format!("the file {name} {said}")));
        let mut pauses = Pauses::up_to(Duration::from_secs(10));
        let mut damaged = 0;
        while damaged < TRIES {
            match self.download(server, token, &entry.hash).await {
                Ok(true) => {
                    self.has_grown.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(false) => damaged += 1,
                Err(trouble) if trouble.is_passing() && pauses.last() < PATIENCE => {
                    tracing::warn!(path = name, %trouble, "a file of a spider is fetched again");
                    pauses.pause().await;
                }
                Err(Trouble::Refused { code, .. }) if code == BLOB_MISSING => {
                    return failed("could not be read from the store".to_owned());
                }
                Err(trouble) => return failed(format!("could not be fetched: {trouble}")),
            }
        }
        failed("came damaged from the server, again and again".to_owned())
    }

    /// Whether it came whole.
    async fn download(&self, server: &Server, token: &str, hash: &str) -> Result<bool, Trouble> {
        let unwritable = |error: std::io::Error| Trouble::Refused {
            code: "disk".to_owned(),
            said: format!("the node's disk cannot be written: {error}"),
        };
        let mut answer = server.blob(token, hash).await?;
        let mut file = tempfile::tempfile().map_err(unwritable)?;
        while let Some(piece) = answer.chunk().await.map_err(|_| Trouble::Away("the call broke off".to_owned()))? {
            file.write_all(&piece).map_err(unwritable)?;
        }
        std::io::Seek::rewind(&mut file).map_err(unwritable)?;
        let kept = self.files.put_file(file).await;
        let kept = kept.map_err(|error| unwritable(std::io::Error::other(error.to_string())))?;
        Ok(kept == hash)
    }

    /// Removes what was fetched first, but for what is in use, until it fits.
    pub(super) async fn shrink(&self, in_use: &HashSet<String>) -> Result<()> {
        if self.has_grown.swap(false, Ordering::Relaxed) {
            self.files.shrink(self.most_bytes, |hash| in_use.contains(hash)).await?;
        }
        Ok(())
    }
}
