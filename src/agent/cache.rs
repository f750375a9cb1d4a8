//! Code by its content: fetched once, checked, and kept for the next run, up to a limit.

use std::{
    collections::HashSet,
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::client::{Pauses, Server, Trouble};
use crate::{
    error::Result,
    platform::{disk::Disk, files::Files},
    runner::{Category, End, Job, Stop},
};

/// So often a file is fetched that came damaged.
const TRIES: usize = 3;
const AT_ONCE: usize = 4;

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
        let hashes: HashSet<String> = job.manifest.iter().map(|entry| entry.hash.clone()).collect();
        let fetch = |hash: String| async move { self.fetch_one(server, &job.token, &hash).await };
        let all = stream::iter(hashes).map(Ok).try_for_each_concurrent(AT_ONCE, fetch);
        tokio::select! {
            fetched = all => fetched,
            reason = stop.wait() => Err(reason.into()),
        }
    }

    async fn fetch_one(&self, server: &Server, token: &str, hash: &str) -> Result<(), End> {
        if self.files.size(hash).await.is_ok() {
            return Ok(());
        }
        let failed = |message: String| End::Failed { category: Category::System, message };
        let mut pauses = Pauses::up_to(Duration::from_secs(10));
        let mut damaged = 0;
        while damaged < TRIES {
            match self.download(server, token, hash).await {
                Ok(true) => {
                    self.has_grown.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(false) => damaged += 1,
                Err(trouble) if trouble.is_passing() => {
                    tracing::debug!(%trouble, "a file of a spider is fetched again");
                    pauses.pause().await;
                }
                Err(trouble) => return Err(failed(format!("a file of the spider could not be fetched: {trouble}"))),
            }
        }
        Err(failed("a file of the spider came damaged from the server, again and again".to_owned()))
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
