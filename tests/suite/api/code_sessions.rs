//! Editors: their life, on an engine that does what the test wants.

use std::{io::Write, path::PathBuf};

use chrono::TimeDelta;
use crawlhub::platform::containers::{ContainerRuntime, State, fake::SILENT};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

async fn open(app: &Client, spider: &str) -> Value {
    app.post(&format!("/spiders/{spider}/code-session"), json!({})).await.data()
}

async fn close(app: &Client, spider: &str, query: &str) -> Answer {
    app.delete(&format!("/spiders/{spider}/code-session{query}")).await
}

/// Waits until the session's container is gone: it goes last.
async fn gone(app: &TestApp, session: &Value) {
    while container(app, session).await.is_some() {
        tokio::task::yield_now().await;
    }
}

/// The container of a session, if there is one.
async fn container(app: &TestApp, session: &Value) -> Option<String> {
    let label = [("crawlhub.session_id", session["id"].as_str().unwrap())];
    app.engine.list(&label).await.unwrap().pop().map(|container| container.id)
}

async fn workspace(app: &TestApp, session: &Value) -> PathBuf {
    let id = container(app, session).await.unwrap();
    app.engine.root_of(&id).unwrap().join("workspace")
}

async fn files(app: &Client, spider: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for file in app.get(&format!("/spiders/{spider}/files")).await.data().as_array().unwrap() {
        let path = format!("/spiders/{spider}/files/{}/content", file["id"].as_str().unwrap());
        let content = app.get(&path).await.data()["content"].as_str().unwrap().to_owned();
        files.push((file["path"].as_str().unwrap().to_owned(), content));
    }
    files
}

async fn alerts(app: &Client) -> Vec<String> {
    let found = app.get("/alerts?type=editor").await.data();
    found["items"].as_array().unwrap().iter().map(|alert| alert["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_editor_from_open_to_closed() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "edited"}), &[("main.py", "print(1)\n"), ("lib/a.py", "")]).await;
    app.get(&format!("/spiders/{spider}/code-session")).await.error(404);
    let session = open(&app, &spider).await;
    let id = session["id"].as_str().unwrap();
    assert_eq!(session["status"], "ready");
    assert_eq!(session["url"], format!("/code-server/{id}/"));
    assert_eq!(session["expires_at"], "2026-03-01T12:00:00Z");
    assert!(session["token"].as_str().unwrap().len() <= 64);
    assert!(!app.keeps(session["token"].as_str().unwrap()).await, "only its hash is kept");
    let again = open(&app, &spider).await;
    assert_eq!(again["id"], session["id"]);
    assert_ne!(again["token"], session["token"]);
    let shown = app.get(&format!("/spiders/{spider}/code-session")).await.data();
    assert_eq!((&shown["id"], &shown["status"], &shown["token"]), (&session["id"], &json!("ready"), &Value::Null));

    let folder = workspace(&app, &session).await;
    assert_eq!(std::fs::read_to_string(folder.join("main.py")).unwrap(), "print(1)\n");
    std::fs::write(folder.join("main.py"), "print(2)\n").unwrap();
    std::fs::rename(folder.join("lib/a.py"), folder.join("b.py")).unwrap();
    std::fs::create_dir(folder.join("node_modules")).unwrap();
    std::fs::write(folder.join("node_modules/x.js"), "").unwrap();
    let ids = |listed: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(|file| (text(&file["path"]), text(&file["id"]))).collect()
    };
    let before = ids(&app.get(&format!("/spiders/{spider}/files")).await.data());
    let synced = app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    assert_eq!((&synced["success"], &synced["files_synced"]), (&json!(true), &json!(3)));
    let expected = [("b.py".to_owned(), String::new()), ("main.py".to_owned(), "print(2)\n".to_owned())];
    assert_eq!(files(&app, &spider).await, expected);
    let after = ids(&app.get(&format!("/spiders/{spider}/files")).await.data());
    assert_eq!((&after[0].1, &after[1].1), (&before[0].1, &before[1].1), "what is changed or renamed stays itself");
    // And the other way.
    app.post(&format!("/spiders/{spider}/files/new"), json!({"path": "new/c.py", "content": "c"})).await.ok();
    app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.ok();
    assert_eq!(std::fs::read_to_string(folder.join("new/c.py")).unwrap(), "c");

    std::fs::write(folder.join("last.py"), "last").unwrap();
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await.len(), 4);
    assert_eq!(container(&app, &session).await, None);
    app.get(&format!("/spiders/{spider}/code-session")).await.error(404);
    close(&app, &spider, "").await.error(404);
    // The next one finds them again.
    let next = open(&app, &spider).await;
    assert_ne!(next["id"], session["id"]);
    assert_eq!(std::fs::read_to_string(workspace(&app, &next).await.join("last.py")).unwrap(), "last");
    let all = app.get("/code-sessions").await.data();
    assert_eq!((&all["total"], &all["items"][1]["end_reason"]), (&json!(2), &json!("closed")));
}

