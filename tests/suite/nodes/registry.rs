//! What the server knows of nodes, and whom it believes.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::wire::Agent;
use crate::support::TestApp;

#[tokio::test]
async fn a_node_is_made_changed_and_removed() {
    let app = TestApp::new().await;
    let made =
        app.post("/nodes", json!({"name": "east-1", "hostname": "10.0.0.7", "labels": ["gpu", "cn", "gpu"]})).await;
    let made = made.data();
    let (id, token) = (made["id"].as_str().unwrap(), made["agent_token"].as_str().unwrap());
    assert_eq!(made["agent_port"], 8081);
    assert_eq!(made["labels"], json!(["cn", "gpu"]));
    assert_eq!(made["status"], "offline");
    assert_eq!(token.len(), 43, "32 random bytes");
    assert!(!app.keeps(token).await, "the token lies in clear");

    assert_eq!(app.post("/nodes", json!({"name": "east-1"})).await.error(409), "node_taken");
    for name in ["", "East", "a b", "-x", "名"] {
        let wrong = json!({"name": name, "agent_port": 70000, "labels": ["a b"], "slots": -1});
        let details = app.post("/nodes", wrong).await.details();
        assert_eq!(details, ["body.name", "body.agent_port", "body.slots", "body.labels"], "{name}");
    }
    let path = format!("/nodes/{id}");
    let changed = app.put(&path, json!({"labels": [], "slots": 3, "drain": true, "hostname": "node.internal"})).await;
    let changed = changed.data();
    assert_eq!((&changed["labels"], &changed["slots"], &changed["drain"]), (&json!([]), &json!(3), &json!(true)));
    let list = app.get("/nodes").await.data();
    assert_eq!(list["total"], 1);
    assert!(!list.to_string().contains("token"), "{list}");
    assert_eq!(app.get("/dashboard/stats").await.data()["nodes"], json!({"total": 1, "online": 0, "offline": 1}));
    app.delete(&path).await.ok();
    assert_eq!(app.get(&path).await.error(404), "node_not_found");
}

#[tokio::test]
async fn only_the_token_of_a_node_is_believed() {
    let app = TestApp::new().await;
    let agent = Agent::new(&app, json!({"name": "one"})).await;
    let answer = agent.beat().await.data();
    assert_eq!(answer["node_id"], agent.id.as_str());
    assert_eq!(answer["beat_ms"], 15000);
    for wrong in ["", "x", &agent.token[1..], &agent.token.to_uppercase()] {
        let thief = agent.with(|agent| agent.token = wrong.to_owned());
        assert_eq!(thief.beat().await.error(401), "agent_token_needed");
    }
    // Neither an administrator nor a task's token is an agent.
    let path = "/platform/api/crawlhub/internal/nodes/heartbeat";
    let admin = app.send(app.request(Method::POST, path).json(&agent.beat_of(&[]))).await;
    assert_eq!(admin.error(401), "agent_token_needed");
    let other = Agent::new(&app, json!({"name": "two"})).await;
    let liar = other.with(|other| other.name = "one".to_owned());
    assert_eq!(liar.beat().await.error(409), "node_name_mismatch");

    let rotated = app.post(&format!("/nodes/{}/rotate-token", agent.id), json!({})).await.data();
    let renewed = agent.with(|agent| agent.token = rotated["agent_token"].as_str().unwrap().to_owned());
    agent.beat().await.ok();
    renewed.beat().await.ok();
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(agent.beat().await.error(401), "agent_token_needed");
    renewed.beat().await.ok();
    app.delete(&format!("/nodes/{}", agent.id)).await.ok();
    assert_eq!(renewed.beat().await.error(401), "agent_token_needed");
}

