//! From an instance that runs to one that does not, or is no more.

use std::time::Duration;

use super::super::{
    Instances,
    types::{Desired, Instance, Status},
};
use crate::{
    error::Result,
    id::InstanceId,
    platform::containers::{ContainerError, ContainerId},
};

/// What an instance gets to end.
const STOP_GRACE: Duration = Duration::from_secs(10);

impl Instances {
    /// Stops what is to be stopped, in its turn.
    pub(in super::super) async fn halt(&self, id: &InstanceId) -> Result<()> {
        let Some(instance) = self.find(id).await? else { return Ok(()) };
        if instance.desired != Desired::Stopped || instance.status == Status::Stopped {
            return Ok(());
        }
        let stopping = async {
            self.has_its_engine(&instance).await?;
            match &instance.container_id {
                Some(container) => self.stop_container(container).await,
                None => Ok(()),
            }
        };
        if let Err(error) = self.leased(&instance, stopping).await {
            // The next look is when the engine is there again.
            self.prolong(&instance, None).await?;
            return Err(error);
        }
        let stopped = Instance { status: Status::Stopped, deadline_at: None, restart_at: None, ..instance };
        self.save(stopped).await.map(drop)
    }

    /// Removes what is to be deleted, in its turn: the container first.
    pub(in super::super) async fn remove(&self, id: &InstanceId) -> Result<()> {
        let Some(instance) = self.find(id).await? else { return Ok(()) };
        if instance.desired != Desired::Deleted {
            return Ok(());
        }
        let removing = async {
            self.has_its_engine(&instance).await?;
            self.remove_containers(&instance).await
        };
        if let Err(error) = self.leased(&instance, removing).await {
            self.prolong(&instance, None).await?;
            return Err(error);
        }
        self.forget(&instance).await
    }

    /// One that is gone does not run.
    pub(super) async fn stop_container(&self, id: &ContainerId) -> Result<()> {
        match self.containers.stop(id, STOP_GRACE).await {
            Err(ContainerError::Gone(_)) => Ok(()),
            other => Ok(other?),
        }
    }
}
