use chrono::{DateTime, TimeDelta, Utc};

use super::{CodeSession, CodeSessions, Status};
use crate::{
    error::{Error, Result},
    features::events::{EditorTrouble, Event, Trouble},
    id::{CodeSessionId, SpiderId, UserId},
    platform::{containers::ContainerId, database::Transaction, http::Paging},
    text,
};

/// Those that are not over. The index of the same words makes them unique by user and spider.
macro_rules! active {
    ($before:literal, $after:literal) => {
        concat!($before, " status IN ('pending', 'starting', 'ready', 'syncing') ", $after)
    };
}

/// An editor of the warm pool.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Pooled {
    pub id: CodeSessionId,
    pub container_id: ContainerId,
}

impl CodeSessions {
    pub(super) async fn get(&self, id: &CodeSessionId) -> Result<CodeSession> {
        self.find(id).await?.ok_or_else(not_found)
    }

    pub(super) async fn find(&self, id: &CodeSessionId) -> Result<Option<CodeSession>> {
        self.db.query("SELECT * FROM code_sessions WHERE id = $1").bind(id).fetch_optional().await
    }

    /// The user's editor of the spider that is not over.
    pub(super) async fn active(&self, user: &UserId, spider: &SpiderId) -> Result<Option<CodeSession>> {
        let sql = active!("SELECT * FROM code_sessions WHERE user_id = $1 AND spider_id = $2 AND", "");
        self.db.query(sql).bind(user).bind(spider).fetch_optional().await
    }

    /// The user's last editor of the spider, where it could not be started or was lost after that time.
    pub(super) async fn failed_since(
        &self,
        user: &UserId,
        spider: &SpiderId,
        since: DateTime<Utc>,
    ) -> Result<Option<CodeSession>> {
        let last: Option<CodeSession> = self
            .db
            .query("SELECT * FROM code_sessions WHERE user_id = $1 AND spider_id = $2 ORDER BY id DESC LIMIT 1")
            .bind(user)
            .bind(spider)
            .fetch_optional()
            .await?;
        Ok(last.filter(|session| session.status == Status::Failed && session.updated_at > since))
    }

    /// Before anybody is served: whoever worked on a session is gone, where no other server uses the database.
    pub async fn end_leases(&self) -> Result<()> {
        if self.db.is_shared() {
            return Ok(());
        }
        let late = "UPDATE code_sessions SET deadline_at = NULL WHERE status IN ('pending', 'starting', 'syncing')";
        self.db.query(late).execute().await.map(drop)
    }

    /// All that are not over.
    pub(super) async fn all_active(&self) -> Result<Vec<CodeSession>> {
        self.db.query(active!("SELECT * FROM code_sessions WHERE", "ORDER BY id")).fetch_all().await
    }

    pub(super) async fn list(&self, status: Option<Status>, paging: &Paging) -> Result<(Vec<CodeSession>, i64)> {
        let sessions = self
            .db
            .query(
                "SELECT * FROM code_sessions WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR id < $2)
                  ORDER BY id DESC LIMIT $3 OFFSET $4",
            )
            .bind(status)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        let count = "SELECT COUNT(*) FROM code_sessions WHERE ($1 IS NULL OR status = $1)";
        let (count,) = self.db.query(count).bind(status).fetch_one().await?;
        Ok((sessions, count))
    }

    /// Writes what a step made of a session, unless another step was faster: None then. Activity and synchronisations
    /// have columns of their own.
    pub(super) async fn save(&self, session: CodeSession) -> Result<Option<CodeSession>> {
        self.db
            .query(
                "UPDATE code_sessions
                    SET status = $1, engine = $2, container_id = $3, upstream = $4, deadline_at = $5, ready_at = $6,
                        end_reason = $7, error_message = $8, revivals = $9, updated_at = $10, version = version + 1
                  WHERE id = $11 AND version = $12 RETURNING *",
            )
            .bind(session.status)
            .bind(&session.engine)
            .bind(&session.container_id)
            .bind(&session.upstream)
            .bind(session.deadline_at)
            .bind(session.ready_at)
            .bind(&session.end_reason)
            .bind(&session.error_message)
            .bind(session.revivals)
            .bind(self.clock.now())
            .bind(&session.id)
            .bind(session.version)
            .fetch_optional()
            .await
    }

    /// Whoever works on a step says so.
    pub(super) async fn prolong(&self, session: &CodeSession, deadline: DateTime<Utc>) -> Result<()> {
        self.db
            .query("UPDATE code_sessions SET deadline_at = $1 WHERE id = $2 AND version = $3")
            .bind(deadline)
            .bind(&session.id)
            .bind(session.version)
            .execute()
            .await
            .map(drop)
    }

    /// Somebody worked in it at that time.
    pub(super) async fn touch(&self, id: &CodeSessionId, at: DateTime<Utc>) -> Result<()> {
        self.db
            .query(
                "UPDATE code_sessions SET last_active_at = $1, warned_at = NULL WHERE id = $2 AND last_active_at < $3",
            )
            .bind(at)
            .bind(id)
            .bind(at)
            .execute()
            .await
            .map(drop)
    }

    pub(super) async fn note_synced(&self, id: &CodeSessionId) -> Result<()> {
        self.db
            .query(
                "UPDATE code_sessions SET synced_at = $1, sync_error = NULL, sync_failures = 0, retry_at = NULL WHERE id = $2",
            )
            .bind(self.clock.now())
            .bind(id)
            .execute()
            .await
            .map(drop)
    }

