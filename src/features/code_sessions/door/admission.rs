//! Who may go in.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::{
    Doors,
    opened::{Door, Seen},
    statement::cookie_name,
};
use crate::{
    error::Error,
    id::{CodeSessionId, UserId},
    platform::http::proxy::cookies,
};

/// Why somebody may not go in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no such session that is open.
    Unknown,
    /// It is another user's.
    Foreign,
    /// Nobody says who they are.
    Anonymous,
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Doors {
    /// The session's door for whoever comes with its cookie.
    pub(super) async fn admit(&self, id: &CodeSessionId, headers: &HeaderMap) -> Result<(Arc<Door>, Seen), Refusal> {
        let (door, seen) = self.look(id).await?.ok_or(Refusal::Unknown)?;
        let (name, now, owner) = (cookie_name(id), self.clock.now(), &seen.session.user_id);
        // Others of the same name may have been set by a page of another editor: they say nothing.
        let said = cookies(headers).filter(|(given, _)| *given == name);
        let mut stated = said.filter_map(|(_, value)| self.stated(id, value)).filter(|said| said.expires_at > now);
        match stated.next() {
            Some(said) if said.user == *owner => Ok((door, seen)),
            Some(_) => Err(Refusal::Foreign),
            None if self.is_another(headers, owner).await? => Err(Refusal::Foreign),
            None => Err(Refusal::Anonymous),
        }
    }

    /// Whether somebody else than `owner` is signed in at the platform there.
    pub(super) async fn is_another(&self, headers: &HeaderMap, owner: &UserId) -> Result<bool, Error> {
        Ok(self.accounts.caller(headers).await?.is_some_and(|caller| caller.user_id != *owner))
    }
}
