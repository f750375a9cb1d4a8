//! On a real engine, with the real images: `scripts/with-docker` starts one.

mod editor;
mod faults;
mod instances;
mod spiders;
mod swarm;
mod swarm_editors;
mod web;
mod workspaces;

use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Client, ServerProcess, Settings, new_database, skip_unless};

/// A server on the engine that the tests run on; none where there is no engine.
pub(super) async fn server(settings: Settings<'_>) -> Option<ServerProcess> {
    let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
    let database = new_database().await;
    server_in(dir, database, settings).await
}

pub(super) async fn server_in(dir: TempDir, database: Option<String>, settings: Settings<'_>) -> Option<ServerProcess> {
    let host = std::env::var("DOCKER_HOST").ok();
    if skip_unless(host.is_some(), "a container engine (scripts/with-docker)") {
        return None;
    }
    let host = host.unwrap();
    let settings: Vec<(&str, &str)> = settings.iter().copied().chain([("DOCKER_HOST", host.as_str())]).collect();
    Some(ServerProcess::start_in(dir, database, &settings).await)
}

/// What the engine's own client says.
pub(super) async fn docker(arguments: &[&str]) -> String {
    tried(arguments).await.unwrap_or_else(|error| panic!("docker {arguments:?}: {error}"))
}

/// The same, of what may not be possible yet; else the client's complaint.
pub(super) async fn tried(arguments: &[&str]) -> Result<String, String> {
    let done = Command::new("docker").args(arguments).stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

/// The containers with a label, one a line.
pub(super) async fn containers(label: &str) -> Vec<String> {
    let found = docker(&["ps", "-aq", "--filter", &format!("label={label}")]).await;
    found.lines().map(str::to_owned).collect()
}

pub(super) async fn in_editor(session: &Value, command: &str) -> String {
    let name = format!("code-server-{}", session["id"].as_str().unwrap());
    docker(&["exec", &name, "sh", "-c", command]).await
}

pub(super) async fn open(server: &Client, spider: &str) -> Value {
    server.post(&format!("/spiders/{spider}/code-session"), json!({})).await.data()
}

pub(super) async fn content(server: &Client, spider: &str, path: &str) -> Option<String> {
    let files = server.get(&format!("/spiders/{spider}/files")).await.data();
    let file = files.as_array().unwrap().iter().find(|file| file["path"] == path)?;
    let content = format!("/spiders/{spider}/files/{}/content", file["id"].as_str().unwrap());
    Some(server.get(&content).await.data()["content"].as_str().unwrap().to_owned())
}
