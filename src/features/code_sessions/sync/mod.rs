//! Files between an editor's container and its spider, both ways: content hashes decide what moved.

use super::{CodeSession, CodeSessions};
use crate::{
    error::{Error, Result},
    platform::containers::ContainerId,
};

/// What a synchronisation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Synced {
    /// Files of the spider that were written, and removed.
    pub written: usize,
    pub removed: usize,
    /// Files that went into the container, since they had changed at the spider.
    pub sent: usize,
    /// Where the container's version was kept beside the spider's: (path, path of the container's).
    pub conflicts: Vec<(String, String)>,
}

impl CodeSessions {
    /// Brings the spider's files into the container: one that was made and not started, or one that runs and has none.
    /// Returns how many.
    pub(super) async fn fill(&self, session: &CodeSession, container: &ContainerId) -> Result<usize> {
        let _ = (session, container, &self.spiders, &self.files);
        Err(Error::internal(anyhow::anyhow!("not built")))
    }

    /// Brings the files of the container, whether it runs or not, and those of the spider into agreement: all of it or
    /// nothing of it.
    pub(super) async fn sync_files(&self, session: &CodeSession) -> Result<Synced> {
        let _ = session;
        Err(Error::internal(anyhow::anyhow!("not built")))
    }
}
