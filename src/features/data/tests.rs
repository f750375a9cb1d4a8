//! Through the router, on a `SQLite` file of its own.

use std::sync::Arc;

use axum::{Router, body::Body, http::Request, response::Response};
use futures_util::StreamExt;
use serde_json::{Value, json, value::RawValue};
use tower::ServiceExt;

use super::*;
use crate::{
    clock::SystemClock,
    id::{SpiderId, TaskId},
    platform::{
        database::{Database, Schema},
        documents::{NewBatch, SqlStore},
    },
};

struct Fixture {
    app: Router,
    documents: Documents,
    db: Database,
    task: TaskId,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn with(items: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open_sqlite(&folder.path().join("documents.db"), Schema::Documents).await.unwrap();
        let documents = Documents::new(
            SqlStore::new(db.clone(), Arc::new(SystemClock)),
            crate::platform::disk::Disk::new(std::path::Path::new("/"), 0),
        );
        let limits = config::Data { search_items: 100, sort_items: 100 };
        let (app, _) =
            router(Data::open(documents.clone(), folder.path().to_owned(), limits).unwrap()).split_for_parts();
        let fixture = Self { app, documents, db, task: TaskId::generate(), _folder: folder };
        fixture.add(items).await;
        fixture
    }

    async fn add(&self, items: &[&str]) {
        let batch = NewBatch {
            task_id: self.task.clone(),
            spider_id: SpiderId::from("spider".to_owned()),
            attempt: 1,
            batch: None,
            is_test: false,
            came_at: None,
            dedup: None,
            items: items.iter().map(|item| RawValue::from_string((*item).to_owned()).unwrap().into()).collect(),
            refused: vec![],
        };
        self.documents.open_attempt(&self.task, 1).await.unwrap();
        self.documents.add_items(batch).await.unwrap();
    }

    async fn call(&self, method: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        self.app.clone().oneshot(request).await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let body = axum::body::to_bytes(self.call("GET", path).await.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.into()).unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }
}

const ITEMS: [&str; 4] = [
    r#"{"title": "A, \"b\"", "price": 1.10, "tags": ["x", "\u4e2d"], "id": 12345678901234567890}"#,
    "{\"title\": \"two\\nlines\",\n \"price\": null, \"ok\": true}",
    r#""bare""#,
    "{}",
];

#[tokio::test]
async fn exports_are_exact() {
    let fixture = Fixture::with(&ITEMS).await;
    assert_eq!(fixture.text("/data/export/json").await, format!("[\n{}\n]\n", ITEMS.join(",\n")));
    assert_eq!(fixture.text("/data/export/ndjson").await, ITEMS.map(|item| item.replace('\n', " ") + "\n").concat());
    let csv = "id,ok,price,tags,title,value\r\n\
               12345678901234567890,,1.10,\"[\"\"x\"\",\"\"中\"\"]\",\"A, \"\"b\"\"\",\r\n\
               ,true,,,\"two\nlines\",\r\n,,,,,bare\r\n,,,,,\r\n";
    assert_eq!(fixture.text("/data/export/csv").await, csv);
    assert_eq!(fixture.text("/data/export/csv?bom=1").await, format!("\u{feff}{csv}"));
    assert_eq!(fixture.text("/data/export/csv?fields=price,none").await, "price,none\r\n1.10,\r\n,\r\n,\r\n,\r\n");
    assert_eq!(
        fixture.text("/data/export/ndjson?fields=price,title&task_id=").await,
        "{\"price\":1.10,\"title\":\"A, \\\"b\\\"\"}\n{\"price\":null,\"title\":\"two\\nlines\"}\n{}\n{}\n"
    );
    let response = fixture.call("GET", "/data/export/csv").await;
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"data.csv\"");
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
}

