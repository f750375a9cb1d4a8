//! Spiders that schedules start: beside, after or instead of what runs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    api::schedules::{at, judged, schedule},
    support::TestApp,
};

/// Runs until its file is there.
fn patient(go: &Path) -> String {
    format!("import os, time\nprint('up', flush=True)\nwhile not os.path.exists('{}'): time.sleep(0.02)", go.display())
}

/// A server, a spider that runs until `go` is there, and that file.
async fn with_patient(fields: Value) -> (TestApp, String, PathBuf) {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "3")]).await;
    let go = app.dir.path().join("go");
    let spider = app.spider(fields, &[("main.py", &patient(&go))]).await;
    (app, spider, go)
}

/// Lets the planned time come; its row.
async fn comes(app: &TestApp, id: &str, planned: &str) -> Value {
    app.clock.set(at(planned));
    judged(app, id, planned).await
}

fn task_of(row: &Value) -> String {
    assert_eq!(row["outcome"], "fired", "{row}");
    row["task_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_not_disturbed() {
    let (app, spider, go) = with_patient(json!({"name": "s"})).await;
    let id = schedule(&app, &spider, "0 * * * *", json!({})).await;
    // A test of it is nobody's business.
    let test = app.request(reqwest::Method::POST, &format!("/platform/api/crawlhub/spiders/{spider}/test-run"));
    let _test = test.send().await.unwrap();
    let task = task_of(&comes(&app, &id, "2026-03-01T09:00:00Z").await);
    app.wait_for_line(&task, "up").await;
    let skipped = comes(&app, &id, "2026-03-01T10:00:00Z").await;
    assert_eq!((&skipped["outcome"], &skipped["task_id"]), (&json!("skipped_overlap"), &Value::Null));
    assert_eq!(skipped["reason"], format!("task {task} of the spider was still running"));
    std::fs::write(&go, "").unwrap();
    app.ended(&task).await;
    let task = task_of(&comes(&app, &id, "2026-03-01T11:00:00Z").await);
    assert_eq!(app.ended(&task).await["status"], "completed");
    assert_eq!(app.get(&format!("/schedules/{id}")).await.data()["last_run_at"], "2026-03-01T11:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_retry_is_active() {
    let app = TestApp::new().await;
    let spider = json!({"name": "s", "cron_expr": "*/10 * * * *", "max_retries": 3, "retry_delay_seconds": 3600});
    let spider = app.spider(spider, &[("main.py", "raise ConnectionError('away')")]).await;
    let task = task_of(&comes(&app, &spider, "2026-03-01T08:10:00Z").await);
    let waiting = app.eventually(&format!("/tasks/{task}"), |task| task["next_attempt_at"].is_string()).await;
    let retry = at(waiting["next_attempt_at"].as_str().unwrap());
    let skipped = comes(&app, &spider, "2026-03-01T08:20:00Z").await;
    let retry = retry.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(skipped["reason"], format!("task {task} of the spider was still waiting for its retry at {retry}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other() {
    let (app, spider, go) = with_patient(json!({"name": "s"})).await;
    let id = schedule(&app, &spider, "0 * * * *", json!({"overlap": "queue"})).await;
    let first = task_of(&comes(&app, &id, "2026-03-01T09:00:00Z").await);
    app.wait_for_line(&first, "up").await;
    let second = task_of(&comes(&app, &id, "2026-03-01T10:00:00Z").await);
    assert_eq!(app.get(&format!("/tasks/{second}")).await.data()["status"], "pending");
    std::fs::write(&go, "").unwrap();
    assert_eq!(app.ended(&second).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_each_other() {
    let (app, spider, go) = with_patient(json!({"name": "s", "overlap": "allow"})).await;
    let id = schedule(&app, &spider, "0 * * * *", json!({})).await;
    let mut tasks = Vec::new();
    for hour in ["09", "10"] {
        let task = task_of(&comes(&app, &id, &format!("2026-03-01T{hour}:00:00Z")).await);
        app.wait_for_line(&task, "up").await;
        tasks.push(task);
    }
    std::fs::write(&go, "").unwrap();
    for task in tasks {
        assert_eq!(app.ended(&task).await["status"], "completed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_one_in_place_of_the_old() {
    let (app, spider, go) = with_patient(json!({"name": "s"})).await;
    let queued = schedule(&app, &spider, "30 * * * *", json!({"overlap": "queue"})).await;
    let id = schedule(&app, &spider, "0 * * * *", json!({"overlap": "replace"})).await;
    let running = task_of(&comes(&app, &id, "2026-03-01T09:00:00Z").await);
    app.wait_for_line(&running, "up").await;
    let waiting = task_of(&comes(&app, &queued, "2026-03-01T09:30:00Z").await);
    let new = task_of(&comes(&app, &id, "2026-03-01T10:00:00Z").await);
    assert_eq!(app.get(&format!("/tasks/{waiting}")).await.data()["status"], "cancelled", "it had not begun");
    assert_eq!(app.ended(&running).await["status"], "cancelled");
    app.wait_for_line(&new, "up").await;
    std::fs::write(&go, "").unwrap();
    assert_eq!(app.ended(&new).await["status"], "completed");
}

/// A planned time that comes again, as the clock was set back, leaves alone what it started.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_time_that_comes_again() {
    let (app, spider, go) = with_patient(json!({"name": "s"})).await;
    let id = schedule(&app, &spider, "0 * * * *", json!({"overlap": "replace"})).await;
    let other = schedule(&app, &spider, "0 9 * * *", json!({"overlap": "allow"})).await;
    let task = task_of(&comes(&app, &id, "2026-03-01T09:00:00Z").await);
    let beside = task_of(&judged(&app, &other, "2026-03-01T09:00:00Z").await);
    app.wait_for_line(&task, "up").await;
    let rewind = "UPDATE schedules SET next_run_at = $1";
    app.database().await.query(rewind).bind(at("2026-03-01T09:00:00Z")).execute().await.unwrap();
    app.clock.set(at("2026-03-01T09:00:01Z"));
    for (id, next) in [(&id, "2026-03-01T10:00:00Z"), (&other, "2026-03-02T09:00:00Z")] {
        app.eventually(&format!("/schedules/{id}"), |seen| seen["next_run_at"] == next).await;
    }
    app.looked_at_by("scheduler").await;
    std::fs::write(&go, "").unwrap();
    for task in [task, beside] {
        assert_eq!(app.ended(&task).await["status"], "completed");
    }
    assert_eq!(app.get("/tasks").await.data()["total"], 2);
}

/// Several schedules of one spider in the same second see each other.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_same_time() {
    let (app, spider, go) = with_patient(json!({"name": "s"})).await;
    let (first, second) =
        (schedule(&app, &spider, "0 9 * * *", json!({})).await, schedule(&app, &spider, "0 9 * * *", json!({})).await);
    let started = task_of(&comes(&app, &first, "2026-03-01T09:00:00Z").await);
    let skipped = judged(&app, &second, "2026-03-01T09:00:00Z").await;
    assert_eq!(skipped["outcome"], "skipped_overlap");
    assert_eq!(skipped["reason"], format!("task {started} of the spider was queued just before"));
    std::fs::write(&go, "").unwrap();
    app.ended(&started).await;
    std::fs::remove_file(&go).unwrap();

    for id in [&first, &second] {
        app.put(&format!("/schedules/{id}"), json!({"overlap": "replace"})).await.ok();
    }
    let third = schedule(&app, &spider, "0 9 * * *", json!({"overlap": "allow"})).await;
    let replaced = task_of(&comes(&app, &first, "2026-03-02T09:00:00Z").await);
    let (new, beside) =
        (judged(&app, &second, "2026-03-02T09:00:00Z").await, judged(&app, &third, "2026-03-02T09:00:00Z").await);
    assert_eq!(app.ended(&replaced).await["status"], "cancelled");
    std::fs::write(&go, "").unwrap();
    for row in [new, beside] {
        assert_eq!(app.ended(&task_of(&row)).await["status"], "completed");
    }
}

/// What runs elsewhere waits there.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_here() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "cron_expr": "0 * * * *", "runner": "node"});
    let spider = app.spider(fields, &[("main.py", "pass")]).await;
    let fired = comes(&app, &spider, "2026-03-01T09:00:00Z").await;
    assert_eq!(fired["outcome"], "fired");
    // It waits for a node to come, and says so.
    let task = app.get(&format!("/tasks/{}", task_of(&fired))).await.data();
    assert_eq!(task["status"], "pending");
    assert!(task["pending_reason"].as_str().unwrap().contains("node"), "{task}");
}

/// The version that the schedule names, or the spider's active one, or the files as they are.
#[tokio::test(flavor = "multi_thread")]
async fn which_version_runs() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "print('{\"n\": 0}')")]).await;
    let file = app.get(&format!("/spiders/{spider}/files")).await.data()[0]["id"].as_str().unwrap().to_owned();
    let write = async |n: i64| {
        let content = format!("print('{{\"n\": {n}}}')");
        app.put(&format!("/spiders/{spider}/files/{file}"), json!({"content": content})).await.ok();
    };
    let deploy = async || app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.data()["id"].clone();
    let id = schedule(&app, &spider, "0 * * * *", json!({})).await;
    let ran = async |planned: &str| {
        let task = app.ended(&task_of(&comes(&app, &id, planned).await)).await;
        let item = app.items(task["id"].as_str().unwrap()).await[0]["n"].clone();
        (item, task["deployment_version"].clone(), task["deployment_id"].clone())
    };
    assert_eq!(ran("2026-03-01T09:00:00Z").await, (json!(0), Value::Null, Value::Null));
    write(1).await;
    let first = deploy().await;
    write(2).await;
    let second = deploy().await;
    write(3).await;
    assert_eq!(ran("2026-03-01T10:00:00Z").await, (json!(2), json!(2), second));
    app.put(&format!("/schedules/{id}"), json!({"deployment_id": first})).await.ok();
    assert_eq!(ran("2026-03-01T11:00:00Z").await, (json!(1), json!(1), first.clone()));
    let pinned = app.delete(&format!("/spiders/{spider}/deployments/{}", first.as_str().unwrap())).await;
    assert_eq!(pinned.error(409), "deployment_pinned");
    app.put(&format!("/schedules/{id}"), json!({"deployment_id": null})).await.ok();
    assert_eq!(ran("2026-03-01T12:00:00Z").await.1, 2);
}

/// A schedule's own word on overlap counts for what it starts, whatever the spider says.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_own_overlap() {
    let (app, spider, go) = with_patient(json!({"name": "beside", "overlap": "allow"})).await;
    let queues = schedule(&app, &spider, "0 * * * *", json!({"overlap": "queue"})).await;
    let by_hand = app.run(&spider, json!({})).await;
    app.wait_for_line(&by_hand, "up").await;
    let waits = task_of(&comes(&app, &queues, "2026-03-01T09:00:00Z").await);
    let waits = app.get(&format!("/tasks/{waits}")).await.data();
    assert_eq!(waits["status"], "pending", "{waits}");
    assert!(waits["pending_reason"].as_str().unwrap().contains("(1 running, 1 allowed)"), "{waits}");

    let alone = app.spider(json!({"name": "alone"}), &[("main.py", &patient(&go))]).await;
    let allows = schedule(&app, &alone, "30 * * * *", json!({"overlap": "allow"})).await;
    let first = app.run(&alone, json!({})).await;
    app.wait_for_line(&first, "up").await;
    let second = task_of(&comes(&app, &allows, "2026-03-01T09:30:00Z").await);
    app.wait_for_line(&second, "up").await;
    std::fs::write(&go, "").unwrap();
    for task in [&by_hand, &first, &second, &waits["id"].as_str().unwrap().to_owned()] {
        assert_eq!(app.ended(task).await["status"], "completed");
    }
}
