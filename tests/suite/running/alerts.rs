//! Somebody hears of it: alerts, rules, and messages that arrive in the end.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::{
    clock::Clock,
    features::events::{Event, TaskEnded, TimeUnmet},
};
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::support::{Client, MailServer, Reaction, Receiver, ServerProcess, Settings, TestApp};

const ALLOWED: Settings =
    &[("CRAWLHUB_NOTIFY_ALLOW_PRIVATE", "true"), ("CRAWLHUB_SECRET_KEY", KEY), ("CRAWLHUB_TASKS_SLOTS", "4")];
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const FAILS: &str = "raise SystemExit('no such page')";
const STAYS: &str = "import time\nprint('here', flush=True)\ntime.sleep(600)";
const PENDING: &str = "/notifications/deliveries?status=pending";

/// A channel of a receiver.
async fn channel(app: &Client, receiver: &Receiver) -> String {
    let new = json!({"name": "c", "channel_type": "webhook", "config": {"url": receiver.url}});
    app.post("/notifications/channels", new).await.data()["id"].as_str().unwrap().to_owned()
}

/// A rule that tells the channel.
async fn rule(app: &Client, channel: &str, rule_type: &str, condition: Value, cooldown_minutes: i64) -> String {
    let new = json!({
        "name": "r", "rule_type": rule_type, "condition": condition, "notification_channel_id": channel,
        "cooldown_minutes": cooldown_minutes,
    });
    app.post("/alert-rules", new).await.data()["id"].as_str().unwrap().to_owned()
}

/// A server, somebody who listens, and a rule between them.
async fn watched(rule_type: &str, condition: Value, cooldown_minutes: i64) -> (TestApp, Receiver) {
    let (app, receiver) = (TestApp::with(ALLOWED).await, Receiver::start().await);
    let channel = channel(&app, &receiver).await;
    rule(&app, &channel, rule_type, condition, cooldown_minutes).await;
    (app, receiver)
}

async fn fail(app: &Client, name: &str) -> Value {
    let task = app.run_script(json!({"name": name, "max_retries": 0}), FAILS).await;
    assert_eq!(task["status"], "failed", "{task}");
    task
}

async fn alerts(app: &Client) -> Vec<Value> {
    app.get("/alerts").await.data()["items"].as_array().unwrap().clone()
}

async fn rows_of(app: &TestApp, table: &str) -> i64 {
    let db = app.database().await;
    let (count,): (i64,) = db.query_text(format!("SELECT COUNT(*) FROM {table}")).fetch_one().await.unwrap();
    count
}

/// What the scheduler, or a later version, would record.
async fn record(app: &TestApp, event: Value) {
    record_all(app, &[event]).await;
}

/// At one moment.
async fn record_all(app: &TestApp, events: &[Value]) {
    let db = app.database().await;
    let mut transaction = db.begin().await.unwrap();
    for event in events {
        transaction
            .query("INSERT INTO events (id, event, created_at) VALUES ($1, $2, $3)")
            .bind(crawlhub::id::new())
            .bind(Json(event))
            .bind(app.clock.now())
            .execute()
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    db.close().await;
}

/// How often each message there is was tried.
async fn attempts(app: &Client) -> Vec<i64> {
    let mut attempts = Vec::new();
    for page in 1.. {
        let some = app.get(&format!("/notifications/deliveries?page_size=100&page={page}")).await.data();
        attempts.extend(some["items"].as_array().unwrap().iter().map(|one| one["attempts"].as_i64().unwrap()));
        if page >= some["total_pages"].as_i64().unwrap() {
            break;
        }
    }
    attempts
}

#[tokio::test]
async fn a_failure_is_an_alert_and_a_message() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    let spider = app.spider(json!({"name": "新闻", "max_retries": 0}), &[("main.py", FAILS)]).await;
    // Of a test and of a success nobody is told.
    app.post(&format!("/spiders/{spider}/test-run"), json!({})).await;
    app.run_script(json!({"name": "well"}), "print('well')").await;
    let task = app.run_to_end(&spider, json!({})).await;

    let call = receiver.next().await;
    let alert = alerts(&app).await.remove(0);
    assert_eq!(
        alert,
        json!({
            "id": alert["id"], "type": "task_failed", "level": "error", "message": alert["message"],
            "spider_id": spider, "task_id": task["id"], "rule_id": null, "is_read": false,
            "created_at": "2026-03-01T08:00:00Z",
        })
    );
    let message = alert["message"].as_str().unwrap();
    assert!(message.starts_with("爬虫 [新闻] 执行失败") && message.contains("no such page"), "{message}");
    assert_eq!(
        call.json(),
        json!({
            "title": "CrawlHub 告警：任务失败", "message": message, "timestamp": "2026-03-01T08:00:00Z",
            "type": "task_failed", "level": "error", "spider_id": spider, "task_id": task["id"], "alert_id": alert["id"],
            "delivery_id": call.header("x-crawlhub-delivery"),
        })
    );
    assert_eq!(call.header("x-crawlhub-event"), "task_failed");
    app.eventually(PENDING, |page| page["total"] == 0).await;
    let path = format!("/notifications/deliveries/{}", call.header("x-crawlhub-delivery"));
    let delivery = app.get(&path).await.data();
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&delivery["last_status"], &delivery["alert_id"]), (&json!(200), &alert["id"]));
    assert_eq!((&delivery["next_attempt_at"], &delivery["last_error"]), (&Value::Null, &Value::Null));
    assert_eq!(app.post(&format!("{path}/retry"), json!({})).await.error(409), "delivery_done");
    assert!(receiver.is_quiet());
    assert_eq!(app.get("/alerts").await.data()["total"], 1);
}

