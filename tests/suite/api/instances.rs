//! Instances: their life on an engine that is none, names, ports, quotas, and whose they are.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

use chrono::TimeDelta;
use crawlhub::platform::containers::{
    ContainerRuntime,
    fake::{PLAIN, WEB},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Socket, TestApp, wire::ask};

/// A server that allows them, with ports of its own: its settings stay as they are when it is started again.
struct Host {
    app: TestApp,
    settings: Vec<(&'static str, String)>,
    first_port: u16,
}

impl std::ops::Deref for Host {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Host {
    async fn with(more: &[(&'static str, &str)]) -> Self {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        // Below those that the system gives away, and apart from other runs on the machine.
        let place = u16::try_from(std::process::id() % 200).unwrap();
        let first_port = 12_000 + place * 100 + COUNT.fetch_add(1, Ordering::Relaxed) % 20 * 5;
        let own = [
            ("CRAWLHUB_INSTANCES_IMAGES", format!("{WEB}, {PLAIN},none:none")),
            ("CRAWLHUB_INSTANCES_PORTS", format!("{first_port}-{}", first_port + 4)),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let settings: Vec<_> = own.into_iter().chain(more).collect();
        let app = TestApp::with(&borrowed(&settings)).await;
        Self { app, settings, first_port }
    }

    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn restart(self) -> Self {
        let app = self.app.restart(&borrowed(&self.settings)).await;
        Self { app, ..self }
    }

    /// One that answers.
    async fn running(&self, new: Value) -> Value {
        let made = self.post("/instances", new).await.data();
        self.reaches(made["prefix"].as_str().unwrap(), "running").await
    }

    async fn reaches(&self, prefix: &str, status: &str) -> Value {
        self.eventually(&format!("/instances/{prefix}"), |instance| instance["status"] == status).await
    }

    async fn shown(&self, prefix: &str) -> Value {
        self.get(&format!("/instances/{prefix}")).await.data()
    }

    async fn containers(&self) -> Vec<String> {
        let all = self.engine.list(&[("crawlhub.type", "instance")]).await.unwrap();
        all.into_iter().map(|container| container.id).collect()
    }

    /// Its program ends by itself.
    async fn crash(&self) {
        for id in self.containers().await {
            let _ = self.engine.kill(&id, "KILL").await;
        }
    }

    /// What its page answers to whoever comes by its name.
    async fn page(&self, prefix: &str) -> u16 {
        let host = format!("{prefix}.localhost:8000");
        ask(&self.base, "GET", "/x", &[("Host", &host)], b"").await.status
    }

    async fn user(&self, name: &str, role: &str) -> Client {
        let (email, password) = (format!("{name}@example.com"), format!("password of {name}"));
        let user = json!({"email": email, "password": password, "role": role});
        self.send(self.request(Method::POST, "/platform/api/users").json(&user)).await.ok();
        Client::sign_in(&self.base, &email, &password).await
    }
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn from_create_to_delete() {
    let host = Host::new().await;
    let made = host.post("/instances", json!({"prefix": "shop2026", "public": true, "env": {"A": "b"}})).await.data();
    assert_eq!(
        (&made["prefix"], &made["status"], &made["image"]),
        (&json!("shop2026"), &json!("creating"), &json!(WEB))
    );
    assert_eq!(
        (&made["port"], &made["public"], &made["env"]),
        (&json!(host.first_port), &json!(true), &json!({"A": "b"}))
    );
    let port = host.base.rsplit_once(':').unwrap().1;
    assert_eq!(made["url"], format!("http://shop2026.localhost:{port}/"));
    let up = host.reaches("shop2026", "running").await;
    assert_eq!((&up["restarts"], &up["error_message"]), (&json!(0), &Value::Null));
    assert_eq!(host.page("shop2026").await, 200);
    assert!(reqwest::get(format!("http://127.0.0.1:{}/", host.first_port)).await.is_ok(), "programs of the machine");
    let log = host.get("/instances/shop2026/logs?last=5").await.data();
    assert_eq!(log["log"], "the page is served");
    for last in ["0", "2001", "-1", "x"] {
        assert_eq!(host.get(&format!("/instances/shop2026/logs?last={last}")).await.details(), ["query.last"]);
    }
    let [container] = &host.containers().await[..] else { panic!("one container") };
    let labels = host.engine.inspect(container).await.unwrap().unwrap().labels;
    assert_eq!(labels["crawlhub.instance"], "shop2026");

    let stopped = host.post("/instances/shop2026/stop", json!({})).await.data();
    assert_eq!((&stopped["status"], &stopped["stop_reason"]), (&json!("stopped"), &json!("by_hand")));
    assert!(!host.engine.inspect(container).await.unwrap().unwrap().state.is_running());
    assert_eq!(host.page("shop2026").await, 404);
    host.post("/instances/shop2026/stop", json!({})).await.ok();
    let begun = host.post("/instances/shop2026/start", json!({})).await.data();
    assert_eq!((&begun["status"], &begun["stop_reason"]), (&json!("creating"), &Value::Null));
    host.post("/instances/shop2026/start", json!({})).await.ok();
    host.reaches("shop2026", "running").await;
    assert_eq!(host.containers().await, std::slice::from_ref(container), "the same one, with its files");
    assert_eq!(host.page("shop2026").await, 200);
    assert_eq!(host.get("/instances").await.data()["total"], 1);

    host.delete("/instances/shop2026").await.ok();
    assert!(host.containers().await.is_empty());
    for answer in [
        host.get("/instances/shop2026").await,
        host.delete("/instances/shop2026").await,
        host.post("/instances/shop2026/start", json!({})).await,
        host.post("/instances/shop2026/stop", json!({})).await,
        host.post("/instances/shop2026/open", json!({})).await,
        host.put("/instances/shop2026", json!({"public": true})).await,
        host.get("/instances/shop2026/logs").await,
        host.get("/instances/UPPER").await,
        host.get("/instances/..%2fx").await,
    ] {
        assert_eq!(answer.error(404), "no_instance");
    }
    assert_eq!(host.get("/instances").await.data()["total"], 0);
    let audit = host.send(host.request(Method::GET, "/platform/api/audit?page_size=100")).await.data();
    let paths: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    for path in ["", "/shop2026/stop", "/shop2026/start", "/shop2026", "/shop2026/open"] {
        assert!(paths.contains(&&*format!("/platform/api/crawlhub/instances{path}")), "{path}: {paths:?}");
    }
}

/// Where the seed had them.
#[tokio::test]
async fn the_short_address_is_the_same() {
    let host = Host::new().await;
    let at = |method: Method, path: &str| host.request(method, &format!("/api/instances{path}"));
    let made = host.send(at(Method::POST, "").json(&json!({"prefix": "shortway"}))).await.data();
    assert_eq!(host.send(at(Method::GET, "/shortway")).await.data()["id"], made["id"]);
    assert!(host.send(at(Method::GET, "/compose.yaml")).await.text.contains("shortway"));
    let nobody = host.without_token();
    for (method, path) in [(Method::GET, ""), (Method::POST, ""), (Method::DELETE, "/shortway")] {
        nobody.send(nobody.request(method, &format!("/api/instances{path}"))).await.error(401);
    }
    host.send(at(Method::DELETE, "/shortway")).await.ok();
    host.get("/instances/shortway").await.error(404);
}

#[tokio::test]
async fn what_is_asked_for_is_checked() {
    let host = Host::new().await;
    let make = async |new: Value| host.post("/instances", new).await;
    for prefix in [
        "",
        "seven77",
        &"a".repeat(64),
        "Upper123",
        "with-dash",
        "dot.ted1",
        "spaced 1",
        "schön123",
        "line\n1234",
        "../../etc",
    ] {
        let refused = make(json!({"prefix": prefix})).await;
        assert_eq!(refused.error(400), "prefix_invalid", "{prefix}");
        assert!(refused.json()["msg"].as_str().unwrap().contains("^[a-z0-9]{8,63}$"), "{}", refused.text);
    }
    for word in ["crawlhub", "platform", "localhost", "postmaster", "hostmaster", "webmaster", "administrator"] {
        assert_eq!(make(json!({"prefix": word})).await.error(400), "prefix_reserved", "{word}");
    }
    let foreign = make(json!({"image": "evil:latest"})).await;
    assert_eq!(foreign.error(400), "image_not_allowed");
    assert!(foreign.json()["msg"].as_str().unwrap().contains(WEB), "{}", foreign.text);
    assert_eq!(make(json!({"image": "none:none"})).await.error(409), "no_image");
    for (new, loc) in [
        (json!({"memory_mb": 513}), "body.memory_mb"),
        (json!({"memory_mb": 1}), "body.memory_mb"),
        (json!({"cpus": 1.5}), "body.cpus"),
        (json!({"cpus": 0}), "body.cpus"),
        (json!({"cpus": -1}), "body.cpus"),
        (json!({"container_port": 80}), "body.container_port"),
        (json!({"container_port": 70000}), "body.container_port"),
        (json!({"port": -1}), "body.port"),
        (json!({"command": ""}), "body.command"),
        (json!({"command": []}), "body.command"),
        (json!({"command": ["sh", "a\u{0}b"]}), "body.command"),
        (json!({"command": "x".repeat(9000)}), "body.command"),
        (json!({"command": 7}), "body.command"),
        (json!({"env": [1]}), "body.env"),
        (json!({"env": {"1A": "x"}}), "body.env.1A"),
        (json!({"env": {"CRAWLHUB_X": "x"}}), "body.env.CRAWLHUB_X"),
        (json!({"prefix": 7}), "body.prefix"),
        (json!({"public": "yes"}), "body.public"),
    ] {
        assert_eq!(make(new.clone()).await.details(), [loc], "{new}");
    }
    for port in [1, 80, host.first_port - 1, host.first_port + 5] {
        assert_eq!(make(json!({"port": port})).await.error(400), "port_not_allowed", "{port}");
    }
    assert_eq!(host.get("/instances").await.data()["total"], 0, "nothing of it stays");
    assert!(host.containers().await.is_empty());
    for length in [8, 63] {
        make(json!({"prefix": "a".repeat(length)})).await.ok();
    }
    let unnamed = make(json!({})).await.data();
    let prefix = unnamed["prefix"].as_str().unwrap();
    assert!(prefix.len() == 16 && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));

    let limits = host.get("/instances/limits").await.data();
    assert_eq!(limits["images"], json!([WEB, PLAIN, "none:none"]));
    assert_eq!(limits["ports"], json!([host.first_port, host.first_port + 4]));
    assert_eq!(limits["memory_mb"], 512);

    let off = TestApp::new().await;
    assert_eq!(off.get("/instances/limits").await.data()["images"], json!([]));
    let refused = off.post("/instances", json!({})).await;
    assert_eq!(refused.error(409), "instances_off");
    assert!(refused.json()["msg"].as_str().unwrap().contains("CRAWLHUB_INSTANCES_IMAGES"), "{}", refused.text);
    assert_eq!(off.get("/instances").await.data()["total"], 0);
}

#[tokio::test]
async fn one_of_many_at_once_gets_the_prefix() {
    let host = Host::with(&[("CRAWLHUB_INSTANCES_PER_USER_RUNNING", "5")]).await;
    let other = host.user("other", "editor").await;
    let tries = (0..12).map(|at| {
        let client = if at % 2 == 0 { &host.app.client } else { &other };
        client.post("/instances", json!({"prefix": "contested"}))
    });
    let answers = futures_util::future::join_all(tries).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error(409) == "prefix_taken"));
    // Nor do two get the same port.
    let many = (0..4).map(|_| other.post("/instances", json!({})));
    let made = futures_util::future::join_all(many).await;
    let mut ports: Vec<i64> = made
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.data()["port"].as_i64().unwrap())
        .collect();
    let all = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), all);
}

