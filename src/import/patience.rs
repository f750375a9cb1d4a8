//! Waiting for the documents' home. What was killed may have left a transaction there: MongoDB lets nobody else at what it
//! changed until it has run for a minute (`transactionLifetimeLimitSeconds`). A primary that is elected takes less.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(1);

/// Tries again while it is unavailable, for two minutes.
pub(super) async fn patiently<T>(call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match call().await {
            Err(Error::Unavailable { .. }) if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
}