#[tokio::test]
async fn alerts_are_read_and_removed() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    for name in ["a", "b", "c"] {
        fail(&app, name).await;
        receiver.next().await;
    }
    let found = alerts(&app).await;
    assert_eq!(app.get("/alerts/unread-count").await.data(), json!({"count": 3}));
    let path = format!("/alerts/{}", found[0]["id"].as_str().unwrap());
    app.post(&format!("{path}/read"), json!({})).await.ok();
    assert_eq!(app.get("/alerts/unread-count").await.data(), json!({"count": 2}));
    assert_eq!(app.get("/alerts?is_read=true").await.data()["items"][0]["id"], found[0]["id"]);
    assert_eq!(app.get("/alerts?is_read=false&level=error&type=task_failed").await.data()["total"], 2);
    assert_eq!(app.get("/alerts?level=info").await.data()["total"], 0);
    let of_spider = format!("/alerts?spider_id={}", found[1]["spider_id"].as_str().unwrap());
    assert_eq!(app.get(&of_spider).await.data()["total"], 1);
    let said = app.post("/alerts/read-all", json!({})).await;
    assert_eq!((&said.json()["msg"], said.data()), (&json!("2 alerts are marked as read"), json!({"count": 2})));
    assert_eq!(app.get("/alerts/unread-count").await.data(), json!({"count": 0}));
    app.delete(&path).await.ok();
    assert_eq!(app.delete(&path).await.error(404), "alert_not_found");
    assert_eq!(app.get("/alerts").await.data()["total"], 2);
}

