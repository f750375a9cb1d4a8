//! `kill -9` of the server at any moment, again and again, while spiders run. They keep a ledger outside: what it says
//! and what the server kept must agree.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, ServerProcess, Settings};

const KILLS: usize = 50;
const SPIDERS: usize = 4;
const SETTINGS: Settings = &[("CRAWLHUB_SLOTS", "4"), ("CRAWLHUB_LOG_FILTER", "error")];

/// Holds a lock while it runs: two at once would see it taken. Writes down what the server has acknowledged. Goes on
/// where its last attempt was.
const SCRIPT: &str = r"
import fcntl, os, sys, time, uuid
from crawlhub import save_item, flush, load_checkpoint, save_checkpoint
folder, task = os.environ['LEDGER'], os.environ['CRAWLHUB_TASK_ID']
ledger = os.open(os.path.join(folder, 'ledger'), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(*words): os.write(ledger, (' '.join(map(str, words)) + '\n').encode())
lock = os.open(os.path.join(folder, task + '.lock'), os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    note('twice', task)
    sys.exit(1)
note('start', task, os.getpid())
n = (load_checkpoint() or {'n': 0})['n']
while n < 12:
    name = uuid.uuid4().hex
    note('saved', task, name)
    save_item({'n': n, 'name': name})
    if flush(5):
        note('acknowledged', task, name)
    n += 1
    save_checkpoint({'n': n})
    print('line', n, flush=True)
    time.sleep(0.03)
note('end', task)
";

/// What the spiders wrote down.
#[derive(Default)]
struct Ledger {
    starts: HashMap<String, usize>,
    ends: HashMap<String, usize>,
    acknowledged: BTreeSet<String>,
    saved: BTreeSet<String>,
    pids: Vec<u32>,
}

impl Ledger {
    fn read(folder: &Path) -> Self {
        let mut ledger = Self::default();
        let text = std::fs::read_to_string(folder.join("ledger")).unwrap_or_default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["start", task, pid] => {
                    *ledger.starts.entry(task.to_owned()).or_default() += 1;
                    ledger.pids.push(pid.parse().unwrap());
                }
                ["saved", _, name] => drop(ledger.saved.insert(name.to_owned())),
                ["acknowledged", _, name] => drop(ledger.acknowledged.insert(name.to_owned())),
                ["end", task] => *ledger.ends.entry(task.to_owned()).or_default() += 1,
                _ => panic!("the ledger says: {line}"),
            }
        }
        ledger
    }
}

/// The highest line of each task's log that somebody has seen.
async fn see_lines(client: &Client, seen: &mut BTreeMap<String, i64>) {
    let tasks = client.get("/tasks?status=running").await.data();
    for task in tasks["items"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap().to_owned();
        let last = client.lines(&id).await.last().map_or(0, |line| line["seq"].as_i64().unwrap());
        seen.insert(id, last);
    }
}

async fn keep_busy(client: &Client, spiders: &[String]) {
    for spider in spiders {
        let answer = client.post(&format!("/spiders/{spider}/run"), json!({})).await;
        assert!(answer.status == 200 || answer.error(409) == "spider_busy", "{}", answer.text);
    }
}