#[tokio::test]
async fn ports_that_others_use() {
    let host = Host::with(&[("CRAWLHUB_INSTANCES_PER_USER_RUNNING", "5")]).await;
    let first = host.first_port;
    let outside = TcpListener::bind(("127.0.0.1", first)).unwrap();
    let asked = host.post("/instances", json!({"port": first})).await;
    assert_eq!(asked.error(409), "port_taken");
    assert!(asked.json()["msg"].as_str().unwrap().contains(&(first + 1).to_string()), "{}", asked.text);
    let automatic = host.running(json!({"prefix": "automatic"})).await;
    assert_eq!(automatic["port"], first + 1);
    let given = host.post("/instances", json!({"port": first + 1})).await;
    assert_eq!(given.error(409), "port_taken");
    assert!(given.json()["msg"].as_str().unwrap().contains(&(first + 2).to_string()), "{}", given.text);
    // Only the engine finds it taken: the automatic one moves on, the one that was asked for says so.
    host.engine.take_port(first + 2);
    let moved = host.running(json!({"prefix": "movedone"})).await;
    assert_eq!(moved["port"], first + 3);
    assert_eq!(host.containers().await.len(), 2);
    let asked = host.post("/instances", json!({"prefix": "askedone", "port": first + 2})).await.data();
    assert_eq!(asked["status"], "creating");
    let failed = host.reaches("askedone", "error").await;
    assert!(failed["error_message"].as_str().unwrap().contains(&(first + 2).to_string()), "{failed}");
    // One that has files keeps its port, or does not start.
    host.post("/instances/automatic/stop", json!({})).await.ok();
    let again = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    host.post("/instances/automatic/start", json!({})).await.ok();
    host.reaches("automatic", "error").await;
    drop((again, outside));
    host.post("/instances/automatic/start", json!({})).await.ok();
    assert_eq!(host.reaches("automatic", "running").await["port"], first + 1);
    // All are taken.
    let rest: Vec<_> = [first, first + 2, first + 4].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap()).into();
    host.delete("/instances/askedone").await.ok();
    assert_eq!(host.post("/instances", json!({})).await.error(409), "no_port");
    drop(rest);
}

