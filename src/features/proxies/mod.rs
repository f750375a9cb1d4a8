//! The pool of proxies that spiders with `proxy_enabled` go through.
//!
//! What a spider or a check says of a proxy moves its success rate; the choice is at random, weighted by it. Passwords
//! are encrypted at rest and never answered: only a running task of such a spider is given them.

mod adopt;
mod checker;
mod choice;
mod routes;
mod service;
mod store;
mod types;

use std::sync::Arc;

pub use routes::router;
pub use types::{Proxy, ProxyFilter, ProxyStatus};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    config,
    platform::{database::Database, proxies::Prober, secrets::Secrets},
};

#[derive(Debug, Clone)]
pub struct Proxies {
    db: Database,
    clock: SharedClock,
    secrets: Secrets,
    settings: config::Proxies,
    prober: Arc<Prober>,
    /// Ends checks that are under way.
    stop: CancellationToken,
    /// Wakes the checker.
    check_due: Arc<Notify>,
}

impl Proxies {
    pub fn new(
        db: Database,
        clock: SharedClock,
        secrets: Secrets,
        settings: config::Proxies,
        stop: CancellationToken,
    ) -> Self {
        let prober = Arc::new(Prober::new(settings.check_url.clone(), settings.allow_private));
        Self { db, clock, secrets, settings, prober, stop, check_due: Arc::default() }
    }

    /// Notified when a proxy is to be checked sooner than planned.
    pub fn check_due(&self) -> Arc<Notify> {
        self.check_due.clone()
    }
}
