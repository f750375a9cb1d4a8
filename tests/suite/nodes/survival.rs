//! `kill -9` of the agent and of the server, while a spider runs on a node.

use std::{path::Path, time::Duration};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{NodeProcess, ServerProcess, free_port};

/// Holds a lock while it runs: two at once would see it taken. What it has saved is written down beside. With
/// checkpoints it goes on where its last attempt was; each waits until the items before it are stored.
const SCRIPT: &str = r"
import fcntl, os, sys, time, uuid
from crawlhub import save_item, load_checkpoint, save_checkpoint
folder = os.environ['LEDGER']
ledger = os.open(os.path.join(folder, 'ledger'), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
lock = os.open(os.path.join(folder, 'lock'), os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    os.write(ledger, b'twice\n')
    sys.exit(1)
os.write(ledger, ('start %d\n' % os.getpid()).encode())
n = (load_checkpoint() or {'n': 0})['n']
while n < 60:
    name = uuid.uuid4().hex
    os.write(ledger, ('saved %s\n' % name).encode())
    save_item({'n': n, 'name': name})
    n += 1
    if n % 10 == 0 and os.environ.get('CHECKPOINTS'):
        save_checkpoint({'n': n})
    print('line', n, flush=True)
    time.sleep(0.05)
";

fn ledger(folder: &Path, word: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("ledger")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix(word));
    lines.map(|rest| rest.trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_killed_and_leaves_no_orphan() {
    let outside = TempDir::new().unwrap();
    let server = ServerProcess::start(&[]).await;
    let mut node = NodeProcess::join(&server, "one", &[]).await;
    let mut fields = node.spider("survivor");
    fields["env_vars"] = json!({"LEDGER": outside.path(), "CHECKPOINTS": "yes"});
    let spider = server.spider(fields, &[("main.py", SCRIPT)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "line 12").await;
    node.child.kill().await.unwrap();
    let begun = std::time::Instant::now();
    node.start_again(&server, &[]);
    let ended = server.ended(&task).await;
    // Long before the lease of five minutes.
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert_eq!(
        (&ended["status"], &ended["attempt"], &ended["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0))
    );
    assert!(ledger(outside.path(), "twice").is_empty());
    for pid in ledger(outside.path(), "start") {
        assert!(!Path::new("/proc").join(&pid).exists(), "{pid} still runs");
    }
    let attempts = server.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_eq!(attempts[0]["is_interrupted"], true, "{attempts}");
    assert!(attempts[0]["error_message"].as_str().unwrap().contains("agent of the node was killed"), "{attempts}");
    let names: Vec<String> =
        server.items(&task).await.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    let unique: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "an item twice");
    let saved = ledger(outside.path(), "saved");
    // What the killed spider had not given away yet is its own loss; the checkpoint makes up for it.
    assert!(names.iter().all(|name| saved.contains(name)) && names.len() >= 50, "{} of {}", names.len(), saved.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_and_everything_arrives_afterwards() {
    let outside = TempDir::new().unwrap();
    let port = format!("127.0.0.1:{}", free_port());
    let settings = [("CRAWLHUB_LISTEN", port.as_str())];
    let mut server = ServerProcess::start(&settings).await;
    let node = NodeProcess::join(&server, "one", &[]).await;
    let mut fields = node.spider("survivor");
    fields["env_vars"] = json!({"LEDGER": outside.path()});
    let spider = server.spider(fields, &[("main.py", SCRIPT)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "line 12").await;
    server.child.kill().await.unwrap();
    let ServerProcess { dir, database_url, .. } = server;
    // The spider goes on to its end meanwhile.
    let give_up = std::time::Instant::now() + Duration::from_mins(1);
    while ledger(outside.path(), "saved").len() < 60 {
        assert!(std::time::Instant::now() < give_up);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server = ServerProcess::start_in(dir, database_url, &settings).await;
    let ended = server.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(1)), "{ended}");
    let mut names: Vec<String> =
        server.items(&task).await.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    let mut saved = ledger(outside.path(), "saved");
    names.sort();
    saved.sort();
    assert_eq!(names, saved, "every item, once");
    let lines: Vec<String> =
        server.lines(&task).await.iter().map(|line| line["line"].as_str().unwrap().to_owned()).collect();
    let told: Vec<&String> = lines.iter().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(told.len(), 60, "{lines:?}");
}

/// What ran ends with its lease, as somebody else may run the task then; what it found is told when the server is back,
/// which waits a minute for that, and the task goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_longer_than_the_lease() {
    let outside = TempDir::new().unwrap();
    let port = format!("127.0.0.1:{}", free_port());
    let settings = [("CRAWLHUB_LISTEN", port.as_str()), ("CRAWLHUB_NODES_LEASE_SECONDS", "5")];
    let mut server = ServerProcess::start(&settings).await;
    let node = NodeProcess::join(&server, "one", &[]).await;
    let mut fields = node.spider("survivor");
    fields["env_vars"] = json!({"LEDGER": outside.path()});
    let script = SCRIPT.replace("n < 60", "n < (2000 if not os.path.exists(os.path.join(folder, 'back')) else 3)");
    let spider = server.spider(fields, &[("main.py", &script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "line 12").await;
    server.child.kill().await.unwrap();
    let pid = ledger(outside.path(), "start").pop().unwrap();
    let give_up = std::time::Instant::now() + Duration::from_mins(1);
    while Path::new("/proc").join(&pid).exists() {
        assert!(std::time::Instant::now() < give_up, "it runs for longer than its lease");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let saved = ledger(outside.path(), "saved");
    std::fs::write(outside.path().join("back"), "").unwrap();
    let ServerProcess { dir, database_url, .. } = server;
    let server = ServerProcess::start_in(dir, database_url, &settings).await;
    let ended = server.ended(&task).await;
    assert_eq!(
        (&ended["status"], &ended["attempt"], &ended["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0))
    );
    let names: Vec<String> =
        server.items(&task).await.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    let found = saved.iter().filter(|name| names.contains(name)).count();
    // The SDK writes down what it could not send when it is told to end; its last items may be lost with the process.
    assert!(found + 2 >= saved.len(), "{found} of {}", saved.len());
    assert_eq!(names.len(), found + 3, "each once");
    let attempts = server.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_eq!(attempts[0]["is_interrupted"], true, "{attempts}");
}
