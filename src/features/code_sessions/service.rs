use std::time::Duration;

use chrono::TimeDelta;

use super::{
    CodeSession, CodeSessions, Status,
    store::{active_in, claim_in, count_in, insert_in, not_found},
    sync::Synced,
    types::{Ending, Synchronised},
};
use crate::{
    error::{Error, Result},
    features::{accounts::Caller, doors::Room},
    id::{CodeSessionId, SpiderId, UserId},
    text,
};

/// How often a caller's wait looks whether the editor is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a failure is told of where somebody asks for the editor.
const TOLD_FOR: TimeDelta = TimeDelta::minutes(10);
/// Beyond what a start may take, so that its own end is heard of.
pub(super) const GRACE: TimeDelta = TimeDelta::seconds(10);

impl CodeSessions {
    /// The caller's editor of the spider: the one that is open, or a new one that is being started.
    pub(super) async fn open(&self, caller: &Caller, spider: &SpiderId) -> Result<CodeSession> {
        self.spiders.get(spider).await?;
        if let Some(session) = self.active(&caller.user_id, spider).await? {
            return if session.is_standing_still() { Err(stands_still(&session)) } else { Ok(session) };
        }
        // Before there is a row: without an engine there will be no editor.
        let engine = self.containers.engine().await?.id;
        let (session, is_new) = self.insert(&caller.user_id, spider, &engine).await?;
        if is_new {
            self.begin(session.clone());
        }
        Ok(session)
    }

    async fn insert(&self, user: &UserId, spider: &SpiderId, engine: &str) -> Result<(CodeSession, bool)> {
        let settings = &self.settings;
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("code sessions").await?;
        if let Some(session) = active_in(&mut transaction, user, spider).await? {
            return Ok((session, false));
        }
        let (own, all) = count_in(&mut transaction, user).await?;
        if own >= settings.per_user || all >= settings.in_all {
            return Err(too_many(own, settings.per_user));
        }
        let pooled = if settings.warm > 0 { claim_in(&mut transaction, engine, &settings.image).await? } else { None };
        let now = self.clock.now();
        let (id, container_id) = match pooled {
            Some(pooled) => (pooled.id, Some(pooled.container_id)),
            None => (CodeSessionId::generate(), None),
        };
        let session = CodeSession {
            id,
            spider_id: spider.clone(),
            user_id: user.clone(),
            status: Status::Pending,
            version: 0,
            engine: Some(engine.to_owned()),
            image: settings.image.clone(),
            container_id,
            upstream: None,
            deadline_at: Some(now + TimeDelta::seconds(settings.start_seconds) + GRACE),
            ready_at: None,
            last_active_at: now,
            expires_at: now + TimeDelta::minutes(settings.max_minutes),
            end_reason: None,
            error_message: None,
            synced_at: None,
            sync_error: None,
            sync_failures: 0,
            retry_at: None,
            revivals: 0,
            warned_at: None,
            created_at: now,
            updated_at: now,
        };
        insert_in(&mut transaction, &session).await?;
        transaction.commit().await?;
        Ok((session, true))
    }

