//! What an agent and the server say to each other, to the letter.

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::clock::Clock;
use reqwest::Method;
use serde_json::json;

use super::wire::Agent;
use crate::support::TestApp;

/// An answer that was lost is asked for again; what was told twice counts once; what is told late changes nothing.
#[tokio::test]
async fn what_is_said_twice_counts_once() {
    let app = TestApp::new().await;
    let agent = Agent::new(&app, json!({"name": "one"})).await;
    agent.beat().await.ok();
    let fields = json!({"name": "s", "runner": "node", "node_id": agent.id});
    let spider = app.spider(fields, &[("main.py", "print('x')")]).await;
    let task = app.run(&spider, json!({"params": {"page": 7}})).await;
    let given = agent.ask(2, 0, &[]).await;
    let job = &given["jobs"][0];
    assert_eq!((&job["task_id"], &job["attempt"], &job["params"]["page"]), (&json!(task), &json!(1), &json!(7)));
    assert_eq!(given["lease_ms"], 300_000);
    // The answer was lost: it comes again, and not where the agent knows of it. The lease begins anew, as it says.
    app.clock.advance(TimeDelta::minutes(1));
    agent.beat().await.ok();
    assert_eq!(agent.ask(2, 0, &[]).await["jobs"][0]["token"], job["token"]);
    let lease =
        app.database().await.query("SELECT lease_until FROM tasks").fetch_one::<(DateTime<Utc>,)>().await.unwrap();
    assert_eq!(lease.0, app.clock.now() + TimeDelta::minutes(5));
    let held = agent.held(&task, 1);
    assert_eq!(agent.ask(2, 0, std::slice::from_ref(&held)).await["jobs"], json!([]));

    let hash = job["manifest"][0]["hash"].as_str().unwrap();
    let blob = async |hash: &str, token: &str| {
        let path = format!("/platform/api/crawlhub/internal/blobs/{hash}");
        app.send(app.without_token().request(Method::GET, &path).bearer_auth(token)).await
    };
    let token = job["token"].as_str().unwrap();
    assert_eq!(blob(hash, token).await.text, "print('x')");
    assert_eq!(blob(&"0".repeat(64), token).await.error(404), "blob_not_found");
    assert_eq!(blob(hash, "x").await.error(401), "task_token_needed");

    let line = |text: &str| json!({"stream": "stdout", "at": "2026-03-01T08:00:01Z", "text": text});
    let messages = json!([
        {"lines": {"first": 0, "lines": [line("one")]}},
        {"lines": {"first": 1, "lines": [line("two")]}},
        {"items": {"batch": 5, "items": [{"n": 1}, {"n": 2}]}},
    ]);
    let told = json!({"of": held, "messages": messages});
    assert_eq!(agent.call("/delivered", held.clone()).await.data()["any"], false);
    for _ in 0..3 {
        agent.call("/told", told.clone()).await.ok();
    }
    agent
        .call("/told", json!({"of": held, "messages": [{"lines": {"first": 2, "lines": [line("three")]}}]}))
        .await
        .ok();
    assert_eq!(agent.call("/delivered", held.clone()).await.data()["any"], true);

    let thief = agent.with(|agent| agent.instance = "instance-9".to_owned());
    let stolen = json!({"of": thief.held(&task, 1), "messages": messages});
    assert_eq!(agent.call("/told", stolen).await.error(409), "claim_lost");
    let other = Agent::new(&app, json!({"name": "two"})).await;
    assert_eq!(other.call("/told", told.clone()).await.error(409), "claim_lost");

    let outcome = json!({"end": "completed", "exit_code": 0, "signal": null, "peak_memory_mb": 12, "undelivered": 0,
                         "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
    let end = json!({"of": held, "outcome": outcome, "stop": null});
    assert_eq!(other.call("/end", end.clone()).await.error(409), "claim_lost");
    agent.call("/end", end.clone()).await.ok();
    assert_eq!(agent.call("/end", end).await.error(409), "claim_lost");
    assert_eq!(agent.call("/told", told).await.error(409), "claim_lost");
    let ended = app.get(&format!("/tasks/{task}")).await.data();
    assert_eq!((&ended["status"], &ended["success_count"]), (&json!("completed"), &json!(2)), "{ended}");
    assert_eq!(ended["worker_id"], "node:one:instance-1");
    let lines: Vec<_> = app.lines(&task).await.iter().map(|line| line["line"].clone()).collect();
    assert_eq!(lines, ["one", "two", "three"]);
    assert_eq!(app.items(&task).await, [json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(blob(hash, token).await.error(400), "task_not_running");
}

#[tokio::test]
async fn a_dead_nodes_task_passes_on_after_its_lease_and_once() {
    let app = TestApp::new().await;
    let one = Agent::new(&app, json!({"name": "one", "labels": ["x"]})).await;
    let two = Agent::new(&app, json!({"name": "two", "labels": ["x"]})).await;
    one.beat().await.ok();
    let spider = app.spider(json!({"name": "s", "runner": "node", "node_labels": ["x"]}), &[("main.py", "")]).await;
    let task = app.run(&spider, json!({})).await;
    assert_eq!(one.ask(1, 0, &[]).await["jobs"][0]["task_id"], task.as_str());
    app.clock.advance(TimeDelta::seconds(299));
    // Still its own: a heartbeat keeps it.
    one.call("/heartbeat", one.beat_of(&[one.held(&task, 1)])).await.ok();
    app.clock.advance(TimeDelta::seconds(299));
    app.looked_at_by("watchdog").await;
    assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["status"], "running");
    assert_eq!(app.delete(&format!("/nodes/{}", one.id)).await.error(409), "node_busy");

    // The agent of this start says that the former one is gone: at once then.
    let again = one.with(|agent| agent.instance = "instance-2".to_owned());
    let mut beat = again.beat_of(&[]);
    beat["gone"] = json!(["instance-1"]);
    again.call("/heartbeat", beat).await.ok();
    app.looked_at_by("watchdog").await;
    let pending = app.get(&format!("/tasks/{task}")).await.data();
    assert_eq!((&pending["status"], &pending["attempt"]), (&json!("pending"), &json!(1)), "{pending}");
    assert!(pending["error_message"].as_str().unwrap().contains("node that ran the task is gone"), "{pending}");
    two.beat().await.ok();
    assert_eq!(two.ask(1, 0, &[]).await["jobs"][0]["attempt"], 2);
    assert_eq!(again.ask(1, 0, &[]).await["jobs"], json!([]));
    let orders = one.call("/heartbeat", one.beat_of(&[one.held(&task, 1)])).await.data()["orders"].clone();
    assert_eq!(orders, json!([{"task_id": task, "attempt": 1, "order": "lost"}]));
}

/// A call that waits is answered at once when there is something: a task, or an order.
#[tokio::test]
async fn who_waits_for_work_hears_at_once() {
    let app = TestApp::new().await;
    let agent = Agent::new(&app, json!({"name": "one"})).await;
    let early =
        agent.call("/work", json!({"instance": "instance-1", "free": 1, "wait_ms": 0, "held": [], "stopping": []}));
    assert_eq!(early.await.error(409), "heartbeat_first");
    agent.beat().await.ok();
    let spider = app.spider(json!({"name": "s", "runner": "node", "node_id": agent.id}), &[("main.py", "")]).await;
    let begun = std::time::Instant::now();
    let (given, task) = tokio::join!(agent.ask(1, 30_000, &[]), async {
        // The call may come first or last: either way it brings the task.
        tokio::task::yield_now().await;
        app.run(&spider, json!({})).await
    });
    assert_eq!(given["jobs"][0]["task_id"], task.as_str());
    let held = [agent.held(&task, 1)];
    let (given, cancelled) = tokio::join!(agent.ask(1, 30_000, &held), async {
        let path = format!("/tasks/{task}/cancel");
        let cancel = app.post(&path, json!({}));
        let end = async {
            app.eventually(&format!("/tasks/{task}"), |task| !task["cancel_requested_at"].is_null()).await;
            let outcome = json!({"end": "cancelled", "exit_code": null, "signal": 15, "peak_memory_mb": null,
                "undelivered": 0, "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
            agent.call("/end", json!({"of": agent.held(&task, 1), "outcome": outcome, "stop": "cancelled"})).await.ok();
        };
        tokio::join!(cancel, end).0.data()
    });
    assert!(
        given["orders"] == json!([{"task_id": task, "attempt": 1, "order": "cancel"}]) || given["orders"] == json!([])
    );
    assert_eq!(cancelled["status"], "cancelled");
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "somebody waited to the end");
}

const TRACEBACK: [&str; 6] = [
    "Traceback (most recent call last):",
    "  File \"main.py\", line 3, in fetch",
    "    return pages[7]",
    "ValueError: page 7 has no price",
    "on with it",
    "ERROR:shop:nothing left",
];

/// Tells the traceback line by line, each to the next of the servers, and ends at that after the last.
async fn tell_in_turns(agents: &[Agent], task: &str) {
    let mut agents = agents.iter().cycle();
    for (first, text) in TRACEBACK.iter().enumerate() {
        let agent = agents.next().unwrap();
        let line = json!({"stream": "stderr", "at": "2026-03-01T08:00:01Z", "text": text});
        let messages = json!([{"lines": {"first": first, "lines": [line]}}]);
        let told = json!({"of": agent.held(task, 1), "messages": messages});
        // The second answer is lost: it is told again.
        for _ in 0..if first == 1 { 2 } else { 1 } {
            agent.call("/told", told.clone()).await.ok();
        }
    }
    let outcome = json!({"end": "completed", "exit_code": 0, "signal": null, "peak_memory_mb": 1, "undelivered": 0,
                         "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
    let agent = agents.next().unwrap();
    agent.call("/end", json!({"of": agent.held(task, 1), "outcome": outcome, "stop": null})).await.ok();
}

async fn begun(app: &TestApp, agent: &Agent) -> (String, String) {
    agent.beat().await.ok();
    let spider = app.spider(json!({"name": "s", "runner": "node", "node_id": agent.id}), &[("main.py", "")]).await;
    let task = app.run(&spider, json!({})).await;
    assert_eq!(agent.ask(1, 0, &[]).await["jobs"][0]["task_id"], task.as_str());
    (spider, task)
}

async fn check_errors(app: &TestApp, spider: &str, task: &str) {
    let lines = app.lines(task).await;
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap_or("-")).collect();
    assert_eq!(levels, ["error", "error", "error", "error", "-", "error"], "{lines:?}");
    let errors = app.get(&format!("/spiders/{spider}/errors")).await.data();
    let mut found: Vec<_> = errors["items"].as_array().unwrap().iter().map(|e| (&e["title"], &e["count"])).collect();
    found.sort_by_key(|(title, _)| title.as_str());
    assert_eq!(found, [(&json!(TRACEBACK[3]), &json!(1)), (&json!("shop:nothing left"), &json!(1))], "{errors}");
}

#[tokio::test]
async fn two_servers_read_one_log() {
    let first = TestApp::new().await;
    let Some(second) = first.beside(&[]).await else { return };
    let agent = Agent::new(&first, json!({"name": "one"})).await;
    let (spider, task) = begun(&first, &agent).await;
    let there = agent.with(|agent| agent.client = second.without_token());
    tell_in_turns(&[agent, there], &task).await;
    check_errors(&first, &spider, &task).await;
}

#[tokio::test]
async fn a_server_that_was_restarted_reads_on_where_it_was() {
    let app = TestApp::new().await;
    let agent = Agent::new(&app, json!({"name": "one"})).await;
    let (spider, task) = begun(&app, &agent).await;
    let told = |agent: &Agent, first: usize, count: usize| {
        let line = |text: &&str| json!({"stream": "stderr", "at": "2026-03-01T08:00:01Z", "text": text});
        let lines: Vec<_> = TRACEBACK[first..first + count].iter().map(line).collect();
        json!({"of": agent.held(&task, 1), "messages": [{"lines": {"first": first, "lines": lines}}]})
    };
    agent.call("/told", told(&agent, 0, 2)).await.ok();
    let app = app.restart(&[]).await;
    let agent = agent.with(|agent| agent.client = app.without_token());
    agent.call("/told", told(&agent, 2, 4)).await.ok();
    let app = app.restart(&[]).await;
    let agent = agent.with(|agent| agent.client = app.without_token());
    let outcome = json!({"end": "completed", "exit_code": 0, "signal": null, "peak_memory_mb": 1, "undelivered": 0,
                         "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
    agent.call("/end", json!({"of": agent.held(&task, 1), "outcome": outcome, "stop": null})).await.ok();
    check_errors(&app, &spider, &task).await;
}
