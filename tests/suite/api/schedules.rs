//! Schedules: what may be set, when they start their spiders, and the ledger of it.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// A spider that ends at once.
async fn spider(app: &Client, mut fields: Value) -> Value {
    fields["name"] = json!("s");
    let id = app.spider(fields, &[("main.py", "print('{\"n\": 1}')")]).await;
    app.get(&format!("/spiders/{id}")).await.data()
}

/// A schedule beside the spider's own; its id.
async fn schedule(app: &Client, spider: &str, expr: &str, mut fields: Value) -> String {
    fields["spider_id"] = json!(spider);
    fields["cron_expr"] = json!(expr);
    id_of(&app.post("/schedules", fields).await.data())
}

/// The whole ledger of a schedule, oldest first.
async fn ledger(app: &Client, id: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/schedules/{id}/fires?page_size=100&cursor={cursor}")).await.data();
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    rows.reverse();
    rows
}

/// `planned_at outcome` of each.
fn brief(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| format!("{} {}", row["planned_at"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
        .collect()
}

/// Waits until the time is judged; its row.
async fn judged(app: &Client, id: &str, planned: &str) -> Value {
    let begun = Instant::now();
    loop {
        let page = app.get(&format!("/schedules/{id}/fires?from={planned}&to={planned}")).await.data();
        if let Some(row) = page["items"].as_array().unwrap().first() {
            return row.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{planned} is never judged");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_schedule_is_made_changed_and_removed() {
    let app = TestApp::new().await;
    let spider = spider(&app, json!({"timezone": "Asia/Shanghai"})).await;
    let spider_id = id_of(&spider);
    let made = app.post("/schedules", json!({"spider_id": spider_id, "cron_expr": " 0 18 * * * "})).await.data();
    let id = id_of(&made);
    assert_eq!(
        made,
        json!({
            "id": id, "spider_id": spider_id, "spider_name": "s", "name": "0 18 * * *", "is_own": false,
            "cron_expr": "0 18 * * *", "timezone": "Asia/Shanghai", "params": {}, "priority": 0, "is_active": true,
            "misfire": null, "overlap": null, "deployment_id": null, "next_run_at": "2026-03-01T10:00:00Z",
            "last_run_at": null, "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    let path = format!("/schedules/{id}");
    assert_eq!(app.get(&path).await.data(), made);
    app.clock.advance(TimeDelta::seconds(5));
    let change = json!({
        "name": "晚上", "cron_expr": "0 20 * * *", "timezone": "UTC", "params": {"a": 1}, "priority": -3,
        "misfire": "skip", "overlap": "queue", "unknown": 1,
    });
    let changed = app.put(&path, change.clone()).await.data();
    for (field, wanted) in change.as_object().unwrap().iter().filter(|(field, _)| *field != "unknown") {
        assert_eq!(&changed[field], wanted, "{field}");
    }
    assert_eq!(changed["next_run_at"], "2026-03-01T20:00:00Z");
    assert_eq!(changed["updated_at"], "2026-03-01T08:00:05Z");
    let cleared = app.put(&path, json!({"misfire": null, "overlap": null})).await.data();
    assert_eq!(
        (&cleared["misfire"], &cleared["overlap"], &cleared["name"]),
        (&Value::Null, &Value::Null, &json!("晚上"))
    );
    let upcoming = app.get(&format!("{path}/upcoming?count=2")).await.data();
    assert_eq!(upcoming, json!(["2026-03-01T20:00:00Z", "2026-03-02T20:00:00Z"]));
    app.delete(&path).await.ok();
    for answer in [
        app.get(&path).await,
        app.put(&path, json!({"name": "x"})).await,
        app.delete(&path).await,
        app.post(&format!("{path}/toggle"), json!({})).await,
        app.get(&format!("{path}/fires")).await,
        app.get(&format!("{path}/upcoming")).await,
        app.get(&format!("{path}/explain?at=2026-03-01T20:00:00Z")).await,
    ] {
        assert_eq!(answer.error(404), "schedule_not_found");
    }
}

#[tokio::test]
async fn a_planned_time_starts_a_task() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"params": {"a": 1, "b": 1}})).await);
    let id = schedule(&app, &spider, "0 9 * * *", json!({"params": {"b": 2}, "priority": 7})).await;
    app.clock.set(at("2026-03-01T09:00:00.250Z"));
    let row = judged(&app, &id, "2026-03-01T09:00:00Z").await;
    let task = row["task_id"].as_str().unwrap();
    assert_eq!(
        row,
        json!({"planned_at": "2026-03-01T09:00:00Z", "outcome": "fired", "task_id": task, "late_ms": 250, "reason": null})
    );
    let task = app.ended(task).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(
        (&task["trigger_type"], &task["schedule_id"], &task["is_test"]),
        (&json!("schedule"), &json!(id), &json!(false))
    );
    assert_eq!((&task["scheduled_at"], &task["priority"]), (&json!("2026-03-01T09:00:00Z"), &json!(7)));
    assert_eq!((&task["params"], &task["total_count"]), (&json!({"a": 1, "b": 2}), &json!(1)));
    let schedule = app.get(&format!("/schedules/{id}")).await.data();
    assert_eq!(
        (&schedule["last_run_at"], &schedule["next_run_at"]),
        (&json!("2026-03-01T09:00:00Z"), &json!("2026-03-02T09:00:00Z"))
    );
    let tasks = app.get("/tasks?trigger_type=schedule").await.data();
    assert_eq!(tasks["total"], 1);
}
