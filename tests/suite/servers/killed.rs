//! One of three servers is killed under load.

use std::time::Duration;

use serde_json::json;

use super::{
    fleet::{Fleet, Load, assert_whole, counting, follow},
    is_alone,
};
use crate::support::{Settings, nginx::lacks_nginx};

const SETTINGS: Settings<'static> =
    &[("CRAWLHUB_SLOTS", "2"), ("CRAWLHUB_TASKS_LEASE_SECONDS", "5"), ("CRAWLHUB_LOG_FILTER", "error")];
const ITEMS: usize = 150;

/// Every item is counted once, every task comes to its end, who follows goes on, and who reads notices nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_item_is_counted() {
    if is_alone() || lacks_nginx() {
        return;
    }
    let mut fleet = Fleet::start(SETTINGS).await;
    let client = fleet.client.clone();
    let load = Load::begin(&client, 3, false);
    let (mut tasks, mut followers) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let spider = counting(&client, ITEMS).await;
        let task = client.run(&spider, json!({})).await;
        followers.push(tokio::spawn(follow(client.clone(), task.clone())));
        tasks.push(task);
    }
    // One that has stored some of its items goes with its server.
    let victim = loop {
        let running = client.get("/tasks?status=running&page_size=100").await.data();
        let found = running["items"].as_array().unwrap().iter().find_map(|task| {
            let worker = task["worker_id"].as_str()?;
            let at = fleet.servers.iter().position(|server| worker.contains(&format!(":{}:", server.pid())))?;
            (task["success_count"].as_i64()? > 0).then(|| (at, task["id"].as_str().unwrap().to_owned()))
        });
        if let Some(found) = found {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    fleet.servers[victim.0].child.kill().await.unwrap();
    for (task, follower) in tasks.iter().zip(followers) {
        let ended = assert_whole(&client, task, ITEMS, &follower.await.unwrap()).await;
        assert!(*task != victim.1 || ended["attempt"].as_i64() >= Some(2), "{ended}");
    }
    let done = load.end().await;
    assert!(done.asked > 100, "{done:?}");
    assert_eq!(done.failures, Vec::<String>::new());
}
