//! Deny by default.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// What answers without credentials: health, what is asked before sign-in, and what proxies ask, by other credentials.
const OPEN: [&str; 7] = [
    "GET /healthz",
    "GET /readyz",
    "POST /platform/api/login",
    "POST /platform/api/refresh-token",
    "GET /platform/api/setup",
    "GET /platform/api/system-features",
    "GET /platform/api/proxy/authorize",
];

/// Every route of the running server, from its own description.
async fn routes(client: &Client) -> Vec<(Method, String)> {
    let description = client.send(client.request(Method::GET, "/openapi.json")).await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if let Ok(method) = method.to_uppercase().parse::<Method>() {
                found.push((method, path.clone()));
            }
        }
    }
    assert!(found.len() > 60, "{found:?}");
    found
}

fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_without_credentials() {
    let app = TestApp::new().await;
    let nobody = app.without_token();
    for (method, path) in routes(&app).await {
        let open = OPEN.contains(&format!("{method} {path}").as_str());
        let answer = nobody.send(nobody.request(method.clone(), &filled(&path))).await;
        if open {
            // A renewal without its cookie is the one open route that says 401.
            assert!(answer.status != 401 || path.ends_with("refresh-token"), "{method} {path}");
        } else {
            assert!(!answer.error(401).is_empty(), "{method} {path}: {}", answer.text);
        }
        let wrong = nobody.request(method.clone(), &filled(&path)).bearer_auth("chk_wrong");
        let answer = nobody.send(wrong).await;
        assert!(open || answer.status == 401, "{method} {path} with a wrong token: {}", answer.text);
    }
    for path in ["/platform/api/_t/x/crawlhub/internal/items", "/platform/api/_t/x.1.y/crawlhub/internal/heartbeat"] {
        nobody.send(nobody.request(Method::POST, path).json(&json!({}))).await.error(401);
    }
}

/// A viewer reads and does nothing else; an editor manages no users.
#[tokio::test]
async fn every_route_by_role() {
    let app = TestApp::new().await;
    let with = async |role: &str| {
        let made = app.request(Method::POST, "/platform/api/tokens").json(&json!({"name": role, "role": role}));
        let token = app.send(made).await.data()["token"].as_str().unwrap().to_owned();
        Client { token: Some(token), ..app.client.clone() }
    };
    let (viewer, editor) = (with("viewer").await, with("editor").await);
    for (method, path) in routes(&app).await {
        let of_crawler = path.starts_with("/platform/api/crawlhub") && !path.contains("/internal/");
        let for_admins = ["users", "audit", "storage/clean", "crawlhub/code-sessions"]
            .iter()
            .any(|start| path.strip_prefix("/platform/api/").is_some_and(|path| path.starts_with(start)))
            || (path.starts_with("/platform/api/crawlhub/nodes") && method != Method::GET);
        // Places to run commands in are for those who may run something.
        let for_editors = path.contains("/crawlhub/workspace");
        let as_role = async |client: &Client| client.send(client.request(method.clone(), &filled(&path))).await;
        if for_admins {
            assert_eq!(as_role(&editor).await.error(403), "not_allowed", "{method} {path}");
            assert_eq!(as_role(&viewer).await.error(403), "not_allowed", "{method} {path}");
        } else if path.ends_with("/webhook") {
            // The forge has a proof of its own.
            assert_eq!(as_role(&viewer).await.error(401), "webhook_refused");
        } else if for_editors || (of_crawler && method != Method::GET) {
            assert_eq!(as_role(&viewer).await.error(403), "not_allowed", "{method} {path}");
            let terminal = method == Method::GET && path.ends_with("/terminal");
            assert!(terminal || as_role(&editor).await.status != 403, "{method} {path}");
        } else if of_crawler {
            assert_ne!(as_role(&viewer).await.status, 403, "{method} {path}");
        }
    }
}

/// What a token may not do for its holder it may not do by making another.
#[tokio::test]
async fn a_token_makes_no_stronger_one() {
    let app = TestApp::new().await;
    let make = async |client: &Client, body: Value| {
        client.send(client.request(Method::POST, "/platform/api/tokens").json(&body)).await
    };
    let weak = make(&app, json!({"name": "weak", "role": "viewer"})).await.data();
    let weak = Client { token: weak["token"].as_str().map(str::to_owned), ..app.client.clone() };
    assert_eq!(make(&weak, json!({"name": "strong", "role": "admin"})).await.details(), ["body.role"]);
    assert_eq!(make(&weak, json!({"name": "same"})).await.data()["role"], "viewer");

    let short = make(&app, json!({"name": "short", "expires_at": "2026-03-02T00:00:00Z"})).await.data();
    let short = Client { token: short["token"].as_str().map(str::to_owned), ..app.client.clone() };
    let longer = json!({"name": "longer", "expires_at": "2026-03-03T00:00:00Z"});
    assert_eq!(make(&short, longer).await.details(), ["body.expires_at"]);
    let same = make(&short, json!({"name": "same"})).await.data();
    let same = Client { token: same["token"].as_str().map(str::to_owned), ..app.client.clone() };
    same.get("/projects").await.data();
    app.clock.advance(chrono::TimeDelta::days(1));
    same.get("/projects").await.error(401);
}
