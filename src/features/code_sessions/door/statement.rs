//! What the cookie of an editor says: who may enter which, until when. It is signed, and holds only as long as the
//! session and its user are as they were.

use chrono::{DateTime, Utc};

use super::Doors;
use crate::id::{CodeSessionId, UserId};

/// What a cookie says, once it is known to be ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub user: UserId,
    pub expires_at: DateTime<Utc>,
}

pub(super) fn cookie_name(id: &CodeSessionId) -> String {
    format!("crawlhub_code_{id}")
}

/// The beginning says what it is for: the same key signs other things.
fn subject(id: &CodeSessionId, user: &str, expires: i64) -> String {
    format!("editor {id} {user} {expires}")
}

impl Doors {
    pub(super) fn state(&self, id: &CodeSessionId, statement: &Statement) -> String {
        let (user, expires) = (&statement.user, statement.expires_at.timestamp());
        format!("{user}.{expires}.{}", self.secrets.sign(&subject(id, user.as_str(), expires)))
    }

    /// `None` where we never said it of this session.
    pub(super) fn stated(&self, id: &CodeSessionId, value: &str) -> Option<Statement> {
        let mut parts = value.splitn(3, '.');
        let (user, expires, signature) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let is_ours = self.secrets.is_signed(&subject(id, user, expires), signature);
        let expires_at = DateTime::from_timestamp(expires, 0)?;
        is_ours.then(|| Statement { user: user.to_owned().into(), expires_at })
    }
}
