use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::Doors;
use crate::{
    error::Result,
    features::code_sessions::Status,
    id::{CodeSessionId, UserId},
    platform::{containers::ContainerId, database::in_list},
};

/// What a door has to know of its session.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Known {
    pub id: CodeSessionId,
    pub user_id: UserId,
    pub status: Status,
    pub container_id: Option<ContainerId>,
    pub upstream: Option<String>,
    pub expires_at: DateTime<Utc>,
}

impl Doors {
    /// Those of the sessions that are open, and whose users may still have one.
    pub(super) async fn open_ones(&self, ids: &[CodeSessionId]) -> Result<Vec<Known>> {
        let mut query = self.db.query_text(format!(
            "SELECT code_sessions.id, code_sessions.user_id, code_sessions.status, code_sessions.container_id,
                    code_sessions.upstream, code_sessions.expires_at
               FROM code_sessions JOIN users ON users.id = code_sessions.user_id
              WHERE code_sessions.id IN ({})
                AND code_sessions.status IN ('pending', 'starting', 'ready', 'syncing')
                AND users.is_active AND users.role IN ('editor', 'admin')",
            in_list(1, ids.len())
        ));
        for id in ids {
            query = query.bind(id);
        }
        query.fetch_all().await
    }

    /// Whether the session is one that can be opened.
    pub(super) async fn insert_token(
        &self,
        hash: &str,
        expires_at: DateTime<Utc>,
        session: &CodeSessionId,
    ) -> Result<bool> {
        let inserted = self
            .db
            .query(
                "INSERT INTO code_session_tokens (hash, session_id, expires_at)
                 SELECT $1, id, $2 FROM code_sessions
                  WHERE id = $3 AND status IN ('pending', 'starting', 'ready')",
            )
            .bind(hash)
            .bind(expires_at)
            .bind(session)
            .execute()
            .await?;
        Ok(inserted > 0)
    }

    pub(super) async fn remove_old_tokens(&self) -> Result<()> {
        let removed = self.db.query("DELETE FROM code_session_tokens WHERE expires_at <= $1");
        removed.bind(self.clock.now()).execute().await.map(drop)
    }

    /// Whether there was such a token; now there is none.
    pub(super) async fn take_token(&self, hash: &str, session: &CodeSessionId) -> Result<bool> {
        let taken = self
            .db
            .query(
                "DELETE FROM code_session_tokens
                  WHERE hash = $1 AND session_id = $2 AND expires_at > $3
                    AND EXISTS (SELECT 1 FROM code_sessions
                                 WHERE id = $2 AND status IN ('pending', 'starting', 'ready'))",
            )
            .bind(hash)
            .bind(session)
            .bind(self.clock.now())
            .execute()
            .await?;
        Ok(taken > 0)
    }

    /// The user has done something in it then.
    pub(super) async fn note_activity(&self, session: &CodeSessionId, at: DateTime<Utc>) -> Result<()> {
        let noted =
            "UPDATE code_sessions SET last_active_at = $2, warned_at = NULL WHERE id = $1 AND last_active_at < $2";
        self.db.query(noted).bind(session).bind(at).execute().await.map(drop)
    }
}
