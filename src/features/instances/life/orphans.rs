//! Containers that belong to no instance.

use chrono::TimeDelta;

use super::{
    super::{Instances, types::Status},
    LABEL, TYPE,
};
use crate::{error::Result, platform::containers::Container};

/// How long after it was made one of which nothing is known is kept: what it holds may be all that is left of somebody's
/// work.
const KEPT: TimeDelta = TimeDelta::days(30);

impl Instances {
    /// Removes what is over, and stops what nobody knows.
    pub(super) async fn remove_orphans(&self) -> Result<()> {
        for container in self.containers.own(TYPE).await? {
            if let Err(error) = self.judge(&container).await {
                // The others are none the less to go.
                tracing::warn!(container = %container.name, "a container of no instance stays for now: {error}");
            }
        }
        Ok(())
    }

    async fn judge(&self, container: &Container) -> Result<()> {
        let prefix = container.labels.get(LABEL).map(String::as_str).unwrap_or_default();
        match self.find_named(prefix).await? {
            Some(instance) if instance.container_id.as_ref() == Some(&container.id) => Ok(()),
            // It may be the one that is being made.
            Some(instance) if instance.status == Status::Creating => Ok(()),
            Some(_) => Ok(self.containers.remove(&container.id).await?),
            None if self.was_released(prefix).await? => Ok(self.containers.remove(&container.id).await?),
            None => {
                let expires_at = container.created_at.map(|at| at + KEPT);
                Ok(self.containers.set_aside(container, expires_at, self.clock.now()).await?)
            }
        }
    }
}
