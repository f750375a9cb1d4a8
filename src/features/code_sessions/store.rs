use super::{CodeSession, CodeSessions};
use crate::{
    error::{Error, Result},
    id::CodeSessionId,
    text,
};

impl CodeSessions {
    pub(super) async fn get(&self, id: &CodeSessionId) -> Result<CodeSession> {
        let found = self.db.query("SELECT * FROM code_sessions WHERE id = $1").bind(id).fetch_optional().await?;
        found.ok_or_else(not_found)
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("no_code_session", text!("没有活跃的编辑会话", "there is no open code session"))
}
