use std::{path::Path, process::Stdio};

use crawlhub::platform::database::Database;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Client, Settings, client::PASSWORD, parts};

/// The binary as an operator starts it: a process of its own, its own settings, its own clock.
pub struct ServerProcess {
    pub client: Client,
    pub child: Child,
    pub dir: TempDir,
    pub database_url: Option<String>,
}

/// The same, started by another program that becomes it.
fn begun_by(words: &[&str], server: &Command) -> Command {
    let server = server.as_std();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(server.get_program()).kill_on_drop(true);
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

impl std::ops::Deref for ServerProcess {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl ServerProcess {
    pub async fn start(settings: Settings<'_>) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let database_url = parts::new_database().await;
        Self::start_in(dir, database_url, settings).await
    }

    pub async fn start_in(dir: TempDir, database_url: Option<String>, settings: Settings<'_>) -> Self {
        let mut command = Self::command(dir.path(), database_url.as_deref(), settings);
        Self::start_command(&mut command, dir, database_url).await
    }

    /// Another server on the same database: with a data directory of its own, but for what servers share.
    pub async fn beside(&self, database_url: &str, settings: Settings<'_>) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        for shared in ["files", "secret.key"] {
            std::os::unix::fs::symlink(self.dir.path().join(shared), dir.path().join(shared)).unwrap();
        }
        Self::start_in(dir, Some(database_url.to_owned()), settings).await
    }

    pub async fn database(&self) -> Database {
        parts::database_of(self.dir.path(), self.database_url.as_deref()).await
    }

    /// With a file of settings.
    pub async fn start_with_file(file: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let database_url = parts::new_database().await;
        let mut command = Self::command(dir.path(), database_url.as_deref(), &[]);
        command.arg("--config").arg(file);
        Self::start_command(&mut command, dir, database_url).await
    }

    /// Given no more open files than so many, as long as it does not ask for more.
    pub async fn start_with_open_files(limit: u32) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let database_url = parts::new_database().await;
        let server = Self::command(dir.path(), database_url.as_deref(), &[]);
        let limited = format!("ulimit -Sn {limit}; exec \"$0\" \"$@\"");
        Self::start_command(&mut begun_by(&["sh", "-c", &limited], &server), dir, database_url).await
    }

    /// On another network than this one, where it is reached at `base`.
    pub async fn start_on_network(of: &str, base: &str, settings: Settings<'_>) -> Self {
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let server = Self::command(dir.path(), None, settings);
        let mut command = begun_by(&["nsenter", &format!("--net={of}")], &server);
        Self::start_at(&mut command, dir, None, Some(base)).await
    }

    async fn start_command(command: &mut Command, dir: TempDir, database_url: Option<String>) -> Self {
        Self::start_at(command, dir, database_url, None).await
    }

    async fn start_at(command: &mut Command, dir: TempDir, database_url: Option<String>, base: Option<&str>) -> Self {
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().expect("the server ended before it said where it listens");
        let said = first.split_whitespace().nth(1).unwrap().trim_end_matches('/');
        let base = base.unwrap_or(said).to_owned();
        // Kept open: a closed pipe would be an error for whoever prints next.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let client = Client::sign_in(&base, "admin@crawlhub.local", PASSWORD).await;
        Self { client, child, dir, database_url }
    }

    /// The binary with the settings of a test, ready for a subcommand.
    pub fn command(dir: &Path, database_url: Option<&str>, settings: Settings<'_>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crawlhub"));
        command
            .env("CRAWLHUB_LISTEN", "127.0.0.1:0")
            .env("CRAWLHUB_DATA_DIR", dir)
            .env("CRAWLHUB_ADMIN_PASSWORD", PASSWORD)
            .env("CRAWLHUB_RUNNER_ENVIRONMENTS_DIR", parts::python_environments())
            .env("CRAWLHUB_LOG_FILTER", "warn")
            .env("CRAWLHUB_SERVER_LEAVE_SECONDS", "0")
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env_remove("DATABASE_URL")
            .env_remove("MONGODB_URL")
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .envs(parts::storage(dir, database_url))
            .kill_on_drop(true);
        if let Some(url) = database_url {
            command.env("DATABASE_URL", url);
        }
        if let Some(url) = parts::documents_url(dir, database_url) {
            command.env("MONGODB_URL", url);
        }
        for (name, value) in settings {
            command.env(name, value);
        }
        command
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The most memory of its own that it has had, in MB: without the pages of the binary, which in a debug build are many,
    /// and more with each feature.
    pub fn peak_memory_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let kilobytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            value.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        // Pages of files, once mapped, stay.
        (kilobytes("VmHWM:") - kilobytes("RssFile:")) / 1024
    }
}
