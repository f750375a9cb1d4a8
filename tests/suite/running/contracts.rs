//! What becomes of items that a spider's contract refuses or knows already, through every door they come by.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// Sends each batch, items as JSON texts, through the server's own door for spiders, and prints the answers.
const DOOR: &str = r#"
import os, urllib.error, urllib.request

def run(params):
    task, spider = os.environ['CRAWLHUB_TASK_ID'], os.environ['CRAWLHUB_SPIDER_ID']
    for items in params['batches']:
        body = '{"task_id": "%s", "spider_id": "%s", "items": [%s]}' % (task, spider, ','.join(items))
        request = urllib.request.Request(os.environ['CRAWLHUB_API_URL'] + '/crawlhub/internal/items',
                                         body.encode('utf-8'), {'Content-Type': 'application/json'})
        try:
            answer = urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            answer = error.read()
        print('answer:', answer.decode(), flush=True)
"#;

/// Whatever it is told to bring, as its result.
const BRING: &str = "def run(params):\n    return params['items']";

async fn spider(app: &Client, name: &str, script: &str, mut fields: Value) -> String {
    fields["name"] = json!(name);
    fields["entry_point"] = json!("main:run");
    app.spider(fields, &[("main.py", script)]).await
}

/// Runs a [`DOOR`]; the task, and what the server answered to each batch.
async fn send(app: &Client, spider: &str, batches: &[&[&str]]) -> (Value, Vec<Value>) {
    let task = app.run_to_end(spider, json!({"params": {"batches": batches}})).await;
    assert_eq!(task["status"], "completed", "{task}");
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    let answers = lines.iter().filter_map(|line| line["line"].as_str().unwrap().strip_prefix("answer: "));
    (task.clone(), answers.map(|answer| serde_json::from_str(answer).unwrap()).collect())
}

/// Runs a [`BRING`]; the task.
async fn bring(app: &TestApp, spider: &str, items: Value) -> Value {
    app.clock.advance(TimeDelta::minutes(10));
    let task = app.run_to_end(spider, json!({"params": {"items": items}})).await;
    assert_eq!(task["status"], "completed", "{task}");
    task
}

fn counts(task: &Value) -> [i64; 3] {
    ["total_count", "success_count", "failed_count"].map(|name| task[name].as_i64().unwrap())
}

async fn data(app: &Client, query: &str) -> Vec<Value> {
    let page = app.get(&format!("/data?page_size=100&{query}")).await.data();
    page["items"].as_array().unwrap().iter().map(|item| item["data"].clone()).collect()
}

