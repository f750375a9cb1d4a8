//! What runs on other machines: it takes tasks from the server, runs them, and tells what they print and find. It calls and
//! is not called, so that it may stand behind NAT. What it is to tell lies on its disk until the server has kept it: neither
//! a cut network, nor a server that is away, nor `kill -9` loses anything of it.

mod attempt;
mod cache;
mod client;
mod courier;
mod held;
mod node;
mod once;
mod outbox;
mod settings;
mod teller;

use std::sync::Arc;

use anyhow::Context;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{cache::Cache, client::Server, held::Held, outbox::Outboxes, settings::Settings};
use crate::{
    clock::SyncedClock,
    platform::disk::Disk,
    runner::{Runner, RunnerConfig},
};

pub use node::work;
pub use once::attempt;

/// Runs attempts and tells of them, whoever takes them.
#[derive(Debug)]
struct Agent {
    server: Server,
    runner: Runner,
    cache: Cache,
    outboxes: Outboxes,
    held: Held,
    disk: Disk,
    /// The server's clock, as far as it is known.
    clock: Arc<SyncedClock>,
    /// No more work is taken.
    stop: CancellationToken,
    /// Nothing more is told.
    quit: CancellationToken,
    tracker: TaskTracker,
}

impl Agent {
    fn open(settings: &Settings, runner: RunnerConfig, disk: Disk) -> anyhow::Result<Self> {
        let clock = Arc::new(SyncedClock::default());
        let cache = Cache::open(&settings.storage.join("cache"), disk.clone(), settings.cache_bytes)?;
        let runner = Runner::new(runner, cache.files().clone(), clock.clone());
        Ok(Self {
            server: Server::new(settings)?,
            runner: runner.context("cannot make the folders of the runner")?,
            outboxes: Outboxes::open(&settings.storage.join("outbox"), disk.clone())?,
            held: Held::default(),
            stop: CancellationToken::new(),
            quit: CancellationToken::new(),
            tracker: TaskTracker::new(),
            cache,
            disk,
            clock,
        })
    }
}
