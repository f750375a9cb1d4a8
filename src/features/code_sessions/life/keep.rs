//! What an open editor needs from time to time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{
        CodeSession, CodeSessions, Status,
        types::{End, Ending},
    },
    start::PORT,
};
use crate::{
    error::{Error, Result},
    features::events::Trouble,
    id::CodeSessionId,
    platform::containers::State,
};

/// How often a container that ends by itself is started again.
const MOST_REVIVALS: i64 = 3;
const REVIVAL: Duration = Duration::from_secs(30);
const UNFREEZE: Duration = Duration::from_secs(10);

impl CodeSessions {
    /// Looks at an open session, in its turn: whether it may go on, whether its container runs, whether it is time to save.
    pub(super) async fn keep(&self, id: &CodeSessionId) -> Result<()> {
        let session = self.get(id).await?;
        if session.status != Status::Ready {
            return Ok(());
        }
        let now = self.clock.now();
        let may_retry = session.retry_at.is_none_or(|at| at <= now);
        if self.has_outgrown(&session, now).await {
            // Whenever its files are to be tried again: it must not write on until then.
            return self.close(id, Ending::DiskFull, false).await.map(drop);
        }
        if let Some(ending) = self.ending_of(&session, now).await? {
            return if may_retry { self.close(id, ending, false).await.map(drop) } else { Ok(()) };
        }
        let Some(session) = Box::pin(self.alive(session)).await? else { return Ok(()) };
        if may_retry && self.checkpoint_at(&session) <= now {
            let synced = self.leased(&session, self.sync_noted(&session)).await?;
            if synced.has_news() {
                self.touch(id, now).await?;
            }
        }
        let session = self.get(id).await?;
        let end = End::of(&session, &self.settings);
        if end.warns_at(&self.settings) <= now && session.warned_at.is_none() && self.note_warned(id).await? {
            self.tell(&session, Trouble::Closing { at: end.at, is_idle: end.is_idle }).await?;
        }
        Ok(())
    }

    /// When its files are brought back the next time while it is open.
    pub(super) fn checkpoint_at(&self, session: &CodeSession) -> DateTime<Utc> {
        let last = session.synced_at.or(session.ready_at).unwrap_or(session.created_at);
        let next = last + TimeDelta::seconds(self.settings.checkpoint_seconds);
        session.retry_at.map_or(next, |retry| retry.max(next))
    }

    async fn ending_of(&self, session: &CodeSession, now: DateTime<Utc>) -> Result<Option<Ending>> {
        if self.accounts.editor(&session.user_id).await?.is_none() {
            return Ok(Some(Ending::UserGone));
        }
        match self.spiders.get(&session.spider_id).await {
            Ok(_) => {}
            Err(Error::NotFound(_)) => return Ok(Some(Ending::SpiderGone)),
            Err(error) => return Err(error),
        }
        let end = End::of(session, &self.settings);
        if end.at > now {
            return Ok(None);
        }
        Ok(Some(if end.is_idle { Ending::Idle } else { Ending::Expired }))
    }

    /// Whether its container runs where it is looked for.
    pub(in super::super) async fn is_where_it_was(&self, session: &CodeSession) -> Result<bool> {
        let Some(container) = &session.container_id else { return Ok(false) };
        let found = self.containers.inspect(container).await?;
        Ok(session.upstream.is_some()
            && found.is_some_and(|found| found.state.is_running() && found.reached_at(PORT) == session.upstream))
    }

    /// The session with a container that runs, at the address that it has now. None where that is not so, and something
    /// was done about it.
    pub(in super::super) async fn alive(&self, session: CodeSession) -> Result<Option<CodeSession>> {
        let Some(container) = session.container_id.clone() else {
            self.lost(session).await?;
            return Ok(None);
        };
        let Some(found) = self.containers.inspect(&container).await? else {
            self.has_its_engine(&session).await?;
            self.lost(session).await?;
            return Ok(None);
        };
        let is_frozen = found.state == State::Paused;
        if found.state.is_running() {
            let upstream = found.reached_at(PORT);
            if upstream.is_some() && upstream == session.upstream {
                return Ok(Some(session));
            }
        } else if session.revivals >= MOST_REVIVALS || self.containers.starts_once() {
            let reason = match found.state {
                State::Exited { out_of_memory: true, .. } => "内存不足 / out of memory",
                _ if self.containers.starts_once() => "容器已退出 / its container has ended",
                _ => "容器反复退出 / its container ends again and again",
            };
            let step = CodeSession { error_message: Some(reason.to_owned()), ..session };
            let Some(session) = self.save(step).await? else { return Ok(None) };
            self.close(&session.id, Ending::Crashed, false).await?;
            return Ok(None);
        }
        // It was started again, here or by whoever runs the machine: its files are those it had.
        let revivals = session.revivals + i64::from(!found.state.is_running());
        let Some(session) = self.save(CodeSession { upstream: None, revivals, ..session }).await? else {
            return Ok(None);
        };
        self.shut(&session.id);
        let up = async {
            if is_frozen {
                self.containers.stop(&container, UNFREEZE).await?;
            }
            self.containers.start(&container).await?;
            self.answering(&session.id, &container).await
        };
        match self.leased(&session, tokio::time::timeout(REVIVAL, up)).await {
            Ok(Ok(upstream)) => {
                let revived = self.save(CodeSession { upstream: Some(upstream), ..session.clone() }).await?;
                self.shut(&session.id);
                tracing::info!(session = %session.id, "an editor runs again after its container had ended");
                Ok(revived)
            }
            Ok(Err(error)) if error.is_passing() => Err(error),
            // Tried again the next time, until it is enough.
            Ok(Err(error)) => {
                tracing::warn!(session = %session.id, "an editor does not come up again: {error}");
                self.changed.notify_one();
                Ok(None)
            }
            Err(_) => {
                self.changed.notify_one();
                Ok(None)
            }
        }
    }
}
