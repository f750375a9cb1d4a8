//! Loop: messages that are due → sent, or to be sent again later.

use std::{collections::HashMap, time::Duration};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{super::Alerts, types::Claimed};
use crate::{
    error::{Error, Result},
    platform::background::moved,
    platform::notify::{Failure, FailureKind, Notice, Sent, Stamp},
};

/// Messages that are on their way at once, one for each receiver: who hangs holds up nobody else.
const AT_ONCE: usize = 8;
/// While some are on their way, others become due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For those that are on their way when the server stops. One that is cut off is sent again.
const STOP_GRACE: Duration = Duration::from_secs(2);

impl Alerts {
    /// Sends until nothing is due. A server that dies after sending and before it is written down leaves a lease: the
    /// message is sent again, with the same id.
    pub async fn send_due(&self) -> anyhow::Result<()> {
        // Tasks of their own: one that waits here, with a connection in its hand, would hold up the very claim.
        let (mut flying, mut busy) = (JoinSet::new(), HashMap::new());
        let mut moves = self.clock.moves();
        while !self.stop.is_cancelled() {
            match self.claim_due(AT_ONCE - flying.len(), busy.values()).await {
                Ok(due) => {
                    for claimed in due {
                        let (alerts, receiver) = (self.clone(), claimed.receiver());
                        let task = flying.spawn(async move { alerts.send_one(&claimed).await });
                        busy.insert(task.id(), receiver);
                    }
                }
                Err(error) if flying.is_empty() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "no further messages can be taken yet"),
            }
            if flying.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(ended) = flying.join_next_with_id() => {
                    let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                    busy.remove(&task);
                }
                () = self.queued.notified() => {}
                () = moved(&mut moves) => {}
                () = sleep(LOOK_AGAIN) => {}
                () = self.stop.cancelled() => {}
            }
        }
        let _ = timeout(STOP_GRACE, async { while flying.join_next().await.is_some() {} }).await;
        Ok(())
    }

    /// Until all is written down.
    async fn send_one(&self, claimed: &Claimed) {
        let outcome = self.attempt(claimed).await;
        let next = match &outcome {
            Err(failure) if failure.kind != FailureKind::Final => {
                claimed.next_attempt(self.clock.now(), rand::random())
            }
            _ => None,
        };
        if let Err(failure) = &outcome {
            let (delivery, attempts, reason) = (claimed.id.as_str(), claimed.attempts, &failure.reason);
            tracing::warn!(delivery, attempts, "a message was not delivered: {reason}");
        }
        if let Err(error) = self.settle(claimed, &outcome.map(|sent| sent.status), next).await {
            tracing::warn!(%error, delivery = %claimed.id, "what became of a message cannot be written down");
        }
    }

    async fn attempt(&self, claimed: &Claimed) -> Result<Sent, Failure> {
        let now = self.clock.now();
        let stamp = Stamp { id: claimed.id.as_str(), event: &claimed.event, now };
        let Some(channel) = &claimed.channel_id else {
            let url = self.webhook_of(claimed).await?;
            return self.notifier.post(&url, stamp, &claimed.payload.0).await;
        };
        let channel = self.channel(channel).await.map_err(|error| unready(&error))?;
        if !channel.is_enabled {
            return Err(Failure::for_good("the channel is switched off"));
        }
        let target = self.target(&channel).map_err(|error| unready(&error))?;
        let notice: Notice = serde_json::from_value(claimed.payload.0.clone())
            .map_err(|error| Failure::for_good(format!("the message cannot be read: {error}")))?;
        self.notifier.send(&target, stamp, &notice).await
    }

    /// As it is set now.
    async fn webhook_of(&self, claimed: &Claimed) -> Result<String, Failure> {
        let gone = || Failure::for_good("the spider has no webhook any more");
        let spider = claimed.spider_id.as_ref().ok_or_else(gone)?;
        match self.spiders.get(spider).await {
            Ok(spider) => Some(spider.webhook_url).filter(|url| !url.is_empty()).ok_or_else(gone),
            Err(Error::NotFound(_)) => Err(gone()),
            Err(error) => Err(unready(&error)),
        }
    }
}

/// What went wrong before anything was sent. Internal text stays in the server's log.
fn unready(error: &Error) -> Failure {
    tracing::warn!(%error, "a message cannot be prepared");
    Failure { status: None, reason: "the server could not prepare the message".to_owned(), kind: FailureKind::Passing }
}