    /// Whether the reason is another one than that of the last failure. Where the session has gone on meanwhile, in
    /// another server, what failed was that server's doing.
    pub(super) async fn note_failed_sync(
        &self,
        session: &CodeSession,
        reason: &str,
        retry_at: DateTime<Utc>,
    ) -> Result<bool> {
        let noted = self
            .db
            .query(
                "UPDATE code_sessions SET sync_error = $1, sync_failures = sync_failures + 1, retry_at = $2
                  WHERE id = $3 AND version = $4",
            )
            .bind(reason)
            .bind(retry_at)
            .bind(&session.id)
            .bind(session.version)
            .execute()
            .await?;
        Ok(noted > 0 && session.sync_error.as_deref() != Some(reason))
    }

    /// Whether this is the first warning since somebody last worked in it.
    pub(super) async fn note_warned(&self, id: &CodeSessionId) -> Result<bool> {
        let sql = "UPDATE code_sessions SET warned_at = $1 WHERE id = $2 AND warned_at IS NULL";
        Ok(self.db.query(sql).bind(self.clock.now()).bind(id).execute().await? > 0)
    }

    /// Tells whoever acts on facts.
    pub(super) async fn tell(&self, session: &CodeSession, what: Trouble) -> Result<()> {
        let user: Option<(String,)> =
            self.db.query("SELECT email FROM users WHERE id = $1").bind(&session.user_id).fetch_optional().await?;
        let spider: Option<(String,)> =
            self.db.query("SELECT name FROM spiders WHERE id = $1").bind(&session.spider_id).fetch_optional().await?;
        let Some((spider_name,)) = spider else { return Ok(()) };
        let event = Event::EditorTrouble(Box::new(EditorTrouble {
            session_id: session.id.to_string(),
            spider_id: session.spider_id.clone(),
            spider_name,
            user: user.map(|(email,)| email).unwrap_or_default(),
            what,
        }));
        let mut transaction = self.db.begin().await?;
        self.events.record(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        self.events.announce();
        Ok(())
    }

    /// What is over for long.
    pub(super) async fn clear_old(&self, kept: TimeDelta) -> Result<()> {
        let over = "DELETE FROM code_sessions WHERE status IN ('stopped', 'failed') AND updated_at < $1";
        self.db.query(over).bind(self.clock.now() - kept).execute().await.map(drop)
    }

    pub(super) async fn pooled(&self, engine: &str) -> Result<Vec<(CodeSessionId, String, String, DateTime<Utc>)>> {
        let sql = "SELECT id, image, container_id, created_at FROM code_session_pool WHERE engine = $1";
        self.db.query(sql).bind(engine).fetch_all().await
    }

    pub(super) async fn insert_pooled(&self, id: &CodeSessionId, engine: &str, container: &ContainerId) -> Result<()> {
        self.db
            .query(
                "INSERT INTO code_session_pool (id, engine, image, container_id, created_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(engine)
            .bind(&self.settings.image)
            .bind(container)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    /// Whether it was there still.
    pub(super) async fn take_pooled(&self, id: &CodeSessionId) -> Result<bool> {
        Ok(self.db.query("DELETE FROM code_session_pool WHERE id = $1").bind(id).execute().await? > 0)
    }
}

/// The user's editor of the spider that is not over, in the transaction.
pub(super) async fn active_in(
    transaction: &mut Transaction,
    user: &UserId,
    spider: &SpiderId,
) -> Result<Option<CodeSession>> {
    let sql = active!("SELECT * FROM code_sessions WHERE user_id = $1 AND spider_id = $2 AND", "");
    transaction.query(sql).bind(user).bind(spider).fetch_optional().await
}

/// How many are open: the user's, and all.
pub(super) async fn count_in(transaction: &mut Transaction, user: &UserId) -> Result<(i64, i64)> {
    let own = active!("SELECT COUNT(*) FROM code_sessions WHERE user_id = $1 AND", "");
    let (own,) = transaction.query(own).bind(user).fetch_one().await?;
    let (all,) = transaction.query(active!("SELECT COUNT(*) FROM code_sessions WHERE", "")).fetch_one().await?;
    Ok((own, all))
}

/// Takes an editor out of the pool, if there is one.
pub(super) async fn claim_in(transaction: &mut Transaction, engine: &str, image: &str) -> Result<Option<Pooled>> {
    transaction
        .query(
            "DELETE FROM code_session_pool WHERE id =
                (SELECT id FROM code_session_pool WHERE engine = $1 AND image = $2 ORDER BY created_at LIMIT 1)
             RETURNING id, container_id",
        )
        .bind(engine)
        .bind(image)
        .fetch_optional()
        .await
}

pub(super) async fn insert_in(transaction: &mut Transaction, session: &CodeSession) -> Result<()> {
    transaction
        .query(
            "INSERT INTO code_sessions (id, spider_id, user_id, status, engine, image, container_id, deadline_at,
                                        last_active_at, expires_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&session.id)
        .bind(&session.spider_id)
        .bind(&session.user_id)
        .bind(session.status)
        .bind(&session.engine)
        .bind(&session.image)
        .bind(&session.container_id)
        .bind(session.deadline_at)
        .bind(session.last_active_at)
        .bind(session.expires_at)
        .bind(session.created_at)
        .bind(session.updated_at)
        .execute()
        .await
        .map(drop)
}

pub(super) fn not_found() -> Error {
    Error::not_found("no_code_session", text!("没有活跃的编辑会话", "there is no open code session"))
}