#[tokio::test]
async fn whole_rows_carry_where_they_come_from() {
    let fixture = Fixture::with(&ITEMS).await;
    let rows = fixture.json("/data/export/json/stream").await;
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["task_id", "spider_id", "data", "is_test", "created_at"]);
    let csv = fixture.text("/data/export/csv/stream").await;
    assert!(csv.starts_with("task_id,spider_id,created_at,id,ok,price,tags,title,value\r\n"));
    assert!(csv.contains(&format!("\r\n{},spider,20", fixture.task)));
}

#[tokio::test]
async fn nothing_to_export_is_an_empty_file() {
    let fixture = Fixture::with(&[]).await;
    assert_eq!(fixture.text("/data/export/json").await, "[]\n");
    assert_eq!(fixture.text("/data/export/csv?bom=1&fields=a").await, "");
    assert_eq!(fixture.text("/data/export/ndjson").await, "");
    assert_eq!(fixture.json("/data/fields").await["data"], json!([]));
    assert_eq!(fixture.json("/data/preview/unknown").await["data"]["items"], json!([]));
}

#[tokio::test]
async fn an_export_ends_where_it_began_or_breaks() {
    let fixture = Fixture::with(&vec![r#"{"n":1}"#; 2000]).await;
    let mut body = fixture.call("GET", "/data/export/csv").await.into_body().into_data_stream();
    assert!(body.next().await.unwrap().is_ok());
    fixture.add(&[r#"{"n":2,"late":true}"#]).await;
    let rest = body.next().await.unwrap().unwrap();
    assert_eq!(rest.len(), 1000 * "1\r\n".len());
    assert!(body.next().await.is_none());

    let mut body = fixture.call("GET", "/data/export/json").await.into_body().into_data_stream();
    assert!(body.next().await.unwrap().is_ok());
    fixture.db.close().await;
    assert!(body.next().await.unwrap().is_err());
}

#[tokio::test]
async fn fields_tell_types_and_how_often_they_are_filled() {
    let fixture = Fixture::with(&ITEMS).await;
    let fields = fixture.json("/data/fields?spider_id=spider").await;
    let fields = fields["data"].as_array().unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["title", "price", "tags", "id", "ok", "value"]);
    assert_eq!(
        fields[1],
        json!({"name": "price", "types": {"null": 1, "number": 1}, "count": 1, "filled": 0.25, "sample": 1.10})
    );
    let preview = fixture.json(&format!("/data/preview/{}?limit=2", fixture.task)).await;
    assert_eq!(preview["data"]["total"], 4);
    assert_eq!(preview["data"]["items"].as_array().unwrap().len(), 2);
    assert_eq!(preview["data"]["fields"]["price"], json!({"type": "number", "non_null_count": 1, "sample": 1.10}));
    assert_eq!(preview["data"]["fields"], preview["data"]["field_stats"]);
    assert_eq!(fixture.json("/data/preview/x?limit=101").await["code"], 422);
}

#[tokio::test]
async fn browsing_and_deleting() {
    let fixture = Fixture::with(&ITEMS).await;
    let page = fixture.json("/data?page_size=3").await;
    assert_eq!((&page["data"]["total"], &page["data"]["items"][0]["data"]), (&json!(4), &json!({})));
    let cursor = page["data"]["next_cursor"].as_str().unwrap();
    let rest = fixture.json(&format!("/data?page_size=3&cursor={cursor}")).await;
    let found = fixture.text("/data?q=TITLE&is_test=false").await;
    assert!(found.contains(&format!(r#""spider_id":"spider","data":{},"is_test":false"#, ITEMS[0])), "{found}");
    assert_eq!(rest["data"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.call("DELETE", "/data?spider_id=").await.status(), 400);
    let deleted = fixture.call("DELETE", &format!("/data?task_id={}&spider_id=spider", fixture.task)).await;
    let deleted = axum::body::to_bytes(deleted.into_body(), usize::MAX).await.unwrap();
    let deleted: Value = serde_json::from_slice(&deleted).unwrap();
    assert_eq!(deleted, json!({"code": 200, "msg": "已删除 4 条数据", "data": {"deleted_count": 4}}));
}
