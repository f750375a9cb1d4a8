//! A swarm whose manager is in trouble, and servers and machines that are away for a time.

use chrono::TimeDelta;
use crawlhub::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::swarm::{Container, KEY, started, waiting};
use crate::support::{Manager, Mood, TestApp};

const NO_LEADER: Mood = Mood::Refuses(
    500,
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.",
);

async fn server_of(manager: &Manager, settings: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[&of(manager), settings].concat()).await
}

fn of(manager: &Manager) -> [(&str, &str); 2] {
    [("CRAWLHUB_SWARM_HOST", &manager.host), ("CRAWLHUB_RUNNER_API_URL", "http://10.0.0.1:8000")]
}

/// The container of the attempt, as it begins.
async fn container(server: &TestApp, manager: &Manager, task: &str, attempt: i64) -> Container {
    let token = format!("{}.{KEY}", manager.secret_of(task, attempt).await);
    Container { client: server.without_token(), token, task: task.to_owned(), instance: String::new() }
}

async fn swarm_is(server: &TestApp, word: &str) {
    loop {
        let ready = server.send(server.request(Method::GET, "/readyz")).await;
        assert_eq!(ready.status, 200, "{}", ready.text);
        if ready.json()["swarm"] == word {
            return;
        }
        server.looked_at_by("swarm").await;
    }
}

async fn status(server: &TestApp, task: &str) -> Value {
    server.get(&format!("/tasks/{task}")).await.data()["status"].clone()
}

#[tokio::test]
async fn a_swarm_without_a_leader_fails_no_task() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    swarm_is(&server, "ok").await;
    manager.set_mood(NO_LEADER);
    let mut tasks = Vec::new();
    for name in ["a", "b", "c"] {
        tasks.push(waiting(&server, json!({"name": name})).await);
    }
    swarm_is(&server, "unavailable").await;
    server.looked_at_by("swarm").await;
    // One was claimed, and waits for its job; the others wait for the swarm.
    let mut statuses = Vec::new();
    for task in &tasks {
        statuses.push(status(&server, task).await);
    }
    statuses.sort_by_key(Value::to_string);
    assert_eq!(statuses, ["pending", "pending", "running"]);
    manager.set_mood(Mood::Well);
    for task in &tasks {
        let container = container(&server, &manager, task, 1).await;
        container.take().await.data();
    }
    swarm_is(&server, "ok").await;
}

#[tokio::test]
async fn what_no_job_could_be_made_for_is_tried_again() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    manager.set_mood(NO_LEADER);
    let task = waiting(&server, json!({"name": "a"})).await;
    server.eventually(&format!("/tasks/{task}"), |task| task["status"] == "running").await;
    server.clock.advance(TimeDelta::minutes(4));
    server.eventually(&format!("/tasks/{task}"), |task| task["attempt"] == 2).await;
    manager.set_mood(Mood::Well);
    container(&server, &manager, &task, 2).await.take().await.data();
    let told = server.get(&format!("/tasks/{task}")).await.data();
    assert_eq!((&told["status"], &told["retry_count"]), (&json!("running"), &json!(0)), "{told}");
    let attempts = server.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_eq!(attempts[0]["is_interrupted"], true, "{attempts}");
    // What the swarm does not take for another reason has failed.
    manager.set_mood(Mood::Refuses(400, "invalid image reference"));
    let task = server.ended(&waiting(&server, json!({"name": "b"})).await).await;
    assert!(task["error_message"].as_str().unwrap().contains("invalid image reference"), "{task}");
}

#[tokio::test]
async fn a_container_that_called_in_vain_while_the_server_was_away_is_not_late() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    let task = waiting(&server, json!({"name": "a"})).await;
    let mut container = container(&server, &manager, &task, 1).await;
    manager.say(&task, 1, json!({"State": "running"}));
    let hours_ago = server.clock.now() - TimeDelta::hours(1);
    let db = server.database().await;
    db.query("UPDATE tasks SET started_at = $2, lease_until = $3 WHERE id = $1")
        .bind(&task)
        .bind(hours_ago)
        .bind(hours_ago + TimeDelta::minutes(3))
        .execute()
        .await
        .unwrap();
    let server = server.restart(&of(&manager)).await;
    server.looked_at_by("swarm").await;
    container.client = server.without_token();
    container.take().await.data();
}

