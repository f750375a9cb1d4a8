//! A server that is to stop.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Method;
use serde_json::json;

use super::is_alone;
use crate::support::ServerProcess;

/// It says so, starts nothing more, and goes on serving.
#[tokio::test(flavor = "multi_thread")]
async fn it_says_so_and_goes_on_serving() {
    if is_alone() {
        return;
    }
    let settings = [("CRAWLHUB_SERVER_LEAVE_SECONDS", "3600"), ("CRAWLHUB_LOG_FILTER", "error")];
    let mut leaving = ServerProcess::start(&settings).await;
    let (base, pid) = (leaving.base.clone(), Pid::from_raw(i32::try_from(leaving.pid()).unwrap()));
    assert!(!leaving.get("/projects").await.headers.contains_key("connection"));
    kill(pid, Signal::SIGTERM).unwrap();
    let ready = loop {
        let ready = leaving.send(leaving.request(Method::GET, "/readyz")).await;
        if ready.status == 503 {
            break ready;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&ready.json()["status"], &ready.json()["dependencies"]["database"]), (&json!("leaving"), &json!("ok")));
    let answer = leaving.get("/projects").await;
    answer.data();
    assert_eq!(answer.headers["connection"], "close");
    // Its own dispatcher is the only one: the task waits for another server.
    let spider = leaving.spider(json!({"name": "waits"}), &[("main.py", "print('up')")]).await;
    let task = leaving.run(&spider, json!({})).await;
    let other = leaving.beside(leaving.database_url.as_deref().unwrap(), &[]).await;
    let ended = other.ended(&task).await;
    assert_eq!(ended["status"], "completed");
    assert!(!ended["worker_id"].to_string().contains(&format!(":{pid}:")), "{ended}");
    // Asked twice, it ends at once.
    kill(pid, Signal::SIGTERM).unwrap();
    assert!(!leaving.child.wait().await.unwrap().success());
    assert!(reqwest::get(format!("{base}/healthz")).await.is_err());
}
