//! The real VS Code, in a real browser: through the server's own proxy, by path and by host, and through nginx.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    containers, content, docker, in_editor, open, server, tried,
    web::{in_browser, lacks_a_browser},
};
use crate::support::{
    Client,
    nginx::{lacks_nginx, nginx},
};

/// Does what a person would, and fails where the editor does not do its part.
pub(super) async fn person(url: &str, actions: Value) -> Value {
    in_browser("editor.mjs", &json!({"url": url, "actions": actions, "timeout_ms": 180_000})).await
}

pub(super) fn address(base: &str, session: &Value) -> String {
    let text = |name: &str| session[name].as_str().unwrap();
    format!("{base}{}?tkn={}", text("url"), text("token"))
}

async fn close(server: &Client, spider: &str) {
    server.delete(&format!("/spiders/{spider}/code-session")).await.ok();
}

#[tokio::test]
async fn what_is_typed_is_found_again() {
    if lacks_a_browser() {
        return;
    }
    let Some(server) = server(&[]).await else { return };
    let spider = server.spider(json!({"name": "typed"}), &[("main.py", "print(1)\n"), ("lib/helper.py", "")]).await;
    let session = open(&server, &spider).await;
    let url = address(&server.base, &session);
    let actions = json!([{"sees": "lib/helper.py"}, {"open": "main.py"}, {"shows": "print(1)"}, {"type": "# typed"}, {"saved": true}]);
    person(&url, actions).await;
    let synced = server.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    assert_eq!(synced["files_synced"], 1);
    assert!(content(&server, &spider, "main.py").await.unwrap().contains("# typed"));
    // The token is used up.
    let again = reqwest::get(&url).await.unwrap();
    assert_eq!(again.status(), 403);
    close(&server, &spider).await;
    assert_eq!(docker(&["ps", "-aq", "--filter", &format!("name={}", session["id"].as_str().unwrap())]).await, "");
    let next = open(&server, &spider).await;
    let actions = json!([{"open": "main.py"}, {"shows": "# typed"}, {"type": " twice"}, {"saved": true}]);
    person(&address(&server.base, &next), actions).await;
    close(&server, &spider).await;
    assert!(content(&server, &spider, "main.py").await.unwrap().contains("# typed twice"));
}

#[tokio::test]
async fn through_nginx() {
    if lacks_a_browser() || lacks_nginx() {
        return;
    }
    let Some(server) = server(&[("CRAWLHUB_SERVER_TRUSTED_PROXIES", "127.0.0.1")]).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut nginx, base) = nginx(&server.base, folder.path(), "none.invalid").await;
    let spider = server.spider(json!({"name": "nginx"}), &[("main.py", "print(1)\n")]).await;
    let session = open(&server, &spider).await;
    let id = session["id"].as_str().unwrap();
    let anonymous = reqwest::get(format!("{base}/code-server/{id}/")).await.unwrap();
    assert_eq!(anonymous.status(), 401);
    let actions = json!([{"open": "main.py"}, {"type": "# through nginx"}, {"saved": true}]);
    person(&address(&base, &session), actions).await;
    close(&server, &spider).await;
    assert!(content(&server, &spider, "main.py").await.unwrap().contains("# through nginx"));
    nginx.kill().await.unwrap();
}

/// Each editor at a host of its own.
#[tokio::test]
async fn by_host() {
    if lacks_a_browser() {
        return;
    }
    let Some(server) = server(&[("CRAWLHUB_SANDBOX_DOMAIN", "sandbox.localhost")]).await else { return };
    let spider = server.spider(json!({"name": "host"}), &[("main.py", "print(1)\n")]).await;
    let session = open(&server, &spider).await;
    let seen =
        person(&address(&server.base, &session), json!([{"open": "main.py"}, {"type": "# host"}, {"saved": true}]))
            .await;
    let host = format!("{}.sandbox.localhost", session["id"].as_str().unwrap());
    assert!(seen["url"].as_str().unwrap().contains(&host), "{seen}");
    close(&server, &spider).await;
    assert!(content(&server, &spider, "main.py").await.unwrap().contains("# host"));
}

