//! What both sides had agreed on, as a row.

use sqlx::types::Json;

use super::super::CodeSessions;
use crate::{
    error::{Error, Result},
    features::spiders::files::States,
    id::CodeSessionId,
    platform::database::Transaction,
    text,
};

/// What was agreed on, and which agreement that was.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    pub version: i64,
    pub files: States,
}

impl CodeSessions {
    /// Empty where nothing was agreed on yet.
    pub(super) async fn base(&self, id: &CodeSessionId) -> Result<Base> {
        let found: Option<(i64, Json<States>)> = self
            .db
            .query("SELECT version, files FROM code_session_bases WHERE session_id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        Ok(found.map(|(version, Json(files))| Base { version, files }).unwrap_or_default())
    }

    /// Of a session that has none.
    pub(super) async fn set_first_base(&self, id: &CodeSessionId, files: &States) -> Result<()> {
        self.db
            .query(
                "INSERT INTO code_session_bases (session_id, version, files) VALUES ($1, 1, $2)
                 ON CONFLICT (session_id) DO UPDATE SET version = code_session_bases.version + 1, files = excluded.files",
            )
            .bind(id)
            .bind(Json(files))
            .execute()
            .await
            .map(drop)
    }

    /// The next agreement, unless there was another one meanwhile.
    pub(super) async fn set_base(&self, id: &CodeSessionId, former: i64, files: &States) -> Result<()> {
        let set = self.db.query(SET).bind(id).bind(former).bind(Json(files)).execute().await?;
        if set == 0 { Err(meanwhile()) } else { Ok(()) }
    }
}

const SET: &str =
    "UPDATE code_session_bases SET version = version + 1, files = $3 WHERE session_id = $1 AND version = $2";

pub(super) async fn set_base_in(
    transaction: &mut Transaction,
    id: &CodeSessionId,
    former: i64,
    files: &States,
) -> Result<()> {
    let set = transaction.query(SET).bind(id).bind(former).bind(Json(files)).execute().await?;
    if set == 0 { Err(meanwhile()) } else { Ok(()) }
}

/// Where it is found, everything was looked at too early.
pub(super) const MEANWHILE: &str = "sync_meanwhile";

fn meanwhile() -> Error {
    Error::conflict(MEANWHILE, text!("会话正在同步，请稍后重试", "the session is being synchronised; try again"))
}
