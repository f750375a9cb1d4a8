//! Containers: editors, and spiders that are kept from this machine. All of them are hostile.
//!
//! What every container gets without asking for it: no capabilities, no new privileges, a user of its own that is not
//! root, limits of processors, memory and processes, an init that reaps, logs that end somewhere, no folder of this
//! machine, and a network on which it cannot reach other containers. There is no way to ask for less.
//!
//! Labels say whose a container is, so that it is found again after anything has been started anew.

mod docker;
pub mod fake;
mod gateway;
mod marks;
mod pieces;
mod port;
mod runtime;
mod spec;
pub mod swarm;
mod upkeep;

use std::{ops::Deref, sync::Arc};

pub use docker::{Docker, ENGINE_SOCKETS};
pub use gateway::Gateway;
pub use marks::{Ended, Mark};
pub use pieces::{Finished, Piece};
pub use port::is_unused;
pub use runtime::{ByteStream, ContainerRuntime, Exec, LogRange, OutputStream, Running, Size, Terminal};
pub use spec::{
    Change, Container, ContainerError, ContainerId, ContainerSpec, Engine, Happening, INSTALLATION_LABEL, Labels,
    Limits, Network, Output, Result, State, TYPE_LABEL, Volume, Where,
};
pub use upkeep::DiskWatch;

/// The engine that this server uses, and the name of this installation on it.
#[derive(Debug, Clone)]
pub struct Containers {
    runtime: Arc<dyn ContainerRuntime>,
    installation: Arc<str>,
}

impl Containers {
    /// `installation` tells its containers from those of others on the same engine.
    pub fn new(runtime: Arc<dyn ContainerRuntime>, installation: &str) -> Self {
        Self { runtime, installation: installation.into() }
    }

    /// The name of this installation.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// The labels of a container of this installation, to which others may be added.
    pub fn labels(&self, kind: &str) -> Labels {
        let own = [(TYPE_LABEL, kind), (INSTALLATION_LABEL, &*self.installation)];
        own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// All containers of this installation of one kind.
    pub async fn own(&self, kind: &str) -> Result<Vec<Container>> {
        self.runtime.list(&[(TYPE_LABEL, kind), (INSTALLATION_LABEL, &self.installation)]).await
    }

    /// Those of them that carry one more label.
    pub async fn own_with(&self, kind: &str, label: (&str, &str)) -> Result<Vec<Container>> {
        self.runtime.list(&[(TYPE_LABEL, kind), (INSTALLATION_LABEL, &self.installation), label]).await
    }

    /// All volumes of this installation of one kind.
    pub async fn own_volumes(&self, kind: &str) -> Result<Vec<Volume>> {
        self.runtime.volumes(&[(TYPE_LABEL, kind), (INSTALLATION_LABEL, &self.installation)]).await
    }

    /// Runs a command in a running container and [gathers](Running::gathered) what it prints. Whoever calls it limits the
    /// time.
    pub async fn run(&self, id: &ContainerId, exec: Exec, limit: usize) -> Result<Finished> {
        self.runtime.exec(id, exec).await?.gathered(limit).await
    }
}

impl Deref for Containers {
    type Target = dyn ContainerRuntime;

    fn deref(&self) -> &Self::Target {
        self.runtime.as_ref()
    }
}

#[cfg(test)]
mod tests;
