//! `crawlhub import predecessor`: what the predecessor kept is here afterwards, each thing once, however often the import
//! was killed. The predecessor's tables and collections are made here as it made them.

use std::process::{Output, Stdio};

use chrono::{TimeDelta, Utc};
use futures_util::AsyncWriteExt;
use mongodb::{
    Client as Mongo, Collection, Database,
    bson::{self, Bson, Document, doc, oid::ObjectId},
    options::GridFsBucketOptions,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::{ServerProcess, Settings, new_database, skip_unless};

/// Items of one task that make a second, and how many seconds.
const BURST: usize = 40;
const SECONDS: usize = 150;

/// As its migrations left them, with the columns that matter here. Some ids are UUIDs, some texts.
const TABLES: &str = "
    CREATE TABLE crawlhub_projects (id UUID PRIMARY KEY, name VARCHAR(255), description TEXT, created_at TIMESTAMP,
        updated_at TIMESTAMP, of_a_later_version JSON);
    CREATE TABLE crawlhub_spiders (id UUID PRIMARY KEY, project_id UUID, name VARCHAR(255), description TEXT,
        start_url TEXT, script_content TEXT, is_active BOOLEAN, cron_expr VARCHAR(100), entry_point VARCHAR(255),
        source VARCHAR(50), webhook_url VARCHAR(500), timeout_seconds INTEGER, max_items INTEGER, env_vars TEXT,
        proxy_enabled BOOLEAN, rate_limit_rps DOUBLE PRECISION, item_schema TEXT, requirements_txt TEXT,
        created_at TIMESTAMP, updated_at TIMESTAMP);
    CREATE TABLE crawlhub_deployments (id UUID PRIMARY KEY, spider_id UUID, version INTEGER, status VARCHAR(20),
        entry_point VARCHAR(255), file_archive_id VARCHAR(50), deploy_note VARCHAR(500), created_at TIMESTAMP,
        updated_at TIMESTAMP);
    CREATE TABLE crawlhub_tasks (id UUID PRIMARY KEY, spider_id UUID, status VARCHAR(20), progress INTEGER,
        total_count INTEGER, success_count INTEGER, failed_count INTEGER, started_at TIMESTAMP, finished_at TIMESTAMP,
        error_message TEXT, error_category VARCHAR(20), trigger_type VARCHAR(20), is_test BOOLEAN, retry_count INTEGER,
        max_retries INTEGER, checkpoint_data TEXT, created_at TIMESTAMP, updated_at TIMESTAMP);
    CREATE TABLE crawlhub_proxies (id VARCHAR(36) PRIMARY KEY, host VARCHAR(255), port INTEGER, protocol VARCHAR(10),
        username VARCHAR(255), password VARCHAR(255), status VARCHAR(20), created_at TIMESTAMP);
    CREATE TABLE crawlhub_notification_channels (id UUID PRIMARY KEY, name VARCHAR(100), channel_type VARCHAR(20),
        config TEXT, is_enabled BOOLEAN, created_at TIMESTAMP, updated_at TIMESTAMP);
    CREATE TABLE crawlhub_alerts (id UUID PRIMARY KEY, type VARCHAR(50), level VARCHAR(20), message TEXT,
        spider_id UUID, task_id UUID, is_read BOOLEAN, created_at TIMESTAMP);
";

/// A stable id.
fn id(kind: u32, number: u32) -> String {
    format!("0194f000-0000-7000-8000-{kind:04x}{number:08x}")
}

fn task(number: u32) -> String {
    id(3, number)
}

/// A predecessor of the test's own.
struct Predecessor {
    postgres: String,
    mongo: String,
    documents: Database,
}

impl Predecessor {
    async fn new(mongo: &str, name: &str) -> Self {
        let postgres = new_database().await.unwrap();
        let mut connection = PgConnection::connect(&postgres).await.unwrap();
        connection.execute(TABLES).await.unwrap();
        connection.execute(AssertSqlSafe(rows())).await.unwrap();
        let mongo = named(mongo, name);
        let documents = Mongo::with_uri_str(&mongo).await.unwrap().default_database().unwrap();
        let predecessor = Self { postgres, mongo, documents };
        predecessor.add_documents().await;
        let archive = predecessor.add_archive().await;
        let sql = format!(
            "INSERT INTO crawlhub_deployments VALUES ('{}', '{}', 7, 'ACTIVE', 'app:run', '{archive}', 'seventh',
                '2026-01-03', '2026-01-03'), ('{}', '{}', 6, 'ARCHIVED', 'app', '{archive}', NULL, '2026-01-02',
                '2026-01-02')",
            id(8, 7),
            id(2, 3),
            id(8, 6),
            id(2, 3)
        );
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        predecessor
    }

    fn items(&self) -> Collection<Document> {
        self.documents.collection("spider_data")
    }

    async fn add_documents(&self) {
        let begin = Utc::now() - TimeDelta::days(10);
        let mut documents = Vec::new();
        for second in 0..SECONDS {
            for number in 0..BURST {
                let at = begin + TimeDelta::seconds(i64::try_from(second).unwrap());
                let number = second * BURST + number;
                let data = doc! { "n": i64::try_from(number).unwrap(), "标题": "x".repeat(200), "at": bson::DateTime::from_millis(1500) };
                documents.push(item(at, number, &task(u32::try_from(number % 2).unwrap() + 1), Bson::Document(data)));
            }
        }
        // More than a batch in one second; and what is no item.
        let at = begin + TimeDelta::hours(1);
        documents.extend((0..2500).map(|number| item(at, number, &task(3), Bson::Document(doc! { "n": 1 }))));
        documents.push(item(at + TimeDelta::seconds(5), 0, &task(3), Bson::String("no object".to_owned())));
        self.items().insert_many(documents).await.unwrap();
        let logs: Collection<Document> = self.documents.collection("spider_logs");
        let of = |days: i64, number: u32, stdout: &str, stderr: &str| {
            let at = Utc::now() - TimeDelta::days(days);
            doc! {
                "_id": object_id(at, usize::try_from(number).unwrap()), "task_id": task(number), "spider_id": id(2, 1),
                "stdout": stdout, "stderr": stderr, "created_at": bson::DateTime::from_millis(at.timestamp_millis()),
            }
        };
        let long = (0..5000).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
        let first = of(9, 1, "one\ntwo\u{0}\n", "Traceback\n");
        let documents =
            [of(200, 4, "too old", ""), first, of(8, 2, &long, ""), of(7, 1, "second try\n", ""), of(6, 3, "", "")];
        logs.insert_many(documents).await.unwrap();
    }

    /// A version's files, as `tar czf` makes them.
    async fn add_archive(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in [
            ("app.py", "def run(params):\n    return [{'n': 1}]\n"),
            ("lib/__init__.py", ""),
            ("__pycache__/x.pyc", "x"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let tar =
            tokio::process::Command::new("tar").args(["cz", "."]).current_dir(folder.path()).output().await.unwrap();
        assert!(tar.status.success());
        let options = GridFsBucketOptions::builder().bucket_name("spider_deployments".to_owned()).build();
        let mut stream = self.documents.gridfs_bucket(options).open_upload_stream("code.tar.gz").await.unwrap();
        stream.write_all(&tar.stdout).await.unwrap();
        stream.close().await.unwrap();
        stream.id().as_object_id().unwrap().to_hex()
    }

    fn import(&self, server: &ServerProcess, settings: Settings<'_>, more: &[&str]) -> tokio::process::Command {
        let mut command = ServerProcess::command(server.dir.path(), server.database_url.as_deref(), settings);
        command.args(["import", "predecessor", "--postgres", &self.postgres]).args(more);
        command.env("PREDECESSOR_MONGODB_URL", &self.mongo).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn named(mongo: &str, name: &str) -> String {
    let (start, options) = mongo.split_once("/?").unwrap();
    format!("{start}/{name}?{options}")
}

fn object_id(at: chrono::DateTime<Utc>, number: usize) -> ObjectId {
    let mut bytes = [7; 12];
    bytes[..4].copy_from_slice(&u32::try_from(at.timestamp()).unwrap().to_be_bytes());
    bytes[8..].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn item(at: chrono::DateTime<Utc>, number: usize, task: &str, data: Bson) -> Document {
    doc! {
        "_id": object_id(at, number), "task_id": task, "spider_id": id(2, 1), "data": data, "is_test": false,
        "created_at": bson::DateTime::from_millis(at.timestamp_millis()), "dedup_hash": "abc",
    }
}

fn rows() -> String {
    let (news, gone) = (id(1, 1), id(1, 99));
    format!(
        "INSERT INTO crawlhub_projects VALUES
            ('{news}', '新闻', NULL, '2026-01-01 08:00:00.123456', '2026-01-02', '[]'),
            ('{default}', 'default', 'theirs', '2026-01-01', '2026-01-01', NULL);
         INSERT INTO crawlhub_spiders VALUES
            ('{good}', '{news}', 'good', 'd', 'https://example.com/', 'print(1)', TRUE, '0 8 * * *', NULL, 'empty',
             NULL, 120, 5, '{{\"A\": \"b\", \"TOKEN\": \"geheim-1\"}}', TRUE, 1.5,
             '{{\"type\": \"object\"}}', 'httpx', '2026-01-01', '2026-01-02 03:04:05.678901'),
            ('{bad}', '{gone}', 'bad', NULL, 'ftp://x', 'print(2)', TRUE, 'nonsense', '../x', 'empty', NULL, 0, NULL,
             '{{\"OK\": \"1\", \"NO\": null, \"CRAWLHUB_X\": \"1\"}}', FALSE, NULL, '{{', NULL, '2026-01-01',
             '2026-01-01'),
            ('{deployed}', '{news}', 'deployed', NULL, NULL, 'print(3)', FALSE, NULL, 'main.py', 'upload', NULL, 300,
             NULL, NULL, FALSE, NULL, NULL, NULL, '2026-01-01', '2026-01-01');
         INSERT INTO crawlhub_tasks (id, spider_id, status, progress, total_count, success_count, failed_count,
                started_at, finished_at, trigger_type, retry_count, max_retries, created_at, updated_at)
             SELECT CAST('0194f000-0000-7000-8000-0003' || lpad(to_hex(n), 8, '0') AS UUID), '{good}', 'completed', 100,
                    3000, 3000, 0, '2026-01-05', '2026-01-05 01:00', 'schedule', 0, 3, '2026-01-05', '2026-01-05 01:00'
               FROM generate_series(1, 450) n;
         UPDATE crawlhub_tasks SET status = 'failed', error_category = 'network', error_message = 'ECONNRESET',
                checkpoint_data = '{{\"page\": 7}}' WHERE id = '{failed}';
         UPDATE crawlhub_tasks SET status = 'running', finished_at = NULL WHERE id = '{running}';
         INSERT INTO crawlhub_proxies VALUES
            ('{proxy}', 'proxy.example', 8080, 'http', 'u', 'geheim-2', 'active', '2026-01-01'),
            ('{off}', 'proxy.example', 8081, 'SOCKS5', NULL, NULL, 'inactive', '2026-01-01'),
            ('{twice}', 'proxy.example', 8080, 'http', 'u', 'other', 'active', '2026-01-01');
         INSERT INTO crawlhub_notification_channels VALUES
            ('{hook}', 'hook', 'webhook', '{{\"url\": \"https://example.com/geheim-3-0123456789\"}}', TRUE, '2026-01-01',
             '2026-01-01'),
            ('{wrong}', 'wrong', 'webhook', 'no json', TRUE, '2026-01-01', '2026-01-01');
         INSERT INTO crawlhub_alerts VALUES
            ('{alert}', 'task_failed', 'error', '任务失败', '{good}', '{failed}', FALSE, '2026-01-06'),
            ('{odd}', 'something_else', 'info', 'm', NULL, NULL, TRUE, '2026-01-06');",
        default = id(1, 2),
        good = id(2, 1),
        bad = id(2, 2),
        deployed = id(2, 3),
        failed = task(449),
        running = task(450),
        proxy = id(4, 1),
        off = id(4, 2),
        twice = id(4, 3),
        hook = id(5, 1),
        wrong = id(5, 2),
        alert = id(6, 1),
        odd = id(6, 2),
    )
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains("geheim"), "{said}");
    said
}

/// The line about a table or a collection.
fn line<'a>(said: &'a str, part: &str) -> &'a str {
    said.lines().rfind(|line| line.starts_with(part)).unwrap_or_else(|| panic!("nothing about {part}: {said}"))
}

async fn everything_comes_once(server: ServerProcess, predecessor: Predecessor, settings: Settings<'_>) {
    let counted = predecessor.import(&server, settings, &["--dry-run"]).output().await.unwrap();
    assert!(counted.status.success(), "{}", said(&counted));
    assert!(said(&counted).contains("crawlhub_tasks: 450"), "{}", said(&counted));
    assert_eq!(server.get("/spiders").await.data()["total"], 0);

    // Killed while items come, with the server at work.
    let all = i64::try_from(SECONDS * BURST + 2500).unwrap();
    let mut child = predecessor.import(&server, settings, &[]).spawn().unwrap();
    let came = server.eventually("/data?page_size=1", |page| page["total"].as_i64().unwrap() > 0).await;
    child.kill().await.unwrap();
    assert!(came["total"].as_i64().unwrap() < all, "{came}");

    let output = predecessor.import(&server, settings, &[]).output().await.unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(line(&text, "crawlhub_tasks:").ends_with("450 here already"), "{text}");
    assert!(line(&text, "crawlhub_alert_rules:").ends_with("no such table"), "{text}");
    has_arrived(&server).await;

    let again = predecessor.import(&server, settings, &[]).output().await.unwrap();
    let text = said(&again);
    for part in ["crawlhub_projects", "crawlhub_spiders", "crawlhub_tasks", "spider_data", "spider_logs"] {
        assert!(line(&text, part).contains(": 0 new"), "{text}");
    }
    has_arrived(&server).await;

    // What had not ended then and has since.
    let mut connection = PgConnection::connect(&predecessor.postgres).await.unwrap();
    let ended = format!(
        "UPDATE crawlhub_tasks SET status = 'failed', error_message = 'late', finished_at = '2026-01-07' WHERE id = '{}'",
        task(450)
    );
    connection.execute(AssertSqlSafe(ended)).await.unwrap();
    let later = predecessor.import(&server, settings, &[]).output().await.unwrap();
    assert!(line(&said(&later), "crawlhub_tasks").contains(": 1 new"), "{}", said(&later));
    let late = server.get(&format!("/tasks/{}", task(450))).await.data();
    assert_eq!((&late["status"], &late["error_message"]), (&json!("failed"), &json!("late")));

    // What somebody changed here is his.
    let path = format!("/spiders/{}", id(2, 2));
    server.put(&path, json!({"description": "changed"})).await.ok();
    let switched = predecessor.import(&server, settings, &["--activate"]).output().await.unwrap();
    assert!(said(&switched).contains(&format!("{} is active now", id(2, 1))), "{}", said(&switched));
    let good = server.get(&format!("/spiders/{}", id(2, 1))).await.data();
    assert_eq!(good["is_active"], true);
    assert!(good["next_run_at"].is_string());
    let changed = server.get(&path).await.data();
    assert_eq!((&changed["is_active"], &changed["description"]), (&json!(false), &json!("changed")));
}

async fn has_arrived(server: &ServerProcess) {
    let get = async |path: String| server.get(&path).await.data();
    let project = get(format!("/projects/{}", id(1, 1))).await;
    assert_eq!((&project["name"], &project["created_at"]), (&json!("新闻"), &json!("2026-01-01T08:00:00.123456Z")));
    assert_eq!(get(format!("/projects/{}", id(1, 2))).await["name"], "default (2)");

    let good = get(format!("/spiders/{}", id(2, 1))).await;
    for (field, value) in [
        ("name", json!("good")),
        ("project_id", json!(id(1, 1))),
        ("script_content", json!("print(1)")),
        ("cron_expr", json!("0 8 * * *")),
        ("is_active", json!(false)),
        ("timeout_seconds", json!(120)),
        ("env_vars", json!({"A": "b", "TOKEN": "******"})),
        ("proxy_enabled", json!(true)),
        ("item_schema", json!({"type": "object"})),
        ("updated_at", json!("2026-01-02T03:04:05.678901Z")),
    ] {
        assert_eq!(good[field], value, "{field}: {good}");
    }
    let bad = get(format!("/spiders/{}", id(2, 2))).await;
    assert_eq!(
        (&bad["name"], &bad["script_content"], &bad["timeout_seconds"]),
        (&json!("bad"), &json!("print(2)"), &json!(300))
    );
    for emptied in ["cron_expr", "start_url", "entry_point", "item_schema"] {
        assert_eq!(bad[emptied], Value::Null, "{bad}");
    }
    assert_eq!(bad["env_vars"], json!({"OK": "1"}));

    let deployed = get(format!("/spiders/{}", id(2, 3))).await;
    assert_eq!((&deployed["active_deployment_id"], &deployed["entry_point"]), (&json!(id(8, 7)), &json!("app:run")));
    let versions = get(format!("/spiders/{}/deployments", id(2, 3))).await;
    assert_eq!((&versions["total"], &versions["items"][0]["version"]), (&json!(1), &json!(7)), "{versions}");
    assert_eq!(
        (&versions["items"][0]["deploy_note"], &versions["items"][0]["file_count"]),
        (&json!("seventh"), &json!(2))
    );

    let tasks = get(format!("/tasks?spider_id={}", id(2, 1))).await;
    assert_eq!(tasks["total"], 450);
    let failed = get(format!("/tasks/{}", task(449))).await;
    assert_eq!((&failed["status"], &failed["error_category"]), (&json!("failed"), &json!("network")));
    assert_eq!((&failed["checkpoint_data"], &failed["spider_name"]), (&json!("{\"page\": 7}"), &json!("good")));
    let running = get(format!("/tasks/{}", task(450))).await;
    assert_eq!(running["status"], "cancelled");
    assert!(running["error_message"].as_str().unwrap().contains("had not ended"), "{running}");

    let proxies = get("/proxies".to_owned()).await;
    assert_eq!(proxies["total"], 2, "{proxies}");
    let proxy = get(format!("/proxies/{}", id(4, 1))).await;
    assert_eq!((&proxy["username"], &proxy["has_password"]), (&json!("u"), &json!(true)));
    let off = get(format!("/proxies/{}", id(4, 2))).await;
    assert_eq!((&off["protocol"], &off["status"]), (&json!("socks5"), &json!("inactive")));
    assert_eq!(get("/notifications/channels".to_owned()).await["total"], 1);
    let alerts = get("/alerts".to_owned()).await;
    assert_eq!(alerts["total"], 2);
    assert_eq!(get("/alerts/unread-count".to_owned()).await["count"], 1);

    // Each item once, in the order in which they came, with the time of then.
    let half = SECONDS * BURST / 2;
    for (number, first) in [(1, 0), (2, 1)] {
        let items = server.items(&task(number)).await;
        let numbers: Vec<i64> = items.iter().map(|item| item["n"].as_i64().unwrap()).collect();
        let wanted: Vec<i64> = (0..half).map(|place| i64::try_from(place * 2 + first).unwrap()).collect();
        assert_eq!(numbers, wanted);
        assert_eq!(items[0], json!({"n": first, "标题": "x".repeat(200), "at": "1970-01-01T00:00:01.5Z"}));
    }
    assert_eq!(server.items(&task(3)).await.len(), 2500);
    let newest = get(format!("/data?task_id={}&page_size=1", task(1))).await;
    let came: chrono::DateTime<Utc> = newest["items"][0]["created_at"].as_str().unwrap().parse().unwrap();
    assert_eq!((Utc::now() - came).num_days(), 9, "{newest}");

    let texts = |lines: Vec<Value>| -> Vec<String> {
        lines
            .iter()
            .map(|line| format!("{} {}", line["stream"].as_str().unwrap(), line["line"].as_str().unwrap()))
            .collect()
    };
    let log = texts(server.lines(&task(1)).await);
    assert_eq!(log, ["stdout one", "stdout two\u{fffd}", "stderr Traceback", "stdout second try"]);
    let numbered = texts(server.lines(&task(2)).await);
    assert_eq!((numbered.len(), numbered[4999].as_str()), (5000, "stdout line 4999"));
    assert!(server.lines(&task(4)).await.is_empty());
}

/// Documents beside everything else.
const IN_SQL: [(&str, &str); 1] = [("MONGODB_URL", "")];

/// `None` where the tests do not run on MongoDB: `make test-mongo` has these.
fn mongodb() -> Option<String> {
    let url = std::env::var("TEST_MONGODB_URL").ok()?;
    let complete = std::env::var("TEST_DATABASE_URL").is_ok();
    (!skip_unless(complete, "PostgreSQL beside MongoDB (scripts/with-postgres)")).then_some(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn into_sqlite() {
    let Some(mongo) = mongodb() else { return };
    let predecessor = Predecessor::new(&mongo, "old_of_sqlite").await;
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_in(dir, None, &IN_SQL).await;
    everything_comes_once(server, predecessor, &IN_SQL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn into_postgresql() {
    let Some(mongo) = mongodb() else { return };
    let predecessor = Predecessor::new(&mongo, "old_of_postgresql").await;
    let server = ServerProcess::start(&IN_SQL).await;
    everything_comes_once(server, predecessor, &IN_SQL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn into_mongodb() {
    let Some(mongo) = mongodb() else { return };
    let predecessor = Predecessor::new(&mongo, "old_of_mongodb").await;
    let own = named(&mongo, "new_of_mongodb");
    let settings = [("MONGODB_URL", own.as_str())];
    let server = ServerProcess::start(&settings).await;
    everything_comes_once(server, predecessor, &settings).await;
}

/// The predecessor's MongoDB is ours from now on: nothing comes twice, however its address is written.
#[tokio::test(flavor = "multi_thread")]
async fn into_the_mongodb_that_it_was_in() {
    let Some(mongo) = mongodb() else { return };
    let mut predecessor = Predecessor::new(&mongo, "old_and_new").await;
    let settings = [("MONGODB_URL", predecessor.mongo.clone())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = ServerProcess::start(&settings).await;
    let before = predecessor.items().count_documents(doc! {}).await.unwrap();
    predecessor.mongo = predecessor.mongo.replace("127.0.0.1", "localhost");
    let output = predecessor.import(&server, &settings, &[]).output().await.unwrap();
    let text = said(&output);
    assert!(text.contains("items are read where they are"), "{text}");
    assert_eq!(predecessor.items().count_documents(doc! {}).await.unwrap(), before);
    assert!(!predecessor.documents.list_collection_names().await.unwrap().iter().any(|name| name.contains("marks")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let server = ServerProcess::start(&[]).await;
    let run = async |more: &[&str]| {
        let mut command = ServerProcess::command(server.dir.path(), server.database_url.as_deref(), &[]);
        let output = command.args(["import", "predecessor"]).args(more).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        said(&output)
    };
    assert!(run(&[]).await.contains("say where the predecessor is"));
    assert!(run(&["--postgres", "nonsense://geheim"]).await.contains("PostgreSQL cannot be read"));
    assert!(run(&["--postgres", "postgres://u:geheim@127.0.0.1:1/x"]).await.contains("PostgreSQL cannot be read"));
    assert!(run(&["--mongo", "nonsense://geheim"]).await.contains("MongoDB cannot be read: not a MongoDB address"));
    let nobody = "mongodb://u:geheim@127.0.0.1:1/x?serverSelectionTimeoutMS=100";
    assert!(run(&["--mongo", nobody]).await.contains("MongoDB cannot be read"));
}
