//! What the runner is told by whoever starts it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::contained::ContainerPlace;
use crate::platform::process::Confinement;

#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// Holds a folder for each attempt that runs.
    pub work_dir: PathBuf,
    /// Holds the environments that spiders share.
    pub environments_dir: PathBuf,
    /// Holds what spiders import and are started by.
    pub support_dir: PathBuf,
    /// A name to be found on `PATH`, or a path.
    pub python: String,
    /// This binary: it is started as `<supervisor> supervise`.
    pub supervisor: PathBuf,
    /// The server's file in its data directory; see `presence`.
    pub server: Option<PathBuf>,
    /// What spiders get of the server's own environment: `PATH`, `LANG`, `TZ`.
    pub base_env: Vec<(String, String)>,
    /// What builders of environments get besides: `PIP_*`, `UV_*`, proxies and certificates.
    pub build_env: Vec<(String, String)>,
    pub build_timeout: Duration,
    /// Of an attempt; what is printed beyond is dropped.
    pub log_limit_bytes: u64,
    /// How much of stdout is kept to look for items in it.
    pub stdout_items_limit: u64,
    pub max_item_bytes: usize,
    /// Of an attempt, at once.
    pub max_processes: u64,
    /// Of one file that a spider writes.
    pub max_file_mb: Option<u64>,
    /// Of all that a container writes to its engine's disk.
    pub max_disk_mb: Option<u64>,
    /// How long items are gathered once the process has ended.
    pub gathering_limit: Duration,
    /// Between SIGTERM and SIGKILL.
    pub term_grace: Duration,
    /// Of spiders and builders, beside the folders above. None: they are not confined.
    pub confinement: Option<Confinement>,
    /// None: attempts in containers cannot be run.
    pub containers: Option<ContainerPlace>,
}

impl RunnerConfig {
    pub fn new(data_dir: &Path, supervisor: PathBuf) -> Self {
        Self {
            work_dir: data_dir.join("work"),
            environments_dir: data_dir.join("environments"),
            support_dir: data_dir.join("support"),
            python: "python3".to_owned(),
            supervisor,
            server: None,
            base_env: Vec::new(),
            build_env: Vec::new(),
            build_timeout: Duration::from_mins(10),
            log_limit_bytes: 64 * 1024 * 1024,
            stdout_items_limit: 64 * 1024 * 1024,
            max_item_bytes: 1024 * 1024,
            max_processes: 512,
            // Also what bounds the files that the server reads after it.
            max_file_mb: Some(4096),
            max_disk_mb: Some(10_240),
            gathering_limit: Duration::from_mins(10),
            term_grace: Duration::from_secs(5),
            confinement: None,
            containers: None,
        }
    }

    /// Of one attempt, which may read `read` and write `write` of what is hidden.
    pub(super) fn confinement(&self, read: Vec<PathBuf>, write: Vec<PathBuf>) -> Option<Confinement> {
        let mut all = self.confinement.clone()?;
        all.hidden.extend([self.work_dir.clone(), self.environments_dir.clone(), self.support_dir.clone()]);
        Some(Confinement { read, write, ..all })
    }

    /// The value of a name in `base_env`.
    pub(super) fn base(&self, name: &str, otherwise: &str) -> String {
        let found = self.base_env.iter().find(|(present, _)| present == name);
        found.map_or_else(|| otherwise.to_owned(), |(_, value)| value.clone())
    }

    /// Where programs are looked for.
    pub fn path(&self) -> String {
        self.base("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    }
}
