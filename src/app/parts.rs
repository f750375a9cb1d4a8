//! What the settings and the world outside mean for each part.

use std::{
    fs::DirBuilder,
    net::{IpAddr, SocketAddr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use axum::http::HeaderValue;
use chrono::TimeDelta;
use ipnet::IpNet;
use nix::unistd::Uid;

use crate::{
    clock::SharedClock,
    config::{Config, Confine, EditorRunner},
    features::{
        accounts::Edge,
        doors::Site,
        tasks::{DispatcherConfig, JobSettings, SwarmSettings},
    },
    platform::{
        containers::{ContainerRuntime, Containers, Docker, ENGINE_SOCKETS, swarm::Services},
        database::{Database, Schema},
        disk::Disk,
        documents::{Documents, MongoStore, SqlStore},
        files::Files,
        git::{self, Git},
        process::{Confinement, Strength},
    },
    runner::{RunnerConfig, contained::ContainerPlace},
};

/// What tests replace.
#[derive(Debug, Clone)]
pub struct Outside {
    /// None: that of the database, where servers share it, else this machine's.
    pub clock: Option<SharedClock>,
    /// This program, which is started again as the supervisor of each spider.
    pub program: PathBuf,
    /// `PATH`, `LANG` and `TZ` for spiders.
    pub base_env: Vec<(String, String)>,
    /// What pip and uv are to know of the operator's network: indexes, proxies, certificates.
    pub build_env: Vec<(String, String)>,
    /// Files beside the data directory that spiders must not see.
    pub hidden: Vec<PathBuf>,
    /// None: the engine that the settings name.
    pub containers: Option<Arc<dyn ContainerRuntime>>,
}

impl Outside {
    /// Sorts out of the server's environment what spiders and builders may see. They see nothing else of it.
    pub fn of(
        environment: impl Iterator<Item = (String, String)>,
        clock: Option<SharedClock>,
        program: PathBuf,
    ) -> Self {
        let (mut base_env, mut build_env) = (Vec::new(), Vec::new());
        for (name, value) in environment {
            if ["PATH", "LANG", "TZ"].contains(&name.as_str()) {
                base_env.push((name, value));
            } else if concerns_builds(&name) {
                build_env.push((name, value));
            }
        }
        Self { clock, program, base_env, build_env, hidden: Vec::new(), containers: None }
    }
}

/// What pip and uv need to reach their indexes.
fn concerns_builds(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("PIP_")
        || name.starts_with("UV_")
        || name.ends_with("_PROXY")
        || ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"].contains(&name.as_str())
}

/// The name of this installation, which all servers on its database share.
pub(super) async fn installation(db: &Database) -> anyhow::Result<String> {
    let new = crate::id::new();
    let insert = "INSERT INTO installation (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
    db.query(insert).bind(&new).execute().await?;
    let (installation,): (String,) = db.query("SELECT id FROM installation").fetch_one().await?;
    Ok(installation)
}

/// The engine.
pub(super) fn containers(config: &Config, installation: &str, outside: &Outside) -> Containers {
    let runtime = outside.containers.clone().unwrap_or_else(|| Arc::new(Docker::new(config.docker.clone())));
    Containers::new(runtime, installation)
}

/// The engine of editors, which may be a swarm.
pub(super) fn editors(config: &Config, containers: &Containers) -> Containers {
    match config.code_sessions.runner {
        EditorRunner::Docker => containers.clone(),
        EditorRunner::Swarm => {
            Containers::new(Arc::new(Services::new(config.swarm.clone())), containers.installation())
        }
    }
}

/// The network of spiders' containers.
pub(super) const SPIDERS_NETWORK: &str = "crawlhub-spiders";

pub(super) fn container_place(config: &Config, installation: &str) -> ContainerPlace {
    ContainerPlace {
        docker: config.docker.clone(),
        installation: installation.to_owned(),
        network: SPIDERS_NETWORK.to_owned(),
    }
}

pub(super) fn edge(config: &Config) -> anyhow::Result<Edge> {
    let network = |text: &String| text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let trusted = config.server.trusted_proxies.iter().map(network);
    Ok(Edge {
        https: config.server.public_url.starts_with("https://"),
        trusted_proxies: trusted
            .collect::<Result<_, _>>()
            .context("server.trusted_proxies holds neither an IP address nor a network")?,
    })
}

/// Where editors and instances are found.
pub(super) fn site(config: &Config, listen: SocketAddr) -> Site {
    let public = &config.server.public_url;
    let address = if public.is_empty() { format!("http://{listen}") } else { public.clone() };
    Site::new(&config.server.sandbox_domain, &address, !config.instances.images.is_empty())
}

pub(super) fn origins(configured: &[String]) -> anyhow::Result<Vec<HeaderValue>> {
    configured
        .iter()
        .map(|origin| origin.parse().with_context(|| format!("server.cors_origins: {origin:?} is no origin")))
        .collect()
}

/// How spiders are run on this machine; `data_dir` is closed to them.
pub fn runner_config(config: &Config, data_dir: &Path, outside: Outside) -> anyhow::Result<RunnerConfig> {
    let mut runner = RunnerConfig::new(data_dir, outside.program);
    if let Some(folder) = &config.runner.environments_dir {
        runner.environments_dir.clone_from(folder);
    }
    runner.python.clone_from(&config.runner.python);
    runner.base_env = outside.base_env;
    runner.build_env = outside.build_env;
    runner.build_timeout = Duration::from_secs(config.runner.environment_timeout_seconds);
    runner.log_limit_bytes = config.tasks.log_limit_bytes;
    runner.stdout_items_limit = config.tasks.stdout_items_limit_bytes;
    runner.max_processes = config.tasks.max_processes;
    runner.max_disk_mb = Some(config.runner.disk_mb).filter(|limit| *limit > 0);
    if confines(config.runner.confine)? {
        let files = outside.hidden.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>()?;
        let hidden = [data_dir.to_owned()].into_iter().chain(files).collect();
        let confinement = Confinement { hidden, sockets: powerful_sockets(config), ..Confinement::default() };
        for socket in confinement.sockets_in_reach() {
            tracing::info!(
                socket = %socket.display(),
                "spiders that run as processes of this server cannot open UNIX sockets: this one would make them more than that"
            );
        }
        runner.confinement = Some(confinement);
    }
    Ok(runner)
}

/// Reads projects' repositories, confined as spiders are.
pub fn git(config: &Config, data_dir: &Path, runner: &RunnerConfig, disk: &Disk) -> anyhow::Result<Git> {
    let ca_bundle = config.git.ca_bundle.as_ref().map(std::path::absolute).transpose()?;
    Git::new(git::Settings {
        root: data_dir.join("git"),
        supervisor: runner.supervisor.clone(),
        server: runner.server.clone(),
        path: runner.path(),
        confinement: runner.confinement.clone(),
        max_mb: config.git.max_mb,
        timeout: Duration::from_secs(config.git.timeout_seconds),
        allow_private: config.git.allow_private,
        ca_bundle,
        disk: disk.clone(),
    })
}

/// Whoever may write to one of them can do more than this server's spiders are to: start containers as root, or processes
/// that are not confined.
fn powerful_sockets(config: &Config) -> Vec<PathBuf> {
    let hosts = [&config.docker.host, &config.swarm.host];
    let own = hosts.into_iter().filter_map(|host| host.strip_prefix("unix://")).map(PathBuf::from);
    let sessions = PathBuf::from(format!("/run/user/{}", Uid::effective()));
    let of_session = ["bus", "systemd/private", "docker.sock", "podman/podman.sock"].map(|name| sessions.join(name));
    let of_system = ["/run/containerd/containerd.sock", "/run/systemd/private"].map(PathBuf::from);
    own.chain(ENGINE_SOCKETS.map(PathBuf::from)).chain(of_system).chain(of_session).collect()
}

/// Whether spiders are confined; says it where they are not, or not wholly.
fn confines(wanted: Confine) -> anyhow::Result<bool> {
    if wanted == Confine::Off {
        return Ok(false);
    }
    match Strength::of_this_machine() {
        Strength::Full => {}
        Strength::Partial => tracing::warn!(
            "spiders are confined in part: before Linux 6.12 they can signal the server's processes, before 6.2 \
             truncate its files, and without seccomp set its limits"
        ),
        Strength::None => {
            ensure!(wanted != Confine::Required, "runner.confine is required, but this system has no Landlock to use");
            tracing::warn!(
                "spiders are not confined, as this system has no Landlock to use: each can read and change whatever the \
                 server's user can, the database and the secret key among it; run only spiders that you trust"
            );
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn dispatcher_config(config: &Config, listen: SocketAddr, worker: &str) -> DispatcherConfig {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Spiders run here: where the server listens everywhere, they reach it over loopback.
    let host = if listen.ip().is_unspecified() { "127.0.0.1".to_owned() } else { listen.ip().to_string() };
    let own = if listen.is_ipv6() && !listen.ip().is_unspecified() {
        format!("http://[{host}]:{}", listen.port())
    } else {
        format!("http://{host}:{}", listen.port())
    };
    let configured = config.runner.api_url.trim_end_matches('/');
    DispatcherConfig {
        worker: worker.to_owned(),
        slots: if config.tasks.slots == 0 { cores * 2 } else { config.tasks.slots },
        lease: TimeDelta::seconds(config.tasks.lease_seconds),
        job: JobSettings {
            api_url: if configured.is_empty() { own } else { configured.to_owned() },
            memory_limit_mb: default_memory(config),
        },
    }
}

/// What it takes to run spiders in a swarm.
pub(super) fn swarm_settings(config: &Config, build_env: &[(String, String)]) -> SwarmSettings {
    let known = [&config.swarm.api_url, &config.runner.api_url, &config.server.public_url];
    let api_url = known.into_iter().find(|url| !url.is_empty());
    SwarmSettings {
        swarm: config.swarm.clone(),
        api_url: api_url.map(|url| url.trim_end_matches('/').to_owned()).unwrap_or_default(),
        tasks: config.tasks.clone(),
        build_time: Duration::from_secs(config.runner.environment_timeout_seconds),
        build_env: build_env.to_vec(),
    }
}

/// Of spiders that set no limit of their own, in MB.
pub(super) fn default_memory(config: &Config) -> Option<i64> {
    Some(config.tasks.default_memory_limit_mb).filter(|limit| *limit > 0)
}

pub(super) async fn open_database(config: &Config, data_dir: &Path) -> anyhow::Result<Database> {
    match config.database.url.reveal() {
        "" => Database::open_sqlite(&data_dir.join("crawlhub.db"), Schema::Main).await,
        url => Database::open_postgres(url).await,
    }
}

/// Where there is none, one is made. Its absolute path.
pub(super) fn made_folder(data_dir: &Path) -> anyhow::Result<PathBuf> {
    // Other users of the machine have no business in it.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.with_context(|| format!("cannot make {}", data_dir.display()))?;
    Ok(std::path::absolute(data_dir)?)
}

/// Documents live in MongoDB where there is one, else in the database, in SQLite in a file of their own.
pub(super) async fn open_documents(
    config: &Config,
    data_dir: &Path,
    db: &Database,
    clock: &SharedClock,
    disk: &Disk,
) -> anyhow::Result<Documents> {
    let mongodb = config.mongodb.url.reveal();
    if !mongodb.is_empty() {
        let store = MongoStore::open(mongodb, config.mongodb.ttl_days, clock.clone()).await?;
        return Ok(Documents::new(store, disk.clone()));
    }
    let db = match db {
        Database::Postgres(_) => db.clone(),
        Database::Sqlite { .. } => Database::open_sqlite(&data_dir.join("documents.db"), Schema::Documents).await?,
    };
    Ok(Documents::new(SqlStore::new(db, clock.clone()), disk.clone()))
}

/// Files live in a bucket where there is one, else in the data directory.
pub(super) fn open_files(config: &Config, data_dir: &Path, db: &Database, disk: &Disk) -> anyhow::Result<Files> {
    match config.storage.bucket()? {
        Some(bucket) => Files::in_bucket(&bucket, db),
        None => Files::local(&data_dir.join("files"), disk.clone()),
    }
}
