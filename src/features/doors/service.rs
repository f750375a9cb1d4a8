use chrono::Duration;

use super::{Doors, Room, statement::Statement, store::Known};
use crate::{
    error::Result,
    id::CodeSessionId,
    platform::secrets::{random_token, token_hash},
};

/// From the answer that holds it to the browser that opens it.
const TOKEN_LIFETIME: Duration = Duration::minutes(5);
/// How long whoever has opened a room that does not end by itself stays in.
const STAY: Duration = Duration::hours(24);

/// The cookie by which code-server knows whoever has signed in.
pub(super) const PASS: &str = "code-server-session";

impl Doors {
    /// What the session's editor lets in, and nothing else: whoever reaches its address without coming through here, or
    /// reaches another's by an address that has changed hands, stays outside. It follows from the session's id.
    pub fn password_of(&self, id: &CodeSessionId) -> String {
        self.secrets.sign(&format!("editor's password {id}"))
    }

    /// The same as the cookie that goes along with each request. What is called a hash is compared to the letter.
    pub fn pass_of(&self, id: &CodeSessionId) -> String {
        format!("{PASS}={}", self.password_of(id))
    }

    /// What goes along with each request to the room besides what the browser sends.
    pub(super) fn own_cookie(&self, room: &Room) -> Option<String> {
        match room {
            Room::Editor(id) => Some(self.pass_of(id)),
            Room::Instance(_) => None,
        }
    }

    /// A token that opens the room once, within five minutes; `None` where it can no longer be opened.
    pub async fn issue_token(&self, room: &Room) -> Result<Option<String>> {
        self.remove_old_tokens(room).await?;
        let token = random_token();
        let expires_at = self.clock.now() + TOKEN_LIFETIME;
        Ok(self.insert_token(&token_hash(&token), expires_at, room).await?.then_some(token))
    }

    /// What the token becomes; `None` where it opens nothing, or no longer.
    pub(super) async fn redeem(&self, room: &Room, known: &Known, token: &str) -> Result<Option<Statement>> {
        let was_there = self.take_token(&token_hash(token), room).await?;
        let expires_at = known.expires_at.unwrap_or_else(|| self.clock.now() + STAY);
        Ok(was_there.then(|| Statement { user: known.user_id.clone(), expires_at }))
    }
}