/// What the fake cannot show: the real programs that list, read and write a workspace.
#[tokio::test]
async fn files_move_both_ways() {
    let limits = [("CRAWLHUB_SPIDERS_MAX_FILES", "3000"), ("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "30000000")];
    let Some(server) = server(&limits).await else { return };
    let spider =
        server.spider(json!({"name": "files"}), &[("main.py", "1"), ("old/name.py", "moved"), ("gone.py", "")]).await;
    let session = open(&server, &spider).await;
    let sync = async || server.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await;
    let commands = "cd /workspace; chmod +x main.py; mkdir -p new 'with space'; mv old/name.py new/name.py; rm gone.py
        for n in $(seq 2000); do echo $n > with\\ space/$n.txt; done; head -c 20000000 /dev/urandom > large.bin
        printf '#!/bin/sh\\n' > run.sh; chmod 755 run.sh; ln -s /etc/passwd link; ln -s main.py inside; mkfifo pipe
        mkdir -p node_modules/x .venv/lib __pycache__ .git; echo x | tee node_modules/x/y .venv/lib/z __pycache__/a.pyc .git/HEAD
        printf 'x' > \"$(printf 'bad\\001name')\"; echo 爬虫 > 爬虫.txt";
    in_editor(&session, commands).await;
    let synced = sync().await.data();
    // The bit, the rename's two ends, the file that went, and 2,003 new ones.
    assert_eq!(synced["files_synced"], 2000 + 1 + 2 + 1 + 3);
    let skipped: Vec<&str> =
        synced["skipped"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    let files = server.get(&format!("/spiders/{spider}/files")).await.data();
    let find = |path: &str| files.as_array().unwrap().iter().find(|file| file["path"] == path).cloned().unwrap();
    assert_eq!(files.as_array().unwrap().len(), 2005);
    assert_eq!((&find("main.py")["executable"], &find("run.sh")["executable"]), (&json!(true), &json!(true)));
    assert_eq!(find("large.bin")["size"], 20_000_000);
    assert_eq!(content(&server, &spider, "爬虫.txt").await.unwrap(), "爬虫\n");
    assert_eq!(sync().await.data()["files_synced"], 0);
    // From the server into the editor: a file, a change, a removal.
    server
        .post(
            &format!("/spiders/{spider}/files/new"),
            json!({"path": "deep/er/new.py", "content": "x", "executable": true}),
        )
        .await
        .ok();
    server
        .put(
            &format!("/spiders/{spider}/files/{}", find("run.sh")["id"].as_str().unwrap()),
            json!({"content": "theirs"}),
        )
        .await
        .ok();
    server.delete(&format!("/spiders/{spider}/files/{}", find("large.bin")["id"].as_str().unwrap())).await.ok();
    assert_eq!(sync().await.data()["files_synced"], 3);
    let seen = in_editor(
        &session,
        "cd /workspace; stat -c '%U %a %s' deep/er/new.py; cat run.sh; test -e large.bin || echo gone",
    )
    .await;
    assert_eq!(seen, "coder 755 1\ntheirsgone");
    // What the editor's user cannot read is not removed; second names are files, also where the first one is left out.
    in_editor(&session, "cd /workspace; chmod 000 deep; ln run.sh twin.sh; ln node_modules/x/y second").await;
    assert_eq!(sync().await.error(409), "workspace_unreadable");
    in_editor(&session, "cd /workspace; chmod 755 deep; chmod 000 new/name.py").await;
    assert_eq!(sync().await.error(409), "workspace_moves");
    in_editor(&session, "cd /workspace; chmod 644 new/name.py").await;
    assert_eq!(sync().await.data()["files_synced"], 2);
    assert_eq!(content(&server, &spider, "second").await.unwrap(), "x\n");
    // Too much of it: nothing is written, and closing keeps the editor.
    in_editor(&session, "cd /workspace; for n in $(seq 1200); do echo $n > more$n.txt; done").await;
    assert_eq!(sync().await.error(413), "too_many_files");
    assert_eq!(server.delete(&format!("/spiders/{spider}/code-session")).await.error(409), "sync_failed");
    assert_eq!(server.get(&format!("/spiders/{spider}/files")).await.data().as_array().unwrap().len(), 2007);
    let commands = "cd /workspace; rm more*.txt; echo last > last.txt; rm -rf 'with space'; ln last.txt again.txt";
    in_editor(&session, commands).await;
    close(&server, &spider).await;
    let files = server.get(&format!("/spiders/{spider}/files")).await.data();
    let paths: Vec<&str> = files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 9, "{paths:?}");
    assert_eq!(content(&server, &spider, "again.txt").await.unwrap(), "last\n");
}

/// Whatever becomes of an editor of the pool: who asks gets one that works.
#[tokio::test]
async fn a_dead_editor_in_the_pool() {
    let Some(mut server) = server(&[("CRAWLHUB_CODE_SESSIONS_WARM", "1")]).await else { return };
    let spider = server.spider(json!({"name": "pool"}), &[("main.py", "1")]).await;
    let pooled = async || loop {
        if let [id] = &containers("crawlhub.limits").await[..]
            && tried(&["exec", id, "curl", "-fs", "-o", "/dev/null", "localhost:8080/healthz"]).await.is_ok()
        {
            // It is written down once its page has answered as well.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return id.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for command in [&["kill"][..], &["rm", "--force"], &["pause"], &["exec", "", "pkill", "-STOP", "-f", "node"]] {
        let id = pooled().await;
        let words: Vec<&str> = command.iter().map(|word| if word.is_empty() { &id } else { *word }).collect();
        docker(&if words.contains(&"exec") { words } else { [&words[..], &[&id]].concat() }).await;
        let session = open(&server, &spider).await;
        assert_eq!(session["status"], "ready", "{command:?}");
        assert_eq!(in_editor(&session, "cat /workspace/main.py; hostname").await, format!("1{}", own(&session).await));
        assert_ne!(own(&session).await, id[..12], "{command:?}");
        close(&server, &spider).await;
    }
    pooled().await;
    server.child.kill().await.unwrap();
    for id in containers("crawlhub.limits").await {
        docker(&["rm", "--force", &id]).await;
    }
}

/// The id of the session's container, as it calls itself.
async fn own(session: &Value) -> String {
    let name = format!("code-server-{}", session["id"].as_str().unwrap());
    docker(&["inspect", "-f", "{{.Config.Hostname}}", &name]).await
}
