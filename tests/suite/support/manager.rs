//! A manager of a swarm of one machine that starts nothing by itself: what a real one does only when it is in trouble.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How it meets calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// It takes no job, with this status and text.
    Refuses(u16, &'static str),
    /// Nothing comes back.
    Hangs,
}

/// A service, as it was asked for, and what its task is said to be.
#[derive(Debug)]
struct Service {
    name: String,
    labels: Value,
    status: Value,
}

#[derive(Debug)]
struct There {
    mood: Mood,
    services: Vec<Service>,
    /// Name, labels, data.
    secrets: Vec<(String, Value, String)>,
    most_services: usize,
}

#[derive(Debug, Clone)]
pub struct Manager {
    /// For `swarm.host`.
    pub host: String,
    there: Arc<Mutex<There>>,
}

impl Manager {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("tcp://{}", listener.local_addr().unwrap());
        let there = There { mood: Mood::Well, services: vec![], secrets: vec![], most_services: 0 };
        let manager = Self { host, there: Arc::new(Mutex::new(there)) };
        let router = Router::new().fallback(answer).with_state(manager.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        manager
    }

    fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap()
    }

    pub fn set_mood(&self, mood: Mood) {
        self.there().mood = mood;
    }

    /// How many services there are.
    pub fn services(&self) -> usize {
        self.there().services.len()
    }

    /// How many services there were at once.
    pub fn most_services(&self) -> usize {
        self.there().most_services
    }

    /// Waits for the job of an attempt; what its container reads as its secret.
    pub async fn secret_of(&self, task: &str, attempt: i64) -> String {
        let (name, give_up) = (name_of(task, attempt), Instant::now() + Duration::from_secs(30));
        while !self.there().services.iter().any(|service| service.name == name) {
            assert!(Instant::now() < give_up, "there is no {name}: {:?}", self.there());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let there = self.there();
        let (_, _, data) = there.secrets.iter().find(|(known, ..)| *known == name).unwrap();
        String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
    }

    /// Says of the job what a swarm says of its task: `{"State": "running"}`.
    pub fn say(&self, task: &str, attempt: i64, status: Value) {
        let mut there = self.there();
        let mut services = there.services.iter_mut();
        services.find(|service| service.name == name_of(task, attempt)).unwrap().status = status;
    }
}

fn name_of(task: &str, attempt: i64) -> String {
    format!("crawlhub-{task}-{attempt}")
}

async fn answer(State(manager): State<Manager>, method: Method, uri: Uri, body: Bytes) -> Response {
    while manager.there().mood == Mood::Hangs {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = uri.path().trim_start_matches('/');
    let path = path.split_once('/').filter(|(version, _)| version.starts_with("v1.")).map_or(path, |(_, rest)| rest);
    manager.there().answer(&method, path, &serde_json::from_slice(&body).unwrap_or_default())
}

impl There {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> Response {
        match (method.as_str(), path) {
            ("GET", "version") => Json(json!({"Version": "29.5.1", "ApiVersion": "1.47", "MinAPIVersion": "1.24"})),
            ("GET", "nodes") => Json(json!([{"ID": "1", "Description": {"Hostname": "east-1"},
                "Status": {"State": "ready"}, "Spec": {"Availability": "active", "Labels": {}}}])),
            ("GET", "services") => {
                let services = self.services.iter();
                Json(
                    services
                        .map(|one| json!({"ID": one.name, "Spec": {"Name": one.name, "Labels": one.labels}}))
                        .collect(),
                )
            }
            ("GET", "tasks") => {
                let services = self.services.iter();
                Json(services.map(|one| json!({"ServiceID": one.name, "Status": one.status})).collect())
            }
            ("GET", "secrets") => {
                let secrets = self.secrets.iter();
                Json(
                    secrets
                        .map(|(name, labels, _)| json!({"ID": name, "Spec": {"Name": name, "Labels": labels}}))
                        .collect(),
                )
            }
            ("POST", "secrets/create" | "services/create") => return self.make(path, body),
            ("GET", path) if path.starts_with("secrets/") => Json(json!({"ID": path.trim_start_matches("secrets/")})),
            ("DELETE", path) => {
                let (kind, name) = path.split_once('/').unwrap();
                match kind {
                    "services" => self.services.retain(|service| service.name != name),
                    _ => self.secrets.retain(|(known, ..)| known != name),
                }
                return StatusCode::OK.into_response();
            }
            _ => panic!("{method} {path}"),
        }
        .into_response()
    }

    fn make(&mut self, path: &str, body: &Value) -> Response {
        let (name, labels) = (body["Name"].as_str().unwrap().to_owned(), body["Labels"].clone());
        let is_service = path.starts_with("services");
        let is_there = if is_service {
            self.services.iter().any(|service| service.name == name)
        } else {
            self.secrets.iter().any(|(known, ..)| *known == name)
        };
        let refusal = match self.mood {
            Mood::Refuses(status, text) if is_service => Some((status, text)),
            _ if is_there => Some((409, "name conflicts with an existing object")),
            _ => None,
        };
        if let Some((status, text)) = refusal {
            return (StatusCode::from_u16(status).unwrap(), Json(json!({"message": text}))).into_response();
        }
        if is_service {
            let status = json!({"State": "preparing"});
            self.services.push(Service { name: name.clone(), labels, status });
            self.most_services = self.most_services.max(self.services.len());
        } else {
            self.secrets.push((name.clone(), labels, body["Data"].as_str().unwrap().to_owned()));
        }
        (StatusCode::CREATED, Json(json!({"ID": name}))).into_response()
    }
}
