//! Schedules: what may be set, when they start their spiders, and the ledger of it.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn text(at: DateTime<Utc>) -> String {
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
pub async fn schedule(app: &Client, spider: &str, expr: &str, mut fields: Value) -> String {
    fields["spider_id"] = json!(spider);
    fields["cron_expr"] = json!(expr);
    id_of(&app.post("/schedules", fields).await.data())
}

/// The whole ledger of a schedule, oldest first.
pub async fn ledger(app: &Client, id: &str) -> Vec<Value> {
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
pub fn brief(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| format!("{} {}", row["planned_at"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
        .collect()
}

/// Waits until the time is judged; its row.
pub async fn judged(app: &Client, id: &str, planned: &str) -> Value {
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

#[tokio::test]
async fn a_spiders_own_schedule_is_its_cron_expr() {
    let app = TestApp::new().await;
    let made = spider(&app, json!({"cron_expr": "0 9 * * *", "misfire": "skip"})).await;
    let (id, path) = (id_of(&made), format!("/schedules/{}", id_of(&made)));
    let spider = async || app.get(&format!("/spiders/{id}")).await.data();
    let own = app.get(&path).await.data();
    assert_eq!((&own["is_own"], &own["spider_id"], &own["cron_expr"]), (&json!(true), &json!(id), &json!("0 9 * * *")));
    assert_eq!((&own["misfire"], &own["overlap"]), (&json!("skip"), &json!("skip")), "they are the spider's");
    assert_eq!(
        (&own["next_run_at"], &made["next_run_at"]),
        (&json!("2026-03-01T09:00:00Z"), &json!("2026-03-01T09:00:00Z"))
    );

    // What is changed here is changed there, and the other way round.
    app.put(
        &path,
        json!({"cron_expr": "0 10 * * *", "timezone": "Asia/Tokyo", "misfire": "run_once", "overlap": "allow"}),
    )
    .await
    .ok();
    let seen = spider().await;
    for (field, wanted) in
        [("cron_expr", "0 10 * * *"), ("timezone", "Asia/Tokyo"), ("misfire", "run_once"), ("overlap", "allow")]
    {
        assert_eq!(seen[field], wanted);
    }
    assert_eq!(seen["next_run_at"], "2026-03-02T01:00:00Z");
    app.put(&format!("/spiders/{id}"), json!({"cron_expr": "0 12 * * *", "timezone": "UTC"})).await.ok();
    let own = app.get(&path).await.data();
    assert_eq!((&own["cron_expr"], &own["next_run_at"]), (&json!("0 12 * * *"), &json!("2026-03-01T12:00:00Z")));
    app.put(&path, json!({"misfire": null, "name": "noon"})).await.ok();
    assert_eq!(
        (&spider().await["misfire"], &app.get(&path).await.data()["name"]),
        (&json!("run_once"), &json!("noon"))
    );

    // A pause is the schedule's alone.
    let paused = app.post(&format!("{path}/toggle"), json!({})).await.data();
    assert_eq!((&paused["is_active"], &paused["next_run_at"]), (&json!(false), &Value::Null));
    let seen = spider().await;
    assert_eq!((&seen["is_active"], &seen["next_run_at"]), (&json!(true), &Value::Null));
    assert_eq!(app.get(&format!("/spiders/{id}/schedule")).await.data(), json!([]));
    app.post(&format!("{path}/toggle"), json!({})).await.ok();
    assert_eq!(spider().await["next_run_at"], "2026-03-01T12:00:00Z");
    // Of a spider with several, the next of all.
    let other = schedule(&app, &id, "0 11 * * *", json!({})).await;
    assert_eq!(spider().await["next_run_at"], "2026-03-01T11:00:00Z");
    app.delete(&format!("/schedules/{other}")).await.ok();

    app.delete(&path).await.ok();
    let seen = spider().await;
    assert_eq!((&seen["cron_expr"], &seen["next_run_at"]), (&Value::Null, &Value::Null));
    assert_eq!(app.get(&path).await.error(404), "schedule_not_found");
    app.put(&format!("/spiders/{id}"), json!({"cron_expr": "@hourly"})).await.ok();
    assert_eq!(app.get(&path).await.data()["next_run_at"], "2026-03-01T09:00:00Z");
    app.put(&format!("/spiders/{id}"), json!({"cron_expr": null})).await.ok();
    assert_eq!(app.get(&path).await.error(404), "schedule_not_found");
    app.put(&format!("/spiders/{id}"), json!({"cron_expr": "@hourly"})).await.ok();
    app.delete(&format!("/spiders/{id}")).await.ok();
    assert_eq!(app.get(&path).await.error(404), "schedule_not_found");
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let (one, other) = (id_of(&spider(&app, json!({})).await), id_of(&spider(&app, json!({})).await));
    let foreign = id_of(&app.post(&format!("/spiders/{other}/deployments"), json!({})).await.data());
    let own = id_of(&app.post(&format!("/spiders/{one}/deployments"), json!({})).await.data());
    let refused = async |body: &Value| app.post("/schedules", body.clone()).await;
    for (body, loc) in [
        (json!({"cron_expr": "@daily"}), "body.spider_id"),
        (json!({"spider_id": "none", "cron_expr": "@daily"}), "body.spider_id"),
        (json!({"spider_id": one}), "body.cron_expr"),
        (json!({"spider_id": one, "cron_expr": " "}), "body.cron_expr"),
    ] {
        assert_eq!(refused(&body).await.details(), [loc], "{body}");
    }
    let id = schedule(&app, &one, "@daily", json!({})).await;
    for (mut change, loc) in [
        (json!({"cron_expr": "0 0 30 2 *"}), "body.cron_expr"),
        (json!({"cron_expr": "0 0 31 4,6 *"}), "body.cron_expr"),
        (json!({"cron_expr": "* * * *"}), "body.cron_expr"),
        (json!({"cron_expr": "61 * * * *"}), "body.cron_expr"),
        (json!({"cron_expr": "* * * * * * *"}), "body.cron_expr"),
        (json!({"cron_expr": ""}), "body.cron_expr"),
        (json!({"cron_expr": null}), "body.cron_expr"),
        (json!({"cron_expr": 5}), "body.cron_expr"),
        (json!({"cron_expr": format!("{}0 0 * * *", "0,".repeat(200))}), "body.cron_expr"),
        (json!({"timezone": "Mars/Olympus"}), "body.timezone"),
        (json!({"timezone": "UTC+8"}), "body.timezone"),
        (json!({"timezone": null}), "body.timezone"),
        (json!({"params": []}), "body.params"),
        (json!({"params": "{}"}), "body.params"),
        (json!({"params": null}), "body.params"),
        (json!({"params": {"a": ["\u{0}"]}}), "body.params"),
        (json!({"priority": 101}), "body.priority"),
        (json!({"priority": "high"}), "body.priority"),
        (json!({"is_active": "yes"}), "body.is_active"),
        (json!({"misfire": "never"}), "body.misfire"),
        (json!({"overlap": "never"}), "body.overlap"),
        (json!({"name": " "}), "body.name"),
        (json!({"name": "名".repeat(256)}), "body.name"),
        (json!({"deployment_id": "none"}), "body.deployment_id"),
        (json!({"deployment_id": foreign}), "body.deployment_id"),
    ] {
        assert_eq!(app.put(&format!("/schedules/{id}"), change.clone()).await.details(), [loc], "{change}");
        change["spider_id"] = json!(one);
        if loc != "body.cron_expr" {
            change["cron_expr"] = json!("@daily");
        }
        assert_eq!(refused(&change).await.details(), [loc], "{change}");
    }
    let pinned = app.put(&format!("/schedules/{id}"), json!({"deployment_id": own, "spider_id": other})).await.data();
    assert_eq!((&pinned["deployment_id"], &pinned["spider_id"]), (&json!(own), &json!(one)));
    for (query, loc) in [
        ("fires?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "query.from"),
        ("fires?from=yesterday", "query.from"),
        ("fires?to=2026-03-01", "query.to"),
        ("fires?outcome=late", "query.outcome"),
        ("fires?page=0", "query.page"),
        ("fires?page_size=101", "query.page_size"),
        ("fires?cursor=x", "query.cursor"),
        ("explain", "query.at"),
        ("explain?at=soon", "query.at"),
        ("upcoming?count=0", "query.count"),
        ("upcoming?count=101", "query.count"),
    ] {
        assert_eq!(app.get(&format!("/schedules/{id}/{query}")).await.details(), [loc], "{query}");
    }
    assert_eq!(app.get("/schedules?is_active=2").await.details(), ["query.is_active"]);
}

/// Lists are paged and filtered, however many there are of one spider, and all that are due start: more than one
/// transaction judges.
#[tokio::test]
async fn very_many_schedules_of_one_spider() {
    let app = TestApp::new().await;
    let (spider, other) = (
        id_of(&spider(&app, json!({"overlap": "allow"})).await),
        id_of(&spider(&app, json!({"cron_expr": "@yearly"})).await),
    );
    for n in 0..1100 {
        schedule(&app, &spider, "0 9 * * *", json!({"name": n.to_string(), "is_active": n % 12 != 0})).await;
    }
    let total = async |query: &str| app.get(&format!("/schedules?page_size=1&{query}")).await.data()["total"].clone();
    assert_eq!(total("").await, 1101);
    assert_eq!(total(&format!("spider_id={spider}")).await, 1100);
    assert_eq!(total(&format!("spider_id={spider}&is_active=true")).await, 1008);
    assert_eq!(total(&format!("spider_id={other}&is_active=false")).await, 0);
    let page = app.get(&format!("/schedules?spider_id={spider}&page=2&page_size=3")).await.data();
    let names: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["1096", "1095", "1094"]);
    let next = app
        .get(&format!("/schedules?spider_id={spider}&page_size=3&cursor={}", page["next_cursor"].as_str().unwrap()))
        .await;
    assert_eq!(next.data()["items"][0]["name"], "1093");
    app.clock.set(at("2026-03-01T09:00:00Z"));
    let last = id_of(&page["items"][1]);
    judged(&app, &last, "2026-03-01T09:00:00Z").await;
    app.eventually(&format!("/tasks?spider_id={spider}&page_size=1"), |tasks| tasks["total"] == 1008).await;
    assert_eq!(app.get(&format!("/spiders/{spider}")).await.data()["next_run_at"], "2026-03-02T09:00:00Z");
    app.put(&format!("/spiders/{spider}"), json!({"is_active": false})).await.ok();
}

/// One planned time that is a little late is started; of several that passed, the newest stands for all, or none.
#[tokio::test]
async fn planned_times_that_passed_while_no_server_was_up() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let mut ids = Vec::new();
    for (expr, misfire) in
        [("0 * * * *", "run_once"), ("0 * * * *", "skip"), ("0 12 * * *", "run_once"), ("0 12 * * *", "skip")]
    {
        ids.push(schedule(&app, &spider, expr, json!({"misfire": misfire})).await);
    }
    app.clock.set(at("2026-03-01T12:00:59Z"));
    for id in &ids {
        judged(&app, id, "2026-03-01T12:00:00Z").await;
    }
    let hours = |last: &str| {
        ["2026-03-01T09:00:00Z missed", "2026-03-01T10:00:00Z missed", "2026-03-01T11:00:00Z missed", last]
            .map(str::to_owned)
    };
    let rows = ledger(&app, &ids[0]).await;
    assert_eq!(brief(&rows), hours("2026-03-01T12:00:00Z fired"));
    assert_eq!((&rows[3]["late_ms"], &rows[3]["reason"]), (&json!(59_000), &Value::Null), "it is in time itself");
    assert!(rows[0]["reason"].as_str().unwrap().contains("stands for it"), "{rows:?}");
    let rows = ledger(&app, &ids[1]).await;
    assert_eq!(brief(&rows), hours("2026-03-01T12:00:00Z fired"), "the newest is in time");
    assert_eq!(rows[3]["reason"], Value::Null);
    assert!(rows[2]["reason"].as_str().unwrap().contains("does not make up"), "{rows:?}");
    for id in &ids[2..] {
        assert_eq!(brief(&ledger(&app, id).await), ["2026-03-01T12:00:00Z fired"], "a single one, in time");
    }
    // A day later, a single one again, but late; of the hours all are.
    app.clock.set(at("2026-03-02T12:01:00Z"));
    let (hour, skipped) =
        (judged(&app, &ids[0], "2026-03-02T12:00:00Z").await, judged(&app, &ids[1], "2026-03-02T12:00:00Z").await);
    assert_eq!((&hour["outcome"], &skipped["outcome"]), (&json!("fired"), &json!("missed")));
    assert!(hour["reason"].as_str().unwrap().contains("no server could start it in time"), "{hour}");
    let (made_up, missed) =
        (judged(&app, &ids[2], "2026-03-02T12:00:00Z").await, judged(&app, &ids[3], "2026-03-02T12:00:00Z").await);
    assert_eq!((&made_up["outcome"], &missed["outcome"]), (&json!("fired"), &json!("missed")));
    assert!(made_up["reason"].as_str().unwrap().contains("no server could start it in time"), "{made_up}");
    assert_eq!((&missed["task_id"], &missed["late_ms"]), (&Value::Null, &Value::Null));
}

/// The server was really down: what passed is judged when it is up again, and nothing is started twice.
#[tokio::test]
async fn a_server_comes_back() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({})).await);
    let id = schedule(&app, &spider, "30 8 * * *", json!({})).await;
    app.clock.set(at("2026-03-01T08:30:00Z"));
    let first = judged(&app, &id, "2026-03-01T08:30:00Z").await;
    app.ended(first["task_id"].as_str().unwrap()).await;
    // The clock of the test starts at eight again: the planned time comes a second time.
    let app = app.restart(&[]).await;
    let witness = schedule(&app, &spider, "31 8 * * *", json!({"overlap": "allow"})).await;
    app.clock.set(at("2026-03-01T08:31:00Z"));
    judged(&app, &witness, "2026-03-01T08:31:00Z").await;
    assert_eq!(ledger(&app, &id).await, [first]);
    assert_eq!(app.get(&format!("/tasks?spider_id={spider}")).await.data()["total"], 2);
}

