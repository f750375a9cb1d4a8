//! Projects from git: what is fetched, what is refused, and what becomes of spiders' files.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Forge, TOKEN, TestApp};

async fn app_of(forge: &Forge) -> TestApp {
    let (certificate, private) = (forge.certificate(), "true");
    TestApp::with(&[("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()), ("CRAWLHUB_GIT_ALLOW_PRIVATE", private)]).await
}

async fn cloned(app: &Client, body: Value) -> Value {
    let answer = app.send(app.request(Method::POST, "/platform/api/crawlhub/projects/clone").json(&body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["data"].clone()
}

/// The project once nothing of its repository is going on.
async fn settled(app: &Client, id: &str) -> Value {
    let done = |project: &Value| ["active", "error"].contains(&project["status"].as_str().unwrap());
    app.eventually(&format!("/projects/{id}"), done).await
}

async fn clone_settled(app: &Client, name: &str, fields: Value) -> Value {
    let mut body = json!({ "name": name });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let id = cloned(app, body).await["id"].as_str().unwrap().to_owned();
    settled(app, &id).await
}

async fn pulled(app: &Client, id: &str, body: Value) -> Value {
    assert_eq!(app.post(&format!("/projects/{id}/pull"), body).await.status, 202);
    settled(app, id).await
}

async fn git_spider(app: &Client, project: &str, folder: &str) -> String {
    let fields =
        json!({"name": format!("spider of {folder}"), "project_id": project, "source": "git", "git_repo": folder});
    let id = app.post("/spiders", fields).await.data()["id"].as_str().unwrap().to_owned();
    settled(app, project).await;
    id
}

/// Path and content of each of the spider's files.
async fn files(app: &Client, spider: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in app.get(&format!("/spiders/{spider}/files")).await.data().as_array().unwrap() {
        let content =
            app.get(&format!("/spiders/{spider}/files/{}/content", file["id"].as_str().unwrap())).await.data();
        found.push((file["path"].as_str().unwrap().to_owned(), content["content"].as_str().unwrap().to_owned()));
    }
    found
}

async fn edit(app: &Client, spider: &str, path: &str, content: &str) {
    let all = app.get(&format!("/spiders/{spider}/files")).await.data();
    let file = all.as_array().unwrap().iter().find(|file| file["path"] == path).unwrap()["id"].clone();
    let path = format!("/spiders/{spider}/files/{}", file.as_str().unwrap());
    app.put(&path, json!({ "content": content })).await.data();
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

#[tokio::test]
async fn what_is_refused_before_anything_is_called() {
    let app = TestApp::new().await;
    for url in [
        "ext::sh -c touch% /tmp/pwned",
        "ext::x",
        "file:///etc",
        "/etc/passwd",
        "../x",
        "http://git.example/a.git",
        "git://git.example/a.git",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=touch:x",
        "ssh://-oProxyCommand=touch/a",
        "git@-oProxyCommand=x:a",
        "https://git.example/a\nb",
    ] {
        let body = json!({"name": "x", "git_url": url});
        assert_eq!(app.post("/projects/clone", body).await.details(), ["body.git_url"], "{url}");
    }
    for branch in ["--upload-pack=touch /tmp/pwned", "-x", "a..b", "a\nb", "a b", "a:b", "refs/../x", "x.lock"] {
        let body = json!({"name": "x", "git_url": "https://git.example/a.git", "git_branch": branch});
        assert_eq!(app.post("/projects/clone", body).await.details(), ["body.git_branch"], "{branch}");
    }
    let with_password = json!({"name": "x", "git_url": "https://me:s3cret@git.example/a.git"});
    let answer = app.post("/projects/clone", with_password).await;
    assert_eq!(answer.error(400), "credentials_in_url");
    assert!(answer.text.contains("git_token") && !answer.text.contains("s3cret"), "{}", answer.text);
    for (body, loc) in [
        (json!({"name": "x"}), "body.git_url"),
        (json!({"git_url": "https://git.example/a.git"}), "body.name"),
        (json!({"name": "x", "git_url": "git@git.example:a.git", "git_token": "t"}), "body.git_token"),
        (json!({"name": "x", "git_url": "https://git.example/a.git", "git_token": "a\nb: c"}), "body.git_token"),
        (json!({"name": "x", "git_url": "git@git.example:a.git", "git_key": "not a key"}), "body.git_key"),
    ] {
        assert_eq!(app.post("/projects/clone", body.clone()).await.details(), [loc], "{body}");
    }
    let on_node = json!({"name": "x", "git_url": "https://git.example/a.git", "node_id": "n1"});
    assert_eq!(app.post("/projects/clone", on_node).await.error(503), "node_offline");
    assert_eq!(app.get("/projects").await.data()["total"], 1);

    let plain = app.post("/projects", json!({"name": "plain"})).await.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.post(&format!("/projects/{plain}/pull"), json!({})).await.error(409), "no_repository");
    assert_eq!(app.get(&format!("/projects/{plain}/tree")).await.error(409), "not_synced");
    assert_eq!(app.post("/projects/nothing/pull", json!({})).await.error(404), "project_not_found");
    let of_nothing = json!({"name": "s", "project_id": plain, "source": "git"});
    assert_eq!(app.post("/spiders", of_nothing).await.details(), ["body.project_id"]);
    let climbing = json!({"name": "s", "project_id": plain, "source": "git", "git_repo": "../x"});
    assert_eq!(app.post("/spiders", climbing).await.details(), ["body.git_repo"]);

    // This machine is not the internet.
    for url in ["https://127.0.0.1/a.git", "https://localhost:1/a", "https://2130706433/a", "ssh://git@[::1]/a"] {
        let project = clone_settled(&app, url, json!({ "git_url": url })).await;
        assert_eq!(project["status"], "error");
        assert!(project["sync_error"].as_str().unwrap().contains("git.allow_private"), "{project}");
    }
}

#[tokio::test]
async fn a_repository_is_fetched_and_only_files_of_it() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    let repository = forge.repository("plain");
    repository.write("crawlers/news/main.py", "print('news')\n");
    repository.write("crawlers/news/run.sh", "true\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(repository.folder().join("crawlers/news/run.sh"), executable).unwrap();
    repository.write("README.md", "read\n");
    repository.write("crawlers/news/.gitattributes", "*.py filter=evil export-subst\n");
    std::os::unix::fs::symlink("/etc/passwd", repository.folder().join("crawlers/news/passwd")).unwrap();
    std::os::unix::fs::symlink("../..", repository.folder().join("crawlers/up")).unwrap();
    repository.git(&["add", "-A"]);
    let submodule = "160000,0123456789012345678901234567890123456789,crawlers/news/vendored";
    repository.git(&["update-index", "--add", "--cacheinfo", submodule]);
    repository.git(&["commit", "-q", "-m", "first commit"]);
    repository.git(&["push", "-q", "origin", "HEAD"]);
    let commit = repository.git(&["rev-parse", "HEAD"]);

    let begun = cloned(&app, json!({"name": "p", "git_url": forge.url("plain"), "description": "d"})).await;
    assert!(["pending", "syncing"].contains(&begun["status"].as_str().unwrap()), "{begun}");
    let id = begun["id"].as_str().unwrap();
    let project = settled(&app, id).await;
    assert_eq!((&project["status"], &project["sync_error"]), (&json!("active"), &Value::Null), "{project}");
    assert_eq!((&project["git_commit"], &project["git_subject"]), (&json!(commit), &json!("first commit")));
    assert_eq!(project["last_sync_at"], "2026-03-01T08:00:00Z");

    let tree = async |path: &str| app.get(&format!("/projects/{id}/tree?path={path}")).await;
    let shown = |answer: &Answer| -> Vec<String> {
        let data = answer.data();
        let entries = data["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| format!("{} {}", entry["kind"].as_str().unwrap(), entry["path"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(shown(&tree("").await), ["folder crawlers", "file README.md"]);
    assert_eq!(shown(&tree("/crawlers/").await), ["folder crawlers/news", "link crawlers/up"]);
    let news = "crawlers/news";
    assert_eq!(
        shown(&tree(news).await),
        [
            "file crawlers/news/.gitattributes",
            "file crawlers/news/main.py",
            "link crawlers/news/passwd",
            "executable crawlers/news/run.sh",
            "submodule crawlers/news/vendored"
        ]
    );
    assert_eq!(tree("crawlers/none").await.error(404), "path_not_found");

    let spider = git_spider(&app, id, "crawlers/news/").await;
    let expected =
        [(".gitattributes", "*.py filter=evil export-subst\n"), ("main.py", "print('news')\n"), ("run.sh", "true\n")];
    assert_eq!(files(&app, &spider).await, pairs(&expected));
    let listed = app.get(&format!("/spiders/{spider}/files")).await.data();
    assert_eq!(listed[2]["executable"], true);
    let stands = app.get(&format!("/spiders/{spider}/repository")).await.data();
    let left_out = json!([{"path": "passwd", "reason": "link"}, {"path": "vendored", "reason": "submodule"}]);
    assert_eq!((&stands["folder"], &stands["left_out"]), (&json!(news), &left_out), "{stands}");
    assert_eq!((&stands["git_commit"], &stands["conflicts"]), (&json!(commit), &json!([])));

    // What is no folder of the commit is said, at the spider and at the project; the others go on.
    let lost = git_spider(&app, id, "crawlers/none").await;
    let lost = app.get(&format!("/spiders/{lost}")).await.data();
    assert!(lost["git_error"].as_str().unwrap().contains("no folder crawlers/none"), "{lost}");
    let project = settled(&app, id).await;
    assert_eq!(project["status"], "error");
    assert!(project["sync_error"].as_str().unwrap().starts_with("1 of 2 spiders"), "{project}");
    app.put(&format!("/spiders/{}", lost["id"].as_str().unwrap()), json!({"git_repo": ""})).await.data();
    assert_eq!(settled(&app, id).await["status"], "active");
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    forge.repository("empty");
    let plain = forge.repository("plain");
    plain.write("main.py", "1");
    plain.push("one");
    forge.repository("private-a").push("one");
    let url = |name: &str| forge.url(name);
    for (name, fields, said) in [
        ("empty", json!({"git_url": url("empty")}), "empty"),
        ("branch", json!({"git_url": url("plain"), "git_branch": "gone"}), "no branch gone"),
        ("none", json!({"git_url": url("none")}), "no such repository"),
        ("redirect", json!({"git_url": url("redirect")}), "leads elsewhere"),
        ("no token", json!({"git_url": url("private-a")}), "does not let us in"),
        ("wrong token", json!({"git_url": url("private-a"), "git_token": "wr0ng-token"}), "does not let us in"),
        ("unknown", json!({"git_url": "https://nowhere.invalid/a.git"}), "is not known"),
        ("nobody", json!({"git_url": "https://localhost:1/a.git"}), "does not answer"),
    ] {
        let project = clone_settled(&app, name, fields).await;
        let error = project["sync_error"].as_str().unwrap_or_default();
        assert_eq!(project["status"], "error", "{project}");
        assert!(error.contains(said) && !error.contains("wr0ng-token"), "{name}: {error}");
    }
    let strict = TestApp::with(&[("CRAWLHUB_GIT_ALLOW_PRIVATE", "true")]).await;
    let project = clone_settled(&strict, "untrusted", json!({"git_url": url("plain")})).await;
    assert!(project["sync_error"].as_str().unwrap().contains("git.ca_bundle"), "{project}");
}

/// Whatever a server sends, and however slowly, it ends.
#[tokio::test]
async fn what_is_endless_ends() {
    let Some(forge) = Forge::start().await else { return };
    let certificate = forge.certificate();
    let settings = [
        ("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()),
        ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true"),
        ("CRAWLHUB_GIT_TIMEOUT_SECONDS", "2"),
    ];
    let app = TestApp::with(&settings).await;
    let project = clone_settled(&app, "slow", json!({"git_url": forge.url("slow")})).await;
    assert!(project["sync_error"].as_str().unwrap().contains("after 2 s"), "{project}");
}

#[tokio::test]
async fn what_is_too_large_ends() {
    let Some(forge) = Forge::start().await else { return };
    let certificate = forge.certificate();
    let settings = [
        ("CRAWLHUB_GIT_CA_BUNDLE", certificate.as_str()),
        ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true"),
        ("CRAWLHUB_GIT_MAX_MB", "1"),
        ("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "1000"),
    ];
    let app = TestApp::with(&settings).await;
    let huge = forge.repository("huge");
    huge.write("main.py", "1");
    let noise: String = (0..200_000).map(|_| rand::random::<u64>().to_string()).collect();
    huge.write("noise", &noise);
    huge.push("huge");
    let project = clone_settled(&app, "huge", json!({"git_url": forge.url("huge")})).await;
    assert!(project["sync_error"].as_str().unwrap().contains("larger than"), "{project}");
    let copies = std::fs::read_dir(app.dir.path().join("git")).unwrap().flatten();
    let left: Vec<_> = copies.filter(|entry| entry.file_name().to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");

    // A spider's own limits, all or nothing.
    let plain = forge.repository("plain");
    plain.write("main.py", "print(1)");
    plain.push("one");
    let project = clone_settled(&app, "plain", json!({"git_url": forge.url("plain")})).await;
    let id = project["id"].as_str().unwrap();
    let spider = git_spider(&app, id, "").await;
    plain.write("main.py", "print(2)");
    plain.write("large.txt", &"x".repeat(1001));
    plain.push("two");
    let project = pulled(&app, id, json!({})).await;
    assert!(project["sync_error"].as_str().unwrap().contains("large.txt"), "{project}");
    assert_eq!(files(&app, &spider).await, pairs(&[("main.py", "print(1)")]));
    let spider = app.get(&format!("/spiders/{spider}")).await.data();
    assert_ne!(spider["git_commit"], project["git_commit"]);
    assert!(spider["git_error"].as_str().unwrap().contains("large.txt"), "{spider}");
}

#[tokio::test]
async fn what_a_user_changed_stays() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    let repository = forge.repository("plain");
    for (path, content) in [("main.py", "1"), ("a.py", "1"), ("b.py", "1"), ("gone.py", "1")] {
        repository.write(path, content);
    }
    let first = repository.push("one");
    let project = clone_settled(&app, "p", json!({"git_url": forge.url("plain"), "git_branch": "main"})).await;
    let id = project["id"].as_str().unwrap();
    let spider = git_spider(&app, id, "").await;
    let deployments = async || app.get(&format!("/spiders/{spider}/deployments")).await.data()["items"].clone();
    let versions = deployments().await;
    let note = format!("git {} one", &first[..12]);
    assert_eq!(versions.as_array().unwrap().len(), 1);
    assert_eq!(
        (&versions[0]["status"], &versions[0]["git_commit"], &versions[0]["deploy_note"]),
        (&json!("active"), &json!(first), &json!(note))
    );

    edit(&app, &spider, "a.py", "mine").await;
    edit(&app, &spider, "main.py", "mine").await;
    app.post(&format!("/spiders/{spider}/files/new"), json!({"path": "own.py", "content": "own"})).await.data();
    repository.write("main.py", "2");
    repository.write("b.py", "2");
    repository.git(&["rm", "-q", "gone.py"]);
    let second = repository.push("two");
    pulled(&app, id, json!({})).await;
    let aside = format!("main.conflict-{}.py", &second[..8]);
    let merged = [("a.py", "mine"), ("b.py", "2"), (aside.as_str(), "mine"), ("main.py", "2"), ("own.py", "own")];
    assert_eq!(files(&app, &spider).await, pairs(&merged));
    let stands = app.get(&format!("/spiders/{spider}/repository")).await.data();
    assert_eq!(stands["conflicts"], json!([{"path": "main.py", "aside": aside}]));
    let versions = deployments().await;
    assert_eq!((&versions[0]["version"], &versions[0]["status"]), (&json!(2), &json!("active")));
    assert!(versions[0]["deploy_note"].as_str().unwrap().ends_with("two (+ 3 files changed here)"), "{versions}");

    // Nothing new: no version more.
    pulled(&app, id, json!({})).await;
    assert_eq!(deployments().await.as_array().unwrap().len(), 2);

    // A version that somebody chose stays the one that runs, until it is forced.
    let older = versions[1]["id"].as_str().unwrap();
    app.post(&format!("/spiders/{spider}/deployments/{older}/rollback"), json!({})).await.data();
    repository.write("b.py", "3");
    repository.push("three");
    pulled(&app, id, json!({})).await;
    let versions = deployments().await;
    assert_eq!((&versions[0]["version"], &versions[0]["status"]), (&json!(3), &json!("archived")));
    assert_eq!(versions[2]["status"], "active");
    pulled(&app, id, json!({"force": true})).await;
    assert_eq!(files(&app, &spider).await, pairs(&[("a.py", "1"), ("b.py", "3"), ("main.py", "2")]));
    let versions = deployments().await;
    assert_eq!((&versions[0]["version"], &versions[0]["status"]), (&json!(4), &json!("active")));

    // Another history, and a branch that is gone and back.
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    repository.git(&["branch", "-q", "-D", "main"]);
    repository.git(&["branch", "-q", "-m", "main"]);
    repository.write("b.py", "forced");
    let forced = repository.push("another history");
    assert_eq!(pulled(&app, id, json!({})).await["git_commit"], json!(forced));
    assert!(files(&app, &spider).await.contains(&("b.py".to_owned(), "forced".to_owned())));
    repository.git(&["push", "-q", "origin", "HEAD:refs/heads/new"]);
    git_in(&repository.path, &["update-ref", "-d", "refs/heads/main"]);
    let project = pulled(&app, id, json!({})).await;
    assert!(project["sync_error"].as_str().unwrap().contains("no branch main"), "{project}");
    app.put(&format!("/projects/{id}"), json!({"git_branch": "new"})).await.data();
    let project = settled(&app, id).await;
    assert_eq!((&project["status"], &project["git_commit"]), (&json!("active"), &json!(forced)));
    // Its own from now on, it comes from no commit.
    let own = app.put(&format!("/spiders/{spider}"), json!({"source": "empty"})).await.data();
    assert_eq!((&own["source"], &own["git_commit"]), (&json!("empty"), &Value::Null));
    // A commit by its id.
    app.put(&format!("/projects/{id}"), json!({"git_branch": forced})).await.data();
    assert_eq!(settled(&app, id).await["status"], "active");
}

fn git_in(folder: &Path, arguments: &[&str]) {
    let done = std::process::Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Command lines and environments of what runs, that hold `text`.
fn processes_with(text: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let shown = processes.flat_map(|path| ["cmdline", "environ"].map(|name| path.join(name)));
    let holds = |path: &Path| {
        let content = std::fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&content).contains(text)
    };
    shown.filter(|path| holds(path)).map(|path| path.display().to_string()).collect()
}

#[tokio::test]
async fn a_token_opens_it_and_is_seen_nowhere() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    let repository = forge.repository("private-a");
    repository.write("main.py", "1");
    repository.push("one");
    forge.repository("private-b").push("other");
    let project = clone_settled(&app, "p", json!({"git_url": forge.url("private-a"), "git_token": TOKEN})).await;
    assert_eq!((&project["status"], &project["has_git_token"]), (&json!("active"), &json!(true)), "{project}");
    let id = project["id"].as_str().unwrap();
    assert!(!app.get(&format!("/projects/{id}")).await.text.contains(TOKEN));
    assert!(!app.keeps(TOKEN).await);

    // A user of its own, beside it on the same server; the other server does not get it.
    let with_user = json!({"git_url": forge.url("private-b"), "git_token": format!("me:{TOKEN}")});
    app.put(&format!("/projects/{id}"), with_user).await.data();
    assert_eq!(settled(&app, id).await["git_subject"], "other");
    app.put(&format!("/projects/{id}"), json!({"git_url": forge.url("private-a")})).await.data();
    assert_eq!(settled(&app, id).await["git_subject"], "one");
    let elsewhere = json!({"git_url": "https://localhost:1/private-a.git"});
    let changed = app.put(&format!("/projects/{id}"), elsewhere).await.data();
    assert_eq!((&changed["has_git_token"], &changed["git_commit"]), (&json!(false), &Value::Null));
    settled(&app, id).await;

    // While git runs.
    let held = forge.repository("held-private");
    held.write("main.py", "1");
    held.push("one");
    forge.hold();
    let token = "an0ther-t0ken";
    let begun = cloned(&app, json!({"name": "held", "git_url": forge.url("held-private"), "git_token": token})).await;
    let id = begun["id"].as_str().unwrap();
    forge.is_asked("held-private", 1).await;
    assert!(!processes_with("held-private").is_empty(), "git is not seen at all");
    assert_eq!(processes_with(token), [""; 0]);
    // Asked for again meanwhile, there is another round afterwards.
    assert_eq!(app.post(&format!("/projects/{id}/pull"), json!({})).await.status, 202);
    assert_eq!(app.get(&format!("/projects/{id}")).await.data()["status"], "syncing");
    forge.let_go();
    assert_eq!(settled(&app, id).await["status"], "active");
    assert!(!app.keeps(token).await);
}

#[tokio::test]
async fn a_project_that_is_being_fetched_can_go() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    let held = forge.repository("held-a");
    held.write("main.py", "1");
    held.push("one");
    forge.hold();
    let begun = cloned(&app, json!({"name": "held", "git_url": forge.url("held-a")})).await;
    forge.is_asked("held-a", 1).await;
    app.delete(&format!("/projects/{}", begun["id"].as_str().unwrap())).await.ok();
    app.looked_at_by("repositories").await;
    forge.let_go();
    assert_eq!(std::fs::read_dir(app.dir.path().join("git")).unwrap().count(), 0);
    cloned(&app, json!({"name": "held", "git_url": forge.url("held-a")})).await;
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", crawlhub::platform::secrets::hex(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_forge_proves_itself() {
    let Some(forge) = Forge::start().await else { return };
    let app = app_of(&forge).await;
    let repository = forge.repository("plain");
    repository.write("main.py", "1");
    repository.push("one");
    let project = clone_settled(&app, "p", json!({"git_url": forge.url("plain"), "git_branch": "main"})).await;
    let id = project["id"].as_str().unwrap();
    let nobody = app.without_token();
    let path = format!("/platform/api/crawlhub/projects/{id}/webhook");
    let told = async |path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = nobody.request(Method::POST, path).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        nobody.send(request).await
    };
    let body = r#"{"ref": "refs/heads/main"}"#;
    assert_eq!(told(&path, &[], body).await.error(401), "webhook_refused");
    let made = app.post(&format!("/projects/{id}/webhook-secret"), json!({})).await.data();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!((made["path"].as_str().unwrap(), secret.len() > 30), (path.as_str(), true));
    let shown = app.get(&format!("/projects/{id}")).await;
    assert!(shown.data()["has_webhook_secret"] == true && !shown.text.contains(secret));
    assert!(!app.keeps(secret).await);

    let good = signature(secret, body);
    for headers in [
        vec![],
        vec![("x-hub-signature-256", "sha256=00")],
        vec![("x-hub-signature-256", &good["sha256=".len()..])],
        vec![("x-gitlab-token", "wrong")],
        vec![("x-gitlab-token", "")],
        // A wrong signature is not made good by anything else.
        vec![("x-hub-signature-256", "sha256=00"), ("x-gitlab-token", secret)],
    ] {
        assert_eq!(told(&path, &headers, body).await.error(401), "webhook_refused", "{headers:?}");
    }
    assert_eq!(told(&path, &[("x-hub-signature-256", &good)], "{}").await.error(401), "webhook_refused");
    let elsewhere = path.replace(id, "0198-nothing");
    assert_eq!(told(&elsewhere, &[("x-gitlab-token", secret)], body).await.error(401), "webhook_refused");

    let commit = repository.push("two");
    let other = r#"{"ref": "refs/heads/dev"}"#;
    let answer = told(&path, &[("x-gitlab-token", secret)], other).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["pull"]), (202, &json!(false)));
    let answer = told(&path, &[("x-hub-signature-256", &good)], body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["pull"]), (202, &json!(true)));
    assert_eq!(settled(&app, id).await["git_commit"], json!(commit));
    // A new secret ends the former one.
    app.post(&format!("/projects/{id}/webhook-secret"), json!({})).await.data();
    assert_eq!(told(&path, &[("x-hub-signature-256", &good)], body).await.error(401), "webhook_refused");
}
