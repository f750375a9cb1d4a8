//! A spider runs what its repository has: over https and ssh, after a push, through a crash.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Forge, ServerProcess, SshServer, TestApp};

async fn cloned(app: &Client, body: Value) -> String {
    let answer = app.send(app.request(Method::POST, "/platform/api/crawlhub/projects/clone").json(&body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["data"]["id"].as_str().unwrap().to_owned()
}

async fn settled(app: &Client, id: &str) -> Value {
    let done = |project: &Value| ["active", "error"].contains(&project["status"].as_str().unwrap());
    app.eventually(&format!("/projects/{id}"), done).await
}

#[tokio::test]
async fn a_push_runs() {
    let Some(forge) = Forge::start().await else { return };
    let certificate = forge.certificate();
    let settings = [("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()), ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true")];
    let app = TestApp::with(&settings).await;
    let repository = forge.repository("plain");
    repository.write("spiders/one/main.py", "from crawlhub import save_item\nsave_item({'version': 1})\n");
    let first = repository.push("one");
    let id = cloned(&app, json!({"name": "p", "git_url": forge.url("plain")})).await;
    let fields = json!({"name": "s", "project_id": id, "source": "git", "git_repo": "spiders/one", "max_retries": 0});
    let spider = app.post("/spiders", fields).await.data()["id"].as_str().unwrap().to_owned();
    settled(&app, &id).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["status"], &task["git_commit"]), (&json!("completed"), &json!(first)), "{task}");
    assert_eq!((&task["deployment_version"], task["deployment_id"].is_string()), (&json!(1), true));
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"version": 1})]);

    repository.write("spiders/one/main.py", "from crawlhub import save_item\nsave_item({'version': 2})\n");
    let second = repository.push("two");
    let made = app.post(&format!("/projects/{id}/webhook-secret"), json!({})).await.data();
    let pushed = app.without_token();
    let body = json!({"ref": "refs/heads/main", "repository": {"default_branch": "main"}});
    let request = pushed.request(Method::POST, made["path"].as_str().unwrap()).json(&body);
    assert_eq!(pushed.send(request.header("x-gitlab-token", made["secret"].as_str().unwrap())).await.status, 202);
    app.eventually(&format!("/spiders/{spider}"), |spider| spider["git_commit"] == json!(second)).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["git_commit"], &task["deployment_version"]), (&json!(second), &json!(2)), "{task}");
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"version": 2})]);

    // A commit that leaves the folder alone makes no version; the schedule's tasks say theirs, too.
    repository.write("README.md", "read");
    let third = repository.push("three");
    app.post(&format!("/projects/{id}/pull"), json!({})).await;
    let shown = app.eventually(&format!("/spiders/{spider}"), |spider| spider["git_commit"] == json!(third)).await;
    assert_eq!(app.get(&format!("/spiders/{spider}/deployments")).await.data()["total"], 2, "{shown}");
    app.put(&format!("/spiders/{spider}"), json!({"cron_expr": "* * * * *"})).await.data();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let path = format!("/tasks?spider_id={spider}&trigger_type=schedule");
    let planned = app.eventually(&path, |tasks| tasks["total"] == 1).await;
    assert_eq!(planned["items"][0]["git_commit"], json!(second));
}

#[tokio::test]
async fn a_key_opens_it_over_ssh() {
    let (Some(forge), Some(mut ssh)) = (Forge::start().await, SshServer::start().await) else { return };
    let app = TestApp::with(&[("CRAWLHUB_GIT_ALLOW_PRIVATE", "true")]).await;
    let repository = forge.repository("plain");
    repository.write("main.py", "print('over ssh')");
    let commit = repository.push("one");
    let id = cloned(&app, json!({"name": "p", "git_url": ssh.url(&repository)})).await;
    let project = settled(&app, &id).await;
    assert!(project["sync_error"].as_str().unwrap().contains("does not let us in"), "{project}");
    let path = format!("/projects/{id}");
    let changed = app.put(&path, json!({"git_key": ssh.key()})).await;
    assert!(!changed.text.contains("PRIVATE KEY") && changed.data()["has_git_key"] == true, "{}", changed.text);
    let project = settled(&app, &id).await;
    assert_eq!((&project["status"], &project["git_commit"]), (&json!("active"), &json!(commit)), "{project}");
    assert!(!app.keeps(ssh.key().lines().nth(1).unwrap()).await);

    // Whoever answers at the same place with another key is somebody else, until told otherwise.
    ssh.change_host_key().await;
    app.post(&format!("{path}/pull"), json!({})).await;
    let project = settled(&app, &id).await;
    assert!(project["sync_error"].as_str().unwrap().contains("forget_host_key"), "{project}");
    app.put(&path, json!({"forget_host_key": true})).await.data();
    assert_eq!(settled(&app, &id).await["status"], "active");
}

/// `kill -9` in the middle: the next start begins again, and nothing of the former one is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_goes_on() {
    let Some(forge) = Forge::start().await else { return };
    let certificate = forge.certificate();
    let settings = [("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()), ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true")];
    let mut server = ServerProcess::start(&settings).await;
    let repository = forge.repository("held-a");
    repository.write("main.py", "print(1)");
    let commit = repository.push("one");
    forge.hold();
    let id = cloned(&server, json!({"name": "p", "git_url": forge.url("held-a")})).await;
    forge.is_asked("held-a", 1).await;
    server.child.kill().await.unwrap();
    let ServerProcess { dir, database_url, .. } = server;
    let server = ServerProcess::start_in(dir, database_url, &settings).await;
    forge.is_asked("held-a", 2).await;
    assert_eq!(server.get(&format!("/projects/{id}")).await.data()["status"], "syncing");
    forge.let_go();
    let project = settled(&server, &id).await;
    assert_eq!((&project["status"], &project["git_commit"]), (&json!("active"), &json!(commit)), "{project}");
    let folder = server.dir.path().join("git");
    let copies: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
}

/// Of several servers one fetches, and another one goes on where that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_servers_fetches() {
    let Some(forge) = Forge::start().await else { return };
    let certificate = forge.certificate();
    let settings = [("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()), ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true")];
    if std::env::var("TEST_DATABASE_URL").is_err() {
        return;
    }
    let one = ServerProcess::start(&settings).await;
    let other = one.beside(one.database_url.as_deref().unwrap(), &settings).await;
    let repository = forge.repository("held-a");
    repository.write("main.py", "print(1)");
    repository.push("one");
    forge.hold();
    let id = cloned(&one, json!({"name": "p", "git_url": forge.url("held-a")})).await;
    let fields = json!({"name": "s", "project_id": id, "source": "git"});
    let spider = other.post("/spiders", fields).await.data()["id"].as_str().unwrap().to_owned();
    forge.is_asked("held-a", 1).await;
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(forge.fetches("held-a"), 1);
    }
    forge.let_go();
    settled(&other, &id).await;
    let files = other.eventually(&format!("/spiders/{spider}/files"), |files| files[0]["path"] == "main.py").await;
    assert_eq!(files.as_array().unwrap().len(), 1);
    assert_eq!(one.get(&format!("/projects/{id}/tree")).await.data()["entries"][0]["name"], "main.py");
}