#[tokio::test]
async fn a_spiders_own_webhook_hears_of_each_end() {
    let (app, mut receiver) = (TestApp::with(ALLOWED).await, Receiver::start().await);
    let hooked = |name: &str| json!({"name": name, "webhook_url": receiver.url, "max_retries": 0});
    let (well, fails, stays) = (hooked("well"), hooked("fails"), hooked("stays"));
    let task = app.run_script(well, "print('{\"n\": 1}')").await;
    let call = receiver.next().await;
    let told = call.json();
    assert_eq!(
        told,
        json!({"event": "task_completed", "timestamp": told["timestamp"], "data": {
            "spider_id": task["spider_id"], "spider_name": "well", "task_id": task["id"], "status": "completed",
            "total_count": 1, "success_count": 1, "duration_seconds": 0.0,
        }, "delivery_id": call.header("x-crawlhub-delivery")})
    );
    assert_eq!(
        told["timestamp"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(),
        "2026-03-01T08:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    assert_eq!(call.header("x-crawlhub-event"), "task_completed");

    app.run_script(fails, FAILS).await;
    let told = receiver.next().await.json();
    assert_eq!((&told["event"], &told["data"]["status"]), (&json!("task_failed"), &json!("failed")));
    assert!(told["data"]["error_message"].as_str().unwrap().contains("no such page"), "{told}");

    let spider = app.spider(stays, &[("main.py", STAYS)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "here").await;
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
    let told = receiver.next().await.json();
    assert_eq!((&told["event"], &told["data"]["status"]), (&json!("task_failed"), &json!("cancelled")));
    // Only the failure is an alert.
    assert_eq!(app.get("/alerts").await.data()["total"], 1);
}

/// What is refused for good is not tried again, and says why; a spider's webhook is no way around.
#[tokio::test]
async fn a_webhook_into_the_servers_own_network_is_given_up() {
    let (app, mut receiver) = (TestApp::new().await, Receiver::start().await);
    let url = receiver.url.replace("127.0.0.1", "localhost");
    app.run_script(json!({"name": "s", "webhook_url": url}), "").await;
    let page = app.eventually("/notifications/deliveries?status=failed", |page| page["items"] != json!([])).await;
    let delivery = &page["items"][0];
    assert_eq!((&delivery["attempts"], &delivery["channel_id"]), (&json!(1), &Value::Null));
    assert!(delivery["last_error"].as_str().unwrap().contains("notify.allow_private"), "{delivery}");
    app.looked_at_by("deliveries").await;
    assert_eq!(attempts(&app).await, [1]);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn who_hangs_holds_up_nobody_else() {
    let (app, mut hanging) = watched("task_failed", json!({}), 0).await;
    hanging.react(Reaction::Hang);
    fail(&app, "first").await;
    hanging.next().await;
    let mut other = Receiver::start().await;
    let channel = channel(&app, &other).await;
    rule(&app, &channel, "task_failed", json!({}), 0).await;
    for name in ["second", "third"] {
        fail(&app, name).await;
        assert!(other.next().await.text.contains(name));
    }
    // Who hangs gets one message at a time.
    app.eventually(PENDING, |page| page["total"] == 3).await;
    let mut attempts = attempts(&app).await;
    attempts.sort_unstable();
    assert_eq!(attempts, [0, 0, 1, 1, 1]);
}

/// Nine spiders tell one host, which never answers; mail goes out all the same.
#[tokio::test]
async fn who_hangs_takes_one_place_however_many_tell_it() {
    let (mut hanging, mut mail) = (Receiver::start().await, MailServer::start("nobody").await);
    hanging.react(Reaction::Hang);
    let port = mail.port.to_string();
    let settings =
        [ALLOWED, &[("CRAWLHUB_MAIL_HOST", "127.0.0.1"), ("CRAWLHUB_MAIL_PORT", &port), ("CRAWLHUB_MAIL_TLS", "none")]];
    let app = TestApp::with(&settings.concat()).await;
    for number in 0..9 {
        let url = format!("{}/{number}", hanging.url);
        app.run_script(json!({"name": format!("s{number}"), "webhook_url": url}), "").await;
    }
    let new = json!({"name": "m", "channel_type": "email", "config": {"to": "a@example.org"}});
    let channel = app.post("/notifications/channels", new).await.data()["id"].as_str().unwrap().to_owned();
    rule(&app, &channel, "task_failed", json!({}), 0).await;
    fail(&app, "told by mail").await;
    assert!(mail.next().await.contains("a@example.org"));
    // Once it is clear that nobody answers there, the others wait as the first one does.
    let put_off = |page: &Value| {
        let next = |one: &Value| one["next_attempt_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let items = page["items"].as_array().unwrap();
        items.len() == 9 && items.iter().all(|one| next(one) > app.clock.now())
    };
    let page = app.eventually(PENDING, put_off).await;
    let attempts: i64 = page["items"].as_array().unwrap().iter().map(|one| one["attempts"].as_i64().unwrap()).sum();
    assert_eq!(attempts, 1, "{page}");
    hanging.next().await;
    assert!(hanging.is_quiet());
}

/// A spider's words address nobody and link to nothing.
#[tokio::test]
async fn what_a_spider_says_is_text_for_robots() {
    let (app, mut receiver) = (TestApp::with(ALLOWED).await, Receiver::start().await);
    receiver.react(Reaction::Answer(200, r#"{"errcode": 0}"#));
    for channel_type in ["feishu", "wecom", "dingtalk"] {
        let new = json!({"name": "r", "channel_type": channel_type, "config": {"url": receiver.url}});
        let channel = app.post("/notifications/channels", new).await.data()["id"].as_str().unwrap().to_owned();
        rule(&app, &channel, "task_failed", json!({}), 0).await;
    }
    let says = "raise SystemExit('<at user_id=\"all\"></at> [free](http://evil.example)')";
    app.run_script(json!({"name": "s", "max_retries": 0}), says).await;
    for _ in 0..3 {
        let said = receiver.next().await.text;
        assert!(said.contains("free") && said.contains("evil.example"), "{said}");
        assert!(!said.contains("<at") && !said.contains("]("), "{said}");
    }
}

/// What a robot says may be what no database takes.
#[tokio::test]
async fn what_a_robot_says_can_be_written_down() {
    let (app, mut receiver) = (TestApp::with(ALLOWED).await, Receiver::start().await);
    receiver.react(Reaction::Answer(200, r#"{"errcode": 1, "errmsg": "no\u0000\u0007 thanks"}"#));
    let new = json!({"name": "r", "channel_type": "wecom", "config": {"url": receiver.url}});
    let channel = app.post("/notifications/channels", new).await.data()["id"].as_str().unwrap().to_owned();
    rule(&app, &channel, "task_failed", json!({}), 0).await;
    fail(&app, "s").await;
    receiver.next().await;
    let page = app.eventually(PENDING, |page| !page["items"][0]["last_error"].is_null()).await;
    assert_eq!(page["items"][0]["last_error"], "answered error 1: no   thanks");
}

/// Fails for more than an hour, with growing pauses; then it arrives, as the same message.
#[tokio::test]
async fn a_message_is_tried_until_it_arrives() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    receiver.react(Reaction::Answer(500, ""));
    fail(&app, "s").await;
    let id = receiver.next().await.header("x-crawlhub-delivery").to_owned();
    let path = format!("/notifications/deliveries/{id}");
    let written = async |attempts: i64| {
        let next = |delivery: &Value| delivery["next_attempt_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let delivery = app
            .eventually(&path, |delivery| {
                delivery["attempts"] == attempts && delivery["last_status"] == 500 && next(delivery) > app.clock.now()
            })
            .await;
        assert_eq!(
            (&delivery["status"], &delivery["last_error"]),
            (&json!("pending"), &json!("answered 500 Internal Server Error"))
        );
        next(&delivery)
    };
    let (began, mut pauses) = (app.clock.now(), Vec::new());
    for attempt in 1.. {
        let (now, next) = (app.clock.now(), written(attempt).await);
        pauses.push((next - now).num_seconds());
        if now - began > TimeDelta::hours(1) {
            receiver.react(Reaction::Answer(204, ""));
        }
        app.clock.set(next);
        let call = receiver.next().await;
        assert_eq!(call.header("x-crawlhub-delivery"), id);
        assert_eq!(call.header("x-crawlhub-timestamp"), next.timestamp().to_string());
        if now - began > TimeDelta::hours(1) {
            break;
        }
    }
    assert!((8..=10).contains(&pauses[0]) && pauses[0] < pauses[1] && pauses[1] < pauses[2], "{pauses:?}");
    let delivery = app.eventually(&path, |delivery| delivery["status"] == "delivered").await;
    assert_eq!((&delivery["last_status"], &delivery["last_error"]), (&json!(204), &Value::Null));
    assert!(receiver.is_quiet());
}

/// Whether it arrived nobody knows: it is sent again, and its receiver can tell by the id.
#[tokio::test]
async fn a_message_that_was_cut_off_is_sent_again() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    receiver.react(Reaction::Hang);
    fail(&app, "s").await;
    let id = receiver.next().await.header("x-crawlhub-delivery").to_owned();
    let app = app.restart(ALLOWED).await;
    receiver.react(Reaction::Answer(200, ""));
    // Another server might still be at it.
    app.looked_at_by("deliveries").await;
    assert_eq!(attempts(&app).await, [1]);
    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(receiver.next().await.header("x-crawlhub-delivery"), id);
    let path = format!("/notifications/deliveries/{id}");
    let delivery = app.eventually(&path, |delivery| delivery["status"] == "delivered").await;
    assert_eq!(delivery["attempts"], 2);
    assert_eq!(app.get("/alerts").await.data()["total"], 1);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn what_was_given_up_can_be_sent_again() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    receiver.react(Reaction::Redirect("http://127.0.0.1:1/elsewhere"));
    fail(&app, "s").await;
    let id = receiver.next().await.header("x-crawlhub-delivery").to_owned();
    let path = format!("/notifications/deliveries/{id}");
    let delivery = app.eventually(&path, |delivery| !delivery["last_error"].is_null()).await;
    assert_eq!((&delivery["last_status"], &delivery["status"]), (&json!(307), &json!("pending")));
    assert!(delivery["last_error"].as_str().unwrap().contains("redirect to http://127.0.0.1,"), "{delivery}");
    // What is too old is not tried any more.
    app.clock.advance(TimeDelta::hours(24));
    let delivery = app.eventually(&path, |delivery| delivery["status"] == "failed").await;
    assert_eq!((&delivery["attempts"], &delivery["last_status"]), (&json!(1), &json!(307)));
    assert!(delivery["last_error"].as_str().unwrap().contains("redirect"), "{delivery}");
    assert!(receiver.is_quiet());
    receiver.react(Reaction::Answer(200, ""));
    assert_eq!(app.post(&format!("{path}/retry"), json!({})).await.data()["status"], "pending");
    assert_eq!(receiver.next().await.header("x-crawlhub-delivery"), id);
    let delivery = app.eventually(&path, |delivery| delivery["status"] == "delivered").await;
    assert_eq!(delivery["attempts"], 2);
    // Old ones are not kept for ever.
    app.clock.advance(TimeDelta::days(31));
    app.looked_at_by("retention").await;
    assert_eq!(app.get(&path).await.error(404), "delivery_not_found");
}

#[tokio::test]
async fn a_channel_that_is_off_hears_nothing() {
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    let channel = app.get("/notifications/channels").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    app.put(&format!("/notifications/channels/{channel}"), json!({"is_enabled": false})).await.ok();
    fail(&app, "s").await;
    app.eventually("/alerts/unread-count", |data| data["count"] == 1).await;
    assert_eq!(app.get("/notifications/deliveries").await.data()["total"], 0);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_rule_of_one_spider_and_its_cooldown() {
    let (app, mut receiver) = (TestApp::with(ALLOWED).await, Receiver::start().await);
    let channel = channel(&app, &receiver).await;
    let spider = app.spider(json!({"name": "mine", "max_retries": 0}), &[("main.py", FAILS)]).await;
    let rule = rule(&app, &channel, "task_failed", json!({}), 10).await;
    app.put(&format!("/alert-rules/{rule}"), json!({"spider_id": spider})).await.ok();
    fail(&app, "other").await;
    let first = app.run_to_end(&spider, json!({})).await;
    assert_eq!(receiver.next().await.json()["task_id"], first["id"]);
    app.clock.advance(TimeDelta::minutes(9));
    app.run_to_end(&spider, json!({})).await;
    app.eventually("/alerts/unread-count", |data| data["count"] == 3).await;
    app.clock.advance(TimeDelta::minutes(1));
    let third = app.run_to_end(&spider, json!({})).await;
    assert_eq!(receiver.next().await.json()["task_id"], third["id"]);
    app.eventually("/alerts/unread-count", |data| data["count"] == 4).await;
    assert_eq!(app.get("/notifications/deliveries").await.data()["total"], 2);
}

#[tokio::test]
async fn a_rule_for_failure_rates() {
    let (app, mut receiver) =
        watched("task_failure_rate", json!({"threshold": 0.6, "min_tasks": 3, "window_minutes": 30}), 10).await;
    fail(&app, "a").await;
    fail(&app, "b").await;
    app.looked_at_by("alert rules").await;
    app.run_script(json!({"name": "well"}), "").await;
    app.looked_at_by("alert rules").await;
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["level"]), (&json!("task_failure_rate"), &json!("error")));
    assert!(told["message"].as_str().unwrap().contains("3 个任务中有 2 个失败（67%，阈值 60%）"), "{told}");
    // It cools down, then tells again; later the failures are out of the window.
    app.clock.advance(TimeDelta::minutes(9));
    app.looked_at_by("alert rules").await;
    app.clock.advance(TimeDelta::minutes(1));
    receiver.next().await;
    app.clock.advance(TimeDelta::minutes(25));
    app.looked_at_by("alert rules").await;
    assert_eq!(app.get("/alerts?type=task_failure_rate").await.data()["total"], 2);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_rule_for_tasks_that_take_too_long() {
    let (app, mut receiver) = watched("task_duration", json!({"max_duration_seconds": 3600}), 600).await;
    let spider = app.spider(json!({"name": "slow"}), &[("main.py", STAYS)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "here").await;
    app.clock.advance(TimeDelta::minutes(59));
    app.looked_at_by("alert rules").await;
    assert!(alerts(&app).await.is_empty());
    app.clock.advance(TimeDelta::minutes(2));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["task_id"]), (&json!("task_duration"), &json!(task)));
    assert!(told["message"].as_str().unwrap().contains("slow"), "{told}");
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
}

#[tokio::test]
async fn a_rule_for_too_few_items() {
    let (app, mut receiver) = watched("items_count", json!({"min_items": 2, "window_minutes": 60}), 10).await;
    app.run_script(json!({"name": "rich"}), "print('{\"n\": 1}\\n{\"n\": 2}')").await;
    let poor = app.run_script(json!({"name": "poor"}), "print('{\"n\": 1}')").await;
    app.clock.advance(TimeDelta::seconds(10));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["task_id"]), (&json!("items_count"), &poor["id"]));
    // Of that one it has told; of the next it tells when it has cooled down.
    let next = app.run_script(json!({"name": "poor, too"}), "").await;
    app.looked_at_by("alert rules").await;
    app.clock.advance(TimeDelta::minutes(11));
    let told = receiver.next().await.json();
    assert_eq!(told["task_id"], next["id"]);
    assert!(!told["message"].as_str().unwrap().contains("另有"), "{told}");
    // Of several it names the first.
    let several = [
        app.run_script(json!({"name": "third"}), "").await,
        app.run_script(json!({"name": "fourth"}), "").await,
        app.run_script(json!({"name": "fifth"}), "").await,
    ];
    app.clock.advance(TimeDelta::minutes(11));
    let told = receiver.next().await.json();
    assert_eq!(told["task_id"], several[0]["id"]);
    assert!(told["message"].as_str().unwrap().contains("（另有 2 个）"), "{told}");
    app.clock.advance(TimeDelta::minutes(11));
    app.looked_at_by("alert rules").await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_rule_for_silence() {
    let (app, mut receiver) = watched("heartbeat_timeout", json!({"timeout_minutes": 10}), 600).await;
    let spider = app.spider(json!({"name": "silent"}), &[("main.py", STAYS)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "here").await;
    app.clock.advance(TimeDelta::minutes(9));
    app.looked_at_by("alert rules").await;
    assert!(alerts(&app).await.is_empty());
    app.clock.advance(TimeDelta::minutes(2));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["task_id"]), (&json!("heartbeat_timeout"), &json!(task)));
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
}

#[tokio::test]
async fn a_rule_for_spiders_that_do_not_run() {
    let settings = [ALLOWED[0], ("CRAWLHUB_TASKS_SLOTS", "1")];
    let (app, mut receiver) = (TestApp::with(&settings).await, Receiver::start().await);
    // Whatever is queued beside it waits.
    let busy = app.spider(json!({"name": "busy"}), &[("main.py", STAYS)]).await;
    let task = app.run(&busy, json!({})).await;
    app.wait_for_line(&task, "here").await;
    let spider = app.spider(json!({"name": "hourly", "cron_expr": "0 * * * *"}), &[("main.py", "")]).await;
    app.spider(json!({"name": "daily", "cron_expr": "0 0 * * *"}), &[("main.py", "")]).await;
    app.spider(json!({"name": "by hand"}), &[("main.py", "")]).await;
    let channel = channel(&app, &receiver).await;
    rule(&app, &channel, "no_run", json!({"window_minutes": 90}), 600).await;
    app.clock.advance(TimeDelta::minutes(59));
    app.looked_at_by("alert rules").await;
    assert!(alerts(&app).await.is_empty());
    app.clock.advance(TimeDelta::minutes(10));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["spider_id"]), (&json!("no_run"), &json!(spider)));
    assert!(told["message"].as_str().unwrap().contains("2026-03-01 09:00:00 UTC"), "{told}");
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
}

/// What was paused on purpose is missed by nobody; an edit of the spider is no excuse.
#[tokio::test]
async fn a_rule_for_spiders_that_do_not_run_knows_pauses() {
    let settings = [ALLOWED[0], ("CRAWLHUB_TASKS_SLOTS", "1")];
    let (app, mut receiver) = (TestApp::with(&settings).await, Receiver::start().await);
    let busy = app.spider(json!({"name": "busy"}), &[("main.py", STAYS)]).await;
    let task = app.run(&busy, json!({})).await;
    app.wait_for_line(&task, "here").await;
    let hourly = |name: &str| json!({"name": name, "cron_expr": "0 * * * *"});
    let paused = app.spider(hourly("own schedule paused"), &[("main.py", "")]).await;
    app.put(&format!("/schedules/{paused}"), json!({"is_active": false})).await.ok();
    let off = app.spider(json!({"name": "paused", "is_active": false}), &[("main.py", "")]).await;
    app.post("/schedules", json!({"spider_id": off, "cron_expr": "0 * * * *"})).await.ok();
    let channel = channel(&app, &receiver).await;
    rule(&app, &channel, "no_run", json!({"window_minutes": 90}), 1).await;
    app.clock.advance(TimeDelta::minutes(70));
    app.looked_at_by("alert rules").await;
    assert_eq!(alerts(&app).await, Vec::<Value>::new());

    let edited = app.spider(hourly("edited"), &[("main.py", "")]).await;
    app.clock.advance(TimeDelta::minutes(52));
    app.put(&format!("/spiders/{edited}"), json!({"description": "another"})).await.ok();
    app.clock.advance(TimeDelta::minutes(8));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["spider_id"]), (&json!("no_run"), &json!(edited)));
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("10:00:00") && !message.contains("另有"), "{message}");
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
}

