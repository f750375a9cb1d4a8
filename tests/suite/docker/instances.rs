//! Instances on a real engine: by their names through the server's own proxy, through nginx, in a browser.

use std::{net::TcpListener, process::Stdio, time::Duration};

use crawlhub::platform::containers::fake::WEB;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use super::{
    docker, server,
    web::{in_browser, lacks_a_browser},
    workspaces::processes,
};
use crate::support::{
    Client, ServerProcess, Socket, TestApp, free_port,
    nginx::{filled, lacks_nginx, nginx, nginx_with},
    wire::{Said, ask, is_ended, open_socket},
};

const PAGE: &str = include_str!("page.py");
const IMAGE: &str = "crawlhub-spider:latest";

pub(super) const ALLOWED: (&str, &str) = ("CRAWLHUB_INSTANCES_IMAGES", IMAGE);

/// One whose program is `page.py`, once it answers.
pub(super) async fn running(server: &Client, mut new: Value) -> Value {
    new["command"] = json!(["python3", "-u", "-c", PAGE]);
    let made = server.post("/instances", new).await.data();
    reaches(server, made["prefix"].as_str().unwrap(), "running").await
}

pub(super) async fn reaches(server: &Client, prefix: &str, status: &str) -> Value {
    let path = format!("/instances/{prefix}");
    for _ in 0..600 {
        let instance = server.get(&path).await.data();
        if instance["status"] == status {
            return instance;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never {status}: {}", server.get(&path).await.data());
}

pub(super) async fn page(base: &str, host: &str, path: &str, cookie: &str) -> Said {
    ask(base, "GET", path, &[("Host", host), ("Cookie", cookie)], b"").await
}

/// Its host, as `base` serves it, and the cookie that a ticket becomes there.
async fn enter(server: &Client, base: &str, prefix: &str) -> (String, String) {
    let url = server.post(&format!("/instances/{prefix}/open"), json!({})).await.data();
    let (host, path) = url["url"].as_str().unwrap().trim_start_matches("http://").split_once('/').unwrap();
    let entered = page(base, host, &format!("/{path}"), "").await;
    assert_eq!(entered.status, 303, "{entered:?}");
    (host.to_owned(), entered.header("set-cookie").split(';').next().unwrap().to_owned())
}

/// A frame of a WebSocket there, and back.
async fn echoes(socket: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    socket.write_all(b"\x81\x85\0\0\0\0hello").await.unwrap();
    let mut heard = [0; 7];
    socket.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"\x81\x05hello");
}

/// Through whatever stands at `base`: pages, cookies, sockets, and who gets in.
async fn by_name(server: &ServerProcess, base: &str) {
    let (host, cookie) = enter(server, base, "private1").await;
    let said = page(base, &host, "/a%2Fb?x=1", &format!("{cookie}; mine=2; admin_access_token=no")).await;
    let heard = said.json();
    assert_eq!((&heard["path"], &heard["headers"]["host"]), (&json!("/a%2Fb?x=1"), &json!(host)), "{said:?}");
    assert_eq!(heard["headers"]["cookie"], "mine=2");
    let set = said.header("set-cookie").to_lowercase();
    assert!(set.starts_with("basket=1") && !set.contains("domain=localhost"), "{set}");
    assert_eq!(heard["headers"]["authorization"], Value::Null);
    let token = format!("Bearer {}", server.token.as_deref().unwrap());
    let headers = [("Host", &*host), ("Cookie", &*cookie), ("Authorization", &*token)];
    assert_eq!(ask(base, "POST", "/x", &headers, b"body").await.json()["headers"]["authorization"], Value::Null);

    let unknown = page(base, "unknown1.apps.localhost", "/", "").await;
    assert_eq!(unknown.status, 404);
    for host in [&*host, "private1.apps.localhost.", "PRIVATE1.apps.localhost:1", "a.private1.apps.localhost"] {
        let stranger = page(base, host, "/", "crawlhub_instance=forged").await;
        assert_eq!(stranger.status, 404, "{host}");
    }
    assert_eq!(page(base, "PUBLIC12.apps.localhost", "/x", "").await.status, 200);

    let open = async |headers: &[(&str, &str)]| open_socket(base, "/socket", headers).await;
    let elsewhere = [("Host", &*host), ("Cookie", &*cookie), ("Origin", "http://public12.apps.localhost")];
    assert_eq!(open(&elsewhere).await.0.status, 403, "another instance's page");
    assert_eq!(open(&[("Host", &*host)]).await.0.status, 404, "a stranger");
    let (said, mut socket) = open(&[("Host", &*host), ("Cookie", &*cookie)]).await;
    assert_eq!(said.status, 101, "{said:?}");
    echoes(&mut socket).await;
    let (_, mut public) = open(&[("Host", "public12.apps.localhost")]).await;
    echoes(&mut public).await;
    server.put("/instances/public12", json!({"public": false})).await.ok();
    assert!(is_ended(&mut public).await);
    assert_eq!(page(base, "public12.apps.localhost", "/x", "").await.status, 404);
    server.put("/instances/public12", json!({"public": true})).await.ok();
    assert_eq!(page(base, "public12.apps.localhost", "/x", "").await.status, 200);
    server.post("/instances/private1/stop", json!({})).await.ok();
    assert!(is_ended(&mut socket).await);
    assert_eq!(page(base, &host, "/", &cookie).await.error(503), "instance_stopped");
    server.post("/instances/private1/start", json!({})).await.ok();
    reaches(server, "private1", "running").await;
    assert_eq!(page(base, &host, "/", &cookie).await.status, 200, "live at once");
}

#[tokio::test]
async fn by_name_through_the_server_and_through_nginx() {
    let settings = [
        ALLOWED,
        ("CRAWLHUB_SANDBOX_DOMAIN", "apps.localhost"),
        ("CRAWLHUB_SERVER_TRUSTED_PROXIES", "127.0.0.1"),
        ("CRAWLHUB_INSTANCES_PORTS", "5300-5319"),
    ];
    let Some(server) = server(&settings).await else { return };
    running(&server, json!({"prefix": "private1", "env": {"API_KEY": "k"}})).await;
    running(&server, json!({"prefix": "public12", "public": true, "memory_mb": 128, "cpus": 0.5})).await;
    let name = docker(&["ps", "--filter", "label=crawlhub.instance=public12", "--format", "{{.Names}}"]).await;
    let limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.Config.User}} \
                  {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}} {{len .Mounts}}";
    assert_eq!(docker(&["inspect", "-f", limits, &name]).await, "134217728 500000000 256 1000:1000 [ALL] false 0");
    by_name(&server, &server.base).await;
    // What it wrote is there after it was stopped.
    let (host, cookie) = enter(&server, &server.base, "private1").await;
    page(&server.base, &host, "/write", &cookie).await;
    server.post("/instances/private1/stop", json!({})).await.ok();
    server.post("/instances/private1/start", json!({})).await.ok();
    reaches(&server, "private1", "running").await;
    assert_eq!(page(&server.base, &host, "/x", &cookie).await.json()["kept"], 1);
    if !lacks_nginx() {
        let folder = tempfile::tempdir().unwrap();
        let (mut nginx, base) = nginx(&server.base, folder.path(), "apps.localhost").await;
        by_name(&server, &base).await;
        nginx.kill().await.unwrap();
    }
    for prefix in ["private1", "public12"] {
        server.delete(&format!("/instances/{prefix}")).await.ok();
        assert_eq!(docker(&["ps", "-aq", "--filter", &format!("label=crawlhub.instance={prefix}")]).await, "");
    }
}

