//! Projects that a node keeps.

use std::path::PathBuf;

use reqwest::{Client as Http, Method};
use serde_json::{Value, json};

use crate::support::{Client, Forge, NodeProcess, ServerProcess, TOKEN, free_port};

/// The node's own API.
struct Api {
    http: Http,
    base: String,
    token: String,
}

impl Api {
    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/api/v1/projects{path}", self.base));
        let request = request.header("x-agent-token", &self.token).header("accept-language", "en");
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn settled(&self, id: &str) -> Value {
        loop {
            let (status, state) = self.call(Method::GET, &format!("/{id}/status"), json!({})).await;
            assert_eq!(status, 200, "{state}");
            if state["status"] != "syncing" {
                return state;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

struct Place {
    server: ServerProcess,
    node: NodeProcess,
    api: Api,
    projects: PathBuf,
}

async fn place(forge: &Forge) -> Place {
    let server = ServerProcess::start(&[]).await;
    let (port, certificate) = (free_port().to_string(), forge.certificate());
    let settings = [
        ("AGENT_API_PORT", port.as_str()),
        ("CRAWLHUB_GIT_CA_BUNDLE", &certificate),
        ("CRAWLHUB_GIT_ALLOW_PRIVATE", "true"),
    ];
    let node = NodeProcess::join(&server, "one", &settings).await;
    server.put(&format!("/nodes/{}", node.id), json!({"agent_port": port.parse::<u16>().unwrap()})).await.ok();
    let (http, base) = (server.http.clone(), format!("http://127.0.0.1:{port}"));
    let api = Api { http, base, token: node.token.clone() };
    let projects = node.dir.path().join("projects");
    Place { server, node, api, projects }
}

async fn settled(server: &Client, id: &str) -> Value {
    let done = |project: &Value| ["active", "error"].contains(&project["status"].as_str().unwrap());
    server.eventually(&format!("/projects/{id}"), done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_kept_on_a_node() {
    let Some(forge) = Forge::start().await else { return };
    let repository = forge.repository("news");
    repository.write("main.py", "print(1)\n");
    repository.write("lib/help.py", "x = 1\n");
    let first = repository.push("first");
    let Place { server, node, projects, .. } = place(&forge).await;
    let body = json!({"name": "News!", "git_url": forge.url("news"), "git_token": TOKEN, "node_id": node.id});
    let cloned = server.send(server.request(Method::POST, "/platform/api/crawlhub/projects/clone").json(&body)).await;
    assert_eq!(cloned.status, 202, "{}", cloned.text);
    let id = cloned.json()["data"]["id"].as_str().unwrap().to_owned();
    let project = settled(&server, &id).await;
    assert_eq!((&project["status"], &project["git_commit"]), (&json!("active"), &json!(first)), "{project}");
    let folder = PathBuf::from(project["local_path"].as_str().unwrap());
    assert!(folder.starts_with(projects.canonicalize().unwrap()), "{project}");
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap_or_default();
    assert_eq!((read("main.py").as_str(), read("lib/help.py").as_str()), ("print(1)\n", "x = 1\n"));
    assert!(!folder.join(".git").exists(), "nothing that git would act by");

    // What users changed stays, unless they are told otherwise.
    std::fs::write(folder.join("main.py"), "print('mine')\n").unwrap();
    std::fs::write(folder.join("notes.txt"), "mine\n").unwrap();
    repository.write("main.py", "print(2)\n");
    repository.write("lib/help.py", "x = 2\n");
    let second = repository.push("second");
    assert_eq!(server.post(&format!("/projects/{id}/pull"), json!({})).await.status, 202);
    let project = settled(&server, &id).await;
    assert_eq!(project["git_commit"], second.as_str(), "{project}");
    assert!(project["sync_error"].as_str().unwrap().contains("changed here and kept: main.py"), "{project}");
    assert_eq!((read("main.py").as_str(), read("lib/help.py").as_str()), ("print('mine')\n", "x = 2\n"));
    server.post(&format!("/projects/{id}/pull"), json!({"force": true})).await;
    settled(&server, &id).await;
    assert_eq!((read("main.py").as_str(), read("notes.txt").as_str()), ("print(2)\n", "mine\n"));

    // A hint is no news: the node is asked. Of another's project nothing is heard.
    let hint = async |id: &str, token: &str| {
        let path = format!("/platform/api/crawlhub/internal/projects/{id}/status");
        let request = server.without_token().request(Method::POST, &path).header("x-agent-token", token);
        server.send(request.json(&json!({"status": "error", "message": "a lie"}))).await
    };
    hint(&id, &node.token).await.ok();
    assert_eq!(hint(&id, "wrong").await.error(401), "agent_token_needed");
    let other = server.post("/nodes", json!({"name": "two"})).await.data();
    assert_eq!(hint(&id, other["agent_token"].as_str().unwrap()).await.error(404), "project_not_found");
    assert_eq!(settled(&server, &id).await["status"], "active");
    let offline = json!({"name": "x", "git_url": forge.url("news"), "node_id": other["id"]});
    let offline = server.post("/projects/clone", offline).await;
    assert_eq!(offline.error(503), "node_offline");

    // Nothing secret lies on the node.
    let known = std::fs::read_to_string(node.dir.path().join(format!("projects.known/{id}.json"))).unwrap();
    assert!(!known.contains(TOKEN), "{known}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_lead_out_are_refused() {
    let Some(forge) = Forge::start().await else { return };
    let repository = forge.repository("news");
    repository.write("main.py", "print(1)\n");
    repository.push("first");
    let Place { server: _server, node: _node, api, projects } = place(&forge).await;
    let order = |id: &str, target: &str| json!({"project_id": id, "git_url": forge.url("news"), "target_path": target, "git_token": TOKEN});
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), projects.join("link")).unwrap();
    for target in ["../x", "/etc/x", "a/../../x", "link/x", "link", "", ".", ".hidden", "/"] {
        let (status, said) = api.call(Method::POST, "/clone", order("p1", target)).await;
        assert_eq!((status, &said["data"]["error"]), (400, &json!("path_outside")), "{target}: {said}");
    }
    for (field, wrong) in [("git_url", "ext::sh -c x"), ("branch", "--upload-pack=x"), ("project_id", "../p")] {
        let mut order = order("p1", "ok");
        order[field] = json!(wrong);
        let (status, said) = api.call(Method::POST, "/clone", order).await;
        assert_eq!(status, 422, "{field}: {said}");
    }
    let (status, answer) = api.call(Method::POST, "/clone", order("p1", "team/news")).await;
    assert_eq!((status, &answer["success"]), (202, &json!(true)), "{answer}");
    assert_eq!(api.settled("p1").await["status"], "active");
    assert_eq!(api.call(Method::POST, "/clone", order("p2", "team/news")).await.0, 409, "another's folder");
    assert_eq!(api.call(Method::POST, "/clone", order("p2", "team/news/inner")).await.0, 409);

    // A folder that has become a link leads nowhere.
    std::fs::rename(projects.join("team/news"), projects.join("moved")).unwrap();
    std::os::unix::fs::symlink(outside.path(), projects.join("team/news")).unwrap();
    let (status, said) = api.call(Method::POST, "/p1/pull", json!({"git_token": TOKEN})).await;
    assert_eq!((status, &said["data"]["error"]), (400, &json!("path_outside")), "{said}");
    assert!(std::fs::read_dir(outside.path()).unwrap().next().is_none());
    std::fs::remove_file(projects.join("team/news")).unwrap();
    std::fs::rename(projects.join("moved"), projects.join("team/news")).unwrap();

    // One within leads nowhere either.
    std::fs::remove_file(projects.join("team/news/main.py")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", projects.join("team/news/main.py")).unwrap();
    repository.write("main.py", "print(2)\n");
    repository.push("second");
    assert_eq!(api.call(Method::POST, "/p1/pull", json!({"git_token": TOKEN})).await.0, 202);
    let state = api.settled("p1").await;
    assert!(state["message"].as_str().unwrap().contains("kept: main.py"), "{state}");
    assert!(projects.join("team/news/main.py").is_symlink());

    assert_eq!(api.call(Method::DELETE, "/p1", json!({})).await.0, 200);
    assert_eq!(api.call(Method::DELETE, "/p1", json!({})).await.0, 200, "twice is as good as once");
    assert!(!projects.join("team/news").exists());
    assert_eq!(api.call(Method::GET, "/p1/status", json!({})).await.0, 404);
}