/// A clock that is set back starts nothing twice, whatever is done to the schedule meanwhile.
#[tokio::test]
async fn the_clock_is_set_back() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let (id, changed) =
        (schedule(&app, &spider, "0 * * * *", json!({})).await, schedule(&app, &spider, "0 * * * *", json!({})).await);
    app.clock.set(at("2026-03-01T09:00:00Z"));
    for schedule in [&id, &changed] {
        judged(&app, schedule, "2026-03-01T09:00:00Z").await;
    }
    app.clock.set(at("2026-03-01T08:30:00Z"));
    let path = format!("/schedules/{changed}");
    app.put(&path, json!({"cron_expr": "*/30 * * * *"})).await.ok();
    for _ in 0..2 {
        app.post(&format!("{path}/toggle"), json!({})).await.ok();
    }
    assert_eq!(app.get(&path).await.data()["next_run_at"], "2026-03-01T09:30:00Z");
    assert_eq!(app.get(&format!("/schedules/{id}/upcoming?count=1")).await.data(), json!(["2026-03-01T10:00:00Z"]));
    let witness = schedule(&app, &spider, "0 9 * * *", json!({})).await;
    app.clock.set(at("2026-03-01T09:00:00Z"));
    judged(&app, &witness, "2026-03-01T09:00:00Z").await;
    for schedule in [&id, &changed] {
        assert_eq!(brief(&ledger(&app, schedule).await), ["2026-03-01T09:00:00Z fired"]);
    }
    app.clock.set(at("2026-03-01T10:00:00Z"));
    assert_eq!(judged(&app, &id, "2026-03-01T10:00:00Z").await["outcome"], "fired");
}