#[tokio::test]
async fn one_that_ends_is_started_three_times() {
    let host = Host::new().await;
    host.running(json!({"prefix": "crashing", "public": true})).await;
    for (times, delay) in [(1, 5), (2, 15), (3, 45)] {
        host.crash().await;
        let waiting = host.reaches("crashing", "creating").await;
        assert_eq!(waiting["restarts"], times);
        let at = host.clock_text(delay);
        assert_eq!(waiting["restart_at"], at, "{waiting}");
        assert!(
            waiting["error_message"].as_str().unwrap().contains("137")
                || waiting["error_message"].as_str().unwrap().contains("143")
        );
        assert_eq!(host.page("crashing").await, 503, "it says that it is coming");
        host.app.clock.advance(TimeDelta::seconds(delay));
        let up = host.reaches("crashing", "running").await;
        assert_eq!((&up["restarts"], &up["error_message"]), (&json!(times), &Value::Null));
    }
    host.crash().await;
    let failed = host.reaches("crashing", "error").await;
    let said = failed["error_message"].as_str().unwrap();
    assert!(said.contains("the page is served") && said.contains('3'), "{said}");
    let alerts = host.eventually("/alerts?type=instance&level=error", |alerts| alerts["total"] == 1).await;
    assert!(alerts["items"][0]["message"].as_str().unwrap().contains("crashing"), "{alerts}");
    assert_eq!(host.page("crashing").await, 404, "to strangers there is nothing");
    // By hand it begins anew.
    host.post("/instances/crashing/start", json!({})).await.ok();
    assert_eq!(host.reaches("crashing", "running").await["restarts"], 0);
    // What was long ago is forgotten.
    for _ in 0..5 {
        host.crash().await;
        host.reaches("crashing", "creating").await;
        host.app.clock.advance(TimeDelta::seconds(45));
        host.reaches("crashing", "running").await;
        host.app.clock.advance(TimeDelta::minutes(10));
        host.looked_at_by("instances").await;
    }
}

