//! Whether a run goes into a container, and what it needs for that; and containers that nobody keeps any more.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Tasks;
use crate::{
    clock::{Clock, SystemClock},
    error::{Error, Result},
    features::spiders::{Runner, Spider},
    platform::containers::{Containers, Gateway},
    runner::{
        Contained,
        contained::{ATTEMPT_LABEL, TASK_LABEL, TYPE},
    },
};

/// What was found out about the engine is taken for true for so long.
const FRESH: Duration = Duration::from_secs(15);
/// Whoever makes a container needs a moment until it is known.
const A_MOMENT: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

/// The engine, for spiders.
#[derive(Debug)]
pub struct Engine {
    containers: Containers,
    gateway: Gateway,
    /// Of spiders that name none.
    image: String,
    /// Where spiders reach the server, if somebody knows better.
    api_url: String,
    /// Whether there is an engine that has the image, from which the server is reached, and when that was.
    usable: Mutex<Option<(bool, Instant)>>,
}

impl Engine {
    pub fn new(containers: Containers, gateway: Gateway, image: &str, api_url: &str) -> Self {
        let (image, api_url) = (image.to_owned(), api_url.trim_end_matches('/').to_owned());
        Self { containers, gateway, image, api_url, usable: Mutex::default() }
    }

    async fn is_usable(&self) -> bool {
        let known = *self.usable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((usable, at)) = known
            && at.elapsed() < FRESH
        {
            return usable;
        }
        let usable = self.containers.has_image(&self.image).await.unwrap_or(false) && self.url().await.is_ok();
        *self.usable.lock().unwrap_or_else(PoisonError::into_inner) = Some((usable, Instant::now()));
        usable
    }

    /// Where containers reach the server.
    async fn url(&self) -> Result<String> {
        if self.api_url.is_empty() { self.gateway.url().await } else { Ok(self.api_url.clone()) }
    }

    /// Whether it answers.
    pub(super) async fn check(&self) -> Result<()> {
        Ok(self.containers.ping().await?)
    }

    /// The container for a run of the spider, and where it reaches the server; none where it is to be a process.
    pub(super) async fn container_of(&self, spider: &Spider) -> Result<Option<(Contained, String)>> {
        let wanted = match spider.runner {
            Runner::Docker => true,
            Runner::Auto => self.is_usable().await,
            Runner::Process | Runner::Node | Runner::Swarm => false,
        };
        if !wanted {
            return Ok(None);
        }
        let own = spider.image.clone().filter(|image| !image.is_empty());
        let contained = Contained { image: own.unwrap_or_else(|| self.image.clone()), cpus: spider.cpu_limit };
        if !self.containers.has_image(&contained.image).await? {
            return Err(crate::platform::containers::ContainerError::NoImage(contained.image).into());
        }
        Ok(Some((contained, self.url().await?)))
    }
}

impl Tasks {
    /// Loop: removes containers of attempts that nobody runs any more, as their keeper was killed.
    pub async fn remove_lost_containers(&self) -> anyhow::Result<()> {
        let found = match self.engine.containers.own(TYPE).await.map_err(Error::from) {
            Err(error) if error.is_passing() => return Ok(()),
            found => found?,
        };
        if found.is_empty() {
            return Ok(());
        }
        let held = self.held().await?;
        for container in found {
            let label = |name: &str| container.labels.get(name).map(String::as_str).unwrap_or_default();
            let (task, attempt) = (label(TASK_LABEL), label(ATTEMPT_LABEL));
            let is_held = held.iter().any(|held| held.task_id.as_str() == task && held.attempt.to_string() == attempt);
            // By the machine's clock, which mostly is the engine's.
            let is_new = container.created_at.is_none_or(|at| (SystemClock.now() - at).abs() < A_MOMENT);
            if !is_held && !is_new {
                tracing::warn!(container = %container.name, "a container of an attempt that is over is removed");
                self.engine.containers.remove(&container.id).await?;
            }
        }
        Ok(())
    }
}