/// A clock that is years ahead for a moment: what is planned comes when its time comes, and nothing twice.
#[tokio::test]
async fn the_clock_is_far_ahead_for_a_moment() {
    // The ledger must not be too old then.
    let app = TestApp::with(&[("CRAWLHUB_RETENTION_FIRE_DAYS", "0")]).await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let daily = schedule(&app, &spider, "0 9 * * *", json!({})).await;
    let hourly = schedule(&app, &spider, "0 * * * *", json!({})).await;
    app.clock.set(at("2030-03-01T08:30:00Z"));
    assert_eq!(judged(&app, &daily, "2030-02-28T09:00:00Z").await["outcome"], "fired");
    assert_eq!(judged(&app, &hourly, "2030-03-01T08:00:00Z").await["outcome"], "fired");
    app.clock.set(at("2026-03-01T08:30:00Z"));
    for id in [&daily, &hourly] {
        app.eventually(&format!("/schedules/{id}"), |seen| seen["next_run_at"] == "2026-03-01T09:00:00Z").await;
    }
    app.clock.set(at("2026-03-01T09:00:00Z"));
    for id in [&daily, &hourly] {
        assert_eq!(judged(&app, id, "2026-03-01T09:00:00Z").await["outcome"], "fired");
    }
    // Back by as much as an hour: nine o'clock comes again, and is over.
    app.clock.set(at("2026-03-01T08:30:00Z"));
    app.clock.set(at("2026-03-01T10:00:00Z"));
    assert_eq!(judged(&app, &hourly, "2026-03-01T10:00:00Z").await["outcome"], "fired");
    // What counted as missed in 2030 is still to come.
    let asked = app.get(&format!("/schedules/{daily}/explain?at=2029-01-01T09:00:00Z")).await.data();
    assert!(asked["explanation"].as_str().unwrap().contains("still to come"), "{asked}");
    app.clock.set(at("2029-01-01T09:00:00Z"));
    let then = format!("/schedules/{daily}/fires?from=2029-01-01T09:00:00Z&to=2029-01-01T09:00:00Z");
    app.eventually(&then, |page| page["items"][0]["outcome"] == "fired").await;
    app.eventually("/tasks?page_size=1", |tasks| tasks["total"] == 7).await;
    let fired = async |id: &str| app.get(&format!("/schedules/{id}/fires?outcome=fired")).await.data()["total"].clone();
    assert_eq!((fired(&daily).await, fired(&hourly).await), (json!(3), json!(4)));
}

