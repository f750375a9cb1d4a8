use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Text},
    text,
};

/// The label that says what kind of thing a container is: `code-server`, `task`, `instance`, `workspace`.
pub const TYPE_LABEL: &str = "crawlhub.type";

/// The label that says which installation made a container.
pub const INSTALLATION_LABEL: &str = "crawlhub.server";

pub type ContainerId = String;

pub type Labels = BTreeMap<String, String>;

/// A container to be made. What is not here cannot be chosen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Unique on the engine: a second one of that name is [`ContainerError::Conflict`].
    pub name: String,
    pub image: String,
    /// None: the image's own.
    pub command: Option<Vec<String>>,
    pub working_dir: Option<String>,
    /// Anyone who may look at the container reads it: no secret that outlives the container.
    pub env: Vec<(String, String)>,
    pub labels: Labels,
    pub limits: Limits,
    /// Of those that [`network`](super::ContainerRuntime::network) makes. None: no network at all.
    pub network: Option<String>,
    /// A port of the container that this machine is to reach at its loopback address, where it cannot reach the
    /// container's own, and the ports to take one from.
    pub publish: Option<(u16, RangeInclusive<u16>)>,
    /// Volumes that [`make_volume`](super::ContainerRuntime::make_volume) has made: (name, folder in the container).
    pub volumes: Vec<(String, String)>,
    /// Whether nothing can be written but in the volumes, and in a `/tmp` of 64 MB that is gone with the container and
    /// counts as memory.
    pub read_only: bool,
    /// Whether nothing of what it prints is kept for [`logs`](super::ContainerRuntime::logs).
    pub without_log: bool,
}

/// What a container may use at most; 0: as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub cpus: f64,
    /// Memory and swap together.
    pub memory_mb: i64,
    pub processes: i64,
    /// The largest file it may write.
    pub file_mb: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: ContainerId,
    pub name: String,
    pub image: String,
    pub labels: Labels,
    pub state: State,
    /// On the network it was made for, while it runs.
    pub address: Option<IpAddr>,
    /// Published at this machine's loopback address, while it runs: (port of the container, port here).
    pub ports: Vec<(u16, u16)>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Container {
    /// `host:port` at which one of its ports is reached from here; None while it is not.
    pub fn reached_at(&self, port: u16) -> Option<String> {
        if let Some((_, published)) = self.ports.iter().find(|(inside, _)| *inside == port) {
            return Some(format!("127.0.0.1:{published}"));
        }
        self.own_address(port)
    }

    /// The same, at the container's own address, also where the port is published.
    pub fn own_address(&self, port: u16) -> Option<String> {
        self.address.map(|address| SocketAddr::from((address, port)).to_string())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never started.
    Created,
    Running,
    Paused,
    /// With its exit code; whether the kernel ended it for want of memory.
    Exited {
        code: i64,
        out_of_memory: bool,
    },
    /// On its way in or out, or beyond repair.
    Other,
}

impl State {
    pub fn is_running(self) -> bool {
        self == Self::Running
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Stdout(Bytes),
    Stderr(Bytes),
}

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub id: ContainerId,
    pub change: Change,
    pub labels: Labels,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Started,
    /// Its first process ended.
    Ended,
    OutOfMemory,
    Paused,
    Unpaused,
    Removed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Tells engines apart.
    pub id: String,
    /// As "Docker 28.0.1".
    pub name: String,
    /// Of its HTTP interface, as it was agreed on: "1.41".
    pub api_version: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    /// This machine's address on it, as containers see it.
    pub gateway: Option<IpAddr>,
    /// How containers on it are reached from here.
    pub reach: Where,
}

/// A folder of the engine that outlives containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    pub labels: Labels,
}

/// At which address this server reaches a container's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// The container's own: the engine runs beside this server.
    Container,
    /// A port published at the loopback address.
    Loopback,
}

pub type Result<T, E = ContainerError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The engine does not answer; nothing is known of the container.
    #[error("the container engine does not answer: {0:#}")]
    Unavailable(anyhow::Error),
    /// There is no such container: the engine said so.
    #[error("there is no container {0}")]
    Gone(ContainerId),
    #[error("there is no image {0}")]
    NoImage(String),
    /// A name or a port is taken, or the container is not in a state for it.
    #[error("{0}")]
    Conflict(String),
    /// The port that it is to be published at is in use on the engine's machine.
    #[error("{0}")]
    PortTaken(String),
    /// What it is asked for cannot be as things are on the engine; why not, for people.
    #[error("{}", .0.en)]
    Unfit(Text),
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl ContainerError {
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(anyhow::anyhow!(reason.into()))
    }
}

impl From<ContainerError> for Error {
    fn from(error: ContainerError) -> Self {
        match error {
            ContainerError::Unavailable(source) => Self::Unavailable { what: "Docker", source },
            ContainerError::NoImage(image) => Self::conflict(
                "no_image",
                text!(
                    "Docker 中没有镜像 {image}，请先构建或拉取",
                    "Docker has no image {image}; build it (docker/README.md) or pull it"
                ),
            ),
            ContainerError::Unfit(why) => Self::conflict("engine_unfit", why),
            other => Self::internal(other),
        }
    }
}
