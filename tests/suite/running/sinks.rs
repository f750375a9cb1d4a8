//! Items in tables of users' own.

use chrono::TimeDelta;
use mongodb::bson::Bson;
use serde_json::{Value, json};

use crate::support::{Client, Gate, ServerProcess, TestApp, UsersDatabase};

/// A spider whose items go to the table; the path of the link.
async fn linked(app: &Client, body: Value, table: &str, script: &str, options: Value) -> (String, String) {
    let spider = app.spider(json!({"name": "linked"}), &[("main.py", script)]).await;
    let path = link(app, &spider, body, table, options).await;
    (spider, path)
}

async fn link(app: &Client, spider: &str, body: Value, table: &str, mut options: Value) -> String {
    let source = app.post("/datasources", body).await.data();
    options["datasource_id"] = source["id"].clone();
    options["target_table"] = json!(table);
    app.post(&format!("/spiders/{spider}/datasources"), options).await.data();
    format!("/spiders/{spider}/datasources")
}

/// Waits until nothing waits; the link.
async fn settled(app: &Client, path: &str, delivered: i64, refused: i64) -> Value {
    let links = app
        .eventually(path, |links| {
            links[0]["delivered"] == delivered && links[0]["refused"] == refused && links[0]["backlog"] == 0
        })
        .await;
    links[0].clone()
}

fn printing(items: &[&str]) -> String {
    let lines: Vec<String> = items.iter().map(|item| format!("print({item:?})")).collect();
    lines.join("\n")
}

/// What databases are asked to keep, to the letter; some of them cannot.
const ODD: [&str; 9] = [
    r#"{"a":  1.10, "big": 123456789012345678901234567890, "b": [[1], {"c": null}]}"#,
    r#"{"text": "a\u0000b", "中文": "值"}"#,
    r#"{"half": "\ud800"}"#,
    r#"{"a.b": 1, "$set": {"$x": 1, "": 2}}"#,
    r#"{"n": 9007199254740993, "m": 18446744073709551615}"#,
    r#"{"_id": "mine", "task_id": 7, "data": {"data": 1}, "quote": "'; DROP TABLE x; --"}"#,
    r#""bare""#,
    "[1, [2, []]]",
    "{}",
];