/// A schedule that is due, and waits, as its spider cannot be read: its misfire is none that this version knows.
async fn held_up(app: &TestApp, spider: &str) {
    let set = "UPDATE spiders SET misfire = 'balloon' WHERE id = $1";
    app.database().await.query(set).bind(spider).execute().await.unwrap();
}

/// One row that cannot be read holds up none but its own schedule.
#[tokio::test]
async fn a_row_that_cannot_be_read() {
    let app = TestApp::new().await;
    let (broken, well) = (
        id_of(&spider(&app, json!({"cron_expr": "0 9 * * *"})).await),
        id_of(&spider(&app, json!({"cron_expr": "0 9 * * *"})).await),
    );
    // A word that nobody else reads.
    let db = app.database().await;
    db.query("UPDATE schedules SET misfire = 'never' WHERE spider_id = $1").bind(&broken).execute().await.unwrap();
    app.clock.set(at("2026-03-01T09:00:00Z"));
    assert_eq!(judged(&app, &well, "2026-03-01T09:00:00Z").await["outcome"], "fired");
    assert_eq!(app.get(&format!("/schedules/{broken}/fires")).await.data()["total"], 0);
    db.query("UPDATE schedules SET misfire = 'run_once'").execute().await.unwrap();
    assert_eq!(judged(&app, &broken, "2026-03-01T09:00:00Z").await["outcome"], "fired");
}

