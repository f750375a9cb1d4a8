//! What spiders brought back: browsed, described, exported, deleted. Items leave as they came.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// Gives the lines of its file `items.jsonl` as items.
const GIVE: &str = "import os, shutil\nshutil.copy('items.jsonl', os.environ['CRAWLHUB_OUTPUT_DIR'])";

/// The same through the server's own door for spiders, which takes what a Python list could not hold.
pub(super) const POST: &str = "
import os, urllib.request
task, spider = os.environ['CRAWLHUB_TASK_ID'], os.environ['CRAWLHUB_SPIDER_ID']
items = ','.join(open('items.jsonl', encoding='utf-8', newline='\\n').read().split('\\n'))
body = f'{{\"task_id\": \"{task}\", \"spider_id\": \"{spider}\", \"items\": [{items}]}}'.encode()
headers = {'Content-Type': 'application/json'}
url = os.environ['CRAWLHUB_API_URL'] + '/crawlhub/internal/items'
urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
";

const ITEMS: [&str; 5] = [
    r#"{"title": "A, \"b\"", "price": 1.10, "tags": ["x", "\u4e2d"], "ok": true}"#,
    r#"{"title": "two\nlines", "price": 2, "seen": null, "Title": {"a": {"b": 1}}}"#,
    r#""bare""#,
    r#"[1, "二"]"#,
    "{}",
];

/// A spider that gives these items.
pub(super) async fn giving(app: &Client, name: &str, items: &[&str]) -> String {
    app.spider(json!({"name": name}), &[("main.py", GIVE), ("items.jsonl", &items.join("\n"))]).await
}

