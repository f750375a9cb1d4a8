//! What is killed, and when; what fills the disk. These tests stop the engine, or leave it little time: they run alone.

mod disk;
mod instances;

use std::{process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use tokio::process::Command;

use super::{containers, content, docker, in_editor, open, server, server_in};
use crate::support::{ServerProcess, Settings, skip_unless};

async fn killed(mut server: ServerProcess, settings: Settings<'_>) -> ServerProcess {
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGKILL).unwrap();
    server.child.wait().await.unwrap();
    let (dir, database) =
        (std::mem::replace(&mut server.dir, tempfile::tempdir().unwrap()), server.database_url.take());
    server_in(dir, database, settings).await.unwrap()
}

const SETTINGS: [(&str, &str); 1] = [("CRAWLHUB_CODE_SESSIONS_START_SECONDS", "10")];

#[tokio::test]
async fn a_server_that_is_killed_in_each_state() {
    let Some(mut server) = server(&SETTINGS).await else { return };
    let spider = server.spider(json!({"name": "killed"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    // While it is made, filled, started, asked.
    for wait in [0, 100, 300, 700] {
        server.post(&format!("{path}?wait=false"), json!({})).await.ok();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server = killed(server, &SETTINGS).await;
        server
            .eventually("/code-sessions", |all| {
                ["ready", "failed"].contains(&all["items"][0]["status"].as_str().unwrap())
            })
            .await;
        let session = open(&server, &spider).await;
        assert_eq!(in_editor(&session, "cat /workspace/main.py").await, "1");
        server.delete(&path).await.ok();
        assert_eq!(containers("crawlhub.type=code-server").await, Vec::<String>::new());
    }
    // While it is open.
    let session = open(&server, &spider).await;
    in_editor(&session, "echo open > /workspace/main.py").await;
    server = killed(server, &SETTINGS).await;
    let found = server.get(&path).await.data();
    assert_eq!((&found["id"], &found["status"]), (&session["id"], &json!("ready")));
    // While it is closed: at some moment of it.
    for wait in [5, 100, 250, 400] {
        in_editor(&session, &format!("echo {wait} > /workspace/main.py")).await;
        let closing = server.client.request(reqwest::Method::DELETE, &format!("/platform/api/crawlhub{path}"));
        let closing = tokio::spawn(closing.send());
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server = killed(server, &SETTINGS).await;
        let _ = closing.await;
        let state = server.eventually("/code-sessions", |all| {
            all["items"][0]["status"] == "stopped" || all["items"][0]["status"] == "ready"
        });
        let state = state.await;
        if state["items"][0]["status"] == "stopped" {
            assert_eq!(content(&server, &spider, "main.py").await.unwrap(), format!("{wait}\n"));
            break;
        }
    }
    let _ = server.delete(&path).await;
    while !containers("crawlhub.type=code-server").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn stop_engine() {
    let file = std::env::var("TEST_DOCKERD_PID").unwrap();
    let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    while kill(Pid::from_raw(pid), None).is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn start_engine() {
    let start = std::env::var("TEST_DOCKERD_START").unwrap();
    Command::new(start).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !Command::new("docker")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .unwrap()
        .success()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_engine_that_is_stopped() {
    if skip_unless(std::env::var_os("TEST_DOCKERD_START").is_some(), "an engine of the tests' own") {
        return;
    }
    let Some(server) = server(&SETTINGS).await else { return };
    let spider = server.spider(json!({"name": "stopped"}), &[("main.py", "1")]).await;
    let other = server.spider(json!({"name": "other"}), &[]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&server, &spider).await;
    in_editor(&session, "echo unsaved > /workspace/main.py").await;
    // While it is open.
    stop_engine().await;
    server.post(&format!("/spiders/{other}/code-session"), json!({})).await.error(503);
    server.post(&format!("{path}/sync"), json!({})).await.error(503);
    start_engine().await;
    // Its containers have ended with it: the editor is started again, with what was in it.
    let name = format!("code-server-{}", session["id"].as_str().unwrap());
    while docker(&["inspect", "-f", "{{.State.Running}}", &name]).await != "true" {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    server.eventually(&path, |session| session["status"] == "ready").await;
    assert_eq!(in_editor(&session, "cat /workspace/main.py").await, "unsaved");
    let mut closed = server.delete(&path).await;
    while closed.status != 200 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        closed = server.delete(&path).await;
    }
    assert_eq!(content(&server, &spider, "main.py").await.unwrap(), "unsaved\n");
    // While one starts.
    server.post(&format!("/spiders/{other}/code-session?wait=false"), json!({})).await.ok();
    stop_engine().await;
    start_engine().await;
    server
        .eventually("/code-sessions", |all| ["ready", "failed"].contains(&all["items"][0]["status"].as_str().unwrap()))
        .await;
    let session = open(&server, &other).await;
    server.delete(&format!("/spiders/{other}/code-session")).await.ok();
    assert_eq!(session["status"], "ready");
}

#[tokio::test]
async fn a_container_that_is_killed_paused_or_out_of_memory() {
    let Some(server) = server(&SETTINGS).await else { return };
    let spider = server.spider(json!({"name": "container"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&server, &spider).await;
    let name = format!("code-server-{}", session["id"].as_str().unwrap());
    in_editor(&session, "echo kept > /workspace/main.py").await;
    // What is too much for it ends, not the editor; nor does it reach beyond its limit.
    let greedy = "python3 -c 'x = bytearray(3_000_000_000)' || echo ended";
    assert_eq!(in_editor(&session, greedy).await, "ended");
    assert_ne!(docker(&["inspect", "-f", "{{.HostConfig.Memory}}", &name]).await, "0");
    // Paused, it is still closed, and its files come back.
    docker(&["pause", &name]).await;
    server.delete(&path).await.ok();
    assert_eq!(content(&server, &spider, "main.py").await.unwrap(), "kept\n");
    let session = open(&server, &spider).await;
    let name = format!("code-server-{}", session["id"].as_str().unwrap());
    in_editor(&session, "echo again > /workspace/main.py").await;
    docker(&["kill", &name]).await;
    server.delete(&path).await.ok();
    assert_eq!(content(&server, &spider, "main.py").await.unwrap(), "again\n");
}
