//! Alert rules as they are set. What they do is shown in `running/alerts.rs`.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn a_rule_is_made_changed_and_removed() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let channel = json!({"name": "c", "channel_type": "webhook", "config": {"url": "https://example.org"}});
    let channel = app.post("/notifications/channels", channel).await.data()["id"].clone();
    let new = json!({
        "name": "失败率", "rule_type": "task_failure_rate", "condition": "{\"threshold\": 0.25}", "spider_id": spider,
        "channel_id": channel,
    });
    let made = app.post("/alert-rules", new).await.data();
    let path = format!("/alert-rules/{}", made["id"].as_str().unwrap());
    assert_eq!(
        made,
        json!({
            "id": made["id"], "name": "失败率", "rule_type": "task_failure_rate",
            "condition": {"threshold": 0.25, "window_minutes": 30, "min_tasks": 1}, "spider_id": spider,
            "notification_channel_id": channel, "is_enabled": true, "cooldown_minutes": 30, "last_triggered_at": null,
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    assert_eq!(app.get(&path).await.data(), made);
    let changed = app.put(&path, json!({"spider_id": null, "is_enabled": false, "cooldown_minutes": 5})).await.data();
    assert_eq!((&changed["spider_id"], &changed["cooldown_minutes"]), (&Value::Null, &json!(5)));
    assert_eq!((&changed["condition"], &changed["notification_channel_id"]), (&made["condition"], &channel));
    // Another type starts with its own numbers.
    let other = app.put(&path, json!({"rule_type": "items_count"})).await.data();
    assert_eq!(other["condition"], json!({"min_items": 1, "window_minutes": 60}));
    // Without its channel it goes on, without its spider it goes.
    app.delete(&format!("/notifications/channels/{}", channel.as_str().unwrap())).await.ok();
    assert_eq!(app.get(&path).await.data()["notification_channel_id"], Value::Null);
    app.put(&path, json!({"spider_id": spider})).await.ok();
    assert_eq!(app.get(&format!("/alert-rules?spider_id={spider}&rule_type=items_count")).await.data()["total"], 1);
    assert_eq!(app.get("/alert-rules?is_enabled=true").await.data()["total"], 0);
    app.delete(&format!("/spiders/{spider}")).await.ok();
    for answer in [app.get(&path).await, app.put(&path, json!({})).await, app.delete(&path).await] {
        assert_eq!(answer.error(404), "rule_not_found");
    }
    let new = json!({"name": "n", "rule_type": "task_failed", "cooldown_minutes": 0});
    let made = app.post("/alert-rules", new).await.data();
    app.delete(&format!("/alert-rules/{}", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(app.get("/alert-rules").await.data()["total"], 0);
}

#[tokio::test]
async fn what_is_no_rule() {
    let app = TestApp::new().await;
    for (given, loc) in [
        (json!({"name": null}), "body.name"),
        (json!({"name": " "}), "body.name"),
        (json!({"name": "n".repeat(101)}), "body.name"),
        (json!({"rule_type": "weather"}), "body.rule_type"),
        (json!({"condition": "{"}), "body.condition"),
        (json!({"condition": {"threshold": 1.1}}), "body.condition.threshold"),
        (json!({"condition": {"min_tasks": 0}}), "body.condition.min_tasks"),
        (json!({"condition": {"window": 5}}), "body.condition.window"),
        (json!({"spider_id": "x"}), "body.spider_id"),
        (json!({"channel_id": "x"}), "body.notification_channel_id"),
        (json!({"cooldown_minutes": 0}), "body.cooldown_minutes"),
        (json!({"cooldown_minutes": 43_201}), "body.cooldown_minutes"),
        (json!({"cooldown_minutes": "5"}), "body.cooldown_minutes"),
    ] {
        let mut new = json!({"name": "n", "rule_type": "task_failure_rate"});
        new.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        assert_eq!(app.post("/alert-rules", new).await.details(), [loc], "{given}");
    }
    assert_eq!(app.post("/alert-rules", json!({"name": "n"})).await.details(), ["body.rule_type"]);
    assert_eq!(app.get("/alert-rules").await.data()["total"], 0);
    // A cooldown of 0 is for failures alone.
    let failed = json!({"name": "n", "rule_type": "task_failed", "cooldown_minutes": 0});
    let path = format!("/alert-rules/{}", app.post("/alert-rules", failed).await.data()["id"].as_str().unwrap());
    assert_eq!(app.put(&path, json!({"rule_type": "no_run"})).await.details(), ["body.cooldown_minutes"]);
}

#[tokio::test]
async fn alerts_and_deliveries_that_are_not_there() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/alerts/unread-count").await.data(), json!({"count": 0}));
    assert_eq!(app.get("/alerts").await.data()["items"], json!([]));
    assert_eq!(app.post("/alerts/x/read", json!({})).await.error(404), "alert_not_found");
    assert_eq!(app.delete("/alerts/x").await.error(404), "alert_not_found");
    assert_eq!(app.post("/notifications/deliveries/x/retry", json!({})).await.error(404), "delivery_not_found");
    assert_eq!(app.get("/notifications/deliveries/x").await.error(404), "delivery_not_found");
    assert_eq!(app.get("/notifications/deliveries?status=gone").await.details(), ["query.status"]);
    assert_eq!(app.get("/alerts?level=fatal").await.details(), ["query.level"]);
}
