//! Documents in MongoDB: a server of it that is away, stands still, comes back, or is not what is needed. What documents
//! themselves are like there is tested where every home of theirs is.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use mongodb::{
    Database, IndexModel,
    bson::{DateTime, Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{MongoServer, ServerProcess, TestApp};

/// Saves two thousand items and prints a line now and then, for some seconds.
const BUSY: &str = "import time\nfrom crawlhub import save_item\nprint('up', flush=True)\n\
    for n in range(2000):\n    save_item({'n': n})\n    time.sleep(0.002)\n    if n % 100 == 0: print(n, flush=True)";

/// What `/readyz` says of documents.
async fn state(app: &TestApp) -> (u16, Value) {
    let ready = app.send(app.request(reqwest::Method::GET, "/readyz")).await;
    (ready.status.as_u16(), ready.json()["dependencies"]["documents"].clone())
}

/// A call that needs MongoDB is refused, soon and by name.
async fn refused(app: &TestApp, path: &str) {
    let asked = Instant::now();
    let answer = app.get(path).await;
    assert_eq!(answer.error(503), "unavailable", "{}", answer.text);
    assert!(answer.text.contains("MongoDB"), "{}", answer.text);
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
}

/// It is killed under a running spider: what needs no documents goes on, no task is started, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_is_killed_and_comes_back() {
    let Some(mut mongo) = MongoServer::new(&[]) else { return };
    mongo.start().await;
    let app = TestApp::with(&[("MONGODB_URL", &mongo.url())]).await;
    assert_eq!(app.until_ready().await["dependencies"]["documents"], "ok");
    let spider = app.spider(json!({"name": "busy"}), &[("main.py", BUSY)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    mongo.kill();
    refused(&app, "/data").await;
    refused(&app, &format!("/tasks/{task}/logs")).await;
    assert_eq!(state(&app).await, (503, json!("unavailable")));
    app.post("/projects", json!({"name": "meanwhile"})).await.data();
    let next = app.spider(json!({"name": "next"}), &[("main.py", "print('{\"n\": 1}')")]).await;
    let waiting = app.run(&next, json!({})).await;
    app.looked_at_by("dispatcher").await;
    let told = app.get(&format!("/tasks/{waiting}")).await.data();
    assert_eq!(told["status"], "pending", "{told}");
    assert!(told["pending_reason"].as_str().unwrap().contains("MongoDB is away"), "{told}");
    mongo.start().await;
    let ended = app.ended(&task).await;
    assert_eq!((&ended["status"], &ended["total_count"]), (&json!("completed"), &json!(2000)), "{ended}");
    // What was sent in vain came later.
    let mut numbers: Vec<i64> = app.items(&task).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..2000), "{} items", numbers.len());
    let lines = app.lines(&task).await;
    // The SDK says beside these that the server did not answer.
    let printed = lines.iter().filter(|line| !line["line"].as_str().unwrap().starts_with("[crawlhub:")).count();
    assert_eq!(printed, 21, "{lines:?}");
    let ended = app.ended(&waiting).await;
    assert_eq!((&ended["status"], &ended["total_count"]), (&json!("completed"), &json!(1)), "{ended}");
    assert_eq!(app.until_ready().await["dependencies"]["documents"], "ok");
}

/// The server starts without it, and makes the indexes when it is there.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_is_away_at_the_start() {
    let Some(mut mongo) = MongoServer::new(&[]) else { return };
    let url = mongo.url().replace("//", "//crawler:hemlich@");
    let away = TestApp::with(&[("MONGODB_URL", &url)]).await;
    refused(&away, "/data").await;
    let answer = away.get("/data").await;
    assert!(!answer.text.contains("hemlich"), "{}", answer.text);
    drop(away);
    let app = TestApp::with(&[("MONGODB_URL", &mongo.url())]).await;
    refused(&app, "/data").await;
    assert_eq!(state(&app).await, (503, json!("unavailable")));
    let spider = app.spider(json!({"name": "early"}), &[("main.py", "print('{\"n\": 1}')")]).await;
    let task = app.run(&spider, json!({})).await;
    app.looked_at_by("dispatcher").await;
    assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["status"], "pending");
    mongo.start().await;
    let ended = app.ended(&task).await;
    assert_eq!((&ended["status"], &ended["total_count"]), (&json!("completed"), &json!(1)), "{ended}");
    let items = indexes(&mongo.database().await, "spider_data").await;
    let keys: Vec<String> =
        items.iter().map(|index| index.keys.keys().cloned().collect::<Vec<_>>().join(" ")).collect();
    for wanted in ["task_id _id", "spider_id _id", "created_at"] {
        assert!(keys.iter().any(|keys| keys == wanted), "{keys:?}");
    }
    let batches = indexes(&mongo.database().await, "item_batches").await;
    assert!(batches.iter().any(|index| index.options.as_ref().and_then(|options| options.unique) == Some(true)));
}

