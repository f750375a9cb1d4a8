//! Spiders in containers: what holds for processes holds for them.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use super::{containers, server, server_in};
use crate::support::ServerProcess;

async fn run(server: &ServerProcess, mut fields: Value, script: &str) -> Value {
    fields["runner"] = json!("docker");
    if fields.get("max_retries").is_none() {
        fields["max_retries"] = json!(0);
    }
    let spider = server.spider(fields, &[("main.py", script), ("lib/part.py", "WORD = 'part'\n")]).await;
    server.run_to_end(&spider, json!({"params": {"page": 7}})).await
}

#[tokio::test]
async fn one_delivers_in_every_way() {
    let Some(server) = server(&[]).await else { return };
    let script = r#"
import json, os, subprocess, sys, urllib.error, urllib.request
from lib.part import WORD
from crawlhub import save_item, get_params, log
save_item({'by': 'sdk', 'page': get_params()['page']})
log('a line of the SDK', 'warning')
print('stdout', WORD, os.getcwd(), os.getuid())
print('stderr', file=sys.stderr)
with open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/items.jsonl', 'w') as out:
    out.write('{"by": "lines"}\n' * 3)
status = open('/proc/self/status').read()
print('capabilities', status.split('CapEff:')[1].split()[0], 'privileges', status.split('NoNewPrivs:')[1].split()[0])
print('environment', sorted(name for name in os.environ if 'DOCKER' in name or 'DATABASE' in name))
# At the address that it is given there is nothing of the platform but what is a task's own.
base = os.environ['CRAWLHUB_API_URL'].split('/platform')[0]
for path in ('/platform/api/crawlhub/spiders', '/healthz', '/docs', '/platform/api/login'):
    try:
        print('reached', path, urllib.request.urlopen(base + path, timeout=5).status)
    except urllib.error.HTTPError as error:
        print('refused', path, error.code)
"#;
    let fields = json!({"name": "every way", "requirements_txt": "parsel\n", "env_vars": {"OWN": "x"}});
    let task = run(&server, fields, script).await;
    let id = task["id"].as_str().unwrap();
    let lines = server.lines(id).await;
    let text = |line: &Value| line["line"].as_str().unwrap().to_owned();
    assert_eq!(task["status"], "completed", "{task} {lines:?}");
    assert_eq!((&task["total_count"], &task["exit_code"]), (&json!(4), &json!(0)));
    let said: Vec<String> = lines.iter().map(text).collect();
    for expected in [
        "stdout part /workspace 1000",
        "stderr",
        "capabilities 0000000000000000 privileges 1",
        "environment []",
        "refused /platform/api/crawlhub/spiders 404",
        "refused /healthz 404",
        "refused /docs 404",
        "refused /platform/api/login 404",
    ] {
        assert!(said.iter().any(|line| line == expected), "{expected}: {said:?}");
    }
    assert_eq!(containers(&format!("crawlhub.task_id={id}")).await, Vec::<String>::new());
    // A Scrapy project as it is, which prints much.
    let printed = run(&server, json!({"name": "prints"}), "for n in range(50_000): print('line', n)").await;
    assert_eq!(printed["status"], "completed");
    let last = server.get(&format!("/tasks/{}/logs/lines?tail=1", printed["id"].as_str().unwrap())).await.data();
    assert_eq!((&last["items"][0]["line"], &last["items"][0]["seq"]), (&json!("line 49999"), &json!(50_000)));
}