#[tokio::test]
async fn each_user_has_one_and_not_too_many() {
    let app = TestApp::with(&[("CRAWLHUB_CODE_SESSIONS_PER_USER", "2")]).await;
    let spider = app.spider(json!({"name": "one"}), &[("main.py", "")]).await;
    let many = (0..10).map(|_| open(&app, &spider));
    let opened = futures_util::future::join_all(many).await;
    assert!(opened.iter().all(|session| session["id"] == opened[0]["id"]));
    assert_eq!(app.engine.list(&[]).await.unwrap().len(), 1);
    let user = json!({"email": "e@example.com", "password": "password of e", "role": "editor"});
    app.send(app.request(Method::POST, "/platform/api/users").json(&user)).await.ok();
    let other = Client::sign_in(&app.base, "e@example.com", "password of e").await;
    other.get(&format!("/spiders/{spider}/code-session")).await.error(404);
    let theirs = open(&other, &spider).await;
    assert_ne!(theirs["id"], opened[0]["id"]);
    other.get("/code-sessions").await.error(403);
    let second = app.spider(json!({"name": "two"}), &[]).await;
    let third = app.spider(json!({"name": "three"}), &[]).await;
    open(&app, &second).await;
    let refused = app.post(&format!("/spiders/{third}/code-session"), json!({})).await;
    assert_eq!(refused.error(429), "too_many_sessions");
    app.post("/spiders/none/code-session", json!({})).await.error(404);
    let reader = json!({"email": "v@example.com", "password": "password of v", "role": "viewer"});
    app.send(app.request(Method::POST, "/platform/api/users").json(&reader)).await.ok();
    let reader = Client::sign_in(&app.base, "v@example.com", "password of v").await;
    reader.post(&format!("/spiders/{spider}/code-session"), json!({})).await.error(403);
}

#[tokio::test]
async fn one_that_does_not_answer_leaves_nothing_behind() {
    let settings = [("CRAWLHUB_CODE_SERVER_IMAGE", SILENT), ("CRAWLHUB_CODE_SESSIONS_START_SECONDS", "3")];
    let app = TestApp::with(&settings).await;
    let spider = app.spider(json!({"name": "silent"}), &[("main.py", "")]).await;
    let failed = app.post(&format!("/spiders/{spider}/code-session"), json!({})).await;
    assert_eq!(failed.error(500), "editor_failed");
    let said = failed.json()["msg"].as_str().unwrap().to_owned();
    assert!(said.contains("the editor starts"), "{said}");
    assert!(app.engine.list(&[]).await.unwrap().is_empty());
    app.get(&format!("/spiders/{spider}/code-session")).await.error(404);
    let path = format!("/spiders/{spider}/code-session");
    let at_once = app.post(&format!("{path}?wait=false"), json!({})).await.data();
    assert!(["pending", "starting"].contains(&at_once["status"].as_str().unwrap()), "{at_once}");
    assert_eq!(app.post(&format!("{path}/sync"), json!({})).await.error(400), "session_not_ready");
    assert_eq!(app.post(&format!("{path}/heartbeat"), json!({})).await.error(400), "session_not_ready");
    let unknown = TestApp::with(&[("CRAWLHUB_CODE_SERVER_IMAGE", "none:none")]).await;
    let spider = unknown.spider(json!({"name": "none"}), &[]).await;
    let failed = unknown.post(&format!("/spiders/{spider}/code-session"), json!({})).await;
    assert!(failed.json()["msg"].as_str().unwrap().contains("none:none"));
    failed.error(500);
}

#[tokio::test]
async fn nobody_works_in_it() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "idle"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("main.py"), "2").unwrap();
    let path = format!("/spiders/{spider}/code-session");
    app.clock.advance(TimeDelta::minutes(20));
    // A checkpoint; what it finds is somebody's work.
    app.eventually(&format!("/spiders/{spider}/files"), |files| files[0]["size"] == 1).await;
    app.eventually(&path, |session| session["synced_at"] == "2026-03-01T08:20:00Z").await;
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    app.eventually(&path, |session| session["last_active_at"] == "2026-03-01T08:20:00Z").await;
    // A page that is open is no work.
    app.clock.advance(TimeDelta::minutes(26));
    app.post(&format!("{path}/heartbeat"), json!({})).await.ok();
    let warned = app.eventually(&path, |session| session["warning"]["reason"] == "idle").await;
    assert_eq!(warned["warning"]["at"], "2026-03-01T08:50:00Z");
    app.eventually("/alerts?type=editor&level=info", |alerts| alerts["total"] == 1).await;
    // Somebody who works is.
    app.post(&format!("{path}/heartbeat"), json!({"active": true})).await.ok();
    assert_eq!(app.get(&path).await.data()["warning"], Value::Null);
    app.clock.advance(TimeDelta::minutes(29));
    app.looked_at_by("code sessions").await;
    assert_eq!(app.get(&path).await.data()["status"], "ready");
    std::fs::write(workspace(&app, &session).await.join("main.py"), "3").unwrap();
    app.clock.advance(TimeDelta::minutes(31));
    app.eventually("/code-sessions", |all| {
        all["items"][0]["end_reason"] == "idle" && all["items"][0]["status"] == "stopped"
    })
    .await;
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "3".to_owned())]);
    gone(&app, &session).await;
    // Nobody may stay for ever.
    open(&app, &spider).await;
    for _ in 0..12 {
        app.clock.advance(TimeDelta::minutes(20));
        let _ = app.post(&format!("{path}/heartbeat"), json!({"active": true})).await;
    }
    app.eventually("/code-sessions", |all| all["items"][0]["end_reason"] == "expired").await;
}

