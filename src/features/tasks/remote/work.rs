//! Nodes ask for work, and wait for it.

use std::time::Duration;

use axum::extract::State;
use chrono::TimeDelta;
use tokio::time::{Instant, timeout_at};

use super::{
    super::{
        Tasks,
        attempt::{JobSettings, Unready},
        types::{Claim, Ending},
    },
    millis,
};
use crate::{
    error::{Error, Result},
    features::nodes::{FromNode, Node},
    platform::http::{Body, Envelope, Reply},
    protocol::{NodeOrder, OrderKind, WorkGiven, WorkWanted, worker_name},
    runner::Job,
    text,
};

/// A call waits no longer: proxies in between would end it.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How often the queue is looked at without being woken: for tasks that another server queued, or whose time has come.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// For so long what an attempt needs may be away when it begins: it may also be gone for good.
const TO_BE_READY: TimeDelta = TimeDelta::minutes(10);
/// What an agent may ask for at once.
const MOST_JOBS: usize = 16;

/// Tasks for the node to run, and orders. Answers at once where there are some, else when there are, or at the end of the
/// wait with none.
#[utoipa::path(post, path = "/nodes/work", tag = "internal", request_body = WorkWanted,
    responses((status = 200, body = Envelope<WorkGiven>), (status = 409, description = "`heartbeat_first`")))]
pub(super) async fn work(
    State(tasks): State<Tasks>,
    FromNode { node, .. }: FromNode,
    Body(wanted): Body<WorkWanted>,
) -> Result<Reply<WorkGiven>> {
    if !node.instances.iter().any(|known| known.instance == wanted.instance) {
        return Err(Error::conflict(
            "heartbeat_first",
            text!("请先发送心跳", "a heartbeat of this start of the agent comes first"),
        ));
    }
    let lease = tasks.nodes.lease();
    let wait = Duration::from_millis(wanted.wait_ms).min(LONGEST_WAIT).min(lease / 2);
    let end = Instant::now() + wait;
    loop {
        let woken = tasks.queued.nodes();
        let mut woken = std::pin::pin!(woken.notified());
        woken.as_mut().enable();
        // It may have been changed, or deleted, while this waited.
        let node = tasks.nodes.get(&node.id).await?;
        let obstacle = node.obstacle(tasks.clock.now());
        let orders = tasks.orders(&node, &wanted).await?;
        let jobs = if obstacle.is_none() { tasks.take(&node, &wanted).await? } else { Vec::new() };
        let is_stopping = node.report.as_ref().is_some_and(|report| report.is_stopping);
        if !jobs.is_empty() || !orders.is_empty() || is_stopping || Instant::now() >= end || tasks.stop.is_cancelled() {
            return Ok(Reply::data(WorkGiven { jobs, lease_ms: millis(lease), orders }));
        }
        let next = end.min(Instant::now() + PERIOD);
        tokio::select! {
            _ = timeout_at(next, woken) => {}
            () = tasks.stop.cancelled() => {}
        }
    }
}

impl Tasks {
    /// What the agent is to hear of what it holds.
    async fn orders(&self, node: &Node, wanted: &WorkWanted) -> Result<Vec<NodeOrder>> {
        let worker = worker_name(&node.name, &wanted.instance);
        let cancelled = self.to_cancel(&worker).await?;
        let held = wanted.held.iter();
        let to_cancel =
            held.filter(|held| cancelled.contains(&held.task_id) && !wanted.stopping.contains(&held.task_id));
        Ok(to_cancel
            .map(|held| NodeOrder { task_id: held.task_id.clone(), attempt: held.attempt, order: OrderKind::Cancel })
            .collect())
    }

    /// Claims tasks for the node, and makes them ready. First of all those that were claimed for it in an answer that it
    /// never got.
    async fn take(&self, node: &Node, wanted: &WorkWanted) -> Result<Vec<Job>> {
        let worker = worker_name(&node.name, &wanted.instance);
        let mut jobs = Vec::new();
        let room = usize::try_from(wanted.free).unwrap_or(0).min(MOST_JOBS);
        if room == 0 || self.documents.check_room().is_err() {
            return Ok(jobs);
        }
        let known = |claim: &Claim| {
            wanted.held.iter().any(|held| held.task_id == claim.task_id && held.attempt == claim.attempt)
        };
        let lost: Vec<Claim> = self.claims_of(&worker).await?.into_iter().filter(|claim| !known(claim)).collect();
        let lease = TimeDelta::from_std(self.nodes.lease()).unwrap_or_default();
        for claim in lost.into_iter().take(room) {
            // The node counts its lease from this answer on, the row from one that was lost.
            if self.renew(claim.held(), lease, None).await?.is_none() {
                continue;
            }
            match self.job_elsewhere(&claim).await {
                Ok(job) => jobs.extend(job),
                Err(error) => {
                    leave(&claim, &error);
                    return Ok(jobs);
                }
            }
        }
        // Also where the agent counts wrongly, or the server knows better.
        let running = self.running_on(&node.name).await?;
        let left = usize::try_from(node.slots() - running).unwrap_or(0).min(room - jobs.len());
        let place = self.place_of(node).await?;
        for _ in 0..left {
            let Some(claim) = self.claim_next(&worker, lease, &place).await? else { break };
            self.signals.raise(&claim.task_id);
            match self.job_elsewhere(&claim).await {
                Ok(job) => jobs.extend(job),
                Err(error) => {
                    leave(&claim, &error);
                    break;
                }
            }
        }
        Ok(jobs)
    }

    /// None where it cannot be made ready: then it has ended here. An error where it may be a little later: then it is
    /// still held by whoever asked, and given when he asks again.
    pub(super) async fn job_elsewhere(&self, claim: &Claim) -> Result<Option<Job>> {
        // Whoever runs it knows where it reaches the server, and its own limits.
        let settings = JobSettings { api_url: String::new(), memory_limit_mb: self.default_memory_limit_mb };
        let ready = match self.job(claim, &settings).await {
            Ok(job) => self.reporter_of(claim).await.map(|_| job).map_err(Unready::Error),
            Err(unready) => Err(unready),
        };
        match ready {
            Ok(job) => Ok(Some(job)),
            Err(Unready::Error(error)) if error.is_passing() && self.may_wait(claim).await? => Err(error),
            Err(unready) => {
                self.write_end(claim, &Ending::of_unready(&unready)).await;
                self.queued.notify_one();
                Ok(None)
            }
        }
    }

    /// Whether an attempt that could not be made ready is young enough to be tried again, and nobody wants it ended.
    async fn may_wait(&self, claim: &Claim) -> Result<bool> {
        let young: Option<(i64,)> = self
            .db
            .query(
                "SELECT attempt FROM tasks
                  WHERE id = $1 AND attempt = $2 AND started_at > $3 AND cancel_requested_at IS NULL",
            )
            .bind(&claim.task_id)
            .bind(claim.attempt)
            .bind(self.clock.now() - TO_BE_READY)
            .fetch_optional()
            .await?;
        Ok(young.is_some())
    }
}

fn leave(claim: &Claim, error: &Error) {
    tracing::warn!(%error, task = %claim.task_id, "an attempt of a node cannot be made ready yet");
}
