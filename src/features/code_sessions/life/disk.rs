//! How much an editor may write to the engine's disk. The engine bounds single files only, so it is asked from time to time:
//! an editor that has written too much is closed, and one whose files cannot be brought back stands still instead of
//! writing on.

use chrono::{DateTime, Utc};

use super::{
    super::{CodeSession, CodeSessions, Status},
    close::STOP_GRACE,
};
use crate::{
    error::{Error, Result},
    id::CodeSessionId,
    text,
};

impl CodeSessions {
    /// Whether an open editor is found to have written more than it may. It is looked at from time to time only.
    pub(super) async fn has_outgrown(&self, session: &CodeSession, now: DateTime<Utc>) -> bool {
        match &session.container_id {
            Some(container) => self.disk.has_outgrown(&self.containers, container, self.settings.disk_mb, now).await,
            None => false,
        }
    }

    /// The same, now.
    pub(super) async fn is_over_disk(&self, session: &CodeSession) -> Result<bool> {
        match &session.container_id {
            Some(container) => Ok(self.containers.has_written_more(container, self.settings.disk_mb).await?),
            None => Ok(false),
        }
    }

    /// Leaves the container of a session whose files could not be brought back as it is, stopped. It is tried again later:
    /// then limits may be others.
    pub(super) async fn stand_still(&self, id: &CodeSessionId) -> Result<()> {
        let session = self.get(id).await?;
        let step = CodeSession { upstream: None, deadline_at: session.retry_at, ..session };
        let container = step.container_id.clone();
        self.save(step).await?;
        self.shut(id);
        if let Some(container) = container {
            // One that starts only once runs while its files are brought back.
            self.containers.stop(&container, STOP_GRACE).await?;
        }
        Ok(())
    }

    /// Why it stands still, and how to go on.
    pub(super) fn stands_still(&self, error: Error) -> Error {
        if error.is_passing() {
            return error;
        }
        let (limit, reason) = (self.settings.disk_mb, error.for_people());
        let (zh, en) = (reason.zh, reason.en);
        Error::conflict(
            "sync_failed",
            text!(
                "编辑器写入磁盘超过 {limit} MB，且文件无法同步，已停止并保留；请调高 code_sessions.disk_mb，或用 ?force=true 关闭（放弃未保存的修改）: {zh}",
                "the editor has written more than {limit} MB, and its files cannot be brought back: it is kept, and stands still; raise code_sessions.disk_mb, or close it with ?force=true, which gives up what is not saved: {en}"
            ),
        )
    }
}

impl CodeSession {
    /// Whether it is kept, and does not run: its files could not be brought back, and it may not write on.
    pub(in super::super) fn is_standing_still(&self) -> bool {
        self.status == Status::Syncing && self.upstream.is_none() && self.sync_error.is_some()
    }
}