#[tokio::test]
async fn what_cannot_be_brought_back_stays() {
    let app = TestApp::with(&[("CRAWLHUB_SPIDERS_MAX_FILES", "3")]).await;
    let spider = app.spider(json!({"name": "full"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    let folder = workspace(&app, &session).await;
    for name in ["a", "b", "c"] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    let path = format!("/spiders/{spider}/code-session");
    assert_eq!(app.post(&format!("{path}/sync"), json!({})).await.error(413), "too_many_files");
    assert_eq!(close(&app, &spider, "").await.error(409), "sync_failed");
    let kept = app.get(&path).await.data();
    assert_eq!(kept["status"], "ready");
    assert!(kept["sync_error"].as_str().unwrap().contains('3'));
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "1".to_owned())], "nothing of it is written");
    app.eventually("/alerts?type=editor", |alerts| alerts["total"] == 1).await;
    // Told once, however often it is tried; and closed once it can be.
    app.clock.advance(TimeDelta::minutes(31));
    app.eventually(&path, |session| session["updated_at"] == "2026-03-01T08:31:00Z" && session["status"] == "ready")
        .await;
    assert_eq!(alerts(&app).await.iter().filter(|said| said.contains("同步失败")).count(), 1);
    std::fs::remove_file(folder.join("c")).unwrap();
    app.clock.advance(TimeDelta::minutes(11));
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    assert_eq!(files(&app, &spider).await.len(), 3);

    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("d"), "d").unwrap();
    close(&app, &spider, "").await.error(409);
    close(&app, &spider, "?force=true").await.ok();
    assert_eq!(files(&app, &spider).await.len(), 3);
    assert!(app.engine.list(&[]).await.unwrap().is_empty());
}

/// As in a swarm, where what has ended stays so.
#[tokio::test]
async fn one_that_starts_only_once_is_ended_when_its_files_are_home() {
    let app = TestApp::with(&[("CRAWLHUB_SPIDERS_MAX_FILES", "3")]).await;
    app.engine.set_starts_once(true);
    let spider = app.spider(json!({"name": "once"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&app, &spider).await;
    let folder = workspace(&app, &session).await;
    for name in ["a", "b", "c"] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    // It goes on where they are refused.
    assert_eq!(close(&app, &spider, "").await.error(409), "sync_failed");
    let kept = app.get(&path).await.data();
    assert_eq!((&kept["id"], &kept["status"]), (&session["id"], &json!("ready")));
    assert!(kept["sync_error"].as_str().unwrap().contains('3'));
    let id = container(&app, &session).await.unwrap();
    assert!(app.engine.inspect(&id).await.unwrap().unwrap().state.is_running());
    assert_eq!(open(&app, &spider).await["id"], session["id"]);
    std::fs::remove_file(folder.join("c")).unwrap();
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await.len(), 3);
    gone(&app, &session).await;

    // What was written last is read from what has ended.
    let archive = |files: &[(&str, &str)]| {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, format!("workspace/{name}"), content.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("a"), "while it ran").unwrap();
    app.engine.set_archive(Some(archive(&[("main.py", "1"), ("a", "at the end")]).into()));
    close(&app, &spider, "").await.ok();
    let pairs = |files: &[(&str, &str)]| -> Vec<(String, String)> {
        files.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
    };
    assert_eq!(files(&app, &spider).await, pairs(&[("a", "at the end"), ("main.py", "1")]));
    // One whose machine breaks off is kept, and read again.
    let session = open(&app, &spider).await;
    let whole = archive(&[("main.py", "1"), ("a", "at the very end")]);
    app.engine.set_archive(Some(whole[..700].to_vec().into()));
    assert_eq!(close(&app, &spider, "").await.error(409), "sync_failed");
    assert!(container(&app, &session).await.is_some());
    app.engine.set_archive(Some(whole.into()));
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await, pairs(&[("a", "at the very end"), ("main.py", "1")]));
    gone(&app, &session).await;
    app.engine.set_archive(None);
    // Where that cannot be done, what was read while it ran is kept, and somebody hears of it.
    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("a"), "while it ran").unwrap();
    app.engine.set_archive(Some(archive(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]).into()));
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await, pairs(&[("a", "while it ran"), ("main.py", "1")]));
    gone(&app, &session).await;
    let lost = |alerts: &Value| alerts["items"].to_string().contains("可能已丢失");
    app.eventually("/alerts?type=editor&level=error", lost).await;
    app.engine.set_archive(None);

    // One that ended by itself stands still, until they fit.
    let session = open(&app, &spider).await;
    let folder = workspace(&app, &session).await;
    for name in ["b", "c"] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    app.engine.kill(&container(&app, &session).await.unwrap(), "KILL").await.unwrap();
    app.eventually(&path, |session| session["status"] == "syncing" && !session["sync_error"].is_null()).await;
    let said = app.post(&path, json!({})).await;
    assert!(said.text.contains("stands still"), "{}", said.text);
    assert_eq!(said.error(409), "session_closing");
    std::fs::remove_file(folder.join("c")).unwrap();
    app.clock.advance(TimeDelta::minutes(11));
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "failed").await;
    assert_eq!(files(&app, &spider).await.len(), 3);
}

