//! Repositories elsewhere, read through `git`: a bare copy of one commit is kept of each, and never a checkout, so that
//! no hook, link, filter or submodule of it can act.
//!
//! `git` is given nothing of the server's environment and no settings but those written for the one call, in a folder of
//! its own that also holds what is secret. It runs under a supervisor, which ends the whole tree when it takes too long or
//! too much. Where it connects to was looked at before, and it is told that very address.

mod address;
mod cache;
mod credentials;
mod failure;
mod fetch;
mod output;
mod private;
mod read;
mod run;
mod tree;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use address::{Address, Flaw, Revision};
pub use credentials::Credentials;
pub use failure::{Failure, Trouble};
pub use fetch::{Commit, Remote};
pub use tree::{Entry, Kind};

use super::{disk::Disk, process::Confinement};

#[derive(Debug, Clone)]
pub struct Git(Arc<Settings>);

#[derive(Debug)]
pub struct Settings {
    /// Where copies are kept: nobody else's folder, and hidden from spiders.
    pub root: PathBuf,
    /// This binary: it is started as `<supervisor> supervise`.
    pub supervisor: PathBuf,
    /// The server's file in its data directory; see `process::presence`.
    pub server: Option<PathBuf>,
    /// Where `git` and `ssh` are looked for.
    pub path: String,
    /// Of `git`, beside what it works on. None: it is not confined.
    pub confinement: Option<Confinement>,
    /// Of one copy.
    pub max_mb: u64,
    /// Of one call.
    pub timeout: Duration,
    /// Whether hosts may stand in this machine's or its network's own address ranges.
    pub allow_private: bool,
    /// Certificates in PEM to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    pub disk: Disk,
}

impl Git {
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&settings.root)?;
        // Calls are made elsewhere.
        let root = settings.root.canonicalize()?;
        Ok(Self(Arc::new(Settings { root, ..settings })))
    }
}
