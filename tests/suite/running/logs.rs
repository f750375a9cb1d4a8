//! What a spider prints: live, and kept.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_kept_in_order_with_their_streams() {
    let app = TestApp::new().await;
    let script = "import sys\nfor n in range(3):\n    print('出', n, flush=True)\nprint('err', file=sys.stderr)\nprint('last', end='')";
    let task = app.run_script(json!({"name": "lines"}), script).await;
    let id = task["id"].as_str().unwrap();
    let lines = app.lines(id).await;
    let seqs: Vec<i64> = lines.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=i64::try_from(lines.len()).unwrap()).collect::<Vec<_>>());
    let of = |stream: &str| -> Vec<String> {
        lines
            .iter()
            .filter(|line| line["stream"] == stream)
            .map(|line| line["line"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of("stdout"), ["出 0", "出 1", "出 2", "last"]);
    assert_eq!(of("stderr"), ["err"]);
    assert!(lines.iter().all(|line| line["attempt"] == 1 && line["timestamp"].as_str().unwrap().ends_with('Z')));

    let log = app.get(&format!("/tasks/{id}/logs")).await.data();
    assert_eq!(log["stdout"].as_str().unwrap().trim_end(), "出 0\n出 1\n出 2\nlast");
    assert!(log["stderr"].as_str().unwrap().contains("err"));
    assert_eq!(log["truncated"], false);
    let only = app.get(&format!("/tasks/{id}/logs/lines?stream=stderr")).await.data();
    assert_eq!(only["items"].as_array().unwrap().len(), 1);
    let file = app.get(&format!("/tasks/{id}/logs/download")).await;
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("attachment"));
    assert_eq!(file.text.lines().count(), lines.len());
    let spider = task["spider_id"].as_str().unwrap();
    let of_spider = app.get(&format!("/spiders/{spider}/logs")).await.data();
    assert_eq!((&of_spider["total"], &of_spider["items"][0]["task_id"]), (&json!(1), &json!(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_without_lines_says_so() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let task = app.run_script(json!({"name": "silent"}), "pass").await;
    let log = app.get(&format!("/tasks/{}/logs", task["id"].as_str().unwrap())).await.data();
    assert_eq!((&log["stdout"], &log["stderr"]), (&json!(""), &json!("")));
    assert!(log["message"].is_string());
}

/// The live stream starts with the first line, whether the task runs or has ended, and goes on where it was cut.
#[tokio::test(flavor = "multi_thread")]
async fn the_stream_resumes_behind_the_last_event() {
    let app = TestApp::new().await;
    let task = app.run_script(json!({"name": "resume"}), "for n in range(1200):\n    print('line', n)").await;
    let path = format!("/platform/api/crawlhub/tasks/{}/logs/stream", task["id"].as_str().unwrap());
    let whole = events(&app.send(app.request(Method::GET, &path)).await.text);
    assert_eq!(whole.len(), 1201);
    assert_eq!(whole[0].0, "1");
    assert_eq!(whole[1199].1["line"], "line 1199");
    assert_eq!(whole[1200].1["status"], "completed");
    let rest = events(&app.send(app.request(Method::GET, &path).header("last-event-id", "1190")).await.text);
    assert_eq!(rest.len(), 11);
    assert_eq!(rest[0], whole[1190]);
}

/// (id, data) of each event.
fn events(text: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    text.split("\n\n")
        .filter(|event| event.contains("data:"))
        .map(|event| (field(event, "id:"), serde_json::from_str(&field(event, "data:")).unwrap()))
        .collect()
}

/// The log of a run that is killed has every line up to the kill.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_keeps_its_log() {
    let app = TestApp::new().await;
    let script = "import os, signal, sys\nprint('before')\nsys.stdout.flush()\nos.kill(os.getpid(), signal.SIGKILL)";
    let task = app.run_script(json!({"name": "killed"}), script).await;
    assert_eq!(task["status"], "failed");
    assert!(task["error_message"].as_str().unwrap().contains("SIGKILL"), "{task}");
    assert_eq!(app.lines(task["id"].as_str().unwrap()).await[0]["line"], "before");
}
