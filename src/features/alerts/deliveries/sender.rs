//! Loop: messages that are due → sent, or to be sent again later.

use std::{collections::HashMap, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
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
/// Of these, such as were tried before: those who never answer leave room for whoever may.
const RETRIES_AT_ONCE: usize = AT_ONCE - 2;
/// While some are on their way, others become due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For those that are on their way when the server stops. One that is cut off is sent again.
const STOP_GRACE: Duration = Duration::from_secs(2);

impl Alerts {
    /// Sends until nothing is due. A server that dies after sending and before it is written down leaves a lease: the
    /// message is sent again, with the same id.
    pub async fn send_due(&self) -> anyhow::Result<()> {
        // Tasks of their own: one that waits here, with a connection in its hand, would hold up the very claim.
        let (mut flying, mut busy) = (JoinSet::new(), HashMap::<_, (String, bool)>::new());
        let mut moves = self.clock.moves();
        while !self.stop.is_cancelled() {
            let retries = RETRIES_AT_ONCE - busy.values().filter(|(_, is_retry)| *is_retry).count();
            let receivers = busy.values().map(|(receiver, _)| receiver);
            match self.claim_due(AT_ONCE - flying.len(), retries, receivers).await {
                Ok(due) => {
                    for claimed in due {
                        let (alerts, place) = (self.clone(), (claimed.receiver.clone(), claimed.is_retry()));
                        let task = flying.spawn(async move { alerts.send_one(&claimed).await });
                        busy.insert(task.id(), place);
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
        if let Err(error) = self.try_one(claimed).await {
            tracing::warn!(%error, delivery = %claimed.id, "what became of a message cannot be written down");
        }
    }

    async fn try_one(&self, claimed: &Claimed) -> Result<()> {
        if claimed.is_given_up(self.clock.now()) {
            return self.give_up(claimed).await;
        }
        let outcome = AssertUnwindSafe(self.attempt(claimed)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(Failure::passing(None, "the server failed over this message")));
        let Err(failure) = &outcome else {
            return self.settle(claimed, &outcome.map(|sent| sent.status), None).await;
        };
        let (delivery, attempts, reason) = (claimed.id.as_str(), claimed.attempts, &failure.reason);
        tracing::warn!(delivery, attempts, "a message was not delivered: {reason}");
        let (kind, next) = (failure.kind, claimed.next_attempt(self.clock.now(), rand::random()));
        let again = (kind != FailureKind::Final && !claimed.is_given_up(next)).then_some(next);
        self.settle(claimed, &outcome.map(|sent| sent.status), again).await?;
        if kind == FailureKind::Unreachable { self.put_off(&claimed.receiver, next).await } else { Ok(()) }
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
    Failure::passing(None, "the server could not prepare the message")
}
