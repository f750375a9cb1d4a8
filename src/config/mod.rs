//! Settings: `config/default.toml` < a file < the environment. That file is their documentation.

mod code_sessions;
mod docker;
mod instances;
mod proxies;
mod retention;
mod secret;
mod source;
mod storage;
mod swarm;
mod workspaces;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Deserializer, de::Error as _};

pub use code_sessions::{CodeSessions, EditorRunner};
pub use docker::{Docker, Reach};
pub use instances::Instances;
pub use proxies::{Proxies, WhenNone};
pub use retention::Retention;
pub use secret::Secret;
pub use source::{Origin, Setting, Sources};
pub use storage::{Bucket, Storage};
pub use swarm::Swarm;
pub use workspaces::{WorkspaceMode, Workspaces};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub log: Log,
    pub database: Database,
    pub mongodb: Mongodb,
    pub storage: Storage,
    pub admin: Admin,
    pub accounts: Accounts,
    pub spiders: Spiders,
    pub tasks: Tasks,
    pub nodes: Nodes,
    pub agent: Agent,
    pub runner: Runner,
    pub docker: Docker,
    pub swarm: Swarm,
    pub code_sessions: CodeSessions,
    pub instances: Instances,
    pub git: Git,
    pub workspaces: Workspaces,
    pub data: Data,
    pub proxies: Proxies,
    pub retention: Retention,
    pub quotas: Quotas,
    pub alerts: Alerts,
    pub notify: Notify,
    pub datasources: Datasources,
    pub mail: Mail,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub public_url: String,
    pub sandbox_domain: String,
    #[serde(deserialize_with = "by_comma")]
    pub cors_origins: Vec<String>,
    #[serde(deserialize_with = "by_comma")]
    pub trusted_proxies: Vec<String>,
    pub secret_key: Secret,
    pub stop_grace_seconds: u64,
    pub leave_seconds: u64,
    pub min_free_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: Secret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mongodb {
    pub url: Secret,
    pub ttl_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub email: String,
    pub password: Secret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub access_minutes: i64,
    pub session_days: i64,
    pub remember_days: i64,
    pub wrong_passwords_a_minute: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spiders {
    pub max_file_bytes: usize,
    pub max_total_bytes: usize,
    pub max_files: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    pub slots: usize,
    pub lease_seconds: i64,
    pub log_limit_bytes: u64,
    pub stdout_items_limit_bytes: u64,
    pub default_memory_limit_mb: i64,
    pub max_processes: u64,
    pub max_timeout_seconds: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    pub lease_seconds: u64,
}

/// Of `crawlhub worker`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    pub node_name: String,
    pub master_url: String,
    pub token: Secret,
    #[serde(deserialize_with = "path_or_none")]
    pub token_file: Option<PathBuf>,
    pub api_host: IpAddr,
    pub api_port: u16,
    pub storage_path: PathBuf,
    #[serde(deserialize_with = "path_or_none")]
    pub projects_path: Option<PathBuf>,
    #[serde(deserialize_with = "path_or_none")]
    pub datasets_path: Option<PathBuf>,
    #[serde(deserialize_with = "path_or_none")]
    pub jobs_workspace: Option<PathBuf>,
    pub slots: usize,
    #[serde(deserialize_with = "by_comma")]
    pub labels: Vec<String>,
    pub cache_mb: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datasources {
    pub allow_private: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    pub python: String,
    pub api_url: String,
    pub image: String,
    pub disk_mb: u64,
    #[serde(deserialize_with = "path_or_none")]
    pub environments_dir: Option<PathBuf>,
    pub environment_timeout_seconds: u64,
    pub confine: Confine,
}

/// Repositories of projects.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    pub max_mb: u64,
    pub timeout_seconds: u64,
    pub allow_private: bool,
    #[serde(deserialize_with = "path_or_none")]
    pub ca_bundle: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub search_items: i64,
    pub sort_items: i64,
}

