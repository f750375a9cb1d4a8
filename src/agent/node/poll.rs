//! Asks for work, one call after the other, each of which waits at the server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Node;
use crate::{
    agent::{
        client::{EARLY, Pauses, Trouble},
        held::{Grip, Holding},
    },
    platform::process::Moment,
    protocol::{WorkGiven, WorkWanted},
};

const WAIT: Duration = Duration::from_secs(30);
/// Beside what the call waits for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Node {
    pub(super) async fn keep_asking(self: Arc<Self>) {
        let mut pauses = Pauses::up_to(Duration::from_secs(10));
        while !self.agent.stop.is_cancelled() {
            let mut changes = self.agent.held.changes();
            let free = if self.agent.disk.check_room().is_err() {
                0
            } else {
                self.settings.slots.saturating_sub(self.agent.held.running())
            };
            let (sent, asked) = (Moment::now(), Instant::now());
            let asking = self.ask(free);
            let given = if free > 0 {
                // Also when the agent stops: what the answer brings is given back.
                asking.await
            } else {
                // Only orders could come: when there is room again, it is asked for more.
                tokio::select! {
                    given = asking => given,
                    _ = changes.changed() => continue,
                    () = self.agent.stop.cancelled() => return,
                }
            };
            match given {
                // A server that stops answers at once, until it is gone.
                Ok(given) if given.is_empty() && asked.elapsed() < EARLY => {
                    self.agent.stop.run_until_cancelled(pauses.pause()).await;
                }
                Ok(given) => {
                    pauses.reset();
                    self.agent.held.obey(&given.orders);
                    let until = sent + Duration::from_millis(given.lease_ms);
                    for job in given.jobs {
                        // Held before the next call, which says what it knows of.
                        if let Some(grip) = Grip::take(&self.agent, Holding::of_job(&job, &self.instance, until)) {
                            self.agent.tracker.spawn(Box::pin(self.agent.clone().run(job, grip)));
                        }
                    }
                }
                Err(trouble) => {
                    tracing::debug!(%trouble, "asked for work again");
                    self.agent.stop.run_until_cancelled(pauses.pause()).await;
                }
            }
        }
    }

    async fn ask(&self, free: usize) -> Result<WorkGiven, Trouble> {
        let wanted = WorkWanted {
            instance: self.instance.clone(),
            free: i64::try_from(free).unwrap_or(0),
            wait_ms: u64::try_from(WAIT.as_millis()).unwrap_or(0),
            held: self.agent.held.all().iter().map(|holding| holding.told()).collect(),
            stopping: self.agent.held.stopping(),
        };
        let body = serde_json::to_vec(&wanted).map_err(|error| Trouble::Away(error.to_string()))?;
        let given = self.agent.server.call("/nodes/work", body, WAIT + PATIENCE).await?;
        given.ok_or_else(|| Trouble::Away("an empty answer".to_owned()))
    }
}
