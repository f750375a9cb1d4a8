//! Files in a bucket, where the tests run on one.

use crawlhub::{
    config::{Config, Sources},
    platform::{
        database::{Database, Schema},
        files::Files,
    },
};
use futures_util::TryStreamExt;
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Gate, TestApp, new_database, storage_url};

fn has_none() -> bool {
    let none = std::env::var("TEST_S3_URL").is_err();
    if none {
        eprintln!("skipped: {} needs a bucket", std::thread::current().name().unwrap_or("?"));
    }
    none
}

/// The bucket with a folder of the test's own, as two servers have it.
async fn two(dir: &TempDir) -> (Files, Files) {
    let database_url = new_database().await;
    let environment = [
        ("CRAWLHUB_STORAGE", storage_url(dir.path(), database_url.as_deref()).unwrap()),
        ("AWS_ACCESS_KEY_ID", std::env::var("AWS_ACCESS_KEY_ID").unwrap()),
        ("AWS_SECRET_ACCESS_KEY", std::env::var("AWS_SECRET_ACCESS_KEY").unwrap()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let bucket = Config::load(&Sources::new(None, environment)).unwrap().storage.bucket().unwrap().unwrap();
    let db = match database_url {
        Some(url) => Database::open_postgres(&url).await.unwrap(),
        None => Database::open_sqlite(&dir.path().join("db"), Schema::Main).await.unwrap(),
    };
    (Files::in_bucket(&bucket, &db).unwrap(), Files::in_bucket(&bucket, &db).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_what_is_put() {
    if has_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = two(&dir).await;
    let small = one.put("content").await.unwrap();
    assert_eq!(one.put("content").await.unwrap(), small);
    assert_eq!(&other.get(&small).await.unwrap()[..], b"content");
    // More than one part of it.
    let content: Vec<u8> = (0..20_000_000_u32).map(|n| (n / 7 % 251) as u8).collect();
    std::fs::write(dir.path().join("large"), &content).unwrap();
    let large = one.put_file(std::fs::File::open(dir.path().join("large")).unwrap()).await.unwrap();
    assert_eq!(other.size(&large).await.unwrap(), 20_000_000);
    let pieces: Vec<_> = other.stream(&large).await.unwrap().try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 256 * 1024));
    assert!(pieces.concat() == content);
    assert_eq!(other.put_file(std::fs::File::open(dir.path().join("large")).unwrap()).await.unwrap(), large);
    // One that is not there is not away: whoever waits for it waits in vain.
    let none = "0".repeat(64);
    assert!(!one.get(&none).await.unwrap_err().is_passing());
    assert!(!one.stream(&none).await.err().unwrap().is_passing());
    // Nothing is old yet.
    let swept = other.sweep(|_| false).await.unwrap();
    assert_eq!((swept.kept, swept.kept_bytes, swept.removed), (2, 20_000_007, 0));
    other.shrink(10, |_| false).await.unwrap();
    assert!(one.size(&large).await.is_err() || one.size(&small).await.is_err());
    other.shrink(0, |hash| hash == small).await.unwrap();
    assert!(one.size(&large).await.is_err());
    one.check().await.unwrap();
}

/// What needs it is refused by name until it is back; the rest goes on.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_away_and_comes_back() {
    if has_none() {
        return;
    }
    let url = storage_url(tempfile::tempdir().unwrap().path(), None).unwrap();
    let (start, endpoint) = url.split_once("endpoint=").unwrap();
    let gate = Gate::before(format!("{endpoint}/")).await;
    let storage = format!("{start}endpoint={}", gate.url);
    let app = TestApp::with(&[("CRAWLHUB_STORAGE", &storage)]).await;
    let files = async || {
        let ready = app.send(app.request(Method::GET, "/readyz")).await;
        (ready.status.as_u16(), ready.json()["dependencies"]["files"].clone())
    };
    assert_eq!(app.until_ready().await["dependencies"]["files"], "ok");
    let spider = app.spider(json!({"name": "away"}), &[("main.py", "print('up')")]).await;
    assert_eq!(app.run_to_end(&spider, json!({})).await["status"], "completed");
    gate.close();
    assert_eq!(files().await, (503, json!("unavailable")));
    let answer = app.post(&format!("/spiders/{spider}/files/new"), json!({"path": "b.py", "content": "2"})).await;
    assert_eq!(answer.error(503), "unavailable");
    assert!(answer.text.contains("files") && !answer.text.contains("127.0.0.1"), "{}", answer.text);
    app.get(&format!("/spiders/{spider}")).await.data();
    gate.open();
    assert_eq!(app.until_ready().await["dependencies"]["files"], "ok");
    app.post(&format!("/spiders/{spider}/files/new"), json!({"path": "b.py", "content": "2"})).await.data();
    assert_eq!(app.run_to_end(&spider, json!({})).await["status"], "completed");
}

/// A bucket that does not exist is not a bucket that is empty.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_there_is_named() {
    if has_none() {
        return;
    }
    let url = storage_url(tempfile::tempdir().unwrap().path(), None).unwrap();
    let storage = url.replace("s3://crawlhub/", "s3://no-such-bucket/");
    let app = TestApp::with(&[("CRAWLHUB_STORAGE", &storage)]).await;
    let ready = app.send(app.request(Method::GET, "/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["dependencies"]["files"]), (503, &json!("unavailable")));
}
