use chrono::Duration;

use super::{Doors, statement::Statement, store::Known};
use crate::{
    error::{Error, Result},
    features::code_sessions::CodeSession,
    id::CodeSessionId,
    platform::secrets::{random_token, token_hash},
    text,
};

/// From the answer that holds it to the browser that opens it.
const TOKEN_LIFETIME: Duration = Duration::minutes(5);

/// The cookie by which code-server knows whoever has signed in.
pub(super) const PASS: &str = "code-server-session";

impl Doors {
    /// What the session's editor lets in, and nothing else: whoever reaches its address without coming through here, or
    /// reaches another's by an address that has changed hands, stays outside. It follows from the session's id.
    pub(in crate::features::code_sessions) fn password_of(&self, id: &CodeSessionId) -> String {
        self.secrets.sign(&format!("editor's password {id}"))
    }

    /// The same as the cookie that goes along with each request. What is called a hash is compared to the letter.
    pub(in crate::features::code_sessions) fn pass_of(&self, id: &CodeSessionId) -> String {
        format!("{PASS}={}", self.password_of(id))
    }

    /// A token that opens the session's editor once.
    pub(in crate::features::code_sessions) async fn issue_token(&self, session: &CodeSession) -> Result<String> {
        self.remove_old_tokens().await?;
        let token = random_token();
        let expires_at = self.clock.now() + TOKEN_LIFETIME;
        if self.insert_token(&token_hash(&token), expires_at, &session.id).await? {
            return Ok(token);
        }
        Err(Error::conflict("session_closing", text!("编辑会话正在关闭", "the code session is being closed")))
    }

    /// What the token becomes; `None` where it opens nothing, or no longer.
    pub(super) async fn redeem(&self, session: &Known, token: &str) -> Result<Option<Statement>> {
        let was_there = self.take_token(&token_hash(token), &session.id).await?;
        Ok(was_there.then(|| Statement { user: session.user_id.clone(), expires_at: session.expires_at }))
    }
}
