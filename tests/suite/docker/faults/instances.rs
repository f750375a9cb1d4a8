//! Instances when the server is killed, and when the engine is stopped and comes back.

use std::time::Duration;

use serde_json::json;

use super::{
    super::{
        docker,
        instances::{ALLOWED, page, reaches, running},
        server,
    },
    killed, start_engine, stop_engine,
};
use crate::support::skip_unless;

const SETTINGS: [(&str, &str); 2] = [ALLOWED, ("CRAWLHUB_INSTANCES_PORTS", "5350-5359")];

#[tokio::test]
async fn an_instance_lives_on_whatever_is_killed() {
    let Some(mut server) = server(&SETTINGS).await else { return };
    // While it is made, started, asked.
    for wait in [0, 100, 300, 700] {
        let prefix = format!("killed{wait:02}");
        let new = json!({"prefix": prefix, "command": "exec python3 -m http.server $PORT"});
        server.post("/instances", new).await.ok();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server = killed(server, &SETTINGS).await;
        reaches(&server, &prefix, "running").await;
        let containers = docker(&["ps", "-aq", "--filter", &format!("label=crawlhub.instance={prefix}")]).await;
        assert_eq!(containers.lines().count(), 1, "{containers}");
        server.delete(&format!("/instances/{prefix}")).await.ok();
    }
    running(&server, json!({"prefix": "stayinga", "public": true})).await;
    server = killed(server, &SETTINGS).await;
    assert_eq!(page(&server.base, "stayinga.localhost", "/write", "").await.json()["kept"], 1);
    // While it is stopped or deleted.
    let stopping = server.client.request(reqwest::Method::POST, "/platform/api/crawlhub/instances/stayinga/stop");
    let stopping = tokio::spawn(stopping.send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    server = killed(server, &SETTINGS).await;
    let _ = stopping.await;
    // Whether it was heard or not.
    server.post("/instances/stayinga/stop", json!({})).await.ok();
    server.post("/instances/stayinga/start", json!({})).await.ok();
    reaches(&server, "stayinga", "running").await;
    if !skip_unless(std::env::var_os("TEST_DOCKERD_PID").is_some(), "a dockerd that may be stopped") {
        stop_engine().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(server.get("/instances/stayinga").await.data()["status"], "running", "nothing is decided");
        server.post("/instances", json!({})).await.error(503);
        start_engine().await;
        server.eventually("/instances/stayinga", |instance| instance["restarts"] == 1).await;
        reaches(&server, "stayinga", "running").await;
        assert_eq!(page(&server.base, "stayinga.localhost", "/x", "").await.json()["kept"], 1, "its files are there");
    }
    server.delete("/instances/stayinga").await.ok();
    assert_eq!(docker(&["ps", "-aq", "--filter", "label=crawlhub.instance=stayinga"]).await, "");
}
