//! Spiders for a Docker Swarm, where there is none; and what its containers say to the server, said by this test.

use chrono::TimeDelta;
use crawlhub::{clock::Clock, config::Secret, platform::secrets::Secrets};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, wire};

pub(super) const KEY: &str = "a-key-of-the-container-that-is-long-enough";
const OTHER: &str = "a-key-of-somebody-else-that-is-long-enough";

pub(super) async fn waiting(server: &TestApp, fields: Value) -> String {
    let mut fields = fields;
    fields["runner"] = json!("swarm");
    let spider = server.spider(fields, &[("main.py", "print('here')")]).await;
    server.run(&spider, json!({})).await
}

async fn says(server: &TestApp, task: &str, why: &str) {
    let says = |task: &Value| task["pending_reason"].as_str().is_some_and(|said| said.contains(why));
    server.eventually(&format!("/tasks/{task}"), says).await;
}

#[tokio::test]
async fn what_waits_for_a_swarm_says_what_is_missing() {
    let server = TestApp::new().await;
    let task = waiting(&server, json!({"name": "a"})).await;
    says(&server, &task, "swarm.host is empty").await;
    let nowhere = ("CRAWLHUB_SWARM_HOST", "unix:///nonexistent/docker.sock");
    let server = server.restart(&[nowhere]).await;
    says(&server, &task, "set swarm.api_url or server.public_url").await;
    let server = server.restart(&[nowhere, ("CRAWLHUB_RUNNER_API_URL", "http://10.0.0.1:8000")]).await;
    says(&server, &task, "the swarm does not answer").await;
    let server = server.restart(&[nowhere, ("CRAWLHUB_SWARM_API_URL", "http://10.0.0.1:8000")]).await;
    says(&server, &task, "the swarm does not answer").await;
    // It is cancelled as any other.
    server.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
    assert_eq!(server.ended(&task).await["status"], "cancelled");
}

/// A container of the swarm.
pub(super) struct Container {
    pub client: Client,
    pub token: String,
    pub task: String,
    pub instance: String,
}

impl Container {
    pub(super) async fn call(&self, path: &str, body: Value) -> Answer {
        let path = format!("/platform/api/crawlhub/internal{path}");
        let request = self.client.request(Method::POST, &path).header("x-agent-token", &self.token);
        self.client.send(request.json(&body)).await
    }

    pub(super) async fn take(&self) -> Answer {
        self.call("/attempts/take", json!({"machine": "east-1", "protocol": 1})).await
    }

    pub(super) fn of(&self, attempt: i64) -> Value {
        json!({"task_id": self.task, "attempt": attempt, "instance": self.instance})
    }

    async fn beat(&self) -> Answer {
        self.call("/attempts/beat", json!({"of": self.of(1), "is_stopping": false, "wait_ms": 0})).await
    }

    async fn tell(&self, of: Value) -> Answer {
        self.call("/nodes/told", json!({"of": of, "messages": [{"items": {"batch": 1, "items": [{"n": 1}]}}]})).await
    }

    pub(super) async fn end(&self) -> Answer {
        self.end_as(json!("completed")).await
    }