/// A machine that is switched off answers nothing, not even that it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_stands_still() {
    let Some(mut mongo) = MongoServer::new(&[]) else { return };
    mongo.start().await;
    let app = TestApp::with(&[("MONGODB_URL", &mongo.plain_url())]).await;
    let task = app.run_script(json!({"name": "before"}), "print('{\"n\": 1}')").await;
    let task = task["id"].as_str().unwrap();
    mongo.signal(Signal::SIGSTOP);
    refused(&app, "/data").await;
    assert_eq!(state(&app).await, (503, json!("unavailable")));
    mongo.signal(Signal::SIGCONT);
    app.until_ready().await;
    assert_eq!(app.items(task).await, [json!({"n": 1})]);
}

/// What cannot work is said at the start, without the password.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_at_the_start() {
    let Some(mut mongo) = MongoServer::new(&["--standalone"]) else { return };
    mongo.start().await;
    let said = start(&mongo.url()).await;
    assert!(said.contains("--replSet") && said.contains("rs.initiate()"), "{said}");
    let said = start("mongodb://crawler:hemlich@@127.0.0.1/").await;
    assert!(said.contains("MONGODB_URL is not a MongoDB address") && !said.contains("hemlich"), "{said}");
    let said = start("postgres://crawler:hemlich@127.0.0.1/").await;
    assert!(said.contains("MONGODB_URL") && !said.contains("hemlich"), "{said}");
    // One with users, and a wrong password.
    let user = doc! { "createUser": "crawler", "pwd": "right", "roles": [{ "role": "root", "db": "admin" }] };
    let admin = mongodb::Client::with_uri_str(mongo.url()).await.unwrap().database("admin");
    admin.run_command(user).await.unwrap();
    mongo.kill();
    mongo.with(&["--auth"]);
    mongo.start().await;
    let url = |password: &str| mongo.url().replace("//", &format!("//crawler:{password}@")) + "&authSource=admin";
    let said = start(&url("hemlich")).await;
    assert!(said.contains("MongoDB (MONGODB_URL)") && !said.contains("hemlich"), "{said}");
    let app = TestApp::with(&[("MONGODB_URL", &url("right"))]).await;
    assert_eq!(app.until_ready().await["dependencies"]["documents"], "ok");
    let folder = tempfile::tempdir().unwrap();
    let mut command = ServerProcess::command(folder.path(), None, &[("MONGODB_URL", &url("hemlich"))]);
    let shown = command.args(["config", "show"]).output().await.unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("mongodb.url") && !shown.contains("hemlich"), "{shown}");
}

