//! Spiders: their settings, secrets, templates and times.

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::platform::files::hash_of;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Client, ServerProcess, TestApp, practice_site};

async fn made(app: &Client, fields: Value) -> Value {
    app.post("/spiders", fields).await.data()
}

fn id(spider: &Value) -> &str {
    spider["id"].as_str().unwrap()
}

fn path(spider: &Value) -> String {
    format!("/spiders/{}", id(spider))
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|spider| spider["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_spider_of_which_only_the_name_is_said() {
    let app = TestApp::new().await;
    let default = app.get("/projects?keyword=default").await.data()["items"][0]["id"].clone();
    let spider = made(&app, json!({"name": "新闻"})).await;
    let wanted = json!({
        "id": spider["id"], "project_id": default, "name": "新闻", "description": null, "start_url": null,
        "source": "empty", "entry_point": null, "script_content": null, "git_repo": null, "cron_expr": null,
        "timezone": "UTC", "is_active": true, "next_run_at": null, "params": {}, "env_vars": {},
        "requirements_txt": null, "runner": "auto", "node_id": null, "image": null, "timeout_seconds": 300,
        "memory_limit_mb": null, "cpu_limit": null, "max_items": null, "max_retries": 3, "retry_delay_seconds": 60,
        "overlap": "skip", "misfire": "run_once", "rate_limit_rps": null, "proxy_enabled": false,
        "dedup_enabled": false, "dedup_fields": null, "item_schema": null, "webhook_url": null,
        "active_deployment_id": null, "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!((field, &spider[field]), (field, value));
    }
    assert_eq!(app.get(&path(&spider)).await.data(), spider);
    assert_eq!(app.get(&format!("{}/files", path(&spider))).await.data(), json!([]));
    for project in [json!(null), json!("")] {
        assert_eq!(made(&app, json!({"name": "x", "project_id": project})).await["project_id"], default);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = app.send(app.request(method, "/platform/api/crawlhub/spiders/none")).await;
        assert_eq!(answer.error(404), "spider_not_found");
    }
}

/// Every field, at a value that is not its default.
fn everything() -> Value {
    json!({
        "name": "all", "description": "d", "start_url": "https://a.example/", "source": "upload",
        "entry_point": "main:run", "script_content": "print(1)", "git_repo": "https://git.example/x.git",
        "cron_expr": "0 8 * * *", "timezone": "Asia/Shanghai", "is_active": false, "params": {"b": [1, {"c": null}]},
        "env_vars": {"LEVEL": "5"}, "requirements_txt": "httpx\n", "runner": "process", "node_id": "n", "image": "i",
        "timeout_seconds": 60, "memory_limit_mb": 512, "cpu_limit": 1.5, "max_items": 10, "max_retries": 0,
        "retry_delay_seconds": 1, "overlap": "queue", "misfire": "skip", "rate_limit_rps": 2.5,
        "proxy_enabled": true, "dedup_enabled": true, "dedup_fields": "a,b",
        "item_schema": {"type": "object", "required": ["title"]}, "webhook_url": "https://hook.example/x",
    })
}

#[tokio::test]
async fn what_is_left_out_of_a_change_stays() {
    let app = TestApp::new().await;
    let spider = made(&app, everything()).await;
    for (field, value) in everything().as_object().unwrap() {
        assert_eq!((field, &spider[field]), (field, value));
    }
    app.clock.advance(TimeDelta::seconds(1));
    let changed = app.put(&path(&spider), json!({"description": "other", "unknown": {"x": 1}})).await.data();
    let mut wanted = spider.clone();
    wanted["description"] = json!("other");
    wanted["updated_at"] = json!("2026-03-01T08:00:01Z");
    assert_eq!(changed, wanted);
    assert_eq!(app.put(&path(&spider), json!({})).await.data(), wanted);
    assert_eq!(app.get(&path(&spider)).await.data(), wanted);
    // And each field by itself changes nothing but itself.
    let plain = made(&app, json!({"name": "plain"})).await;
    for (field, value) in everything().as_object().unwrap() {
        if field != "script_content" {
            let fresh = made(&app, json!({"name": "plain"})).await;
            let changed = app.put(&path(&fresh), json!({ field: value })).await.data();
            let mut wanted = plain.clone();
            wanted[field] = value.clone();
            if field == "cron_expr" {
                wanted["next_run_at"] = json!("2026-03-02T08:00:00Z");
            }
            for same in ["id", "created_at", "updated_at"] {
                wanted[same] = changed[same].clone();
            }
            assert_eq!(changed, wanted, "{field}");
        }
    }
}

#[tokio::test]
async fn null_clears_what_may_be_empty() {
    let app = TestApp::new().await;
    let spider = made(&app, everything()).await;
    for field in [
        "description",
        "start_url",
        "entry_point",
        "git_repo",
        "cron_expr",
        "requirements_txt",
        "node_id",
        "image",
        "memory_limit_mb",
        "cpu_limit",
        "max_items",
        "rate_limit_rps",
        "dedup_fields",
        "item_schema",
        "webhook_url",
        "script_content",
    ] {
        let cleared = app.put(&path(&spider), json!({ field: null })).await.data();
        assert_eq!(cleared[field], Value::Null, "{field}");
    }
    assert_eq!(app.put(&path(&spider), json!({"env_vars": null})).await.data()["env_vars"], json!({}));
    for field in [
        "name",
        "source",
        "timezone",
        "is_active",
        "params",
        "runner",
        "timeout_seconds",
        "max_retries",
        "retry_delay_seconds",
        "overlap",
        "misfire",
        "proxy_enabled",
        "dedup_enabled",
    ] {
        assert_eq!(app.put(&path(&spider), json!({ field: null })).await.details(), [format!("body.{field}")]);
    }
    assert_eq!(app.put(&path(&spider), json!({"project_id": null})).await.data()["project_id"], spider["project_id"]);
}

#[tokio::test]
async fn what_cannot_run_is_refused_when_it_is_saved() {
    let app = TestApp::new().await;
    let spider = made(&app, json!({"name": "kept"})).await;
    let many: Map<String, Value> = (0..101).map(|n| (format!("V{n}"), json!(1))).collect();
    for (change, loc) in [
        (json!({"cron_expr": "61 * * * *"}), "body.cron_expr"),
        (json!({"cron_expr": "* * * *"}), "body.cron_expr"),
        (json!({"cron_expr": "* * * * * * *"}), "body.cron_expr"),
        (json!({"cron_expr": "every day"}), "body.cron_expr"),
        (json!({"cron_expr": "@sometimes"}), "body.cron_expr"),
        (json!({"cron_expr": "0 0 31 2 *"}), "body.cron_expr"),
        (json!({"cron_expr": "0 0 30 2 *", "timezone": "Asia/Shanghai"}), "body.cron_expr"),
        (json!({"timezone": "Mars/Olympus"}), "body.timezone"),
        (json!({"timezone": "UTC+8"}), "body.timezone"),
        (json!({"timezone": ""}), "body.timezone"),
        (json!({"item_schema": {"type": "objekt"}}), "body.item_schema"),
        (json!({"item_schema": "{"}), "body.item_schema"),
        (json!({"item_schema": [1]}), "body.item_schema"),
        (json!({"item_schema": {"$ref": "http://127.0.0.1:1/x.json"}}), "body.item_schema"),
        (json!({"item_schema": {"$ref": "file:///etc/passwd"}}), "body.item_schema"),
        (json!({"env_vars": {"1A": "x"}}), "body.env_vars.1A"),
        (json!({"env_vars": {"A-B": "x"}}), "body.env_vars.A-B"),
        (json!({"env_vars": {"A=B": "x"}}), "body.env_vars.A=B"),
        (json!({"env_vars": {"": "x"}}), "body.env_vars"),
        (json!({"env_vars": {"变量": "x"}}), "body.env_vars.变量"),
        (json!({"env_vars": {"A": null}}), "body.env_vars.A"),
        (json!({"env_vars": {"A": ["x"]}}), "body.env_vars.A"),
        (json!({"env_vars": {"A": "x\u{0}"}}), "body.env_vars.A"),
        (json!({"env_vars": {"CRAWLHUB_TOKEN": "x"}}), "body.env_vars.CRAWLHUB_TOKEN"),
        (json!({"env_vars": "{\"crawlhub_api_url\": \"x\"}"}), "body.env_vars.crawlhub_api_url"),
        (json!({"env_vars": {"NEW_KEY": "******"}}), "body.env_vars.NEW_KEY"),
        (json!({"env_vars": "not json"}), "body.env_vars"),
        (json!({"env_vars": [1]}), "body.env_vars"),
        (json!({ "env_vars": many }), "body.env_vars"),
        (json!({"env_vars": {"A": "x".repeat(128 * 1024)}}), "body.env_vars"),
        (json!({"name": " "}), "body.name"),
        (json!({"name": "x".repeat(256)}), "body.name"),
        (json!({"start_url": "ftp://x"}), "body.start_url"),
        (json!({"webhook_url": "javascript:alert(1)"}), "body.webhook_url"),
        (json!({"webhook_url": format!("https://x/{}", "a".repeat(500))}), "body.webhook_url"),
        (json!({"entry_point": "../main"}), "body.entry_point"),
        (json!({"entry_point": "-c"}), "body.entry_point"),
        (json!({"entry_point": "a b"}), "body.entry_point"),
        (json!({"timeout_seconds": 0}), "body.timeout_seconds"),
        (json!({"timeout_seconds": 86_401}), "body.timeout_seconds"),
        (json!({"timeout_seconds": "60"}), "body.timeout_seconds"),
        (json!({"timeout_seconds": 1.5}), "body.timeout_seconds"),
        (json!({"memory_limit_mb": 15}), "body.memory_limit_mb"),
        (json!({"cpu_limit": 0}), "body.cpu_limit"),
        (json!({"max_items": 0}), "body.max_items"),
        (json!({"max_retries": -1}), "body.max_retries"),
        (json!({"max_retries": 101}), "body.max_retries"),
        (json!({"retry_delay_seconds": 86_401}), "body.retry_delay_seconds"),
        (json!({"rate_limit_rps": 0}), "body.rate_limit_rps"),
        (json!({"source": "ftp"}), "body.source"),
        (json!({"runner": "cloud"}), "body.runner"),
        (json!({"overlap": "both"}), "body.overlap"),
        (json!({"misfire": "twice"}), "body.misfire"),
        (json!({"params": [1]}), "body.params"),
        (json!({"is_active": "yes"}), "body.is_active"),
        (json!({"project_id": "none"}), "body.project_id"),
        (json!({"script_content": "x".repeat((1 << 20) + 1)}), "body.script_content"),
    ] {
        let short: String = change.to_string().chars().take(80).collect();
        assert_eq!(app.put(&path(&spider), change.clone()).await.details(), [loc], "{short}");
        let mut new = change;
        if new.get("name").is_none() {
            new["name"] = json!("new");
        }
        assert_eq!(app.post("/spiders", new).await.details(), [loc], "{short}");
    }
    assert_eq!(app.post("/spiders", json!({})).await.details(), ["body.name"]);
    assert_eq!(app.post("/spiders", json!({"name": "x", "template": "none"})).await.details(), ["body.template"]);
    let two = json!({"timeout_seconds": 0, "max_retries": -1});
    assert_eq!(
        app.put(&path(&spider), two).await.details(),
        ["body.timeout_seconds", "body.max_retries"],
        "all at once"
    );
    assert_eq!(app.get(&path(&spider)).await.data(), spider);
    assert_eq!(app.get("/spiders").await.data()["total"], 1, "nothing was kept of what was refused");
}

#[tokio::test]
async fn an_item_schema_is_an_object_or_its_text() {
    let app = TestApp::new().await;
    let schema = json!({"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}});
    for given in [schema.clone(), json!(schema.to_string())] {
        assert_eq!(made(&app, json!({"name": "x", "item_schema": given})).await["item_schema"], schema);
    }
    assert_eq!(made(&app, json!({"name": "x", "item_schema": ""})).await["item_schema"], Value::Null);
}

#[tokio::test]
async fn spiders_are_listed_and_filtered() {
    let app = TestApp::new().await;
    let project = app.post("/projects", json!({"name": "p"})).await.data()["id"].as_str().unwrap().to_owned();
    for new in [
        json!({"name": "100% news"}),
        json!({"name": "100 News", "project_id": project}),
        json!({"name": "新闻_一", "project_id": project, "is_active": false}),
        json!({"name": "新闻二"}),
    ] {
        made(&app, new).await;
    }
    for (query, found) in [
        ("", &["新闻二", "新闻_一", "100 News", "100% news"][..]),
        ("keyword=0%25", &["100% news"]),
        ("keyword=_", &["新闻_一"]),
        ("keyword=新闻", &["新闻二", "新闻_一"]),
        ("keyword=NEWS", &["100 News", "100% news"]),
        (&format!("project_id={project}"), &["新闻_一", "100 News"]),
        (&format!("project_id={project}&is_active=true&keyword=n"), &["100 News"]),
        ("is_active=false", &["新闻_一"]),
        ("keyword=&project_id=&is_active=", &["新闻二", "新闻_一", "100 News", "100% news"]),
        ("project_id=none", &[]),
    ] {
        let page = app.get(&format!("/spiders?{query}")).await.data();
        assert_eq!((names(&page), &page["total"]), (found.to_vec(), &json!(found.len())), "{query}");
    }
    let first = app.get("/spiders?page_size=3").await.data();
    made(&app, json!({"name": "new"})).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/spiders?page_size=3&cursor={cursor}")).await.data();
    assert_eq!((names(&rest), &rest["next_cursor"]), (vec!["100% news"], &Value::Null));
    assert_eq!(app.get("/spiders?is_active=x").await.details(), ["query.is_active"]);
}

/// Shows what it is given of its environment, without giving it away.
const SHOW_HASHES: &str = "import hashlib, json, os\n\
    names = ['API_KEY', 'DB_URL', 'LEVEL', 'FLAG']\n\
    print(json.dumps({n: hashlib.sha256(os.environ[n].encode()).hexdigest() for n in names if n in os.environ}))";

async fn seen(app: &Client, spider: &str) -> Value {
    let task = app.run_to_end(spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    app.items(task["id"].as_str().unwrap()).await.remove(0)
}

fn hashes(vars: &[(&str, &str)]) -> Value {
    vars.iter()
        .map(|(name, value)| ((*name).to_owned(), json!(hash_of(value.as_bytes()))))
        .collect::<Map<_, _>>()
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_seen_again_except_by_the_spider() {
    let app = TestApp::new().await;
    let (key, url) = ("k9x-secret-一", "postgres://user:p4ss-w0rd@db/x");
    let object = json!({"API_KEY": key, "DB_URL": url, "LEVEL": 5, "FLAG": true});
    let shown = json!({"API_KEY": "******", "DB_URL": "******", "LEVEL": "5", "FLAG": "true"});
    let mut answers = Vec::new();
    for given in [object.clone(), json!(object.to_string())] {
        let answer = app.post("/spiders", json!({"name": "secret", "env_vars": given, "max_retries": 0})).await;
        let spider = answer.data();
        assert_eq!(spider["env_vars"], shown);
        app.post(&format!("{}/files/new", path(&spider)), json!({"path": "main.py", "content": SHOW_HASHES}))
            .await
            .ok();
        let all = hashes(&[("API_KEY", key), ("DB_URL", url), ("LEVEL", "5"), ("FLAG", "true")]);
        assert_eq!(seen(&app, id(&spider)).await, all);

        // What was shown, sent back with a change: the masks keep what they hide.
        let mut back = shown.clone();
        back["LEVEL"] = json!("6");
        answers.push(app.put(&path(&spider), json!({"env_vars": back.to_string()})).await);
        let changed = hashes(&[("API_KEY", key), ("DB_URL", url), ("LEVEL", "6"), ("FLAG", "true")]);
        assert_eq!(seen(&app, id(&spider)).await, changed);
        // Left out, they stay; an object takes the place of the former one.
        answers.push(app.put(&path(&spider), json!({"description": "x"})).await);
        assert_eq!(seen(&app, id(&spider)).await, changed);
        answers.push(app.put(&path(&spider), json!({"env_vars": {"API_KEY": "******"}})).await);
        assert_eq!(seen(&app, id(&spider)).await, hashes(&[("API_KEY", key)]));
        answers.extend([answer, app.get(&path(&spider)).await, app.get(&format!("{}/schedule", path(&spider))).await]);
    }
    for path in ["/spiders", "/tasks", "/data", "/projects"] {
        answers.push(app.get(path).await);
    }
    for answer in answers {
        assert!(!answer.text.contains("k9x") && !answer.text.contains("p4ss"), "{}", answer.text);
    }
    assert!(!app.keeps("k9x-secret").await && !app.keeps("p4ss-w0rd").await, "in clear on disk");
    assert!(app.keeps("SHOW_HASHES").await || app.keeps("hashlib.sha256").await, "the search finds what is there");
}

/// The secrets are lost with their key, the spider is not.
#[tokio::test(flavor = "multi_thread")]
async fn another_secret_key() {
    let app = TestApp::new().await;
    let spider = app
        .spider(json!({"name": "s", "env_vars": {"API_KEY": "k"}, "max_retries": 0}), &[("main.py", SHOW_HASHES)])
        .await;
    // As the former one is lost.
    let key = "5a".repeat(32);
    let settings = [("CRAWLHUB_SECRET_KEY", key.as_str())];
    let mut adopt = ServerProcess::command(app.dir.path(), app.database_url.as_deref(), &settings);
    assert!(adopt.arg("adopt-key").status().await.unwrap().success());
    let app = app.restart(&settings).await;
    let path = format!("/spiders/{spider}");
    assert_eq!(app.get(&path).await.data()["env_vars"], json!({}));
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "failed", "{task}");
    app.put(&path, json!({"env_vars": {"API_KEY": "k2"}})).await.data();
    assert_eq!(seen(&app, &spider).await, hashes(&[("API_KEY", "k2")]));
}

/// The predecessor's one script and `main.py` are one text, until somebody makes two of them.
#[tokio::test]
async fn script_content_is_main_py() {
    let app = TestApp::new().await;
    let spider = made(&app, json!({"name": "s", "script_content": "print(1)"})).await;
    let files = async || app.get(&format!("{}/files", path(&spider))).await.data();
    let content = async |file: &Value| {
        let content = app.get(&format!("{}/files/{}/content", path(&spider), id(file))).await.data();
        content["content"].as_str().unwrap().to_owned()
    };
    let main = files().await[0].clone();
    assert_eq!((&main["path"], content(&main).await.as_str()), (&json!("main.py"), "print(1)"));
    app.put(&path(&spider), json!({"script_content": "print(2)"})).await.data();
    assert_eq!(content(&main).await, "print(2)");
    app.put(&format!("{}/files/{}", path(&spider), id(&main)), json!({"content": "print(3)"})).await.data();
    assert_eq!(app.get(&path(&spider)).await.data()["script_content"], "print(3)");
    app.delete(&format!("{}/files/{}", path(&spider), id(&main))).await.ok();
    assert_eq!(app.get(&path(&spider)).await.data()["script_content"], Value::Null);
    app.put(&path(&spider), json!({"script_content": "print(4)"})).await.data();
    assert_eq!(content(&files().await[0]).await, "print(4)");
}

/// Each template, run as it is against a site, and where there is none.
#[tokio::test(flavor = "multi_thread")]
async fn every_template_runs() {
    let (app, site) = (TestApp::new().await, practice_site().await);
    let templates = app.get("/spiders/templates").await.data();
    let known: Vec<&str> =
        templates.as_array().unwrap().iter().map(|template| template["name"].as_str().unwrap()).collect();
    assert_eq!(known, ["script", "async", "scrapy"]);
    for template in templates.as_array().unwrap() {
        let name = template["name"].as_str().unwrap();
        let spider = made(&app, json!({"name": name, "template": name, "max_retries": 0})).await;
        for field in ["source", "entry_point", "requirements_txt"] {
            let wanted = Some(&template[field]).filter(|value| *value != "").unwrap_or(&Value::Null);
            assert_eq!(&spider[field], wanted, "{name} {field}");
        }
        let files = app.get(&format!("{}/files", path(&spider))).await.data();
        assert_eq!(files.as_array().unwrap().len(), template["files"].as_array().unwrap().len(), "{name}");
        assert!(
            template["files"].as_array().unwrap().iter().any(|file| file["content"] == template["content"]),
            "{name}"
        );

        let second = format!("{site}page/2");
        let (params, items) = match name {
            "script" => (
                json!({"url": site}),
                json!([
                    {"page": site, "url": format!("{site}tag/x/"), "text": "x"},
                    {"page": site, "url": format!("{site}page/2/"), "text": "Next"},
                ]),
            ),
            "async" => (
                json!({"urls": [site, second], "concurrency": 1}),
                json!([
                    {"url": site, "status": 200, "title": "Quotes"},
                    {"url": second, "status": 200, "title": "Quotes, page 2"},
                ]),
            ),
            _ => (
                json!({"url": site}),
                json!([
                    {"text": "“One”", "author": "A", "tags": ["x"]},
                    {"text": "“二”", "author": "B", "tags": []},
                    {"text": "“Three”", "author": "C", "tags": []},
                ]),
            ),
        };
        let task = app.run_to_end(id(&spider), json!({ "params": params })).await;
        let lines = app.lines(task["id"].as_str().unwrap()).await;
        assert_eq!(task["status"], "completed", "{task} {lines:?}");
        assert_eq!(json!(app.items(task["id"].as_str().unwrap()).await), items, "{name}");

        // Nobody listens there: a run without a single page is no success.
        let nowhere = "http://127.0.0.1:9/";
        let task = app.run_to_end(id(&spider), json!({"params": {"url": nowhere, "urls": [nowhere]}})).await;
        if name == "scrapy" {
            // Scrapy itself takes this for a good end; its log tells.
            let lines = app.lines(task["id"].as_str().unwrap()).await;
            assert!(lines.iter().any(|line| line["line"].as_str().unwrap().contains("refused")), "{task}");
            continue;
        }
        assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("network")), "{name}: {task}");
        assert!(task["error_message"].as_str().unwrap().contains("efused"), "{name}: {task}");
    }
}

/// A template is only where one starts from: what is said beside it goes before it.
#[tokio::test]
async fn a_template_with_changes() {
    let app = TestApp::new().await;
    let new =
        json!({"name": "x", "template": "async", "script_content": "def run(): pass", "entry_point": "main:other"});
    let spider = made(&app, new).await;
    assert_eq!((&spider["entry_point"], &spider["script_content"]), (&json!("main:other"), &json!("def run(): pass")));
    let files = app.get(&format!("{}/files", path(&spider))).await.data();
    assert_eq!((files.as_array().unwrap().len(), &files[0]["size"]), (1, &json!(15)));
}

fn times(answer: &Value) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|time| time.as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_schedule_tells_the_next_times() {
    let app = TestApp::new().await;
    for (expr, zone, wanted) in [
        ("*/20 * * * *", "UTC", ["2026-03-01T08:20:00Z", "2026-03-01T08:40:00Z"]),
        ("*/20 * * * * *", "UTC", ["2026-03-01T08:00:20Z", "2026-03-01T08:00:40Z"]),
        ("0 8 * * *", "Asia/Shanghai", ["2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"]),
        ("0 0 L * *", "UTC", ["2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"]),
        ("0 0 15W * *", "UTC", ["2026-03-16T00:00:00Z", "2026-04-15T00:00:00Z"]),
        ("0 0 * * FRI#2", "UTC", ["2026-03-13T00:00:00Z", "2026-04-10T00:00:00Z"]),
        ("@hourly", "UTC", ["2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"]),
        ("@midnight", "America/New_York", ["2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z"]),
        ("0 0 29 2 *", "UTC", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
    ] {
        let spider = made(&app, json!({"name": "s", "cron_expr": format!(" {expr} "), "timezone": zone})).await;
        assert_eq!((&spider["cron_expr"], &spider["next_run_at"]), (&json!(expr), &json!(wanted[0])));
        let schedule = app.get(&format!("{}/schedule?count=2", path(&spider))).await.data();
        assert_eq!(times(&schedule), wanted, "{expr} {zone}");
    }
    let spider = made(&app, json!({"name": "s", "cron_expr": "0 * * * *"})).await;
    let schedule = async |query: &str| app.get(&format!("{}/schedule{query}", path(&spider))).await;
    assert_eq!(times(&schedule("").await.data()).len(), 5);
    assert_eq!(times(&schedule("?count=100").await.data()).len(), 100);
    for count in ["0", "101", "x"] {
        assert_eq!(schedule(&format!("?count={count}")).await.details(), ["query.count"]);
    }
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(times(&schedule("?count=1").await.data()), ["2026-03-01T10:00:00Z"], "nine o'clock is now");
    let paused = app.put(&path(&spider), json!({"is_active": false})).await.data();
    assert_eq!((&paused["next_run_at"], schedule("").await.data()), (&Value::Null, json!([])));
    let resumed = app.put(&path(&spider), json!({"is_active": true})).await.data();
    assert_eq!(resumed["next_run_at"], "2026-03-01T10:00:00Z");
    app.put(&path(&spider), json!({"cron_expr": null})).await.data();
    assert_eq!(schedule("").await.data(), json!([]));
    assert_eq!(app.get("/spiders/none/schedule").await.error(404), "spider_not_found");
}

/// A fixed hour comes once a day, also on the two days on which the clock changes; an interval goes on.
#[tokio::test]
async fn schedules_where_the_clock_changes() {
    for (zone, expr, from, wanted) in [
        // 02:30 is jumped over: it fires at the end of the gap, at 03:00.
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "America/New_York",
            "30 2 * * *",
            "2026-03-07T00:00:00Z",
            ["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        ),
        // The hour comes twice, the spider once.
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24T00:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31T00:00:00Z",
            ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
        ),
        (
            "Europe/Berlin",
            "0 * * * *",
            "2026-10-25T00:00:00Z",
            ["2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"],
        ),
        // Half an hour of it, on the other half of the world.
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T00:00:00Z",
            ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z", "2026-10-05T15:15:00Z"],
        ),
        (
            "Asia/Shanghai",
            "30 2 * * *",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T18:30:00Z", "2026-03-29T18:30:00Z", "2026-03-30T18:30:00Z"],
        ),
    ] {
        let app = TestApp::new().await;
        let from: DateTime<Utc> = from.parse().unwrap();
        app.clock.advance(from - "2026-03-01T08:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let spider = made(&app, json!({"name": "s", "cron_expr": expr, "timezone": zone})).await;
        let schedule = app.get(&format!("{}/schedule?count=3", path(&spider))).await.data();
        assert_eq!(times(&schedule), wanted, "{expr} {zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_is_not_deleted_while_it_works() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let wait = [("main.py", "import time\nprint('{\"n\": 1}')\nprint('up', flush=True)\ntime.sleep(60)")];
    let (busy, waiting) =
        (app.spider(json!({"name": "busy"}), &wait).await, app.spider(json!({"name": "next"}), &wait).await);
    let running = app.run(&busy, json!({})).await;
    app.wait_for_line(&running, "up").await;
    let pending = app.run(&waiting, json!({})).await;
    for spider in [&busy, &waiting] {
        assert_eq!(app.delete(&format!("/spiders/{spider}")).await.error(409), "spider_busy");
        app.get(&format!("/spiders/{spider}")).await.data();
    }
    for (spider, task) in [(&waiting, &pending), (&busy, &running)] {
        app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
        app.delete(&format!("/spiders/{spider}")).await.ok();
        assert_eq!(app.get(&format!("/spiders/{spider}")).await.error(404), "spider_not_found");
        assert_eq!(app.get(&format!("/spiders/{spider}/files")).await.error(404), "spider_not_found");
        assert_eq!(app.post(&format!("/spiders/{spider}/run"), json!({})).await.error(404), "spider_not_found");
        assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["status"], "cancelled", "what it did stays");
    }
    assert_eq!(app.get("/spiders").await.data()["total"], 0);
}

/// What a spider's webhook is called with may be a secret; who changes spiders sees it, as they send it back.
#[tokio::test]
async fn the_address_of_a_webhook_is_not_for_viewers() {
    let app = TestApp::new().await;
    let url = "https://me@hooks.example/in/0123456789abcdef?token=t";
    let spider = app.spider(json!({"name": "s", "webhook_url": url}), &[]).await;
    let made = app.request(Method::POST, "/platform/api/tokens").json(&json!({"name": "v", "role": "viewer"}));
    let token = app.send(made).await.data()["token"].as_str().unwrap().to_owned();
    let viewer = Client { token: Some(token), ..app.client.clone() };
    let path = format!("/spiders/{spider}");
    assert_eq!(app.get(&path).await.data()["webhook_url"], url);
    assert_eq!(app.get("/spiders").await.data()["items"][0]["webhook_url"], url);
    let masked = "https://******@hooks.example/in/******?token=******";
    assert_eq!(viewer.get(&path).await.data()["webhook_url"], masked);
    assert_eq!(viewer.get("/spiders").await.data()["items"][0]["webhook_url"], masked);
}
