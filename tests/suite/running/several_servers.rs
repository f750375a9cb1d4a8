//! Three servers on one PostgreSQL, killed with `kill -9` at random moments: each planned time is judged exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{Client, ServerProcess, Settings};

const KILLS: usize = 10;
const SPIDERS: usize = 30;
const SETTINGS: Settings = &[("CRAWLHUB_SLOTS", "1"), ("CRAWLHUB_LOG_FILTER", "error")];

/// All rows of a list, whatever its length.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}page_size=100&cursor={cursor}")).await.data();
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planned_time_is_judged_once() {
    if std::env::var("TEST_DATABASE_URL").is_err() {
        return;
    }
    let seed = std::env::var("SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let first = ServerProcess::start(SETTINGS).await;
    let url = first.database_url.clone().unwrap();
    let mut servers = vec![first.beside(&url, SETTINGS).await, first.beside(&url, SETTINGS).await];
    servers.insert(0, first);
    let mut spiders = Vec::new();
    for n in 0..SPIDERS {
        let overlap = if n % 3 == 0 { "skip" } else { "allow" };
        let fields = json!({"name": "s", "cron_expr": "* * * * * *", "overlap": overlap});
        spiders.push(servers[n % 3].spider(fields, &[("main.py", "pass")]).await);
    }
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(100..1500))).await;
        let mut killed = servers.remove(random.random_range(0..servers.len()));
        killed.child.kill().await.unwrap();
        let ServerProcess { dir, database_url, .. } = killed;
        servers.push(ServerProcess::start_in(dir, database_url, SETTINGS).await);
    }
    let client = &servers[0].client;
    for spider in &spiders {
        client.put(&format!("/spiders/{spider}"), json!({"is_active": false})).await.ok();
    }
    let mut started = BTreeMap::new();
    for task in all(client, "/tasks?trigger_type=schedule&").await {
        let planned = (task["schedule_id"].to_string(), task["scheduled_at"].to_string());
        let former = started.insert(planned.clone(), task["id"].clone());
        assert_eq!(former, None, "two tasks of {planned:?}");
    }
    let mut outcomes = BTreeMap::new();
    for spider in &spiders {
        let mut rows = all(client, &format!("/schedules/{spider}/fires?")).await;
        // Since it was paused.
        rows.retain(|row| row["outcome"] != "skipped_paused");
        let times: Vec<DateTime<Utc>> =
            rows.iter().rev().map(|row| row["planned_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.len() > KILLS / 2, "{spider}: {rows:?}");
        for pair in times.windows(2) {
            assert_eq!(pair[1] - pair[0], TimeDelta::seconds(1), "{spider}: {pair:?}");
        }
        for row in rows {
            *outcomes.entry(row["outcome"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            let task = started.remove(&(json!(spider).to_string(), row["planned_at"].to_string()));
            assert_eq!(task.unwrap_or_default(), row["task_id"], "{spider}: {row}");
            assert_eq!(row["outcome"] == "fired", row["task_id"].is_string(), "{spider}: {row}");
        }
    }
    assert_eq!(started, BTreeMap::new(), "tasks that are not in the ledger");
    eprintln!("{outcomes:?}");
    assert!(outcomes["fired"] > 100, "{outcomes:?}");
    let kinds: BTreeSet<&str> = outcomes.keys().map(String::as_str).collect();
    assert!(kinds.is_subset(&BTreeSet::from(["fired", "missed", "skipped_overlap"])), "{outcomes:?}");
}
