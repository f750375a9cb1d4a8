//! Nodes in networks of their own, whose links are cut and come back while spiders run.

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, NodeProcess, ServerProcess, Settings, skip_unless};

/// A bridge of this machine, and namespaces that are joined to it.
struct Network {
    name: String,
    subnet: u8,
    nodes: u8,
}

impl Network {
    fn new() -> Option<Self> {
        let is_root = nix::unistd::geteuid().is_root();
        let name = format!("ch{:04x}", rand::random::<u16>());
        let network = Self { subnet: rand::random_range(1..255), name, nodes: 0 };
        let bridge = network.bridge();
        let made = is_root
            && ip(&["netns", "add", &format!("{}probe", network.name)])
            && ip(&["netns", "del", &format!("{}probe", network.name)])
            && ip(&["link", "add", &bridge, "type", "bridge"])
            && ip(&["addr", "add", &format!("{}/24", network.address(1)), "dev", &bridge])
            && ip(&["link", "set", &bridge, "up"]);
        (!skip_unless(made, "root, and iproute2's network namespaces")).then_some(network)
    }

    fn bridge(&self) -> String {
        format!("{}br", self.name)
    }

    fn address(&self, host: u8) -> String {
        format!("10.213.{}.{host}", self.subnet)
    }

    /// A namespace of its own.
    fn add(&mut self) -> Link {
        self.nodes += 1;
        let (number, space) = (self.nodes, format!("{}n{}", self.name, self.nodes));
        let (here, there) = (format!("{}h{number}", self.name), format!("{}t{number}", self.name));
        let address = format!("{}/24", self.address(10 + number));
        for words in [
            vec!["netns", "add", &space],
            vec!["link", "add", &here, "type", "veth", "peer", "name", &there, "netns", &space],
            vec!["link", "set", &here, "master", &self.bridge(), "up"],
            vec!["-n", &space, "addr", "add", &address, "dev", &there],
            vec!["-n", &space, "link", "set", &there, "up"],
            vec!["-n", &space, "link", "set", "lo", "up"],
        ] {
            assert!(ip(&words), "{words:?}");
        }
        Link { space, here }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 1..=self.nodes {
            ip(&["netns", "del", &format!("{}n{number}", self.name)]);
        }
        ip(&["link", "del", &self.bridge()]);
    }
}

struct Link {
    space: String,
    here: String,
}

impl Link {
    fn cut(&self) {
        assert!(ip(&["link", "set", &self.here, "down"]));
    }

    fn restore(&self) {
        assert!(ip(&["link", "set", &self.here, "up"]));
    }

    /// A node in the namespace.
    async fn node(&self, server: &Client, name: &str, settings: Settings<'_>) -> NodeProcess {
        NodeProcess::join_by(server, name, settings, |command| {
            let mut inside = tokio::process::Command::new("ip");
            inside.args(["netns", "exec", &self.space]).arg(command.as_std().get_program());
            inside.args(command.as_std().get_args()).kill_on_drop(true);
            let set = command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
            inside.envs(set).stdout(std::process::Stdio::null());
            inside
        })
        .await
    }
}

fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Prints and saves, and writes beside what it saved. With `CHECKPOINTS` it goes on where the last attempt was.
const SCRIPT: &str = r"
import fcntl, json, os, sys, time
from crawlhub import save_item, load_checkpoint, save_checkpoint
folder, many = os.environ['LEDGER'], int(os.environ['MANY'])
lock = os.open(os.path.join(folder, os.environ['CRAWLHUB_TASK_ID']), os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open(os.path.join(folder, 'twice'), 'w').close()
    sys.exit(1)
checks = os.environ.get('CHECKPOINTS')
n = (load_checkpoint() or {'n': 0})['n'] if checks else 0
more = open(os.path.join(os.environ['CRAWLHUB_OUTPUT_DIR'], 'more.jsonl'), 'w', buffering=1)
while n < many:
    save_item({'n': n})
    more.write(json.dumps({'n': n + many}) + '\n')
    n += 1
    print('line', n, flush=True)
    if checks and n % 20 == 0:
        save_checkpoint({'n': n})
    time.sleep(0.1)
";

async fn numbers(server: &Client, task: &str) -> Vec<i64> {
    let mut numbers: Vec<i64> = server.items(task).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

fn said(lines: &[Value]) -> Vec<String> {
    let lines = lines.iter().map(|line| line["line"].as_str().unwrap().to_owned());
    lines.filter(|line| line.starts_with("line ")).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_cut_and_every_item_counts() {
    let Some(mut network) = Network::new() else { return };
    let ledger = TempDir::new().unwrap();
    let listen = format!("{}:0", network.address(1));
    let settings = [("CRAWLHUB_LISTEN", listen.as_str()), ("CRAWLHUB_NODES_LEASE_SECONDS", "12")];
    let server = ServerProcess::start(&settings).await;
    let links = [network.add(), network.add(), network.add()];
    let labels = ["a", "b", "b"].map(|label| [("AGENT_LABELS", label), ("AGENT_SLOTS", "4")]);
    let names = ["one", "two", "three"];
    let nodes = futures_util::future::join_all((0..3).map(|at| links[at].node(&server, names[at], &labels[at]))).await;
    let spider = async |label: &str, many: i64, more: Value| {
        let mut fields = json!({
            "name": format!("of {label} {many}"), "runner": "node", "node_labels": [label], "timeout_seconds": 300,
            "env_vars": {"LEDGER": ledger.path(), "MANY": many.to_string()},
        });
        if more["CHECKPOINTS"].is_string() {
            fields["env_vars"]["CHECKPOINTS"] = json!("yes");
            fields["dedup_enabled"] = json!(true);
            fields["dedup_fields"] = json!("n");
        }
        server.spider(fields, &[("main.py", SCRIPT)]).await
    };
    let short = server.run(&spider("a", 120, json!({})).await, json!({})).await;
    let long = server.run(&spider("b", 150, json!({"CHECKPOINTS": "yes"})).await, json!({})).await;
    tokio::join!(server.wait_for_line(&short, "line 30"), server.wait_for_line(&long, "line 30"));
    let holder = server.get(&format!("/tasks/{long}")).await.data()["worker_id"].as_str().unwrap().to_owned();
    let cut = if holder.starts_with("node:two:") { 1 } else { 2 };

    // One comes back before its lease has run out, and goes on; the other's task passes on.
    links[0].cut();
    links[cut].cut();
    tokio::time::sleep(Duration::from_secs(5)).await;
    links[0].restore();
    let short = server.ended(&short).await;
    let id = short["id"].as_str().unwrap();
    assert_eq!((&short["status"], &short["attempt"]), (&json!("completed"), &json!(1)), "{short}");
    assert_eq!(numbers(&server, id).await, (0..240).collect::<Vec<i64>>());
    assert_eq!(said(&server.lines(id).await), (1..=120).map(|n| format!("line {n}")).collect::<Vec<_>>());

    let passed_on = server.eventually(&format!("/tasks/{long}"), |task| task["attempt"] == 2).await;
    let other = if cut == 1 { "node:three:" } else { "node:two:" };
    assert!(passed_on["worker_id"].as_str().unwrap().starts_with(other), "{passed_on}");
    links[cut].restore();
    let long = server.ended(&long).await;
    let id = long["id"].as_str().unwrap();
    assert_eq!((&long["status"], &long["attempt"]), (&json!("completed"), &json!(2)), "{long}");
    let found = numbers(&server, id).await;
    // The second attempt went on at its checkpoint: only what the first had in its own file alone may be missing.
    assert_eq!(found[..150], (0..150).collect::<Vec<i64>>(), "{found:?}");
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "twice: {found:?}");
    assert!(!ledger.path().join("twice").exists(), "two attempts ran at once");

    // What the cut one still had to tell is of no use, and goes.
    let outbox = nodes[cut].dir.path().join("outbox");
    nodes[cut].until(&server, |node| node["report"]["running_tasks"] == 0 && is_empty(&outbox)).await;
    let states = server.get("/nodes").await.data();
    assert!(states["items"].as_array().unwrap().iter().all(|node| node["status"] == "online"), "{states}");
}
