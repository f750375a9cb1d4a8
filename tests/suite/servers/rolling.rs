//! Three servers are stopped and started one after the other, under load.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    fleet::{Fleet, Load, assert_whole, counting, follow},
    is_alone,
};
use crate::support::{Settings, nginx::lacks_nginx};

const SETTINGS: Settings<'static> = &[
    ("CRAWLHUB_SLOTS", "2"),
    ("CRAWLHUB_LOG_FILTER", "error"),
    ("CRAWLHUB_SERVER_LEAVE_SECONDS", "2"),
    ("CRAWLHUB_SERVER_STOP_GRACE_SECONDS", "0"),
];
const ITEMS: usize = 300;

/// No request fails, and what changes something is done once.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails() {
    if is_alone() || lacks_nginx() {
        return;
    }
    let mut fleet = Fleet::start(SETTINGS).await;
    let client = fleet.client.clone();
    let spider = counting(&client, ITEMS).await;
    let task = client.run(&spider, json!({})).await;
    let follower = tokio::spawn(follow(client.clone(), task.clone()));
    let load = Load::begin(&client, 4, true);
    for at in 0..3 {
        fleet.restart(at).await;
    }
    let done = load.end().await;
    eprintln!("{} requests, {} of them changes", done.asked, done.made.len());
    assert_eq!(done.failures, Vec::<String>::new());
    let (mut names, mut cursor, mut count) = (BTreeSet::new(), String::new(), 0);
    loop {
        let page = client.get(&format!("/projects?page_size=100&cursor={cursor}")).await.data();
        let projects = page["items"].as_array().unwrap();
        count += projects.len();
        names.extend(projects.iter().map(|project| project["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    // Beside the one that is always there.
    assert_eq!((count, names.len()), (done.made.len() + 1, done.made.len() + 1));
    assert!(done.made.iter().all(|name| names.contains(name)));
    assert_whole(&client, &task, ITEMS, &follower.await.unwrap()).await;
}
