//! From an editor that is open to a spider that has its files. The container goes last.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{
        CodeSession, CodeSessions, Status,
        sync::{NAME, Synced, is_refused, wants_it_to_run},
        types::Ending,
    },
    LEASE,
};
use crate::{
    error::{Error, Result},
    features::events::Trouble,
    id::CodeSessionId,
    platform::containers::{ContainerId, State},
    text,
};

/// What an editor gets to end.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);
/// For one that is started again, as its files could not be brought back.
const COMEBACK: Duration = Duration::from_secs(30);
const FIRST_RETRY: TimeDelta = TimeDelta::seconds(30);
const LAST_RETRY: TimeDelta = TimeDelta::minutes(10);
/// Paths that an alert names.
const MOST_NAMED: usize = 10;

impl CodeSessions {
    /// Ends the session: its files first, then the container. To be called in the session's turn. Where the files cannot
    /// be brought back it is as open as before, unless `force`.
    pub(in super::super) async fn close(&self, id: &CodeSessionId, ending: Ending, force: bool) -> Result<Synced> {
        let session = self.get(id).await?;
        match session.status {
            Status::Stopped | Status::Failed => return Ok(Synced::default()),
            Status::Pending | Status::Starting => {
                // Nobody has worked in it.
                self.end(session, ending).await?;
                return Ok(Synced::default());
            }
            Status::Ready | Status::Syncing if force => {}
            Status::Ready | Status::Syncing => self.has_its_engine(&session).await?,
        }
        let step = CodeSession {
            status: Status::Syncing,
            deadline_at: Some(self.clock.now() + LEASE),
            end_reason: Some(ending.to_string()),
            ..session
        };
        let Some(session) = self.save(step).await? else { return Err(busy()) };
        self.shut(id);
        let saved = self.leased(&session, self.bring_back(&session)).await;
        // What was written while it was worked on.
        let session = self.get(id).await?;
        match saved {
            Ok(Saved::Files { synced, unread_since }) => {
                self.note_left_out(&session, &synced).await?;
                self.write_end(session.clone(), ending).await?;
                if let Some(since) = unread_since {
                    self.tell(&session, Trouble::Lost { since }).await?;
                }
                match ending {
                    Ending::DiskFull => {
                        self.tell(&session, Trouble::DiskFull { limit_mb: self.settings.disk_mb }).await?;
                    }
                    Ending::Crashed => {
                        let reason = session.error_message.clone().unwrap_or_default();
                        self.tell(&session, Trouble::Crashed { reason }).await?;
                    }
                    _ => {}
                }
                self.remove_containers(id).await?;
                Ok(synced)
            }
            Ok(Saved::Gone) => {
                self.lost(session).await?;
                Ok(Synced::default())
            }
            Err(error) if force || is_of_no_spider(&error) => {
                tracing::warn!(session = %id, "an editor is removed with what is not saved: {error}");
                self.end(session, ending).await?;
                Ok(Synced::default())
            }
            // One that starts only once goes on where its files may come home later: once it has ended, less of them can.
            Err(error)
                if !(self.containers.starts_once() && error.is_passing())
                    && self.is_over_disk(&session).await.unwrap_or(ending == Ending::DiskFull) =>
            {
                let error = self.stands_still(error);
                self.note_failure(&session, &error).await?;
                self.stand_still(id).await?;
                Err(error)
            }
            Err(error) => {
                self.note_failure(&session, &error).await?;
                self.leased(&session, self.come_back(&session)).await?;
                Err(kept(error))
            }
        }
    }

    /// The same, of a session whose server was gone or that could not be ended before.
    pub(super) async fn close_again(&self, id: &CodeSessionId) -> Result<()> {
        let session = self.get(id).await?;
        let ending = session.end_reason.as_deref().and_then(|reason| reason.parse().ok()).unwrap_or(Ending::Closed);
        self.close(id, ending, false).await.map(drop)
    }