/// Runs the spider; the task.
pub(super) async fn gives(app: &Client, spider: &str) -> String {
    let task = app.run_to_end(spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    task["id"].as_str().unwrap().to_owned()
}

/// The `data` of the items on a page.
pub(super) fn data_of(page: &Value) -> Vec<&Value> {
    page["items"].as_array().unwrap().iter().map(|item| &item["data"]).collect()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_listed_filtered_and_paged() {
    let app = TestApp::new().await;
    let (one, two) = (giving(&app, "one", &[r#"{"n": 1}"#]).await, giving(&app, "two", &[r#"{"n": 2}"#]).await);
    let (first, second, third) = (gives(&app, &one).await, gives(&app, &one).await, gives(&app, &two).await);
    app.post(&format!("/spiders/{two}/test-run"), json!({})).await;

    let all = app.get("/data").await.data();
    assert_eq!(
        (data_of(&all), &all["total"]),
        (vec![&json!({"n": 2}), &json!({"n": 2}), &json!({"n": 1}), &json!({"n": 1})], &json!(4))
    );
    let oldest = &all["items"][3];
    assert_eq!(
        oldest,
        &json!({"_id": oldest["_id"], "task_id": first, "spider_id": one, "data": {"n": 1}, "is_test": false,
            "created_at": "2026-03-01T08:00:00Z"})
    );
    assert_eq!(oldest["_id"].as_str().unwrap().len(), 36);

    for (query, found) in [
        (format!("spider_id={one}"), 2),
        (format!("task_id={second}"), 1),
        (format!("task_id={third}&spider_id={one}"), 0),
        (format!("spider_id={two}&is_test=true"), 1),
        ("is_test=false".to_owned(), 3),
        (format!("spider_id={two}&task_id=&is_test=&q="), 2),
        ("spider_id=&page=&page_size=".to_owned(), 4),
        ("task_id=none".to_owned(), 0),
    ] {
        let page = app.get(&format!("/data?{query}")).await.data();
        assert_eq!((&page["total"], data_of(&page).len()), (&json!(found), found), "{query}");
    }
    assert_eq!(app.get("/data?is_test=maybe").await.details(), ["query.is_test"]);
    let long = "x".repeat(501);
    for path in ["", "/fields", "/export/json"] {
        assert_eq!(app.get(&format!("/data{path}?q={long}")).await.details(), ["query.q"], "{path}");
    }
    assert_eq!(app.get(&format!("/data?q={}", &long[1..])).await.data()["total"], 0);
    assert_eq!(app.get("/data?page_size=101").await.details(), ["query.page_size"]);

    let page = app.get("/data?page_size=3").await.data();
    assert_eq!((data_of(&page).len(), &page["total_pages"]), (3, &json!(2)));
    gives(&app, &two).await;
    let rest = app.get(&format!("/data?page_size=3&cursor={}", page["next_cursor"].as_str().unwrap())).await.data();
    assert_eq!((&rest["items"], &rest["next_cursor"]), (&json!([oldest]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_looks_into_items() {
    let app = TestApp::new().await;
    let spider = giving(
        &app,
        "search",
        &[
            r#"{"t": "100% Wolle"}"#,
            r#"{"t": "100 Wolle", "under_score": "a\\b"}"#,
            r#"{"t": "\u65b0\u95fb"}"#,
            r#"{"t": "新闻 'quoted' \"twice\""}"#,
        ],
    )
    .await;
    gives(&app, &spider).await;
    for (q, found) in [
        ("wolle", 2),
        ("WOLLE", 2),
        ("100%25", 1),
        ("under_", 1),
        ("underxscore", 0),
        ("%E6%96%B0%E9%97%BB", 2),
        ("a%5Cb", 1),
        ("'quoted'", 1),
        ("%22twice%22", 1),
        ("nothing", 0),
    ] {
        assert_eq!(app.get(&format!("/data?q={q}")).await.data()["total"], found, "{q}");
        let exported = app.get(&format!("/data/export/ndjson?q={q}")).await.text;
        assert_eq!(exported.lines().count(), found, "{q}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_described() {
    let app = TestApp::new().await;
    let spider = giving(&app, "fields", &ITEMS).await;
    let task = gives(&app, &spider).await;
    let other = giving(&app, "other", &[r#"{"another": 1}"#]).await;
    gives(&app, &other).await;
    let fields = app.get(&format!("/data/fields?spider_id={spider}")).await.data();
    let told: Vec<Value> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| json!([field["name"], field["types"], field["count"], field["filled"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["title", {"string": 2}, 2, 0.4]),
            json!(["price", {"integer": 1, "number": 1}, 2, 0.4]),
            json!(["tags", {"array": 1}, 1, 0.2]),
            json!(["ok", {"boolean": 1}, 1, 0.2]),
            json!(["seen", {"null": 1}, 0, 0.0]),
            json!(["Title", {"object": 1}, 1, 0.2]),
            json!(["value", {"array": 1, "string": 1}, 2, 0.4]),
        ]
    );
    assert_eq!(app.get("/data/fields?spider_id=none").await.data(), json!([]));
    assert!(app.get("/data/fields?spider_id=").await.text.contains("another"), "an empty value is no filter");

    let preview = app.get(&format!("/data/preview/{task}?limit=2")).await.data();
    assert_eq!(
        preview["items"],
        json!([serde_json::from_str::<Value>(ITEMS[0]).unwrap(), serde_json::from_str::<Value>(ITEMS[1]).unwrap()])
    );
    assert_eq!(preview["total"], 5);
    assert_eq!(preview["fields"]["ok"], json!({"type": "boolean", "non_null_count": 1, "sample": true}));
    assert_eq!(preview["field_stats"], preview["fields"]);
    assert_eq!(app.get("/data/preview/none").await.data()["total"], 0);
    assert_eq!(app.get(&format!("/data/preview/{task}?limit=0")).await.details(), ["query.limit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_export_of_the_same_items() {
    let app = TestApp::new().await;
    let spider = giving(&app, "export", &ITEMS).await;
    let task = gives(&app, &spider).await;
    let export = async |rest: &str| {
        app.get(&format!("/data/export/{rest}{}spider_id={spider}", if rest.contains('?') { '&' } else { '?' })).await
    };

    let json = export("json").await;
    assert_eq!(header(&json, "content-type"), "application/json; charset=utf-8");
    assert_eq!(header(&json, "content-disposition"), "attachment; filename=\"data.json\"");
    assert_eq!(json.text, format!("[\n{}\n]\n", ITEMS.join(",\n")));

    let lines = export("ndjson").await;
    assert_eq!(header(&lines, "content-type"), "application/x-ndjson; charset=utf-8");
    assert_eq!(header(&lines, "content-disposition"), "attachment; filename=\"data.ndjson\"");
    assert_eq!(lines.text, ITEMS.map(|item| format!("{item}\n")).concat());

    let csv = export("csv").await;
    assert_eq!(header(&csv, "content-type"), "text/csv; charset=utf-8");
    assert_eq!(header(&csv, "content-disposition"), "attachment; filename=\"data.csv\"");
    let table = [
        "Title,ok,price,seen,tags,title,value",
        r#",true,1.10,,"[""x"",""中""]","A, ""b""","#,
        "\"{\"\"a\"\":{\"\"b\"\":1}}\",,2,,,\"two\nlines\",",
        ",,,,,,bare",
        r#",,,,,,"[1,""二""]""#,
        ",,,,,,",
        "",
    ];
    assert_eq!(csv.text, table.join("\r\n"));
    assert_eq!(export("csv?bom=1").await.text, format!("\u{feff}{}", csv.text));
    assert_eq!(export("csv?bom=0").await.text, csv.text);

    assert_eq!(export("csv?fields=price,,title,none").await.text.lines().next(), Some("price,title,none"));
    assert_eq!(
        export("ndjson?fields=title,price").await.text,
        "{\"title\":\"A, \\\"b\\\"\",\"price\":1.10}\n{\"title\":\"two\\nlines\",\"price\":2}\n{}\n{}\n{}\n"
    );
    assert_eq!(export("json?fields=ok").await.json(), json!([{"ok": true}, {}, {}, {}, {}]));
    assert_eq!(export("json?fields=").await.text, json.text, "an empty value picks nothing out");

    // The predecessor's names: whole rows.
    let rows = export("json/stream").await;
    assert_eq!(header(&rows, "content-disposition"), "attachment; filename=\"data_stream.json\"");
    assert_eq!(
        rows.json()[4],
        json!({"task_id": task, "spider_id": spider, "data": {}, "is_test": false, "created_at": "2026-03-01T08:00:00Z"})
    );
    let rows = export("csv/stream").await;
    assert_eq!(header(&rows, "content-disposition"), "attachment; filename=\"data_stream.csv\"");
    let start =
        format!("task_id,spider_id,created_at,{}\r\n{task},{spider},2026-03-01T08:00:00Z{}", table[0], table[1]);
    assert!(rows.text.starts_with(&start.replace("Z,true", "Z,,true")), "{}", rows.text);
}

#[tokio::test]
async fn nothing_is_an_empty_file() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/data/export/json").await.text, "[]\n");
    assert_eq!(app.get("/data/export/json/stream").await.text, "[]\n");
    for format in ["csv", "csv?bom=1", "csv?fields=a", "csv/stream", "ndjson"] {
        let answer = app.get(&format!("/data/export/{format}")).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{format}");
    }
    assert_eq!(app.get("/data/export/pdf").await.error(404), "no_route");
}

/// A spreadsheet may take them for formulas; a program must get what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn formulas_are_left_as_they_are() {
    let app = TestApp::new().await;
    let spider = giving(&app, "formulas", &[r#"{"=name": "=1+1", "+": "-2", "@x": "@SUM(A1)"}"#]).await;
    gives(&app, &spider).await;
    assert_eq!(app.get("/data/export/csv").await.text, "+,=name,@x\r\n-2,=1+1,@SUM(A1)\r\n");
}

/// Digits, order, doubled keys, halves of characters, depth: nothing is rounded, sorted, dropped or refused.
#[tokio::test(flavor = "multi_thread")]
async fn odd_items_to_the_letter() {
    let app = TestApp::new().await;
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let long = format!("{{\"long\": \"{}\"}}", "字".repeat(100_000));
    let items = [
        r#"{"z": 1, "a": 2, "z": 3}"#,
        r#"{"n": 123456789012345678901234567890.10, "e": 1E+400, "zero": -0.0, "f": 1.10}"#,
        r#"{"": "", "half": "\ud800", "nul": "\u0000", "slash": "\/", "pair": "\ud83d\ude00😀"}"#,
        r#"{"spaces" :  [ 1 , 2 ] }"#,
        "{\"line\": \"\u{2028}\u{85}\", \"nbsp\u{a0}\": 1}",
        "null",
        "false",
        "0",
        "[]",
        &deep,
        &long,
    ];
    let files = [("main.py", POST), ("items.jsonl", &items.join("\n"))];
    let spider = app.spider(json!({"name": "odd"}), &files).await;
    let task = gives(&app, &spider).await;
    assert_eq!(app.get(&format!("/data/export/ndjson?task_id={task}")).await.text, items.join("\n") + "\n");
    let list = app.get("/data?page_size=100").await.text;
    for item in items {
        assert!(list.contains(&format!("\"data\":{item},")), "{item}");
    }
    let csv = app.get(&format!("/data/export/csv?task_id={task}&fields=z,n,e,value")).await.text;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[1..4], ["3,,,", ",123456789012345678901234567890.10,1E+400,", ",,,"]);
    assert_eq!(rows[6..9], [",,,", ",,,false", ",,,0"]);
    app.get("/data/fields").await.ok();
    app.get(&format!("/data/preview/{task}")).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_items_in_one_go() {
    let app = TestApp::new().await;
    let script = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                  for n in range(20_000):\n        file.write(json.dumps({'n': n, f'field{n % 7}': '字' * 20}) + '\\n')";
    let task = app.run_script(json!({"name": "many"}), script).await;
    assert_eq!((&task["status"], &task["total_count"]), (&json!("completed"), &json!(20_000)), "{task}");
    let numbers: Vec<i64> = (0..20_000).collect();

    let text = app.get("/data/export/json").await.text;
    let items: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(
        items.iter().map(|item| item["n"].as_i64().unwrap()).collect::<Vec<_>>(),
        numbers,
        "in order of arrival"
    );
    let lines = app.get("/data/export/ndjson").await.text;
    assert_eq!(lines.lines().collect::<HashSet<_>>().len(), 20_000);
    for path in ["csv", "csv/stream"] {
        let text = app.get(&format!("/data/export/{path}")).await.text;
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let at = table.headers().unwrap().iter().position(|name| name == "n").unwrap();
        let found: Vec<i64> = table.records().map(|row| row.unwrap()[at].parse().unwrap()).collect();
        assert_eq!(found, numbers, "{path}");
    }

    // By cursor to the end: each item once.
    let (mut seen, mut query) = (HashSet::new(), "page_size=100".to_owned());
    loop {
        let page = app.get(&format!("/data?{query}")).await.data();
        seen.extend(data_of(&page).into_iter().map(|data| data["n"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("page_size=100&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_deleted_by_task_or_by_spider() {
    let app = TestApp::new().await;
    let (one, two) = (giving(&app, "one", &ITEMS).await, giving(&app, "two", &ITEMS).await);
    let (first, second) = (gives(&app, &one).await, gives(&app, &one).await);
    gives(&app, &two).await;
    app.post(&format!("/spiders/{two}/test-run"), json!({})).await;
    for nothing in ["", "?is_test=true", "?q=bare"] {
        assert_eq!(app.delete(&format!("/data{nothing}")).await.error(400), "filter_required", "{nothing}");
    }
    // An empty value would otherwise be no filter, and all of the spider would go.
    for empty in ["task_id", "spider_id", "is_test", "q"] {
        let refused = app.delete(&format!("/data?spider_id={one}&{empty}=")).await;
        assert_eq!(refused.details(), [format!("query.{empty}")]);
    }
    let long = "x".repeat(501);
    assert_eq!(app.delete(&format!("/data?spider_id={one}&q={long}")).await.details(), ["query.q"]);
    let total = async |query: &str| app.get(&format!("/data?{query}")).await.data()["total"].as_i64().unwrap();
    assert_eq!(total("").await, 20);
    let deleted = app.delete(&format!("/data?task_id={first}")).await;
    assert_eq!((deleted.data(), &deleted.json()["msg"]), (json!({"deleted_count": 5}), &json!("5 items deleted")));
    assert_eq!((total(&format!("task_id={first}")).await, total(&format!("task_id={second}")).await), (0, 5));
    assert_eq!(app.delete(&format!("/data?task_id={first}")).await.data(), json!({"deleted_count": 0}));

    // What narrows a list narrows a deletion as well: nobody who asks for the test runs' items means the others.
    assert_eq!(app.delete(&format!("/data?spider_id={two}&is_test=true")).await.data(), json!({"deleted_count": 5}));
    assert_eq!(app.delete(&format!("/data?spider_id={two}&q=bare")).await.data(), json!({"deleted_count": 1}));
    assert_eq!(
        app.delete(&format!("/data?task_id={second}&spider_id={two}")).await.data(),
        json!({"deleted_count": 0})
    );
    assert_eq!((total(&format!("spider_id={two}")).await, total("").await), (4, 9));
    assert_eq!(app.delete(&format!("/data?spider_id={one}")).await.data(), json!({"deleted_count": 5}));
    assert_eq!(total("").await, 4);
    let task = app.get(&format!("/tasks/{first}")).await.data();
    assert_eq!(task["total_count"], 5, "what a task did stays told");
}