#[tokio::test]
async fn one_that_starts_only_once_and_fills_the_disk_writes_no_more() {
    let limits = [("CRAWLHUB_CODE_SESSIONS_DISK_MB", "1"), ("CRAWLHUB_SPIDERS_MAX_FILES", "1")];
    let app = TestApp::with(&limits).await;
    app.engine.set_starts_once(true);
    let spider = app.spider(json!({"name": "once"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    std::fs::write(workspace(&app, &session).await.join("large"), vec![0; 1_100_000]).unwrap();
    app.clock.advance(TimeDelta::minutes(1));
    let is_kept = |session: &Value| session["status"] == "syncing" && !session["sync_error"].is_null();
    app.eventually(&format!("/spiders/{spider}/code-session"), is_kept).await;
    while app.engine.inspect(&id).await.unwrap().unwrap().state.is_running() {
        tokio::task::yield_now().await;
    }
    std::fs::remove_file(workspace(&app, &session).await.join("large")).unwrap();
    app.clock.advance(TimeDelta::minutes(11));
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
}

/// What an editor writes beside its spider's files fills the engine's disk all the same.
#[tokio::test]
async fn one_that_fills_the_disk() {
    let limits = [("CRAWLHUB_CODE_SESSIONS_DISK_MB", "1"), ("CRAWLHUB_SPIDERS_MAX_FILES", "3")];
    let app = TestApp::with(&limits).await;
    let spider = app.spider(json!({"name": "disk"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&app, &spider).await;
    let fill = |folder: &std::path::Path| {
        std::fs::create_dir(folder.join("node_modules")).unwrap();
        std::fs::write(folder.join("node_modules/large"), vec![0; 1_100_000]).unwrap();
    };
    app.looked_at_by("code sessions").await;
    let folder = workspace(&app, &session).await;
    std::fs::write(folder.join("main.py"), "2").unwrap();
    fill(&folder);
    app.looked_at_by("code sessions").await;
    assert_eq!(app.get(&path).await.data()["status"], "ready", "the engine is asked once a minute");
    app.clock.advance(TimeDelta::minutes(1));
    let ended = app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    assert_eq!(ended["items"][0]["end_reason"], "disk_full");
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    gone(&app, &session).await;
    app.eventually("/alerts?type=editor&level=warning", |alerts| alerts["total"] == 1).await;

    // Where its files cannot be brought back it is kept, and does not write on.
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    let folder = workspace(&app, &session).await;
    for name in ["a", "b", "c"] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    fill(&folder);
    app.clock.advance(TimeDelta::minutes(1));
    let standing = async |app: &TestApp| {
        app.eventually(&path, |session| session["status"] == "syncing" && !session["sync_error"].is_null()).await;
        while app.engine.inspect(&id).await.unwrap().unwrap().state.is_running() {
            tokio::task::yield_now().await;
        }
    };
    standing(&app).await;
    let said = app.eventually("/alerts?type=editor&level=error", |alerts| alerts["total"] == 1).await;
    let said = said["items"][0]["message"].as_str().unwrap();
    assert!(said.contains("code_sessions.disk_mb") && said.contains("?force=true"), "{said}");
    assert_eq!(app.post(&path, json!({})).await.error(409), "session_closing");
    assert_eq!(app.post(&format!("{path}/sync"), json!({})).await.error(400), "session_not_ready");
    assert_eq!(close(&app, &spider, "").await.error(409), "sync_failed");
    app.clock.advance(TimeDelta::minutes(11));
    app.looked_at_by("code sessions").await;
    standing(&app).await;
    assert_eq!(app.get("/alerts?type=editor&level=error").await.data()["total"], 1, "told once");
    // A higher limit lets it go on.
    let higher = [("CRAWLHUB_CODE_SESSIONS_DISK_MB", "2"), limits[1]];
    let app = app.restart(&higher).await;
    app.clock.advance(TimeDelta::minutes(20));
    app.eventually(&path, |session| session["status"] == "ready").await;
    assert_eq!(open(&app, &spider).await["id"], session["id"]);
    assert_eq!(std::fs::read_to_string(folder.join("c")).unwrap(), "c");
    // And whoever has no need of it gives it up.
    let app = app.restart(&limits).await;
    standing(&app).await;
    close(&app, &spider, "?force=true").await.ok();
    assert_eq!(files(&app, &spider).await.len(), 1);
    assert!(app.engine.list(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn both_sides_changed_a_file() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "both"}), &[("main.py", "1"), ("gone.py", "1")]).await;
    let session = open(&app, &spider).await;
    let folder = workspace(&app, &session).await;
    let listed = app.get(&format!("/spiders/{spider}/files")).await.data();
    let id = |path: &str| {
        let file = listed.as_array().unwrap().iter().find(|file| file["path"] == path).unwrap();
        file["id"].as_str().unwrap().to_owned()
    };
    app.put(&format!("/spiders/{spider}/files/{}", id("main.py")), json!({"content": "theirs"})).await.ok();
    app.delete(&format!("/spiders/{spider}/files/{}", id("gone.py"))).await.ok();
    std::fs::write(folder.join("main.py"), "ours").unwrap();
    let synced = app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    let kept_as = synced["conflicts"][0]["kept_as"].as_str().unwrap().to_owned();
    assert!(kept_as.starts_with("main.conflict-") && kept_as.contains(".py"), "{synced}");
    assert!(synced["message"].as_str().unwrap().contains(&kept_as));
    let expected = [(kept_as.clone(), "ours".to_owned()), ("main.py".to_owned(), "theirs".to_owned())];
    assert_eq!(files(&app, &spider).await, expected);
    assert_eq!(std::fs::read_to_string(folder.join("main.py")).unwrap(), "theirs");
    assert_eq!(std::fs::read_to_string(folder.join(&kept_as)).unwrap(), "ours");
    assert!(!folder.join("gone.py").exists());
    app.eventually("/alerts?type=editor&level=warning", |alerts| alerts["total"] == 1).await;
    let again = app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    assert_eq!((&again["files_synced"], &again["conflicts"]), (&json!(0), &json!([])));
}

/// What an editor has and a spider cannot have neither goes with it unsaid nor takes anything with it.
#[tokio::test]
async fn what_a_spider_cannot_have() {
    use std::os::unix::ffi::OsStrExt;
    let app = TestApp::new().await;
    let given = [("main.py", "1"), ("lib/a.py", "2"), ("lib/b.py", "3"), ("Read.me", "4")];
    let spider = app.spider(json!({"name": "odd"}), &given).await;
    let session = open(&app, &spider).await;
    let folder = workspace(&app, &session).await;
    let sync = async || app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    // Where nothing is new nothing is written: the spider was not changed.
    let changed_at = async || app.get(&format!("/spiders/{spider}")).await.data()["updated_at"].clone();
    let before = changed_at().await;
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(sync().await["files_synced"], 0);
    assert_eq!(changed_at().await, before);
    // Links in the place of files and folders, second names of files, other letter case.
    std::fs::remove_file(folder.join("main.py")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("main.py")).unwrap();
    std::fs::rename(folder.join("lib"), folder.join("lib2")).unwrap();
    std::os::unix::fs::symlink("lib2", folder.join("lib")).unwrap();
    std::fs::hard_link(folder.join("lib2/a.py"), folder.join("twin.py")).unwrap();
    std::fs::write(folder.join("read.ME"), "5").unwrap();
    std::fs::write(folder.join(std::ffi::OsStr::from_bytes(b"\xff.py")), "6").unwrap();
    let synced = sync().await;
    let skipped: Vec<&str> =
        synced["skipped"].as_array().unwrap().iter().map(|file| file["reason"].as_str().unwrap()).collect();
    assert_eq!(skipped.iter().filter(|reason| **reason == "not_a_file").count(), 2, "{synced}");
    assert_eq!(skipped.len(), 3, "{synced}");
    let kept_as = synced["conflicts"][0]["kept_as"].as_str().unwrap().to_owned();
    let wanted = |kept: &str, main: &str| {
        let mut files: Vec<(String, String)> = [
            ("Read.me", "4"),
            ("lib/a.py", "2"),
            ("lib/b.py", "3"),
            ("lib2/a.py", "2"),
            ("lib2/b.py", "3"),
            ("main.py", main),
            (kept, "5"),
            ("twin.py", "2"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        files.sort();
        files
    };
    assert_eq!(files(&app, &spider).await, wanted(&kept_as, "1"));
    assert!(std::fs::symlink_metadata(folder.join("main.py")).unwrap().is_symlink());
    // The link gives way to what the spider gets.
    let listed = app.get(&format!("/spiders/{spider}/files")).await.data();
    let main = listed.as_array().unwrap().iter().find(|file| file["path"] == "main.py").unwrap()["id"].clone();
    let path = format!("/spiders/{spider}/files/{}", main.as_str().unwrap());
    app.put(&path, json!({"content": "7"})).await.ok();
    assert_eq!(sync().await["files_synced"], 1);
    assert_eq!(std::fs::read_to_string(folder.join("main.py")).unwrap(), "7");
    assert!(!std::fs::symlink_metadata(folder.join("main.py")).unwrap().is_symlink());
    // The same of a container that does not run; and what is not kept is said.
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await, wanted(&kept_as, "7"));
    app.eventually("/alerts?type=editor&level=warning", |alerts| {
        let said = alerts["items"].as_array().unwrap();
        said.iter().any(|alert| alert["message"].as_str().unwrap().ends_with(": \u{fffd}.py"))
    })
    .await;
}

/// A limit that was lowered lets what is there stay and shrink, not grow.
#[tokio::test]
async fn a_limit_that_was_lowered() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "lowered"}), &[("a", "1"), ("b", "2"), ("c", "333")]).await;
    let session = open(&app, &spider).await;
    let lowered = [("CRAWLHUB_SPIDERS_MAX_FILES", "2"), ("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "2")];
    let app = app.restart(&lowered).await;
    let folder = workspace(&app, &session).await;
    let sync = async || app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await;
    std::fs::write(folder.join("a"), "4").unwrap();
    assert_eq!(sync().await.data()["files_synced"], 1);
    std::fs::write(folder.join("b"), "555").unwrap();
    assert_eq!(sync().await.error(413), "file_too_large");
    std::fs::write(folder.join("b"), "5").unwrap();
    std::fs::write(folder.join("d"), "6").unwrap();
    assert_eq!(sync().await.error(413), "too_many_files");
    std::fs::remove_file(folder.join("c")).unwrap();
    std::fs::remove_file(folder.join("d")).unwrap();
    close(&app, &spider, "").await.ok();
    assert_eq!(files(&app, &spider).await, [("a".to_owned(), "4".to_owned()), ("b".to_owned(), "5".to_owned())]);
}

#[tokio::test]
async fn an_archive_that_cannot_be_trusted_changes_nothing() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "hostile"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    // Of a container that does not run all comes as an archive.
    let entry = |name: &str, kind: tar::EntryType, size: u64| {
        let mut header = tar::Header::new_ustar();
        // Names that the library would not write.
        header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        if size == 1 {
            bytes.extend([b'x'; 512]);
        }
        bytes
    };
    let file = tar::EntryType::Regular;
    let twice = [entry("workspace/a", file, 1), entry("workspace/a", file, 1)].concat();
    let mut half = entry("workspace/a", file, 1_000);
    half.extend([0; 100]);
    for (archive, error) in [
        (entry("workspace/../../etc/passwd", file, 1), "sync_failed"),
        (entry("/etc/passwd", file, 1), "sync_failed"),
        (entry("other/a", file, 1), "sync_failed"),
        (twice, "sync_failed"),
        (half, "sync_failed"),
    ] {
        app.engine.set_archive(Some(archive.into()));
        assert_eq!(close(&app, &spider, "").await.error(409), error);
        assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "1".to_owned())]);
    }
    // What a spider cannot have is left out, and named.
    let mut archive = Vec::new();
    for (name, kind) in [
        ("workspace/link", tar::EntryType::Symlink),
        ("workspace/device", tar::EntryType::Char),
        ("workspace/pipe", tar::EntryType::Fifo),
        ("workspace/back\\slash", file),
        ("workspace/main.py", file),
    ] {
        archive.extend(entry(name, kind, u64::from(kind == file)));
    }
    archive.extend([0; 1024]);
    app.engine.set_archive(Some(archive.into()));
    let closed = close(&app, &spider, "").await.data();
    let skipped: Vec<&str> =
        closed["skipped"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(skipped, ["link", "device", "pipe", "back\\slash"]);
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "x".to_owned())]);
    assert_eq!(container(&app, &session).await, None);
}

