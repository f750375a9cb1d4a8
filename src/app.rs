//! The composition root: settings → handles → router and loops. What exists is read here, what is served in `router`, what
//! runs in `loops`.

mod description;
mod key;
mod loops;
mod parts;
mod router;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{http::HeaderValue, serve::ListenerExt};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use loops::sync;
pub use parts::{Outside, git, runner_config};
use parts::{
    SPIDERS_NETWORK, container_place, containers, default_memory, dispatcher_config, edge, editors, installation,
    made_folder, open_database, open_documents, open_files, origins, site, swarm_settings,
};

use crate::{
    clock::{Clock, SyncedClock},
    config::Config,
    features::{
        accounts::Accounts,
        alerts::Alerts,
        code_sessions::CodeSessions,
        contracts::Contracts,
        dashboard::Dashboard,
        data::Data,
        datasources::Datasources,
        doors::Doors,
        events::Events,
        housekeeping::Housekeeping,
        instances::Instances,
        nodes::Nodes,
        projects::Projects,
        proxies::Proxies,
        spiders::Spiders,
        tasks::{self, Dispatcher, Foundation, Tasks, Watchdog},
        workspaces::Workspaces,
    },
    health::Health,
    platform::{
        background::Background,
        containers::Gateway,
        database::{Database, Wakes},
        disk::Disk,
        documents::Documents,
        http::Entrance,
        notify::Notifier,
        process::presence::{self, Presence},
        secrets::Secrets,
    },
    runner::Runner,
};

/// How long open requests may take once everything else has stopped.
const HTTP_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct App {
    listen: SocketAddr,
    /// This server's name among those that share its database.
    worker: String,
    data_dir: PathBuf,
    stop_grace: Duration,
    /// How long it goes on serving when it is to stop.
    leave: Duration,
    cors: Vec<HeaderValue>,
    db: Database,
    documents: Documents,
    health: Health,
    accounts: Accounts,
    nodes: Nodes,
    projects: Projects,
    spiders: Spiders,
    proxies: Proxies,
    datasources: Datasources,
    tasks: Tasks,
    data: Data,
    housekeeping: Housekeeping,
    dashboard: Dashboard,
    alerts: Alerts,
    contracts: Contracts,
    code_sessions: CodeSessions,
    instances: Instances,
    workspaces: Workspaces,
    doors: Doors,
    gateway: Gateway,
    dispatcher: Dispatcher,
    background: Background,
    synced: Arc<SyncedClock>,
    wakes: Wakes,
    /// It is to stop: no task is started any more.
    leaving: CancellationToken,
    /// Ends loops and streams.
    stop: CancellationToken,
}

impl App {
    /// Opens everything that the settings name, and brings schemas up to date.
    /// `listen` is the address in use, which may have been port 0 in the settings.
    #[expect(clippy::too_many_lines, reason = "every part that there is, one after the other")]
    pub async fn open(config: &Config, listen: SocketAddr, outside: Outside) -> anyhow::Result<Self> {
        let data_dir = &made_folder(&config.server.data_dir)?;
        let secrets = Secrets::open(&config.server.secret_key, data_dir)?;
        let db = open_database(config, data_dir).await?;
        let synced = Arc::new(SyncedClock::default());
        sync(&db, &synced).await?;
        let clock = outside.clock.clone().unwrap_or_else(|| synced.clone());
        let disk = Disk::new(data_dir, config.server.min_free_bytes);
        let documents = open_documents(config, data_dir, &db, &clock, &disk).await?;
        let files = open_files(config, data_dir, &db, &disk)?;
        let installation = installation(&db).await?;
        key::check(&db, &secrets).await?;
        let containers = containers(config, &installation, &outside);
        let wakes = Wakes::new(&db);
        let (leaving, stop) = (CancellationToken::new(), CancellationToken::new());

        let accounts = Accounts::new(db.clone(), clock.clone(), config.accounts.clone(), edge(config)?);
        let nodes = Nodes::new(db.clone(), clock.clone(), secrets.clone(), accounts.clone(), config.nodes.clone());
        let (memory, worker) = (default_memory(config), new_worker());
        let mut runner = runner_config(config, data_dir, outside)?;
        runner.containers = Some(container_place(config, containers.installation()));
        runner.server = Some(presence::file_of(data_dir, &worker));
        let git = git(config, data_dir, &runner, &disk)?;
        let projects = Projects::new(db.clone(), clock.clone(), secrets.clone(), (files.clone(), git), nodes.clone());
        projects.default_id().await?;
        let spiders = Spiders::new(
            db.clone(),
            clock.clone(),
            files.clone(),
            secrets.clone(),
            projects.clone(),
            config.spiders.clone(),
            config.tasks.max_timeout_seconds,
        );
        spiders.adopt_schedules().await?;
        let proxies = Proxies::new(db.clone(), clock.clone(), secrets.clone(), config.proxies.clone(), stop.clone());
        let foundation = Foundation {
            db: db.clone(),
            documents: documents.clone(),
            files: files.clone(),
            secrets,
            clock: clock.clone(),
            events: Events::new(clock.clone()),
            wakes: wakes.clone(),
            quotas: config.quotas,
            stop: stop.clone(),
        };
        let datasources = Datasources::new(foundation.clone(), spiders.clone(), config.datasources.allow_private);
        let gateway = Gateway::new(containers.clone(), SPIDERS_NETWORK);
        let swarm = tasks::Swarm::new(swarm_settings(config, &runner.build_env), containers.installation());
        let engine =
            tasks::Engine::new(containers.clone(), gateway.clone(), &config.runner.image, &config.runner.api_url);
        let tasks = Tasks::new(
            foundation.clone(),
            spiders.clone(),
            proxies.clone(),
            datasources.clone(),
            (nodes.clone(), memory),
            (engine, swarm),
        );
        let doors = Doors::new(foundation.clone(), accounts.clone(), site(config, listen));
        let notifier = Notifier::new(&config.notify, config.mail.clone());
        let alerts = Alerts::new(foundation.clone(), spiders.clone(), notifier, config.alerts.language);
        let code_sessions = CodeSessions::new(
            foundation.clone(),
            (accounts.clone(), spiders.clone()),
            editors(config, &containers),
            (config.code_sessions.clone(), config.docker.ports()?),
            doors.clone(),
        )?;
        let instances = Instances::new(
            foundation.clone(),
            accounts.clone(),
            containers.clone(),
            config.instances.clone(),
            doors.clone(),
        )?;
        let workspaces = Workspaces::new(&foundation, accounts.clone(), containers.clone(), config.workspaces.clone());
        let dashboard = Dashboard::new(&foundation, disk.clone(), proxies.clone(), nodes.clone());
        let housekeeping = Housekeeping::new(foundation, disk.clone(), tasks.clone(), config.retention);
        let runner = Runner::new(runner, files.clone(), clock.clone());
        let runner = runner.context("cannot make the folders of the runner")?;
        let config_of_tasks = dispatcher_config(config, listen, &worker);
        let dispatcher = Dispatcher::new(tasks.clone(), runner, config_of_tasks, leaving.clone());
        let background = Background::new(stop.clone(), clock);
        Ok(Self {
            listen,
            worker,
            data_dir: data_dir.clone(),
            stop_grace: Duration::from_secs(config.server.stop_grace_seconds),
            leave: Duration::from_secs(if db.is_shared() { config.server.leave_seconds } else { 0 }),
            cors: origins(&config.server.cors_origins)?,
            health: Health {
                db: db.clone(),
                documents: documents.clone(),
                files,
                disk,
                containers,
                tasks: tasks.clone(),
                background: background.clone(),
                leaving: leaving.clone(),
            },
            contracts: Contracts::new(documents.clone(), spiders.clone(), tasks.clone(), datasources.clone()),
            data: Data::open(documents.clone(), data_dir.join("tmp"), config.data)?,
            housekeeping,
            dashboard,
            code_sessions,
            instances,
            workspaces,
            alerts,
            db,
            documents,
            accounts,
            nodes,
            doors,
            gateway,
            projects,
            spiders,
            proxies,
            datasources,
            tasks,
            dispatcher,
            background,
            synced,
            wakes,
            leaving,
            stop,
        })
    }

