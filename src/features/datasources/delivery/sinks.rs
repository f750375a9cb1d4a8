//! Connections that are kept for a while: one pool a datasource.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    id::DatasourceId,
    platform::sink::{self, Address, Failure, Sink},
};

/// A pool that nobody used for so long goes.
const KEPT: Duration = Duration::from_mins(10);
/// Until the connections of a pool are closed.
const CLOSING_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(in super::super) struct Sinks {
    allow_private: bool,
    open: Arc<Mutex<HashMap<DatasourceId, Opened>>>,
}

#[derive(Debug)]
struct Opened {
    sink: Arc<dyn Sink>,
    /// Of the datasource: when it was last changed.
    version: DateTime<Utc>,
    used: Instant,
}

impl Sinks {
    pub(in super::super) fn new(allow_private: bool) -> Self {
        Self { allow_private, open: Arc::default() }
    }

    /// The pool of that version of the datasource. Nothing is connected by this.
    pub(super) async fn get(
        &self,
        id: &DatasourceId,
        version: DateTime<Utc>,
        address: &Address,
    ) -> Result<Arc<dyn Sink>, Failure> {
        if let Some(opened) = self.open.lock().await.get_mut(id).filter(|opened| opened.version == version) {
            opened.used = Instant::now();
            return Ok(opened.sink.clone());
        }
        let sink: Arc<dyn Sink> = sink::open(address, self.allow_private).await?.into();
        let opened = Opened { sink: sink.clone(), version, used: Instant::now() };
        let former = self.open.lock().await.insert(id.clone(), opened);
        if let Some(former) = former {
            close(&*former.sink).await;
        }
        Ok(sink)
    }

    pub(in super::super) async fn make_database(&self, address: &Address) -> Result<(), Failure> {
        sink::make_database(address, self.allow_private).await
    }

    /// Whether the database can be reached, through a connection of its own.
    pub(in super::super) async fn test(&self, address: &Address) -> Result<(), Failure> {
        let sink = sink::open(address, self.allow_private).await?;
        let outcome = sink.check().await;
        close(&*sink).await;
        outcome
    }

    /// After a failure, or a change: the next connection is a new one.
    pub(in super::super) async fn forget(&self, id: &DatasourceId) {
        let former = self.open.lock().await.remove(id);
        if let Some(former) = former {
            close(&*former.sink).await;
        }
    }

    pub(super) async fn close_idle(&self) {
        let idle: Vec<Opened> = self
            .open
            .lock()
            .await
            .extract_if(|_, opened| opened.used.elapsed() > KEPT)
            .map(|(_, opened)| opened)
            .collect();
        for opened in idle {
            close(&*opened.sink).await;
        }
    }
}

/// Says goodbye; who does not answer is left.
async fn close(sink: &dyn Sink) {
    let _ = timeout(CLOSING_PATIENCE, sink.close()).await;
}