#[tokio::test]
async fn a_container_that_ends_is_started_again() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "killed"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    std::fs::write(workspace(&app, &session).await.join("main.py"), "2").unwrap();
    let is_up = async || app.engine.inspect(&id).await.unwrap().unwrap().state == State::Running;
    app.engine.kill(&id, "KILL").await.unwrap();
    app.looked_at_by("code sessions").await;
    while !is_up().await {
        tokio::task::yield_now().await;
    }
    // Also one that stands still, and after the machine was started anew.
    app.engine.pause(&id);
    app.looked_at_by("code sessions").await;
    while !is_up().await {
        tokio::task::yield_now().await;
    }
    app.engine.reboot().await;
    app.looked_at_by("code sessions").await;
    while !is_up().await {
        tokio::task::yield_now().await;
    }
    let path = format!("/spiders/{spider}/code-session");
    app.eventually(&path, |session| session["status"] == "ready").await;
    // Not for ever: its files are saved then.
    app.engine.kill(&id, "KILL").await.unwrap();
    app.looked_at_by("code sessions").await;
    let ended = app.eventually("/code-sessions", |all| all["items"][0]["status"] == "failed").await;
    assert_eq!(ended["items"][0]["end_reason"], "crashed");
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    gone(&app, &session).await;

    let session = open(&app, &spider).await;
    app.engine.remove(&container(&app, &session).await.unwrap()).await.unwrap();
    app.looked_at_by("code sessions").await;
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "failed").await;
    app.eventually("/alerts?type=editor&level=error", |alerts| {
        alerts["items"][0]["message"].as_str().is_some_and(|said| said.contains("已不存在"))
    })
    .await;
}

