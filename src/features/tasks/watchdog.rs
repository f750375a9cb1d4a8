//! Loop: attempts whose server is gone → ended, and tried again where the spider's settings say so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    ErrorCategory, Tasks,
    claims::{DISOWNED, GRACE},
    reporter::Reporter,
    types::{Claim, Ending, Held, Interruption},
};
use crate::{
    clock::SyncedClock,
    error::Result,
    id::TaskId,
    platform::process::presence::{Former, Presence},
    protocol::{NODE_WORKERS, SWARM_WORKERS},
    runner::Runner,
};

/// How often lost attempts are looked for.
const PERIOD: Duration = Duration::from_secs(5);
/// The same while something that a former server of this machine started may still be ending.
const PERIOD_AFTER_CRASH: Duration = Duration::from_millis(250);
/// For so long after the start: what is not gone by then is stuck.
const HURRY: Duration = Duration::from_mins(1);

/// So long nodes and containers have, once a server is up, to find it again: more than their longest pause between two
/// calls.
pub(super) const ELSEWHERE_RETURNS: Duration = Duration::from_mins(1);

/// So long whoever looks after the swarm has, to judge a start that is late: it knows better why.
const START_IS_JUDGED: Duration = Duration::from_mins(2);

/// Finds attempts that nobody runs any more.
#[derive(Debug, Clone)]
pub struct Watchdog {
    tasks: Tasks,
    runner: Arc<Runner>,
    worker: String,
    lease: Duration,
    clock: Arc<SyncedClock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Servers that used this data directory before, for as long as they may have left something that runs.
    former: Vec<Former>,
    started: Instant,
    /// Claims as they were seen first, and when.
    seen: HashMap<TaskId, (Held, Instant)>,
}

impl Watchdog {
    /// `worker` is this server, `lease` how long a claim holds.
    pub fn new(
        tasks: Tasks,
        runner: Arc<Runner>,
        (worker, lease): (&str, Duration),
        clock: Arc<SyncedClock>,
        presence: &Presence,
    ) -> std::io::Result<Self> {
        let state = State { former: presence.former()?, started: Instant::now(), seen: HashMap::new() };
        Ok(Self { tasks, runner, worker: worker.to_owned(), lease, clock, state: Arc::new(Mutex::new(state)) })
    }

    pub fn period(&self) -> Duration {
        PERIOD
    }

    /// Ends what is lost. A spider's processes end with their server: the supervisor between them sees to that. Of this
    /// machine's servers it is known when they have; of others it is once a claim has run out, with some grace. Answers
    /// when to look again.
    pub async fn run_once(&self) -> anyhow::Result<Duration> {
        for worker in self.gone().await? {
            match self.tasks.disown(&worker).await {
                Ok(()) => {
                    let mut state = self.state();
                    state.former.extract_if(.., |former| former.worker() == worker).for_each(Former::forget);
                }
                Err(error) => tracing::warn!(%error, worker, "a former server's tasks cannot be taken over yet"),
            }
        }
        for held in self.lost(self.tasks.held().await?) {
            if self.tasks.stop.is_cancelled() {
                break;
            }
            // While the database was away nobody could renew: whoever still runs here does so soon.
            if self.tasks.runs_here(&held.task_id, held.attempt) {
                continue;
            }
            if let Err(error) = Box::pin(self.end_lost(&held)).await {
                tracing::warn!(%error, task = %held.task_id, "a lost task cannot be ended yet");
            }
        }
        let state = self.state();
        let is_hurried = state.started.elapsed() < HURRY && !state.former.is_empty();
        Ok(if is_hurried { PERIOD_AFTER_CRASH } else { PERIOD })
    }

    /// Those of which nothing is left by now.
    async fn gone(&self) -> anyhow::Result<Vec<String>> {
        if self.state().former.is_empty() {
            return Ok(Vec::new());
        }
        let watchdog = self.clone();
        let look = move || {
            let mut state = watchdog.state();
            let former = state.former.iter_mut();
            former.filter_map(|former| former.is_gone().then(|| former.worker().to_owned())).collect()
        };
        Ok(tokio::task::spawn_blocking(look).await?)
    }