    /// What another engine has, this one knows nothing of.
    pub(super) async fn has_its_engine(&self, session: &CodeSession) -> Result<()> {
        let engine = self.containers.engine().await?.id;
        if session.engine.as_ref().is_none_or(|own| *own == engine) {
            return Ok(());
        }
        Err(Error::Unavailable { what: "Docker", source: anyhow::anyhow!("the editor is on another engine") })
    }

    /// Its files, read once nothing runs any more that could write on; what was found is noted.
    async fn bring_back(&self, session: &CodeSession) -> Result<Saved> {
        self.has_its_engine(session).await?;
        let Some(container) = &session.container_id else { return Ok(Saved::Gone) };
        let Some(found) = self.containers.inspect(container).await? else { return Ok(Saved::Gone) };
        if self.containers.starts_once() && found.state.is_running() {
            return self.bring_back_once(session, container).await;
        }
        if found.state != State::Created {
            self.containers.stop(container, STOP_GRACE).await?;
        }
        let synced = match self.sync_files(session).await {
            // Of a container that stands still all is read, and what is left out may be too much of it.
            Err(error) if wants_it_to_run(&error) && !self.containers.starts_once() => {
                self.containers.start(container).await?;
                let again = self.sync_files(session).await;
                self.containers.stop(container, STOP_GRACE).await?;
                again?
            }
            other => other?,
        };
        self.note_success(session, &synced).await?;
        Ok(Saved::Files { synced, unread_since: None })
    }