/// What was due when somebody paused it, and had not been started, was not paused then.
#[tokio::test]
async fn a_pause_at_the_moment_of_a_planned_time() {
    let app = TestApp::new().await;
    let one = id_of(&spider(&app, json!({})).await);
    let other = id_of(&spider(&app, json!({"cron_expr": "0 * * * *", "overlap": "allow"})).await);
    let first = schedule(&app, &one, "0 * * * *", json!({})).await;
    held_up(&app, &one).await;
    app.clock.set(at("2026-03-01T09:00:00Z"));
    assert_eq!(judged(&app, &other, "2026-03-01T09:00:00Z").await["outcome"], "fired");
    app.post(&format!("/schedules/{first}/toggle"), json!({})).await.ok();
    let missed = judged(&app, &first, "2026-03-01T09:00:00Z").await;
    assert_eq!(missed["outcome"], "missed");
    assert!(missed["reason"].as_str().unwrap().contains("paused before it could start"), "{missed}");
    let db = app.database().await;
    db.query("UPDATE spiders SET misfire = 'run_once'").execute().await.unwrap();

    // Now the spider. Its own schedule is held up by a word of its row that nobody else reads.
    db.query("UPDATE schedules SET misfire = 'never' WHERE id = $1").bind(&other).execute().await.unwrap();
    let witness = schedule(&app, &one, "0 10 * * *", json!({"overlap": "allow"})).await;
    app.clock.set(at("2026-03-01T10:00:00Z"));
    judged(&app, &witness, "2026-03-01T10:00:00Z").await;
    let set_active =
        async |is_active: bool| app.put(&format!("/spiders/{other}"), json!({"is_active": is_active})).await.ok();
    set_active(false).await;
    app.clock.set(at("2026-03-01T11:30:00Z"));
    set_active(true).await;
    app.clock.set(at("2026-03-01T12:00:00Z"));
    judged(&app, &other, "2026-03-01T12:00:00Z").await;
    assert_eq!(
        brief(&ledger(&app, &other).await),
        [
            "2026-03-01T09:00:00Z fired",
            "2026-03-01T10:00:00Z missed",
            "2026-03-01T11:00:00Z skipped_paused",
            "2026-03-01T12:00:00Z fired"
        ]
    );
}

