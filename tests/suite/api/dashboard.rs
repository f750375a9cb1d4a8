//! What is shown at a glance.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;

const ITEMS: &str = "from crawlhub import save_item\nfor n in range(3): save_item({'n': n})";

#[tokio::test]
async fn how_things_stand() {
    let app = TestApp::new().await;
    let empty = app.get("/dashboard/stats").await.data();
    assert_eq!(empty["spiders"], json!({"total": 0, "active": 0}));
    assert_eq!((&empty["tasks_24h"]["success_rate"], &empty["next_fires"]), (&json!(0.0), &json!([])));
    assert!(empty["disk"]["total"].as_u64() > Some(0), "{empty}");

    let good = app
        .spider(json!({"name": "good", "cron_expr": "0 9 * * *", "timezone": "Asia/Shanghai"}), &[("main.py", ITEMS)]);
    let good = good.await;
    let bad = app.spider(json!({"name": "bad", "is_active": false, "max_retries": 0}), &[("main.py", "1 / 0")]).await;
    app.run_to_end(&good, json!({})).await;
    app.run_to_end(&good, json!({})).await;
    app.run_to_end(&bad, json!({})).await;
    app.post("/proxies", json!({"host": "proxy.example", "port": 3128})).await.ok();
    let stats = app.get("/dashboard/stats").await.data();
    assert_eq!(stats["spiders"], json!({"total": 2, "active": 1}));
    assert_eq!(
        stats["tasks_24h"],
        json!({"total": 3, "completed": 2, "failed": 1, "cancelled": 0, "running": 0, "pending": 0,
               "success_rate": 66.7, "items": 6})
    );
    assert_eq!(stats["proxies"], json!({"total": 1, "active": 1, "inactive": 0}));
    let fire = &stats["next_fires"][0];
    assert_eq!((&fire["spider_name"], &fire["at"]), (&json!("good"), &json!("2026-03-02T01:00:00Z")));

    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(app.get("/dashboard/stats").await.data()["tasks_24h"]["completed"], 0);
    let days = app.get("/dashboard/trends?days=3").await.data();
    let none = |date: &str| json!({"date": date, "total": 0, "completed": 0, "failed": 0, "items": 0});
    assert_eq!(
        days,
        json!([none("2026-02-28"), {"date": "2026-03-01", "total": 3, "completed": 2, "failed": 1, "items": 6}, none("2026-03-02")])
    );
    // At eight in London it is another day on Samoa.
    let elsewhere = app.get("/dashboard/trends?days=2&timezone=Pacific/Pago_Pago").await.data();
    assert_eq!((&elsewhere[0]["date"], &elsewhere[0]["total"]), (&json!("2026-02-28"), &json!(3)));
    assert_eq!(app.get("/dashboard/trends?days=31&timezone=Mars").await.details(), ["query.days", "query.timezone"]);
}

#[tokio::test]
async fn the_newest_task_of_each_spider() {
    let app = TestApp::new().await;
    let one = app.spider(json!({"name": "one"}), &[("main.py", "print(1)")]).await;
    let other = app.spider(json!({"name": "other"}), &[("main.py", "print(1)")]).await;
    app.run_to_end(&one, json!({})).await;
    let newest = app.run_to_end(&one, json!({})).await;
    let found = app.get(&format!("/tasks/latest?spider_ids={one},{other},nobody")).await.data();
    let ids: Vec<&Value> = found.as_array().unwrap().iter().map(|task| &task["id"]).collect();
    assert_eq!(ids, [&newest["id"]]);
    assert_eq!(app.get("/tasks/latest?spider_ids=").await.data(), json!([]));
    let many = vec!["x"; 101].join(",");
    assert_eq!(app.get(&format!("/tasks/latest?spider_ids={many}")).await.details(), ["query.spider_ids"]);
}
