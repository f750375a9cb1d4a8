use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Client, Settings, parts};

/// `crawlhub worker` as an operator starts it, on a machine that happens to be this one.
pub struct NodeProcess {
    pub child: Child,
    pub dir: TempDir,
    pub id: String,
    pub name: String,
    pub token: String,
}

impl NodeProcess {
    /// Tells the server of a new node, starts its agent, and waits until it is online.
    pub async fn join(server: &Client, name: &str, settings: Settings<'_>) -> Self {
        Self::join_by(server, name, settings, |command| command).await
    }

    /// The same, started in another way.
    pub async fn join_by(
        server: &Client,
        name: &str,
        settings: Settings<'_>,
        wrap: impl FnOnce(Command) -> Command,
    ) -> Self {
        let made = server.post("/nodes", json!({"name": name, "hostname": "127.0.0.1"})).await.data();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let dir = tempfile::Builder::new().prefix("crawlhub-node-").tempdir().unwrap();
        let (id, token) = (text("id"), text("agent_token"));
        let command = Self::command(dir.path(), &server.base, (name, &token), settings);
        let child = wrap(command).spawn().unwrap();
        let node = Self { child, dir, id, name: name.to_owned(), token };
        node.until(server, |state| state["status"] == "online").await;
        node
    }

    pub fn command(dir: &Path, base: &str, (name, token): (&str, &str), settings: Settings<'_>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crawlhub"));
        command
            .arg("worker")
            .env("AGENT_NODE_NAME", name)
            .env("AGENT_MASTER_URL", base)
            .env("AGENT_TOKEN", token)
            .env("AGENT_API_PORT", "0")
            .env("AGENT_STORAGE_PATH", dir)
            .env("CRAWLHUB_RUNNER_ENVIRONMENTS_DIR", parts::python_environments())
            .env("CRAWLHUB_LOG_FILTER", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        for (name, value) in settings {
            command.env(name, value);
        }
        command
    }

    /// Starts the agent again on what the former one left.
    pub fn start_again(&mut self, server: &Client, settings: Settings<'_>) {
        let mut command = Self::command(self.dir.path(), &server.base, (&self.name, &self.token), settings);
        self.child = command.spawn().unwrap();
    }

    /// Asks for the node until it is as wanted.
    pub async fn until(&self, server: &Client, wanted: impl Fn(&Value) -> bool) -> Value {
        server.eventually(&format!("/nodes/{}", self.id), wanted).await
    }

    /// Fields of a spider that runs here.
    pub fn spider(&self, name: &str) -> Value {
        json!({"name": name, "runner": "node", "node_id": self.id})
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }
}
