//! What the agent is told by whoever starts it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::config::{Config, Secret};

#[derive(Debug)]
pub(super) struct Settings {
    pub name: String,
    /// Of the server, without a slash at its end.
    pub master: String,
    pub token: Secret,
    pub token_file: Option<PathBuf>,
    pub listen: SocketAddr,
    pub storage: PathBuf,
    pub projects: PathBuf,
    pub jobs: PathBuf,
    pub slots: usize,
    pub labels: Vec<String>,
    pub cache_bytes: u64,
}

impl Settings {
    /// Checks them, and makes the folders that they name.
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        let given = &config.agent;
        ensure!(!given.node_name.is_empty(), "AGENT_NODE_NAME is needed: the node's name, as the server has it");
        let master = given.master_url.trim_end_matches('/').to_owned();
        ensure!(
            master.starts_with("http://") || master.starts_with("https://"),
            "AGENT_MASTER_URL is needed: the address of the server, as https://crawlhub.example.com"
        );
        ensure!(
            !given.token.is_empty() || given.token_file.is_some(),
            "AGENT_TOKEN or AGENT_TOKEN_FILE is needed: the token that the server showed when the node was made"
        );
        if master.starts_with("http://") && !is_loopback(&master) {
            tracing::warn!(
                "tasks, with their passwords, come over {master}, which others on the way can read: use https"
            );
        }
        let made = |folder: &Path| -> anyhow::Result<PathBuf> {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            Ok(folder.canonicalize()?)
        };
        let storage = made(&given.storage_path)?;
        let inside = |given: &Option<PathBuf>, name| given.clone().unwrap_or_else(|| storage.join(name));
        made(&inside(&given.datasets_path, "datasets"))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            name: given.node_name.clone(),
            master,
            token: given.token.clone(),
            token_file: given.token_file.clone(),
            listen: SocketAddr::new(given.api_host, given.api_port),
            projects: made(&inside(&given.projects_path, "projects"))?,
            jobs: made(&inside(&given.jobs_workspace, "jobs"))?,
            storage,
            slots: if given.slots == 0 { cores * 2 } else { given.slots },
            labels: given.labels.clone(),
            cache_bytes: given.cache_mb * 1024 * 1024,
        })
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.trim_start_matches("http://");
    ["127.", "localhost", "[::1]"].iter().any(|start| host.starts_with(start))
}
