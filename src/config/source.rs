//! Where each setting comes from.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use anyhow::Context;
use config::{ConfigBuilder, File, FileFormat, Value, ValueKind, builder::DefaultState};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Names that the contract fixes beside `CRAWLHUB_SECTION_NAME`.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("CRAWLHUB_LISTEN", "server.listen"),
    ("CRAWLHUB_DATA_DIR", "server.data_dir"),
    ("CRAWLHUB_PUBLIC_URL", "server.public_url"),
    ("CRAWLHUB_CORS_ORIGINS", "server.cors_origins"),
    ("CRAWLHUB_SECRET_KEY", "server.secret_key"),
    ("DATABASE_URL", "database.url"),
    ("MONGODB_URL", "mongodb.url"),
    ("CRAWLHUB_STORAGE", "storage.url"),
    ("AWS_ACCESS_KEY_ID", "storage.access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "storage.secret_access_key"),
    ("AWS_SESSION_TOKEN", "storage.session_token"),
    ("CRAWLHUB_SLOTS", "tasks.slots"),
    ("CRAWLHUB_SANDBOX_DOMAIN", "server.sandbox_domain"),
    ("DOCKER_HOST", "docker.host"),
    ("CRAWLHUB_CODE_SERVER_IMAGE", "code_sessions.image"),
    ("CRAWLHUB_SPIDER_IMAGE", "runner.image"),
    ("AGENT_NODE_NAME", "agent.node_name"),
    ("AGENT_MASTER_URL", "agent.master_url"),
    ("AGENT_TOKEN", "agent.token"),
    ("AGENT_TOKEN_FILE", "agent.token_file"),
    ("AGENT_API_HOST", "agent.api_host"),
    ("AGENT_API_PORT", "agent.api_port"),
    ("AGENT_STORAGE_PATH", "agent.storage_path"),
    ("AGENT_PROJECTS_PATH", "agent.projects_path"),
    ("AGENT_DATASETS_PATH", "agent.datasets_path"),
    ("AGENT_JOBS_WORKSPACE", "agent.jobs_workspace"),
    ("AGENT_SLOTS", "agent.slots"),
    ("AGENT_LABELS", "agent.labels"),
];

/// Values that `config show` hides, and that may stand in a file which a variable with `_FILE` behind its name points to.
const SECRETS: &[&str] = &[
    "server.secret_key",
    "database.url",
    "mongodb.url",
    "storage.access_key_id",
    "storage.secret_access_key",
    "storage.session_token",
    "admin.password",
    "mail.password",
    "agent.token",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
            Self::Environment(name) => write!(formatter, "environment {name}"),
        }
    }
}

/// One line of `config show`.
#[derive(Debug)]
pub struct Setting {
    pub key: String,
    /// As text; hidden where it is a secret.
    pub value: String,
    pub origin: Origin,
}

/// The layers, read once.
#[derive(Debug)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: HashMap<String, String>,
}

impl Sources {
    pub fn new(file: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { file: file.map(Path::to_path_buf), environment: environment.into_iter().collect() }
    }

    pub(super) fn merged(&self) -> anyhow::Result<config::Config> {
        let mut builder = self.below_environment();
        for (key, (_, value)) in self.environment_values()? {
            builder = builder.set_override(key, value)?;
        }
        builder.build().context("the settings cannot be read")
    }

    /// Every setting with its value and where it comes from.
    pub fn show(&self) -> anyhow::Result<Vec<Setting>> {
        let file = match &self.file {
            Some(path) => flatten(&config::Config::builder().add_source(file_source(path)).build()?),
            None => BTreeMap::new(),
        };
        let environment = self.environment_values()?;
        let merged = flatten(&self.merged()?);
        Ok(merged
            .into_iter()
            .map(|(key, value)| {
                let origin = match (environment.get(&key), &self.file) {
                    (Some((name, _)), _) => Origin::Environment(name.clone()),
                    (None, Some(path)) if file.contains_key(&key) => Origin::File(path.clone()),
                    _ => Origin::Default,
                };
                let hidden = is_secret(&key) && !value.is_empty();
                Setting { value: if hidden { "******".to_owned() } else { value }, key, origin }
            })
            .collect())
    }

    fn below_environment(&self) -> ConfigBuilder<DefaultState> {
        let builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        match &self.file {
            Some(path) => builder.add_source(file_source(path)),
            None => builder,
        }
    }

    /// Setting → (variable, value). The section's own name wins over the short one.
    fn environment_values(&self) -> anyhow::Result<BTreeMap<String, (String, String)>> {
        let mut found = BTreeMap::new();
        let defaults = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build()?;
        let long = flatten(&defaults).into_keys().map(|key| (long_name(&key), key));
        let short = SHORT_NAMES.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
        for (name, key) in short.chain(long) {
            if let Some((name, path)) = self.file_of_secret(&name, &key) {
                let text = std::fs::read_to_string(path).with_context(|| format!("{name}: {path:?} cannot be read"))?;
                found.insert(key, (name, text.trim_end_matches(['\r', '\n']).to_owned()));
            } else if let Some(value) = self.environment.get(&name) {
                found.insert(key, (name, value.clone()));
            }
        }
        Ok(found)
    }

    /// What has settings, secrets among them, and must not be seen by what the program starts.
    pub fn files(&self) -> Vec<PathBuf> {
        let secrets = SHORT_NAMES.iter().map(|(name, key)| ((*name).to_owned(), *key));
        let secrets = secrets.chain(SECRETS.iter().map(|key| (long_name(key), *key)));
        let given = secrets.filter_map(|(name, key)| Some(PathBuf::from(self.file_of_secret(&name, key)?.1)));
        // A client's key, which opens engines.
        let certificates = self.environment.get("DOCKER_CERT_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.file.iter().cloned().chain(given).chain(certificates).collect()
    }

    /// As engines give secrets to containers.
    fn file_of_secret(&self, name: &str, key: &str) -> Option<(String, &str)> {
        let name = format!("{name}_FILE");
        // Such a variable may be a setting of its own.
        let is_other = SHORT_NAMES.iter().any(|(short, _)| *short == name);
        let path = self.environment.get(&name).filter(|path| is_secret(key) && !is_other && !path.is_empty())?;
        Some((name, path))
    }
}

fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

fn long_name(key: &str) -> String {
    format!("CRAWLHUB_{}", key.replace('.', "_").to_uppercase())
}

fn file_source(path: &Path) -> File<config::FileSourceFile, FileFormat> {
    File::new(&path.to_string_lossy(), FileFormat::Toml).required(true)
}

fn flatten(config: &config::Config) -> BTreeMap<String, String> {
    fn walk(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        match &value.kind {
            ValueKind::Table(table) => {
                for (name, inner) in table {
                    let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    walk(&key, inner, into);
                }
            }
            ValueKind::Array(list) => {
                let parts: Vec<String> = list.iter().map(ToString::to_string).collect();
                into.insert(prefix.to_owned(), parts.join(","));
            }
            _ => {
                into.insert(prefix.to_owned(), value.to_string());
            }
        }
    }
    let mut flat = BTreeMap::new();
    walk("", &config.cache, &mut flat);
    flat
}
