//! Spiders on a swarm of three real engines, each on a network of its own: `scripts/with-swarm` starts them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Client, ServerProcess, Settings, new_database, skip_unless};

/// The swarm that the tests run on.
pub(super) struct Swarm(PathBuf);

impl Swarm {
    pub(super) fn find() -> Option<Self> {
        let folder = std::env::var_os("TEST_SWARM").map(PathBuf::from);
        if skip_unless(folder.is_some(), "a swarm (scripts/with-swarm)") {
            return None;
        }
        folder.map(Self)
    }

    fn word(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned()
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Of the machine, as this one reaches it.
    pub(super) fn machine_address(&self, engine: u8) -> String {
        self.word("address").rsplit_once('.').map(|(network, _)| format!("{network}.1{engine}")).unwrap()
    }

    pub(super) fn host(&self, engine: u8) -> String {
        format!("unix://{}/{engine}.sock", self.0.display())
    }

    pub(super) async fn docker(&self, engine: u8, words: &[&str]) -> String {
        let mut tries = 0;
        loop {
            let host = ["--host", &self.host(engine)];
            let done = Command::new("docker").args(host).args(words).stdin(Stdio::null()).output().await.unwrap();
            let complaint = String::from_utf8_lossy(&done.stderr);
            // What is changed was read before: in between the machine itself may have told of a change.
            if complaint.contains("update out of sequence") && tries < 50 {
                tries += 1;
                continue;
            }
            assert!(done.status.success(), "docker {words:?}: {complaint}");
            return String::from_utf8(done.stdout).unwrap().trim().to_owned();
        }
    }

    /// Of the machine in the swarm.
    async fn label(&self, engine: u8, change: &[&str]) {
        let name = format!("engine{engine}");
        let words: Vec<&str> =
            ["node", "update"].into_iter().chain(change.iter().copied()).chain([name.as_str()]).collect();
        self.docker(1, &words).await;
    }

    /// Whether the machine's engine hears who works in it.
    pub(super) async fn set_silent(&self, engine: u8, is_silent: bool) {
        let (network, change) = (format!("{}{engine}", self.word("link")), if is_silent { "-I" } else { "-D" });
        let rule = ["INPUT", "-p", "tcp", "--dport", "2376", "-j", "DROP"];
        let words = ["netns", "exec", &network, "iptables", change];
        assert!(Command::new("ip").args(words).args(rule).status().await.unwrap().success());
    }

    async fn link(&self, engine: u8, state: &str) {
        let link = format!("{}{engine}", self.word("link"));
        assert!(Command::new("ip").args(["link", "set", &link, state]).status().await.unwrap().success());
    }

    /// Waits until nothing of any task is left in it.
    async fn is_clean(&self) {
        let give_up = Instant::now() + Duration::from_mins(3);
        loop {
            let services = self.docker(1, &["service", "ls", "--quiet"]).await;
            let secrets = self.docker(1, &["secret", "ls", "--quiet"]).await;
            let (mut containers, mut volumes) = (String::new(), String::new());
            for engine in [1, 2, 3] {
                containers +=
                    &self.docker(engine, &["ps", "--all", "--quiet", "--filter", "label=crawlhub.attempt"]).await;
                volumes += &self.docker(engine, &["volume", "ls", "--quiet"]).await;
            }
            if [&services, &secrets, &containers, &volumes].iter().all(|left| left.is_empty()) {
                return;
            }
            let left = format!("services {services:?}, secrets {secrets:?}, containers {containers:?}, {volumes:?}");
            assert!(Instant::now() < give_up, "{left}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A server that the swarm's containers reach, and that can be started again at the same address.
struct Server {
    process: ServerProcess,
    settings: Vec<(String, String)>,
}

impl std::ops::Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.process.client
    }
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Of a server at an address of its own.
fn settings_of(swarm: &Swarm, given: Settings<'_>) -> Vec<(String, String)> {
    let free = std::net::TcpListener::bind((swarm.word("address"), 0)).unwrap().local_addr().unwrap();
    let own = [
        ("CRAWLHUB_LISTEN", free.to_string()),
        // Where only containers of the swarm reach it.
        ("CRAWLHUB_RUNNER_API_URL", "http://172.31.255.1:9".to_owned()),
        ("CRAWLHUB_SWARM_API_URL", format!("http://{free}")),
        ("CRAWLHUB_SWARM_HOST", swarm.host(1)),
    ];
    let given = given.iter().map(|(name, value)| (*name, (*value).to_owned()));
    own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Server {
    async fn start(swarm: &Swarm, settings: Settings<'_>) -> Self {
        let settings = settings_of(swarm, settings);
        let dir = tempfile::Builder::new().prefix("crawlhub-test-").tempdir().unwrap();
        let process = ServerProcess::start_in(dir, new_database().await, &borrowed(&settings)).await;
        Self { process, settings }
    }

    /// Killed, and started again on what it left.
    async fn start_again(mut self) -> Self {
        self.process.child.kill().await.unwrap();
        let dir = std::mem::replace(&mut self.process.dir, TempDir::new().unwrap());
        let process = ServerProcess::start_in(dir, self.process.database_url.take(), &borrowed(&self.settings)).await;
        Self { process, settings: self.settings }
    }

    async fn spider_of(&self, mut fields: Value, script: &str) -> String {
        fields["runner"] = json!("swarm");
        self.spider(fields, &[("main.py", script)]).await
    }

    async fn task(&self, id: &str) -> Value {
        self.get(&format!("/tasks/{id}")).await.data()
    }
}

/// The machine of the swarm that runs the task, or ran it.
fn machine(task: &Value) -> String {
    let worker = task["worker_id"].as_str().unwrap();
    worker
        .strip_prefix("swarm:")
        .and_then(|rest| rest.split_once(':'))
        .unwrap_or_else(|| panic!("{worker}"))
        .0
        .to_owned()
}

fn failed(task: &Value, category: &str, says: &str) {
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!(category)), "{task}");
    assert!(task["error_message"].as_str().unwrap().contains(says), "{task}");
}

const SAVES: &str = "
import time
from crawlhub import get_params, save_item
for n in range(50):
    save_item({'run': get_params()['run'], 'n': n})
    print('line', n, flush=True)
    time.sleep(0.02)
";

#[tokio::test(flavor = "multi_thread")]
async fn tasks_go_to_all_machines_and_every_item_is_counted() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[("CRAWLHUB_SWARM_SLOTS", "6")]).await;
    let spider = server.spider_of(json!({"name": "many", "overlap": "allow"}), SAVES).await;
    let mut tasks = Vec::new();
    for run in 0..9 {
        tasks.push(server.run(&spider, json!({"params": {"run": run}})).await);
    }
    let mut machines = BTreeSet::new();
    for (run, id) in tasks.iter().enumerate() {
        let task = server.ended(id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
        assert_eq!((&task["total_count"], &task["success_count"]), (&json!(50), &json!(50)), "{task}");
        let numbers: BTreeSet<_> = server.items(id).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (0..50).collect(), "run {run}");
        let lines = server.lines(id).await;
        assert_eq!(lines.iter().filter(|line| line["line"].as_str().unwrap().starts_with("line ")).count(), 50);
        machines.insert(machine(&task));
    }
    assert_eq!(machines, ["engine1", "engine2", "engine3"].map(str::to_owned).into());
    swarm.is_clean().await;
}

/// Two servers on one database: what one has started in the swarm the other neither starts nor removes.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_a_swarm() {
    let Some(swarm) = Swarm::find() else { return };
    let settings = [("CRAWLHUB_SWARM_SLOTS", "4")];
    let server = Server::start(&swarm, &settings).await;
    let database = server.process.database_url.clone();
    if skip_unless(database.is_some(), "a PostgreSQL (scripts/with-postgres)") {
        return;
    }
    let other = server.process.beside(&database.unwrap(), &borrowed(&settings_of(&swarm, &settings))).await;
    let spider = server.spider_of(json!({"name": "shared", "overlap": "allow"}), SAVES).await;
    let mut tasks = Vec::new();
    for run in 0..8 {
        let client = if run % 2 == 0 { &*server } else { &other.client };
        tasks.push(client.run(&spider, json!({"params": {"run": run}})).await);
    }
    for id in &tasks {
        let task = server.ended(id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
        assert_eq!((&task["total_count"], &task["success_count"]), (&json!(50), &json!(50)), "{task}");
        let lines = server.lines(id).await;
        assert_eq!(lines.iter().filter(|line| line["line"].as_str().unwrap().starts_with("line ")).count(), 50);
    }
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_choose_the_machine_and_what_none_has_waits() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    swarm.label(2, &["--label-add", "region=eu"]).await;
    let fields = json!({"name": "labelled", "node_labels": ["region=eu"], "overlap": "allow"});
    let spider = server.spider_of(fields, "print('here')").await;
    for id in [server.run(&spider, json!({})).await, server.run(&spider, json!({})).await] {
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], machine(&task)), (&json!("completed"), "engine2".to_owned()), "{task}");
    }
    let spider = server.spider_of(json!({"name": "gpu", "node_labels": ["gpu", "region=eu"]}), "print('here')").await;
    let id = server.run(&spider, json!({})).await;
    let says =
        |task: &Value| task["pending_reason"].as_str().is_some_and(|why| why.contains("has the labels gpu, region=eu"));
    server.eventually(&format!("/tasks/{id}"), says).await;
    swarm.label(2, &["--label-add", "gpu=true"]).await;
    assert_eq!(machine(&server.ended(&id).await), "engine2");
    swarm.label(2, &["--label-rm", "gpu", "--label-rm", "region"]).await;
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_machine_has_room_for_says_so_and_is_not_in_the_way() {
    let Some(swarm) = Swarm::find() else { return };
    // What builds go through, which nothing answers at: the server is reached without it.
    let index = "http://index.invalid/simple";
    let network = [
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("PIP_INDEX_URL", index),
        ("UV_INDEX_URL", index),
        ("PIP_RETRIES", "0"),
        ("UV_HTTP_RETRIES", "0"),
    ];
    let server = Server::start(&swarm, &network).await;
    let spider = server.spider_of(json!({"name": "large", "memory_limit_mb": 1 << 20}), "print('here')").await;
    let large = server.run(&spider, json!({})).await;
    let says = |task: &Value| {
        task["pending_reason"]
            .as_str()
            .is_some_and(|why| why.contains("enough memory and processors") && why.contains("insufficient resources"))
    };
    server.eventually(&format!("/tasks/{large}"), says).await;
    let fields = json!({"name": "small", "memory_limit_mb": 128, "cpu_limit": 0.5});
    let spider = server.spider_of(fields, "import time\nprint('up', flush=True)\ntime.sleep(1000)").await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    assert!(server.task(&id).await["pending_reason"].is_null());
    let service = swarm.docker(1, &["service", "ls", "--quiet", "--filter", &format!("name=crawlhub-{id}")]).await;
    let kept = swarm.docker(1, &["service", "inspect", "--format", RESERVATIONS, &service]).await;
    // A quarter of 128 MB and 256 MB for what runs the spider, and of half a processor.
    assert_eq!(kept, "100663296 125000000");
    let told = "{{.Spec.TaskTemplate.ContainerSpec.Env}}";
    let told = swarm.docker(1, &["service", "inspect", "--format", told, &service]).await;
    // Passwords may be in it: the container hears of it when it takes the attempt.
    assert!(!told.contains("index.invalid"), "{told}");
    for id in [&large, &id] {
        server.post(&format!("/tasks/{id}/cancel"), json!({})).await.ok();
        assert_eq!(server.ended(id).await["status"], "cancelled");
    }
    let spider = server.spider_of(json!({"name": "built", "requirements_txt": "of-nobody\n"}), "").await;
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "failed", "{task}");
    let lines = server.lines(task["id"].as_str().unwrap()).await;
    assert!(lines.iter().any(|line| line["line"].to_string().contains(index)), "{task} {lines:?}");
    swarm.is_clean().await;
}