async fn all_tasks(client: &Client) -> Vec<Value> {
    let (mut tasks, mut page) = (Vec::new(), 1);
    loop {
        let some = client.get(&format!("/tasks?page_size=100&page={page}")).await.data();
        tasks.extend(some["items"].as_array().unwrap().iter().cloned());
        if page >= some["total_pages"].as_i64().unwrap() {
            return tasks;
        }
        page += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_again_and_again() {
    let number = rand::random();
    eprintln!("seed {number}");
    let mut random = StdRng::seed_from_u64(number);
    let outside = TempDir::new().unwrap();
    let mut server = ServerProcess::start(SETTINGS).await;
    let mut spiders = Vec::new();
    for number in 0..SPIDERS {
        let fields = json!({
            "name": format!("survivor {number}"), "max_retries": 100, "retry_delay_seconds": 0,
            "env_vars": {"LEDGER": outside.path()},
        });
        spiders.push(server.spider(fields, &[("main.py", SCRIPT)]).await);
    }
    let mut seen = BTreeMap::new();
    for _ in 0..KILLS {
        keep_busy(&server.client, &spiders).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..1000))).await;
        see_lines(&server.client, &mut seen).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
        server.child.kill().await.unwrap();
        let ServerProcess { dir, database_url, .. } = server;
        if random.random_bool(0.3) {
            // Once more, before it has come up.
            let mut command = ServerProcess::command(dir.path(), database_url.as_deref(), SETTINGS);
            let mut starting = command.arg("serve").stdout(std::process::Stdio::null()).spawn().unwrap();
            tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
            starting.kill().await.unwrap();
        }
        server = ServerProcess::start_in(dir, database_url, SETTINGS).await;
    }
    let tasks = all_tasks(&server.client).await;
    let mut kept = BTreeMap::<String, usize>::new();
    let ledger = {
        for task in &tasks {
            let ended = server.ended(task["id"].as_str().unwrap()).await;
            assert_eq!(ended["status"], "completed", "{ended}");
        }
        Ledger::read(outside.path())
    };
    for task in &tasks {
        let id = task["id"].as_str().unwrap();
        for item in server.items(id).await {
            *kept.entry(item["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let lines = server.lines(id).await;
        for (place, line) in lines.iter().enumerate() {
            assert_eq!(line["seq"], place + 1, "a line is missing, or there twice");
        }
        let last = i64::try_from(lines.len()).unwrap();
        assert!(seen.get(id).is_none_or(|seen| *seen <= last), "{id}: {last} lines, but {seen:?} were seen");
        let attempts = server.get(&format!("/tasks/{id}/attempts")).await.data();
        let attempts = attempts.as_array().unwrap();
        assert_eq!(attempts.last().unwrap()["status"], "completed", "{attempts:?}");
        assert!(attempts.iter().all(|attempt| attempt["finished_at"].is_string()), "{attempts:?}");
        // An attempt may have been killed before its spider began.
        let started = ledger.starts.get(id).copied().unwrap_or_default();
        assert!((1..=attempts.len()).contains(&started), "{started} starts, {attempts:?}");
        assert!(ledger.ends.contains_key(id), "{id} is completed and never came to its end");
    }
    let interrupted: i64 = tasks.iter().map(|task| task["attempt"].as_i64().unwrap() - 1).sum();
    eprintln!(
        "{} tasks, interrupted {interrupted} times, {} starts, {} items saved, {} acknowledged, {} kept",
        tasks.len(),
        ledger.starts.values().sum::<usize>(),
        ledger.saved.len(),
        ledger.acknowledged.len(),
        kept.len()
    );
    assert!(interrupted >= 25, "too few were interrupted to show anything: {interrupted}");
    assert!(kept.values().all(|count| *count == 1), "an item was stored twice");
    let lost: Vec<&String> = ledger.acknowledged.iter().filter(|name| !kept.contains_key(*name)).collect();
    assert!(lost.is_empty(), "{} acknowledged items are lost", lost.len());
    let unknown: Vec<&String> = kept.keys().filter(|name| !ledger.saved.contains(*name)).collect();
    assert!(unknown.is_empty(), "{} items come from nowhere", unknown.len());
    for pid in ledger.pids {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let is_ours = environment.windows(16).any(|part| part == b"CRAWLHUB_TASK_ID");
        assert!(!is_ours, "{pid} still runs");
    }
}

/// Nobody is left to end the spider. The next server does so, before it starts the task again.
#[tokio::test(flavor = "multi_thread")]
async fn its_supervisor_is_killed_with_the_server() {
    let outside = TempDir::new().unwrap();
    let mut server = ServerProcess::start(SETTINGS).await;
    // One has left the session, one has no mark any more. The lock is held until the last of them is gone.
    let script = format!(
        "import fcntl, os, subprocess, time\nos.chdir({:?})\nlock = open('lock', 'w')\nis_first = not os.path.exists('first')\n\
         try:\n    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError:\n    open('twice', 'w')\n\
         if is_first:\n    open('first', 'w')\n    sleep = ['sleep', '234567']\n    held = {{'pass_fds': [lock.fileno()]}}\n    \
         subprocess.Popen(sleep, start_new_session=True, **held)\n    subprocess.Popen(sleep, env={{}}, **held)\n    \
         print('supervisor', os.getppid(), flush=True)\n    time.sleep(600)",
        outside.path()
    );
    let fields = json!({"name": "orphan", "max_retries": 1, "retry_delay_seconds": 0});
    let spider = server.spider(fields, &[("main.py", &script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "supervisor").await;
    let line = server.lines(&task).await[0]["line"].as_str().unwrap().to_owned();
    let supervisor = Pid::from_raw(line.split(' ').nth(1).unwrap().parse().unwrap());
    let this = Pid::from_raw(server.pid().try_into().unwrap());
    // Stopped first, neither can see to what the other leaves.
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        kill(supervisor, signal).unwrap();
        kill(this, signal).unwrap();
    }
    server.child.wait().await.unwrap();
    let ServerProcess { dir, database_url, .. } = server;
    let server = ServerProcess::start_in(dir, database_url, SETTINGS).await;
    let ended = server.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    assert!(!outside.path().join("twice").exists(), "it ran twice at once");
}
