//! The composition root: settings → handles → router and loops. What exists and what runs is read here.

mod description;
mod loops;
mod parts;

use std::{
    fs::DirBuilder,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
    serve::ListenerExt,
};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use description::{Description, name_operations};
use loops::sync;
pub use parts::Outside;
use parts::{SPIDERS_NETWORK, container_place, containers, dispatcher_config, edge, origins, runner_config, site};

use crate::{
    clock::{Clock, SharedClock, SyncedClock},
    config::Config,
    error::{Error, Problem},
    features::{
        accounts::{self, Access, Accounts},
        alerts::{self, Alerts},
        code_sessions::{self, CodeSessions, Doors},
        contracts::{self, Contracts},
        dashboard::{self, Dashboard},
        data::{self, Data},
        datasources::{self, Datasources},
        events::Events,
        housekeeping::{self, Housekeeping},
        projects::{self, Projects},
        proxies::{self, Proxies},
        spiders::{self, Spiders},
        tasks::{self, Dispatcher, Foundation, Tasks, Watchdog},
        workspaces::{self, Workspaces},
    },
    health::{self, Health},
    platform::{
        background::Background,
        containers::Gateway,
        database::{Database, Schema},
        disk::Disk,
        documents::{Documents, MongoStore, SqlStore},
        files::Files,
        http::{carry_context, panic_answer},
        notify::Notifier,
        process::presence::{self, Presence},
        secrets::Secrets,
    },
    runner::Runner,
    text, ui,
};

const BASE: &str = "/platform/api";
/// Of a request that is no upload.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// How long open requests may take once everything else has stopped.
const HTTP_GRACE: Duration = Duration::from_secs(5);
#[derive(Debug)]
pub struct App {
    listen: SocketAddr,
    /// This server's name among those that share its database.
    worker: String,
    data_dir: PathBuf,
    stop_grace: Duration,
    cors: Vec<HeaderValue>,
    db: Database,
    documents: Documents,
    health: Health,
    accounts: Accounts,
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
    workspaces: Workspaces,
    doors: Doors,
    gateway: Gateway,
    dispatcher: Dispatcher,
    background: Background,
    synced: Arc<SyncedClock>,
    /// Ends claiming, loops and streams.
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
        let files = Files::local(&data_dir.join("files"), disk.clone())?;
        let containers = containers(config, &db, &outside).await?;
        let stop = CancellationToken::new();