const RESERVATIONS: &str = "{{with .Spec.TaskTemplate.Resources.Reservations}}{{.MemoryBytes}} {{.NanoCPUs}}{{end}}";

#[tokio::test(flavor = "multi_thread")]
async fn a_task_ends_when_it_is_told_to_and_when_its_time_is_over() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    let script = "import signal, sys, time\ndef end(*_):\n    print('cleaned up', flush=True); sys.exit(0)\n\
                  signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(1000)";
    let spider = server.spider_of(json!({"name": "cancelled"}), script).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "up").await;
    server.post(&format!("/tasks/{id}/cancel"), json!({})).await.ok();
    assert_eq!(server.ended(&id).await["status"], "cancelled");
    assert!(server.lines(&id).await.iter().any(|line| line["line"] == "cleaned up"));
    let spider = server.spider_of(json!({"name": "slow", "timeout_seconds": 2}), script).await;
    failed(&server.run_to_end(&spider, json!({})).await, "timeout", "timed out after 2 s");
    let greedy = "x = []\nwhile True: x.append(bytearray(5_000_000))";
    let spider = server.spider_of(json!({"name": "greedy", "memory_limit_mb": 100}), greedy).await;
    failed(&server.run_to_end(&spider, json!({})).await, "system", "memory limit of 100 MB");
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_why() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    let spider = server.spider_of(json!({"name": "none", "image": "none:none"}), "").await;
    failed(&server.run_to_end(&spider, json!({})).await, "system", "No such image: none:none");
    // It has no crawlhub in it.
    let spider = server.spider_of(json!({"name": "other", "image": "crawlhub-base"}), "").await;
    failed(&server.run_to_end(&spider, json!({})).await, "system", "the image must be made from");
    let away = Server::start(&swarm, &[("CRAWLHUB_SWARM_NETWORK", "nowhere")]).await;
    let spider = away.spider_of(json!({"name": "nowhere"}), "").await;
    failed(&away.run_to_end(&spider, json!({})).await, "system", "nowhere");
    // Where nothing answers.
    let lost = Server::start(
        &swarm,
        &[("CRAWLHUB_SWARM_START_SECONDS", "30"), ("CRAWLHUB_SWARM_API_URL", "http://172.31.255.1:9")],
    );
    let lost = lost.await;
    let spider = lost.spider_of(json!({"name": "lost"}), "").await;
    failed(&lost.run_to_end(&spider, json!({})).await, "system", "did not reach the server at http://172.31.255.1:9");
    swarm.is_clean().await;
}

