//! A project groups spiders; one named `default` always exists. It may have a git repository, whose folders are spiders.
//!
//! What a repository's branch is at is fetched in the background, whenever somebody asks for it: a person, or the forge's
//! webhook. Rows say what is due and who is at it ([`sync`]); the loop that does it is that of the spiders, which take the
//! commit.

mod adopt;
mod elsewhere;
mod repository;
mod routes;
mod service;
mod store;
mod sync;
mod tree;
mod types;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use routes::{node_router, public_router, router};
pub use sync::{Claim, Fetched};
use tokio::sync::Notify;
pub use types::{Project, ProjectChange, ProjectFilter, ProjectStatus};

use super::nodes::Nodes;
use elsewhere::Unanswered;

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
    nodes: Nodes,
    /// Wakes the loop that tells nodes.
    nodes_due: Arc<Notify>,
    unanswered: Arc<Mutex<Unanswered>>,
    /// Wakes the loop that fetches.
    sync_due: Arc<Notify>,
}

impl Projects {
    pub fn new(db: Database, clock: SharedClock, secrets: Secrets, (blobs, git): (Files, Git), nodes: Nodes) -> Self {
        let (sync_due, nodes_due, unanswered) = (Arc::default(), Arc::default(), Arc::default());
        Self { db, clock, secrets, blobs, git, nodes, nodes_due, unanswered, sync_due }
    }

    /// Notified when a repository is to be fetched.
    pub fn sync_due(&self) -> Arc<Notify> {
        self.sync_due.clone()
    }

    /// Notified when a node is to be told, or asked.
    pub fn nodes_due(&self) -> Arc<Notify> {
        self.nodes_due.clone()
    }

    fn unanswered(&self) -> MutexGuard<'_, Unanswered> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn git(&self) -> &Git {
        &self.git
    }
}
