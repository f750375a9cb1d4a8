//! Two servers on one PostgreSQL: a task belongs to one of them, whatever their clocks say and whatever is cut.

use std::path::Path;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Gate, ServerProcess, Settings, faketime, skip_unless};

const SETTINGS: Settings = &[("CRAWLHUB_TASKS_LEASE_SECONDS", "5"), ("CRAWLHUB_LOG_FILTER", "error")];
const WAITS: &str = "import time\nprint('up', flush=True)\ntime.sleep(600)";

/// Whether the tests run on SQLite, which has no second server.
fn is_alone() -> bool {
    std::env::var("TEST_DATABASE_URL").is_err()
}

async fn task_of(client: &Client, task: &str) -> Value {
    client.get(&format!("/tasks/{task}")).await.data()
}

/// A server whose machine's clock is wrong by a minute neither takes a running task for lost nor writes other times.
#[tokio::test(flavor = "multi_thread")]
async fn their_clocks_are_apart() {
    let library = faketime();
    if is_alone() || skip_unless(library.is_some(), "Debian's faketime") {
        return;
    }
    let library = library.unwrap();
    // Shorter than their clocks are apart, and so long that a busy machine keeps to it.
    let settings = [("CRAWLHUB_TASKS_LEASE_SECONDS", "15"), ("CRAWLHUB_LOG_FILTER", "error")];
    let first = ServerProcess::start(&settings).await;
    let url = first.database_url.clone().unwrap();
    let spider = first.spider(json!({"name": "waits", "overlap": "allow"}), &[("main.py", WAITS)]).await;
    let task = first.run(&spider, json!({})).await;
    first.wait_for_line(&task, "up").await;
    for wrong in ["+60s", "-60s"] {
        let settings = [&settings[..], &[("LD_PRELOAD", library.to_str().unwrap()), ("FAKETIME", wrong)]].concat();
        let other = first.beside(&url, &settings).await;
        // Its watchdog has looked twice.
        loop {
            let ready = other.send(other.request(reqwest::Method::GET, "/readyz")).await.json();
            if ready["loops"]["watchdog"]["runs"].as_i64() >= Some(2) {
                break;
            }
            tokio::task::yield_now().await;
        }
        let seen = task_of(&other.client, &task).await;
        assert_eq!((&seen["status"], &seen["attempt"]), (&json!("running"), &json!(1)), "{wrong}: {seen}");
        let time = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let made = other.post("/projects", json!({"name": wrong})).await.data();
        let later = first.post("/projects", json!({"name": format!("after {wrong}")})).await.data();
        let apart = time(&later["created_at"]) - time(&made["created_at"]);
        assert!((0..5).contains(&apart.num_seconds()), "{wrong}: {apart}");
    }
    first.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
}

/// A cancel at one server stops what runs on another.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_at_the_other() {
    if is_alone() {
        return;
    }
    let first = ServerProcess::start(SETTINGS).await;
    let spider = first.spider(json!({"name": "waits"}), &[("main.py", WAITS)]).await;
    let task = first.run(&spider, json!({})).await;
    first.wait_for_line(&task, "up").await;
    let second = first.beside(first.database_url.as_deref().unwrap(), SETTINGS).await;
    second.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    let ended = second.ended(&task).await;
    assert_eq!(ended["status"], "cancelled", "{ended}");
}

/// A cancel of a task whose server is gone: it is cancelled once that is certain, and never starts again.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_its_server_is_gone() {
    if is_alone() {
        return;
    }
    let mut first = ServerProcess::start(SETTINGS).await;
    let fields = json!({"name": "waits", "max_retries": 5, "retry_delay_seconds": 0});
    let spider = first.spider(fields, &[("main.py", WAITS)]).await;
    let task = first.run(&spider, json!({})).await;
    first.wait_for_line(&task, "up").await;
    let second = first.beside(first.database_url.as_deref().unwrap(), SETTINGS).await;
    first.child.kill().await.unwrap();
    let path = format!("/tasks/{task}/cancel");
    let (one, two) = tokio::join!(second.post(&path, json!({})), second.post(&path, json!({})));
    for answer in [one, two] {
        assert!(answer.status == 200 || answer.error(409) == "task_finished", "{}", answer.text);
    }
    let ended = second.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("cancelled"), &json!(1)), "{ended}");
}

