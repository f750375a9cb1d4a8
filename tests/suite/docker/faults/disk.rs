//! What fills a disk, and too many files for anybody.

use std::time::Duration;

use serde_json::{Value, json};

use super::killed;
use crate::{
    docker::{containers, content, docker, in_editor, open, server},
    support::{Client, ServerProcess, Settings, skip_unless},
};

const LIMITED: [(&str, &str); 3] = [
    ("CRAWLHUB_CODE_SESSIONS_START_SECONDS", "20"),
    ("CRAWLHUB_CODE_SESSIONS_DISK_MB", "60"),
    ("CRAWLHUB_SPIDERS_MAX_FILES", "20"),
];
/// More than it may, beside its files.
const FILL: &str = "dd if=/dev/zero of=/tmp/large bs=1M count=80 2>/dev/null";

fn name_of(session: &Value) -> String {
    format!("code-server-{}", session["id"].as_str().unwrap())
}

/// The engine is asked once a minute; by a server that starts, at once.
async fn looked_at(server: ServerProcess, settings: Settings<'_>) -> ServerProcess {
    killed(server, settings).await
}

#[tokio::test]
async fn an_editor_that_fills_the_disk() {
    let Some(server) = server(&LIMITED).await else { return };
    let spider = server.spider(json!({"name": "disk"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&server, &spider).await;
    in_editor(&session, &format!("echo saved > /workspace/main.py; {FILL}")).await;
    let server = looked_at(server, &LIMITED).await;
    let all = server.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    assert_eq!(all["items"][0]["end_reason"], "disk_full");
    assert_eq!(content(&server, &spider, "main.py").await.unwrap(), "saved\n");
    server.eventually("/alerts?type=editor&level=warning", |alerts| alerts["total"] == 1).await;
    // What cannot be brought back stays, and writes no more.
    let session = open(&server, &spider).await;
    in_editor(&session, &format!("cd /workspace; for n in $(seq 30); do echo $n > $n.txt; done; {FILL}")).await;
    let server = looked_at(server, &LIMITED).await;
    server.eventually(&path, |session| session["status"] == "syncing" && !session["sync_error"].is_null()).await;
    let state = ["inspect", "-f", "{{.State.Running}}", &name_of(&session)];
    while docker(&state).await != "false" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = server.eventually("/alerts?type=editor&level=error", |alerts| alerts["total"] == 1).await;
    let said = said["items"][0]["message"].as_str().unwrap();
    assert!(said.contains("60 MB") && said.contains("code_sessions.disk_mb") && said.contains("force"), "{said}");
    assert_eq!(server.post(&path, json!({})).await.error(409), "session_closing");
    assert_eq!(server.delete(&path).await.error(409), "sync_failed");
    assert_eq!(docker(&state).await, "false");
    // With a higher limit it goes on, and all is there.
    let server = looked_at(server, &[LIMITED[0], LIMITED[2]]).await;
    server.eventually(&path, |session| session["status"] == "ready").await;
    assert_eq!(in_editor(&session, "cd /workspace; cat 30.txt; rm ?.txt 1?.txt").await, "30");
    server.delete(&path).await.ok();
    assert_eq!(content(&server, &spider, "30.txt").await.unwrap(), "30\n");
    let label = format!("crawlhub.session_id={}", session["id"].as_str().unwrap());
    assert_eq!(containers(&label).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_spider_that_fills_the_disk() {
    let Some(server) = server(&[("CRAWLHUB_RUNNER_DISK_MB", "50")]).await else { return };
    let script = "import time\nfrom crawlhub import save_item\nsave_item({'n': 1})\n\
                  for n in range(7):\n    open(f'/tmp/{n}', 'wb').write(bytes(10_000_000))\ntime.sleep(1000)";
    let fields = json!({"name": "disk", "runner": "docker", "max_retries": 0});
    let spider = server.spider(fields, &[("main.py", script)]).await;
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("system")), "{task}");
    let said = task["error_message"].as_str().unwrap();
    assert!(said.contains("50 MB") && said.contains("runner.disk_mb"), "{said}");
    assert_eq!(task["total_count"], 1, "what it brought before stays");
    assert_eq!(containers("crawlhub.type=task").await, Vec::<String>::new());
}

/// A disk on which nothing more can be written, as it comes to be while the spider's changes go in.
#[tokio::test]
async fn a_workspace_that_is_full() {
    if skip_unless(std::env::var_os("TEST_DOCKERD_START").is_some(), "an engine on this machine") {
        return;
    }
    let Some(server) = server(&[("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "3000000")]).await else { return };
    let spider = server.spider(json!({"name": "full"}), &[("main.py", "1"), ("other.py", "2")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&server, &spider).await;
    // In place of the workspace a disk of 1 MB, as the machine's administrator can make one.
    let pid = docker(&["inspect", "-f", "{{.State.Pid}}", &name_of(&session)]).await;
    let as_root = async |command: &str| {
        let done =
            tokio::process::Command::new("nsenter").args(["--target", &pid, "--mount", "sh", "-c", command]).status();
        assert!(done.await.unwrap().success(), "{command}");
    };
    as_root(
        "cp -a /workspace /tmp/kept && mount -t tmpfs -o size=1m,uid=1000,gid=1000,mode=755 none /workspace &&
         cp -a /tmp/kept/. /workspace/",
    )
    .await;
    let large = "x".repeat(2_000_000);
    change(&server, &spider, "main.py", "3").await;
    change(&server, &spider, "other.py", &large).await;
    server.post(&format!("/spiders/{spider}/files/new"), json!({"path": "large.txt", "content": large})).await.ok();
    let failed = server.post(&format!("{path}/sync"), json!({})).await;
    assert_eq!(failed.error(409), "workspace_full");
    let found = server.get(&path).await.data();
    assert_eq!(found["status"], "ready");
    assert!(found["sync_error"].as_str().unwrap().contains("full"), "{found}");
    // Once there is room both have all of it, and no halves are taken for somebody's work.
    as_root("mount -o remount,size=20m /workspace").await;
    let synced = server.post(&format!("{path}/sync"), json!({})).await.data();
    assert_eq!((&synced["success"], &synced["conflicts"]), (&json!(true), &json!([])), "{synced}");
    let seen = in_editor(&session, "cd /workspace; cat main.py; wc -c < large.txt; wc -c < other.py; ls | wc -l").await;
    assert_eq!(seen, "32000000\n2000000\n3");
    assert_eq!(content(&server, &spider, "other.py").await.unwrap().len(), 2_000_000);
    // What is mounted there is not what the engine would read.
    docker(&["rm", "--force", &name_of(&session)]).await;
}

async fn change(server: &Client, spider: &str, path: &str, content: &str) {
    let files = server.get(&format!("/spiders/{spider}/files")).await.data();
    let file = files.as_array().unwrap().iter().find(|file| file["path"] == path).unwrap();
    let url = format!("/spiders/{spider}/files/{}", file["id"].as_str().unwrap());
    server.put(&url, json!({"content": content})).await.ok();
}

/// 300,000 names of few files, so long that a list of them is as one of a million: those take this machine a minute.
const MANY: &str = r#"cd /workspace && mkdir many && for part in 1 2 3; do python3 -c "
import os, sys
folder = 'many/' + 90 * sys.argv[1]
os.mkdir(folder)
os.chdir(folder)
for n in range(2):
    os.mknod(f'{n}')
    for m in range(49_999): os.link(f'{n}', f'{n}-{m}')
" $part & done; wait"#;

#[tokio::test]
async fn far_too_many_files() {
    let settings = [("CRAWLHUB_CODE_SESSIONS_CPUS", "2"), ("CRAWLHUB_CODE_SESSIONS_CHECKPOINT_SECONDS", "3600")];
    let Some(server) = server(&settings).await else { return };
    let spider = server.spider(json!({"name": "many"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&server, &spider).await;
    in_editor(&session, MANY).await;
    in_editor(&session, "echo usable > /workspace/main.py").await;
    let before = server.peak_memory_mb();
    let refused = server.post(&format!("{path}/sync"), json!({})).await;
    let said = refused.json()["msg"].as_str().unwrap().to_owned();
    assert_eq!(refused.error(413), "too_many_files");
    assert!(said.contains("may have 200;") && said.contains("many/"), "{said}");
    assert!(!said.contains("300001"), "the list was read to its end: {said}");
    let more = server.peak_memory_mb() - before;
    assert!(more < 150, "{more} MB");
    // It is kept, and whoever lists it for nobody ends.
    assert_eq!(server.get(&path).await.data()["status"], "ready");
    while in_editor(&session, "pgrep -c -x find || true").await != "0" {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("refused with {more} MB more");
    in_editor(&session, "rm -r /workspace/many").await;
    assert_eq!(server.post(&format!("{path}/sync"), json!({})).await.data()["files_synced"], 1);
    assert_eq!(content(&server, &spider, "main.py").await.unwrap(), "usable\n");
    server.delete(&path).await.ok();
}
