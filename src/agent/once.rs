//! What `crawlhub attempt` runs, in a container of a swarm: the one attempt that its token is of.
//!
//! The token lies in a file that the spider can read. So it is of use only to whoever takes the attempt first: the
//! container, which adds a key of its own that lies nowhere but in its memory.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    Agent,
    client::{EARLY, Pauses, Server, Trouble, USUAL},
    held::{Grip, Holding},
    settings::Settings,
};
use crate::{
    app::{Outside, runner_config},
    config::Config,
    platform::{
        disk::Disk,
        process::{
            Moment,
            presence::{self, Presence},
        },
        secrets::random_token,
    },
    protocol::{AttemptAnswer, AttemptBeat, OrderKind, PROTOCOL, Take, Taken, swarm_worker},
    runner::StopReason,
};

/// How long a call may wait for an order, and how long it may take beside that.
const WAIT: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two calls that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long what was found may take to be told once the container is to end: less than it has for that.
const GRACE: Duration = Duration::from_secs(25);

/// Takes the attempt, runs it and tells all of it. `stopped` ends it, to be tried again elsewhere.
pub async fn attempt(config: &Config, outside: Outside, stopped: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut settings = Settings::of(config)?;
    let file = settings.token_file.take().context("AGENT_TOKEN_FILE is needed: the attempt's token")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    settings.token = format!("{}.{}", text.trim(), random_token()).into();
    let storage = settings.storage.clone();
    let worker = swarm_worker(&crate::id::new());
    let presence = Presence::announce(&storage, &worker).await.context("the storage path cannot be used")?;
    let mut runner = runner_config(config, &storage, outside)?;
    runner.work_dir.clone_from(&settings.jobs);
    runner.server = Some(presence::file_of(&storage, &worker));
    let server = Server::new(&settings)?;
    let mut stopped = std::pin::pin!(stopped);
    let taken = tokio::select! {
        taken = take(&server, &settings.name) => taken?,
        () = &mut stopped => return Ok(()),
    };
    let Some((taken, until)) = taken else {
        tracing::info!("the attempt is over, or somebody else has it");
        return Ok(());
    };
    runner.build_env.extend(taken.build_env);
    let disk = Disk::new(&storage, config.server.min_free_bytes);
    let agent = Arc::new(Agent::open(&settings, runner, disk)?);
    let holding = Holding::of_job(&taken.job, &taken.instance, until);
    let grip = Grip::take(&agent, holding).context("the attempt is held already")?;
    let holding = grip.holding.clone();
    agent.tracker.spawn(agent.clone().keep(holding.clone()));
    let mut running = std::pin::pin!(agent.clone().run(taken.job, grip));
    tokio::select! {
        () = &mut running => {}
        () = &mut stopped => {
            holding.stop.request(StopReason::Shutdown);
            let _ = tokio::time::timeout(GRACE, running).await;
        }
    }
    agent.quit.cancel();
    agent.tracker.close();
    agent.tracker.wait().await;
    drop(presence);
    Ok(())
}

/// The attempt, and until when it is surely ours; none where it is not. Waits for a server that is away.
async fn take(server: &Server, machine: &str) -> anyhow::Result<Option<(Taken, Moment)>> {
    let take = serde_json::to_vec(&Take { machine: machine.to_owned(), protocol: PROTOCOL })?;
    let mut pauses = Pauses::up_to(LONGEST_PAUSE);
    loop {
        let sent = Moment::now();
        match server.call::<Taken>("/attempts/take", take.clone(), USUAL).await {
            Ok(Some(taken)) => {
                let until = sent + Duration::from_millis(taken.lease_ms);
                return Ok(Some((taken, until)));
            }
            Ok(None) => bail!("the server gave no attempt"),
            Err(trouble) if trouble.is_lost() => return Ok(None),
            Err(Trouble::Refused { said, .. }) => bail!("the server refuses this container: {said}"),
            Err(trouble) => {
                tracing::warn!("{trouble}; trying again");
                pauses.pause().await;
            }
        }
    }
}

impl Agent {
    /// Keeps the attempt, and does what the server orders.
    async fn keep(self: Arc<Self>, holding: Arc<Holding>) {
        let mut pauses = Pauses::up_to(LONGEST_PAUSE);
        // The first only tells what time it is.
        let mut wait = Duration::ZERO;
        loop {
            let beat = AttemptBeat {
                of: holding.told(),
                is_stopping: holding.stop.requested().is_some(),
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(0),
            };
            let body = serde_json::to_vec(&beat).unwrap_or_default();
            let sent = Moment::now();
            let asked = Instant::now();
            let called = self.server.call::<AttemptAnswer>("/attempts/beat", body, wait + PATIENCE);
            let Some(answer) = self.quit.run_until_cancelled(called).await else { return };
            match answer {
                Ok(Some(answer)) => {
                    if wait.is_zero() {
                        self.clock.set(answer.now, asked + asked.elapsed() / 2);
                    }
                    // What it knows already is as good as nothing; see `EARLY`.
                    let is_early = !wait.is_zero() && asked.elapsed() < EARLY;
                    let is_new = answer.order.is_some() && !beat.is_stopping;
                    wait = WAIT;
                    match answer.order {
                        Some(OrderKind::Lost) => return holding.lose(),
                        Some(OrderKind::Cancel) => holding.stop.request(StopReason::Cancelled),
                        None => {}
                    }
                    holding.extend(sent + Duration::from_millis(answer.lease_ms));
                    if !is_early || is_new {
                        pauses.reset();
                    } else if self.quit.run_until_cancelled(pauses.pause()).await.is_none() {
                        return;
                    }
                }
                Err(trouble) if trouble.is_lost() => return holding.lose(),
                Ok(None) | Err(_) => {
                    self.held.end_lapsed();
                    if self.quit.run_until_cancelled(pauses.pause()).await.is_none() {
                        return;
                    }
                }
            }
        }
    }
}