#[tokio::test]
async fn limits_hold() {
    let Some(server) = server(&[]).await else { return };
    let failed = |task: &Value, category: &str, says: &str| {
        assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!(category)), "{task}");
        assert!(task["error_message"].as_str().unwrap().contains(says), "{task}");
    };
    let greedy = "x = []\nwhile True: x.append(bytearray(5_000_000))";
    failed(
        &run(&server, json!({"name": "greedy", "memory_limit_mb": 100}), greedy).await,
        "system",
        "memory limit of 100 MB",
    );
    let slow = "import time\nprint('up', flush=True)\ntime.sleep(1000)";
    failed(&run(&server, json!({"name": "slow", "timeout_seconds": 2}), slow).await, "timeout", "timed out after 2 s");
    let wrong = "import sys\nraise KeyError('price')";
    failed(&run(&server, json!({"name": "wrong"}), wrong).await, "parse", "KeyError: 'price'");
    failed(&run(&server, json!({"name": "none", "image": "none:none"}), "").await, "system", "no image none:none");
    // Cancelled is stopped: the container is gone, and had its time to clean up.
    let script = "import signal, sys, time\ndef end(*_):\n    print('cleaned up', flush=True); sys.exit(0)\n\
                  signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(1000)";
    let spider = server.spider(json!({"name": "cancelled", "runner": "docker"}), &[("main.py", script)]).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    let label = format!("crawlhub.task_id={id}");
    assert_eq!(containers(&label).await.len(), 1);
    server.post(&format!("/tasks/{id}/cancel"), json!({})).await.ok();
    assert_eq!(server.ended(&id).await["status"], "cancelled");
    assert_eq!(containers(&label).await, Vec::<String>::new());
    assert!(server.lines(&id).await.iter().any(|line| line["line"] == "cleaned up"));
}

#[tokio::test]
async fn auto_is_a_container_where_there_is_one() {
    let Some(server) = server(&[]).await else { return };
    let script = "import os\nprint('in', os.getcwd())";
    let spider = server.spider(json!({"name": "auto"}), &[("main.py", script)]).await;
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!(server.lines(task["id"].as_str().unwrap()).await[0]["line"], "in /workspace");
    server.put(&format!("/spiders/{spider}"), json!({"runner": "process"})).await.ok();
    let task = server.run_to_end(&spider, json!({})).await;
    assert_ne!(server.lines(task["id"].as_str().unwrap()).await[0]["line"], "in /workspace");
    // Where containers would not reach the server, it is a process; who wants a container is told what is missing.
    let far = super::server(&[("CRAWLHUB_DOCKER_REACH", "port")]).await.unwrap();
    let spider = far.spider(json!({"name": "far"}), &[("main.py", script)]).await;
    assert_eq!(far.run_to_end(&spider, json!({})).await["status"], "completed");
    far.put(&format!("/spiders/{spider}"), json!({"runner": "docker"})).await.ok();
    let task = far.run_to_end(&spider, json!({})).await;
    assert!(task["error_message"].as_str().unwrap().contains("runner.api_url"), "{task}");
    // Without an engine, who asks for one hears of it at the call.
    let without = ServerProcess::start(&[]).await;
    let spider = without.spider(json!({"name": "docker", "runner": "docker"}), &[("main.py", "")]).await;
    without.post(&format!("/spiders/{spider}/run"), json!({})).await.error(503);
}

/// What it prints at its very end waits for a server that is slow; a server that stops still takes what it delivers.
#[tokio::test]
async fn nothing_is_lost_at_the_end() {
    let Some(mut server) = server(&[]).await else { return };
    let script = "import time\nprint('up', flush=True)\ntime.sleep(2)\nfor n in range(100_000): print(n)";
    let spider = server.spider(json!({"name": "much", "runner": "docker"}), &[("main.py", script)]).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    let process = Pid::from_raw(server.pid().cast_signed());
    kill(process, Signal::SIGSTOP).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    kill(process, Signal::SIGCONT).unwrap();
    assert_eq!(server.ended(&id).await["status"], "completed");
    let last = server.get(&format!("/tasks/{id}/logs/lines?tail=1")).await.data();
    assert_eq!((&last["items"][0]["line"], &last["items"][0]["seq"]), (&json!("99999"), &json!(100_001)));
    let script = "import os, time, urllib.error, urllib.request\nprint('up', flush=True)\ntime.sleep(2)\ntry:\n    \
                  urllib.request.urlopen(os.environ['CRAWLHUB_API_URL'])\nexcept urllib.error.HTTPError as error:\n    \
                  print('answered', error.code)";
    // Requirements may name files beside them.
    let fields = json!({"name": "late", "runner": "docker", "requirements_txt": "-r base.txt\n"});
    let spider = server.spider(fields, &[("main.py", script), ("base.txt", "parsel\n")]).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    kill(process, Signal::SIGTERM).unwrap();
    server.child.wait().await.unwrap();
    let (dir, database) =
        (std::mem::replace(&mut server.dir, tempfile::tempdir().unwrap()), server.database_url.take());
    let server = server_in(dir, database, &[]).await.unwrap();
    assert_eq!(server.ended(&id).await["status"], "completed", "{:?}", server.lines(&id).await);
}

