//! A project groups spiders; one named `default` always exists. It may have a git repository, whose folders are spiders.
//!
//! What a repository's branch is at is fetched in the background, whenever somebody asks for it: a person, or the forge's
//! webhook. Rows say what is due and who is at it ([`sync`]); the loop that does it is that of the spiders, which take the
//! commit.

mod adopt;
mod repository;
mod routes;
mod service;
mod store;
mod sync;
mod tree;
mod types;
mod webhook;

use std::sync::Arc;

pub use routes::{public_router, router};
pub use sync::{Claim, Fetched};
use tokio::sync::Notify;
pub use types::{Project, ProjectChange, ProjectFilter, ProjectStatus};

use crate::{
    clock::SharedClock,
    platform::{database::Database, files::Files, git::Git, secrets::Secrets},
};

#[derive(Debug, Clone)]
pub struct Projects {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    blobs: Files,
    git: Git,
    /// Wakes the loop that fetches.
    sync_due: Arc<Notify>,
}

impl Projects {
    pub fn new(db: Database, clock: SharedClock, secrets: Secrets, blobs: Files, git: Git) -> Self {
        Self { db, clock, secrets, blobs, git, sync_due: Arc::default() }
    }

    /// Notified when a repository is to be fetched.
    pub fn sync_due(&self) -> Arc<Notify> {
        self.sync_due.clone()
    }

    pub fn git(&self) -> &Git {
        &self.git
    }
}
