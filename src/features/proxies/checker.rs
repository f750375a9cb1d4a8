//! Loop: proxies whose time has come → checked. One that failed too often comes back by it.

use futures_util::{StreamExt, stream};

use super::{Proxies, store::Due};
use crate::error::Result;

/// Of checks.
const AT_ONCE: usize = 32;
/// Read in one go.
const MOST: i64 = 500;

impl Proxies {
    /// Checks all that are due.
    pub async fn check_due_ones(&self) -> anyhow::Result<()> {
        loop {
            let due = self.due(MOST).await?;
            if due.is_empty() || self.stop.is_cancelled() {
                return Ok(());
            }
            let mut checks = stream::iter(due).map(|due| self.check_claimed(due)).buffer_unordered(AT_ONCE);
            while let Some(checked) = checks.next().await {
                checked?;
            }
        }
    }

    async fn check_claimed(&self, due: Due) -> Result<()> {
        if !self.claim_check(&due).await? {
            return Ok(());
        }
        // What is broken off by a stop says nothing of the proxy.
        match self.stop.run_until_cancelled(self.probe(&due.reach)).await {
            Some(outcome) => self.record_check(&due.reach.id, &outcome).await,
            None => Ok(()),
        }
    }
}
