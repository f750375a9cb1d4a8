use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mongodb::{Client, Database};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use super::free_port;

/// A MongoDB of the test's own, to be stopped and started.
pub struct MongoServer {
    program: PathBuf,
    options: Vec<&'static str>,
    port: u16,
    folder: TempDir,
    running: Option<Child>,
}

impl MongoServer {
    /// Not yet running. `None` where the tests do not run on MongoDB.
    pub fn new(options: &[&'static str]) -> Option<Self> {
        let program = PathBuf::from(std::env::var_os("TEST_MONGODB_PROGRAM")?);
        let port = free_port();
        let folder = tempfile::Builder::new().prefix("crawlhub-mongo-").tempdir().unwrap();
        Some(Self { program, options: options.to_vec(), port, folder, running: None })
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// One that is slow since the machine is busy is not taken for gone.
    pub fn url(&self) -> String {
        format!("mongodb://{}/crawlhub?directConnection=true&connectTimeoutMS=30000", self.address())
    }

    /// As an operator would write it.
    pub fn plain_url(&self) -> String {
        format!("mongodb://{}/crawlhub?directConnection=true", self.address())
    }

    pub async fn database(&self) -> Database {
        Client::with_uri_str(self.url()).await.unwrap().database("crawlhub")
    }

    pub fn with(&mut self, options: &[&'static str]) {
        self.options = options.to_vec();
    }

    /// Until it answers.
    pub async fn start(&mut self) {
        let mut command = Command::new(&self.program);
        // What was acknowledged is there after a kill, as with MongoDB's own journal.
        command.args(["--sync-on-commit", "--storage-path", "data"]);
        command.args(["--host", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(&self.options).current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.spawn().unwrap());
        let give_up = Instant::now() + Duration::from_secs(30);
        let address = self.address();
        let running = self.running.as_mut().unwrap();
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            assert!(running.try_wait().unwrap().is_none(), "MongoDB has ended");
            assert!(Instant::now() < give_up, "MongoDB does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As by `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// Stands still, or goes on: connections stay, and nobody answers.
    pub fn signal(&self, signal: Signal) {
        let pid = self.running.as_ref().unwrap().id();
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
    }
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        self.kill();
    }
}
