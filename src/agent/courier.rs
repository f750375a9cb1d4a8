//! Tells the server what lies in an outbox, in order, until it is kept there.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{
    Agent,
    attempt::lacks,
    client::{Pauses, Trouble, USUAL},
    held::Holding,
    outbox::{Outbox, Waiting},
};
use crate::{platform::process::Moment, protocol::EndTold, runner::StopReason};

/// Of one call.
const MOST_MESSAGES: usize = 64;
const MOST_BYTES: u64 = 1024 * 1024;
/// Between two calls of a server that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// So often the same is told to a server that answers each time that it fails by a fault of its own.
const MOST_FAULTS: usize = 20;
/// For so long a server that cannot take something is asked once the attempt is to be cancelled.
const PATIENCE_WHEN_CANCELLED: Duration = Duration::from_secs(10);

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// All that could be told is. Some was given up, with so many items in it, and that is why the last of it was.
    All { items: i64, given_up: Option<String> },
    /// The attempt is not this node's any more.
    Lost,
    /// The agent ends first. What was given up until then, as above.
    NotYet { items: i64, given_up: Option<String> },
}

impl Told {
    /// Nothing was given up until then.
    const NOT_YET: Self = Self::NotYet { items: 0, given_up: None };

    /// Whether nothing of it is left for a later start of the agent.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(self, Self::NotYet { .. })
    }
}

/// What one message, or one end, has met with so far.
#[derive(Debug)]
struct Insistence {
    pauses: Pauses,
    faults: usize,
    /// Until when the attempt was granted at the first of them.
    granted: Option<Moment>,
    cancelled: Option<Instant>,
}

impl Insistence {
    fn new() -> Self {
        Self { pauses: Pauses::up_to(LONGEST_PAUSE), faults: 0, granted: None, cancelled: None }
    }

    /// Whether it is of no use to say the same once more. A server that is away is waited for.
    fn is_over(&mut self, trouble: &Trouble, holding: &Holding) -> bool {
        if !trouble.is_passing() || self.has_faults_enough(trouble, holding) {
            return true;
        }
        let is_cancelled = holding.stop.requested() == Some(StopReason::Cancelled);
        if !is_cancelled || !matches!(trouble, Trouble::Failing { .. }) {
            return false;
        }
        self.cancelled.get_or_insert_with(Instant::now).elapsed() >= PATIENCE_WHEN_CANCELLED
    }

    fn has_faults_enough(&mut self, trouble: &Trouble, holding: &Holding) -> bool {
        if !matches!(trouble, Trouble::Failing { is_fault: true, .. }) {
            return false;
        }
        self.faults += 1;
        let granted = *self.granted.get_or_insert_with(|| holding.until());
        // It heard of the attempt meanwhile, and kept it: only this it cannot.
        self.faults >= MOST_FAULTS && holding.until() > granted
    }

    /// With the next message; what a cancel has waited for it does not wait for again.
    fn begin_anew(&mut self) {
        *self = Self { cancelled: self.cancelled, ..Self::new() };
    }
}

impl Agent {
    /// Tells what the outbox has and gets, until `finished` and all is told.
    pub(super) async fn tell(&self, holding: &Holding, outbox: &Outbox, finished: &CancellationToken) -> Told {
        let mut insistence = Insistence::new();
        let (mut most, mut items, mut given_up) = (MOST_MESSAGES, 0, None);
        loop {
            let messages = outbox.first(most, MOST_BYTES);
            if messages.is_empty() {
                if finished.is_cancelled() && outbox.first(1, 0).is_empty() {
                    return Told::All { items, given_up };
                }
                tokio::select! {
                    () = outbox.changed.notified() => continue,
                    () = finished.cancelled(), if !finished.is_cancelled() => continue,
                    () = holding.lost.cancelled() => return Told::Lost,
                    () = self.quit.cancelled() => return Told::NotYet { items, given_up },
                }
            }
            let trouble = tokio::select! {
                sent = self.send(holding, outbox, &messages) => sent.err(),
                () = holding.lost.cancelled() => return Told::Lost,
                () = self.quit.cancelled() => return Told::NotYet { items, given_up },
            };
            let Some(trouble) = trouble else {
                outbox.forget(&messages).await;
                (insistence, most) = (Insistence::new(), MOST_MESSAGES);
                continue;
            };
            if trouble.is_lost() {
                holding.lose();
                return Told::Lost;
            }
            // One of them is not acceptable: each by itself then.
            let is_one = messages.len() == 1;
            if !is_one && !matches!(trouble, Trouble::Away(_)) {
                most = 1;
            }
            if is_one && insistence.is_over(&trouble, holding) {
                tracing::error!(%trouble, task = %holding.told().task_id, "what an attempt told is given up");
                let (lost, why) = (outbox.items_in(&messages).await, trouble.to_string());
                // Of an attempt that has ended before: whoever settles it after this start knows only what is written.
                if let Some(mut end) = outbox.end().await {
                    lacks(&mut end, lost, &why);
                    if let Err(error) = outbox.set_end(&end).await {
                        tracing::warn!(%error, "what is given up cannot be written to the disk");
                    }
                }
                items += lost;
                given_up = Some(why);
                outbox.forget(&messages).await;
                insistence.begin_anew();
            } else if trouble.is_passing() {
                tracing::debug!(%trouble, "told again later");
                tokio::select! {
                    () = insistence.pauses.pause() => {}
                    () = holding.lost.cancelled() => return Told::Lost,
                    () = self.quit.cancelled() => return Told::NotYet { items, given_up },
                }
            }
        }
    }