/// Whoever asks for an editor gets one that works, whatever has become of the one that is open.
#[tokio::test]
async fn asked_for_again() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "again"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    app.engine.kill(&id, "KILL").await.unwrap();
    assert_eq!(open(&app, &spider).await["id"], session["id"]);
    assert!(app.engine.inspect(&id).await.unwrap().unwrap().state.is_running());
    // Nor is a synchronisation with what is gone a success.
    app.engine.remove(&id).await.unwrap();
    let refused = app.post(&format!("{path}/sync"), json!({})).await.status.as_u16();
    assert!([400, 404].contains(&refused), "whether or not the loop was faster: {refused}");
    let next = open(&app, &spider).await;
    assert_ne!(next["id"], session["id"]);
    // One that is being closed is waited for.
    let db = app.database().await;
    let set = async |what: &str| {
        let sql = format!("UPDATE code_sessions SET {what} WHERE id = $1");
        db.query_text(sql).bind(next["id"].as_str().unwrap()).execute().await.unwrap();
    };
    set("status = 'syncing', deadline_at = '2026-03-01T09:00:00.000000Z', version = version + 1").await;
    assert_eq!(app.post(&format!("{path}?wait=false"), json!({})).await.error(409), "session_closing");
    let (last, ()) = tokio::join!(open(&app, &spider), async {
        set("deadline_at = NULL").await;
        app.looked_at_by("code sessions").await;
    });
    assert_eq!(last["status"], "ready");
    assert_ne!(last["id"], next["id"]);
    db.close().await;
}

/// An address of an editor, where somebody knows it, opens nothing.
#[tokio::test]
async fn nobody_gets_in_beside_the_door() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "beside"}), &[]).await;
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    let port = app.engine.inspect(&id).await.unwrap().unwrap().ports[0].1;
    let strict = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let beside = strict.get(format!("http://127.0.0.1:{port}/")).send().await.unwrap();
    assert_eq!(beside.headers()["location"], "./login");
    let url = format!("{}{}", app.base, session["url"].as_str().unwrap());
    let entered = strict.get(format!("{url}?tkn={}", session["token"].as_str().unwrap())).send().await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let inside = strict.get(&url).header("cookie", cookie).send().await.unwrap();
    assert_eq!(inside.status(), 200);
    assert_eq!(inside.json::<Value>().await.unwrap()["uri"], "/");
}