#[tokio::test]
async fn what_a_machine_gives_away_before_it_begins_goes_to_another() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    let task = waiting(&server, json!({"name": "a"})).await;
    for (attempt, state) in [
        // Drained, while the image was on its way; while it waited for its server; killed with its engine.
        (1, json!({"State": "shutdown"})),
        (2, json!({"State": "complete", "ContainerStatus": {"ExitCode": 0}})),
        (3, json!({"State": "failed", "Err": "task: non-zero exit (143)", "ContainerStatus": {"ExitCode": 143}})),
    ] {
        manager.secret_of(&task, attempt).await;
        manager.say(&task, attempt, state);
    }
    manager.secret_of(&task, 4).await;
    assert_eq!(server.get(&format!("/tasks/{task}")).await.data()["retry_count"], 0);
    manager.say(&task, 4, json!({"State": "failed", "ContainerStatus": {"ExitCode": 127}}));
    let task = server.ended(&task).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(4)), "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("the image must be made from"), "{task}");
}

#[tokio::test]
async fn a_container_that_is_told_to_stop_again_and_again_is_not_started_for_ever() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    let task = waiting(&server, json!({"name": "a"})).await;
    for attempt in 1..=11 {
        let mut container = container(&server, &manager, &task, attempt).await;
        container.instance = container.take().await.data()["instance"].as_str().unwrap().to_owned();
        let outcome = json!({"end": {"failed": {"category": "system", "message": "stopped"}}, "exit_code": null,
                             "signal": null, "peak_memory_mb": 5, "undelivered": 0,
                             "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
        let end = json!({"of": container.of(attempt), "outcome": outcome, "stop": "shutdown"});
        container.call("/nodes/end", end).await.ok();
    }
    let task = server.ended(&task).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(11)), "{task}");
}

#[tokio::test]
async fn a_task_is_cancelled_while_the_manager_hangs() {
    let manager = Manager::start().await;
    let server = server_of(&manager, &[]).await;
    let task = waiting(&server, json!({"name": "a"})).await;
    let container = container(&server, &manager, &task, 1).await;
    manager.set_mood(Mood::Hangs);
    server.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
    assert_eq!(server.ended(&task).await["status"], "cancelled");
    assert_eq!(container.take().await.error(409), "claim_lost");
    manager.set_mood(Mood::Well);
    server.eventually("/tasks", |_| manager.services() == 0).await;
}

#[tokio::test]
async fn a_container_asks_again_for_what_is_away_as_it_begins() {
    let take = async |server: &TestApp, is_late: bool| {
        let (files, away) = (server.dir.path().join("files"), server.dir.path().join("away"));
        let (task, token) = started(server).await;
        let token = format!("{token}.{KEY}");
        let container = Container { client: server.without_token(), token, task, instance: String::new() };
        std::fs::rename(&files, &away).unwrap();
        container.take().await.error(503);
        if is_late {
            server.clock.advance(TimeDelta::minutes(11));
            assert_eq!(container.take().await.error(409), "claim_lost");
        }
        let _ = std::fs::remove_dir_all(&files);
        std::fs::rename(&away, &files).unwrap();
        container
    };
    let server = TestApp::new().await;
    if !server.dir.path().join("files").exists() {
        // They are in a bucket.
        return;
    }
    take(&server, false).await.take().await.data();
    // What is gone for good is not asked for without end.
    let server = TestApp::new().await;
    let task = server.ended(&take(&server, true).await.task).await;
    assert!(task["error_message"].as_str().unwrap().contains("files is unavailable"), "{task}");
}

#[tokio::test]
async fn servers_keep_to_the_slots_together() {
    let manager = Manager::start().await;
    let settings = [("CRAWLHUB_SWARM_SLOTS", "2")];
    let server = server_of(&manager, &settings).await;
    let Some(other) = server.beside(&[&of(&manager), &settings[..]].concat()).await else { return };
    let tasks = server.spider(json!({"name": "a", "runner": "swarm", "overlap": "allow"}), &[("main.py", "")]).await;
    for _ in 0..8 {
        server.run(&tasks, json!({})).await;
    }
    server.looked_at_by("swarm").await;
    other.looked_at_by("swarm").await;
    server.eventually("/tasks", |_| manager.services() == 2).await;
    assert_eq!(manager.most_services(), 2);
}
