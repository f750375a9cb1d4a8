//! Heartbeats of nodes keep their claims.

use axum::extract::State;
use chrono::TimeDelta;

use super::{super::Tasks, millis};
use crate::{
    error::Result,
    features::nodes::FromNode,
    platform::http::{Body, Envelope, Reply},
    protocol::{Beat, BeatAnswer, HeldAttempt, NodeOrder, OrderKind, worker_name},
};

/// The agent lives. What it holds it holds for another lease; the answer says what it no longer does.
#[utoipa::path(post, path = "/nodes/heartbeat", tag = "internal", request_body = Beat,
    responses((status = 200, body = Envelope<BeatAnswer>),
        (status = 409, description = "`node_name_mismatch`, `agent_incompatible`")))]
pub(super) async fn heartbeat(
    State(tasks): State<Tasks>,
    from: FromNode,
    Body(beat): Body<Beat>,
) -> Result<Reply<BeatAnswer>> {
    let node = tasks.nodes.beat(&from, &beat).await?;
    let lease = tasks.nodes.lease();
    let mut orders = Vec::new();
    for held in &beat.held {
        orders.extend(tasks.keep(&worker_name(&node.name, &held.instance), held).await?);
    }
    for instance in &beat.gone {
        // Nothing of it is left that could run: what it never told of passes on at once.
        tasks.disown(&worker_name(&node.name, instance)).await?;
    }
    if beat.report.is_stopping {
        // Its call for work that still waits ends then.
        tasks.queued.wake_nodes();
    }
    Ok(Reply::data(BeatAnswer {
        node_id: node.id,
        now: tasks.clock.now(),
        lease_ms: millis(lease),
        beat_ms: millis(tasks.nodes.beat_period()),
        is_draining: node.is_draining,
        orders,
    }))
}

impl Tasks {
    /// Keeps a claim; says so where it cannot be kept, or the task is to be cancelled.
    pub(super) async fn keep(&self, worker: &str, held: &HeldAttempt) -> Result<Option<NodeOrder>> {
        let lease = TimeDelta::from_std(self.nodes.lease()).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let peak = held.peak_memory_mb.filter(|peak| *peak > 0).map(|peak| peak as f64);
        let order = match self.renew((&held.task_id, held.attempt, worker), lease, peak).await? {
            Some(false) => return Ok(None),
            Some(true) => OrderKind::Cancel,
            None => OrderKind::Lost,
        };
        Ok(Some(NodeOrder { task_id: held.task_id.clone(), attempt: held.attempt, order }))
    }
}