    async fn send(&self, holding: &Holding, outbox: &Outbox, messages: &[Waiting]) -> Result<(), Trouble> {
        let unreadable = |error: std::io::Error| Trouble::Away(format!("the outbox cannot be read: {error}"));
        let texts = outbox.texts(messages).await.map_err(unreadable)?;
        let of = serde_json::to_string(&holding.told()).map_err(|error| unreadable(error.into()))?;
        let mut body = format!("{{\"of\":{of},\"messages\":[").into_bytes();
        body.extend(texts);
        body.extend(b"]}");
        self.server.call::<()>("/nodes/told", body, Duration::from_mins(1)).await.map(drop)
    }

    /// Tells how the attempt ended, until that is written down.
    pub(super) async fn tell_end(&self, holding: &Holding, end: &EndTold) -> Told {
        let mut insistence = Insistence::new();
        let body = serde_json::to_vec(end).unwrap_or_default();
        loop {
            let ended = tokio::select! {
                ended = self.server.call::<()>("/nodes/end", body.clone(), USUAL) => ended,
                () = holding.lost.cancelled() => return Told::Lost,
                () = self.quit.cancelled() => return Told::NOT_YET,
            };
            let Err(trouble) = ended else { return Told::All { items: 0, given_up: None } };
            if !trouble.is_passing() {
                // Also where it was written down, and the answer was lost on its way.
                tracing::debug!(%trouble, "an end is not taken any more");
                return Told::Lost;
            }
            if insistence.has_faults_enough(&trouble, holding) {
                let task = holding.told().task_id;
                tracing::error!(%trouble, %task, "the end of an attempt is given up: the server ends it with its lease");
                return Told::Lost;
            }
            tokio::select! {
                () = insistence.pauses.pause() => {}
                () = holding.lost.cancelled() => return Told::Lost,
                () = self.quit.cancelled() => return Told::NOT_YET,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::HeldAttempt;

    #[test]
    fn only_what_a_server_fails_at_by_its_own_fault_again_and_again_is_given_up() {
        let of =
            HeldAttempt { task_id: "t".to_owned().into(), attempt: 1, instance: "i".to_owned(), peak_memory_mb: None };
        let holding = Holding::former(of, Moment::now());
        let fault = || Trouble::Failing { is_fault: true, said: "internal error".to_owned() };
        let mut insistence = Insistence::new();
        for _ in 0..2 * MOST_FAULTS {
            assert!(!insistence.is_over(&fault(), &holding), "nobody has kept the attempt meanwhile");
        }
        holding.extend(Moment::now() + Duration::from_mins(1));
        assert!(insistence.is_over(&fault(), &holding));
        for passing in [
            Trouble::Away("no answer in time".to_owned()),
            Trouble::Failing { is_fault: false, said: "files is unavailable".to_owned() },
        ] {
            assert!(!insistence.is_over(&passing, &holding), "{passing}");
        }
        insistence.begin_anew();
        assert!(!insistence.is_over(&fault(), &holding));
        let refused = Trouble::Refused { code: "body_too_large".to_owned(), said: "413".to_owned() };
        assert!(insistence.is_over(&refused, &holding));
        // A cancel waits a little, and then for nothing but a server that is away.
        holding.stop.request(StopReason::Cancelled);
        let unavailable = Trouble::Failing { is_fault: false, said: "documents is unavailable".to_owned() };
        assert!(!insistence.is_over(&unavailable, &holding));
        insistence.cancelled = Instant::now().checked_sub(PATIENCE_WHEN_CANCELLED);
        assert!(insistence.is_over(&unavailable, &holding));
        insistence.begin_anew();
        assert!(insistence.is_over(&unavailable, &holding));
        assert!(!insistence.is_over(&Trouble::Away("no answer in time".to_owned()), &holding));
    }
}