#[tokio::test]
async fn a_planned_time_that_was_not_met_is_told_at_once() {
    let (app, mut receiver) = watched("no_run", json!({}), 10).await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let unmet = |minute: u32| {
        json!(Event::TimeUnmet(TimeUnmet {
            schedule_id: "plan".to_owned(),
            schedule_name: "每小时".to_owned(),
            spider_id: spider.clone().into(),
            spider_name: "s".to_owned(),
            planned_at: format!("2026-03-01T07:{minute}:00Z").parse().unwrap(),
            outcome: "missed".to_owned(),
            reason: "no server was up".to_owned(),
        }))
    };
    // What nobody here can read holds up nobody, is told to operators, and stays for who can.
    record(&app, json!({"kind": "of_a_later_version"})).await;
    record(&app, unmet(30)).await;
    record(&app, unmet(45)).await;
    app.clock.advance(TimeDelta::seconds(1));
    let told = receiver.next().await.json();
    let message = told["message"].as_str().unwrap();
    for part in ["2026-03-01 07:30:00 UTC", "每小时", "no server was up"] {
        assert!(message.contains(part), "{message}");
    }
    app.looked_at_by("alerts").await;
    app.clock.advance(TimeDelta::minutes(10));
    record(&app, unmet(59)).await;
    app.clock.advance(TimeDelta::seconds(1));
    assert!(receiver.next().await.text.contains("07:59:00"));
    assert!(receiver.is_quiet());
    app.looked_at_by("alerts").await;
    let ready = app.send(app.request(reqwest::Method::GET, "/readyz")).await.json();
    assert_eq!(ready["loops"]["alerts"]["well"], false, "{ready}");
    assert_eq!(rows_of(&app, "events").await, 1);
}

