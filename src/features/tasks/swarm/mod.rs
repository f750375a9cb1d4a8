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
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use crate::{config, error::Text, platform::containers::swarm};

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
    /// There was something of ours.
    has_any: bool,
    at: Option<Instant>,
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