/// What is on another engine cannot be looked at from here, and so is not judged.
#[tokio::test]
async fn on_another_engine() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "elsewhere"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/code-session");
    let session = open(&app, &spider).await;
    let db = app.database().await;
    let moved = async || {
        db.query("UPDATE code_sessions SET engine = 'another', container_id = 'another'").execute().await.unwrap();
    };
    moved().await;
    for answer in [app.post(&format!("{path}/sync"), json!({})).await, close(&app, &spider, "").await] {
        answer.error(503);
    }
    app.clock.advance(TimeDelta::hours(5));
    app.looked_at_by("code sessions").await;
    assert_eq!(app.get(&path).await.data()["status"], "ready");
    // The administrator gives it up, of whomever it is.
    let by_id = |id: &Value| format!("/code-sessions/{}", id.as_str().unwrap());
    app.delete(&by_id(&session["id"])).await.error(503);
    app.delete(&format!("{}?force=true", by_id(&session["id"]))).await.ok();
    app.get(&path).await.error(404);
    app.delete("/code-sessions/none").await.error(404);
    // Of an engine that is gone for good nobody will tell.
    let last = open(&app, &spider).await;
    moved().await;
    app.clock.advance(TimeDelta::hours(29));
    app.looked_at_by("code sessions").await;
    let listed = app.get("/code-sessions").await.data();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["status"]), (&last["id"], &json!("failed")));
    db.close().await;
}

#[tokio::test]
async fn an_engine_that_is_away_decides_nothing() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "away"}), &[("main.py", "1")]).await;
    let other = app.spider(json!({"name": "other"}), &[]).await;
    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("main.py"), "2").unwrap();
    app.engine.set_away(true);
    app.post(&format!("/spiders/{other}/code-session"), json!({})).await.error(503);
    app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.error(503);
    close(&app, &spider, "").await.error(503);
    let ready = app.send(app.request(Method::GET, "/readyz")).await.json();
    assert_eq!((&ready["status"], &ready["docker"]), (&json!("ok"), &json!("unavailable")));
    app.clock.advance(TimeDelta::hours(5));
    app.looked_at_by("code sessions").await;
    assert!(app.get("/code-sessions").await.data()["items"][0]["status"] != "failed");
    app.engine.set_away(false);
    app.clock.advance(TimeDelta::minutes(11));
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    // While one starts.
    let silent = app.restart(&[("CRAWLHUB_CODE_SERVER_IMAGE", SILENT)]).await;
    let starts = silent.post(&format!("/spiders/{other}/code-session?wait=false"), json!({})).await.data();
    while container(&silent, &starts).await.is_none() {
        tokio::task::yield_now().await;
    }
    silent.engine.set_away(true);
    silent.post(&format!("/spiders/{other}/code-session"), json!({})).await.error(503);
    silent.engine.set_away(false);
    silent.looked_at_by("code sessions").await;
    gone(&silent, &starts).await;
}

#[tokio::test]
async fn a_server_that_starts_again_finds_its_editors() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "found"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    std::fs::write(workspace(&app, &session).await.join("main.py"), "2").unwrap();
    // Nobody's, of this installation; and another installation's.
    let own = app.engine.list(&[]).await.unwrap().remove(0).labels;
    let spec = |name: &str, labels| crawlhub::platform::containers::ContainerSpec {
        name: name.to_owned(),
        image: crawlhub::platform::containers::fake::PLAIN.to_owned(),
        labels,
        ..crawlhub::platform::containers::ContainerSpec::default()
    };
    let mut others = own.clone();
    others.insert("crawlhub.server".to_owned(), "another".to_owned());
    others.remove("crawlhub.session_id");
    let foreign = app.engine.create(&spec("foreign", others)).await.unwrap();
    let app = app.restart(&[]).await;
    app.looked_at_by("code sessions").await;
    let path = format!("/spiders/{spider}/code-session");
    assert_eq!(app.get(&path).await.data()["id"], session["id"]);
    // Begun by a server that is gone: begun again, or given up.
    let db = app.database().await;
    let set = async |status: &str| {
        let sql = format!(
            "UPDATE code_sessions SET status = '{status}', deadline_at = NULL, version = version + 1
              WHERE status NOT IN ('stopped', 'failed')"
        );
        db.query_text(sql).execute().await.unwrap();
    };
    set("syncing").await;
    let app = app.restart(&[]).await;
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    gone(&app, &session).await;
    for status in ["pending", "starting"] {
        let session = open(&app, &spider).await;
        let before = container(&app, &session).await;
        set(status).await;
        app.looked_at_by("code sessions").await;
        let again = app.eventually(&path, |session| session["status"] == "ready").await;
        assert_eq!(again["id"], session["id"]);
        let after = container(&app, &session).await;
        assert!(after.is_some() && after != before);
        // Not when nobody waits for it any more.
        app.clock.advance(TimeDelta::minutes(4));
        set(status).await;
        app.looked_at_by("code sessions").await;
        app.eventually("/code-sessions", |all| all["items"][0]["status"] == "failed").await;
        gone(&app, &session).await;
        let none = app.get(&path).await;
        assert!(none.json()["msg"].as_str().unwrap().contains("启动超时"));
        none.error(404);
    }
    assert!(app.engine.inspect(&foreign).await.unwrap().is_some(), "another installation's is none of ours");
    // A row that is gone: what may hold work is stopped, and kept for a day beyond its end.
    let session = open(&app, &spider).await;
    let id = container(&app, &session).await.unwrap();
    db.query("DELETE FROM code_sessions").execute().await.unwrap();
    app.engine.age(&id);
    app.clock.advance(TimeDelta::hours(4));
    app.looked_at_by("code sessions").await;
    app.looked_at_by("code sessions").await;
    assert!(app.engine.inspect(&id).await.unwrap().is_some());
    app.clock.advance(TimeDelta::hours(30));
    app.looked_at_by("code sessions").await;
    while app.engine.inspect(&id).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    db.close().await;
}