/// Starts a server that cannot start; its complaint.
async fn start(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = ServerProcess::command(folder.path(), None, &[("MONGODB_URL", url)]);
    let child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await;
    let output = output.expect("the server started").unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// MongoDB removes by itself what the settings say, and nothing where they say nothing, whatever was there before.
#[tokio::test(flavor = "multi_thread")]
async fn documents_expire_where_that_is_wanted() {
    let Some(mut mongo) = MongoServer::new(&[]) else { return };
    mongo.start().await;
    let database = mongo.database().await;
    let seasons = IndexOptions::builder().expire_after(Duration::from_hours(24 * 90)).build();
    let predecessors = IndexModel::builder().keys(doc! { "created_at": 1 }).options(seasons).build();
    database.collection::<Document>("spider_logs").create_index(predecessors).await.unwrap();
    let url = mongo.url();
    let mut app = TestApp::with(&[("MONGODB_URL", &url)]).await;
    for (days, seconds) in [("0", None), ("5", Some(432_000)), ("6", Some(518_400)), ("0", None)] {
        app = app.restart(&[("MONGODB_URL", &url), ("CRAWLHUB_MONGODB_TTL_DAYS", days)]).await;
        for collection in ["spider_data", "spider_logs"] {
            let found = indexes(&database, collection).await;
            let by_time: Vec<_> = found.iter().filter(|index| index.keys == doc! { "created_at": 1 }).collect();
            assert_eq!(by_time.len(), 1);
            let expires = by_time[0].options.as_ref().unwrap().expire_after.map(|after| after.as_secs());
            assert_eq!(expires, seconds, "{days} {collection}");
        }
    }
}

async fn indexes(database: &Database, collection: &str) -> Vec<IndexModel> {
    use futures_util::TryStreamExt;
    let indexes = database.collection::<Document>(collection).list_indexes().await.unwrap();
    indexes.try_collect().await.unwrap()
}

/// What the predecessor stored in the same collections is read, paged through and removed with what is ours, and comes
/// before it.
#[tokio::test(flavor = "multi_thread")]
async fn the_predecessors_documents_are_read() {
    let Some(mut mongo) = MongoServer::new(&[]) else { return };
    mongo.start().await;
    let app = TestApp::with(&[("MONGODB_URL", &mongo.url())]).await;
    let script = "from crawlhub import save_item\nprint('mine')\nfor n in (3, 4, 5): save_item({'n': n})";
    let spider = app.spider(json!({"name": "mixed"}), &[("main.py", script)]).await;
    let task = app.run_to_end(&spider, json!({})).await;
    let at = DateTime::from_millis(1_700_000_000_000);
    let database = mongo.database().await;
    let old: Vec<Document> = (0..3)
        .map(|n| {
            let data = doc! { "n": n, "at": at, "by": ObjectId::from_bytes([7; 12]), "big": 5_000_000_000_i64 };
            doc! {
                "task_id": "old-task", "spider_id": &spider, "data": data, "is_test": false, "created_at": at,
                "dedup_hash": "abc", "_archived": true,
            }
        })
        .collect();
    database.collection("spider_data").insert_many(old).await.unwrap();

    let all = app.get(&format!("/data?spider_id={spider}")).await.data();
    let n_of = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["data"]["n"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((&all["total"], n_of(&all)), (&json!(6), vec![5, 4, 3, 2, 1, 0]), "{all}");
    let first = &all["items"][5];
    assert_eq!(
        first["data"],
        json!({"n": 0, "at": "2023-11-14T22:13:20Z", "by": "070707070707070707070707", "big": 5_000_000_000_i64})
    );
    assert_eq!((&first["task_id"], &first["is_test"]), (&json!("old-task"), &json!(false)), "{first}");
    assert_eq!(first["_id"].as_str().unwrap().len(), 24, "{first}");
    for (page, wanted) in [(1, vec![5, 4]), (2, vec![3, 2]), (3, vec![1, 0])] {
        let part = app.get(&format!("/data?spider_id={spider}&page={page}&page_size=2")).await.data();
        assert_eq!(n_of(&part), wanted, "page {page}");
        let part = app.get(&format!("/data?spider_id={spider}&q=n&page={page}&page_size=2")).await.data();
        assert_eq!(n_of(&part), wanted, "page {page} of a search");
    }
    let exported = app.get(&format!("/data/export/ndjson?spider_id={spider}")).await.text;
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.iter().map(|item| item["n"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);

    for (upto, wanted) in [(4, vec![0, 1]), (2, vec![0, 1, 2, 3])] {
        let upto = all["items"][upto]["_id"].as_str().unwrap();
        let part = app.get(&format!("/data/export/ndjson?spider_id={spider}&upto={upto}&fields=n")).await.text;
        let n: Vec<i64> =
            part.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_i64().unwrap()).collect();
        assert_eq!(n, wanted, "{part}");
    }
    let found = app.get(&format!("/data?spider_id={spider}&filter=n:lt:5&page_size=3")).await.data();
    assert_eq!(n_of(&found), [4, 3, 2]);
    let cursor = found["next_cursor"].as_str().unwrap();
    let found = app.get(&format!("/data?spider_id={spider}&filter=n:lt:5&page_size=3&cursor={cursor}")).await.data();
    assert_eq!((n_of(&found), &found["next_cursor"]), (vec![1, 0], &Value::Null));
    let sorted = app.get(&format!("/data?spider_id={spider}&sort=n")).await.data();
    assert_eq!(n_of(&sorted), [0, 1, 2, 3, 4, 5]);

    // A log of its own in front of ours, as where a task of the predecessor is run again.
    let id = task["id"].as_str().unwrap();
    let log = doc! { "task_id": id, "spider_id": &spider, "stdout": "one\ntwo\n", "stderr": "bad", "created_at": at };
    database.collection("spider_logs").insert_one(log).await.unwrap();
    let old = doc! { "task_id": "old-task", "spider_id": &spider, "stdout": "a\nb", "stderr": "", "created_at": at };
    database.collection("spider_logs").insert_one(old).await.unwrap();
    let text = app.get(&format!("/tasks/{id}/logs")).await.data();
    assert!(text["stdout"].as_str().unwrap().contains("mine"), "{text}");

    let deleted = app.delete(&format!("/data?spider_id={spider}")).await.data();
    assert_eq!(deleted["deleted_count"], 6);
    assert_eq!(app.get(&format!("/data?spider_id={spider}")).await.data()["total"], 0);
    let told = app.get(&format!("/tasks/{}", task["id"].as_str().unwrap())).await.data();
    assert_eq!(told["total_count"], 3, "what the task did stays");
}