/// Goes on where the last attempt was; each checkpoint comes after the items before it.
const GOES_ON: &str = "
import time
from crawlhub import load_checkpoint, save_checkpoint, save_item
n = (load_checkpoint() or {'n': 0})['n']
print('begins at', n, flush=True)
while n < 200:
    save_item({'n': n})
    n += 1
    print('line', n, flush=True)
    if n % 10 == 0:
        save_checkpoint({'n': n})
    time.sleep(0.1)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_machine_is_cut_off_goes_on_elsewhere_once() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[("CRAWLHUB_NODES_LEASE_SECONDS", "6")]).await;
    // The first is the manager, by which the tests ask.
    for engine in [2, 3] {
        swarm.label(engine, &["--label-add", "far=true"]).await;
    }
    let fields = json!({"name": "far", "node_labels": ["far"], "dedup_enabled": true, "dedup_fields": "n"});
    let spider = server.spider_of(fields, GOES_ON).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "line 30").await;
    let first = machine(&server.task(&id).await);
    let engine = if first == "engine2" { 2 } else { 3 };
    swarm.link(engine, "down").await;
    let task = server.ended(&id).await;
    swarm.link(engine, "up").await;
    assert_eq!(
        (&task["status"], &task["attempt"], &task["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0)),
        "{task}"
    );
    assert_ne!(machine(&task), first);
    let mut numbers: Vec<_> = server.items(&id).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    let attempts = server.get(&format!("/tasks/{id}/attempts")).await.data();
    assert_eq!((&attempts[0]["is_interrupted"], attempts.as_array().unwrap().len()), (&json!(true), 2), "{attempts}");
    assert!(attempts[0]["error_message"].as_str().unwrap().contains("cut off"), "{attempts}");
    let starts = server.lines(&id).await;
    let starts: Vec<_> = starts.iter().filter_map(|line| line["line"].as_str()?.strip_prefix("begins at ")).collect();
    assert_eq!((starts.len(), starts[0]), (2, "0"));
    for engine in [2, 3] {
        swarm.label(engine, &["--label-rm", "far"]).await;
    }
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_killed_is_not_waited_for() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    let fields = json!({"name": "killed", "dedup_enabled": true, "dedup_fields": "n"});
    let spider = server.spider_of(fields, &GOES_ON.replace("200", "60")).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "line 20").await;
    let engine: u8 = machine(&server.task(&id).await).trim_start_matches("engine").parse().unwrap();
    let label = format!("label=crawlhub.task_id={id}");
    let container = swarm.docker(engine, &["ps", "--quiet", "--filter", &label]).await;
    let begun = Instant::now();
    swarm.docker(engine, &["kill", &container]).await;
    let task = server.ended(&id).await;
    // Long before the lease of five minutes.
    assert!(begun.elapsed() < Duration::from_mins(4));
    assert_eq!(
        (&task["status"], &task["attempt"], &task["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0)),
        "{task}"
    );
    let mut numbers: Vec<_> = server.items(&id).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
    let attempts = server.get(&format!("/tasks/{id}/attempts")).await.data();
    assert!(attempts[0]["error_message"].as_str().unwrap().contains("137"), "{attempts}");
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_drained_gives_its_tasks_away() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    for engine in [2, 3] {
        swarm.label(engine, &["--label-add", "far=true"]).await;
    }
    let spider =
        server.spider_of(json!({"name": "drained", "node_labels": ["far"]}), &GOES_ON.replace("200", "60")).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "line 20").await;
    let first = machine(&server.task(&id).await);
    swarm.docker(1, &["node", "update", "--availability", "drain", &first]).await;
    let task = server.ended(&id).await;
    swarm.docker(1, &["node", "update", "--availability", "active", &first]).await;
    assert_eq!(
        (&task["status"], &task["attempt"], &task["retry_count"]),
        (&json!("completed"), &json!(2), &json!(0)),
        "{task}"
    );
    assert_ne!(machine(&task), first);
    for engine in [2, 3] {
        swarm.label(engine, &["--label-rm", "far"]).await;
    }
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_are_in_the_network_that_is_named() {
    let Some(swarm) = Swarm::find() else { return };
    swarm.docker(1, &["network", "create", "--driver", "overlay", "--subnet", "10.232.0.0/24", "spiders"]).await;
    let server = Server::start(&swarm, &[("CRAWLHUB_SWARM_NETWORK", "spiders")]).await;
    let script = "print(open('/proc/net/fib_trie').read())";
    let spider = server.spider_of(json!({"name": "networked"}), script).await;
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    let lines = server.lines(task["id"].as_str().unwrap()).await;
    assert!(lines.iter().any(|line| line["line"].as_str().unwrap().contains("10.232.0.")), "{lines:?}");
    swarm.is_clean().await;
    swarm.docker(1, &["network", "rm", "spiders"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_finds_its_containers_again() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    let spider = server.spider_of(json!({"name": "goes on"}), &GOES_ON.replace("200", "80")).await;
    let id = server.run(&spider, json!({})).await;
    server.wait_for_line(&id, "line 20").await;
    let server = server.start_again().await;
    let task = server.ended(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(1)), "{task}");
    assert_eq!((&task["total_count"], &task["success_count"]), (&json!(80), &json!(80)), "{task}");
    let lines = server.lines(&id).await;
    let counted = lines.iter().filter(|line| line["line"].as_str().unwrap().starts_with("line ")).count();
    assert_eq!(counted, 80);
    swarm.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_cannot_use_what_its_container_has() {
    let Some(swarm) = Swarm::find() else { return };
    let server = Server::start(&swarm, &[]).await;
    let script = r"
import json, os, urllib.error, urllib.request
base = os.environ['CRAWLHUB_API_URL'].split('/_t/')[0] + '/crawlhub/internal'
task, attempt = os.environ['CRAWLHUB_TASK_ID'], 1
def call(path, token, body):
    request = urllib.request.Request(base + path, json.dumps(body).encode(),
                                     {'x-agent-token': token, 'content-type': 'application/json'})
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
try:
    token = open('/run/secrets/crawlhub').read()
except OSError as error:
    token, _ = 'attempt.x.1.y', print('closed', type(error).__name__)
of = {'task_id': task, 'attempt': attempt, 'instance': 'engine1:x'}
end = {'of': of, 'outcome': {'end': 'completed', 'exit_code': 0, 'signal': None, 'peak_memory_mb': None,
       'duration': {'secs': 1, 'nanos': 0}, 'undelivered': 0, 'log_truncated': False}, 'stop': None}
own = os.environ['CRAWLHUB_API_URL'].split('/_t/')[1]
for given in (token, token + '.' + 'k' * 43, own, own + '.' + 'k' * 43):
    print('take', call('/attempts/take', given, {'machine': 'engine1', 'protocol': 1}))
    print('end', call('/nodes/end', given, end))
status = open('/proc/self/status').read()
print('capabilities', status.split('CapEff:')[1].split()[0], 'privileges', status.split('NoNewPrivs:')[1].split()[0])
print('user', os.getuid(), 'agent', sorted(name for name in os.environ if name.startswith('AGENT')))
for place in ('/usr/x', '/etc/x', '/home/x'):
    try:
        open(place, 'w')
        print('wrote', place)
    except OSError:
        pass
";
    let spider = server.spider_of(json!({"name": "curious"}), script).await;
    let task = server.run_to_end(&spider, json!({})).await;
    let lines = server.lines(task["id"].as_str().unwrap()).await;
    let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in &lines {
        let (word, rest) = line["line"].as_str().unwrap().split_once(' ').unwrap_or_default();
        said.entry(word).or_default().push(rest);
    }
    assert_eq!(task["status"], "completed", "{task} {said:?}");
    assert!(said["take"].len() == 4 && said["end"].len() == 4, "{said:?}");
    assert!(said["take"].iter().chain(&said["end"]).all(|status| ["401", "409"].contains(status)), "{said:?}");
    assert_eq!(said["capabilities"], ["0000000000000000 privileges 1"], "{said:?}");
    assert_eq!(said["user"], ["1000 agent []"], "{said:?}");
    assert!(!said.contains_key("wrote"), "{said:?}");
    swarm.is_clean().await;
}
