//! What happens to containers is heard of at once, where the engine tells: the loop then looks after them.

use std::time::Duration;

use futures_util::StreamExt;

use super::{super::CodeSessions, TYPE};
use crate::platform::containers::{Change, ContainerError, INSTALLATION_LABEL, TYPE_LABEL};

/// How soon an engine that is away, or has ended its tale, is asked again.
pub(in super::super) const AGAIN: Duration = Duration::from_secs(5);

impl CodeSessions {
    /// Listens until the engine tells no more. Returns how long to wait before it is asked again.
    pub async fn listen(&self) -> anyhow::Result<Duration> {
        let labels = [(TYPE_LABEL, TYPE), (INSTALLATION_LABEL, self.containers.installation())];
        let hear = async {
            let mut news = match self.containers.events(&labels).await {
                Ok(news) => news,
                Err(ContainerError::Unavailable(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            while let Some(Ok(happening)) = news.next().await {
                if matches!(happening.change, Change::Ended | Change::Paused | Change::Removed) {
                    self.changed.notify_one();
                }
            }
            // Whatever made it end may have ended them as well.
            self.changed.notify_one();
            Ok(())
        };
        tokio::select! {
            heard = hear => heard.map(|()| AGAIN),
            () = self.jobs.stop.cancelled() => Ok(AGAIN),
        }
    }
}
