//! Tasks that nodes run. A claim is made here, for the node; its agent keeps it by its heartbeats, and tells what the
//! spider prints, finds, and how it ends. What an agent says of a claim that it does not hold changes nothing.

mod beat;
mod told;
mod work;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{extract::DefaultBodyLimit, middleware::from_fn_with_state};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Tasks,
    attempt::Reporter,
    internal::{MAX_BATCH_BYTES, Weight, weigh},
    types::Claim,
};
use crate::{
    error::{Error, Result},
    features::nodes::Node,
    id::TaskId,
    protocol::{HeldAttempt, worker_name},
    text,
};

/// Paths below `/internal`, to be put behind [`Nodes::guard`](crate::features::nodes::Nodes::guard).
pub fn router(tasks: Tasks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(told::told))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES))
        .layer(from_fn_with_state(Weight::default(), weigh))
        .routes(routes!(beat::heartbeat))
        .routes(routes!(work::work))
        .routes(routes!(told::delivered))
        .routes(routes!(told::end))
        .with_state(tasks)
}

/// One of another server, or that ended without a word, is forgotten after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// What this server remembers of attempts that nodes run: how far their logs were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Remote(Arc<Mutex<HashMap<(TaskId, i64), Known>>>);

#[derive(Debug)]
struct Known {
    reporter: Arc<Reporter>,
    used: Instant,
}

impl Remote {
    fn get(&self, claim: &Claim) -> Option<Arc<Reporter>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_mut(&(claim.task_id.clone(), claim.attempt))?;
        known.used = Instant::now();
        Some(known.reporter.clone())
    }

    fn put(&self, claim: &Claim, reporter: Reporter) -> Arc<Reporter> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.used.elapsed() < FORGOTTEN_AFTER);
        // Of two that were made at once, the first has read more.
        let entry = known.entry((claim.task_id.clone(), claim.attempt));
        let known = entry.or_insert_with(|| Known { reporter: Arc::new(reporter), used: Instant::now() });
        known.reporter.clone()
    }

    fn forget(&self, claim: &Claim) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&(claim.task_id.clone(), claim.attempt));
    }
}

impl Tasks {
    /// The claim that the node's agent speaks of; an error where it does not hold it.
    async fn held_by(&self, node: &Node, of: &HeldAttempt) -> Result<Claim> {
        let claim = self.claim_of(&of.task_id, of.attempt, &worker_name(&node.name, &of.instance)).await?;
        claim.ok_or_else(|| {
            Error::conflict(
                "claim_lost",
                text!("该任务已不归此节点", "the attempt is over, or was taken from the node"),
            )
        })
    }

    /// Stores what the attempt tells.
    async fn reporter_of(&self, claim: &Claim) -> Result<Arc<Reporter>> {
        if let Some(known) = self.remote.get(claim) {
            return Ok(known);
        }
        let former_lines = if let Some(lines) = self.former_lines(claim).await? {
            lines
        } else {
            // The attempt alone may add to the task from here on.
            self.documents.open_attempt(&claim.task_id, claim.attempt).await?;
            let lines = self.documents.last_seq(&claim.task_id).await?;
            self.set_former_lines(claim, lines).await?
        };
        Ok(self.remote.put(claim, Reporter::behind(self, claim, former_lines)))
    }
}