/// Runs a spider that does not end by itself. Its second attempt does, and says so outside where the first still runs.
async fn run_watchful(server: &Client, outside: &Path) -> String {
    let script = format!(
        "import fcntl, os, time\nos.chdir('{}')\nlock = open('lock', 'w')\ntry:\n    \
         fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError:\n    open('twice', 'w')\n\
         print('up', flush=True)\nif os.path.exists('second'): raise SystemExit(0)\nopen('second', 'w')\ntime.sleep(600)",
        outside.display()
    );
    let fields = json!({"name": "watchful", "max_retries": 5, "retry_delay_seconds": 0});
    let spider = server.spider(fields, &[("main.py", &script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "up").await;
    task
}

/// A server that is cut off from the database ends what it runs before another one starts it again.
#[tokio::test(flavor = "multi_thread")]
async fn one_is_cut_off() {
    if is_alone() {
        return;
    }
    let outside = TempDir::new().unwrap();
    let gate = Gate::before_postgres().await;
    let dir = TempDir::new().unwrap();
    let first = ServerProcess::start_in(dir, Some(gate.url.clone()), SETTINGS).await;
    let task = run_watchful(&first, outside.path()).await;
    let second = first.beside(&gate.direct, SETTINGS).await;
    gate.close();
    let ended = second.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    assert!(!outside.path().join("twice").exists(), "it ran twice at once");
    let attempts = second.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_ne!(attempts[0]["worker_id"], attempts[1]["worker_id"], "{attempts}");
    // Back again, the first finds that the task is another's.
    gate.open();
    first.eventually(&format!("/tasks/{task}"), |task| task["status"] == "completed").await;
}

/// Cut off while a task is being cancelled, a server keeps what it cannot deliver until it can.
#[tokio::test(flavor = "multi_thread")]
async fn one_is_cut_off_in_a_cancel() {
    if is_alone() {
        return;
    }
    let outside = TempDir::new().unwrap();
    let gate = Gate::before_postgres().await;
    let server = ServerProcess::start_in(TempDir::new().unwrap(), Some(gate.url.clone()), SETTINGS).await;
    // As the SDK does with what it cannot send.
    let script = format!(
        "import json, os, signal, time\nwith open(os.path.join(os.environ['CRAWLHUB_SPOOL_DIR'], '1.json'), 'w') as file:\n    \
         json.dump({{'batch': 1, 'items': [{{'n': 1}}, {{'n': 2}}]}}, file)\n\
         signal.signal(signal.SIGTERM, lambda *_: open(os.path.join({:?}, 'stopping'), 'w').close())\n\
         print('up', flush=True)\nwhile True: time.sleep(600)",
        outside.path()
    );
    let spider = server.spider(json!({"name": "spools"}), &[("main.py", &script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "up").await;
    let (client, path) = (server.client.clone(), format!("/tasks/{task}/cancel"));
    let cancel = tokio::spawn(async move { client.post(&path, json!({})).await });
    while !outside.path().join("stopping").exists() {
        tokio::task::yield_now().await;
    }
    gate.close();
    cancel.await.unwrap();
    // It has given up when it has let go of the folder.
    let lock = server.dir.path().join(format!("work/{task}-1/.lock"));
    while std::fs::File::open(&lock).is_ok_and(|file| file.try_lock().is_err()) {
        tokio::task::yield_now().await;
    }
    gate.open();
    let ended = server.eventually(&format!("/tasks/{task}"), |task| task["status"] != "running").await;
    assert_eq!(ended["status"], "cancelled", "{ended}");
    assert_eq!(server.items(&task).await, [json!({"n": 1}), json!({"n": 2})]);
    assert!(!lock.exists(), "its folder stays behind");
}

/// A server that stands still ends nothing. What it runs ends by itself before another server starts it again, and
/// when it goes on it changes nothing of that.
#[tokio::test(flavor = "multi_thread")]
async fn one_stands_still() {
    if is_alone() {
        return;
    }
    let outside = TempDir::new().unwrap();
    let mut first = ServerProcess::start(SETTINGS).await;
    let task = run_watchful(&first, outside.path()).await;
    let second = first.beside(first.database_url.as_deref().unwrap(), SETTINGS).await;
    let this = Pid::from_raw(first.pid().try_into().unwrap());
    kill(this, Signal::SIGSTOP).unwrap();
    let ended = second.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    assert!(!outside.path().join("twice").exists(), "it ran twice at once");
    let attempts = second.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_ne!(attempts[0]["worker_id"], attempts[1]["worker_id"], "{attempts}");
    kill(this, Signal::SIGCONT).unwrap();
    kill(this, Signal::SIGTERM).unwrap();
    // Once it has ended it has written all it had to.
    assert!(first.child.wait().await.unwrap().success());
    assert_eq!(task_of(&second, &task).await, ended);
    assert_eq!(second.get(&format!("/tasks/{task}/attempts")).await.data(), attempts);
}
