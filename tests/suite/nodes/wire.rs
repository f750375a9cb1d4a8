//! A node whose agent is this test.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client};

pub struct Agent {
    pub client: Client,
    pub id: String,
    pub name: String,
    pub token: String,
    pub instance: String,
}

impl Agent {
    pub async fn new(server: &Client, new: Value) -> Self {
        let made = server.post("/nodes", new).await.data();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let (id, name, token) = (text("id"), text("name"), text("agent_token"));
        Self { client: server.without_token(), id, name, token, instance: "instance-1".to_owned() }
    }

    /// The same agent with something else.
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let Self { client, id, name, token, instance } = self;
        let (client, id, name) = (client.clone(), id.clone(), name.clone());
        let mut other = Self { client, id, name, token: token.clone(), instance: instance.clone() };
        change(&mut other);
        other
    }

    pub async fn call(&self, path: &str, body: Value) -> Answer {
        let path = format!("/platform/api/crawlhub/internal/nodes{path}");
        let request = self.client.request(Method::POST, &path).header("x-agent-token", &self.token);
        self.client.send(request.json(&body)).await
    }

    pub fn beat_of(&self, held: &[Value]) -> Value {
        json!({
            "name": self.name, "instance": self.instance, "protocol": 1, "clock": "2026-03-01T08:00:00Z", "held": held,
            "report": {
                "slots": 2, "labels": ["own"], "versions": {"agent": "0.1.0"}, "is_disk_full": false,
                "is_stopping": false, "running_tasks": held.len(),
                "load": {"cpus": 2, "cpu_percent": 1.5, "memory_total_mb": 4000, "memory_used_mb": 100,
                         "disk_total_mb": 9000, "disk_free_mb": 8000},
            },
        })
    }

    pub async fn beat(&self) -> Answer {
        self.call("/heartbeat", self.beat_of(&[])).await
    }

    pub async fn ask(&self, free: i64, wait_ms: u64, held: &[Value]) -> Value {
        let instance = &self.instance;
        let wanted = json!({"instance": instance, "free": free, "wait_ms": wait_ms, "held": held, "stopping": []});
        self.call("/work", wanted).await.data()
    }

    /// An attempt as the agent names it.
    pub fn held(&self, task: &str, attempt: i64) -> Value {
        json!({"task_id": task, "attempt": attempt, "instance": self.instance})
    }
}