#[tokio::test]
async fn a_time_that_was_skipped_is_a_warning() {
    let (app, mut receiver) = watched("no_run", json!({}), 10).await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let skipped = Event::TimeUnmet(TimeUnmet {
        schedule_id: "plan".to_owned(),
        schedule_name: "每小时".to_owned(),
        spider_id: spider.into(),
        spider_name: "s".to_owned(),
        planned_at: "2026-03-01T07:30:00Z".parse().unwrap(),
        outcome: "skipped_overlap".to_owned(),
        reason: "a task was still running".to_owned(),
    });
    record(&app, json!(skipped)).await;
    app.clock.advance(TimeDelta::seconds(1));
    let told = receiver.next().await.json();
    assert_eq!((&told["type"], &told["level"]), (&json!("no_run"), &json!("warning")));
    assert_eq!(told["title"], "CrawlHub 告警：一次计划被跳过");
    assert!(!told["message"].as_str().unwrap().contains("未在计划时间"), "{told}");
}

/// A rule of a kind that a later version brings stops no other.
#[tokio::test]
async fn a_rule_of_a_later_version_is_passed_over() {
    let (app, mut receiver) = watched("items_count", json!({"min_items": 1}), 10).await;
    let db = app.database().await;
    db.query(
        "INSERT INTO alert_rules (id, name, rule_type, condition, is_enabled, cooldown_minutes, updated_at, created_at)
         VALUES ('', '', 'of_a_later_version', $1, TRUE, 1, $2, $2)",
    )
    .bind(Json(json!({})))
    .bind(app.clock.now())
    .execute()
    .await
    .unwrap();
    app.run_script(json!({"name": "poor"}), "").await;
    app.clock.advance(TimeDelta::seconds(10));
    assert_eq!(receiver.next().await.json()["type"], "items_count");
}

