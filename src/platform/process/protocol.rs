//! What server and supervisor tell each other: one JSON object a line, over a socket that only they hold.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::confine::Confinement;
use super::moment::Moment;

/// A process to start, and what it may use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Spec {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// The file that it reads. None: nothing.
    #[serde(default)]
    pub input: Option<PathBuf>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Of the whole tree.
    pub memory_limit_mb: Option<u64>,
    /// Of the whole tree.
    pub max_processes: Option<u64>,
    /// Of one file.
    pub max_file_mb: Option<u64>,
    /// Of the whole tree. None: it may do what the server's user may.
    pub confinement: Option<Confinement>,
    /// The file of the server that starts it (see `presence`).
    pub server: Option<PathBuf>,
    /// When its supervisor ends it unasked, unless the server has said otherwise by then. None: never.
    pub until: Option<Moment>,
    /// What the child needs beyond any grace, to end what it keeps elsewhere.
    #[serde(default)]
    pub tail_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Start {
        spec: Box<Spec>,
        /// See [`super::open_files`].
        open_files: Option<u64>,
    },
    Stop {
        grace_ms: u64,
    },
    /// In place of `Spec::until`.
    Until(Moment),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum News {
    Started,
    Failed {
        message: String,
    },
    Usage(Usage),
    /// The last word: nothing of the tree is left.
    Exit(Exit),
}

/// What a tree uses at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub memory_mb: u64,
    pub peak_memory_mb: u64,
    pub processes: u64,
    pub cpu_seconds: f64,
}

/// How a tree ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Of the first process.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub cause: Cause,
    pub peak_memory_mb: u64,
    pub cpu_seconds: f64,
}

/// Who ended it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The process itself, or somebody outside.
    #[default]
    Itself,
    Stopped,
    ServerGone,
    /// The server did not say in time that it may go on.
    Lapsed,
    Memory,
    Processes,
    /// It had written more to a container's disk than it may.
    Disk {
        limit_mb: u64,
    },
    /// The supervisor died first; code and signal are unknown.
    SupervisorLost,
}
