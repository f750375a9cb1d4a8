//! Tasks that a Docker Swarm runs, each as a job of its own: a container in which this program runs the one attempt
//! (`crawlhub attempt`), and tells of it as a node does.
//!
//! The claims are the truth. Every server looks at them and at the jobs that there are, again and again: a claim without a
//! job gets one, by a name that follows from the task and the attempt, so that two servers make no two; a job without a
//! claim is removed. A swarm that does not answer is judged by nobody: what its containers keep goes on.

mod judge;
mod look_after;
mod making;
mod reason;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{config, error::Text, id::TaskId, platform::containers::swarm};

/// Of jobs, for [`TYPE_LABEL`](crate::platform::containers::TYPE_LABEL).
const TYPE: &str = "swarm-task";

/// What it takes to run spiders in a swarm.
#[derive(Debug, Clone)]
pub struct SwarmSettings {
    pub swarm: config::Swarm,
    /// Where containers reach the server; empty: nobody has said.
    pub api_url: String,
    /// What a spider may print, and start; as on this server.
    pub tasks: config::Tasks,
    /// How long an environment may take to build.
    pub build_time: Duration,
    /// What pip and uv are to know of the operator's network.
    pub build_env: Vec<(String, String)>,
}

/// The swarm, for spiders.
#[derive(Debug)]
pub struct Swarm {
    /// None: there is none.
    manager: Option<swarm::Swarm>,
    settings: SwarmSettings,
    seen: Mutex<Seen>,
}

/// The swarm as this server saw it last.
#[derive(Debug, Clone, Default)]
struct Seen {
    machines: Vec<swarm::Machine>,
    /// Why nothing is started there.
    obstacle: Option<Text>,
    /// What the swarm says of attempts that it has not started, by task and number.
    unplaced: HashMap<(TaskId, i64), String>,
    /// There was something of ours.
    has_any: bool,
    at: Option<Instant>,
    /// Since when all looks went well; none: the last did not.
    well: Option<Well>,
}

/// The beginning of a time in which this server was up, and the swarm and the database answered it.
#[derive(Debug, Clone, Copy)]
struct Well {
    since: Instant,
    /// The same by the clock that claims go by.
    from: DateTime<Utc>,
}

impl Swarm {
    pub fn new(settings: SwarmSettings, installation: &str) -> Self {
        let host = &settings.swarm.host;
        let manager = (!host.is_empty()).then(|| swarm::Swarm::new(host, installation));
        Self { manager, settings, seen: Mutex::default() }
    }

    /// How long a job may take to start.
    pub(super) fn start_time(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.settings.swarm.start_seconds).unwrap_or(0))
    }

    /// How much an attempt may print.
    pub(super) fn log_limit_bytes(&self) -> u64 {
        self.settings.tasks.log_limit_bytes
    }

    /// How many tasks may run there at once.
    pub(super) fn slots(&self) -> i64 {
        self.settings.swarm.slots
    }

    /// Whether it answered when it was looked at last; none where there is none.
    fn answers(&self) -> Option<bool> {
        self.manager.as_ref()?;
        let seen = self.seen();
        Some(seen.obstacle.is_none() && seen.at.is_some())
    }

    fn start_lease(&self) -> TimeDelta {
        TimeDelta::seconds(self.settings.swarm.start_seconds)
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn see(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}
