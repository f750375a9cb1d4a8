//! Loop: waiting tasks → jobs of the swarm; jobs that are over, or nobody's → removed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::sleep};

use super::{
    super::{
        ErrorCategory, Tasks,
        attempt::Unready,
        types::{Claim, Ending, InSwarm},
    },
    Seen, TYPE, Well,
    judge::{View, cancelled},
    making::attempt_of,
};
use crate::{
    error::{Error, Result, Text},
    id::TaskId,
    platform::containers::{
        ContainerError, Labels,
        swarm::{self, Job, JobState, Machine},
    },
    protocol::SWARM_WORKERS,
    text,
};

/// How often the swarm is looked at while it has something to do for us.
const PERIOD: Duration = Duration::from_secs(1);
/// The same while it does not answer.
const AWAY: Duration = Duration::from_secs(3);
/// The same while it has not: for what others left there, and whether it answers.
const IDLE: Duration = Duration::from_secs(10);

/// Why a look is broken off.
#[derive(Debug)]
enum Trouble {
    /// The manager does not do what it is asked: it would not do the next thing either.
    Manager(ContainerError),
    Server(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// What the swarm has of ours.
struct There {
    machines: Vec<Machine>,
    jobs: Vec<Job>,
    secrets: Vec<(String, Labels)>,
}

impl There {
    async fn look(manager: &swarm::Swarm) -> Result<Self, ContainerError> {
        let (machines, jobs) = (manager.machines().await?, manager.jobs(TYPE).await?);
        Ok(Self { machines, jobs, secrets: manager.secrets(TYPE).await? })
    }

    fn unplaced(&self) -> HashMap<(TaskId, i64), String> {
        let said = |job: &Job| match &job.state {
            JobState::Waiting { why } if !why.is_empty() => Some((attempt_of(&job.labels)?, why.clone())),
            _ => None,
        };
        self.jobs.iter().filter_map(said).collect()
    }
}

impl Tasks {
    /// Whether the swarm answered when it was looked at last; none where there is none.
    pub fn swarm_answers(&self) -> Option<bool> {
        self.swarm.answers()
    }

    /// Notified when something may be waiting, or has ended.
    pub fn swarm_wake(&self) -> Arc<Notify> {
        self.queued.swarm()
    }

    /// Brings the swarm to what the claims say, and takes more. Answers when to look again.
    pub async fn look_after_swarm(&self) -> anyhow::Result<Duration> {
        let looked = Box::pin(self.look_at_it()).await;
        if looked.is_err() {
            // Where the database did not answer, it may not have answered containers either.
            self.swarm.see(Seen { well: None, ..self.swarm.seen() });
        }
        Ok(looked?)
    }

    async fn look_at_it(&self) -> Result<Duration> {
        self.end_cancelled().await?;
        let Some(manager) = &self.swarm.manager else { return Ok(IDLE) };
        let before = self.swarm.seen();
        if !before.is_due() && !self.concerns_swarm().await? {
            return Ok(IDLE);
        }
        let began = Well { since: Instant::now(), from: self.clock.now() };
        match Box::pin(self.look_at(manager, before.well)).await {
            Ok((seen, next)) => {
                if before.obstacle.is_some() {
                    tracing::info!("the swarm is back");
                }
                self.swarm.see(Seen { well: before.well.or(Some(began)), ..seen });
                Ok(next)
            }
            Err(Trouble::Manager(error)) => {
                if before.obstacle.is_none() {
                    tracing::warn!(%error, "the swarm cannot be used");
                }
                self.swarm.see(Seen { obstacle: Some(obstacle_of(&error)), ..Seen::default() });
                Ok(AWAY)
            }
            Err(Trouble::Server(error)) => Err(error),
        }
    }

    /// Ends attempts that are to be cancelled and that no container has taken: that takes no manager.
    async fn end_cancelled(&self) -> Result<()> {
        for held in self.in_swarm().await?.iter().filter(|held| held.is_waiting() && held.is_cancelled) {
            self.end_in_swarm(held, &cancelled()).await?;
        }
        Ok(())
    }

    /// One look, after some that went well since `well`.
    async fn look_at(&self, manager: &swarm::Swarm, well: Option<Well>) -> Result<(Seen, Duration), Trouble> {
        let there = {
            let mut look = std::pin::pin!(There::look(manager));
            loop {
                tokio::select! {
                    there = &mut look => break there.map_err(Trouble::Manager)?,
                    () = sleep(PERIOD) => self.end_cancelled().await?,
                }
            }
        };
        // Read after the jobs: one that has no claim now never gets one again.
        let claims = self.in_swarm().await?;
        self.end_and_remove(manager, &there, &claims, View::of(well, self.clock.now())).await?;
        let jobs: HashSet<_> = there.jobs.iter().filter_map(|job| attempt_of(&job.labels)).collect();
        for waiting in claims.iter().filter(|claim| claim.is_waiting() && !claim.is_cancelled) {
            if !jobs.contains(&(waiting.claim.task_id.clone(), waiting.claim.attempt)) {
                self.make_job(manager, waiting).await?;
            }
        }
        let has_claimed = self.claim_for_swarm(manager, &there.machines).await?;
        let has_any = !there.jobs.is_empty() || !there.secrets.is_empty();
        let next = if has_any || has_claimed || !claims.is_empty() { PERIOD } else { IDLE };
        let (unplaced, at) = (there.unplaced(), Some(Instant::now()));
        Ok((Seen { machines: there.machines, unplaced, has_any, at, ..Seen::default() }, next))
    }

    /// Whether any task waits for the swarm, or runs there.
    async fn concerns_swarm(&self) -> Result<bool> {
        let (count,): (i64,) = self
            .db
            .query(
                "SELECT COUNT(*) FROM tasks JOIN spiders ON spiders.id = tasks.spider_id
                  WHERE tasks.status IN ('pending', 'running') AND spiders.runner = 'swarm'",
            )
            .fetch_one()
            .await?;
        Ok(count > 0)
    }

    /// Ends attempts whose jobs are over without a word, and removes jobs and secrets that are nobody's.
    async fn end_and_remove(
        &self,
        manager: &swarm::Swarm,
        there: &There,
        claims: &[InSwarm],
        view: View,
    ) -> Result<(), Trouble> {
        let claim_of =
            |of: &(TaskId, i64)| claims.iter().find(|held| held.claim.task_id == of.0 && held.claim.attempt == of.1);
        for job in &there.jobs {
            let held = attempt_of(&job.labels).as_ref().and_then(claim_of);
            if let Some(held) = held {
                let Some(ending) = self.swarm.ending_of(job, held, view) else { continue };
                if !self.end_in_swarm(held, &ending).await? {
                    continue;
                }
            }
            removed(job.name.as_str(), manager.remove(job).await)?;
        }
        for (name, labels) in &there.secrets {
            let is_held = attempt_of(labels).as_ref().and_then(claim_of).is_some();
            if !is_held && !there.jobs.iter().any(|job| &job.name == name) {
                removed(name, manager.remove_secret(name).await)?;
            }
        }
        Ok(())
    }

    /// Ends an attempt that nobody ends. False where somebody did, or it moves again.
    async fn end_in_swarm(&self, held: &InSwarm, ending: &Ending) -> Result<bool> {
        let taker = format!("end of {}", held.claim.worker_id);
        let Some(claim) = self.take_over(&held.held(), &taker).await? else { return Ok(false) };
        if !held.is_waiting() {
            self.reporter_of(&claim).await?.finish_log().await;
        }
        let has_ended = self.write_end(&claim, ending).await;
        self.remote.forget(&claim);
        self.signals.raise(&claim.task_id);
        self.queued.notify_one();
        Ok(has_ended)
    }

    /// Takes tasks as long as there is room, and makes their jobs. Whether there was any.
    async fn claim_for_swarm(&self, manager: &swarm::Swarm, machines: &[Machine]) -> Result<bool, Trouble> {
        let mut has_claimed = false;
        if self.swarm.settings.api_url.is_empty() || self.documents.check_room().is_err() {
            return Ok(false);
        }
        while !self.stop.is_cancelled() {
            let Some(place) = self.place_in(machines).await? else { break };
            let claim = self.claim_next(SWARM_WORKERS, self.swarm.start_lease(), &place).await?;
            let Some(claim) = claim else { break };
            has_claimed = true;
            self.signals.raise(&claim.task_id);
            self.make_job_of(manager, &claim).await?;
        }
        Ok(has_claimed)
    }

    /// Of a claim whose job is not there: it could not be made before, or somebody is about to.
    async fn make_job(&self, manager: &swarm::Swarm, waiting: &InSwarm) -> Result<(), Trouble> {
        match self.swarm.ending_without(waiting, self.clock.now()) {
            Some(ending) => Ok(self.end_in_swarm(waiting, &ending).await.map(drop)?),
            None => self.make_job_of(manager, &waiting.claim).await,
        }
    }

    async fn make_job_of(&self, manager: &swarm::Swarm, claim: &Claim) -> Result<(), Trouble> {
        let spec = match self.spec_of(claim).await {
            Err(error) if error.is_passing() => return Err(error.into()),
            Err(error) => {
                self.write_end(claim, &Ending::of_unready(&Unready::Error(error))).await;
                return Ok(());
            }
            Ok(spec) => spec,
        };
        match manager.make(TYPE, &spec).await {
            Ok(()) => {
                tracing::info!(task = %claim.task_id, job = spec.name, "task {} goes to the swarm", claim.task_id);
            }
            // It may have been made all the same: the next look knows. Until then nothing more is claimed.
            Err(error @ ContainerError::Unavailable(_)) => return Err(Trouble::Manager(error)),
            Err(error) => {
                let message = format!("the swarm does not take the job: {error}");
                self.write_end(claim, &Ending::failed(ErrorCategory::System, message)).await;
            }
        }
        Ok(())
    }
}

impl Seen {
    /// Whether it is time to look, although nothing is known to be there or to wait.
    fn is_due(&self) -> bool {
        self.has_any || self.at.is_none_or(|at| at.elapsed() > IDLE)
    }
}

fn removed(job: &str, answer: Result<(), ContainerError>) -> Result<(), Trouble> {
    match answer {
        Err(error @ ContainerError::Unavailable(_)) => return Err(Trouble::Manager(error)),
        Err(error) => tracing::warn!(%error, job, "a job of the swarm cannot be removed yet"),
        Ok(()) => {}
    }
    Ok(())
}

fn obstacle_of(error: &ContainerError) -> Text {
    if swarm::is_no_manager(error) {
        return text!(
            "swarm.host 处的 Docker 不是 Swarm 管理节点",
            "the Docker at swarm.host is no manager of a swarm: run `docker swarm init`, or name another"
        );
    }
    text!("Swarm 没有应答（swarm.host）", "the swarm does not answer at swarm.host")
}
