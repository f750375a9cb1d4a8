//! Settings: `config/default.toml` < a file < the environment. That file is their documentation.

mod instances;
mod source;
mod swarm;
mod workspaces;

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

pub use instances::Instances;
pub use source::{Origin, Setting, Sources};
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
pub struct Storage {
    pub url: String,
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

/// The container engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    pub host: String,
    pub reach: Reach,
    pub ports: String,
}

impl Docker {
    /// To publish containers at.
    pub fn ports(&self) -> anyhow::Result<RangeInclusive<u16>> {
        range_of(&self.ports).with_context(|| format!("docker.ports is no range as 10000-10100: {:?}", self.ports))
    }
}

/// What is written as "10000-10100".
fn range_of(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

/// How containers are reached from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// At their own addresses where this machine has their network, else at published ports.
    Auto,
    Address,
    Port,
}

/// Editors in the browser.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSessions {
    pub image: String,
    pub cpus: f64,
    pub memory_mb: i64,
    pub processes: i64,
    pub disk_mb: i64,
    pub start_seconds: i64,
    pub idle_minutes: i64,
    pub max_minutes: i64,
    pub warn_minutes: i64,
    pub checkpoint_seconds: i64,
    pub per_user: i64,
    pub in_all: i64,
    pub warm: i64,
}

impl CodeSessions {
    fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.cpus > 0.0 && self.cpus <= 1024.0, "code_sessions.cpus must be above 0");
        for (name, number, least) in [
            ("memory_mb", self.memory_mb, 128),
            ("processes", self.processes, 16),
            ("disk_mb", self.disk_mb, 0),
            ("start_seconds", self.start_seconds, 1),
            ("idle_minutes", self.idle_minutes, 1),
            ("max_minutes", self.max_minutes, 1),
            ("warn_minutes", self.warn_minutes, 0),
            ("checkpoint_seconds", self.checkpoint_seconds, 10),
            ("per_user", self.per_user, 1),
            ("in_all", self.in_all, 1),
            ("warm", self.warm, 0),
        ] {
            ensure!((least..=1_000_000).contains(&number), "code_sessions.{name} must be between {least} and 1000000");
        }
        Ok(())
    }
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

/// Proxies that spiders may go through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxies {
    pub check_url: String,
    pub check_minutes: i64,
    pub cooldown_seconds: i64,
    pub rest_seconds: i64,
    pub when_none: WhenNone,
    pub allow_private: bool,
}

/// What becomes of a run that is to go through a proxy while none can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenNone {
    Fail,
    Direct,
}

/// How long what is kept; 0: for ever, or all of them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub task_days: i64,
    pub tasks_per_spider: i64,
    pub test_task_days: i64,
    pub log_days: i64,
    pub item_days: i64,
    pub versions_per_spider: i64,
    pub fire_days: i64,
    pub alert_days: i64,
    pub delivery_days: i64,
    pub audit_days: i64,
    pub event_days: i64,
}

impl Retention {
    fn validate(&self) -> anyhow::Result<()> {
        for (name, days) in [
            ("task_days", self.task_days),
            ("test_task_days", self.test_task_days),
            ("log_days", self.log_days),
            ("item_days", self.item_days),
            ("fire_days", self.fire_days),
            ("alert_days", self.alert_days),
            ("delivery_days", self.delivery_days),
            ("audit_days", self.audit_days),
            ("event_days", self.event_days),
        ] {
            ensure!((0..=36_500).contains(&days), "retention.{name} must be between 0 and 36500");
        }
        for (name, number) in
            [("tasks_per_spider", self.tasks_per_spider), ("versions_per_spider", self.versions_per_spider)]
        {
            ensure!(number >= 0, "retention.{name} must not be negative");
        }
        Ok(())
    }
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

/// Text that must not be printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.is_empty() { "\"\"" } else { "\"******\"" })
    }
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
        ensure!(self.tasks.lease_seconds >= 5, "tasks.lease_seconds must be at least 5");
        ensure!(self.spiders.max_files >= 1, "spiders.max_files must be at least 1");
        ensure!(self.data.search_items >= 1, "data.search_items must be at least 1");
        ensure!((5..=86_400).contains(&self.nodes.lease_seconds), "nodes.lease_seconds must be between 5 and 86400");
        self.retention.validate()?;
        self.docker.ports()?;
        self.swarm.validate()?;
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
        for url in [&self.server.public_url, &self.runner.api_url] {
            ensure!(url.is_empty() || url.starts_with("http"), "not an http address: {url:?}");
        }
        let Proxies { check_url, check_minutes, cooldown_seconds, rest_seconds, .. } = &self.proxies;
        ensure!(check_url.is_empty() || check_url.starts_with("http"), "not an http address: {check_url:?}");
        for (name, time) in
            [("check_minutes", check_minutes), ("cooldown_seconds", cooldown_seconds), ("rest_seconds", rest_seconds)]
        {
            ensure!((0..=604_800).contains(time), "proxies.{name} must be between 0 and 604800");
        }
        let from = &self.mail.from;
        ensure!(from.is_empty() || from.contains('@'), "mail.from is not an e-mail address: {from:?}");
        if !self.storage.url.is_empty() {
            bail!("storage.url: only files in the data directory are supported so far; leave it empty");
        }
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