    /// The same of one that cannot be started again: first while it runs, so that it goes on where its files are refused,
    /// then what was written until its end.
    async fn bring_back_once(&self, session: &CodeSession, container: &ContainerId) -> Result<Saved> {
        let (since, first) = (self.clock.now(), self.sync_files(session).await?);
        // It is known, whatever becomes of the rest.
        self.note_success(session, &first).await?;
        self.containers.stop(container, STOP_GRACE).await?;
        match self.sync_files(session).await {
            Ok(last) => {
                self.note_success(session, &last).await?;
                Ok(Saved::Files { synced: first.and(last), unread_since: None })
            }
            // Whoever worked in it was shut out before: only programs can have written in these seconds. To keep it for them
            // would be to keep it for ever.
            Err(error) if is_refused(&error) => {
                tracing::warn!(session = %session.id, "what an editor's programs wrote at its end is lost: {error}");
                Ok(Saved::Files { synced: first, unread_since: Some(since) })
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down that it is over, then removes the container: what is left by a server that dies in between belongs to
    /// nobody.
    async fn end(&self, session: CodeSession, ending: Ending) -> Result<()> {
        let id = session.id.clone();
        self.write_end(session, ending).await?;
        self.remove_containers(&id).await
    }

    async fn write_end(&self, session: CodeSession, ending: Ending) -> Result<()> {
        let id = session.id.clone();
        let (status, error_message) = match ending {
            Ending::Crashed => (Status::Failed, session.error_message.clone()),
            _ => (Status::Stopped, None),
        };
        let step = CodeSession {
            status,
            error_message,
            end_reason: Some(ending.to_string()),
            deadline_at: None,
            upstream: None,
            ..session
        };
        if self.save(step).await?.is_none() {
            return Err(busy());
        }
        self.shut(&id);
        self.memory.forget(&id);
        Ok(())
    }

    /// The container is gone, and the engine says so.
    pub(super) async fn lost(&self, session: CodeSession) -> Result<()> {
        let since = session.synced_at.or(session.ready_at).unwrap_or(session.created_at);
        let at = since.format("%F %T UTC");
        let message =
            format!("容器已不存在，{at} 之后的修改可能已丢失 / its container is gone; changes since {at} may be lost");
        let id = session.id.clone();
        let step = CodeSession {
            status: Status::Failed,
            error_message: Some(message),
            deadline_at: None,
            upstream: None,
            ..session.clone()
        };
        if self.save(step).await?.is_some() {
            self.tell(&session, Trouble::Lost { since }).await?;
        }
        self.shut(&id);
        self.memory.forget(&id);
        Ok(())
    }

    /// Makes a session usable again whose files could not be brought back. Where its container does not come up either, it
    /// stays as it is, and is tried again later.
    async fn come_back(&self, session: &CodeSession) -> Result<()> {
        let Some(container) = &session.container_id else { return Ok(()) };
        let up = async {
            self.containers.start(container).await?;
            self.answering(&session.id, container).await
        };
        let session = self.get(&session.id).await?;
        let step = if let Ok(Ok(upstream)) = tokio::time::timeout(COMEBACK, up).await {
            CodeSession {
                status: Status::Ready,
                upstream: Some(upstream),
                deadline_at: None,
                end_reason: None,
                ..session.clone()
            }
        } else {
            let found = self.containers.inspect(container).await;
            let has_ended = matches!(found, Ok(Some(found)) if !found.state.is_running());
            // Nobody is to wait for one that will not come up later either.
            let upstream = session.upstream.clone().filter(|_| !(has_ended && self.containers.starts_once()));
            CodeSession { deadline_at: session.retry_at, upstream, ..session.clone() }
        };
        self.save(step).await?;
        self.shut(&session.id);
        Ok(())
    }

    /// Remembers that both sides agree, and tells of conflicts.
    pub(in super::super) async fn note_success(&self, session: &CodeSession, synced: &Synced) -> Result<()> {
        self.note_synced(&session.id).await?;
        if synced.conflicts.is_empty() {
            return Ok(());
        }
        let more = synced.conflicts.len().saturating_sub(MOST_NAMED);
        let paths = synced.conflicts.iter().take(MOST_NAMED).map(|(_, kept)| kept.clone()).collect();
        self.tell(session, Trouble::Conflicts { paths, more }).await
    }

    /// Tells of files that go with the container, since no spider can have one of that name.
    async fn note_left_out(&self, session: &CodeSession, synced: &Synced) -> Result<()> {
        let odd = synced.skipped.iter().filter(|skipped| skipped.reason == NAME);
        let paths: Vec<String> = odd.map(|skipped| skipped.path.clone()).take(MOST_NAMED).collect();
        if paths.is_empty() { Ok(()) } else { self.tell(session, Trouble::LeftOut { paths }).await }
    }

    /// Remembers why they do not, and tells it once.
    pub(in super::super) async fn note_failure(&self, session: &CodeSession, error: &Error) -> Result<()> {
        let failures = u32::try_from(session.sync_failures).unwrap_or_default().min(10);
        let pause = (FIRST_RETRY * 2_i32.pow(failures)).min(LAST_RETRY);
        let reason = error.for_people().in_both();
        let is_new = self.note_failed_sync(session, &reason, self.clock.now() + pause).await?;
        // What passes by itself is nobody's business, until it does not pass.
        if is_new && (!error.is_passing() || failures > 3) {
            self.tell(session, Trouble::SyncFailed { reason }).await?;
        }
        Ok(())
    }
}

/// What became of an editor's files.
enum Saved {
    Files {
        synced: Synced,
        /// What was written from then on could not be read.
        unread_since: Option<DateTime<Utc>>,
    },
    /// There is no container any more.
    Gone,
}

fn is_of_no_spider(error: &Error) -> bool {
    matches!(error, Error::NotFound(problem) if problem.code == "spider_not_found")
}

fn busy() -> Error {
    Error::conflict("session_busy", text!("会话正在变化，请稍后重试", "the session is changing; try again"))
}

/// The caller hears why, and that nothing is lost.
fn kept(error: Error) -> Error {
    if error.is_passing() {
        return error;
    }
    let reason = error.for_people().in_both();
    Error::conflict(
        "sync_failed",
        text!(
            "文件同步失败，编辑器已保留（?force=true 可放弃未保存的修改）: {reason}",
            "the files cannot be brought back, and the editor is kept (?force=true gives up what is not saved): {reason}"
        ),
    )
}
