//! Exports as files: tables that keep what they were given, compressed ones, and the rest of one that broke off.

use std::{io::Read, path::Path};

use parquet::{
    basic::Type as Physical,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use super::data::{POST, gives, giving};
use crate::support::{Client, TestApp, skip_unless};

/// What was sent, byte for byte.
struct File {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl File {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn export(app: &Client, path: &str, headers: &[(&str, &str)]) -> File {
    let request = app.request(Method::GET, &format!("/platform/api/crawlhub/data/export/{path}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    File { status, headers, bytes: response.bytes().await.unwrap().into() }
}

async fn whole(app: &Client, path: &str) -> File {
    let file = export(app, path, &[]).await;
    assert_eq!(file.status, 200, "{path}: {}", String::from_utf8_lossy(&file.bytes));
    file
}

/// A spider that gives so many items, no two of them alike.
async fn many(app: &Client, name: &str, count: usize) -> String {
    let script = format!(
        "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
         for n in range({count}):\n        \
         file.write(json.dumps({{'n': n, 'title': f'title {{n * 7919 % 104729}} 字', 'price': n / 4}}) + '\\n')"
    );
    app.spider(json!({"name": name}), &[("main.py", &script)]).await
}

fn entry(workbook: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn rows(reader: &SerializedFileReader<bytes::Bytes>) -> Vec<Value> {
    let of = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Long(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(value) => json!(value),
        other => panic!("{other}"),
    };
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), of(field))).collect()).collect()
}

const ODD: [&str; 5] = [
    r#"{"id": 12345678901234567890, "n": 1, "price": 1.50, "ok": true, "t": "=1+1", "at": "2026-03-01"}"#,
    r#"{"id": 7, "n": 9007199254740993, "price": -2, "ok": false, "t": "-5", "tags": ["a", "\u5b57"]}"#,
    r#"{"id": null, "n": -3, "t": "nul \u0000 half \ud800 <&>", "x": {"a": 1}}"#,
    "[1, 2]",
    "{}",
];

async fn odd(app: &Client) -> String {
    let spider = app.spider(json!({"name": "odd"}), &[("main.py", POST), ("items.jsonl", &ODD.join("\n"))]).await;
    gives(app, &spider).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_rounds_nothing() {
    let app = TestApp::new().await;
    let task = odd(&app).await;
    let file = whole(&app, &format!("xlsx?task_id={task}")).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"data.xlsx\"");
    assert_eq!(file.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    assert_eq!(file.header("content-length"), file.bytes.len().to_string());
    let sheet = entry(&file.bytes, "xl/worksheets/sheet1.xml");
    let cell = |place: &str| {
        let start = sheet.find(&format!("<c r=\"{place}\"")).map(|start| &sheet[start..]);
        start.map_or("", |rest| &rest[..rest.find("</c>").unwrap()])
    };
    // at id n ok price t tags value x
    for (place, inside) in [
        ("A1", "<t>at</t>"),
        ("I1", "<t>x</t>"),
        ("A2", "<t>2026-03-01</t>"),
        ("B2", "<t>12345678901234567890</t>"),
        ("C2", "<v>1</v>"),
        ("D2", "t=\"b\"><v>1</v>"),
        ("E2", "<v>1.5</v>"),
        ("F2", "<t>=1+1</t>"),
        ("B3", "<v>7</v>"),
        ("C3", "<t>9007199254740993</t>"),
        ("D3", "t=\"b\"><v>0</v>"),
        ("E3", "<v>-2</v>"),
        ("F3", "<t>-5</t>"),
        ("G3", "<t>[\"a\",\"字\"]</t>"),
        ("F4", "_x0000_ half \u{fffd}\u{fffd}\u{fffd} &lt;&amp;&gt;</t>"),
        ("I4", "<t>{\"a\":1}</t>"),
        ("H5", "<t>[1,2]</t>"),
    ] {
        assert!(cell(place).contains(inside), "{place}: {}", cell(place));
    }
    assert!(!sheet.contains("r=\"B4\""), "null is an empty cell");
    assert!(entry(&file.bytes, "xl/workbook.xml").contains("name=\"Sheet1\""));

    let picked = entry(&whole(&app, "xlsx?fields=t,none&safe=1").await.bytes, "xl/worksheets/sheet1.xml");
    for inside in ["<t>t</t>", "<t>none</t>", "<t>'=1+1</t>", "<t>-5</t>"] {
        assert!(picked.contains(inside), "{inside}: {picked}");
    }
    assert!(!picked.contains("2026-03-01"));
    let empty = whole(&app, "xlsx?task_id=none").await;
    assert!(!entry(&empty.bytes, "xl/worksheets/sheet1.xml").contains("<row"));
    assert_eq!(std::fs::read_dir(app.dir.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_has_a_type_for_each_column() {
    let app = TestApp::new().await;
    let task = odd(&app).await;
    let file = whole(&app, &format!("parquet?task_id={task}")).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"data.parquet\"");
    assert_eq!(file.header("content-type"), "application/vnd.apache.parquet");
    let reader = SerializedFileReader::new(bytes::Bytes::from(file.bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let types: Vec<(&str, Physical)> =
        schema.columns().iter().map(|column| (column.name(), column.physical_type())).collect();
    assert_eq!(
        types,
        [
            ("at", Physical::BYTE_ARRAY),
            ("id", Physical::BYTE_ARRAY),
            ("n", Physical::INT64),
            ("ok", Physical::BOOLEAN),
            ("price", Physical::DOUBLE),
            ("t", Physical::BYTE_ARRAY),
            ("tags", Physical::BYTE_ARRAY),
            ("value", Physical::BYTE_ARRAY),
            ("x", Physical::BYTE_ARRAY),
        ]
    );
    let found = rows(&reader);
    assert_eq!(
        found[0],
        json!({"at": "2026-03-01", "id": "12345678901234567890", "n": 1, "ok": true, "price": 1.5, "t": "=1+1",
            "tags": null, "value": null, "x": null})
    );
    assert_eq!(
        (&found[1]["n"], &found[1]["id"], &found[1]["tags"]),
        (&json!(9_007_199_254_740_993_i64), &json!("7"), &json!("[\"a\",\"字\"]"))
    );
    assert_eq!((&found[2]["t"], &found[2]["id"]), (&json!("nul \0 half \u{fffd}\u{fffd}\u{fffd} <&>"), &json!(null)));
    assert_eq!((&found[3]["value"], found.len()), (&json!("[1,2]"), 5));

    let picked = whole(&app, "parquet?fields=price,none,n").await;
    let reader = SerializedFileReader::new(bytes::Bytes::from(picked.bytes)).unwrap();
    let found = rows(&reader);
    assert_eq!(found[1], json!({"price": -2.0, "none": null, "n": 9_007_199_254_740_993_i64}));
    let empty = whole(&app, "parquet?task_id=none&fields=a").await;
    let reader = SerializedFileReader::new(bytes::Bytes::from(empty.bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    whole(&app, "parquet?task_id=none").await;
}

/// Rows beyond one group, and beyond one step of reading.
#[tokio::test(flavor = "multi_thread")]
async fn large_tables_are_whole() {
    let app = TestApp::new().await;
    let spider = many(&app, "many", 5000).await;
    gives(&app, &spider).await;
    let names: Vec<String> = std::iter::once("n".to_owned()).chain((0..999).map(|n| format!("f{n}"))).collect();
    let wide = whole(&app, &format!("parquet?fields={}", names.join(","))).await;
    let reader = SerializedFileReader::new(bytes::Bytes::from(wide.bytes)).unwrap();
    assert!(reader.num_row_groups() > 1);
    let numbers: Vec<i64> = rows(&reader).iter().map(|row| row["n"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (0..5000).collect::<Vec<_>>());
    let sheet = entry(&whole(&app, "xlsx").await.bytes, "xl/worksheets/sheet1.xml");
    assert_eq!(sheet.matches("<row ").count(), 5001);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_files_are_files() {
    let app = TestApp::new().await;
    let spider = many(&app, "many", 3000).await;
    gives(&app, &spider).await;
    for format in ["json", "ndjson", "csv", "json/stream", "csv/stream"] {
        let plain = whole(&app, format).await.bytes;
        let gzip = whole(&app, &format!("{format}?compress=gzip")).await;
        let name = if format.ends_with("stream") { "data_stream" } else { "data" };
        let extension = format.split('/').next().unwrap();
        assert_eq!(gzip.header("content-type"), "application/gzip");
        let disposition = format!("attachment; filename=\"{name}.{extension}.gz\"");
        assert_eq!((gzip.header("content-disposition"), gzip.header("content-encoding")), (disposition.as_str(), ""));
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(gzip.bytes.as_slice()).read_to_end(&mut text).unwrap();
        assert!(text == plain && gzip.bytes.len() < plain.len() / 2, "{format}");

        let zstd = whole(&app, &format!("{format}?compress=zstd")).await;
        assert_eq!(zstd.header("content-type"), "application/zstd");
        assert!(zstd.header("content-disposition").ends_with(&format!("{extension}.zst\"")));
        assert!(zstd::decode_all(zstd.bytes.as_slice()).unwrap() == plain, "{format}");
    }
    for refused in ["csv?compress=lz4", "ndjson?compress=GZIP", "xlsx?compress=gzip", "parquet?compress=zstd"] {
        assert_eq!(app.get(&format!("/data/export/{refused}")).await.details(), ["query.compress"], "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_are_made_safe_on_request() {
    let app = TestApp::new().await;
    let item = r#"{"=name": "=1+1", "+": "-2", "@x": "@SUM(A1)", "n": -2.5, "tab": "\t=1", "t": "a=b"}"#;
    let spider = giving(&app, "formulas", &[item]).await;
    gives(&app, &spider).await;
    assert_eq!(
        app.get("/data/export/csv?safe=1").await.text,
        "'+,'=name,'@x,n,t,tab\r\n-2,'=1+1,'@SUM(A1),-2.5,a=b,'\t=1\r\n"
    );
    assert!(app.get("/data/export/csv?safe=0").await.text.starts_with("+,=name,@x,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_goes_on_as_the_same_file() {
    let app = TestApp::new().await;
    let spider = many(&app, "many", 3000).await;
    gives(&app, &spider).await;
    let formats = [
        "json",
        "ndjson?filter=n:gt:10",
        "csv",
        "csv?compress=gzip",
        "ndjson?compress=zstd&q=title",
        "xlsx",
        "parquet",
    ];
    let mut before = vec![];
    for path in formats {
        before.push(whole(&app, path).await);
    }
    // What arrives later belongs to other files.
    let other = giving(&app, "other", &[r#"{"late": 1}"#]).await;
    gives(&app, &other).await;
    for (path, file) in formats.iter().zip(&before) {
        assert_eq!(file.header("accept-ranges"), "bytes");
        let (etag, length) = (file.header("etag"), file.bytes.len());
        for from in [1, length / 2, length - 1] {
            let range = format!("bytes={from}-");
            let rest = export(&app, path, &[("range", &range), ("if-range", etag)]).await;
            assert_eq!((rest.status, rest.header("etag")), (206, etag), "{path}");
            assert_eq!(rest.header("content-range"), format!("bytes {from}-{}/{length}", length - 1), "{path}");
            assert_eq!(rest.header("content-length"), (length - from).to_string());
            assert_eq!(rest.header("content-type"), file.header("content-type"));
            assert!(rest.bytes == file.bytes[from..], "{path}");
        }
        let part = export(&app, path, &[("range", "bytes=10-19"), ("if-range", etag)]).await;
        assert_eq!((part.status, part.bytes.as_slice()), (206, &file.bytes[10..20]), "{path}");
        let end = export(&app, path, &[("range", "bytes=-5"), ("if-range", etag)]).await;
        assert_eq!((end.status, end.bytes.as_slice()), (206, &file.bytes[length - 5..]), "{path}");
        let beyond = export(&app, path, &[("range", &format!("bytes={length}-")), ("if-range", etag)]).await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{length}").as_str()));
        assert!(String::from_utf8(beyond.bytes).unwrap().contains("range_not_satisfiable"));
        // Neither another file's mark nor a date stands for this one.
        for other in [before[0].header("etag"), before[1].header("etag"), "Sun, 01 Mar 2026 08:00:00 GMT", "\"x\""] {
            let whole = export(&app, path, &[("range", "bytes=5-"), ("if-range", other)]).await;
            assert_eq!((whole.status == 206, other == etag), (other == etag, other == etag), "{path} {other}");
            assert!(other == etag || whole.bytes != file.bytes || path.contains("n:gt") || path.contains("q="));
        }
        let several = export(&app, path, &[("range", "bytes=1-2,4-5"), ("if-range", etag)]).await;
        assert_eq!((several.status, several.bytes == file.bytes), (200, true), "{path}");
    }
    let json = &before[0];
    let removed = app.delete(&format!("/data?spider_id={spider}&q=title%200%20")).await.data();
    assert_eq!(removed, json!({"deleted_count": 1}));
    let changed = export(&app, "json", &[("range", "bytes=5-"), ("if-range", json.header("etag"))]).await;
    assert_eq!(changed.status, 200, "an item of it is gone");
    assert_ne!(changed.header("etag"), json.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_up_to_an_item_stays_the_same() {
    let app = TestApp::new().await;
    let spider = giving(&app, "some", &[r#"{"n": 1}"#, r#"{"n": 2}"#, r#"{"n": 3}"#]).await;
    gives(&app, &spider).await;
    let second = app.get("/data?page_size=3").await.data()["items"][1]["_id"].as_str().unwrap().to_owned();
    let path = format!("ndjson?upto={second}");
    let file = whole(&app, &path).await;
    assert_eq!(file.bytes, b"{\"n\": 1}\n{\"n\": 2}\n");
    gives(&app, &spider).await;
    let rest = export(&app, &path, &[("range", "bytes=9-")]).await;
    assert_eq!((rest.status, rest.bytes.as_slice()), (206, &b"{\"n\": 2}\n"[..]));
    assert_eq!(rest.header("etag"), file.header("etag"));

    let head = app.request(Method::HEAD, "/platform/api/crawlhub/data/export/csv").send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["accept-ranges"]), (200, &"bytes".parse().unwrap()));
    assert_eq!(head.headers()["etag"].to_str().unwrap(), whole(&app, "csv").await.header("etag"));
    assert!(head.bytes().await.unwrap().is_empty());
    assert_eq!(export(&app, "ndjson?task_id=none", &[("range", "bytes=5-")]).await.status, 416);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_goes_on_where_it_broke_off() {
    if skip_unless(Path::new("/usr/bin/curl").exists(), "curl") {
        return;
    }
    let app = TestApp::new().await;
    let spider = many(&app, "many", 2500).await;
    gives(&app, &spider).await;
    for path in ["csv", "json?compress=gzip", "parquet", "xlsx"] {
        let bytes = whole(&app, path).await.bytes;
        let place = app.dir.path().join("part");
        std::fs::write(&place, &bytes[..bytes.len() / 3]).unwrap();
        let done = tokio::process::Command::new("curl")
            .args(["-sS", "--fail", "-C", "-", "-H"])
            .arg(format!("Authorization: Bearer {}", app.token.as_deref().unwrap()))
            .arg("-o")
            .arg(&place)
            .arg(format!("{}/platform/api/crawlhub/data/export/{path}", app.base))
            .output()
            .await
            .unwrap();
        assert!(done.status.success(), "{path}: {done:?}");
        assert!(std::fs::read(&place).unwrap() == bytes, "{path}");
    }
}

/// Who goes away leaves nothing behind, neither of a file that is made first nor of one that is made meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_leaves_nothing() {
    let app = TestApp::new().await;
    let spider = many(&app, "many", 20_000).await;
    gives(&app, &spider).await;
    for path in ["ndjson", "xlsx", "parquet"] {
        let request = app.request(Method::GET, &format!("/platform/api/crawlhub/data/export/{path}"));
        let mut response = request.send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some(), "{path}");
        drop(response);
    }
    let tmp = app.dir.path().join("tmp");
    assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 0, "temporary files have no names");
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let open = || {
        let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        links.filter(|link| std::fs::read_link(link.path()).is_ok_and(|target| target.starts_with(&tmp))).count()
    };
    while open() > 0 {
        assert!(std::time::Instant::now() < give_up, "a temporary file stays open");
        tokio::task::yield_now().await;
    }
    assert_eq!(app.get("/data/export/ndjson?fields=n").await.text.lines().count(), 20_000);
}

/// Who reads a little and pauses holds up neither writers nor other readers, and gets what was there when it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_up_nobody() {
    let app = TestApp::new().await;
    let script = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                  for n in range(20_000):\n        file.write(json.dumps({'n': n, 'pad': 'x' * 1500}) + '\\n')";
    let spider = app.spider(json!({"name": "large"}), &[("main.py", script)]).await;
    gives(&app, &spider).await;
    // More than sockets hold.
    let path = "/platform/api/crawlhub/data/export/ndjson";
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut response = app.request(Method::GET, path).send().await.unwrap();
        let begun = response.chunk().await.unwrap().unwrap().to_vec();
        slow.push((begun, response));
    }
    let task = gives(&app, &spider).await;
    assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["total_count"], 20_000);
    assert_eq!(whole(&app, "csv?fields=n").await.bytes.split(|byte| *byte == b'\n').count(), 40_002);
    let (mut first, mut response) = slow.pop().unwrap();
    drop(slow);
    while let Some(chunk) = response.chunk().await.unwrap() {
        first.extend_from_slice(&chunk);
    }
    let numbers: Vec<Value> = first
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Value>(line).unwrap()["n"].clone())
        .collect();
    assert_eq!(numbers.len(), 20_000);
    assert!(numbers.iter().collect::<std::collections::HashSet<_>>().len() == 20_000);
}
