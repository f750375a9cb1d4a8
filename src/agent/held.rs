//! Attempts in the agent's hands: those that run, and those of which not all is told yet.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Agent;
use crate::{
    id::TaskId,
    platform::process::Moment,
    protocol::{HeldAttempt, NodeOrder, OrderKind},
    runner::{Job, Stop, StopReason},
};

type Key = (TaskId, i64);

#[derive(Debug)]
pub(super) struct Holding {
    task_id: TaskId,
    attempt: i64,
    /// The start of the agent that took it.
    instance: String,
    pub(super) stop: Stop,
    /// Until then it is surely this node's.
    until: Mutex<Moment>,
    pub(super) peak_memory_mb: AtomicU64,
    /// Of its files.
    hashes: Vec<String>,
    /// Takes one of the node's slots.
    runs: bool,
    /// Somebody else may run the task: nothing of this attempt counts any more.
    pub(super) lost: CancellationToken,
}

impl Holding {
    pub(super) fn of_job(job: &Job, instance: &str, until: Moment) -> Self {
        let hashes = job.manifest.iter().map(|entry| entry.hash.clone()).collect();
        let of = HeldAttempt {
            task_id: job.task_id.clone(),
            attempt: job.attempt,
            instance: instance.to_owned(),
            peak_memory_mb: None,
        };
        Self { hashes, runs: true, ..Self::former(of, until) }
    }

    /// Of a former start of the agent.
    pub(super) fn former(of: HeldAttempt, until: Moment) -> Self {
        let stop = Stop::default();
        stop.allow_until(until);
        Self {
            task_id: of.task_id,
            attempt: of.attempt,
            instance: of.instance,
            stop,
            until: Mutex::new(until),
            peak_memory_mb: AtomicU64::new(0),
            hashes: Vec::new(),
            runs: false,
            lost: CancellationToken::new(),
        }
    }

    pub(super) fn told(&self) -> HeldAttempt {
        HeldAttempt {
            task_id: self.task_id.clone(),
            attempt: self.attempt,
            instance: self.instance.clone(),
            peak_memory_mb: Some(self.peak_memory_mb.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn until(&self) -> Moment {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has granted it for longer.
    pub(super) fn extend(&self, until: Moment) {
        let mut present = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until > *present {
            *present = until;
            self.stop.allow_until(until);
        }
    }

    /// It is somebody else's: what runs ends, and what it found is of no use.
    pub(super) fn lose(&self) {
        if !self.lost.is_cancelled() {
            tracing::warn!(task = %self.task_id, attempt = self.attempt, "the attempt is not this node's any more");
        }
        self.stop.request(StopReason::Lapsed);
        self.lost.cancel();
    }

    fn key(&self) -> Key {
        (self.task_id.clone(), self.attempt)
    }
}

#[derive(Debug, Default)]
pub(super) struct Held {
    attempts: Mutex<BTreeMap<Key, Arc<Holding>>>,
    /// How often it has changed.
    changes: watch::Sender<u64>,
}

/// Holds an attempt until it goes.
pub(super) struct Grip {
    agent: Arc<Agent>,
    pub(super) holding: Arc<Holding>,
}

impl Drop for Grip {
    fn drop(&mut self) {
        let held = &self.agent.held;
        held.attempts().remove(&self.holding.key());
        held.changes.send_modify(|count| *count += 1);
    }
}

impl Grip {
    /// None where it is held already.
    pub(super) fn take(agent: &Arc<Agent>, holding: Holding) -> Option<Self> {
        let holding = Arc::new(holding);
        match agent.held.attempts().entry(holding.key()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(free) => free.insert(holding.clone()),
        };
        agent.held.changes.send_modify(|count| *count += 1);
        Some(Self { agent: agent.clone(), holding })
    }
}

impl Held {
    fn attempts(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Holding>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Arc<Holding>> {
        self.attempts().values().cloned().collect()
    }

    pub(super) fn running(&self) -> usize {
        self.attempts().values().filter(|holding| holding.runs).count()
    }

    pub(super) fn stopping(&self) -> Vec<TaskId> {
        let attempts = self.attempts();
        let stopping = attempts.values().filter(|holding| holding.stop.requested().is_some());
        stopping.map(|holding| holding.task_id.clone()).collect()
    }

    /// Of the code of all that runs.
    pub(super) fn hashes(&self) -> HashSet<String> {
        self.attempts().values().flat_map(|holding| holding.hashes.iter().cloned()).collect()
    }

    /// What was told to be held is, but for what the orders say.
    pub(super) fn extend(&self, told: &[HeldAttempt], orders: &[NodeOrder], until: Moment) {
        let attempts = self.attempts();
        for of in told {
            let is_ordered = |order: &&NodeOrder| order.task_id == of.task_id && order.attempt == of.attempt;
            let is_lost = orders.iter().filter(is_ordered).any(|order| order.order == OrderKind::Lost);
            if let Some(holding) = attempts.get(&(of.task_id.clone(), of.attempt)).filter(|_| !is_lost) {
                holding.extend(until);
            }
        }
    }

    pub(super) fn obey(&self, orders: &[NodeOrder]) {
        for order in orders {
            let holding = self.attempts().get(&(order.task_id.clone(), order.attempt)).cloned();
            match (holding, order.order) {
                (Some(holding), OrderKind::Cancel) => holding.stop.request(StopReason::Cancelled),
                (Some(holding), OrderKind::Lost) => holding.lose(),
                (None, _) => {}
            }
        }
    }

    /// Ends what may be somebody else's by now. Its processes have ended by themselves at that moment.
    pub(super) fn end_lapsed(&self) {
        for holding in self.all() {
            if holding.until().left().is_zero() {
                holding.stop.request(StopReason::Lapsed);
            }
        }
    }

    pub(super) fn stop_all(&self, reason: StopReason) {
        self.attempts().values().for_each(|holding| holding.stop.request(reason));
    }

    /// Waits for the next change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) async fn none_left(&self) {
        let mut changes = self.changes();
        while !self.attempts().is_empty() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