/// The example beside the template: a wildcard certificate. What stands for a container needs no engine.
#[tokio::test]
async fn by_name_over_https() {
    if lacks_nginx() {
        return;
    }
    let port = free_port();
    let public = format!("https://localhost:{port}");
    let settings = [
        ("CRAWLHUB_INSTANCES_IMAGES", WEB),
        ("CRAWLHUB_INSTANCES_PORTS", "5320-5329"),
        ("CRAWLHUB_SANDBOX_DOMAIN", "apps.localhost"),
        ("CRAWLHUB_SERVER_TRUSTED_PROXIES", "127.0.0.1"),
        ("CRAWLHUB_PUBLIC_URL", &*public),
    ];
    let app = TestApp::with(&settings).await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let names = "subjectAltName=DNS:localhost,DNS:*.apps.localhost";
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=apps.localhost", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &format!("{place}/privkey.pem"), "-out", &format!("{place}/fullchain.pem")])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let site = filled("crawlhub.conf", &app.base, &format!("127.0.0.1:{port} ssl"), "apps.localhost");
    let plain = free_port();
    let https = filled("https.conf", &app.base, "", "")
        .replace("/etc/nginx/tls", &place)
        .replace("listen 80 ", &format!("listen 127.0.0.1:{plain} "));
    let files = [("https.conf", https), ("crawlhub.conf", site)];
    let mut nginx = nginx_with(folder.path(), &files, port).await;
    app.post("/instances", json!({"prefix": "overtls1"})).await.ok();
    reaches(&app, "overtls1", "running").await;
    let url = app.post("/instances/overtls1/open", json!({})).await.data()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("https://overtls1.apps.localhost:{port}/?tkn=")), "{url}");
    // As curl sees it, which believes this certificate alone, and sends the cookies that a browser would.
    let curl = async |more: &[&str]| {
        let certificate = format!("{place}/fullchain.pem");
        let jar = format!("{place}/jar");
        let resolved = format!("overtls1.apps.localhost:{port}:127.0.0.1");
        let own = ["--silent", "--show-error", "--cacert", &certificate, "--cookie", &jar, "--cookie-jar", &jar];
        let own = own.into_iter().chain(["--resolve", &resolved, "--noproxy", "*"]).chain(more.iter().copied());
        let done = Command::new("curl").args(own).stdin(Stdio::null()).output().await.unwrap();
        assert!(done.status.success(), "{more:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let entered = curl(&["--include", &url]).await.to_lowercase();
    assert!(entered.contains("set-cookie: __host-crawlhub_instance=") && entered.contains("; secure"), "{entered}");
    let heard = curl(&[&format!("https://overtls1.apps.localhost:{port}/x")]).await;
    let heard: Value = serde_json::from_str(&heard).unwrap();
    assert_eq!((&heard["uri"], &heard["headers"]["x-forwarded-proto"]), (&json!("/x"), &json!("https")), "{heard}");
    assert_eq!(heard["headers"]["cookie"], Value::Null);
    let moved = page(&format!("http://127.0.0.1:{plain}"), "overtls1.apps.localhost", "/x", "").await;
    assert_eq!((moved.status, moved.header("location")), (308, "https://overtls1.apps.localhost/x"));
    nginx.kill().await.unwrap();
}

/// Without any domain: browsers lead `*.localhost` here.
#[tokio::test]
async fn in_a_browser() {
    if lacks_a_browser() {
        return;
    }
    let Some(server) = server(&[ALLOWED, ("CRAWLHUB_INSTANCES_PORTS", "5330-5339")]).await else { return };
    running(&server, json!({"prefix": "inbrowser"})).await;
    let evil = running(&server, json!({"prefix": "elsewhere", "public": true})).await;
    let url = server.post("/instances/inbrowser/open", json!({})).await.data()["url"].clone();
    let seen = in_browser("instance.mjs", &json!({"url": url, "elsewhere": evil["url"]})).await;
    assert_eq!((&seen["status"], &seen["echo"]), (&json!(200), &json!("hello")), "{seen}");
    assert!(!seen["url"].as_str().unwrap().contains("tkn"), "{seen}");
    assert_eq!(seen["script"], "basket=1", "ours is not for scripts");
    assert_eq!(seen["cookie"], "basket=1", "nor for the program");
    assert_eq!(seen["elsewhere"], json!({"socket": "refused", "page": "refused"}));
    for cookie in seen["cookies"].as_array().unwrap() {
        let domain = cookie["domain"].as_str().unwrap();
        assert!(["inbrowser.localhost", "elsewhere.localhost"].contains(&domain), "of one host alone: {cookie}");
        assert_eq!(cookie["httpOnly"], cookie["name"] == "crawlhub_instance", "{cookie}");
    }
    let again = in_browser("instance.mjs", &json!({"url": url})).await;
    assert_eq!(again["status"], 403, "{again}");
}

/// What was started in one ends with it, however it hides; another's goes on, also where another server has it.
#[tokio::test]
async fn terminals() {
    let Some(server) = server(&[ALLOWED, ("CRAWLHUB_INSTANCES_PORTS", "5350-5359")]).await else { return };
    running(&server, json!({"prefix": "withshell"})).await;
    let bearer = format!("Bearer {}", server.token.as_ref().unwrap());
    let path = "/platform/api/crawlhub/instances/withshell/terminal?cols=90&rows=25";
    let open = async || Socket::open(&server.base, path, &[("authorization", &*bearer)]).await.unwrap();
    let (mut first, mut second) = (open().await, open().await);
    first.until("stty size; id -u\n", "25 90\r\n1000").await;
    first.say(&json!({"resize": {"cols": 120, "rows": 40}})).await;
    first.until("stty size\n", "40 120").await;
    first.until("(setsid env -i sleep 601 >/dev/null 2>&1 &); sleep 602 & echo sta''rted\n", "started").await;
    second.until("sleep 603 & echo sta''rted\n", "started").await;
    // As one of another server.
    let name = docker(&["ps", "--filter", "label=crawlhub.instance=withshell", "--format", "{{.Names}}"]).await;
    docker(&[
        "exec",
        "-d",
        &name,
        "sh",
        "-c",
        "ulimit -t 1500000000; ulimit -x 500000000 || ulimit -w 500000000; exec sleep 604",
    ])
    .await;
    let sleeping = async || {
        let mut found = processes("crawlhub.instance=withshell").await;
        found.retain(|line| line.starts_with("sleep"));
        found.sort();
        found
    };
    while sleeping().await.len() < 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(first);
    while sleeping().await.len() > 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sleeping().await, ["sleep 603", "sleep 604"]);
    second.until("echo sti''ll\n", "still").await;
    server.post("/instances/withshell/stop", json!({})).await.ok();
    second.ended().await;
}

