//! The way into an editor: a token that works once becomes a cookie of that editor's path or host alone; what goes
//! through is counted as activity.

use tokio_util::sync::CancellationToken;

use super::{CodeSession, CodeSessions};
use crate::{error::Result, id::CodeSessionId};

/// What this server has open, by session.
#[derive(Debug, Clone)]
pub(super) struct Doors {
    stop: CancellationToken,
}

impl Doors {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { stop }
    }

    /// Ends every connection to the session's editor, and lets no new one in.
    pub(super) fn close(&self, _id: &CodeSessionId) {
        let _ = &self.stop;
    }
}

impl CodeSessions {
    /// A token that opens the editor once.
    pub(super) async fn issue_token(&self, session: &CodeSession) -> Result<String> {
        let _ = (session, &self.secrets);
        Err(crate::error::Error::internal(anyhow::anyhow!("not built")))
    }
}
