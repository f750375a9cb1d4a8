//! Wakes those who follow a task, on whatever server, and those who wait for tasks. Only a hint: who waits for what another
//! server does looks again each second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::{id::TaskId, platform::database::Wakes};

/// What servers say to each other: something of that task changed,
const TASK: &str = "task";
/// a task may be waiting.
const QUEUE: &str = "queue";

#[derive(Debug, Clone)]
pub(super) struct Signals {
    here: Arc<Mutex<HashMap<TaskId, Weak<Notify>>>>,
    wakes: Wakes,
}

impl Signals {
    pub(super) fn new(wakes: Wakes) -> Self {
        let signals = Self { here: Arc::default(), wakes };
        let here = signals.here.clone();
        signals.wakes.hear(TASK, move |task| {
            let signals = here.lock().unwrap_or_else(PoisonError::into_inner);
            let signals: Vec<_> = match task {
                Some(task) => signals.get(&TaskId::from(task.to_owned())).into_iter().collect(),
                None => signals.values().collect(),
            };
            signals.into_iter().filter_map(Weak::upgrade).for_each(|signal| signal.notify_waiters());
        });
        signals
    }

    /// What is notified when something of the task changes, for as long as anyone holds it.
    pub(super) fn of(&self, task: &TaskId) -> Arc<Notify> {
        let mut signals = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = signals.get(task).and_then(Weak::upgrade) {
            return signal;
        }
        signals.retain(|_, signal| signal.strong_count() > 0);
        let signal = Arc::new(Notify::new());
        signals.insert(task.clone(), Arc::downgrade(&signal));
        signal
    }

    pub(super) fn raise(&self, task: &TaskId) {
        let signals = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = signals.get(task).and_then(Weak::upgrade) {
            signal.notify_waiters();
        }
        drop(signals);
        self.wakes.say(TASK, task.as_str());
    }
}

/// Woken when a task may be waiting: the dispatcher of this server, nodes that ask it for work, and who looks after the swarm.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    dispatcher: Arc<Notify>,
    nodes: Arc<Notify>,
    swarm: Arc<Notify>,
    wakes: Wakes,
}

impl Queued {
    pub(super) fn new(wakes: Wakes) -> Self {
        let queued = Self { dispatcher: Arc::default(), nodes: Arc::default(), swarm: Arc::default(), wakes };
        let Self { dispatcher, nodes, swarm, .. } = queued.clone();
        queued.wakes.hear(QUEUE, move |_| {
            dispatcher.notify_one();
            nodes.notify_waiters();
            swarm.notify_one();
        });
        queued
    }

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

    /// Those that run tasks elsewhere, also when there is something else that they are to hear of, and other servers.
    pub(super) fn wake_nodes(&self) {
        self.nodes.notify_waiters();
        self.swarm.notify_one();
        self.wakes.say(QUEUE, "");
    }
}
