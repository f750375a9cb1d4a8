//! What the cookie of a room says: who may enter which, until when. It is signed, and holds only as long as the room and
//! its user are as they were.

use chrono::{DateTime, Utc};

use super::{Doors, Room};
use crate::id::UserId;

/// What a cookie says, once it is known to be ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub user: UserId,
    pub expires_at: DateTime<Utc>,
}

/// The beginning says what it is for: the same key signs other things.
fn subject(room: &Room, user: &str, expires: i64) -> String {
    let kind = match room {
        Room::Editor(_) => "editor",
        Room::Instance(_) => "instance",
    };
    format!("{kind} {} {user} {expires}", room.name())
}

impl Doors {
    /// Editors may share a host. An instance has one to itself, and other hosts of the domain cannot set what begins with
    /// `__Host-`, which browsers take over https only.
    pub(super) fn cookie_name(&self, room: &Room) -> String {
        match room {
            Room::Editor(id) => format!("crawlhub_code_{id}"),
            Room::Instance(_) if self.site.https() => "__Host-crawlhub_instance".to_owned(),
            Room::Instance(_) => "crawlhub_instance".to_owned(),
        }
    }

    pub(super) fn state(&self, room: &Room, statement: &Statement) -> String {
        let (user, expires) = (&statement.user, statement.expires_at.timestamp());
        format!("{user}.{expires}.{}", self.secrets.sign(&subject(room, user.as_str(), expires)))
    }

    /// `None` where we never said it of this room.
    pub(super) fn stated(&self, room: &Room, value: &str) -> Option<Statement> {
        let mut parts = value.splitn(3, '.');
        let (user, expires, signature) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let is_ours = self.secrets.is_signed(&subject(room, user, expires), signature);
        let expires_at = DateTime::from_timestamp(expires, 0)?;
        is_ours.then(|| Statement { user: user.to_owned().into(), expires_at })
    }
}