/// Each fact is acted on once, each message sent once, and each rule triggered once, by two servers that do the same at
/// the same moment, many times.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_servers_one_tells() {
    const FACTS: usize = 120;
    const RULES: usize = 20;
    let (app, mut receiver) = watched("task_failed", json!({}), 0).await;
    // SQLite has one server.
    let Some(other) = app.beside(ALLOWED).await else { return };
    let spider = app.spider(json!({"name": "s", "max_retries": 0}), &[("main.py", FAILS)]).await;
    let now = app.clock.now();
    let failed: Vec<Value> = (0..FACTS)
        .map(|number| {
            json!(Event::TaskEnded(Box::new(TaskEnded {
                task_id: format!("task-{number:03}").into(),
                spider_id: spider.clone().into(),
                spider_name: "s".to_owned(),
                status: "failed".to_owned(),
                is_test: false,
                retry_count: 0,
                error_category: None,
                error_message: None,
                total_count: 0,
                success_count: 0,
                started_at: None,
                finished_at: now,
            })))
        })
        .collect();
    record_all(&app, &failed).await;
    let both_look = async |name: &str| {
        let (one, two) = (app.looked_at_by(name), other.looked_at_by(name));
        tokio::join!(one, two);
    };
    let mut told = BTreeSet::new();
    for _ in 0..FACTS {
        let call = receiver.next().await;
        assert!(told.insert(call.json()["task_id"].as_str().unwrap().to_owned()), "told twice: {}", call.text);
    }
    both_look("alerts").await;
    both_look("deliveries").await;
    assert_eq!(app.get("/alerts").await.data()["total"], FACTS);
    let attempts = attempts(&app).await;
    assert_eq!((attempts.len(), attempts.iter().sum::<i64>()), (FACTS, i64::try_from(FACTS).unwrap()));

    app.run_to_end(&spider, json!({})).await;
    receiver.next().await;
    for number in 0..RULES {
        let new = json!({"name": format!("r{number}"), "rule_type": "task_failure_rate", "cooldown_minutes": 600});
        app.post("/alert-rules", new).await.ok();
    }
    for _ in 0..3 {
        both_look("alert rules").await;
    }
    assert_eq!(app.get("/alerts?type=task_failure_rate").await.data()["total"], RULES);
    assert!(receiver.is_quiet());
}

/// A failure is told also where the server is killed at the very moment, and once.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_once_though_the_server_is_killed() {
    let mut server = ServerProcess::start(ALLOWED).await;
    let spider = server.spider(json!({"name": "s", "max_retries": 0}), &[("main.py", FAILS)]).await;
    for number in 1..=8 {
        let task = server.run(&spider, json!({})).await;
        server.eventually(&format!("/tasks/{task}"), |task| task["status"] == "failed").await;
        server.child.kill().await.unwrap();
        let ServerProcess { dir, database_url, .. } = server;
        server = ServerProcess::start_in(dir, database_url, ALLOWED).await;
        server.eventually("/alerts", |alerts| alerts["total"].as_i64() >= Some(number)).await;
        let looked = async || {
            let ready = server.send(server.request(reqwest::Method::GET, "/readyz")).await.json();
            ready["loops"]["alerts"]["runs"].as_i64().unwrap_or_default()
        };
        let before = looked().await;
        while looked().await < before + 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(server.get("/alerts").await.data()["total"], number);
        assert_eq!(server.get(&format!("/alerts?spider_id={spider}")).await.data()["items"][0]["task_id"], task);
    }
}