    /// A claim is lost when its time is over, and its grace; or when it has not moved for so long, whatever the clocks
    /// say. Just after the clock was set its word does not count: others may not have heard of it.
    fn lost(&self, held: Vec<Held>) -> Vec<Held> {
        let honoured = self.lease + GRACE.to_std().unwrap_or_default();
        let over_at = self.clock.is_steady_for(honoured).then(|| self.tasks.clock.now() - GRACE);
        let honoured_elsewhere = self.tasks.nodes.lease() + GRACE.to_std().unwrap_or_default();
        let honoured_of_starts = self.tasks.swarm.start_time() + GRACE.to_std().unwrap_or_default() + START_IS_JUDGED;
        let mut state = self.state();
        let up_for = state.started.elapsed();
        let mut seen = std::mem::take(&mut state.seen);
        let mut lost = Vec::new();
        for claim in held {
            let former = seen.remove(&claim.task_id).filter(|(former, _)| *former == claim);
            let (_, since) = former.unwrap_or_else(|| (claim.clone(), Instant::now()));
            let is_over = over_at.is_some_and(|at| claim.lease_until < at);
            let is_elsewhere = [NODE_WORKERS, SWARM_WORKERS].iter().any(|start| claim.worker_id.starts_with(start));
            // While no server was up, nothing elsewhere could keep its claims: what lives does so soon.
            let is_over = is_over && !(is_elsewhere && up_for < ELSEWHERE_RETURNS);
            let is_start = claim.worker_id == SWARM_WORKERS;
            let is_over = is_over && !(is_start && over_at.is_some_and(|at| claim.lease_until + START_IS_JUDGED > at));
            let honoured = match claim.worker_id.as_str() {
                SWARM_WORKERS => honoured_of_starts,
                _ if is_elsewhere => honoured_elsewhere,
                _ => honoured,
            };
            if is_over || claim.lease_until == DISOWNED || since.elapsed() > honoured {
                lost.push(claim.clone());
            }
            state.seen.insert(claim.task_id.clone(), (claim, since));
        }
        lost
    }

    async fn end_lost(&self, held: &Held) -> Result<()> {
        let tasks = &self.tasks;
        let Some(claim) = tasks.take_over(held, &self.worker).await? else { return Ok(()) };
        // What the SDK could not send any more lies in the attempt's folder, where that is on this machine.
        let reporter = Reporter::new(tasks, &claim).await?;
        let undelivered = self.runner.salvage(&claim.task_id, claim.attempt, &reporter).await;
        let message = if held.worker_id == SWARM_WORKERS {
            "no container of the swarm began the task in its time, and no server could say why"
        } else if held.worker_id.starts_with(SWARM_WORKERS) {
            "the machine of the swarm that ran the task is gone, or was cut off from the server for longer than its claim \
             held; what the spider had delivered is kept"
        } else if held.worker_id.starts_with(NODE_WORKERS) {
            "the node that ran the task is gone, or was cut off from the server for longer than its claim held; what the \
             spider had delivered is kept"
        } else {
            "the server that ran the task is gone, or was cut off from the database for longer than its claim held; what \
             the spider had delivered is kept"
        };
        let lost = Ending::failed(ErrorCategory::System, message.to_owned());
        let ending = Ending { undelivered, interruption: Some(Interruption::Lost), ..lost };
        let Claim { task_id, attempt, .. } = &claim;
        if let Some(status) = tasks.finish(&claim, &ending).await? {
            tracing::warn!(task = %task_id, attempt, %status, "task {task_id} was lost with its server");
            tasks.signals.raise(task_id);
            tasks.queued.notify_one();
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// At the start: removes the folders that a killed server left, but for those whose tasks have not been ended.
    pub async fn sweep(&self, runner: &Runner) -> anyhow::Result<()> {
        let running = self.held().await?.into_iter().map(|held| (held.task_id, held.attempt)).collect::<Vec<_>>();
        Ok(runner.sweep(&running).await?)
    }
}