/// An expression that a later version understands again, or that is set again, goes on; its ledger says nothing wrong.
#[tokio::test]
async fn a_plan_that_is_not_understood() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let id = schedule(&app, &spider, "0 * * * *", json!({})).await;
    let witness = schedule(&app, &spider, "0 * * * *", json!({})).await;
    let db = app.database().await;
    let set = async |expr: &str| {
        db.query("UPDATE schedules SET cron_expr = $2 WHERE id = $1").bind(&id).bind(expr).execute().await.unwrap();
    };
    set("at nine").await;
    app.clock.set(at("2026-03-01T09:00:00Z"));
    judged(&app, &witness, "2026-03-01T09:00:00Z").await;
    let path = format!("/schedules/{id}");
    assert_eq!(app.get(&format!("{path}/fires")).await.data()["total"], 0);
    let asked = app.get(&format!("{path}/explain?at=2026-03-01T09:00:00Z")).await.data();
    assert!(asked["explanation"].as_str().unwrap().contains("not understood"), "{asked}");
    set("0 * * * *").await;
    assert_eq!(judged(&app, &id, "2026-03-01T09:00:00Z").await["outcome"], "fired");
    // A former version left them without a next time.
    let stop = "UPDATE schedules SET next_run_at = NULL";
    db.query(stop).execute().await.unwrap();
    for _ in 0..2 {
        app.post(&format!("{path}/toggle"), json!({})).await.ok();
    }
    assert_eq!(app.get(&path).await.data()["next_run_at"], "2026-03-01T10:00:00Z");
    app.put(&format!("/schedules/{witness}"), json!({"name": "w"})).await.ok();
    assert_eq!(app.get(&format!("/schedules/{witness}")).await.data()["next_run_at"], "2026-03-01T10:00:00Z");
    db.query(stop).execute().await.unwrap();
    drop(db);
    let app = app.restart(&[]).await;
    // The clock starts at eight again, and nine is over.
    app.eventually(&path, |seen| seen["next_run_at"] == "2026-03-01T10:00:00Z").await;
}

/// Whoever clears a spider's expression, and sets one again, has the ledger of before.
#[tokio::test]
async fn the_ledger_outlives_the_expression() {
    let app = TestApp::new().await;
    let id = id_of(&spider(&app, json!({"cron_expr": "0 9 * * *", "overlap": "allow"})).await);
    let version = id_of(&app.post(&format!("/spiders/{id}/deployments"), json!({})).await.data());
    let (path, spider) = (format!("/schedules/{id}"), format!("/spiders/{id}"));
    app.put(&path, json!({"deployment_id": version})).await.ok();
    app.clock.set(at("2026-03-01T09:00:00Z"));
    judged(&app, &id, "2026-03-01T09:00:00Z").await;
    app.post(&format!("{path}/toggle"), json!({})).await.ok();
    app.put(&spider, json!({"cron_expr": null})).await.ok();
    for path in [path.clone(), format!("{path}/fires")] {
        assert_eq!(app.get(&path).await.error(404), "schedule_not_found");
    }
    assert_eq!(app.get("/schedules").await.data()["total"], 0);
    assert_eq!(app.get("/schedules").await.data()["items"], json!([]));
    assert_eq!(app.get(&spider).await.data()["next_run_at"], Value::Null);
    app.clock.set(at("2026-03-01T10:30:00Z"));
    app.put(&spider, json!({"cron_expr": "0 * * * *"})).await.ok();
    let own = app.get(&path).await.data();
    assert_eq!(
        (&own["next_run_at"], &own["is_active"], &own["deployment_id"]),
        (&json!("2026-03-01T11:00:00Z"), &json!(true), &Value::Null)
    );
    app.clock.set(at("2026-03-01T11:00:00Z"));
    judged(&app, &id, "2026-03-01T11:00:00Z").await;
    assert_eq!(brief(&ledger(&app, &id).await), ["2026-03-01T09:00:00Z fired", "2026-03-01T11:00:00Z fired"]);
}

/// More rows than one transaction writes.
#[tokio::test]
async fn a_day_passes_for_many() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let mut ids = Vec::new();
    for _ in 0..23 {
        ids.push(schedule(&app, &spider, "* * * * *", json!({})).await);
    }
    app.clock.set(at("2026-03-02T08:00:00Z"));
    for id in &ids {
        assert_eq!(judged(&app, id, "2026-03-02T08:00:00Z").await["outcome"], "fired");
        assert_eq!(app.get(&format!("/schedules/{id}/fires?page_size=1")).await.data()["total"], 1000);
        assert_eq!(app.get(&format!("/schedules/{id}")).await.data()["next_run_at"], "2026-03-02T08:01:00Z");
    }
    assert_eq!(app.get("/tasks?page_size=1").await.data()["total"], 23);
    app.put(&format!("/spiders/{spider}"), json!({"is_active": false})).await.ok();
}

