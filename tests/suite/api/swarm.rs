//! Spiders for a Docker Swarm, where there is none; and what its containers say to the server, said by this test.

use chrono::TimeDelta;
use crawlhub::{clock::Clock, config::Secret, platform::secrets::Secrets};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

const KEY: &str = "a-key-of-the-container-that-is-long-enough";
const OTHER: &str = "a-key-of-somebody-else-that-is-long-enough";

async fn waiting(server: &TestApp, fields: Value) -> String {
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
    says(&server, &task, "set runner.api_url or server.public_url").await;
    let server = server.restart(&[nowhere, ("CRAWLHUB_RUNNER_API_URL", "http://10.0.0.1:8000")]).await;
    says(&server, &task, "the swarm does not answer").await;
    // It is cancelled as any other.
    server.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
    assert_eq!(server.ended(&task).await["status"], "cancelled");
}

/// A container of the swarm.
struct Container {
    client: Client,
    token: String,
    task: String,
    instance: String,
}

impl Container {
    async fn call(&self, path: &str, body: Value) -> Answer {
        let path = format!("/platform/api/crawlhub/internal{path}");
        let request = self.client.request(Method::POST, &path).header("x-agent-token", &self.token);
        self.client.send(request.json(&body)).await
    }

    async fn take(&self) -> Answer {
        self.call("/attempts/take", json!({"machine": "east-1", "protocol": 1})).await
    }

    fn of(&self, attempt: i64) -> Value {
        json!({"task_id": self.task, "attempt": attempt, "instance": self.instance})
    }

    async fn beat(&self) -> Answer {
        self.call("/attempts/beat", json!({"of": self.of(1), "is_stopping": false, "wait_ms": 0})).await
    }

    async fn tell(&self, of: Value) -> Answer {
        self.call("/nodes/told", json!({"of": of, "messages": [{"items": {"batch": 1, "items": [{"n": 1}]}}]})).await
    }

    async fn end(&self) -> Answer {
        let outcome = json!({"end": "completed", "exit_code": 0, "signal": null, "peak_memory_mb": 5, "undelivered": 0,
                             "duration": {"secs": 1, "nanos": 0}, "log_truncated": false});
        self.call("/nodes/end", json!({"of": self.of(1), "outcome": outcome, "stop": null})).await
    }

    /// The same with another token.
    fn with(&self, token: String) -> Self {
        Self { client: self.client.clone(), token, task: self.task.clone(), instance: self.instance.clone() }
    }
}

/// A task that a swarm is about to start, and the token of its attempt.
async fn started(server: &TestApp) -> (String, String) {
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
