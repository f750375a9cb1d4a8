//! Tasks that nodes run, or containers of a swarm. A claim is made here, for the node or the container; that keeps it by
//! its heartbeats, and tells what the spider prints, finds, and how it ends. What somebody says of a claim that he does
//! not hold changes nothing.

mod beat;
mod container;
mod holder;
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
    reporter::Reporter,
    types::Claim,
    weight::{MAX_BATCH_BYTES, Weight, weigh},
};
use crate::{error::Result, id::TaskId};

/// Paths below `/internal`, to be put behind [`Nodes::guard`](crate::features::nodes::Nodes::guard).
pub fn router(tasks: Tasks) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(beat::heartbeat)).routes(routes!(work::work)).with_state(tasks)
}

/// Likewise, behind a guard of their own: for nodes, and for containers of attempts.
pub fn holder_router(tasks: Tasks) -> OpenApiRouter {
    let telling = OpenApiRouter::new()
        .routes(routes!(told::told))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES))
        .layer(from_fn_with_state(Weight::default(), weigh))
        .routes(routes!(told::delivered))
        .routes(routes!(told::end));
    let router = holder::guard_running(tasks.clone(), telling)
        .routes(routes!(container::take))
        .routes(routes!(container::beat))
        .with_state(tasks.clone());
    holder::guard(tasks, router)
}

/// One of another server, or that ended without a word, is forgotten after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// What this server remembers of attempts that run elsewhere: how far their logs were read.
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

    pub(super) fn forget(&self, claim: &Claim) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&(claim.task_id.clone(), claim.attempt));
    }
}

/// As durations are told.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Tasks {
    /// Stores what the attempt tells.
    pub(super) async fn reporter_of(&self, claim: &Claim) -> Result<Arc<Reporter>> {
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
