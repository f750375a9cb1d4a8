//! Heartbeats: they keep what is held, and bring orders.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use anyhow::bail;

use super::Node;
use crate::{
    agent::client::{Pauses, Trouble},
    clock::{Clock, SystemClock},
    platform::process::Moment,
    protocol::{Beat, BeatAnswer, NodeReport, PROTOCOL},
};

/// Of one heartbeat, at most: one that hangs must not keep the next.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer that took longer does not tell what time it is.
const SLOW: Duration = Duration::from_millis(500);

impl Node {
    /// The first heartbeat. Waits for a server that is away; an error where it refuses.
    pub(super) async fn introduce(&self) -> anyhow::Result<()> {
        let mut pauses = Pauses::up_to(Duration::from_secs(10));
        loop {
            match self.beat(PATIENCE).await {
                Ok(answer) => {
                    let (name, master) = (&self.settings.name, &self.settings.master);
                    tracing::info!(id = %answer.node_id, "node {name} works for {master}");
                    return Ok(());
                }
                Err(Trouble::Refused { said, .. }) => bail!("the server refuses this node: {said}"),
                Err(trouble) => {
                    tracing::warn!("{trouble}; trying again");
                    pauses.pause().await;
                }
            }
        }
    }

    pub(super) async fn keep_beating(self: Arc<Self>) {
        let mut pauses = Pauses::up_to(Duration::from_secs(10));
        let (mut period, mut was_well) = (Duration::from_secs(1), true);
        let mut knows_of_stop = false;
        loop {
            let waiting = async { if was_well { tokio::time::sleep(period).await } else { pauses.pause().await } };
            tokio::select! {
                () = waiting => {}
                // That it stops is said at once.
                () = self.agent.stop.cancelled(), if !knows_of_stop => knows_of_stop = true,
                () = self.agent.quit.cancelled() => return,
            }
            match self.beat(period.clamp(Duration::from_secs(1), PATIENCE)).await {
                Ok(answer) => {
                    period = Duration::from_millis(answer.beat_ms).mul_f64(0.9);
                    pauses.reset();
                    if !was_well {
                        tracing::info!("the server is back");
                    }
                    was_well = true;
                }
                Err(trouble) => {
                    if was_well {
                        tracing::warn!("{trouble}");
                    }
                    was_well = false;
                }
            }
            self.agent.held.end_lapsed();
        }
    }

    async fn beat(&self, patience: Duration) -> Result<BeatAnswer, Trouble> {
        let beat = self.present();
        let body = serde_json::to_vec(&beat).map_err(|error| Trouble::Away(error.to_string()))?;
        let (sent, asked) = (Moment::now(), Instant::now());
        let answer = self.agent.server.call::<BeatAnswer>("/nodes/heartbeat", body, patience).await?;
        let answer = answer.ok_or_else(|| Trouble::Away("an empty answer".to_owned()))?;
        let took = asked.elapsed();
        if took < SLOW {
            self.agent.clock.set(answer.now, asked + took / 2);
        }
        self.agent.held.extend(&beat.held, &answer.orders, sent + Duration::from_millis(answer.lease_ms));
        self.agent.held.obey(&answer.orders);
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).retain(|gone| !beat.gone.contains(gone));
        Ok(answer)
    }

    fn present(&self) -> Beat {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        Beat {
            name: self.settings.name.clone(),
            instance: self.instance.clone(),
            protocol: PROTOCOL,
            clock: SystemClock.now(),
            report: NodeReport {
                slots: count(self.settings.slots),
                labels: self.settings.labels.clone(),
                versions: machine.versions(),
                load: machine.load(&self.agent.disk),
                is_disk_full: self.agent.disk.check_room().is_err(),
                is_stopping: self.agent.stop.is_cancelled(),
                running_tasks: count(self.agent.held.running()),
            },
            held: self.agent.held.all().iter().map(|holding| holding.told()).collect(),
            gone: self.gone.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