/// Far more planned times passed than anybody reads: the newest have rows, the oldest row tells of the rest.
#[tokio::test]
async fn a_month_of_seconds_passes() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let seconds = schedule(&app, &spider, "* * * * * *", json!({"misfire": "skip"})).await;
    let minutes = schedule(&app, &spider, "* * * * *", json!({})).await;
    app.clock.set(at("2026-03-02T08:00:00Z"));
    assert_eq!(judged(&app, &minutes, "2026-03-02T08:00:00Z").await["outcome"], "fired");
    let rows = ledger(&app, &minutes).await;
    assert_eq!((rows.len(), &rows[0]["planned_at"]), (1000, &json!("2026-03-01T15:21:00Z")));
    assert!(rows[0]["reason"].as_str().unwrap().contains("440 earlier planned times"), "{}", rows[0]);
    assert_eq!((&rows[0]["earlier"], &rows[0]["earlier_from"]), (&json!(440), &json!("2026-03-01T08:01:00Z")));
    let explain = async |id: &str, at: &str| {
        let asked = app.get(&format!("/schedules/{id}/explain?at={at}")).await.data();
        assert_eq!((&asked["is_planned"], &asked["fire"]), (&json!(true), &Value::Null), "{asked}");
        asked["explanation"].as_str().unwrap().to_owned()
    };
    let asked = explain(&minutes, "2026-03-01T08:01:00Z").await;
    assert!(asked.contains("it started nothing") && asked.contains("stands for it"), "{asked}");
    app.clock.set(at("2026-04-02T08:00:00Z"));
    assert_eq!(judged(&app, &seconds, "2026-04-02T08:00:00Z").await["outcome"], "fired");
    let page = app.get(&format!("/schedules/{seconds}/fires?from=2026-04-01T00:00:00Z&page_size=1")).await.data();
    assert_eq!(page["total"], 1000);
    let oldest =
        app.get(&format!("/schedules/{seconds}/fires?from=2026-04-01T00:00:00Z&page=1000&page_size=1")).await.data();
    assert_eq!(oldest["items"][0]["planned_at"], "2026-04-02T07:43:21Z");
    assert!(oldest["items"][0]["reason"].as_str().unwrap().contains("more than 2000 earlier"), "{oldest}");
    let asked = explain(&seconds, "2026-03-20T00:00:00Z").await;
    assert!(asked.contains("it started nothing") && asked.contains("does not make up"), "{asked}");
    // While it is paused, too.
    app.post(&format!("/schedules/{minutes}/toggle"), json!({})).await.ok();
    app.clock.set(at("2026-04-05T08:00:00Z"));
    let asked = explain(&minutes, "2026-04-02T08:01:00Z").await;
    assert!(asked.contains("it started nothing") && asked.contains("was paused then"), "{asked}");
}

