//! What every answer has in common.

use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn success_and_errors_have_one_shape() {
    let app = TestApp::new().await;
    let good = app.get("/projects").await;
    assert_eq!((&good.json()["code"], &good.json()["msg"]), (&json!(200), &json!("success")));
    let page = good.data();
    assert_eq!(
        (&page["total"], &page["page"], &page["page_size"], &page["total_pages"]),
        (&json!(1), &json!(1), &json!(20), &json!(1))
    );
    assert_eq!(app.get("/projects/none").await.error(404), "project_not_found");
    assert_eq!(app.get("/nowhere").await.error(404), "no_route");
    let wrong = app.send(app.request(Method::PATCH, "/platform/api/crawlhub/projects")).await;
    assert_eq!(wrong.error(405), "wrong_method");
}

#[tokio::test]
async fn errors_speak_the_callers_language() {
    let app = TestApp::new().await;
    let ask = async |language: Option<&str>| {
        let url = format!("{}/platform/api/crawlhub/tasks", app.base);
        let mut request = app.http.get(url);
        if let Some(language) = language {
            request = request.header("accept-language", language);
        }
        app.send(request).await.json()["msg"].as_str().unwrap().to_owned()
    };
    for language in [None, Some("zh-CN"), Some("zh-Hans,en;q=0.5"), Some("fr")] {
        assert!(ask(language).await.contains("请先登录"), "{language:?}");
    }
    for language in ["en", "en-GB,zh;q=0.1", "de,en;q=0.3"] {
        assert!(ask(Some(language)).await.contains("sign in first"), "{language}");
    }
}

#[tokio::test]
async fn request_ids_come_back() {
    let app = TestApp::new().await;
    let given = app.send(app.request(Method::GET, "/healthz").header("x-request-id", "mine-1")).await;
    assert_eq!(given.headers["x-request-id"], "mine-1");
    let made = app.get("/nowhere").await;
    assert!(made.headers["x-request-id"].to_str().unwrap().len() > 30);
    assert_eq!(made.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn bad_input_is_told_field_by_field() {
    let app = TestApp::new().await;
    let post = |text: &'static str| {
        let request =
            app.request(Method::POST, "/platform/api/crawlhub/projects").header("content-type", "application/json");
        app.send(request.body(text))
    };
    assert_eq!(post("{}").await.details(), ["body.name"]);
    assert_eq!(post("").await.details(), ["body.name"]);
    assert_eq!(post("{\"name\": 5}").await.details(), ["body.name"]);
    assert_eq!(post("{\"name\": \"x\"").await.details(), ["body"]);
    assert_eq!(post("[]").await.details(), ["body"]);
    assert_eq!(post("{\"name\": \"   \", \"description\": null, \"unknown\": 1}").await.details(), ["body.name"]);
    for query in ["page=0", "page_size=0", "page_size=101", "page=x", "page=-1"] {
        let details = app.get(&format!("/projects?{query}")).await.details();
        assert_eq!(details, [format!("query.{}", query.split('=').next().unwrap())]);
    }
    assert_eq!(app.get("/projects?page=&page_size=&keyword=").await.data()["total"], 1);
    assert_eq!(app.get("/projects?page=9223372036854775807").await.data()["items"], json!([]));
    let huge = "x".repeat(3 * 1024 * 1024);
    let answer = app.post("/projects", json!({"name": "x", "description": huge})).await;
    assert_eq!(answer.error(413), "body_too_large");
}

/// What the framework refuses by itself has our shape, too.
#[tokio::test]
async fn errors_of_the_framework() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/tasks/%ff").await.error(400), "bad_request");
    for path in ["/tasks/a%00b", "/spiders/a%00b", "/projects?keyword=%00", "/data?spider_id=%00"] {
        let answer = app.get(path).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn pages_for_people() {
    let app = TestApp::new().await;
    let nobody = app.without_token();
    let root = nobody.send(nobody.request(Method::GET, "/")).await;
    assert!(root.text.contains("CrawlHub"));
    let docs = nobody.send(nobody.request(Method::GET, "/docs/")).await;
    assert_eq!((docs.status.as_u16(), docs.headers["content-type"].to_str().unwrap()), (200, "text/html"));
    let description = nobody.send(nobody.request(Method::GET, "/openapi.json")).await.json();
    assert_eq!(description["info"]["title"], "CrawlHub");
    let ready = nobody.send(nobody.request(Method::GET, "/readyz")).await.json();
    assert_eq!(ready["dependencies"], json!({"database": "ok", "documents": "ok", "files": "ok"}));
}

/// Another origin may call with credentials when it is configured, and only then.
#[tokio::test]
async fn other_origins() {
    let app = TestApp::with(&[("CRAWLHUB_CORS_ORIGINS", "http://ui.example, http://other.example")]).await;
    let preflight = async |origin: &str| {
        let request = app.http.request(Method::OPTIONS, format!("{}/platform/api/login", app.base));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        app.send(request.header("access-control-request-headers", "content-type,x-csrf-token")).await
    };
    let allowed = preflight("http://ui.example").await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://ui.example");
    assert_eq!(allowed.headers["access-control-allow-credentials"], "true");
    assert!(!preflight("http://evil.example").await.headers.contains_key("access-control-allow-origin"));
}