fn priced() -> Value {
    json!({"type": "object", "required": ["title"], "properties": {"price": {"type": "number"}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schema_refuses_waits_in_quarantine_and_can_be_let_in() {
    let app = TestApp::new().await;
    let spider = spider(&app, "refused", DOOR, json!({"item_schema": priced()})).await;
    let (task, answers) = send(
        &app,
        &spider,
        &[&[r#"{"title": "a", "price": 1}"#, r#"{"title": "b", "price": "2"}"#, "[1]"], &[r#"{"price": 3}"#]],
    )
    .await;
    let told = &answers[0]["data"];
    assert_eq!((&told["accepted"], &told["duplicate"], &told["rejected"]), (&json!(1), &json!(0), &json!(2)));
    assert!(told["reason"].as_str().unwrap().contains("/price: "), "{told}");
    assert_eq!(answers[0]["msg"], "已接收 1 条数据");
    assert_eq!((&answers[1]["code"], &answers[1]["msg"]), (&json!(200), &json!("所有数据未通过 Schema 校验")));
    assert_eq!(counts(&task), [4, 1, 3]);
    let id = task["id"].as_str().unwrap();
    assert_eq!(data(&app, &format!("task_id={id}")).await, [json!({"title": "a", "price": 1})]);

    let all = app.get(&format!("/data/quarantine?spider_id={spider}")).await.data();
    assert_eq!(all["total"], 3);
    let newest = &all["items"][0];
    assert_eq!(
        (&newest["data"], &newest["task_id"], &newest["is_test"]),
        (&json!({"price": 3}), &json!(id), &json!(false))
    );
    assert!(newest["reason"].as_str().unwrap().contains("title"), "{newest}");
    let page = app.get(&format!("/data/quarantine?task_id={id}&page_size=2")).await.data();
    let rest = format!("/data/quarantine?task_id={id}&page_size=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(app.get(&rest).await.data()["items"], json!([all["items"][2]]));
    assert_eq!(app.get("/data/quarantine?task_id=none").await.data()["total"], 0);

    // Nothing passes while nothing has changed.
    let replay = async |body: Value| app.post("/data/quarantine/replay", body).await;
    let which = json!({"spider_id": spider});
    assert_eq!(replay(which.clone()).await.data(), json!({"replayed": 0, "duplicate": 0, "still_rejected": 3}));
    let change = json!({"item_schema": {"type": "object"}, "dedup_enabled": true, "dedup_fields": "title"});
    app.put(&format!("/spiders/{spider}"), change).await.data();
    let other = json!({"spider_id": spider, "task_id": "none"});
    assert_eq!(replay(other).await.data(), json!({"replayed": 0, "duplicate": 0, "still_rejected": 0}));
    assert_eq!(replay(which.clone()).await.data(), json!({"replayed": 2, "duplicate": 0, "still_rejected": 1}));
    assert_eq!(replay(which).await.data(), json!({"replayed": 0, "duplicate": 0, "still_rejected": 1}));
    assert_eq!(counts(&app.get(&format!("/tasks/{id}")).await.data()), [4, 3, 1]);
    assert_eq!(data(&app, &format!("task_id={id}")).await.len(), 3);

    assert_eq!(app.delete("/data/quarantine").await.error(400), "filter_required");
    let deleted = app.delete(&format!("/data/quarantine?spider_id={spider}")).await.data();
    assert_eq!(deleted, json!({"deleted_count": 1}));
    assert_eq!(counts(&app.get(&format!("/tasks/{id}")).await.data()), [4, 3, 1], "it was rejected all the same");
    assert_eq!(replay(json!({"spider_id": "none"})).await.error(404), "spider_not_found");
    assert_eq!(replay(json!({})).await.details(), ["body.spider_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_item_is_kept_replaced_or_a_further_version() {
    let app = TestApp::new().await;
    for (policy, answers, stored) in [
        (None, [[2, 1], [1, 2]], vec![r#"{"sku":1,"p":1}"#, r#"{"sku":2,"p":1}"#, r#"{"sku":3}"#]),
        (Some("keep_last"), [[2, 1], [2, 1]], vec![r#"{"sku":1,"p":2}"#, r#"{"sku":2,"p":1}"#, r#"{"sku":3}"#]),
        (
            Some("version"),
            [[2, 1], [2, 1]],
            vec![r#"{"sku":1,"p":1}"#, r#"{"sku":1,"p":2}"#, r#"{"sku":2,"p":1}"#, r#"{"sku":3}"#],
        ),
    ] {
        let mut fields = json!({"dedup_enabled": true, "dedup_fields": "sku, shop.id"});
        if let Some(policy) = policy {
            fields["dedup_policy"] = json!(policy);
        }
        let spider = spider(&app, policy.unwrap_or("keep_first"), DOOR, fields).await;
        let shown = app.get(&format!("/spiders/{spider}")).await.data();
        assert_eq!(shown["dedup_policy"], policy.unwrap_or("keep_first"));
        let first: &[&str] = &[r#"{"sku": 1, "p": 1}"#, r#"{"p": 1, "sku": 1}"#, r#"{"sku": 2, "p": 1}"#];
        let second: &[&str] = &[r#"{"sku": 2, "p": 1}"#, r#"{"sku": 3}"#, r#"{"sku": 1, "p": 2}"#];
        for (batch, expected) in [(first, answers[0]), (second, answers[1])] {
            // Each in a task of its own: a spider's tasks have their keys in common.
            let (task, told) = send(&app, &spider, &[batch]).await;
            let told = &told[0]["data"];
            assert_eq!(
                [&told["accepted"], &told["duplicate"]],
                [&json!(expected[0]), &json!(expected[1])],
                "{policy:?}"
            );
            assert_eq!(counts(&task), [3, expected[0], 0], "{policy:?}");
        }
        let mut kept: Vec<String> =
            data(&app, &format!("spider_id={spider}")).await.iter().map(Value::to_string).collect();
        kept.sort_unstable();
        assert_eq!(kept, stored, "{policy:?}");
        let (_, known) =
            send(&app, &spider, &[&[r#"{"sku": 3, "shop": {"id": null}, "sku": 3}"#, r#"{"sku":3}"#]]).await;
        assert_eq!(
            known[0]["data"]["duplicate"],
            if policy.is_none() { 2 } else { known[0]["data"]["duplicate"].as_i64().unwrap() }
        );
    }
    assert_eq!(
        app.post("/spiders", json!({"name": "x", "dedup_policy": "newest"})).await.details(),
        ["body.dedup_policy"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_known_items_says_so() {
    let app = TestApp::new().await;
    let fields = json!({"dedup_enabled": true, "item_schema": {"type": "object"}});
    let spider = spider(&app, "whole", DOOR, fields).await;
    let (task, answers) =
        send(&app, &spider, &[&[r#"{"a": 1, "b": 2}"#], &[r#"{"b": 2, "a": 1}"#, "1"], &[r#"{"b": 2.0, "a": 1}"#]])
            .await;
    assert_eq!(answers[1]["msg"], "所有数据已去重，无新数据");
    assert_eq!(answers[1]["data"]["rejected"], 1);
    assert_eq!(answers[2]["data"]["accepted"], 1, "numbers are compared as they are written");
    assert_eq!(counts(&task), [4, 2, 1]);
    // A test run has keys of its own.
    let run = json!({"params": {"batches": [[r#"{"a": 1, "b": 2}"#, r#"{"a": 1, "b": 2}"#]]}});
    app.post(&format!("/spiders/{spider}/test-run"), run).await;
    let tested = app.get(&format!("/tasks?spider_id={spider}&is_test=true")).await.data()["items"][0].clone();
    assert_eq!(counts(&tested), [2, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_items_are_judged_and_kept_to_the_letter() {
    let app = TestApp::new().await;
    let schema = json!({"type": "object", "maxProperties": 20_000, "properties": {
        "big": {"type": "integer", "minimum": 9_007_199_254_740_993_i64}, "at": {"type": "string"}}});
    let many: Vec<String> = (0..10_000).map(|n| format!("\"f{n}.$x\":{n}")).collect();
    let (many, deep) = (format!("{{{}}}", many.join(",")), format!("{}1{}", "[".repeat(3000), "]".repeat(3000)));
    let good = [
        many.as_str(),
        r#"{"a.b": "\u0000", "$k": null, "at": "2024-01-01T00:00:00Z"}"#,
        r#"{"a": {"b": 1}, "big": 9007199254740993}"#,
        r#"{"a": {"b": 2}, "big": 123456789012345678901234567890, "": [[1, [2]], []]}"#,
    ];
    let bad = [
        r#"{"a": {"b": 3}, "at": "\ud800"}"#,
        r#"{"a": {"b": 4}, "big": 9007199254740992}"#,
        r#"{"a": {"b": 5}, "n": 1e999}"#,
        "[[1], [2]]",
        "null",
        r#""text""#,
        &deep,
    ];
    let fields = json!({"name": "odd", "entry_point": "main:run", "item_schema": schema, "dedup_enabled": true,
        "dedup_fields": "a.b,$k"});
    // More than parameters can hold.
    let script = DOOR.replace("params['batches']", "__import__('json').load(open('batches.json', encoding='utf-8'))");
    let batches = json!([good, bad]).to_string();
    let spider = app.spider(fields, &[("main.py", &script), ("batches.json", &batches)]).await;
    let (task, answers) = send(&app, &spider, &[]).await;
    assert_eq!(answers[0]["data"]["accepted"], 4, "{answers:?}");
    assert_eq!(answers[1]["data"]["rejected"], 7, "{answers:?}");
    assert_eq!(counts(&task), [11, 4, 7]);
    let id = task["id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/data/export/ndjson?task_id={id}")).await.text.trim(), good.join("\n"));
    let held = app.get(&format!("/data/quarantine?task_id={id}")).await;
    assert!(held.text.contains(bad[0]) && held.text.contains(bad[2]), "{}", held.text);
    // Some of the numbers are too large to be read here.
    let newest = app.get(&format!("/data/quarantine?task_id={id}&page_size=1")).await.data()["items"][0].clone();
    assert_eq!(newest["data"], json!(deep), "too deep to be read: as a text");
    let fields = app.get(&format!("/data/fields?task_id={id}")).await;
    assert!(fields.text.contains("truncated"));
    assert_eq!(fields.data().as_array().unwrap().len(), 1000);

    // Without a schema all of it is stored but what is too deep, which stays although nothing forbids it.
    app.put(&format!("/spiders/{spider}"), json!({"item_schema": null})).await.data();
    let done = app.post("/data/quarantine/replay", json!({"spider_id": spider})).await.data();
    assert_eq!(done, json!({"replayed": 6, "duplicate": 0, "still_rejected": 1}));
}

/// A batch is taken as a whole or not at all; where an item alone is too large, the answer says it.
#[tokio::test(flavor = "multi_thread")]
async fn very_large_items() {
    let app = TestApp::new().await;
    let script = DOOR.replace("','.join(items)", "','.join('{\"n\": \"%s\"}' % ('x' * (int(n) << 20)) for n in items)");
    let spider =
        spider(&app, "large", &script, json!({"item_schema": {"maxProperties": 1}, "dedup_enabled": true})).await;
    let (task, answers) = send(&app, &spider, &[&["16"], &["1", "21"], &["11", "10"], &["16"]]).await;
    assert_eq!(answers[0]["data"]["accepted"], 1, "16 MB and more");
    for refused in &answers[1..3] {
        assert_eq!((&refused["code"], &refused["data"]["error"]), (&json!(413), &json!("body_too_large")));
    }
    assert_eq!(answers[3]["data"]["duplicate"], 1);
    assert_eq!(counts(&task), [2, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_changes_holds_from_the_next_batch_on() {
    let app = TestApp::new().await;
    let script = DOOR.replace("for items in params['batches']:", "for n in range(1000):\n        import time\n        items = ['{\"price\": \"%d\"}' % n]")
        .replace("answer = urllib.request.urlopen(request).read()", "answer = urllib.request.urlopen(request).read()\n            if b'\"accepted\":1' in answer:\n                return\n            time.sleep(0.02)");
    let spider = spider(&app, "changes", &script, json!({"item_schema": priced()})).await;
    let task = app.run(&spider, json!({})).await;
    app.eventually(&format!("/data/quarantine?task_id={task}"), |page| page["total"].as_i64().unwrap() > 0).await;
    app.put(&format!("/spiders/{spider}"), json!({"item_schema": null})).await.data();
    let task = app.ended(&task).await;
    assert_eq!((&task["status"], &task["success_count"]), (&json!("completed"), &json!(1)), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_without_end_are_refused_when_they_are_saved() {
    let app = TestApp::new().await;
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}}),
        json!({"$ref": "#/nowhere"}),
        json!({"$ref": "https://example.com/schema.json"}),
    ] {
        let refused = app.post("/spiders", json!({"name": "loop", "item_schema": schema})).await;
        assert_eq!(refused.details(), ["body.item_schema"], "{schema}");
    }
    let tree = json!({"properties": {"children": {"items": {"$ref": "#"}}, "n": {"type": "integer"}}});
    let spider = spider(&app, "tree", DOOR, json!({"item_schema": tree})).await;
    let items: &[&str] = &[
        r#"{"n": 1, "children": [{"n": 2, "children": [{"n": 3}]}]}"#,
        r#"{"children": [{"children": [{"n": "3"}]}]}"#,
    ];
    let (_, answers) = send(&app, &spider, &[items]).await;
    assert!(answers[0]["data"]["reason"].as_str().unwrap().starts_with("/children/0/children/0/n: "));
    assert_eq!(answers[0]["data"]["accepted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_says_what_was_rejected() {
    let app = TestApp::new().await;
    let script = "from crawlhub import save_item\nsave_item({'title': 'a'})\nsave_item({'title': 'b', 'price': 'x'})";
    let task = app.run_script(json!({"name": "sdk", "item_schema": priced()}), script).await;
    assert_eq!(counts(&task), [2, 1, 1]);
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    let said: Vec<&str> =
        lines.iter().map(|line| line["line"].as_str().unwrap()).filter(|line| line.contains("rejected")).collect();
    assert_eq!(said.len(), 1, "{lines:?}");
    assert!(said[0].contains("1 items") && said[0].contains("/price: "), "{said:?}");
}

/// A Scrapy project as it is, and files, come by the same door.
#[tokio::test(flavor = "multi_thread")]
async fn scrapy_and_files_are_judged_alike() {
    let app = TestApp::new().await;
    let contract = |extra: Value| {
        let mut fields = json!({"item_schema": priced(), "dedup_enabled": true, "dedup_fields": "title",
            "dedup_policy": "keep_last"});
        fields.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        fields
    };
    let crawl = "import scrapy\n\nclass Shop(scrapy.Spider):\n    name = 'shop'\n    start_urls = ['data:text/plain,x']\n\n    def parse(self, response):\n        yield {'title': 'a', 'price': 1}\n        yield {'title': 'a', 'price': 2}\n        yield {'title': 'b', 'price': 'free'}\n";
    let scrapy = app
        .spider(
            contract(json!({"name": "shop", "source": "scrapy"})),
            &[
                ("scrapy.cfg", "[settings]\ndefault = shop.settings\n"),
                ("shop/__init__.py", "#"),
                ("shop/settings.py", "BOT_NAME = 'shop'\nSPIDER_MODULES = ['shop.spiders']\n"),
                ("shop/spiders/__init__.py", "#"),
                ("shop/spiders/shop.py", crawl),
                ("requirements.txt", "scrapy\n"),
            ],
        )
        .await;
    let file = app
        .spider(contract(json!({"name": "file"})), &[(
            "main.py",
            "import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w').write('{\"title\": \"a\", \"price\": 1}\\n{\"title\": \"a\", \"price\": 2}\\n{\"title\": \"b\", \"price\": \"free\"}\\n')",
        )])
        .await;
    for spider in [scrapy, file] {
        let task = app.run_to_end(&spider, json!({})).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!((task["total_count"].as_i64(), task["failed_count"].as_i64()), (Some(3), Some(1)), "{task}");
        assert_eq!(data(&app, &format!("spider_id={spider}")).await, [json!({"title": "a", "price": 2})]);
        assert_eq!(app.get(&format!("/data/quarantine?spider_id={spider}")).await.data()["total"], 1);
    }
}

fn told(changes: &Value) -> Vec<(String, String, i64)> {
    let items = changes["items"].as_array().unwrap();
    let mut told: Vec<(String, String, i64)> = items
        .iter()
        .map(|change| {
            let said = |name: &str| change[name].as_str().unwrap().to_owned();
            (said("kind"), said("label"), change["version"].as_i64().unwrap())
        })
        .collect();
    told.sort_unstable();
    told
}

fn expected(changes: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    changes
        .iter()
        .map(|(kind, sku, version)| ((*kind).to_owned(), format!("{{\"sku\":\"{sku}\"}}"), *version))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_changed_and_gone_are_told() {
    let app = TestApp::new().await;
    let fields = json!({"dedup_enabled": true, "dedup_fields": "sku", "dedup_policy": "version"});
    let spider = spider(&app, "feed", BRING, fields).await;
    let changes = async |query: &str| app.get(&format!("/data/changes?spider_id={spider}{query}")).await.data();
    assert_eq!(changes("").await, json!({"items": [], "next_cursor": null}));

    bring(&app, &spider, json!([{"sku": "a", "p": 1}, {"sku": "b", "p": 1}, {"sku": "c"}])).await;
    let first = changes("").await;
    assert_eq!(told(&first), expected(&[("new", "a", 1), ("new", "b", 1), ("new", "c", 1)]));
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let one = &first["items"][0];
    assert_eq!((&one["first_seen"], &one["gone_at"]), (&one["changed_at"], &Value::Null));

    let second = bring(&app, &spider, json!([{"sku": "a", "p": 2}, {"p": 1, "sku": "b"}, {"sku": "d"}])).await;
    app.looked_at_by("gone").await;
    let news = expected(&[("changed", "a", 2), ("gone", "c", 1), ("new", "d", 1)]);
    assert_eq!(told(&changes(&format!("&cursor={cursor}")).await), news);
    let since = second["started_at"].as_str().unwrap();
    let later = changes(&format!("&since={since}")).await;
    assert_eq!(told(&later), news);
    let gone = later["items"].as_array().unwrap().iter().find(|change| change["kind"] == "gone").unwrap();
    assert_eq!(gone["data"], json!({"sku": "c"}), "as it was");
    // Step by step it is the same.
    let (mut steps, mut cursor) = (Vec::new(), cursor);
    loop {
        let step = changes(&format!("&page_size=1&cursor={cursor}")).await;
        cursor = step["next_cursor"].as_str().unwrap().to_owned();
        if step["items"] == json!([]) {
            break;
        }
        steps.extend(told(&step));
    }
    steps.sort_unstable();
    assert_eq!(steps, news);

    // A run that brings nothing, one that fails, and a test say nothing of what is gone; seen again is new again.
    bring(&app, &spider, json!([])).await;
    app.clock.advance(TimeDelta::minutes(1));
    app.post(&format!("/spiders/{spider}/test-run"), json!({"params": {"items": [{"sku": "x"}]}})).await;
    let third =
        bring(&app, &spider, json!([{"sku": "a", "p": 2}, {"sku": "b", "p": 1}, {"sku": "c"}, {"sku": "d"}])).await;
    app.looked_at_by("gone").await;
    let since = third["started_at"].as_str().unwrap();
    assert_eq!(told(&changes(&format!("&since={since}")).await), expected(&[("new", "c", 1)]));

    let key = one["key"].as_str().unwrap();
    let versions = app.get(&format!("/data/changes/versions?spider_id={spider}&key={key}")).await.data();
    let texts: Vec<&Value> = versions["versions"].as_array().unwrap().iter().map(|version| &version["data"]).collect();
    assert_eq!(versions["key"], one["key"]);
    assert_eq!(i64::try_from(texts.len()).unwrap(), versions["version"].as_i64().unwrap());
    assert_eq!(texts[0], &versions["data"]);

    let wrong = |query: &str| format!("/data/changes?spider_id={spider}&{query}");
    assert_eq!(app.get(&wrong("since=yesterday")).await.details(), ["query.since"]);
    assert_eq!(app.get(&wrong("cursor=7")).await.details(), ["query.cursor"]);
    assert_eq!(app.get(&wrong("page_size=0")).await.details(), ["query.page_size"]);
    assert_eq!(app.get("/data/changes").await.details(), ["query.spider_id"]);
    let none = format!("/data/changes/versions?spider_id={spider}&key=none");
    assert_eq!(app.get(&none).await.error(404), "key_not_found");
}

/// Runs that go on at once: what any of them saw is not gone.
#[tokio::test(flavor = "multi_thread")]
async fn runs_beside_each_other_do_not_lose_what_the_others_saw() {
    let app = TestApp::with(&[("CRAWLHUB_TASKS_SLOTS", "2")]).await;
    let script = "import time\nfrom crawlhub import save_item, flush\n\ndef run(params):\n    for item in params['items']:\n        save_item(item)\n    flush()\n    print('saved', flush=True)\n    while params.get('waits'):\n        time.sleep(60)\n";
    let fields = json!({"dedup_enabled": true, "dedup_fields": "sku", "overlap": "allow", "max_concurrent": 2});
    let spider = spider(&app, "beside", script, fields).await;
    bring(&app, &spider, json!([{"sku": "a"}, {"sku": "b"}, {"sku": "c"}])).await;
    app.clock.advance(TimeDelta::minutes(1));
    let slow = app.run(&spider, json!({"params": {"items": [{"sku": "a"}], "waits": true}})).await;
    app.wait_for_line(&slow, "saved").await;
    // While the other is at work, this one says nothing of what is gone.
    bring(&app, &spider, json!([{"sku": "b"}])).await;
    app.looked_at_by("gone").await;
    let gone = async || {
        let changes = app.get(&format!("/data/changes?spider_id={spider}")).await.data();
        told(&changes).into_iter().filter(|change| change.0 == "gone").map(|change| change.1).collect::<Vec<_>>()
    };
    assert_eq!(gone().await, Vec::<String>::new());
    app.post(&format!("/tasks/{slow}/cancel"), json!({})).await.data();
    app.ended(&slow).await;
    bring(&app, &spider, json!([{"sku": "b"}])).await;
    app.looked_at_by("gone").await;
    assert_eq!(gone().await, [r#"{"sku":"a"}"#, r#"{"sku":"c"}"#]);
}

/// What was refused, or what there was no room for, may be there all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_could_not_bring_all_says_nothing_of_what_is_gone() {
    let app = TestApp::new().await;
    let fields = json!({"dedup_enabled": true, "dedup_fields": "sku", "item_schema": priced_alone()});
    let spider = spider(&app, "partly", BRING, fields).await;
    let gone = async || {
        app.looked_at_by("gone").await;
        let changes = app.get(&format!("/data/changes?spider_id={spider}")).await.data();
        told(&changes).into_iter().filter(|change| change.0 == "gone").map(|change| change.1).collect::<Vec<_>>()
    };
    bring(&app, &spider, json!([{"sku": "a", "price": 1}, {"sku": "b"}])).await;
    let refused = bring(&app, &spider, json!([{"sku": "a", "price": "1"}, {"sku": "c"}])).await;
    assert_eq!(counts(&refused), [2, 1, 1]);
    assert_eq!(gone().await, Vec::<String>::new());
    app.put(&format!("/spiders/{spider}"), json!({"max_items": 1})).await.data();
    bring(&app, &spider, json!([{"sku": "c"}])).await;
    assert_eq!(gone().await, Vec::<String>::new());
    app.put(&format!("/spiders/{spider}"), json!({"max_items": 2})).await.data();
    bring(&app, &spider, json!([{"sku": "c"}])).await;
    assert_eq!(gone().await, [r#"{"sku":"a"}"#, r#"{"sku":"b"}"#]);
}

fn priced_alone() -> Value {
    json!({"type": "object", "properties": {"price": {"type": "number"}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_large_items_is_a_short_one() {
    let app = TestApp::new().await;
    let script = "def run(params):\n    return [{'sku': n, 'text': 'x' * 200000} for n in range(60)]";
    let fields = json!({"dedup_enabled": true, "dedup_fields": "sku"});
    let spider = spider(&app, "large", script, fields).await;
    bring(&app, &spider, json!([])).await;
    let (mut sizes, mut cursor) = (Vec::new(), String::new());
    while sizes.last() != Some(&0) {
        let page = app.get(&format!("/data/changes?spider_id={spider}&page_size=1000{cursor}")).await.data();
        sizes.push(page["items"].as_array().unwrap().len());
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
    }
    assert_eq!(sizes, [50, 10, 0]);
}

async fn drifts(app: &Client) -> Vec<Value> {
    app.get("/alerts?type=data_drift").await.data()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_not_what_it_was_raises_an_alert() {
    let app = TestApp::with(&[("CRAWLHUB_ALERTS_LANGUAGE", "en")]).await;
    let spider = spider(&app, "drifts", BRING, json!({})).await;
    let item = |n: i64| json!({"title": n.to_string(), "price": n, "stock": n, "note": if n % 2 == 0 { json!("x") } else { json!(null) }});
    let usual: Value = (0..20).map(item).collect();
    for _ in 0..3 {
        bring(&app, &spider, usual.clone()).await;
    }
    // As usual, or more: nothing to say.
    bring(
        &app,
        &spider,
        (0..60).map(|n| json!({"title": "t", "price": 1.5, "stock": n, "note": "x", "more": n})).collect(),
    )
    .await;
    let other = bring(&app, &spider, (0..9).map(|n| json!({"title": "t", "price": n.to_string()})).collect()).await;
    app.eventually("/alerts?type=data_drift", |page| page["total"].as_i64().unwrap() > 0).await;
    let alerts = drifts(&app).await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let alert = &alerts[0];
    assert_eq!(
        (&alert["level"], &alert["task_id"], &alert["spider_id"]),
        (&json!("warning"), &other["id"], &json!(spider))
    );
    let message = alert["message"].as_str().unwrap();
    for part in [
        "[drifts]",
        "only 9 items, usually 20",
        "the field stock is gone (filled in 0%, usually in 100%)",
        "the field price was number and is string",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("note") && !message.contains("title"), "{message}");

    // None at all, and a test.
    bring(&app, &spider, json!([])).await;
    app.eventually("/alerts?type=data_drift", |page| page["total"].as_i64().unwrap() > 1).await;
    app.post(&format!("/spiders/{spider}/test-run"), json!({"params": {"items": []}})).await;
    app.looked_at_by("alerts").await;
    assert_eq!(drifts(&app).await.len(), 2);
}

/// Two runs are not enough to say what is usual, and a spider without items has no usual.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_where_nothing_is_usual() {
    let app = TestApp::new().await;
    let young = spider(&app, "young", BRING, json!({})).await;
    for items in [json!([{"a": 1}, {"a": 2}]), json!([{"a": 1}, {"a": 2}]), json!([{"b": "x"}])] {
        bring(&app, &young, items).await;
    }
    let idle = spider(&app, "idle", BRING, json!({})).await;
    for _ in 0..5 {
        bring(&app, &idle, json!([])).await;
    }
    app.looked_at_by("alerts").await;
    assert_eq!(drifts(&app).await, Vec::<Value>::new());
}

/// Rules of this kind have no condition, and need no cooldown.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_drift() {
    let app = TestApp::new().await;
    let rule = json!({"name": "drift", "rule_type": "data_drift", "cooldown_minutes": 0});
    assert_eq!(app.post("/alert-rules", rule).await.data()["condition"], json!({}));
    let odd = json!({"name": "drift", "rule_type": "data_drift", "condition": {"min_items": 1}});
    assert_eq!(app.post("/alert-rules", odd).await.details(), ["body.condition.min_items"]);
}

/// Fields are told from what was noted as items arrived; where text is looked for, from the items.
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_many_tasks() {
    let app = TestApp::new().await;
    let spider = spider(&app, "fields", BRING, json!({})).await;
    let first = bring(&app, &spider, json!([{"a": 1, "b": null}, {"a": "x"}])).await;
    bring(&app, &spider, json!([{"a": 2.5, "c": [1]}, "bare"])).await;
    app.post(&format!("/spiders/{spider}/test-run"), json!({"params": {"items": [{"t": 1}]}})).await;
    let fields = async |query: &str| -> Vec<(String, i64)> {
        let told = app.get(&format!("/data/fields?spider_id={spider}{query}")).await.data();
        let told = told.as_array().unwrap().clone();
        told.iter()
            .map(|field| (field["name"].as_str().unwrap().to_owned(), field["count"].as_i64().unwrap()))
            .collect()
    };
    let pair = |name: &str, count| (name.to_owned(), count);
    assert_eq!(fields("&is_test=false").await, [pair("a", 3), pair("b", 0), pair("c", 1), pair("value", 1)]);
    assert_eq!(fields("&is_test=true").await, [pair("t", 1)]);
    assert_eq!(fields("&q=2.5").await, [pair("a", 1), pair("c", 1)]);
    let first = first["id"].as_str().unwrap();
    assert_eq!(fields(&format!("&task_id={first}")).await, [pair("a", 2), pair("b", 0)]);
    app.delete(&format!("/data?task_id={first}")).await.data();
    assert_eq!(fields("&is_test=false").await, [pair("a", 1), pair("c", 1), pair("value", 1)]);
}