/// One attempt at a time, whatever is killed.
#[tokio::test]
async fn a_killed_server_takes_them_with_it() {
    let Some(mut server) = server(&[]).await else { return };
    let script = "import os, time\nfrom crawlhub import load_checkpoint, save_checkpoint\nfirst = load_checkpoint() is None\n\
                  save_checkpoint({'been': 1})\nprint('up', flush=True)\ntime.sleep(1000 if first else 0)";
    let spider = server.spider(json!({"name": "killed", "runner": "docker"}), &[("main.py", script)]).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    let label = format!("crawlhub.task_id={id}");
    let before = containers(&label).await;
    assert_eq!(before.len(), 1);
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGKILL).unwrap();
    server.child.wait().await.unwrap();
    let (dir, database) =
        (std::mem::replace(&mut server.dir, tempfile::tempdir().unwrap()), server.database_url.take());
    let server = server_in(dir, database, &[]).await.unwrap();
    let most = async {
        loop {
            assert!(containers(&label).await.len() <= 1, "two attempts at once");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let task = tokio::select! {
        task = server.ended(&id) => task,
        () = most => unreachable!(),
    };
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(2)));
    assert_eq!(containers(&label).await, Vec::<String>::new());
}

/// The keeper alone, as by a machine that is out of memory: what it kept goes with it.
#[tokio::test]
async fn a_keeper_that_is_killed() {
    let Some(server) = server(&[]).await else { return };
    let script = "import time\nfrom crawlhub import load_checkpoint, save_checkpoint\nfirst = load_checkpoint() is None\n\
                  save_checkpoint({'been': 1})\nprint('up', flush=True)\ntime.sleep(1000 if first else 0)";
    for (retries, status, attempt) in [(0, "failed", 1), (1, "completed", 2)] {
        let fields = json!({"name": status, "runner": "docker", "max_retries": retries, "retry_delay_seconds": 1});
        let spider = server.spider(fields, &[("main.py", script)]).await;
        let id = server.run(&spider, json!({})).await;
        server.wait_for_line(&id, "up").await;
        let label = format!("crawlhub.task_id={id}");
        assert_eq!(containers(&label).await.len(), 1);
        kill(keeper_of(&server), Signal::SIGKILL).unwrap();
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!(status), &json!(attempt)), "{task}");
        if status == "failed" {
            assert!(task["error_message"].as_str().unwrap().contains("SIGKILL"), "{task}");
        }
        assert_eq!(containers(&label).await, Vec::<String>::new());
    }
}

/// The one keeper of that server.
fn keeper_of(server: &ServerProcess) -> Pid {
    let folder = server.dir.path().to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut keepers = processes.filter_map(|process| {
        let words = std::fs::read(process.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).into_owned();
        let is_one = words.split('\0').nth(1) == Some("keep") && words.contains(folder);
        is_one.then(|| process.file_name().to_str()?.parse().ok()).flatten()
    });
    Pid::from_raw(keepers.next().unwrap())
}

/// What is fetched from a container in the end is there, whatever the spider does to it.
#[tokio::test]
async fn one_that_removes_its_output() {
    let Some(server) = server(&[]).await else { return };
    let script = r#"
import os, shutil
from crawlhub import save_item
save_item({'by': 'sdk'})
out = os.environ['CRAWLHUB_OUTPUT_DIR']
open(out + '/items.jsonl', 'w').write('{"by": "lines"}\n')
own = os.path.dirname(out)
for what in (lambda: shutil.rmtree(out), lambda: os.rename(out, out + '2'), lambda: os.symlink('/etc', own + '/x')):
    try:
        what()
        print('done')
    except OSError as error:
        print('refused', type(error).__name__)
print('left', os.listdir(out))
shutil.rmtree(own, ignore_errors=True)
os.symlink('/etc', out + '/etc')
"#;
    let task = run(&server, json!({"name": "removes"}), script).await;
    let lines = server.lines(task["id"].as_str().unwrap()).await;
    assert_eq!((&task["status"], &task["total_count"]), (&json!("completed"), &json!(1)), "{task} {lines:?}");
    let said: Vec<&str> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert_eq!(said[..3], ["refused PermissionError"; 3], "{said:?}");
    assert_eq!(said[3], "left []");
}
