//! Somebody hears of it when what should run does not: alerts, rules that raise them, channels they go through, and
//! what became of each message.

mod adopt;
mod channels;
mod deliveries;
mod editors;
mod facts;
mod instances;
mod routes;
mod rules;
mod service;
mod store;
mod types;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use deliveries::DeliveryStatus;
pub use types::{Alert, AlertFilter, AlertLevel, AlertType};

use super::{events::Events, spiders::Spiders, tasks::Foundation};
use crate::{
    clock::SharedClock,
    config::Language,
    error::Text,
    platform::{database::Database, documents::Documents, notify::Notifier, secrets::Secrets},
};

#[derive(Debug, Clone)]
pub struct Alerts {
    db: Database,
    documents: Documents,
    secrets: Secrets,
    clock: SharedClock,
    events: Events,
    notifier: Notifier,
    language: Language,
    stop: CancellationToken,
    spiders: Spiders,
    /// Wakes the loop of deliveries.
    queued: Arc<Notify>,
}

impl Alerts {
    /// `language` is that of alerts' sentences.
    pub fn new(foundation: Foundation, spiders: Spiders, notifier: Notifier, language: Language) -> Self {
        let Foundation { db, documents, secrets, clock, events, stop, .. } = foundation;
        let queued = Arc::default();
        Self { db, documents, secrets, clock, events, notifier, language, stop, spiders, queued }
    }

    /// Wakes the loop that acts on facts.
    pub fn recorded(&self) -> Arc<Notify> {
        self.events.wake()
    }

    /// Wakes the loop that sends.
    pub fn queued(&self) -> Arc<Notify> {
        self.queued.clone()
    }

    /// In the language that all readers share.
    fn said(&self, text: Text) -> String {
        match self.language {
            Language::Zh => text.zh.into_owned(),
            Language::En => text.en.into_owned(),
        }
    }
}

pub fn router(alerts: Alerts) -> OpenApiRouter {
    routes::router().merge(rules::router()).merge(channels::router()).merge(deliveries::router()).with_state(alerts)
}