    /// The same, once the editor can be used. One that is being closed is waited for, and another one opened then.
    pub(super) async fn open_for_use(&self, caller: &Caller, spider: &SpiderId) -> Result<CodeSession> {
        let limit = Duration::from_secs(self.settings.start_seconds.unsigned_abs()) + Duration::from_secs(5);
        let until = tokio::time::Instant::now() + limit;
        let mut session = self.open(caller, spider).await?;
        loop {
            if session.status == Status::Ready {
                session = self.seen_to(session).await?;
                if session.status == Status::Ready && session.upstream.is_some() {
                    return Ok(session);
                }
                if !session.status.is_active() {
                    session = self.open(caller, spider).await?;
                }
            }
            if tokio::time::Instant::now() > until {
                // Of one that is being closed there will be no token.
                return if session.status == Status::Syncing { Ok(session) } else { Err(start_failed(&session)) };
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let was_closing = session.status == Status::Syncing;
            session = self.get(&session.id).await?;
            match session.status {
                _ if session.is_standing_still() => return Err(stands_still(&session)),
                Status::Stopped | Status::Failed if was_closing => session = self.open(caller, spider).await?,
                Status::Stopped | Status::Failed => {
                    // Without an engine it is no wonder.
                    self.containers.ping().await?;
                    return Err(start_failed(&session));
                }
                _ => {}
            }
        }
    }

    /// An open session whose container runs; where it did not, something was done about it.
    async fn seen_to(&self, session: CodeSession) -> Result<CodeSession> {
        if self.is_where_it_was(&session).await? {
            return Ok(session);
        }
        let id = session.id.clone();
        self.job(&session.id, |sessions| async move {
            let session = sessions.get(&id).await?;
            if session.status == Status::Ready {
                Box::pin(sessions.alive(session)).await?;
            }
            sessions.get(&id).await
        })
        .await
    }

    /// A token that opens the session's editor once.
    pub(super) async fn token(&self, session: &CodeSession) -> Result<String> {
        let token = self.doors.issue_token(&Room::Editor(session.id.clone())).await?;
        token.ok_or_else(|| {
            Error::conflict("session_closing", text!("编辑会话正在关闭", "the code session is being closed"))
        })
    }

    /// Whoever is connected with the session's editor goes, or looks anew where it is.
    pub(super) fn shut(&self, id: &CodeSessionId) {
        self.doors.close(&Room::Editor(id.clone()));
    }

    /// The caller's editor of the spider; 404 where none is open, with what became of one that was just asked for.
    pub(super) async fn own(&self, caller: &Caller, spider: &SpiderId) -> Result<CodeSession> {
        if let Some(session) = self.active(&caller.user_id, spider).await? {
            return Ok(session);
        }
        match self.failed_since(&caller.user_id, spider, self.clock.now() - TOLD_FOR).await? {
            Some(failed) => Err(none_since(&failed)),
            None => Err(not_found()),
        }
    }

    pub(super) async fn synchronise(&self, caller: &Caller, spider: &SpiderId) -> Result<Synchronised> {
        let session = self.ready(caller, spider).await?;
        self.touch(&session.id, self.clock.now()).await?;
        let id = session.id.clone();
        let done = self.job(&session.id, |sessions| async move {
            let session = sessions.get(&id).await?;
            if session.status != Status::Ready {
                return Err(not_ready());
            }
            match Box::pin(sessions.alive(session)).await? {
                Some(session) => sessions.sync_noted(&session).await,
                None => Err(not_ready()),
            }
        });
        Ok(done.await?.into())
    }

    /// `is_active`: whether somebody works in it, and has not only a page open.
    pub(super) async fn heartbeat(&self, caller: &Caller, spider: &SpiderId, is_active: bool) -> Result<CodeSession> {
        let session = self.ready(caller, spider).await?;
        if is_active {
            self.touch(&session.id, self.clock.now()).await?;
        }
        self.get(&session.id).await
    }

    /// Brings the files back and removes the editor. Where they cannot be brought back it is kept, unless `force`.
    pub(super) async fn close_own(&self, caller: &Caller, spider: &SpiderId, force: bool) -> Result<Synchronised> {
        let session = self.own(caller, spider).await?;
        self.close_by_hand(&session.id, force).await
    }

    pub(super) async fn close_by_hand(&self, id: &CodeSessionId, force: bool) -> Result<Synchronised> {
        let wanted = id.clone();
        let closing = self.job(id, move |sessions| async move { sessions.close(&wanted, Ending::Closed, force).await });
        Ok(closing.await?.into())
    }

    async fn ready(&self, caller: &Caller, spider: &SpiderId) -> Result<CodeSession> {
        let session = self.own(caller, spider).await?;
        if session.status == Status::Ready { Ok(session) } else { Err(not_ready()) }
    }

    /// Brings both sides into agreement, and remembers how that went. A failure is told once.
    pub(super) async fn sync_noted(&self, session: &CodeSession) -> Result<Synced> {
        let result = self.sync_files(session).await;
        match &result {
            Ok(synced) => self.note_success(session, synced).await?,
            Err(error) => self.note_failure(session, error).await?,
        }
        result
    }
}

pub(super) fn not_ready() -> Error {
    Error::bad_request("session_not_ready", text!("会话未就绪", "the session is not ready"))
}

fn too_many(own: i64, limit: i64) -> Error {
    let text = if own >= limit {
        text!(
            "同时打开的编辑器最多 {limit} 个，请先关闭一个",
            "you have {limit} editors open, which is the most; close one"
        )
    } else {
        text!("当前打开的编辑器过多，请稍后重试", "too many editors are open; try again later")
    };
    Error::too_many("too_many_sessions", text)
}

fn stands_still(session: &CodeSession) -> Error {
    let reason = session.sync_error.as_deref().unwrap_or_default();
    Error::conflict("session_closing", text!("编辑器已停止: {reason}", "the editor stands still: {reason}"))
}

fn none_since(failed: &CodeSession) -> Error {
    let reason = failed.error_message.as_deref().unwrap_or_default();
    Error::not_found(
        "no_code_session",
        text!(
            "没有活跃的编辑会话；上一个已失败: {reason}",
            "there is no open code session; the last one has failed: {reason}"
        ),
    )
}

fn start_failed(session: &CodeSession) -> Error {
    let reason = match (session.status, session.error_message.as_deref()) {
        (Status::Failed, Some(reason)) => reason,
        (Status::Stopped, _) => "会话已关闭 / it was closed",
        _ => "启动超时 / it was not started in time",
    };
    Error::failed("editor_failed", text!("启动编辑器失败: {reason}", "the editor could not be started: {reason}"))
}
