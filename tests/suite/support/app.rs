use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use crawlhub::{
    app::{App, Outside},
    clock::ManualClock,
    config::{Config, Sources},
    platform::{
        containers::fake::{EDITOR, Fake, PLAIN},
        database::{Database, Schema},
    },
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{Client, client::PASSWORD, parts};

/// Settings that differ from the defaults, by the names of their environment variables.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// A whole server in this process, on a database and a clock of its own. Calls go over a real socket.
pub struct TestApp {
    pub client: Client,
    pub clock: Arc<ManualClock>,
    /// What its settings call `data_dir`.
    pub dir: TempDir,
    /// The database, where it is PostgreSQL.
    pub database_url: Option<String>,
    /// The engine that its containers are on.
    pub engine: Fake,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<anyhow::Result<()>>>,
}

impl std::ops::Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: Settings<'_>) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let database_url = parts::new_database().await;
        Box::pin(Self::open(dir, database_url, settings, Fake::new())).await
    }

    async fn open(dir: TempDir, database_url: Option<String>, settings: Settings<'_>, engine: Fake) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let own = [
            ("CRAWLHUB_DATA_DIR", dir.path().to_str().unwrap().to_owned()),
            ("CRAWLHUB_ADMIN_PASSWORD", PASSWORD.to_owned()),
            ("CRAWLHUB_SERVER_STOP_GRACE_SECONDS", "0".to_owned()),
            ("CRAWLHUB_SERVER_LEAVE_SECONDS", "0".to_owned()),
            ("CRAWLHUB_CODE_SERVER_IMAGE", EDITOR.to_owned()),
            ("CRAWLHUB_WORKSPACES_IMAGE", PLAIN.to_owned()),
            ("CRAWLHUB_RUNNER_ENVIRONMENTS_DIR", parts::python_environments().to_str().unwrap().to_owned()),
        ];
        let environment = own.into_iter().chain(database_url.clone().map(|url| ("DATABASE_URL", url)));
        let documents_url = parts::documents_url(dir.path(), database_url.as_deref());
        let environment = environment.chain(documents_url.map(|url| ("MONGODB_URL", url)));
        let environment = environment.chain(parts::storage(dir.path(), database_url.as_deref()));
        let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment = environment.chain(given).map(|(name, value)| (name.to_owned(), value));
        let config = Config::load(&Sources::new(None, environment)).unwrap();
        let start: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_crawlhub"));
        let outside = Outside::of(std::env::vars(), Some(clock.clone()), program);
        let outside = Outside { containers: Some(Arc::new(engine.clone())), ..outside };
        let app = Box::pin(App::open(&config, listen, outside)).await.unwrap_or_else(|error| panic!("{error:#}"));
        app.accounts().ensure_admin(&config.admin).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut served = tokio::spawn(app.serve(listener, async {
            let _ = stopped.await;
        }));
        let url = format!("http://{listen}");
        let client = tokio::select! {
            biased;
            ended = &mut served => panic!("the server has ended: {ended:?}"),
            client = Client::sign_in(&url, "admin@crawlhub.local", PASSWORD) => client,
        };
        Self { client, clock, dir, database_url, engine, stop: Some(stop), served: Some(served) }
    }

    /// A further server on the same database, where that is one that servers can share.
    pub async fn beside(&self, settings: Settings<'_>) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let database_url = self.database_url.clone()?;
        // Where the key is a setting, there is no file of it.
        let key = self.dir.path().join("secret.key");
        if key.exists() {
            std::fs::copy(key, dir.path().join("secret.key")).unwrap();
        }
        Some(Box::pin(Self::open(dir, Some(database_url), settings, self.engine.clone())).await)
    }

    /// Waits until the loop has looked at the world as it is now.
    pub async fn looked_at_by(&self, name: &str) {
        let runs = async || {
            let ready = self.send(self.request(reqwest::Method::GET, "/readyz")).await.json();
            ready["loops"][name]["runs"].as_u64().unwrap_or_else(|| panic!("no loop {name}: {ready}"))
        };
        // The first end may be that of a look that had begun before.
        for _ in 0..2 {
            let before = runs().await;
            self.clock.advance(chrono::TimeDelta::milliseconds(1));
            let give_up = Instant::now() + Duration::from_secs(30);
            while runs().await == before {
                assert!(Instant::now() < give_up, "the loop {name} hangs");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Stops the server as an operator would, and starts it again on the same data.
    pub async fn restart(mut self, settings: Settings<'_>) -> Self {
        self.stop().await;
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let database_url = self.database_url.take();
        let engine = self.engine.clone();
        Box::pin(Self::open(dir, database_url, settings, engine)).await
    }

    pub async fn database(&self) -> Database {
        parts::database_of(self.dir.path(), self.database_url.as_deref()).await
    }

    /// Where items and logs lie; on PostgreSQL the same one.
    pub async fn documents_database(&self) -> Database {
        match &self.database_url {
            Some(_) => self.database().await,
            None => Database::open_sqlite(&self.dir.path().join("documents.db"), Schema::Documents).await.unwrap(),
        }
    }

    /// Whether `text` stands in clear in anything that the server keeps: its files, its tables.
    pub async fn keeps(&self, text: &str) -> bool {
        any_file_holds(self.dir.path(), text.as_bytes())
            || match &self.database_url {
                Some(url) => parts::any_row_holds(url, text).await,
                None => false,
            }
    }

    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(served) = self.served.take() {
            served.await.unwrap().unwrap();
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(served) = self.served.take() {
            served.abort();
        }
    }
}

fn any_file_holds(folder: &Path, text: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return any_file_holds(&path, text);
        }
        std::fs::read(path).is_ok_and(|content| content.windows(text.len()).any(|window| window == text))
    })
}