/// Sends `items` as they are: the SDK would mend what is no text.
const SEND: &str = r#"
import os, urllib.request
env = os.environ
body = '{"task_id":"%s","spider_id":"%s","items":[' % (env['CRAWLHUB_TASK_ID'], env['CRAWLHUB_SPIDER_ID']) + items + ']}'
headers = {'content-type': 'application/json'}
urllib.request.urlopen(urllib.request.Request(env['CRAWLHUB_API_URL'] + '/crawlhub/internal/items', body.encode(), headers))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn items_arrive_to_the_letter_in_a_table_that_is_made() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        let script = format!("items = {:?}\n{SEND}", ODD.join(","));
        let (spider, path) = linked(&app, users.body(), "items", &script, json!({})).await;
        let task = app.run_to_end(&spider, json!({})).await;
        assert_eq!(task["success_count"], 9, "{task}");
        if users.kind == "mongodb" {
            let link = settled(&app, &path, 8, 1).await;
            let refused = app.get(&format!("{path}/{}/refused", link["id"].as_str().unwrap())).await.data();
            assert!(refused["items"][0]["reason"].as_str().unwrap().contains("surrogate"), "{refused}");
            let found = users.documents("items").await;
            assert_eq!(found.len(), 8);
            assert_eq!(found[0].get_document("data").unwrap().get("a"), Some(&Bson::Double(1.1)));
            assert_eq!(found[1].get_document("data").unwrap().get("text"), Some(&Bson::from("a\0b")));
            assert_eq!(found[2].get_document("data").unwrap().get("a.b"), Some(&Bson::Int32(1)));
            assert_eq!(found[3].get_document("data").unwrap().get("n"), Some(&Bson::Int64(9_007_199_254_740_993)));
            assert_eq!(found[3].get_str("spider_id").unwrap(), spider);
            continue;
        }
        let link = settled(&app, &path, 9, 0).await;
        assert_eq!((&link["last_error"], &link["failures"], &link["gone"]), (&json!(null), &json!(0), &json!(0)));
        let rows = users.rows("items").await;
        assert_eq!(rows.iter().map(|(_, data)| data.as_str()).collect::<Vec<_>>(), ODD, "{}", users.kind);
        let from = users.query("SELECT DISTINCT task_id, spider_id FROM items").await;
        assert_eq!(from, [[task["id"].as_str().map(str::to_owned), Some(spider)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_go_to_columns_and_what_is_refused_stands_aside() {
    let app = TestApp::new().await;
    let items = [
        r#"{"name": "one", "price": "1.50", "seen": "2026-03-01T10:00:00+02:00", "extra": [1], "ok": true}"#,
        r#"{"name": "two", "price": 2}"#,
        r#"{"name": "three", "price": "much", "extra": 1}"#,
        r#"{"price": 4}"#,
        r#"{"name": "one", "price": 5}"#,
        r#"{"name": "NAME", "Name": "x", "price": null}"#,
    ];
    for users in UsersDatabase::sql().await {
        let own = if users.kind == "mysql" {
            "CREATE TABLE shop (n BIGINT AUTO_INCREMENT UNIQUE, _id VARCHAR(64) PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE,
                price DECIMAL(10, 2) DEFAULT 7, seen DATETIME, ok TINYINT DEFAULT 5, data LONGTEXT)"
        } else {
            "CREATE TABLE shop (n SERIAL, _id VARCHAR(64) PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE,
                price DECIMAL(10, 2) DEFAULT 7, seen TIMESTAMPTZ, ok BOOLEAN DEFAULT FALSE, data JSONB)"
        };
        users.execute(own).await;
        let (spider, path) =
            linked(&app, users.body(), "shop", &printing(&items), json!({"create_table": false})).await;
        app.run_to_end(&spider, json!({})).await;
        let link = settled(&app, &path, 3, 3).await;
        let one = format!("{path}/{}", link["id"].as_str().unwrap());
        let refused = app.get(&format!("{one}/refused")).await.data();
        let reasons: Vec<String> =
            refused["items"].as_array().unwrap().iter().map(|it| it["reason"].to_string().to_lowercase()).collect();
        assert!(reasons[0].contains("duplicate") && reasons[1].contains("name"), "{reasons:?}");
        assert!(reasons[2].contains("much"), "{reasons:?}");
        let select = if users.kind == "mysql" {
            "SELECT name, CAST(price AS CHAR), CAST(seen AS CHAR), CAST(ok AS CHAR), data FROM shop ORDER BY _id"
        } else {
            "SELECT name, price::text, (seen AT TIME ZONE 'UTC')::text, ok::int::text, data::text FROM shop ORDER BY _id"
        };
        let row = |cells: [Option<&str>; 5]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
        let (default, extra, rest) = if users.kind == "mysql" {
            ("5", r#"{"extra":[1]}"#, r#"{"Name":"x"}"#)
        } else {
            ("0", r#"{"extra": [1]}"#, r#"{"Name": "x"}"#)
        };
        let expected = [
            row([Some("one"), Some("1.50"), Some("2026-03-01 08:00:00"), Some("1"), Some(extra)]),
            row([Some("two"), Some("2.00"), None, Some(default), Some("{}")]),
            row([Some("NAME"), None, None, Some(default), Some(rest)]),
        ];
        assert_eq!(users.query(select).await, expected, "{}", users.kind);

        // Mended, and tried again: only what still does not fit stays.
        users
            .execute(if users.kind == "mysql" {
                "ALTER TABLE shop DROP INDEX name, MODIFY name VARCHAR(20) NULL"
            } else {
                "ALTER TABLE shop DROP CONSTRAINT shop_name_key, ALTER name DROP NOT NULL"
            })
            .await;
        app.post(&format!("{one}/retry"), json!({})).await.ok();
        settled(&app, &path, 5, 1).await;
        assert_eq!(users.query(select).await.len(), 5);
        assert_eq!(app.delete(&format!("{one}/refused")).await.data()["count"], 1);
        settled(&app, &path, 5, 0).await;
    }
}

/// The database goes away in the middle of delivery and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_doubled_while_a_database_is_away() {
    for users in UsersDatabase::all().await {
        let app = TestApp::new().await;
        let gate = Gate::before(users.url.clone()).await;
        let script = "from crawlhub import save_items, flush\nimport sys\nfor part in range(20):\n    \
                      save_items([{'n': part * 300 + n, 'x': 'y' * 500} for n in range(300)])\n    flush()\n";
        let (spider, path) = linked(&app, users.body_at(&gate.url), "items", script, json!({})).await;
        let task = app.run(&spider, json!({})).await;
        app.eventually(&path, |links| links[0]["delivered"].as_i64().unwrap() > 0).await;
        gate.close();
        assert_eq!(app.ended(&task).await["success_count"], 6000);
        let links = app.eventually(&path, |links| links[0]["failures"].as_i64().unwrap() > 0).await;
        let (delivered, waiting) = (links[0]["delivered"].as_i64().unwrap(), links[0]["backlog"].as_i64().unwrap());
        assert_eq!(delivered + waiting, 6000, "{links}");
        assert!(links[0]["last_error"].is_string() && links[0]["next_attempt_at"].is_string(), "{links}");
        // Said once, after some minutes.
        assert_eq!(app.get("/alerts?type=sink_failing").await.data()["total"], 0);
        for _ in 0..3 {
            let failures = app.get(&path).await.data()[0]["failures"].as_i64().unwrap();
            app.clock.advance(TimeDelta::minutes(11));
            app.eventually(&path, |links| links[0]["failures"].as_i64().unwrap() > failures).await;
        }
        let alerts = app.eventually("/alerts?type=sink_failing", |alerts| alerts["total"] == 1).await;
        assert_eq!(alerts["items"][0]["level"], "warning");
        assert_eq!(alerts["items"][0]["spider_id"], json!(spider));

        gate.open();
        let link = app.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned();
        app.post(&format!("{path}/{link}/retry"), json!({})).await.ok();
        settled(&app, &path, 6000, 0).await;
        // Written down once all is delivered.
        let links = app.eventually(&path, |links| links[0]["failing_since"].is_null()).await;
        assert_eq!((&links[0]["gone"], &links[0]["last_error"]), (&json!(0), &json!(null)));
        let mut found: Vec<i64> = users.rows("items").await.iter().map(|(_, data)| number(data)).collect();
        found.sort_unstable();
        assert_eq!(found, (0..6000).collect::<Vec<_>>(), "{}", users.kind);
        assert_eq!(app.get("/alerts?type=sink_failing").await.data()["total"], 1);
    }
}

fn number(data: &str) -> i64 {
    serde_json::from_str::<Value>(data).unwrap()["n"].as_i64().unwrap()
}

/// What was there before the link stays where it is, unless somebody wants it; test runs are nobody's business.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_comes_or_all_that_there_is() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        let script = "from crawlhub import save_item, get_params\nsave_item({'n': get_params()['n']})";
        let spider = app.spider(json!({"name": "before"}), &[("main.py", script)]).await;
        app.run_to_end(&spider, json!({"params": {"n": 1}})).await;
        app.clock.advance(TimeDelta::seconds(1));
        let path = link(&app, &spider, users.body(), "new", json!({})).await;
        app.run_to_end(&spider, json!({"params": {"n": 2}})).await;
        app.send(
            app.request(reqwest::Method::POST, &format!("/platform/api/crawlhub/spiders/{spider}/test-run"))
                .json(&json!({"params": {"n": 3}})),
        )
        .await;
        settled(&app, &path, 1, 0).await;
        link(&app, &spider, users.body(), "all", json!({"backfill": true})).await;
        app.eventually(&path, |links| links[1]["delivered"] == 2 && links[1]["backlog"] == 0).await;
        let numbers = async |table| users.rows(table).await.iter().map(|(_, data)| number(data)).collect::<Vec<_>>();
        assert_eq!((numbers("new").await, numbers("all").await), (vec![2], vec![1, 2]), "{}", users.kind);

        // Switched off, items wait.
        let (new, off) =
            (app.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned(), json!({"is_enabled": false}));
        app.put(&format!("{path}/{new}"), off).await.data();
        app.run_to_end(&spider, json!({"params": {"n": 4}})).await;
        app.eventually(&path, |links| links[1]["delivered"] == 3).await;
        let links = app.get(&path).await.data();
        assert_eq!((&links[0]["backlog"], &links[0]["delivered"]), (&json!(1), &json!(1)));
        app.put(&format!("{path}/{new}"), json!({"is_enabled": true})).await.data();
        app.eventually(&path, |links| links[0]["delivered"] == 2 && links[0]["backlog"] == 0).await;
        assert_eq!(numbers("new").await, [2, 4]);
    }
}

