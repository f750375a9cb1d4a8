//! Wakes those who follow a task on this server, and those who wait for tasks. Only a hint: who waits for what another
//! server does looks again each second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::id::TaskId;

#[derive(Debug, Clone, Default)]
pub(super) struct Signals(Arc<Mutex<HashMap<TaskId, Weak<Notify>>>>);

impl Signals {
    /// What is notified when something of the task changes, for as long as anyone holds it.
    pub(super) fn of(&self, task: &TaskId) -> Arc<Notify> {
        let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = signals.get(task).and_then(Weak::upgrade) {
            return signal;
        }
        signals.retain(|_, signal| signal.strong_count() > 0);
        let signal = Arc::new(Notify::new());
        signals.insert(task.clone(), Arc::downgrade(&signal));
        signal
    }

    pub(super) fn raise(&self, task: &TaskId) {
        let signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = signals.get(task).and_then(Weak::upgrade) {
            signal.notify_waiters();
        }
    }
}

/// Woken when a task may be waiting: the dispatcher of this server, nodes that ask it for work, and who looks after the swarm.
#[derive(Debug, Clone, Default)]
pub(super) struct Queued {
    dispatcher: Arc<Notify>,
    nodes: Arc<Notify>,
    swarm: Arc<Notify>,
}

impl Queued {
    pub(super) fn dispatcher(&self) -> Arc<Notify> {
        self.dispatcher.clone()
    }

    pub(super) fn nodes(&self) -> Arc<Notify> {
        self.nodes.clone()
    }

    pub(super) fn swarm(&self) -> Arc<Notify> {
        self.swarm.clone()
    }

    pub(super) fn notify_one(&self) {
        self.dispatcher.notify_one();
        self.wake_nodes();
    }

    /// Those that run tasks elsewhere, also when there is something else that they are to hear of.
    pub(super) fn wake_nodes(&self) {
        self.nodes.notify_waiters();
        self.swarm.notify_one();
    }
}