/// What is planned while a schedule or its spider is paused is skipped: seen at once, and for good when it goes on.
#[tokio::test]
async fn pauses() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"overlap": "allow"})).await);
    let id = schedule(&app, &spider, "0 * * * *", json!({})).await;
    let path = format!("/schedules/{id}");
    let witness = id_of(&self::spider(&app, json!({"cron_expr": "0 * * * *", "overlap": "allow"})).await);
    app.post(&format!("{path}/toggle"), json!({})).await.ok();
    app.clock.set(at("2026-03-01T10:00:00Z"));
    judged(&app, &witness, "2026-03-01T10:00:00Z").await;
    let skipped = ["2026-03-01T09:00:00Z skipped_paused", "2026-03-01T10:00:00Z skipped_paused"].map(str::to_owned);
    assert_eq!(brief(&ledger(&app, &id).await), skipped);
    let page = async |query: &str| app.get(&format!("{path}/fires?{query}")).await.data();
    let second = page("page=2&page_size=1").await;
    assert_eq!((&second["total"], &second["items"][0]["planned_at"]), (&json!(2), &json!("2026-03-01T09:00:00Z")));
    assert_eq!(page("outcome=fired").await["total"], 0);
    assert_eq!(page("to=2026-03-01T09:30:00Z").await["total"], 1);

    app.clock.set(at("2026-03-01T10:30:00Z"));
    app.put(&path, json!({"is_active": true})).await.ok();
    app.clock.set(at("2026-03-01T11:00:00Z"));
    assert_eq!(judged(&app, &id, "2026-03-01T11:00:00Z").await["outcome"], "fired");
    let mut rows = skipped.to_vec();
    rows.push("2026-03-01T11:00:00Z fired".to_owned());
    assert_eq!(brief(&ledger(&app, &id).await), rows);

    // Now the spider.
    let set_active =
        async |is_active: bool| app.put(&format!("/spiders/{spider}"), json!({"is_active": is_active})).await.data();
    assert_eq!(set_active(false).await["next_run_at"], Value::Null);
    assert_eq!(app.get(&path).await.data()["next_run_at"], Value::Null);
    app.clock.set(at("2026-03-01T12:00:00Z"));
    judged(&app, &witness, "2026-03-01T12:00:00Z").await;
    rows.push("2026-03-01T12:00:00Z skipped_paused".to_owned());
    assert_eq!(brief(&ledger(&app, &id).await), rows);
    let asked = app.get(&format!("{path}/explain?at=2026-03-01T12:00:00Z")).await.data();
    assert_eq!(asked["fire"]["outcome"], "skipped_paused", "{asked}");
    app.clock.set(at("2026-03-01T12:10:00Z"));
    assert_eq!(set_active(true).await["next_run_at"], "2026-03-01T13:00:00Z");
    app.clock.set(at("2026-03-01T13:00:00Z"));
    judged(&app, &id, "2026-03-01T13:00:00Z").await;
    rows.push("2026-03-01T13:00:00Z fired".to_owned());
    assert_eq!(brief(&ledger(&app, &id).await), rows);

    // A change while it is paused leaves what was planned until then as skipped.
    app.post(&format!("{path}/toggle"), json!({})).await.ok();
    app.clock.set(at("2026-03-01T14:10:00Z"));
    app.put(&path, json!({"cron_expr": "30 * * * *"})).await.ok();
    app.post(&format!("{path}/toggle"), json!({})).await.ok();
    app.clock.set(at("2026-03-01T14:30:00Z"));
    judged(&app, &id, "2026-03-01T14:30:00Z").await;
    rows.extend(["2026-03-01T14:00:00Z skipped_paused", "2026-03-01T14:30:00Z fired"].map(str::to_owned));
    assert_eq!(brief(&ledger(&app, &id).await), rows);
}

#[tokio::test]
async fn why_did_it_not_run() {
    let app = TestApp::new().await;
    let spider = id_of(&spider(&app, json!({"timezone": "Asia/Shanghai"})).await);
    app.clock.set(at("2026-03-01T08:10:00Z"));
    let id = schedule(&app, &spider, "0 17 * * *", json!({})).await;
    app.clock.set(at("2026-03-01T09:00:00Z"));
    judged(&app, &id, "2026-03-01T09:00:00Z").await;
    let explain = async |at: &str| app.get(&format!("/schedules/{id}/explain?at={at}")).await;
    for (at, is_planned, text) in [
        ("2026-03-01T09:00:00Z", true, "was queued 0 ms after the planned time"),
        ("2026-03-01T17:00:00%2B08:00", true, "was queued 0 ms after the planned time"),
        ("2026-02-28T09:00:00Z", true, "did not exist then"),
        ("2026-03-01T08:30:00Z", false, "the one before is 2026-02-28T09:00:00Z, the one after 2026-03-01T09:00:00Z"),
        ("2026-03-02T09:00:00Z", true, "still to come: the spider runs at 2026-03-02T09:00:00Z"),
        ("2026-03-02T09:00:01Z", false, "not a planned time"),
    ] {
        let answer = explain(at).await;
        let data = answer.data();
        assert_eq!(data["is_planned"], is_planned, "{at}");
        assert!(data["explanation"].as_str().unwrap().contains(text), "{at}: {data}");
        assert_eq!(answer.json()["msg"], data["explanation"], "in the caller's language");
    }
    let fired = explain("2026-03-01T09:00:00.9Z").await.data();
    assert_eq!((&fired["fire"]["outcome"], &fired["at"]), (&json!("fired"), &json!("2026-03-01T09:00:00Z")));
    assert_eq!(
        (&fired["planned_before"], &fired["planned_after"]),
        (&json!("2026-02-28T09:00:00Z"), &json!("2026-03-02T09:00:00Z"))
    );
    app.put(&format!("/schedules/{id}"), json!({"cron_expr": "*/10 * * * *"})).await.ok();
    let other = explain("2026-03-01T08:50:00Z").await.data();
    assert!(other["explanation"].as_str().unwrap().ends_with("it is older than what is kept"), "{other}");
    app.post(&format!("/schedules/{id}/toggle"), json!({})).await.ok();
    let paused = explain("2026-03-02T09:00:00Z").await.data();
    assert!(paused["explanation"].as_str().unwrap().contains("paused"), "{paused}");
}
