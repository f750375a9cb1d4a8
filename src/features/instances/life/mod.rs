//! From the first call to the last byte: steps that can be repeated and that each end with a compare-and-set on the
//! instance's row, and a loop that begins what nobody else does.

mod keep;
mod orphans;
mod start;
mod stop;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Instances,
    types::{Desired, Instance, Status},
};
use crate::{
    error::{Error, Result},
    id::InstanceId,
    platform::{
        containers::ContainerError,
        jobs::{LEASE, renewing},
    },
};

const TYPE: &str = "instance";
const LABEL: &str = "crawlhub.instance";

/// How often everything is looked at, and how often it is asked for an engine that is away while there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long what is deleted waits for the engine that has its container: of one that is gone for good nobody tells.
const ELSEWHERE: TimeDelta = TimeDelta::hours(24);

impl Instances {
    /// Does `work` on an instance once nothing else is done to it, to its end even if nobody waits for it.
    pub(super) async fn job<F>(&self, id: &InstanceId, work: impl FnOnce(Self) -> F) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.jobs.run(id.as_str(), Box::pin(work(self.clone()))).await
    }

    /// The same for who does not wait: where something is being done to it, the loop begins it then.
    fn begin_job<F>(&self, id: &InstanceId, work: impl FnOnce(Self) -> F)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        if !self.jobs.begin(id.as_str(), Box::pin(work(self.clone()))) {
            self.jobs.when_free(id.as_str(), self.changed.clone());
        }
    }

    pub(super) fn begin_start(&self, instance: &Instance) {
        let id = instance.id.clone();
        self.begin_job(&instance.id, |instances| async move { instances.bring_to_life(&id).await });
    }

    /// `work` on a step of an instance, while other servers are told that it is being worked on.
    async fn leased<T>(&self, instance: &Instance, work: impl Future<Output = T>) -> T {
        renewing(Box::pin(work), || self.prolong(instance, Some(self.lease()))).await
    }

    pub(super) fn lease(&self) -> DateTime<Utc> {
        self.clock.now() + LEASE
    }

    /// What another engine has, this one knows nothing of.
    async fn has_its_engine(&self, instance: &Instance) -> Result<()> {
        let engine = self.containers.engine().await?.id;
        if instance.engine.as_ref().is_none_or(|own| *own == engine) {
            return Ok(());
        }
        Err(Error::Unavailable { what: "Docker", source: anyhow::anyhow!("the instance is on another engine") })
    }

    /// Listens to what happens to instances' containers. Returns how long to wait before the engine is asked again.
    pub async fn listen(&self) -> anyhow::Result<Duration> {
        self.containers.listen(TYPE, &self.changed, self.jobs.stopping()).await
    }

    /// The loop: looks at all instances of this server's engine, and begins what is to be done. Returns how long there is
    /// nothing else.
    pub async fn look_after(&self) -> anyhow::Result<Duration> {
        let instances = self.unsettled().await?;
        let engine = match self.containers.engine().await {
            Ok(engine) => engine.id,
            // Nothing is known: nothing is decided.
            Err(ContainerError::Unavailable(_)) => {
                return Ok(if instances.is_empty() { LOOK_EVERY } else { ASK_EVERY });
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let mut next = now + TimeDelta::from_std(LOOK_EVERY)?;
        for instance in instances {
            if instance.engine.as_ref().is_none_or(|own| *own == engine) {
                next = next.min(self.look_at(&instance, now));
            } else if instance.desired == Desired::Deleted && instance.updated_at + ELSEWHERE < now {
                self.forget(&instance).await?;
            }
        }
        self.remove_orphans().await?;
        Ok((next - now).to_std().unwrap_or_default().max(Duration::from_millis(100)))
    }

    /// Begins what an instance needs; when it will need something again.
    fn look_at(&self, instance: &Instance, now: DateTime<Utc>) -> DateTime<Utc> {
        let id = instance.id.clone();
        let waits_for = [instance.deadline_at, instance.restart_at].into_iter().flatten().filter(|at| *at > now).max();
        if let Some(at) = waits_for {
            return at;
        }
        match (instance.desired, instance.status) {
            (Desired::Deleted, _) => self.begin_job(&instance.id, |own| async move { own.remove(&id).await }),
            (Desired::Stopped, _) => self.begin_job(&instance.id, |own| async move { own.halt(&id).await }),
            (Desired::Running, Status::Creating) => self.begin_start(instance),
            (Desired::Running, _) => {
                self.begin_job(&instance.id, |own| async move { own.keep(&id).await });
                return self.idle_at(instance).filter(|at| *at > now).unwrap_or(now + LEASE);
            }
        }
        now + LEASE
    }
}
