//! Who may go in.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::{
    Doors, Room,
    opened::{Door, Seen},
};
use crate::{error::Error, id::UserId, platform::http::proxy::cookies};

/// Why somebody may not go in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no such room, or whoever asks is not to hear of it.
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
    /// The room's door for whoever comes with its cookie, and for everybody where it is public.
    pub(super) async fn admit(&self, room: &Room, headers: &HeaderMap) -> Result<(Arc<Door>, Seen), Refusal> {
        let (door, seen) = self.look(room).await?.ok_or(Refusal::Unknown)?;
        let (name, now, owner) = (self.cookie_name(room), self.clock.now(), &seen.room.user_id);
        // Others of the same name may have been set by a page of another room: they say nothing.
        let said = cookies(headers).filter(|(given, _)| *given == name);
        let mut stated = said.filter_map(|(_, value)| self.stated(room, value)).filter(|said| said.expires_at > now);
        match stated.next() {
            Some(said) if said.user == *owner => Ok((door, seen)),
            _ if seen.room.is_for_all() => Ok((door, seen)),
            _ if !room.is_unguessable() => Err(Refusal::Unknown),
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