#[tokio::test]
async fn the_status_follows_the_heartbeats() {
    let app = TestApp::new().await;
    let agent = Agent::new(&app, json!({"name": "one"})).await;
    let path = format!("/nodes/{}", agent.id);
    let state = async || app.get(&path).await.data();
    let mut beat = agent.beat_of(&[]);
    beat["clock"] = json!("2026-03-01T08:01:30Z");
    agent.call("/heartbeat", beat).await.ok();
    let online = state().await;
    assert_eq!(online["status"], "online");
    assert_eq!(online["clock_skew_ms"], 90_000, "shown, and nothing else");
    assert_eq!(online["report"]["load"]["cpus"], 2);
    assert_eq!(online["address"], "127.0.0.1");
    app.clock.advance(TimeDelta::seconds(59));
    assert_eq!(state().await["status"], "online");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(state().await["status"], "offline");
    agent.beat().await.ok();
    app.put(&path, json!({"drain": true})).await.ok();
    assert_eq!(state().await["status"], "draining");
    app.put(&path, json!({"drain": false})).await.ok();
    let mut old = agent.beat_of(&[]);
    old["protocol"] = json!(0);
    assert_eq!(agent.call("/heartbeat", old).await.error(409), "agent_incompatible");
    let incompatible = state().await;
    assert_eq!(incompatible["status"], "incompatible");
    assert!(incompatible["problem"].as_str().unwrap().contains("update"), "{incompatible}");
    let mut full = agent.beat_of(&[]);
    full["report"]["is_disk_full"] = json!(true);
    agent.call("/heartbeat", full).await.ok();
    assert!(state().await["problem"].as_str().unwrap().contains("no room"), "{}", state().await);
}

#[tokio::test]
async fn one_token_on_two_machines_is_noticed_and_gets_no_work() {
    let app = TestApp::new().await;
    let one = Agent::new(&app, json!({"name": "one"})).await;
    let other = one.with(|agent| agent.instance = "instance-2".to_owned());
    let spider = app.spider(json!({"name": "s", "runner": "node", "node_id": one.id}), &[("main.py", "")]).await;
    one.beat().await.ok();
    app.clock.advance(TimeDelta::seconds(5));
    other.beat().await.ok();
    let path = format!("/nodes/{}", one.id);
    assert!(app.get(&path).await.data()["problem"].is_null(), "a restart");
    app.clock.advance(TimeDelta::seconds(5));
    one.beat().await.ok();
    let doubled = app.get(&path).await.data();
    assert!(doubled["problem"].as_str().unwrap().contains("two machines"), "{doubled}");
    let task = app.run(&spider, json!({})).await;
    assert_eq!(other.ask(1, 0, &[]).await["jobs"], json!([]));
    assert_eq!(one.ask(1, 0, &[]).await["jobs"], json!([]));
    let reason = app.get(&format!("/tasks/{task}")).await.data()["pending_reason"].clone();
    assert!(reason.as_str().unwrap().contains("two machines"), "{reason}");
}

#[tokio::test]
async fn pending_says_why() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "runner": "node", "node_labels": ["b", "a"], "overlap": "allow"});
    let spider = app.spider(fields, &[("main.py", "")]).await;
    assert_eq!(app.get(&format!("/spiders/{spider}")).await.data()["node_labels"], json!(["a", "b"]));
    let task = app.run(&spider, json!({})).await;
    let reason = async || {
        let task = app.get(&format!("/tasks/{task}")).await.data();
        task["pending_reason"].as_str().unwrap_or_else(|| panic!("{task}")).to_owned()
    };
    assert_eq!(reason().await, "no node has the labels a, b");
    let agent = Agent::new(&app, json!({"name": "one", "labels": ["a", "b", "c"], "slots": 1})).await;
    assert_eq!(reason().await, "node one is offline");
    let path = format!("/nodes/{}", agent.id);
    agent.beat().await.ok();
    assert_eq!(reason().await, "waiting for a free slot of node one");
    app.put(&path, json!({"drain": true})).await.ok();
    assert_eq!(reason().await, "node one is draining");
    assert_eq!(agent.ask(1, 0, &[]).await["jobs"], json!([]));
    app.put(&format!("/spiders/{spider}"), json!({"node_id": "nobody"})).await.ok();
    assert_eq!(reason().await, "there is no node nobody");
    app.put(&format!("/spiders/{spider}"), json!({"node_id": null, "node_labels": []})).await.ok();
    app.put(&path, json!({"drain": false})).await.ok();
    assert_eq!(agent.ask(1, 0, &[]).await["jobs"][0]["task_id"], task.as_str());
    let second = app.run(&spider, json!({})).await;
    assert_eq!(agent.ask(1, 0, &[agent.held(&task, 1)]).await["jobs"], json!([]), "it has one slot");
    let second = app.get(&format!("/tasks/{second}")).await.data();
    assert_eq!(second["pending_reason"], "waiting for a free slot of node one");
}