#[tokio::test]
async fn the_spider_or_its_user_goes() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "goes"}), &[("main.py", "1")]).await;
    let user = json!({"email": "e@example.com", "password": "password of e", "role": "editor"});
    let user = app.send(app.request(Method::POST, "/platform/api/users").json(&user)).await.data();
    let other = Client::sign_in(&app.base, "e@example.com", "password of e").await;
    let theirs = open(&other, &spider).await;
    std::fs::write(workspace(&app, &theirs).await.join("main.py"), "2").unwrap();
    let id = user["id"].as_str().unwrap();
    let change = app.request(Method::PUT, &format!("/platform/api/users/{id}")).json(&json!({"role": "viewer"}));
    app.send(change).await.ok();
    app.looked_at_by("code sessions").await;
    app.eventually("/code-sessions", |all| {
        all["items"][0]["end_reason"] == "user_gone" && all["items"][0]["status"] == "stopped"
    })
    .await;
    assert_eq!(files(&app, &spider).await, [("main.py".to_owned(), "2".to_owned())]);
    open(&app, &spider).await;
    app.delete(&format!("/spiders/{spider}")).await.ok();
    app.looked_at_by("code sessions").await;
    app.eventually("/code-sessions", |all| all["items"][0]["status"] == "stopped").await;
    while !app.engine.list(&[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_warm_pool() {
    let app = TestApp::with(&[("CRAWLHUB_CODE_SESSIONS_WARM", "2")]).await;
    let running = async || {
        let all = app.engine.list(&[]).await.unwrap();
        all.into_iter()
            .filter(|container| container.state.is_running())
            .map(|container| container.id)
            .collect::<Vec<_>>()
    };
    while running().await.len() < 2 {
        tokio::task::yield_now().await;
    }
    app.looked_at_by("code sessions").await;
    app.looked_at_by("code sessions").await;
    let pooled = running().await;
    let spider = app.spider(json!({"name": "warm"}), &[("main.py", "1")]).await;
    let session = open(&app, &spider).await;
    let taken = container(&app, &session).await.unwrap();
    assert!(pooled.contains(&taken));
    assert_eq!(std::fs::read_to_string(workspace(&app, &session).await.join("main.py")).unwrap(), "1");
    close(&app, &spider, "").await.ok();
    let next = open(&app, &spider).await;
    assert_ne!(container(&app, &next).await.unwrap(), taken, "none is given to a second one");
    // Old ones are replaced.
    let before = running().await;
    app.clock.advance(TimeDelta::minutes(29));
    app.post(&format!("/spiders/{spider}/code-session/heartbeat"), json!({"active": true})).await.ok();
    app.clock.advance(TimeDelta::minutes(2));
    loop {
        app.looked_at_by("code sessions").await;
        let now = running().await;
        let is_new = now.iter().filter(|id| !before.contains(id)).count() >= 2;
        if is_new && now.len() == 3 {
            break;
        }
    }
}

/// As the predecessor's admin UI calls it.
#[tokio::test]
async fn the_predecessors_workspace() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "former"}), &[("main.py", "1")]).await;
    let path = format!("/spiders/{spider}/workspace");
    let none = json!({
        "status": "stopped", "agent_status": null, "url": null, "last_used_at": null, "build_status": null,
        "build_job": null, "is_ready": false, "apps_ready": false, "code_sync_status": null,
    });
    assert_eq!(app.get(&path).await.data(), none);
    assert_eq!(app.post(&format!("{path}/stop"), json!({})).await.error(400), "no_workspace");
    app.post(&format!("{path}/start"), json!({})).await.ok();
    let ready = app.eventually(&path, |state| state["is_ready"] == true).await;
    assert_eq!((&ready["status"], &ready["agent_status"]), (&json!("running"), &json!("connected")));
    assert!(ready["url"].as_str().unwrap().contains("/?tkn="));
    let opened = app.post(&path, json!({})).await.data();
    assert_eq!(opened["status"], "running");
    let folder = workspace(&app, &opened).await;
    let uploaded = app.upload(&format!("{path}/upload"), "x.txt", b"x".to_vec(), &[("path", "data/")]).await.data();
    assert_eq!(uploaded, json!({"success": true, "files_count": 1, "uploaded_files": ["data/x.txt"], "errors": null}));
    assert_eq!(std::fs::read_to_string(folder.join("data/x.txt")).unwrap(), "x");
    let deployment = app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.data();
    std::fs::File::create(folder.join("main.py")).unwrap().write_all(b"2").unwrap();
    app.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.ok();
    let restored = app.post(&format!("{path}/restore"), json!({"deployment_id": deployment["id"]})).await;
    assert!(restored.json()["msg"].as_str().unwrap().contains('2'));
    assert_eq!(std::fs::read_to_string(folder.join("main.py")).unwrap(), "1");
    app.post(&format!("{path}/stop"), json!({})).await.ok();
    assert_eq!(app.get(&path).await.data(), none);
}
