//! Tells the server what lies in an outbox, in order, until it is kept there.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Agent,
    client::{Pauses, Trouble, USUAL},
    held::Holding,
    outbox::{Outbox, Waiting},
};
use crate::protocol::EndTold;

/// Of one call.
const MOST_MESSAGES: usize = 64;
const MOST_BYTES: u64 = 1024 * 1024;
/// Between two calls of a server that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// All that could be told is; the server has refused some items for good.
    All { refused: i64 },
    /// The attempt is not this node's any more.
    Lost,
    /// The agent ends first.
    NotYet,
}

impl Agent {
    /// Tells what the outbox has and gets, until `finished` and all is told.
    pub(super) async fn tell(&self, holding: &Holding, outbox: &Outbox, finished: &CancellationToken) -> Told {
        let mut pauses = Pauses::up_to(LONGEST_PAUSE);
        let (mut most, mut refused) = (MOST_MESSAGES, 0);
        loop {
            let messages = outbox.first(most, MOST_BYTES);
            if messages.is_empty() {
                if finished.is_cancelled() && outbox.first(1, 0).is_empty() {
                    return Told::All { refused };
                }
                tokio::select! {
                    () = outbox.changed.notified() => continue,
                    () = finished.cancelled(), if !finished.is_cancelled() => continue,
                    () = holding.lost.cancelled() => return Told::Lost,
                    () = self.quit.cancelled() => return Told::NotYet,
                }
            }
            let trouble = tokio::select! {
                sent = self.send(holding, outbox, &messages) => sent.err(),
                () = holding.lost.cancelled() => return Told::Lost,
                () = self.quit.cancelled() => return Told::NotYet,
            };
            match trouble {
                None => {
                    outbox.forget(&messages).await;
                    pauses.reset();
                    most = MOST_MESSAGES;
                }
                Some(trouble) if trouble.is_lost() => {
                    holding.lose();
                    return Told::Lost;
                }
                Some(trouble) if trouble.is_passing() => {
                    tracing::debug!(%trouble, "told again later");
                    tokio::select! {
                        () = pauses.pause() => {}
                        () = holding.lost.cancelled() => return Told::Lost,
                        () = self.quit.cancelled() => return Told::NotYet,
                    }
                }
                // One of them is not acceptable: each by itself then.
                Some(_) if messages.len() > 1 => most = 1,
                Some(trouble) => {
                    tracing::error!(%trouble, task = %holding.told().task_id, "what an attempt told is given up");
                    refused += outbox.items_in(&messages).await;
                    outbox.forget(&messages).await;
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
        let mut pauses = Pauses::up_to(LONGEST_PAUSE);
        let body = serde_json::to_vec(end).unwrap_or_default();
        loop {
            let ended = tokio::select! {
                ended = self.server.call::<()>("/nodes/end", body.clone(), USUAL) => ended,
                () = holding.lost.cancelled() => return Told::Lost,
                () = self.quit.cancelled() => return Told::NotYet,
            };
            match ended {
                Ok(_) => return Told::All { refused: 0 },
                Err(trouble) if trouble.is_passing() => {
                    tokio::select! {
                        () = pauses.pause() => {}
                        () = holding.lost.cancelled() => return Told::Lost,
                        () = self.quit.cancelled() => return Told::NotYet,
                    }
                }
                // Also where it was written down, and the answer was lost on its way.
                Err(trouble) => {
                    tracing::debug!(%trouble, "an end is not taken any more");
                    return Told::Lost;
                }
            }
        }
    }
}
