//! Spiders run on a node: real processes, as an operator starts them.

use std::path::{Path, PathBuf};

use crawlhub::platform::files::hash_of;
use reqwest::Method;
use serde_json::json;

use crate::support::{NodeProcess, ServerProcess, free_port};

const SCRIPT: &str = r"
import json, os, sys
from crawlhub import save_item, report_progress, save_checkpoint, load_checkpoint, get_params
print('from', get_params()['where'])
print('to stderr', file=sys.stderr)
report_progress(50)
save_checkpoint({'page': 3})
assert load_checkpoint() == {'page': 3}
for n in range(20):
    save_item({'n': n})
with open(os.path.join(os.environ['CRAWLHUB_OUTPUT_DIR'], 'more.jsonl'), 'w') as out:
    for n in range(20, 30):
        out.write(json.dumps({'n': n}) + '\n')
";

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_runs_on_a_node_as_it_would_here() {
    let server = ServerProcess::start(&[]).await;
    let node = NodeProcess::join(&server, "one", &[("AGENT_LABELS", "fast,cn"), ("AGENT_SLOTS", "2")]).await;
    let state = node.until(&server, |node| node["report"]["versions"]["python"].is_string()).await;
    assert_eq!(state["report"]["labels"], json!(["fast", "cn"]));
    let fields = json!({"name": "far", "runner": "node", "node_labels": ["cn"], "env_vars": {"API_KEY": "s3cret"}});
    let spider = server.spider(fields, &[("main.py", SCRIPT), ("lib/help.py", "x = 1")]).await;
    let task = server.run_to_end(&spider, json!({"params": {"where": "afar"}})).await;
    let id = task["id"].as_str().unwrap();
    assert_eq!(task["status"], "completed", "{task} {:?}", server.lines(id).await);
    assert_eq!(task["success_count"], 30);
    assert!(task["worker_id"].as_str().unwrap().starts_with("node:one:"), "{task}");
    assert!(task["peak_memory_mb"].as_f64().unwrap() > 1.0, "{task}");
    let lines = server.lines(id).await;
    let has = |stream: &str, text: &str| lines.iter().any(|line| line["stream"] == stream && line["line"] == text);
    assert!(has("stdout", "from afar") && has("stderr", "to stderr"), "{lines:?}");
    // By hash, once.
    assert_eq!(server.run_to_end(&spider, json!({"params": {"where": "afar"}})).await["status"], "completed");
    // Nothing of it lies on the node but its code, once the agent has heard that its end is written down.
    for folder in ["outbox", "jobs"] {
        let left = || std::fs::read_dir(node.dir.path().join(folder)).unwrap().count();
        node.until(&server, |_| left() == 0).await;
    }

    let failing = server.spider(node.spider("failing"), &[("main.py", "raise KeyError('price')")]).await;
    let failed = server.run_to_end(&failing, json!({})).await;
    assert_eq!((&failed["status"], &failed["error_category"]), (&json!("failed"), &json!("parse")), "{failed}");
    let mut slow = node.spider("slow");
    slow["timeout_seconds"] = json!(1);
    let slow = server.spider(slow, &[("main.py", "import time; time.sleep(60)")]).await;
    assert_eq!(server.run_to_end(&slow, json!({})).await["error_category"], "timeout");
    let mut fat = node.spider("fat");
    fat["memory_limit_mb"] = json!(64);
    let fat = server.spider(fat, &[("main.py", "x = bytearray(200 << 20)\nimport time; time.sleep(60)")]).await;
    let fat = server.run_to_end(&fat, json!({})).await;
    assert!(fat["error_message"].as_str().unwrap().contains("memory limit of 64 MB"), "{fat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_means_stopped_and_drained_means_no_more() {
    let server = ServerProcess::start(&[]).await;
    let node = NodeProcess::join(&server, "one", &[]).await;
    let script = "import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(600)";
    let spider = server.spider(node.spider("long"), &[("main.py", script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "pid ").await;
    let lines = server.lines(&task).await;
    let pid = lines.iter().find_map(|line| line["line"].as_str().unwrap().strip_prefix("pid ")).unwrap().to_owned();
    assert!(std::path::Path::new("/proc").join(&pid).exists());
    server.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    let ended = server.ended(&task).await;
    assert_eq!(ended["status"], "cancelled", "{ended}");
    assert!(!std::path::Path::new("/proc").join(&pid).exists(), "it still runs");

    let quick = server.spider(node.spider("quick"), &[("main.py", "print('x')")]).await;
    server.put(&format!("/nodes/{}", node.id), json!({"drain": true})).await.ok();
    let waiting = server.run(&quick, json!({})).await;
    server.eventually(&format!("/tasks/{waiting}"), |task| task["pending_reason"] == "node one is draining").await;
    server.put(&format!("/nodes/{}", node.id), json!({"drain": false})).await.ok();
    assert_eq!(server.ended(&waiting).await["status"], "completed");
}

/// An agent that is told to stop gives back what it runs; what waits goes to whoever is left.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_stops_gives_its_tasks_back() {
    let server = ServerProcess::start(&[]).await;
    let grace = [("CRAWLHUB_SERVER_STOP_GRACE_SECONDS", "0"), ("AGENT_LABELS", "x")];
    let mut one = NodeProcess::join(&server, "one", &grace).await;
    let script = "import time\nfrom crawlhub import save_item, load_checkpoint, save_checkpoint\n\
                  if load_checkpoint():\n    print('second')\nelse:\n    save_item({'n': 1})\n    \
                  save_checkpoint({'n': 1})\n    print('first', flush=True)\n    time.sleep(600)\n";
    let fields = json!({"name": "s", "runner": "node", "node_labels": ["x"]});
    let spider = server.spider(fields, &[("main.py", script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "first").await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(one.pid().cast_signed()), nix::sys::signal::SIGTERM).unwrap();
    assert!(one.child.wait().await.unwrap().success());
    let two = NodeProcess::join(&server, "two", &grace).await;
    let ended = server.ended(&task).await;
    assert_eq!(
        (&ended["status"], &ended["attempt"], &ended["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0))
    );
    assert_eq!(ended["success_count"], 1);
    assert!(ended["worker_id"].as_str().unwrap().starts_with("node:two:"), "{ended}");
    drop(two);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_api() {
    let server = ServerProcess::start(&[]).await;
    let port = free_port().to_string();
    let node = NodeProcess::join(&server, "one", &[("AGENT_API_PORT", &port)]).await;
    let http = server.http.clone();
    let base = format!("http://127.0.0.1:{port}");
    let health = http.get(format!("{base}/health")).send().await.unwrap().text().await.unwrap();
    assert_eq!(health, r#"{"status":"ok"}"#);
    let status = async |token: &str| {
        let request = http.request(Method::GET, format!("{base}/api/v1/status")).header("x-agent-token", token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("wrong").await, 401);
    assert_eq!(status(&node.token).await, 200);
    assert_eq!(http.get(format!("{base}/api/v1/nothing")).send().await.unwrap().status(), 401);

    // An agent that the server does not know, or knows by another name, says so and ends.
    for (name, token) in [("one", "wrong"), ("other", node.token.as_str())] {
        let dir = tempfile::tempdir().unwrap();
        let ended = NodeProcess::command(dir.path(), &server.base, (name, token), &[])
            .stderr(std::process::Stdio::piped())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains("refuses this node"), "{said}");
    }
}

/// Scrapy's own items, from a project that knows nothing of the platform; its environment is built on the node.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrapy_project_runs_on_a_node() {
    let server = ServerProcess::start(&[]).await;
    let node = NodeProcess::join(&server, "one", &[]).await;
    let code = "import scrapy\nclass S(scrapy.Spider):\n    name = 'old'\n    start_urls = ['data:,x']\n\
        \x20   def parse(self, response):\n        for n in range(60):\n            yield {'n': n}\n";
    let files = [
        ("scrapy.cfg", "[settings]\ndefault = proj.settings\n"),
        ("proj/__init__.py", ""),
        ("proj/settings.py", "SPIDER_MODULES = ['proj.spiders']\n"),
        ("proj/spiders/__init__.py", ""),
        ("proj/spiders/old.py", code),
    ];
    let mut fields = node.spider("old");
    fields["source"] = json!("scrapy");
    let spider = server.spider(fields, &files).await;
    let task = server.run_to_end(&spider, json!({})).await;
    let id = task["id"].as_str().unwrap();
    assert_eq!(
        (&task["status"], &task["success_count"]),
        (&json!("completed"), &json!(60)),
        "{task} {:?}",
        server.lines(id).await
    );
}

/// A token that was rotated is read again from its file; what runs meanwhile does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_rotated_under_a_running_spider() {
    let server = ServerProcess::start(&[]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let made = server.post("/nodes", json!({"name": "one"})).await.data();
    let (id, dir) = (made["id"].as_str().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(path, made["agent_token"].as_str().unwrap()).unwrap();
    let settings = [("AGENT_TOKEN_FILE", path)];
    let _agent = NodeProcess::command(dir.path(), &server.base, ("one", ""), &settings).spawn().unwrap();
    server.eventually(&format!("/nodes/{id}"), |node| node["status"] == "online").await;
    let script = "import os, time\nprint('up', flush=True)\nwhile not os.path.exists(os.environ['GO']):\n    time.sleep(0.02)\n\
                  from crawlhub import save_item\nsave_item({'n': 1})\nprint('done')\n";
    let go = format!("/tmp/crawlhub-go-{id}");
    let fields = json!({"name": "s", "runner": "node", "node_id": id, "env_vars": {"GO": go}});
    let spider = server.spider(fields, &[("main.py", script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "up").await;
    // Twice: the first of them holds no more.
    server.post(&format!("/nodes/{id}/rotate-token"), json!({})).await.ok();
    let rotated = server.post(&format!("/nodes/{id}/rotate-token"), json!({})).await.data();
    std::fs::write(path, rotated["agent_token"].as_str().unwrap()).unwrap();
    std::fs::write(&go, "").unwrap();
    let ended = server.ended(&task).await;
    std::fs::remove_file(&go).unwrap();
    assert_eq!(
        (&ended["status"], &ended["attempt"], &ended["success_count"]),
        (&json!("completed"), &json!(1), &json!(1))
    );
    let lines = server.lines(&task).await;
    assert!(lines.iter().any(|line| line["line"] == "done"), "{lines:?}");
}

/// What is gone from the store comes not, however long a node waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_from_the_store_ends_the_run_at_once() {
    let server = ServerProcess::start(&[]).await;
    let node = NodeProcess::join(&server, "one", &[]).await;
    let spider = server.spider(node.spider("s"), &[("main.py", "print('never printed')")]).await;
    let hash = hash_of(b"print('never printed')");
    let Some(blob) = file_named(server.dir.path(), &hash) else {
        // A bucket, which others share.
        assert!(std::env::var("TEST_S3_URL").is_ok(), "no blob {hash}");
        return;
    };
    std::fs::remove_file(blob).unwrap();
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("system")), "{task}");
    let said = task["error_message"].as_str().unwrap();
    assert_eq!(said, "the file main.py could not be read from the store");
}

fn file_named(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { file_named(&path, name) } else { path.ends_with(name).then_some(path) }
    })
}