/// What the contract refused at first and let in later is delivered too, though the task is long over.
#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_quarantine_is_delivered() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        let script = printing(&[r#"{"n": 1}"#, r#"{"n": 2, "s": 0}"#]);
        let (spider, path) = linked(&app, users.body(), "items", &script, json!({})).await;
        let schema = json!({"item_schema": {"type": "object", "properties": {"s": {"type": "string"}}}});
        app.put(&format!("/spiders/{spider}"), schema).await.data();
        app.run_to_end(&spider, json!({})).await;
        settled(&app, &path, 1, 0).await;
        app.put(&format!("/spiders/{spider}"), json!({"item_schema": {"type": "object"}})).await.data();
        let done = app.post("/data/quarantine/replay", json!({"spider_id": spider})).await.data();
        assert_eq!(done["replayed"], 1, "{done}");
        let link = settled(&app, &path, 2, 0).await;
        assert_eq!(link["gone"], 0, "{link}");
        let mut numbers: Vec<i64> = users.rows("items").await.iter().map(|(_, data)| number(data)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2], "{}", users.kind);
    }
}

/// A link that is made while a task runs begins behind what the task had then.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_middle_of_a_task() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        let script = "from crawlhub import save_item, flush\nimport os, time\nsave_item({'n': 1})\nflush()\nprint('first', flush=True)\n\
                      while not os.path.exists(os.environ['GO']):\n    time.sleep(0.02)\nsave_item({'n': 2})";
        let go = app.dir.path().parent().unwrap().join(format!("crawlhub-go-{}-{}", std::process::id(), users.kind));
        let _ = std::fs::remove_file(&go);
        let fields = json!({"name": "middle", "env_vars": {"GO": go.to_str().unwrap()}});
        let spider = app.spider(fields, &[("main.py", script)]).await;
        let task = app.run(&spider, json!({})).await;
        app.wait_for_line(&task, "first").await;
        let path = link(&app, &spider, users.body(), "items", json!({})).await;
        std::fs::write(&go, "").unwrap();
        assert_eq!(app.ended(&task).await["success_count"], 2);
        std::fs::remove_file(&go).unwrap();
        settled(&app, &path, 1, 0).await;
        let rows = users.rows("items").await;
        assert_eq!(rows.iter().map(|(_, data)| number(data)).collect::<Vec<_>>(), [2], "{}", users.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_quoted_never_pasted() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        for table in [r#"a"b; DROP TABLE "x"#, "a`b; DROP TABLE `x", "'--", "select", "商品", "a b"] {
            let (spider, path) = linked(&app, users.body(), table, &printing(&[r#"{"a": 1}"#]), json!({})).await;
            app.run_to_end(&spider, json!({})).await;
            settled(&app, &path, 1, 0).await;
            assert_eq!(users.rows(table).await.len(), 1, "{table} in {}", users.kind);
        }
    }
}

/// A table that cannot be used is named, and what waits is not lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_fit() {
    let app = TestApp::new().await;
    for users in UsersDatabase::sql().await {
        users.execute("CREATE TABLE plain (name VARCHAR(20))").await;
        for (table, said) in [("plain", "_id"), ("none", "there is no table none")] {
            let script = printing(&[r#"{"name": "x"}"#]);
            let (spider, path) = linked(&app, users.body(), table, &script, json!({"create_table": false})).await;
            app.run_to_end(&spider, json!({})).await;
            let links = app.eventually(&path, |links| links[0]["failures"].as_i64().unwrap() > 0).await;
            assert!(links[0]["last_error"].as_str().unwrap().contains(said), "{links}");
            assert_eq!(links[0]["backlog"], 1);
            users
                .execute(if table == "plain" {
                    "ALTER TABLE plain ADD COLUMN _id VARCHAR(64) UNIQUE"
                } else {
                    "CREATE TABLE none (_id VARCHAR(64) PRIMARY KEY, name VARCHAR(20))"
                })
                .await;
            let link = links[0]["id"].as_str().unwrap();
            app.post(&format!("{path}/{link}/retry"), json!({})).await.ok();
            settled(&app, &path, 1, 0).await;
            assert_eq!(users.query(&format!("SELECT name FROM {table}")).await, [[Some("x".to_owned())]]);
        }
    }
}

/// What is removed before it is delivered is counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_before_is_said_to_be_gone() {
    for users in UsersDatabase::all().await {
        let app = TestApp::new().await;
        let gate = Gate::before(users.url.clone()).await;
        gate.close();
        let script = printing(&[r#"{"n": 1}"#, r#"{"n": 2}"#]);
        let (spider, path) = linked(&app, users.body_at(&gate.url), "items", &script, json!({})).await;
        app.run_to_end(&spider, json!({})).await;
        let links = app.eventually(&path, |links| links[0]["failures"].as_i64().unwrap() > 0).await;
        assert_eq!(links[0]["backlog"], 2);
        app.delete(&format!("/data?spider_id={spider}")).await.ok();
        gate.open();
        app.post(&format!("{path}/{}/retry", links[0]["id"].as_str().unwrap()), json!({})).await.ok();
        let link = settled(&app, &path, 0, 0).await;
        app.eventually(&path, |links| links[0]["gone"] == 2).await;
        assert_eq!(link["spider_id"], json!(spider));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spiders_know_the_datasources_that_they_are_linked_with() {
    let app = TestApp::new().await;
    let body = json!({"name": "shop", "type": "mysql", "host": "127.0.0.1", "port": 1, "username": "u",
                      "password": "p\"w", "database": "d"});
    let script = "import json\nfrom crawlhub import get_datasource, get_datasources\n\
                  print(json.dumps([get_datasource('shop'), len(get_datasources())]))";
    let (spider, path) = linked(&app, body, "t", script, json!({})).await;
    let task = app.run_to_end(&spider, json!({})).await;
    let told = app.items(task["id"].as_str().unwrap()).await;
    assert_eq!(told[1], 1);
    let id = app.get(&path).await.data()[0]["datasource_id"].clone();
    assert_eq!(
        told[0],
        json!({"id": id, "name": "shop", "type": "mysql", "host": "127.0.0.1", "port": 1, "username": "u",
               "password": "p\"w", "database": "d"})
    );
    let link = app.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned();
    app.put(&format!("{path}/{link}"), json!({"is_enabled": false})).await.data();
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!(null), json!(0)]);
}

/// Whoever comes after a server that was killed goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_in_the_middle() {
    for users in UsersDatabase::all().await {
        let mut server = ServerProcess::start(&[]).await;
        let gate = Gate::before(users.url.clone()).await;
        gate.close();
        let script = "from crawlhub import save_items\nsave_items([{'n': n, 'x': 'y' * 500} for n in range(6000)])";
        let (spider, path) = linked(&server, users.body_at(&gate.url), "items", script, json!({})).await;
        assert_eq!(server.run_to_end(&spider, json!({})).await["success_count"], 6_000);
        let link = server.get(&path).await.data()[0]["id"].as_str().unwrap().to_owned();
        gate.open();
        server.post(&format!("{path}/{link}/retry"), json!({})).await.ok();
        server.eventually(&path, |links| links[0]["delivered"].as_i64().unwrap() > 0).await;
        server.child.kill().await.unwrap();
        let ServerProcess { dir, database_url, .. } = server;
        let server = ServerProcess::start_in(dir, database_url, &[]).await;
        server.eventually(&path, |links| links[0]["delivered"] == 6_000 && links[0]["backlog"] == 0).await;
        let mut found: Vec<i64> = users.rows("items").await.iter().map(|(_, data)| number(data)).collect();
        found.sort_unstable();
        assert_eq!(found, (0..6_000).collect::<Vec<_>>(), "{}", users.kind);
    }
}

/// A table that takes nothing is not asked for ever: what waits is kept.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_refusals_stop_the_delivery() {
    let app = TestApp::new().await;
    let Some(users) = UsersDatabase::mysql().await else { return };
    users.execute("CREATE TABLE strict (_id VARCHAR(64) PRIMARY KEY, n INT NOT NULL)").await;
    let script = printing(&[r#"{"n": "none"}"#]);
    let (spider, path) = linked(&app, users.body(), "strict", &script, json!({})).await;
    let task = app.run_to_end(&spider, json!({})).await["id"].as_str().unwrap().to_owned();
    let link = settled(&app, &path, 0, 1).await["id"].as_str().unwrap().to_owned();
    let db = app.database().await;
    let mut numbers = 1..10_000;
    loop {
        let rows: Vec<String> = numbers
            .by_ref()
            .take(500)
            .map(|n| format!("('{link}', 'x{n}', '{task}', 'no', FALSE, '2026-03-01T08:00:00+00:00')"))
            .collect();
        if rows.is_empty() {
            break;
        }
        let columns = "link_id, item_id, task_id, reason, is_due, refused_at";
        let sql = format!("INSERT INTO sink_refusals ({columns}) VALUES {}", rows.join(", "));
        db.query_text(sql).execute().await.unwrap();
    }
    app.run_to_end(&spider, json!({})).await;
    let links = app.eventually(&path, |links| links[0]["failures"].as_i64().unwrap() > 0).await;
    assert!(links[0]["last_error"].as_str().unwrap().contains("10000"), "{links}");
    assert_eq!((&links[0]["backlog"], &links[0]["refused"]), (&json!(1), &json!(10_000)));
    assert_eq!(app.delete(&format!("{path}/{link}/refused")).await.data()["count"], 10_000);
    settled(&app, &path, 0, 1).await;
}

/// What is larger than the server takes is refused, and does not break the connection for what comes after.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_larger_than_a_packet() {
    let app = TestApp::new().await;
    let Some(users) = UsersDatabase::mysql().await else { return };
    let script = "from crawlhub import save_items\nsave_items([{'n': 1}, {'x': 'y' * (17 << 20)}, {'n': 2}])";
    let (spider, path) = linked(&app, users.body(), "items", script, json!({})).await;
    app.run_to_end(&spider, json!({})).await;
    let link = settled(&app, &path, 2, 1).await;
    let refused = app.get(&format!("{path}/{}/refused", link["id"].as_str().unwrap())).await.data();
    assert!(refused["items"][0]["reason"].as_str().unwrap().contains("max_allowed_packet"), "{refused}");
    assert_eq!(users.rows("items").await.len(), 2);
}
