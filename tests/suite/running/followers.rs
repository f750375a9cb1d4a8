//! Many follow one log.

use std::collections::BTreeMap;

use crawlhub::platform::process::open_files;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Client, ServerProcess, TestApp};

/// Says how far it is, line by line, for some seconds.
const SLOWLY: &str = "import time\nfor n in range(1, 301):\n    print('line', n, flush=True)\n    time.sleep(0.01)";

/// A follower's connection, told what to send.
async fn follow(client: &Client, task: &str, after: i64) -> TcpStream {
    let mut stream = TcpStream::connect(client.base.trim_start_matches("http://")).await.unwrap();
    // Of HTTP 1.0, so that the answer is no more than its text.
    let request = format!(
        "GET /platform/api/crawlhub/tasks/{task}/logs/stream HTTP/1.0\r\nauthorization: Bearer {}\r\nlast-event-id: {after}\r\n\r\n",
        client.token.as_ref().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The places of all lines that come, to the end of the log.
async fn places(mut stream: TcpStream) -> Vec<i64> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.0 200"), "{text}");
    assert!(text.trim_end().ends_with('}') && text.contains("event: end"), "it was cut off");
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|place| place.parse().unwrap()).collect()
}

/// Each of them sees each line once and in order: who comes early, late, goes on where he was cut off, or does not read for
/// long.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_follow_one_task() {
    let _ = open_files::allow_many();
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "followed"}), &[("main.py", SLOWLY)]).await;
    let task = app.run(&spider, json!({})).await;
    let (mut readers, mut lazy) = (Vec::new(), Vec::new());
    for n in 0..1000 {
        let after = if n % 10 == 0 { n / 10 } else { 0 };
        let stream = follow(&app, &task, after).await;
        if n % 50 == 7 {
            lazy.push((after, stream));
        } else {
            readers.push((after, tokio::spawn(places(stream))));
        }
    }
    // One on another server, where there can be one.
    let other = app.beside(&[]).await;
    if let Some(other) = &other {
        readers.push((5, tokio::spawn(places(follow(other, &task, 5).await))));
    }
    let mut seen = BTreeMap::new();
    for (after, reader) in readers {
        *seen.entry((after, reader.await.unwrap())).or_insert(0) += 1;
    }
    for (after, stream) in lazy {
        *seen.entry((after, places(stream).await)).or_insert(0) += 1;
    }
    let last = *seen.keys().next().unwrap().1.last().unwrap();
    assert!(last >= 300, "{last}");
    for (after, places) in seen.keys() {
        assert_eq!(*places, (after + 1..=last).collect::<Vec<_>>(), "behind {after}");
    }
    assert_eq!(seen.values().sum::<i32>(), 1000 + i32::from(other.is_some()));
}

/// Followers that do not read hold up nobody, and cost no memory to speak of.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_costs_little() {
    let server = ServerProcess::start(&[]).await;
    let script = "import time\nfor n in range(40):\n    print(('x' * 99 + '\\n') * 1000, end='')\n    time.sleep(0.02)";
    let spider = server.spider(json!({"name": "four megabytes"}), &[("main.py", script)]).await;
    let task = server.run(&spider, json!({})).await;
    let mut stuck = Vec::new();
    for _ in 0..150 {
        stuck.push(follow(&server, &task, 0).await);
    }
    let places = places(follow(&server, &task, 0).await).await;
    assert_eq!(places, (1..=40_000).collect::<Vec<_>>());
    let peak = server.peak_memory_mb();
    assert!(peak < 250, "{peak} MB");
    drop(stuck);
}

/// The server takes as many open files as it may have; its spiders get what it was given.
#[tokio::test(flavor = "multi_thread")]
async fn open_files_are_the_servers_own() {
    let server = ServerProcess::start_with_open_files(200).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<&str> = line.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers[0], numbers[1], "{line}");
    let script = "import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE)[0])";
    let task = server.run_script(json!({"name": "files"}), script).await;
    assert_eq!(server.lines(task["id"].as_str().unwrap()).await[0]["line"], "200");
}
