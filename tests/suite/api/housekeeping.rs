//! What is kept how long, how much there is, and files that nothing refers to.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::{
    clock::Clock,
    config::{Config, Sources},
    platform::{
        database::{Database, Schema},
        files::hash_of,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use super::schedules::{judged, schedule};
use crate::support::{Answer, Client, TestApp};

/// Prints a line, gives the lines of `items.jsonl` as items, and uploads `upload.txt`, where there is one.
const GIVE: &str = r#"
import os, shutil, urllib.request
print('a line')
shutil.copy('items.jsonl', os.environ['CRAWLHUB_OUTPUT_DIR'])
if os.path.exists('upload.txt'):
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="upload.txt"\r\n\r\n'
    body = (part + open('upload.txt').read() + '\r\n--b--\r\n').encode()
    headers = {'Content-Type': 'multipart/form-data; boundary=b'}
    url = os.environ['CRAWLHUB_API_URL'] + '/crawlhub/internal/files/upload'
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
"#;

/// Stores an item of a little more than a mebibyte, where it is told to, and stays.
const FILL: &str = "
import time
from crawlhub import flush, get_params, save_item
if get_params().get('fill'):
    save_item({'much': 'x' * (1 << 20)})
    flush()
    print('filled', flush=True)
    time.sleep(1000)
";

/// A spider that gives two items of eight bytes each, with more files and settings.
async fn giving(app: &Client, fields: Value, files: &[(&str, &str)]) -> String {
    let own = [("main.py", GIVE), ("items.jsonl", "{\"n\": 1}\n{\"n\": 2}\n")];
    app.spider(fields, &[&own, files].concat()).await
}

/// Runs the spider; the task.
async fn gives(app: &Client, spider: &str) -> String {
    let task = app.run_to_end(spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    task["id"].as_str().unwrap().to_owned()
}

async fn task(app: &Client, id: &str) -> Answer {
    app.get(&format!("/tasks/{id}")).await
}

async fn is_gone(app: &Client, id: &str) -> bool {
    task(app, id).await.status == 404
}

async fn clean(app: &Client) -> Value {
    app.send(app.request(Method::POST, "/platform/api/storage/clean")).await.data()
}

async fn storage(app: &Client) -> Value {
    app.send(app.request(Method::GET, "/platform/api/storage")).await.data()
}

async fn ready(app: &Client) -> Value {
    app.send(app.request(Method::GET, "/readyz")).await.json()
}

/// The server's databases, for what no address makes yet, or not in such numbers.
async fn databases(app: &TestApp) -> (Database, Database) {
    if let Some(url) = &app.database_url {
        let db = Database::open_postgres(url).await.unwrap();
        return (db.clone(), db);
    }
    let open = async |file: &str, schema| Database::open_sqlite(&app.dir.path().join(file), schema).await.unwrap();
    (open("crawlhub.db", Schema::Main).await, open("documents.db", Schema::Documents).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn old_tasks_go_with_all_that_belongs_to_them() {
    let app = TestApp::with(&[("CRAWLHUB_RETENTION_TASK_DAYS", "30")]).await;
    let spider = giving(&app, json!({"name": "s"}), &[("upload.txt", "uploaded")]).await;
    let longer = giving(&app, json!({"name": "longer", "retention": {"task_days": 40}}), &[]).await;
    let ever = giving(&app, json!({"name": "ever", "retention": {"task_days": 0}}), &[]).await;
    let old = gives(&app, &spider).await;
    let (of_longer, of_ever) = (gives(&app, &longer).await, gives(&app, &ever).await);
    app.clock.advance(TimeDelta::days(20));
    let new = gives(&app, &spider).await;
    app.clock.advance(TimeDelta::days(15));
    clean(&app).await;

    assert!(is_gone(&app, &old).await);
    app.get(&format!("/tasks/{old}/logs")).await.error(404);
    assert_eq!(app.get(&format!("/data?task_id={old}")).await.data()["total"], 0);
    assert_eq!(app.get("/data").await.data()["total"], 6);
    for kept in [&new, &of_longer, &of_ever] {
        assert_eq!((app.items(kept).await.len(), app.lines(kept).await.is_empty()), (2, false));
    }
    let files = app.get(&format!("/tasks/{new}/files")).await.data();
    let content = app.get(&format!("/tasks/{new}/files/{}", files[0]["id"].as_str().unwrap())).await;
    assert_eq!(content.text, "uploaded");

    app.clock.advance(TimeDelta::days(1000));
    clean(&app).await;
    assert!(is_gone(&app, &new).await && is_gone(&app, &of_longer).await);
    assert_eq!(app.items(&of_ever).await.len(), 2);
    let kept = storage(&app).await;
    assert_eq!(
        (&kept["items_bytes"], &kept["files_bytes"], &kept["spiders"][0]["name"]),
        (&json!(16), &json!(0), &json!("ever"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_tasks_stay() {
    let app = TestApp::with(&[("CRAWLHUB_RETENTION_TASKS_PER_SPIDER", "2")]).await;
    let spider = giving(&app, json!({"name": "s"}), &[]).await;
    let other = giving(&app, json!({"name": "other", "retention": {"tasks": 1}}), &[]).await;
    app.post(&format!("/spiders/{spider}/test-run"), json!({})).await;
    let (mut tasks, mut others) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        tasks.push(gives(&app, &spider).await);
        others.push(gives(&app, &other).await);
    }
    let removed = clean(&app).await;
    assert_eq!((&removed["tasks"], &removed["logs"]), (&json!(5), &json!(0)));
    for (at, (one, two)) in tasks.iter().zip(&others).enumerate() {
        assert_eq!((is_gone(&app, one).await, is_gone(&app, two).await), (at < 2, at < 3), "{at}");
    }
    let tests = app.get(&format!("/tasks?spider_id={spider}&is_test=true")).await.data();
    assert_eq!(tests["total"], 1, "tests are not counted, and not taken for others");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_runs_go_sooner() {
    let app =
        TestApp::with(&[("CRAWLHUB_RETENTION_TEST_TASK_DAYS", "3"), ("CRAWLHUB_RETENTION_TASK_DAYS", "30")]).await;
    let spider = giving(&app, json!({"name": "s"}), &[]).await;
    let strict = giving(&app, json!({"name": "strict", "retention": {"task_days": 1}}), &[]).await;
    let real = gives(&app, &spider).await;
    for spider in [&spider, &strict] {
        app.post(&format!("/spiders/{spider}/test-run"), json!({})).await;
    }
    let tests =
        async |spider: &str| app.get(&format!("/tasks?spider_id={spider}&is_test=true")).await.data()["total"].clone();
    app.clock.advance(TimeDelta::days(2));
    clean(&app).await;
    assert_eq!((tests(&spider).await, tests(&strict).await), (json!(1), json!(0)));
    app.clock.advance(TimeDelta::days(2));
    clean(&app).await;
    assert_eq!(tests(&spider).await, 0);
    assert_eq!(app.items(&real).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_and_the_items_stay_or_the_other_way_round() {
    let app = TestApp::with(&[("CRAWLHUB_RETENTION_LOG_DAYS", "5")]).await;
    let spider = giving(&app, json!({"name": "logs"}), &[]).await;
    let items = json!({"name": "items", "retention": {"log_days": 0, "item_days": 5}});
    let items = giving(&app, items, &[]).await;
    let (without_log, without_items) = (gives(&app, &spider).await, gives(&app, &items).await);
    app.clock.advance(TimeDelta::days(4));
    clean(&app).await;
    assert_eq!(task(&app, &without_log).await.data()["logs_removed_at"], Value::Null);
    app.clock.advance(TimeDelta::days(2));
    let now = app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    clean(&app).await;

    let log = app.get(&format!("/tasks/{without_log}/logs")).await;
    assert_eq!((&log.data()["stdout"], &log.data()["message"]), (&json!(""), &json!("日志已超过保留期限，已被清除")));
    assert_eq!(log.json()["msg"], format!("the log was removed for its age at {now}"));
    assert_eq!(app.lines(&without_log).await.len(), 0);
    assert_eq!(app.get(&format!("/tasks/{without_log}/logs/download")).await.text, "");
    assert_eq!(app.items(&without_log).await.len(), 2);
    let told = task(&app, &without_log).await.data();
    assert_eq!((&told["logs_removed_at"], &told["items_removed_at"]), (&json!(now), &Value::Null));

    assert_eq!(app.items(&without_items).await.len(), 0);
    assert!(!app.lines(&without_items).await.is_empty());
    let told = task(&app, &without_items).await.data();
    assert_eq!((&told["logs_removed_at"], &told["items_removed_at"]), (&Value::Null, &json!(now)));
    assert_eq!((&told["total_count"], &told["success_count"]), (&json!(2), &json!(2)), "what it did");
    assert_eq!(clean(&app).await["logs"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_or_runs_is_not_touched() {
    let strict = json!({"task_days": 1, "tasks": 1, "log_days": 1, "item_days": 1});
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "overlap": "queue", "timeout_seconds": 86400, "retention": strict});
    let spider = app.spider(fields, &[("main.py", FILL)]).await;
    let running = app.run(&spider, json!({"params": {"fill": true}})).await;
    let waiting = app.run(&spider, json!({})).await;
    app.wait_for_line(&running, "filled").await;
    app.clock.advance(TimeDelta::days(100));
    let removed = clean(&app).await;
    assert_eq!((&removed["tasks"], &removed["logs"], &removed["items"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(app.items(&running).await.len(), 1);
    assert!(app.lines(&running).await.iter().any(|line| line["line"] == "filled"));
    app.post(&format!("/tasks/{running}/cancel"), json!({})).await.ok();
    assert_eq!(app.ended(&waiting).await["status"], "completed");
}

async fn make_schedule(db: &Database, id: &str, spider: &str, version: Option<&str>, now: DateTime<Utc>) {
    db.query(
        "INSERT INTO schedules (id, spider_id, name, cron_expr, timezone, params, priority, is_active, active_since,
                                deployment_id, created_at, updated_at)
         VALUES ($1, $2, '', '0 0 1 1 *', 'UTC', $3, 0, $4, $5, $6, $5, $5)",
    )
    .bind(id)
    .bind(spider)
    .bind(sqlx::types::Json(json!({})))
    .bind(false)
    .bind(now)
    .bind(version)
    .execute()
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_in_use_stay() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "overlap": "queue", "timeout_seconds": 86400});
    let spider = app.spider(fields, &[("main.py", FILL)]).await;
    let (of_spider, deployments) = (format!("/spiders/{spider}"), format!("/spiders/{spider}/deployments"));
    let content = |version: usize| format!("of version {version}");
    let mut versions = Vec::new();
    for version in 1..=7 {
        let upload = format!("{of_spider}/files/upload");
        app.upload(&upload, "own.txt", content(version).into_bytes(), &[("path", "own.txt")]).await.ok();
        let made = app.post(&deployments, json!({})).await.data();
        versions.push(made["id"].as_str().unwrap().to_owned());
    }
    app.post(&format!("{deployments}/{}/rollback", versions[0]), json!({})).await.ok();
    let (db, _) = databases(&app).await;
    make_schedule(&db, "pins", &spider, Some(&versions[1]), app.clock.now()).await;
    let running = app.run(&spider, json!({"params": {"fill": true}, "deployment_id": versions[2]})).await;
    app.wait_for_line(&running, "filled").await;

    let left = async || {
        let mut left = Vec::new();
        for (at, id) in versions.iter().enumerate() {
            if app.get(&format!("{deployments}/{id}")).await.status == 200 {
                left.push(at + 1);
            }
        }
        left
    };
    let blobs = || (1..=7).filter(|version| blob(&app, &content(*version)).exists()).collect::<Vec<_>>();
    app.put(&of_spider, json!({"retention": {"versions": 2}})).await.ok();
    age_blobs(&app);
    assert_eq!(clean(&app).await["versions"], 2);
    assert_eq!((left().await, blobs()), (vec![1, 2, 3, 6, 7], vec![1, 2, 3, 6, 7]));

    app.post(&format!("/tasks/{running}/cancel"), json!({})).await.ok();
    app.put(&of_spider, json!({"retention": {"versions": 1}})).await.ok();
    clean(&app).await;
    assert_eq!((left().await, blobs()), (vec![1, 2, 7], vec![1, 2, 3, 7]), "the task that ran it still tells its code");
    app.delete(&format!("/tasks/{running}")).await.ok();
    clean(&app).await;
    assert_eq!(blobs(), [1, 2, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ledgers_are_kept_for_a_time() {
    let settings = [
        ("CRAWLHUB_RETENTION_FIRE_DAYS", "10"),
        ("CRAWLHUB_RETENTION_AUDIT_DAYS", "20"),
        ("CRAWLHUB_RETENTION_EVENT_DAYS", "20"),
    ];
    let app = TestApp::with(&settings).await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let (db, _) = databases(&app).await;
    make_schedule(&db, "one", &spider, None, app.clock.now()).await;
    for minute in 0..1500 {
        db.query("INSERT INTO fires (schedule_id, planned_at, outcome) VALUES ('one', $1, 'missed')")
            .bind(app.clock.now() - TimeDelta::days(9) + TimeDelta::minutes(minute))
            .execute()
            .await
            .unwrap();
    }
    let fact = json!({"kind": "time_unmet", "schedule_id": "one", "schedule_name": "", "spider_id": spider,
                      "spider_name": "s", "planned_at": app.clock.now(), "outcome": "missed", "reason": ""});
    db.query("INSERT INTO events (id, event, created_at) VALUES ('old', $1, $2)")
        .bind(sqlx::types::Json(fact))
        .bind(app.clock.now() - TimeDelta::days(21))
        .execute()
        .await
        .unwrap();
    let count = async |table: &str| {
        let (count,): (i64,) = db.query_text(format!("SELECT COUNT(*) FROM {table}")).fetch_one().await.unwrap();
        count
    };
    let audited =
        async || app.send(app.request(Method::GET, "/platform/api/audit")).await.data()["total"].as_i64().unwrap();
    clean(&app).await;
    assert_eq!((count("fires").await, count("events").await), (1500, 0));
    let before = audited().await;
    app.clock.advance(TimeDelta::days(2));
    clean(&app).await;
    // The day of 1,440 minutes is eleven days old, but for its last moment.
    assert_eq!((count("fires").await, audited().await), (60, before + 1));
    app.clock.advance(TimeDelta::days(19));
    clean(&app).await;
    assert_eq!((count("fires").await, audited().await), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_kept_for_a_time() {
    let app = TestApp::new().await;
    let alerts = async || app.get("/alerts").await.data()["total"].clone();
    let failed = app.run_script(json!({"name": "s", "max_retries": 0}), "raise SystemExit(3)").await;
    assert_eq!(failed["status"], "failed");
    while alerts().await != 1 {
        tokio::task::yield_now().await;
    }
    app.clock.advance(TimeDelta::days(179));
    clean(&app).await;
    assert_eq!(alerts().await, 1);
    app.clock.advance(TimeDelta::days(2));
    clean(&app).await;
    assert_eq!(alerts().await, 0);
}

fn blob(app: &TestApp, content: &str) -> PathBuf {
    let hash = hash_of(content.as_bytes());
    app.dir.path().join("files/blobs").join(&hash[..2]).join(hash)
}

/// Makes it look as if it had been written two days ago.
fn make_old(file: &Path) {
    let then = SystemTime::now() - Duration::from_hours(48);
    std::fs::File::open(file).unwrap().set_times(std::fs::FileTimes::new().set_modified(then)).unwrap();
}

/// Makes every blob look as if it had been written two days ago.
fn age_blobs(app: &TestApp) -> usize {
    fn age(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| {
                if path.is_dir() {
                    return age(&path);
                }
                make_old(&path);
                1
            })
            .sum()
    }
    age(&app.dir.path().join("files/blobs"))
}

/// Makes a file of the spider, and removes it again: its blob is there, and nothing refers to it.
async fn pass_by(app: &Client, spider: &str, path: &str, content: &str) {
    let made =
        app.post(&format!("/spiders/{spider}/files/new"), json!({"path": path, "content": content})).await.data();
    app.delete(&format!("/spiders/{spider}/files/{}", made["id"].as_str().unwrap())).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_nothing_refers_to_go_and_no_others() {
    let app = TestApp::new().await;
    let spider = giving(&app, json!({"name": "s"}), &[("upload.txt", "uploaded"), ("ran.txt", "it ran")]).await;
    let ended = gives(&app, &spider).await;
    // The task's list of files still names it.
    let files = app.get(&format!("/spiders/{spider}/files")).await.data();
    let ran = files.as_array().unwrap().iter().find(|file| file["path"] == "ran.txt").unwrap()["id"].as_str().unwrap();
    app.delete(&format!("/spiders/{spider}/files/{ran}")).await.ok();
    pass_by(&app, &spider, "old.txt", "old").await;
    pass_by(&app, &spider, "again.txt", "put again").await;
    age_blobs(&app);
    pass_by(&app, &spider, "young.txt", "young").await;
    pass_by(&app, &spider, "again.txt", "put again").await;
    assert!(blob(&app, "old").exists());

    // A killed server had begun to write them.
    let begun = ["yesterday", "now"].map(|name| app.dir.path().join("files/blobs.new").join(name));
    for path in &begun {
        std::fs::write(path, "half").unwrap();
    }
    make_old(&begun[0]);

    let removed = clean(&app).await;
    assert!(removed["blobs"].as_i64().unwrap() >= 1, "{removed}");
    assert_eq!(begun.map(|path| path.exists()), [false, true]);
    assert!(!blob(&app, "old").exists());
    for kept in ["young", "put again", "it ran", "uploaded", GIVE] {
        assert!(blob(&app, kept).exists(), "{kept}");
    }
    gives(&app, &spider).await;
    let counted = storage(&app).await["blobs"].clone();
    assert!(counted["count"].as_i64().unwrap() > 5 && counted["bytes"].as_i64().unwrap() > 500, "{counted}");

    // With the task goes what only it referred to.
    app.delete(&format!("/tasks/{ended}")).await.ok();
    let all = age_blobs(&app);
    let removed = clean(&app).await;
    assert!(!blob(&app, "it ran").exists() && !blob(&app, "young").exists() && !blob(&app, "put again").exists());
    assert!(blob(&app, "uploaded").exists(), "the spider has a file of the same content");
    let left = usize::try_from(storage(&app).await["blobs"]["count"].as_i64().unwrap()).unwrap();
    assert_eq!(left + usize::try_from(removed["blobs"].as_i64().unwrap()).unwrap(), all);
    gives(&app, &spider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_goes_while_a_list_of_files_cannot_be_read() {
    let app = TestApp::new().await;
    let spider = giving(&app, json!({"name": "s"}), &[]).await;
    let ended = gives(&app, &spider).await;
    pass_by(&app, &spider, "old.txt", "old").await;
    let hash = task(&app, &ended).await.data()["code_hash"].as_str().unwrap().to_owned();
    let manifest = app.dir.path().join("files/blobs").join(&hash[..2]).join(&hash);
    let content = std::fs::read(&manifest).unwrap();
    for broken in [None, Some("[{")] {
        std::fs::remove_file(&manifest).unwrap();
        if let Some(text) = broken {
            std::fs::write(&manifest, text).unwrap();
        }
        age_blobs(&app);
        assert_eq!(clean(&app).await["blobs"], 0);
        assert!(blob(&app, "old").exists());
        assert_eq!(storage(&app).await["blobs_blocked_by"], hash);
        app.looked_at_by("blobs").await;
        assert_eq!(ready(&app).await["loops"]["blobs"]["well"], false);
        std::fs::write(&manifest, &content).unwrap();
    }
    age_blobs(&app);
    clean(&app).await;
    assert_eq!(storage(&app).await["blobs_blocked_by"], Value::Null);
    assert!(!blob(&app, "old").exists());
}

/// Waits until the loop has marked the spider, or has unmarked it.
async fn wait_over_quota(app: &Client, spider: &str, expected: bool) {
    while app.get(&format!("/spiders/{spider}")).await.data()["over_quota"] != expected {
        tokio::task::yield_now().await;
    }
}

/// Waits until the loop has run twice more: once wholly after this call.
async fn wait_for_loop(app: &Client, name: &str) {
    let runs = async || ready(app).await["loops"][name]["runs"].as_i64().unwrap();
    let before = runs().await;
    while runs().await < before + 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_at_its_quota_starts_nothing_and_loses_nothing() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "overlap": "queue", "timeout_seconds": 86400, "retention": {"quota_mb": 1}});
    let spider = app.spider(fields, &[("main.py", FILL)]).await;
    let other = app.spider(json!({"name": "other"}), &[("main.py", "print('here')")]).await;
    let fills = app.run(&spider, json!({"params": {"fill": true}})).await;
    let waits = app.run(&spider, json!({})).await;
    app.wait_for_line(&fills, "filled").await;
    assert_eq!(app.post(&format!("/spiders/{spider}/run"), json!({})).await.error(409), "quota_exceeded");
    assert_eq!(app.post(&format!("/spiders/{spider}/test-run"), json!({})).await.error(409), "quota_exceeded");
    assert_eq!(app.post(&format!("/tasks/{fills}/retry"), json!({})).await.error(409), "quota_exceeded");
    assert_eq!(app.run_to_end(&other, json!({})).await["status"], "completed");
    assert_eq!(task(&app, &fills).await.data()["status"], "running");

    // What had been queued before waits, too.
    app.clock.advance(TimeDelta::seconds(30));
    wait_over_quota(&app, &spider, true).await;
    // So do its planned times pass, and the ledger says why.
    let planned = schedule(&app, &spider, "30 8 * * *", json!({})).await;
    app.clock.set("2026-03-01T08:30:00Z".parse().unwrap());
    let missed = judged(&app, &planned, "2026-03-01T08:30:00Z").await;
    assert_eq!((&missed["outcome"], &missed["task_id"]), (&json!("missed"), &Value::Null));
    assert!(missed["reason"].as_str().unwrap().contains("quota"), "{missed}");
    app.post(&format!("/tasks/{fills}/cancel"), json!({})).await.ok();
    assert_eq!(app.items(&fills).await.len(), 1);
    wait_for_loop(&app, "dispatcher").await;
    let told = task(&app, &waits).await.data();
    let why = json!("the spider keeps as much as its quota allows");
    assert_eq!((&told["status"], &told["pending_reason"]), (&json!("pending"), &why));

    // Room is made: it goes on.
    app.delete(&format!("/tasks/{fills}")).await.ok();
    app.clock.advance(TimeDelta::seconds(30));
    wait_over_quota(&app, &spider, false).await;
    assert_eq!(app.ended(&waits).await["status"], "completed");
    app.clock.set("2026-03-02T08:30:00Z".parse().unwrap());
    assert_eq!(judged(&app, &planned, "2026-03-02T08:30:00Z").await["outcome"], "fired");
    assert_eq!(app.run_to_end(&spider, json!({})).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_of_the_server() {
    let app = TestApp::with(&[("CRAWLHUB_QUOTAS_SPIDER_BYTES", "10")]).await;
    let spider = giving(&app, json!({"name": "s"}), &[]).await;
    gives(&app, &spider).await;
    let run = async |spider: &str| app.post(&format!("/spiders/{spider}/run"), json!({})).await;
    assert_eq!(run(&spider).await.error(409), "quota_exceeded");
    app.put(&format!("/spiders/{spider}"), json!({"retention": {"quota_mb": 1}})).await.ok();
    gives(&app, &spider).await;
    app.put(&format!("/spiders/{spider}"), json!({"retention": {"quota_mb": 0}})).await.ok();
    gives(&app, &spider).await;

    // Of all together: the spiders' own files count.
    let app = TestApp::with(&[("CRAWLHUB_QUOTAS_TOTAL_BYTES", "1500")]).await;
    let spider =
        app.spider(json!({"name": "s"}), &[("main.py", "import secrets\nprint(secrets.token_hex(1000))")]).await;
    app.run_to_end(&spider, json!({})).await;
    let other = app.spider(json!({"name": "other"}), &[("main.py", &"#".repeat(1000))]).await;
    for spider in [&spider, &other] {
        let refused = app.post(&format!("/spiders/{spider}/run"), json!({})).await;
        assert_eq!(refused.error(409), "quota_exceeded");
    }
    app.clock.advance(TimeDelta::seconds(30));
    wait_over_quota(&app, &other, true).await;
    app.delete(&format!("/spiders/{other}")).await.ok();
    app.run_to_end(&spider, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_add_up() {
    let app = TestApp::new().await;
    let one = giving(&app, json!({"name": "one"}), &[("upload.txt", "twelve bytes")]).await;
    let two = giving(&app, json!({"name": "two"}), &[]).await;
    let empty = storage(&app).await;
    assert_eq!((&empty["items_bytes"], &empty["logs_bytes"], &empty["spiders"]), (&json!(0), &json!(0), &json!([])));
    let (first, second) = (gives(&app, &one).await, gives(&app, &one).await);
    gives(&app, &two).await;
    clean(&app).await;

    let all = storage(&app).await;
    assert_eq!((&all["items_bytes"], &all["files_bytes"]), (&json!(48), &json!(24)));
    let [larger, smaller] = all["spiders"].as_array().unwrap().as_slice() else { panic!("{all}") };
    assert_eq!((&larger["name"], &larger["spider_id"], &smaller["name"]), (&json!("one"), &json!(one), &json!("two")));
    let number = |of: &Value, name: &str| of[name].as_i64().unwrap();
    let parts = ["items_bytes", "logs_bytes", "files_bytes"];
    for part in parts {
        assert_eq!(number(larger, part) + number(smaller, part), number(&all, part), "{part}");
    }
    for spider in [larger, smaller] {
        assert_eq!(parts.iter().map(|part| number(spider, part)).sum::<i64>(), number(spider, "total_bytes"));
        assert!(number(spider, "logs_bytes") > 0);
    }
    assert!(number(&all, "database_bytes") > 10_000 && number(&all["blobs"], "bytes") > 0);
    let disk = &all["disk"];
    assert!(number(disk, "total") > number(disk, "free") && number(disk, "free") > number(disk, "min_free"), "{disk}");
    assert_eq!((&disk["brake"], ready(&app).await["disk"].clone()), (&json!(false), json!("ok")));

    // What is removed is taken off.
    assert_eq!(app.delete(&format!("/data?task_id={first}&q=1")).await.data()["deleted_count"], 1);
    assert_eq!(storage(&app).await["items_bytes"], 40);
    app.delete(&format!("/data?spider_id={one}")).await.ok();
    assert_eq!(storage(&app).await["items_bytes"], 16);
    app.delete(&format!("/tasks/{first}")).await.ok();
    app.delete(&format!("/tasks/{second}")).await.ok();
    let rest = storage(&app).await;
    assert_eq!((&rest["spiders"][0]["name"], rest["spiders"].as_array().unwrap().len()), (&json!("two"), 1));
    assert_eq!(rest["logs_bytes"], rest["spiders"][0]["logs_bytes"]);
    app.delete(&format!("/spiders/{two}")).await.ok();
    assert_eq!(storage(&app).await["spiders"][0]["name"], Value::Null, "its task is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_is_told() {
    let app = TestApp::with(&[("CRAWLHUB_SERVER_MIN_FREE_BYTES", "9000000000000000000")]).await;
    let told = app.send(app.request(Method::GET, "/readyz")).await;
    assert_eq!((told.status.as_u16(), &told.json()["disk"]), (200, &json!("nearly_full")));
    let disk = storage(&app).await["disk"].clone();
    assert_eq!((&disk["brake"], &disk["min_free"]), (&json!(true), &json!(9_000_000_000_000_000_000_i64)));
}

/// Tasks of the spider that ended at that time, each with an item, a line and a batch number.
async fn make_ended(app: &TestApp, spider: &str, count: i64, ended: DateTime<Utc>) {
    let (db, documents) = databases(app).await;
    let (mut tasks, mut kept) = (db.begin().await.unwrap(), documents.begin().await.unwrap());
    for number in 0..count {
        let id = format!("old-{number}");
        tasks
            .query(
                "INSERT INTO tasks (id, spider_id, spider_name, code_hash, status, trigger_type, is_test, priority,
                                    attempt, retry_count, max_retries, progress, total_count, success_count,
                                    failed_count, scheduled_at, finished_at, params, created_at, updated_at)
                 VALUES ($1, $2, '', '', 'completed', 'manual', FALSE, 0, 1, 0, 0, 100, 1, 1, 0, $3, $3, $4, $3, $3)",
            )
            .bind(&id)
            .bind(spider)
            .bind(ended)
            .bind(sqlx::types::Json(json!({})))
            .execute()
            .await
            .unwrap();
        kept.query(
            "INSERT INTO items (id, task_id, spider_id, is_test, data, created_at) VALUES ($1, $1, $2, FALSE, $3, $4)",
        )
        .bind(&id)
        .bind(spider)
        .bind(sqlx::types::Json(json!({"n": 1})))
        .bind(ended)
        .execute()
        .await
        .unwrap();
        kept.query(
            "INSERT INTO log_chunks (task_id, first_seq, last_seq, attempt, spider_id, body, created_at)
             VALUES ($1, 1, 1, 1, $2, $3, $4)",
        )
        .bind(&id)
        .bind(spider)
        .bind(br#"[["stdout",0,"a"]]"#.to_vec())
        .bind(ended)
        .execute()
        .await
        .unwrap();
    }
    for sql in [
        "INSERT INTO item_counts (task_id, spider_id, received, stored, duplicate, rejected, item_bytes, log_bytes)
         SELECT task_id, spider_id, 1, 1, 0, 0, 7, 18 FROM items",
        "INSERT INTO item_batches (task_id, attempt, batch) SELECT task_id, 1, 1 FROM items",
        "INSERT INTO attempt_fences (task_id, attempt, is_open) SELECT task_id, 1, FALSE FROM items",
    ] {
        kept.query(sql).execute().await.unwrap();
    }
    tasks.commit().await.unwrap();
    kept.commit().await.unwrap();
}

/// Thousands of tasks are removed in steps, between which others write.
#[tokio::test(flavor = "multi_thread")]
async fn others_write_while_much_is_removed() {
    const COUNT: i64 = 3000;
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    make_ended(&app, &spider, COUNT, app.clock.now() - TimeDelta::days(50)).await;
    let full = storage(&app).await;
    assert_eq!(full["items_bytes"], 7 * COUNT);
    app.put(&format!("/spiders/{spider}"), json!({"retention": {"task_days": 30}})).await.ok();

    let mut cleaning = std::pin::pin!(clean(&app));
    let mut written = 0;
    let removed = loop {
        let write = async { app.post("/projects", json!({"name": format!("p{written}")})).await.data() };
        tokio::select! {
            biased;
            removed = &mut cleaning => break removed,
            _ = write => written += 1,
        }
    };
    assert_eq!(removed["tasks"], COUNT);
    assert!(written >= 5, "{written} writes");
    assert_eq!(app.get("/tasks").await.data()["total"], 0);
    if app.database_url.is_none() {
        let left = storage(&app).await["database_bytes"].as_i64().unwrap();
        assert!(left < full["database_bytes"].as_i64().unwrap() / 2, "{left} of {}", full["database_bytes"]);
    }
    let (_, documents) = databases(&app).await;
    for table in ["items", "log_chunks", "item_counts", "item_batches", "attempt_fences"] {
        assert_eq!(rows_of(&documents, table).await, 0, "{table}");
    }
}

async fn rows_of(db: &Database, table: &str) -> i64 {
    let (count,): (i64,) = db.query_text(format!("SELECT COUNT(*) FROM {table}")).fetch_one().await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_of_a_task_that_gave_nothing() {
    let app = TestApp::with(&[("CRAWLHUB_RETENTION_TASK_DAYS", "30")]).await;
    let task = app.run_script(json!({"name": "silent"}), "").await;
    let (_, documents) = databases(&app).await;
    assert_eq!(rows_of(&documents, "attempt_fences").await, 1);
    app.clock.advance(TimeDelta::days(31));
    clean(&app).await;
    assert!(is_gone(&app, task["id"].as_str().unwrap()).await);
    assert_eq!(rows_of(&documents, "attempt_fences").await, 0);
}

#[tokio::test]
async fn what_retention_can_be() {
    let app = TestApp::new().await;
    let all = json!({"task_days": 365, "tasks": 1000, "log_days": 30, "item_days": 0, "versions": 5, "quota_mb": 1024});
    let spider = app.spider(json!({"name": "s", "retention": all}), &[]).await;
    let path = format!("/spiders/{spider}");
    assert_eq!(app.get(&path).await.data()["retention"], all);
    let told = app.put(&path, json!({"retention": {"log_days": null, "tasks": 7}})).await.data();
    assert_eq!(told["retention"], json!({"tasks": 7}), "as a whole");
    assert_eq!(app.put(&path, json!({"name": "t"})).await.data()["retention"], json!({"tasks": 7}));
    for (field, most) in [
        ("task_days", 36_500_i64),
        ("tasks", 1_000_000_000),
        ("log_days", 36_500),
        ("item_days", 36_500),
        ("versions", 1_000_000),
        ("quota_mb", 1 << 30),
    ] {
        for bad in [-1, most + 1] {
            let refused = app.put(&path, json!({"retention": {field: bad}})).await;
            assert_eq!(refused.details(), [format!("body.retention.{field}")], "{bad}");
        }
        app.put(&path, json!({"retention": {field: most}})).await.ok();
    }
    for bad in [json!(null), json!([]), json!("x"), json!({"tasks": "7"}), json!({"tasks": 1.5})] {
        assert_eq!(app.put(&path, json!({"retention": bad})).await.error(422), "validation_failed", "{bad}");
    }
    app.put(&path, json!({"retention": {}})).await.ok();
    assert_eq!(app.get(&path).await.data()["retention"], json!({}));
}

#[test]
fn settings_that_make_no_sense() {
    for (name, value) in [
        ("CRAWLHUB_RETENTION_TASK_DAYS", "-1"),
        ("CRAWLHUB_RETENTION_LOG_DAYS", "36501"),
        ("CRAWLHUB_RETENTION_TASKS_PER_SPIDER", "-1"),
        ("CRAWLHUB_RETENTION_VERSIONS_PER_SPIDER", "-5"),
        ("CRAWLHUB_RETENTION_AUDIT_DAYS", "many"),
        ("CRAWLHUB_QUOTAS_SPIDER_BYTES", "-1"),
        ("CRAWLHUB_QUOTAS_TOTAL_BYTES", "-1"),
    ] {
        let sources = Sources::new(None, [(name.to_owned(), value.to_owned())]);
        assert!(Config::load(&sources).is_err(), "{name}={value}");
    }
}

/// Everybody who is signed in sees what fills the disk; only administrators remove.
#[tokio::test]
async fn who_may() {
    let app = TestApp::new().await;
    let made = app.request(Method::POST, "/platform/api/tokens").json(&json!({"name": "v", "role": "viewer"}));
    let token = app.send(made).await.data()["token"].as_str().unwrap().to_owned();
    let viewer = Client { token: Some(token), ..app.client.clone() };
    storage(&viewer).await;
    viewer.send(viewer.request(Method::POST, "/platform/api/storage/clean")).await.error(403);
    clean(&app).await;
}
