//! The process: start, settings, stop.

use std::process::Stdio;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{Client, ServerProcess};

/// On an empty folder; the made-up password is printed once and works.
#[tokio::test]
async fn the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut passwords = Vec::new();
    for _ in 0..2 {
        let mut command = ServerProcess::command(folder.path(), None, &[("CRAWLHUB_ADMIN_PASSWORD", "")]);
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let base = first.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned();
        let client = Client::anonymous(&base);
        let ready = client.send(client.request(reqwest::Method::GET, "/readyz")).await;
        assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &json!("ok")), "{}", ready.text);
        kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
        let mut rest = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            rest.push_str(&line);
        }
        assert!(child.wait().await.unwrap().success());
        if let Some(password) = rest.split("admin@crawlhub.local").nth(1) {
            passwords.push(password.trim().to_owned());
        }
    }
    assert_eq!(passwords.len(), 1, "printed once");
    let server = ServerProcess::command(folder.path(), None, &[]).arg("serve").stdout(Stdio::piped()).spawn();
    let mut child = server.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let base = first.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned();
    Client::sign_in(&base, "admin@crawlhub.local", &passwords[0]).await.get("/projects").await.data();
}

/// Whatever command comes first, the administrator's password is printed by the first `serve`.
#[tokio::test]
async fn a_migration_first_swallows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let none = [("CRAWLHUB_ADMIN_PASSWORD", "")];
    for command in ["migrate", "openapi"] {
        let (ok, said, complaint) = run(&[command], folder.path(), &none).await;
        assert!(ok && !said.contains("admin@crawlhub.local"), "{said} {complaint}");
    }
    let mut child =
        ServerProcess::command(folder.path(), None, &none).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().unwrap();
    let second = lines.next_line().await.unwrap().unwrap();
    assert!(second.contains("admin@crawlhub.local"), "{second}");
}

async fn run(arguments: &[&str], folder: &std::path::Path, settings: &[(&str, &str)]) -> (bool, String, String) {
    let output = ServerProcess::command(folder, None, settings).args(arguments).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn settings_say_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[tasks]\nslots = 3\nlease_seconds = 60\n[log]\nformat = \"json\"\n").unwrap();
    let file = file.to_str().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "topsecret\n").unwrap();
    let secret = secret.to_str().unwrap();
    let environment = [
        ("CRAWLHUB_SLOTS", "7"),
        ("CRAWLHUB_ACCOUNTS_SESSION_DAYS", "2"),
        ("DATABASE_URL", "postgres://u:topsecret@127.0.0.1/x"),
        ("CRAWLHUB_MAIL_PASSWORD", ""),
        ("CRAWLHUB_MAIL_PASSWORD_FILE", secret),
        ("CRAWLHUB_MAIL_HOST_FILE", secret),
    ];
    let (ok, shown, _) = run(&["config", "show", "--config", file], folder.path(), &environment).await;
    assert!(ok);
    let line = |key: &str| {
        let found = shown.lines().find(|line| line.split(' ').next() == Some(key));
        found.unwrap_or_else(|| panic!("{key} is not shown: {shown}")).split(" = ").nth(1).unwrap().to_owned()
    };
    assert_eq!(line("tasks.slots"), "\"7\"  (environment CRAWLHUB_SLOTS)");
    assert_eq!(line("tasks.lease_seconds"), format!("\"60\"  (file {file})"));
    assert_eq!(line("accounts.session_days"), "\"2\"  (environment CRAWLHUB_ACCOUNTS_SESSION_DAYS)");
    assert_eq!(line("spiders.max_files"), "\"200\"  (default)");
    assert_eq!(line("database.url"), "\"******\"  (environment DATABASE_URL)");
    assert_eq!(line("mail.password"), "\"******\"  (environment CRAWLHUB_MAIL_PASSWORD_FILE)");
    assert_eq!(line("mail.host"), "\"\"  (default)", "no secret");
    assert!(!shown.contains("topsecret"));
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[tasks]\nslotz = 3\n").unwrap();
    for (arguments, settings, said) in [
        (vec!["serve", "--config", file.to_str().unwrap()], vec![], "slotz"),
        (vec!["serve", "--config", "/nowhere.toml"], vec![], "nowhere.toml"),
        (vec!["serve"], vec![("CRAWLHUB_LISTEN", "nonsense")], "listen"),
        (vec!["serve"], vec![("DATABASE_URL", "mysql://x")], "DATABASE_URL"),
        (vec!["serve"], vec![("CRAWLHUB_SECRET_KEY", "short")], "secret_key"),
        (vec!["serve"], vec![("DATABASE_URL_FILE", "/nowhere")], "DATABASE_URL_FILE"),
        (vec!["serve"], vec![("CRAWLHUB_SERVER_TRUSTED_PROXIES", "10.0.0.0/33")], "trusted_proxies"),
        (vec!["serve"], vec![("CRAWLHUB_LISTEN", "192.0.2.1:80")], "192.0.2.1:80"),
        (vec!["user", "reset-password", "nobody@example.com"], vec![], "nobody@example.com"),
    ] {
        let (ok, _, complaint) = run(&arguments, folder.path(), &settings).await;
        assert!(!ok && complaint.contains(said), "{arguments:?} {settings:?}: {complaint}");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_who_runs_the_binary() {
    let server = ServerProcess::start(&[]).await;
    let mut command = ServerProcess::command(server.dir.path(), server.database_url.as_deref(), &[]);
    let output = command.args(["user", "reset-password", "admin@crawlhub.local"]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let password = said.trim().rsplit(' ').next().unwrap();
    Client::sign_in(&server.base, "admin@crawlhub.local", password).await.get("/projects").await.data();
}

/// SIGTERM with a follower connected and a spider running: all ends, in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_orderly() {
    let mut server = ServerProcess::start(&[("CRAWLHUB_SERVER_STOP_GRACE_SECONDS", "0")]).await;
    let spider = server
        .spider(json!({"name": "long"}), &[("main.py", "import time\nprint('up', flush=True)\ntime.sleep(60)")])
        .await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "up").await;
    let path = format!("/platform/api/crawlhub/tasks/{task}/logs/stream");
    let mut follower = server.request(reqwest::Method::GET, &path).send().await.unwrap();
    kill(Pid::from_raw(i32::try_from(server.pid()).unwrap()), Signal::SIGTERM).unwrap();
    while follower.chunk().await.unwrap().is_some() {}
    assert!(server.child.wait().await.unwrap().success());
}