    async fn end_as(&self, end: Value) -> Answer {
        let outcome = json!({"end": end, "exit_code": 0, "signal": null, "peak_memory_mb": 5, "undelivered": 0,
                             "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
        self.call("/nodes/end", json!({"of": self.of(1), "outcome": outcome, "stop": null})).await
    }

    async fn print(&self, first: i64, texts: &[&str]) -> Answer {
        let lines: Vec<Value> =
            texts.iter().map(|text| json!({"stream": "stdout", "at": "2026-03-01T08:00:01Z", "text": text})).collect();
        let messages = json!([{"lines": {"first": first, "lines": lines}}]);
        self.call("/nodes/told", json!({"of": self.of(1), "messages": messages})).await
    }

    /// A body that is refused whoever sends it: what is answered shows whether it was looked at.
    async fn babble(&self, path: &str) -> Answer {
        let path = format!("/platform/api/crawlhub/internal{path}");
        let request = self.client.request(Method::POST, &path).header("x-agent-token", &self.token);
        self.client.send(request.header("content-type", "application/json").body("no JSON")).await
    }

    /// The container of a task, which has taken its attempt; and the spider's own token.
    async fn running(server: &TestApp) -> (Self, String) {
        let (task, token) = started(server).await;
        let (client, token) = (server.without_token(), format!("{token}.{KEY}"));
        let mut container = Self { client, token, task, instance: String::new() };
        let given = container.take().await.data();
        given["instance"].as_str().unwrap().clone_into(&mut container.instance);
        (container, given["job"]["token"].as_str().unwrap().to_owned())
    }

    /// The same with another token.
    fn with(&self, token: String) -> Self {
        Self { client: self.client.clone(), token, task: self.task.clone(), instance: self.instance.clone() }
    }
}

/// A task that a swarm is about to start, and the token of its attempt.
pub(super) async fn started(server: &TestApp) -> (String, String) {
    let task = waiting(server, json!({"name": "a"})).await;
    let db = server.database().await;
    let now = server.clock.now();
    db.query("UPDATE tasks SET status = 'running', attempt = 1, worker_id = 'swarm:', lease_until = $2, started_at = $3 WHERE id = $1")
        .bind(&task)
        .bind(now + TimeDelta::minutes(3))
        .bind(now)
        .execute()
        .await
        .unwrap();
    db.query(
        "INSERT INTO attempts (task_id, attempt, worker_id, started_at, is_interrupted, items, undelivered)
         VALUES ($1, 1, 'swarm:', $2, FALSE, 0, 0)",
    )
    .bind(&task)
    .bind(now)
    .execute()
    .await
    .unwrap();
    let secrets = Secrets::open(&Secret::default(), server.dir.path()).unwrap();
    let token = format!("attempt.{task}.1.{}", secrets.sign(&format!("holder:{task}:1")));
    (task, token)
}

#[tokio::test]
async fn an_attempt_is_of_the_container_that_takes_it_first() {
    let server = TestApp::new().await;
    let (task, token) = started(&server).await;
    let mut container = Container {
        client: server.without_token(),
        token: format!("{token}.{KEY}"),
        task: task.clone(),
        instance: String::new(),
    };
    let given = container.take().await.data();
    assert_eq!((&given["job"]["task_id"], &given["job"]["attempt"]), (&json!(task), &json!(1)), "{given}");
    container.instance = given["instance"].as_str().unwrap().to_owned();
    assert_eq!(
        server.get(&format!("/tasks/{task}")).await.data()["worker_id"],
        format!("swarm:{}", container.instance)
    );
    assert!(container.instance.starts_with("east-1:") && !container.instance.contains(KEY));
    // An answer that was lost is given again; to nobody else.
    assert_eq!(container.take().await.data()["instance"], container.instance.as_str());
    let thief = container.with(format!("{token}.{OTHER}"));
    assert_eq!(thief.take().await.error(409), "claim_lost");
    assert_eq!(thief.beat().await.error(409), "claim_lost");
    assert_eq!(thief.tell(container.of(1)).await.error(409), "claim_lost");
    assert_eq!(thief.end().await.error(409), "claim_lost");
    // Without a key, with the spider's own token, and with one that is of another attempt, it is none.
    let job = given["job"]["token"].as_str().unwrap();
    let other = token.replacen(".1.", ".2.", 1);
    for wrong in [
        token.clone(),
        format!("{token}."),
        format!("{token}.short"),
        job.to_owned(),
        format!("attempt.{job}.{KEY}"),
        format!("{other}.{KEY}"),
    ] {
        let wrong = container.with(wrong);
        for answer in [wrong.take().await, wrong.beat().await, wrong.tell(container.of(1)).await, wrong.end().await] {
            answer.error(401);
        }
    }
    // It speaks of its own attempt only.
    assert_eq!(container.tell(container.of(2)).await.error(409), "claim_lost");
    assert_eq!(
        container.tell(json!({"task_id": "x", "attempt": 1, "instance": container.instance})).await.error(409),
        "claim_lost"
    );
    // It is no node.
    container.call("/nodes/work", json!({})).await.error(401);
    container.call("/nodes/heartbeat", json!({})).await.error(401);
    assert_eq!(container.beat().await.data()["order"], Value::Null);
    container.tell(container.of(1)).await.ok();
    container.tell(container.of(1)).await.ok();
    container.end().await.ok();
    let ended = server.ended(&task).await;
    assert_eq!((&ended["status"], &ended["success_count"]), (&json!("completed"), &json!(1)), "{ended}");
    // And then no more.
    assert_eq!(container.beat().await.data()["order"], "lost");
    for answer in [container.take().await, container.tell(container.of(1)).await, container.end().await] {
        assert_eq!(answer.error(409), "claim_lost");
    }
    let attempts = server.get(&format!("/tasks/{task}/attempts")).await.data();
    assert_eq!(attempts[0]["worker_id"], format!("swarm:{}", container.instance), "{attempts}");
}

#[tokio::test]
async fn a_container_hears_of_a_cancel_and_of_its_loss() {
    let server = TestApp::new().await;
    let (task, token) = started(&server).await;
    let (client, token) = (server.without_token(), format!("{token}.{KEY}"));
    let mut container = Container { client, token, task: task.clone(), instance: String::new() };
    container.instance = container.take().await.data()["instance"].as_str().unwrap().to_owned();
    let waits = json!({"of": container.of(1), "is_stopping": false, "wait_ms": 20_000});
    let path = format!("/tasks/{task}/cancel");
    let (answer, _) = tokio::join!(container.call("/attempts/beat", waits), server.post(&path, json!({})));
    assert_eq!(answer.data()["order"], "cancel");
    // Nobody hears of it for longer than its lease.
    server.clock.advance(TimeDelta::minutes(10));
    let db = server.database().await;
    db.query("UPDATE tasks SET worker_id = 'another' WHERE id = $1").bind(&task).execute().await.unwrap();
    assert_eq!(container.beat().await.data()["order"], "lost");
    assert_eq!(container.end().await.error(409), "claim_lost");
}

#[tokio::test]
async fn an_image_of_another_version_is_refused() {
    let server = TestApp::new().await;
    let (task, token) = started(&server).await;
    let token = format!("{token}.{KEY}");
    let container = Container { client: server.without_token(), token, task, instance: String::new() };
    let answer = container.call("/attempts/take", json!({"machine": "east-1", "protocol": 99})).await;
    assert_eq!(answer.error(409), "image_incompatible");
}

/// Tokens live longer than their attempts: what comes with them then is not looked at.
#[tokio::test]
async fn with_a_token_of_an_attempt_that_is_over_no_body_is_read() {
    let server = TestApp::new().await;
    let (container, of_spider) = Container::running(&server).await;
    let thief = container.with(container.token.replace(KEY, OTHER));
    let paths = ["/nodes/told", "/nodes/delivered", "/nodes/end"];
    for path in paths {
        assert_ne!(container.babble(path).await.status, 409, "{path}");
        assert_eq!(thief.babble(path).await.error(409), "claim_lost", "{path}");
    }
    let spider = async |path: &str| {
        let path = format!("/platform/api/_t/{of_spider}/crawlhub/internal{path}");
        let request = container.client.request(Method::POST, &path).header("content-type", "application/json");
        container.client.send(request.body("no JSON")).await
    };
    let of_spiders = ["/items", "/checkpoint", "/progress", "/heartbeat", "/files/upload"];
    for path in of_spiders {
        let answer = spider(path).await;
        assert!(answer.status.is_client_error() && !answer.text.contains("task_not_running"), "{}", answer.text);
    }
    container.end().await.ok();
    for path in paths {
        assert_eq!(container.babble(path).await.error(409), "claim_lost", "{path}");
    }
    for path in of_spiders {
        assert_eq!(spider(path).await.error(400), "task_not_running", "{path}");
    }
}

/// Who announces large bodies and sends nothing holds up himself.
#[tokio::test]
async fn a_spider_that_stalls_holds_up_no_other() {
    let server = TestApp::new().await;
    let (_stalling, of_spider) = Container::running(&server).await;
    let (other, _) = Container::running(&server).await;
    let path = format!("/platform/api/_t/{of_spider}/crawlhub/internal/items");
    let headers = [("Content-Type", "application/json"), ("Content-Length", "20971520")];
    let mut stalled = Vec::new();
    for _ in 0..8 {
        stalled.push(wire::request(&server.base, "POST", &path, &headers).await);
    }
    let items = |task: &str, spider: &Value| json!({"task_id": task, "spider_id": spider, "items": [{"n": 1}]});
    let task = server.get(&format!("/tasks/{}", other.task)).await.data();
    other.tell(other.of(1)).await.ok();
    let of_other = other.take().await.data()["job"]["token"].clone();
    let path = format!("/platform/api/_t/{}/crawlhub/internal/items", of_other.as_str().unwrap());
    let request = server.without_token().request(Method::POST, &path).json(&items(&other.task, &task["spider_id"]));
    server.send(request).await.ok();
    for stalled in stalled {
        let answer = stalled.try_read(&mut [0; 1]).map_err(|error| error.kind());
        assert_eq!(answer, Err(std::io::ErrorKind::WouldBlock), "it waited until the other was given up");
    }
}

/// An image is its author's: what runs in it need not be ours.
#[tokio::test]
async fn what_a_container_tells_is_bounded_by_the_server() {
    let server = TestApp::with(&[("CRAWLHUB_TASKS_LOG_LIMIT_BYTES", "1000")]).await;
    let (container, _) = Container::running(&server).await;
    let longest = "x".repeat(64 * 1024);
    for (first, text) in [
        (0, format!("{longest}x")),
        (0, "a\0b".to_owned()),
        (0, "a\nb".to_owned()),
        (0, "a\rb".to_owned()),
        (-1, "a".to_owned()),
        (i64::MAX, "a".to_owned()),
    ] {
        container.print(first, &[&text]).await.details();
    }
    let items = |batch: i64, count: usize| json!({"items": {"batch": batch, "items": vec![1; count]}});
    let tell = async |messages: Vec<Value>| {
        container.call("/nodes/told", json!({"of": container.of(1), "messages": messages})).await
    };
    let wrong = tell(vec![items(1, 1001)]).await;
    assert!(wrong.status.is_client_error() && wrong.text.contains("1 to 1000"), "{}", wrong.text);
    let wrong = tell((0..101).map(|n| items(n, 1)).collect()).await;
    assert!(wrong.status.is_client_error() && wrong.text.contains("0 to 100"), "{}", wrong.text);
    // What is said twice counts once.
    for _ in 0..3 {
        container.print(0, &[longest.as_str(); 10]).await.ok();
    }
    container.print(10, &[longest.as_str(); 5]).await.ok();
    assert_eq!(container.print(15, &[longest.as_str(); 2]).await.error(413), "log_full");
    container.print(15, &["the platform's own words"]).await.ok();
    let message = format!("one\ntwo\0{}", "x".repeat(5000));
    container.end_as(json!({"failed": {"category": "parse", "message": message}})).await.ok();
    let ended = server.ended(&container.task).await;
    let said = ended["error_message"].as_str().unwrap();
    assert!(said.starts_with("one two\u{fffd}xxx") && said.len() < 3000, "{said}");
    assert_eq!(server.lines(&container.task).await.len(), 16);
}
