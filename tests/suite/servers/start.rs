//! Servers that start: at once, with another's key, beside a newer one.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::is_alone;
use crate::support::{Client, ServerProcess, Settings, empty_database};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[tokio::test(flavor = "multi_thread")]
async fn they_start_at_once_on_an_empty_database() {
    let Some(url) = empty_database().await else {
        assert!(is_alone());
        return;
    };
    let settings: Settings = &[("CRAWLHUB_SECRET_KEY", KEY), ("CRAWLHUB_LOG_FILTER", "error")];
    let start = || ServerProcess::start_in(tempfile::tempdir().unwrap(), Some(url.clone()), settings);
    let servers = join_all([start(), start(), start(), start()]).await;
    for server in &servers {
        let users = server.send(server.request(Method::GET, "/platform/api/users")).await.data();
        assert_eq!(users["items"].as_array().unwrap().len(), 1, "{users}");
        let projects = server.get("/projects").await.data();
        assert_eq!(projects["items"].as_array().unwrap().len(), 1, "{projects}");
        server.until_ready().await;
    }
    // What one signs is known to all.
    let client = |server: &ServerProcess| Client { base: server.base.clone(), ..servers[0].client.clone() };
    for server in &servers[1..] {
        client(server).get("/spiders").await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_another_key_does_not_start() {
    let mut server = ServerProcess::start(&[("CRAWLHUB_SECRET_KEY", KEY)]).await;
    server.child.kill().await.unwrap();
    let run = async |command: &'static str, key: &str| {
        let settings = [("CRAWLHUB_SECRET_KEY", key)];
        let mut run = ServerProcess::command(server.dir.path(), server.database_url.as_deref(), &settings);
        let output = run.arg(command).output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert!(run("migrate", KEY).await.0);
    let (started, complaint) = run("serve", OTHER).await;
    assert!(
        !started && complaint.contains("secret key is not the one") && complaint.contains("adopt-key"),
        "{complaint}"
    );
    assert!(!complaint.contains(KEY) && !complaint.contains(OTHER), "{complaint}");
    // Where the former is lost.
    assert!(run("adopt-key", OTHER).await.0);
    assert!(run("migrate", OTHER).await.0);
    assert!(!run("migrate", KEY).await.0);
}

/// Nobody has said yet which key a database of an earlier version belongs to; what is encrypted there does.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_before_belongs_to_the_key_that_opens_it() {
    let mut server = ServerProcess::start(&[("CRAWLHUB_SECRET_KEY", KEY)]).await;
    server.spider(json!({"name": "s", "env_vars": {"A": "b"}}), &[("main.py", "")]).await;
    server.child.kill().await.unwrap();
    server.database().await.query("UPDATE installation SET key_mark = NULL").execute().await.unwrap();
    let starts_with = async |key: &str| {
        let settings = [("CRAWLHUB_SECRET_KEY", key)];
        let mut run = ServerProcess::command(server.dir.path(), server.database_url.as_deref(), &settings);
        run.arg("migrate").status().await.unwrap().success()
    };
    assert_eq!((starts_with(OTHER).await, starts_with(KEY).await, starts_with(OTHER).await), (false, true, false));
}

/// While servers are brought up to date one after the other, the others go on, and may be started again.
#[tokio::test(flavor = "multi_thread")]
async fn one_beside_a_newer_one() {
    if is_alone() {
        return;
    }
    let first = ServerProcess::start(&[]).await;
    let url = first.database_url.clone().unwrap();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for table in ["_migrations", "_document_migrations"] {
        let newer = format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (9999, 'newer', TRUE, '', 1)"
        );
        sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(newer)).await.unwrap();
    }
    let second = first.beside(&url, &[]).await;
    let spider = second.spider(json!({"name": "old"}), &[("main.py", "print('up')")]).await;
    assert_eq!(first.run_to_end(&spider, json!({})).await["status"], "completed");
}