impl Host {
    fn clock_text(&self, seconds: i64) -> String {
        use crawlhub::clock::Clock;
        let at = self.app.clock.now() + TimeDelta::seconds(seconds);
        serde_json::to_value(at).unwrap().as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn one_whose_program_does_not_work_says_so() {
    let host = Host::new().await;
    let command = "echo \"boom on $PORT\" >&2; exit 3";
    host.post("/instances", json!({"prefix": "boomboom", "command": command, "container_port": 3000})).await.ok();
    for delay in [5, 15, 45] {
        host.eventually("/instances/boomboom", |instance| instance["restart_at"].is_string()).await;
        host.app.clock.advance(TimeDelta::seconds(delay));
        host.looked_at_by("instances").await;
    }
    let failed = host.reaches("boomboom", "error").await;
    let said = failed["error_message"].as_str().unwrap();
    assert!(said.contains("boom on 3000") && said.contains("(3)") || said.contains("ended with 3"), "{said}");
    assert!(host.get("/instances/boomboom/logs").await.data()["log"].as_str().unwrap().contains("boom"));
    host.delete("/instances/boomboom").await.ok();
    host.looked_at_by("instances").await;
    assert!(host.containers().await.is_empty());
}

#[tokio::test]
async fn one_that_runs_and_never_answers_says_so() {
    let host = Host::with(&[("CRAWLHUB_INSTANCES_START_SECONDS", "3")]).await;
    host.post("/instances", json!({"prefix": "silent00", "command": ["sh", "-c", "echo here; sleep 1000"]})).await.ok();
    let failed = host.reaches("silent00", "error").await;
    let said = failed["error_message"].as_str().unwrap();
    assert!(said.contains("8080") && said.contains("here"), "{said}");
    for id in host.containers().await {
        assert!(!host.engine.inspect(&id).await.unwrap().unwrap().state.is_running());
    }
    // Stopped or deleted while it is still coming up.
    host.post("/instances", json!({"prefix": "unwanted", "command": "sleep 1000"})).await.ok();
    assert_eq!(host.post("/instances/unwanted/stop", json!({})).await.data()["status"], "stopped");
    host.post("/instances/unwanted/start", json!({})).await.ok();
    host.delete("/instances/unwanted").await.ok();
    host.get("/instances/unwanted").await.error(404);
    host.delete("/instances/silent00").await.ok();
    host.looked_at_by("instances").await;
    assert!(host.containers().await.is_empty());
}

#[tokio::test]
async fn nobody_asks_it_for_anything() {
    let host = Host::new().await;
    host.running(json!({"prefix": "idleness", "public": true})).await;
    host.app.clock.advance(TimeDelta::hours(23));
    assert_eq!(host.page("idleness").await, 200);
    host.looked_at_by("doors").await;
    host.app.clock.advance(TimeDelta::hours(23));
    host.looked_at_by("instances").await;
    assert_eq!(host.shown("idleness").await["status"], "running");
    host.app.clock.advance(TimeDelta::hours(2));
    assert_eq!(host.reaches("idleness", "stopped").await["stop_reason"], "idle");
    host.post("/instances/idleness/start", json!({})).await.ok();
    host.reaches("idleness", "running").await;
    host.looked_at_by("instances").await;
    assert_eq!(host.shown("idleness").await["status"], "running", "the day begins anew");
}

#[tokio::test]
async fn it_is_brought_back_after_anything() {
    let host = Host::new().await;
    host.running(json!({"prefix": "stayinga", "public": true})).await;
    host.running(json!({"prefix": "stopping", "public": true})).await;
    host.post("/instances/stopping/stop", json!({})).await.ok();
    // The server.
    let host = host.restart().await;
    assert_eq!(host.page("stayinga").await, 200);
    assert_eq!(host.shown("stopping").await["status"], "stopped");
    // The machine.
    host.engine.reboot().await;
    host.reaches("stayinga", "creating").await;
    host.app.clock.advance(TimeDelta::seconds(5));
    host.reaches("stayinga", "running").await;
    assert_eq!(host.page("stayinga").await, 200);
    // The engine is away: nothing is known, nothing is decided; what is asked for is done when it is back.
    host.engine.set_away(true);
    host.looked_at_by("instances").await;
    assert_eq!(host.shown("stayinga").await["status"], "running");
    assert_eq!(host.page("stayinga").await, 200);
    host.post("/instances", json!({})).await.error(503);
    host.post("/instances/stopping/start", json!({})).await.error(503);
    host.get("/instances/stayinga/logs").await.error(503);
    host.delete("/instances/stopping").await.ok();
    host.get("/instances/stopping").await.error(404);
    host.post("/instances/stayinga/stop", json!({})).await.error(503);
    assert_eq!(host.page("stayinga").await, 404, "it is closed at once");
    host.engine.set_away(false);
    host.app.clock.advance(TimeDelta::seconds(3));
    host.reaches("stayinga", "stopped").await;
    while host.containers().await.len() > 1 {
        host.looked_at_by("instances").await;
    }
    // Its container is gone.
    let removed = host.containers().await.remove(0);
    host.engine.remove(&removed).await.unwrap();
    host.post("/instances/stayinga/start", json!({})).await.ok();
    host.reaches("stayinga", "running").await;
    let removed = host.containers().await.remove(0);
    host.engine.remove(&removed).await.unwrap();
    host.eventually("/instances/stayinga", |instance| instance["restarts"] == 1).await;
    host.app.clock.advance(TimeDelta::seconds(5));
    host.reaches("stayinga", "running").await;
    assert_eq!(host.page("stayinga").await, 200);
    // Or somebody stopped its clock.
    host.engine.pause(&host.containers().await[0]);
    host.eventually("/instances/stayinga", |instance| instance["restarts"] == 2).await;
    host.app.clock.advance(TimeDelta::seconds(15));
    host.reaches("stayinga", "running").await;
}

#[tokio::test]
async fn containers_of_no_instance() {
    let host = Host::new().await;
    host.running(json!({"prefix": "forgotten"})).await;
    let container = host.containers().await.remove(0);
    let database = host.database().await;
    database.query("DELETE FROM instances").execute().await.unwrap();
    database.query("DELETE FROM instance_prefixes").execute().await.unwrap();
    host.looked_at_by("instances").await;
    let state = async || host.engine.inspect(&container).await.unwrap().map(|found| found.state.is_running());
    assert_eq!(state().await, Some(true), "whoever makes one needs a moment");
    host.engine.age(&container);
    host.looked_at_by("instances").await;
    assert_eq!(state().await, Some(false), "somebody's work may be in it");
    database
        .query("INSERT INTO instance_prefixes (prefix, user_id, released_at) VALUES ('forgotten', 'x', $1)")
        .bind(crawlhub::clock::Clock::now(&*host.app.clock))
        .execute()
        .await
        .unwrap();
    host.looked_at_by("instances").await;
    assert_eq!(state().await, None, "it was deleted");
}

#[tokio::test]
async fn each_user_has_his_own() {
    let settings = [
        ("CRAWLHUB_INSTANCES_PER_USER", "2"),
        ("CRAWLHUB_INSTANCES_PER_USER_RUNNING", "1"),
        ("CRAWLHUB_INSTANCES_IN_ALL", "2"),
    ];
    let host = Host::with(&settings).await;
    let (one, other) = (host.user("one", "editor").await, host.user("other", "editor").await);
    let viewer = host.user("viewer", "viewer").await;
    one.post("/instances", json!({"prefix": "ofonealone"})).await.ok();
    host.reaches("ofonealone", "running").await;
    for answer in [
        other.get("/instances/ofonealone").await,
        other.post("/instances/ofonealone/start", json!({})).await,
        other.post("/instances/ofonealone/stop", json!({})).await,
        other.post("/instances/ofonealone/open", json!({})).await,
        other.put("/instances/ofonealone", json!({"public": true})).await,
        other.get("/instances/ofonealone/logs").await,
        other.delete("/instances/ofonealone").await,
    ] {
        let missing = other.get("/instances/nobodys1").await;
        assert_eq!(
            (answer.error(404), answer.json()["msg"].clone()),
            (missing.error(404), missing.json()["msg"].clone())
        );
    }
    assert_eq!(other.get("/instances").await.data()["total"], 0);
    assert!(!other.get("/instances/compose.yaml").await.text.contains("ofonealone"));
    viewer.post("/instances", json!({})).await.error(403);
    // An administrator sees to all of them, and enters none.
    assert_eq!(host.get("/instances").await.data()["total"], 1);
    assert_eq!(host.post("/instances/ofonealone/open", json!({})).await.error(403), "not_yours");

    assert_eq!(one.post("/instances", json!({})).await.error(429), "too_many_running");
    one.post("/instances/ofonealone/stop", json!({})).await.ok();
    let second = one.post("/instances", json!({})).await.data();
    assert_eq!(one.post("/instances/ofonealone/start", json!({})).await.error(429), "too_many_running");
    let second = second["prefix"].as_str().unwrap();
    one.post(&format!("/instances/{second}/stop"), json!({})).await.ok();
    assert_eq!(one.post("/instances", json!({})).await.error(429), "too_many_instances");
    one.post("/instances/ofonealone/start", json!({})).await.ok();
    other.post("/instances", json!({})).await.ok();
    let full = host.post("/instances", json!({})).await;
    assert_eq!(full.error(429), "too_many_running");
    assert!(full.json()["msg"].as_str().unwrap().contains("on this server"), "{}", full.text);

    // Nobody gets another's name soon; its user does at once.
    one.delete("/instances/ofonealone").await.ok();
    other
        .delete(&format!("/instances/{}", other.get("/instances").await.data()["items"][0]["prefix"].as_str().unwrap()))
        .await
        .ok();
    let taken = json!({"prefix": "ofonealone"});
    assert_eq!(other.post("/instances", taken.clone()).await.error(409), "prefix_taken");
    one.post("/instances", taken.clone()).await.ok();
    one.delete("/instances/ofonealone").await.ok();
    host.app.clock.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
    let other = {
        let again = json!({"email": "late@example.com", "password": "password of late", "role": "editor"});
        let admin = Client::sign_in(&host.base, "admin@crawlhub.local", crate::support::PASSWORD).await;
        admin.send(admin.request(Method::POST, "/platform/api/users").json(&again)).await.ok();
        Client::sign_in(&host.base, "late@example.com", "password of late").await
    };
    let made = other.post("/instances", taken).await.data();
    // Whose user is gone does not run.
    let admin = Client::sign_in(&host.base, "admin@crawlhub.local", crate::support::PASSWORD).await;
    let path = format!("/platform/api/users/{}", made["user_id"].as_str().unwrap());
    admin.eventually("/instances/ofonealone", |instance| instance["status"] == "running").await;
    admin.send(admin.request(Method::PUT, &path).json(&json!({"is_active": false}))).await.ok();
    host.looked_at_by("instances").await;
    let stopped = admin.eventually("/instances/ofonealone", |instance| instance["status"] == "stopped").await;
    assert_eq!(stopped["stop_reason"], "user_gone");
    admin.delete("/instances/ofonealone").await.ok();
}

#[tokio::test]
async fn secrets_are_kept_and_not_told() {
    let host = Host::new().await;
    let env = json!({"API_KEY": "s3cret-value-1", "NODE_ENV": "price $5", "DB_URL": "pg://u:s3cret-value-2@h/d"});
    let command = ["sh", "-c", "echo $$ \"quoted\"; sleep 100"];
    let made = host.post("/instances", json!({"prefix": "secretive", "env": env, "command": command})).await.data();
    assert_eq!(made["env"], json!({"API_KEY": "******", "NODE_ENV": "price $5", "DB_URL": "******"}));
    host.post("/instances/secretive/stop", json!({})).await.ok();
    for secret in ["s3cret-value-1", "s3cret-value-2", "price $5"] {
        assert!(!host.keeps(secret).await, "{secret}");
    }
    let second = host.post("/instances", json!({"env": {"PORT": "1"}})).await.data();
    let answer = host.get("/instances/compose.yaml").await;
    assert_eq!(answer.headers["content-type"], "application/yaml");
    let file = answer.text;
    for line in [
        "  \"secretive\":",
        &format!("    image: \"{WEB}\""),
        r#"    entrypoint: ["sh", "-c", "echo $$$$ \"quoted\"; sleep 100"]"#,
        "      PORT: \"8080\"",
        "      API_KEY: \"${API_KEY:?set it}\"",
        "      NODE_ENV: \"price $$5\"",
        "      DB_URL: \"${DB_URL:?set it}\"",
        &format!("    ports: [\"127.0.0.1:{}:8080\"]", host.first_port),
        "    mem_limit: 512m",
        "    profiles: [stopped]",
        &format!("  \"{}\":", second["prefix"].as_str().unwrap()),
    ] {
        assert!(file.lines().any(|found| found == line), "{line}\n{file}");
    }
    assert_eq!(file.matches("PORT: ").count(), 2, "what a user says of it stands");
}

#[tokio::test]
async fn one_that_writes_too_much_is_stopped() {
    let host = Host::with(&[("CRAWLHUB_INSTANCES_DISK_MB", "1")]).await;
    host.running(json!({"prefix": "writesalot"})).await;
    let root = host.engine.root_of(&host.containers().await[0]).unwrap();
    std::fs::write(root.join("workspace/large"), vec![0; 2 * 1024 * 1024]).unwrap();
    host.app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(host.reaches("writesalot", "stopped").await["stop_reason"], "disk_full");
    host.eventually("/alerts?type=instance&level=warning", |alerts| alerts["total"] == 1).await;
    assert!(root.join("workspace/large").exists(), "what it has written stays");
}

#[tokio::test]
async fn a_terminal() {
    let host = Host::new().await;
    host.running(json!({"prefix": "withshell"})).await;
    let path = "/platform/api/crawlhub/instances/withshell/terminal?cols=90&rows=25";
    let bearer = format!("Bearer {}", host.token.as_ref().unwrap());
    let program = [("authorization", bearer.as_str())];
    let mut socket = Socket::open(&host.base, path, &program).await.unwrap();
    socket.until("stty size\n", "25 90").await;
    socket.say(&json!({"resize": {"cols": 120, "rows": 40}})).await;
    socket.until("stty size\n", "40 120").await;
    let mut second = Socket::open(&host.base, path, &program).await.unwrap();
    second.until("echo o''pen\n", "open").await;
    socket.send(b"exit 6\n").await;
    socket.ended().await;
    second.until("echo sti''ll\n", "still").await;
    assert_eq!(host.shown("withshell").await["status"], "running", "its own program goes on");

    assert_eq!(host.get("/instances/withshell/terminal").await.error(400), "not_a_websocket");
    assert_eq!(Socket::open(&host.base, &path.replace("withshell", "unknown1"), &program).await.err(), Some(404));
    let other = host.user("other", "editor").await;
    let theirs = format!("Bearer {}", other.token.as_ref().unwrap());
    assert_eq!(Socket::open(&host.base, path, &[("authorization", &theirs)]).await.err(), Some(404));
    for origin in [&[("origin", "http://evil.example")][..], &[]] {
        let headers = [&[("cookie", "admin_access_token=x")], origin].concat();
        let refused = Socket::open(&host.base, path, &headers).await.err();
        assert!([Some(401), Some(403)].contains(&refused), "{refused:?}");
    }
    let mut open = Vec::new();
    for _ in 1..8 {
        open.push(Socket::open(&host.base, path, &program).await.unwrap());
    }
    assert_eq!(Socket::open(&host.base, path, &program).await.err(), Some(429));
    host.post("/instances/withshell/stop", json!({})).await.ok();
    second.ended().await;
    for socket in &mut open {
        socket.ended().await;
    }
    assert_eq!(Socket::open(&host.base, path, &program).await.err(), Some(409));
    let audit = host.send(host.request(Method::GET, "/platform/api/audit?page_size=100")).await.data();
    let deeds: Vec<&Value> = audit["items"].as_array().unwrap().iter().map(|entry| &entry["detail"]).collect();
    for deed in ["terminal", "withshell"] {
        assert!(deeds.contains(&&json!(deed)), "{deed}: {deeds:?}");
    }
}
