//! How much a workspace holds. The engine bounds single files only, so all of them are counted from time to time: what has
//! outgrown its bound may begin nothing, and what runs in it is ended.

use std::time::Duration;

use super::{Workspaces, place::FOLDER, types::Workspace};
use crate::{
    error::{Error, Result},
    id::WorkspaceId,
    platform::containers::{ContainerId, Exec, Finished},
    text,
};

/// For all files to be looked at.
const PATIENCE: Duration = Duration::from_mins(1);
/// First, while something runs.
const SOON: Duration = Duration::from_secs(1);
const MB: i64 = 1024 * 1024;
const LONGEST_ANSWER: usize = 64 * 1024;

/// What is in folders that their owner has closed counts as well.
const MEASURE: &str = r"find . -xdev -type d ! -perm -700 -exec chmod u+rwx {} \; 2>/dev/null
du -s -x -k . && du -s -x --inodes .";

impl Workspaces {
    fn disk_bytes(&self) -> i64 {
        self.settings.disk_mb.saturating_mul(MB)
    }

    /// An error where the workspace holds so much that nothing may be begun in it.
    pub(super) fn has_room(&self, workspace: &Workspace) -> Result<()> {
        if workspace.bytes <= self.disk_bytes() { Ok(()) } else { Err(self.full()) }
    }

    /// How many bytes more it may hold, as far as is known.
    pub(super) fn room(&self, workspace: &Workspace) -> u64 {
        u64::try_from(self.disk_bytes() - workspace.bytes).unwrap_or_default()
    }

    pub(super) fn full(&self) -> Error {
        let limit = self.settings.disk_mb;
        Error::no_room(
            "workspace_full",
            text!(
                "工作区的文件超过 {limit} MB，请先删除一些文件",
                "the workspace holds more than {limit} MB; delete some of its files first"
            ),
        )
    }

    /// Counts what the workspace of a container that runs holds. Whether that is no more than it may.
    pub(super) async fn measure(&self, workspace: &WorkspaceId, container: &ContainerId) -> Result<bool> {
        let exec = Exec { working_dir: Some(FOLDER.to_owned()), ..Exec::new(["sh", "-c", MEASURE]) };
        let counted = self.containers.run(container, exec, LONGEST_ANSWER);
        let counted = tokio::time::timeout(PATIENCE, counted).await.map_err(|_| unknown("it takes too long"))??;
        let (bytes, files) = figures(&counted).ok_or_else(|| unknown(&String::from_utf8_lossy(&counted.stderr)))?;
        self.note_size(workspace, bytes, files).await?;
        Ok(bytes <= self.disk_bytes())
    }

    /// The same in the background, where nobody waits for it.
    pub(super) fn measure_soon(&self, workspace: &WorkspaceId, container: &ContainerId) {
        let (workspaces, workspace, container) = (self.clone(), workspace.clone(), container.clone());
        // Once is enough of what is asked for many times at once.
        self.jobs.begin(&format!("{workspace}:size"), async move {
            workspaces.measure(&workspace, &container).await.map(drop)
        });
    }

    /// Ends once the workspace is found to hold too much, which is looked for soon, and again after each `pause`.
    pub(super) async fn outgrown(&self, workspace: &WorkspaceId, container: &ContainerId, pause: Duration) {
        let mut next = SOON;
        loop {
            tokio::time::sleep(next).await;
            next = pause;
            match self.measure(workspace, container).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(%workspace, "nobody knows how much a workspace holds: {error}"),
            }
        }
    }
}

fn figures(counted: &Finished) -> Option<(i64, i64)> {
    let text = std::str::from_utf8(&counted.stdout).ok()?;
    let mut numbers = text.lines().map(|line| line.split('\t').next()?.parse::<i64>().ok());
    let (blocks, files) = (numbers.next()??, numbers.next()??);
    Some((blocks.saturating_mul(1024), files))
}

fn unknown(why: &str) -> Error {
    Error::Unavailable { what: "workspace", source: anyhow::anyhow!("its files cannot be counted: {why}") }
}