/// In bytes; 0: none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    pub spider_bytes: i64,
    pub total_bytes: i64,
}

/// Whether spiders and builders of environments are confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confine {
    /// Where the kernel can.
    Auto,
    Required,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    pub language: Language,
}

/// What is written once for all readers is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Zh,
    En,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub allow_private: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: Secret,
    pub from: String,
    pub tls: MailTls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    Starttls,
    Tls,
    None,
}

impl Config {
    pub fn load(sources: &Sources) -> anyhow::Result<Self> {
        let config: Self = sources.merged()?.try_deserialize().context("the settings cannot be used")?;
        config.validate()?;
        Ok(config)
    }

    /// What types cannot say.
    fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.admin.email.contains('@'), "admin.email is not an e-mail address: {:?}", self.admin.email);
        ensure!(self.server.leave_seconds <= 3600, "server.leave_seconds must be between 0 and 3600");
        ensure!(self.tasks.lease_seconds >= 5, "tasks.lease_seconds must be at least 5");
        ensure!(self.spiders.max_files >= 1, "spiders.max_files must be at least 1");
        ensure!(self.data.search_items >= 1, "data.search_items must be at least 1");
        ensure!((5..=86_400).contains(&self.nodes.lease_seconds), "nodes.lease_seconds must be between 5 and 86400");
        self.retention.validate()?;
        self.docker.ports()?;
        self.swarm.validate()?;
        ensure!(
            self.code_sessions.runner == EditorRunner::Docker
                || !(self.swarm.host.is_empty() || self.swarm.engines.is_empty()),
            "code_sessions.runner is swarm: swarm.host and swarm.engines must say where that is"
        );
        ensure!((1..=1_048_576).contains(&self.git.max_mb), "git.max_mb must be between 1 and 1048576");
        ensure!((1..=86_400).contains(&self.git.timeout_seconds), "git.timeout_seconds must be between 1 and 86400");
        self.code_sessions.validate()?;
        self.instances.validate()?;
        self.workspaces.validate()?;
        ensure!(
            self.quotas.spider_bytes >= 0 && self.quotas.total_bytes >= 0,
            "quotas.spider_bytes and quotas.total_bytes must not be negative"
        );
        let key = self.server.secret_key.reveal();
        ensure!(
            key.is_empty() || (key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit())),
            "server.secret_key must be 64 hexadecimal digits"
        );
        for url in [&self.server.public_url, &self.runner.api_url, &self.swarm.api_url] {
            ensure!(url.is_empty() || url.starts_with("http"), "not an http address: {url:?}");
        }
        self.proxies.validate()?;
        let from = &self.mail.from;
        ensure!(from.is_empty() || from.contains('@'), "mail.from is not an e-mail address: {from:?}");
        self.storage.bucket()?;
        let database = self.database.url.reveal();
        ensure!(
            database.is_empty() || database.starts_with("postgres://") || database.starts_with("postgresql://"),
            "database.url (DATABASE_URL) must start with postgres://, or be empty for SQLite"
        );
        let mongodb = self.mongodb.url.reveal();
        ensure!(
            mongodb.is_empty() || mongodb.starts_with("mongodb://") || mongodb.starts_with("mongodb+srv://"),
            "mongodb.url (MONGODB_URL) must start with mongodb://, or be empty for SQL"
        );
        ensure!(self.mongodb.ttl_days <= 24_000, "mongodb.ttl_days must be between 0 and 24000");
        Ok(())
    }

    /// Where people reach the server.
    pub fn address(&self) -> String {
        let public = &self.server.public_url;
        if public.is_empty() { format!("http://{}", self.server.listen) } else { public.trim_end_matches('/').into() }
    }
}

/// A list of the file, or one text "a,b" of the environment.
fn by_comma<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let parts = match Given::deserialize(deserializer).map_err(|_| D::Error::custom("a list, or text with commas"))? {
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
        Given::List(list) => list,
    };
    Ok(parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
}

fn path_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| text.into()))
}
