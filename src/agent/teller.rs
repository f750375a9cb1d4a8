//! What the runner reports goes to the disk first.

use std::sync::{Arc, atomic::Ordering};

use anyhow::anyhow;
use serde_json::value::RawValue;

use super::{Agent, client::USUAL, held::Holding, outbox::Outbox};
use crate::{
    error::{Error, Result},
    platform::process::Usage,
    protocol::Delivered,
    runner::{Line, Report},
    text,
};

pub(super) struct Teller {
    pub(super) agent: Arc<Agent>,
    pub(super) holding: Arc<Holding>,
    pub(super) outbox: Arc<Outbox>,
    /// Of an attempt of a former start, which knows not how many lines it had: its own go to the agent's log.
    pub(super) is_former: bool,
}

impl Report for Teller {
    async fn lines(&self, first: i64, lines: &[Line]) -> Result<()> {
        if self.is_former {
            let task = &self.holding.told().task_id;
            for line in lines {
                tracing::warn!(%task, "{}", line.text);
            }
            return Ok(());
        }
        self.outbox.put_lines(first, lines).await
    }

    async fn items(&self, batch: i64, items: &[Box<RawValue>]) -> Result<()> {
        self.outbox.put_items(batch, items).await
    }

    async fn has_delivered(&self) -> Result<bool> {
        if self.outbox.has_items() {
            return Ok(true);
        }
        let of = serde_json::to_vec(&self.holding.told()).map_err(Error::internal)?;
        match self.agent.server.call::<Delivered>("/nodes/delivered", of, USUAL).await {
            Ok(delivered) => Ok(delivered.is_some_and(|delivered| delivered.any)),
            Err(trouble) if trouble.is_passing() => {
                Err(Error::Unavailable { what: "the server", source: anyhow!("{trouble}") })
            }
            Err(trouble) => {
                if trouble.is_lost() {
                    self.holding.lose();
                }
                Err(Error::conflict("claim_lost", text!("{trouble}", "{trouble}")))
            }
        }
    }

    async fn usage(&self, usage: Usage) {
        self.holding.peak_memory_mb.fetch_max(usage.peak_memory_mb, Ordering::Relaxed);
    }
}