    /// Makes the present secret key the database's, where the one that it belonged to is lost.
    pub async fn adopt_key(config: &Config) -> anyhow::Result<()> {
        let data_dir = &made_folder(&config.server.data_dir)?;
        let secrets = Secrets::open(&config.server.secret_key, data_dir)?;
        let db = open_database(config, data_dir).await?;
        installation(&db).await?;
        key::adopt(&db, &secrets).await
    }

    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub fn projects(&self) -> &Projects {
        &self.projects
    }

    pub fn spiders(&self) -> &Spiders {
        &self.spiders
    }

    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    pub fn database(&self) -> &Database {
        &self.db
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// By the clock that all its parts go by.
    pub fn now(&self) -> DateTime<Utc> {
        self.synced.now()
    }

    /// Serves until `stopped`, then ends in order: no new tasks; running ones get their time, and their spiders can
    /// still deliver, as all others are served until they know better; then loops and streams; then the last requests;
    /// then the databases.
    pub async fn serve(self, listener: TcpListener, stopped: impl Future<Output = ()>) -> anyhow::Result<()> {
        let presence = Presence::announce(&self.data_dir, &self.worker).await?;
        let _serving = self.gateway.serve(self.inner_router());
        self.tasks.sweep(self.dispatcher.runner()).await?;
        self.projects.take_over().await?;
        self.code_sessions.end_leases().await?;
        self.instances.end_leases().await?;
        self.workspaces.end_leases().await?;
        self.start_loops(Watchdog::new(
            self.tasks.clone(),
            self.dispatcher.runner().clone(),
            (&self.worker, self.dispatcher.lease()),
            self.synced.clone(),
            &presence,
        )?);
        let (close_http, closed) = (CancellationToken::new(), CancellationToken::new());
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        // What people type into an editor does not wait for more.
        let listener = Entrance::new(listener, close_http.clone(), closed.clone())?.tap_io(|connection| {
            if let Err(error) = connection.get_ref().set_nodelay(true) {
                tracing::debug!("a connection keeps small pieces back: {error}");
            }
        });
        let http = axum::serve(listener, service).with_graceful_shutdown(closed.cancelled_owned());
        let http = std::pin::pin!(http.into_future());
        let ending = async {
            stopped.await;
            tracing::info!("stopping: running tasks have {} seconds", self.stop_grace.as_secs());
            self.leaving.cancel();
            tokio::join!(tokio::time::sleep(self.leave), self.dispatcher.drain(self.stop_grace));
            self.stop.cancel();
            tokio::join!(self.background.ended(), self.workspaces.ended(HTTP_GRACE));
            // One that was claimed at the last moment.
            self.dispatcher.drain(Duration::ZERO).await;
            close_http.cancel();
            tokio::time::sleep(HTTP_GRACE).await;
        };
        tokio::select! {
            result = http => result.context("the server cannot go on")?,
            () = ending => tracing::warn!("some requests did not end in time"),
        }
        self.documents.close().await;
        self.db.close().await;
        tracing::info!(address = %self.listen, "stopped");
        Ok(())
    }
}

/// A name that no other server has, and that says where it runs.
fn new_worker() -> String {
    let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{host}:{}:{}", std::process::id(), crate::id::new())
}
