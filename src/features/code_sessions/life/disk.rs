//! How much an editor may write to the engine's disk. The engine bounds single files only, so it is asked from time to time:
//! an editor that has written too much is closed, and one whose files cannot be brought back stands still instead of
//! writing on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{CodeSession, CodeSessions, Status},
    start::texts_of,
};
use crate::{
    error::{Error, Result},
    id::CodeSessionId,
    text,
};

/// The engine walks all files to know.
const ASK_EVERY: TimeDelta = TimeDelta::minutes(1);
const MB: u64 = 1024 * 1024;

/// When the engine was asked last, for each session.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Arc<Mutex<HashMap<CodeSessionId, DateTime<Utc>>>>);

impl Asked {
    /// Whether it is time to ask again, which is taken for done.
    fn is_due(&self, id: &CodeSessionId, now: DateTime<Utc>) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| *at + ASK_EVERY > now);
        !asked.contains_key(id) && asked.insert(id.clone(), now).is_none()
    }
}

impl CodeSessions {
    /// Whether an open editor is found to have written more than it may. It is looked at from time to time only.
    pub(super) async fn has_outgrown(&self, session: &CodeSession, now: DateTime<Utc>) -> bool {
        if self.settings.disk_mb == 0 || !self.jobs.asked.is_due(&session.id, now) {
            return false;
        }
        self.is_over_disk(session).await.unwrap_or_else(|error| {
            tracing::debug!(session = %session.id, "nobody knows how much an editor has written: {error}");
            false
        })
    }

    /// The same, now.
    pub(super) async fn is_over_disk(&self, session: &CodeSession) -> Result<bool> {
        let limit = u64::try_from(self.settings.disk_mb).unwrap_or_default();
        match &session.container_id {
            Some(container) if limit > 0 => Ok(self.containers.written(container).await? > limit.saturating_mul(MB)),
            _ => Ok(false),
        }
    }

    /// Leaves the container of a session whose files could not be brought back as it is, stopped. It is tried again later:
    /// then limits may be others.
    pub(super) async fn stand_still(&self, id: &CodeSessionId) -> Result<()> {
        let session = self.get(id).await?;
        let step = CodeSession { upstream: None, deadline_at: session.retry_at, ..session };
        self.save(step).await?;
        self.doors.close(id);
        Ok(())
    }

    /// Why it stands still, and how to go on.
    pub(super) fn stands_still(&self, error: Error) -> Error {
        if error.is_passing() {
            return error;
        }
        let (limit, reason) = (self.settings.disk_mb, texts_of(&error));
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