#[tokio::test]
async fn one_that_ends_and_ports_that_are_taken() {
    let Some(server) = server(&[ALLOWED, ("CRAWLHUB_INSTANCES_PORTS", "5340-5349")]).await else { return };
    let outside = TcpListener::bind("127.0.0.1:5340").unwrap();
    let up = running(&server, json!({"prefix": "endsitself", "public": true})).await;
    assert_eq!(up["port"], 5341, "it moves on by itself");
    let asked = server.post("/instances", json!({"port": 5340})).await;
    assert_eq!(asked.error(409), "port_taken");
    assert!(asked.text.contains("5342"), "{}", asked.text);
    drop(outside);
    // Its port is taken while it does not run: its files are worth more than another port.
    server.post("/instances/endsitself/stop", json!({})).await.ok();
    let outside = TcpListener::bind("127.0.0.1:5341").unwrap();
    server.post("/instances/endsitself/start", json!({})).await.ok();
    let failed = reaches(&server, "endsitself", "error").await;
    assert!(failed["error_message"].as_str().unwrap().contains("5341"), "{failed}");
    drop(outside);
    server.post("/instances/endsitself/start", json!({})).await.ok();
    reaches(&server, "endsitself", "running").await;
    let host = "endsitself.localhost";
    for times in 1..=3 {
        page(&server.base, host, "/end", "").await;
        server.eventually("/instances/endsitself", |instance| instance["restarts"] == times).await;
        let up = reaches(&server, "endsitself", "running").await;
        assert_eq!(up["restarts"], times);
        assert_eq!(page(&server.base, host, "/x", "").await.status, 200);
    }
    page(&server.base, host, "/end", "").await;
    let failed = reaches(&server, "endsitself", "error").await;
    assert!(failed["error_message"].as_str().unwrap().contains("it ends by itself"), "{failed}");
    server.eventually("/alerts?type=instance", |alerts| alerts["total"].as_i64() >= Some(1)).await;
    let log = server.get("/instances/endsitself/logs?last=10").await.data();
    assert!(log["log"].as_str().unwrap().contains("it ends by itself"), "{log}");
    server.delete("/instances/endsitself").await.ok();
}
