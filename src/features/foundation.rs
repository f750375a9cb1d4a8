//! What features stand on.

use tokio_util::sync::CancellationToken;

use super::events::Events;
use crate::{
    clock::SharedClock,
    config,
    platform::{
        database::{Database, Wakes},
        documents::Documents,
        files::Files,
        secrets::Secrets,
    },
};

#[derive(Debug, Clone)]
pub struct Foundation {
    pub db: Database,
    pub documents: Documents,
    pub files: Files,
    pub secrets: Secrets,
    pub clock: SharedClock,
    pub events: Events,
    /// What other servers are to know at once.
    pub wakes: Wakes,
    pub quotas: config::Quotas,
    /// Ends open streams.
    pub stop: CancellationToken,
}