        let accounts = Accounts::new(db.clone(), clock.clone(), config.accounts.clone(), edge(config)?);
        let projects = Projects::new(db.clone(), clock.clone());
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
            quotas: config.quotas,
            stop: stop.clone(),
        };
        let datasources = Datasources::new(foundation.clone(), spiders.clone(), config.datasources.allow_private);
        let gateway = Gateway::new(containers.clone(), SPIDERS_NETWORK);
        let engine =
            tasks::Engine::new(containers.clone(), gateway.clone(), &config.runner.image, &config.runner.api_url);
        let tasks = Tasks::new(foundation.clone(), spiders.clone(), proxies.clone(), datasources.clone(), engine);
        let doors = Doors::new(foundation.clone(), accounts.clone(), site(config));
        let notifier = Notifier::new(&config.notify, config.mail.clone());
        let alerts = Alerts::new(foundation.clone(), spiders.clone(), notifier, config.alerts.language);
        let code_sessions = CodeSessions::new(
            foundation.clone(),
            (accounts.clone(), spiders.clone()),
            containers.clone(),
            (config.code_sessions.clone(), config.docker.ports()?),
            doors.clone(),
        )?;
        let workspaces = Workspaces::new(&foundation, accounts.clone(), containers.clone(), config.workspaces.clone());
        let dashboard = Dashboard::new(&foundation, disk.clone(), proxies.clone());
        let housekeeping = Housekeeping::new(foundation, disk.clone(), tasks.clone(), config.retention);
        let worker = new_worker();
        let mut runner = runner_config(config, data_dir, outside)?;
        runner.containers = Some(container_place(config, containers.installation()));
        runner.server = Some(presence::file_of(data_dir, &worker));
        let runner = Runner::new(runner, files.clone(), clock.clone());
        let runner = runner.context("cannot make the folders of the runner")?;
        let config_of_tasks = dispatcher_config(config, listen, &worker);
        let dispatcher = Dispatcher::new(tasks.clone(), runner, config_of_tasks, stop.clone());
        let background = Background::new(stop.clone(), clock);
        Ok(Self {
            listen,
            worker,
            data_dir: data_dir.clone(),
            stop_grace: Duration::from_secs(config.server.stop_grace_seconds),
            cors: origins(&config.server.cors_origins)?,
            health: Health {
                db: db.clone(),
                documents: documents.clone(),
                files,
                disk,
                containers,
                background: background.clone(),
            },
            contracts: Contracts::new(documents.clone(), spiders.clone(), tasks.clone(), datasources.clone()),
            data: Data::open(documents.clone(), data_dir.join("tmp"), config.data)?,
            housekeeping,
            dashboard,
            code_sessions,
            workspaces,
            alerts,
            db,
            documents,
            accounts,
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
            stop,
        })
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

    /// Every route there is, closed but for those that are listed as open.
    fn routes(&self) -> (OpenApiRouter, Router) {
        let crawler = OpenApiRouter::new()
            .merge(projects::router(self.projects.clone()))
            .merge(spiders::router(self.spiders.clone()))
            .merge(proxies::router(self.proxies.clone()))
            .merge(datasources::router(self.datasources.clone()))
            .merge(tasks::router(self.tasks.clone()))
            .merge(data::router(self.data.clone()))
            .merge(contracts::router(self.contracts.clone()))
            .merge(code_sessions::router(self.code_sessions.clone()))
            .merge(alerts::router(self.alerts.clone()))
            .merge(dashboard::router(self.dashboard.clone()));
        let internal = || tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        let api = OpenApiRouter::new()
            .merge(accounts::public_router(self.accounts.clone()))
            .merge(code_sessions::authorize_router(self.doors.clone()))
            .merge(self.accounts.guard(Access::SignedIn, accounts::own_router(self.accounts.clone())))
            .merge(self.accounts.guard(Access::Admin, accounts::admin_router(self.accounts.clone())))
            .merge(self.accounts.guard(Access::SignedIn, housekeeping::router(self.housekeeping.clone())))
            .merge(self.accounts.guard(Access::Admin, housekeeping::admin_router(self.housekeeping.clone())))
            .nest("/crawlhub", self.accounts.guard(Access::ByMethod, crawler))
            .nest(
                "/crawlhub",
                self.accounts.guard(Access::Admin, code_sessions::admin_router(self.code_sessions.clone())),
            )
            .nest("/crawlhub", self.accounts.guard(Access::Editor, workspaces::router(self.workspaces.clone())))
            .nest("/crawlhub/internal", internal());
        let mut described = OpenApiRouter::with_openapi(Description::openapi())
            .merge(health::router(self.health.clone()))
            .nest(BASE, api);
        name_operations(described.get_openapi_mut());
        // The same again for clients that send no header; described once is enough.
        let by_address = self.by_address();
        (described, by_address)
    }

    /// What a spider may call, the task's token in the address.
    fn by_address(&self) -> Router {
        let internal = tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        Router::new().nest(&format!("{BASE}/_t/{{token}}/crawlhub/internal"), internal.split_for_parts().0)
    }

    /// All that is served to containers.
    fn inner_router(&self) -> Router {
        let internal = tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        self.by_address()
            .nest(&format!("{BASE}/crawlhub/internal"), internal.split_for_parts().0)
            .fallback(no_route)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(CatchPanicLayer::custom(panic_answer))
            .layer(from_fn(carry_context))
    }

    pub fn openapi(&self) -> utoipa::openapi::OpenApi {
        self.routes().0.into_openapi()
    }

    fn router(&self) -> Router {
        let (described, plain) = self.routes();
        let (router, openapi) = described.split_for_parts();
        router
            .merge(plain)
            .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi))
            .fallback(ui::fallback)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(CatchPanicLayer::custom(panic_answer))
            .layer(self.cors_layer())
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_FRAME_OPTIONS,
                HeaderValue::from_static("SAMEORIGIN"),
            ))
            .layer(from_fn_with_state(self.doors.clone(), code_sessions::enter))
            .layer(from_fn(carry_context))
    }

    fn cors_layer(&self) -> CorsLayer {
        let layer = CorsLayer::new();
        if self.cors.is_empty() {
            return layer;
        }
        layer
            .allow_origin(AllowOrigin::list(self.cors.clone()))
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::CONTENT_TYPE,
                header::AUTHORIZATION,
                header::ACCEPT_LANGUAGE,
                HeaderName::from_static("x-csrf-token"),
                HeaderName::from_static("x-request-id"),
                HeaderName::from_static("x-trace-id"),
            ])
            .expose_headers([HeaderName::from_static("x-request-id"), header::CONTENT_DISPOSITION])
    }

    /// Serves until `stopped`, then ends in order: no new tasks; running ones get their time, and their spiders can
    /// still deliver; then the last requests; then the databases.
    pub async fn serve(self, listener: TcpListener, stopped: impl Future<Output = ()>) -> anyhow::Result<()> {
        let presence = Presence::announce(&self.data_dir, &self.worker)?;
        let _serving = self.gateway.serve(self.inner_router());
        self.tasks.sweep(self.dispatcher.runner()).await?;
        self.start_loops(Watchdog::new(
            self.tasks.clone(),
            self.dispatcher.runner().clone(),
            (&self.worker, self.dispatcher.lease()),
            self.synced.clone(),
            &presence,
        )?);
        let close_http = CancellationToken::new();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        // What people type into an editor does not wait for more.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!("a connection keeps small pieces back: {error}");
            }
        });
        let http = axum::serve(listener, service).with_graceful_shutdown(close_http.clone().cancelled_owned());
        let http = std::pin::pin!(http.into_future());
        let ending = async {
            stopped.await;
            tracing::info!("stopping: running tasks have {} seconds", self.stop_grace.as_secs());
            self.stop.cancel();
            tokio::join!(
                self.background.ended(),
                self.dispatcher.drain(self.stop_grace),
                self.workspaces.ended(HTTP_GRACE),
            );
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

async fn open_database(config: &Config, data_dir: &Path) -> anyhow::Result<Database> {
    match config.database.url.reveal() {
        "" => Database::open_sqlite(&data_dir.join("crawlhub.db"), Schema::Main).await,
        url => Database::open_postgres(url).await,
    }
}

/// Where there is none, one is made. Its absolute path.
fn made_folder(data_dir: &Path) -> anyhow::Result<PathBuf> {
    // Other users of the machine have no business in it.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    made.with_context(|| format!("cannot make {}", data_dir.display()))?;
    Ok(std::path::absolute(data_dir)?)
}

/// Documents live in MongoDB where there is one, else in the database, in SQLite in a file of their own.
async fn open_documents(
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

async fn no_route() -> Error {
    Error::not_found("no_route", text!("没有这个地址", "there is nothing at this address; see /docs"))
}

async fn wrong_method() -> Error {
    Error::WrongVerb(Problem {
        code: "wrong_method",
        text: text!("不支持该方法", "this address does not take that method; see /docs"),
    })
}
