//! What stands between a container and a person: nginx, and a browser.

use std::{fmt::Write, path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::support::skip_unless;

const NGINX: &str = "/usr/sbin/nginx";

pub(super) fn lacks_nginx() -> bool {
    skip_unless(Path::new(NGINX).exists(), "nginx")
}

pub(super) fn lacks_a_browser() -> bool {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].iter().any(|path| Path::new(path).exists());
    skip_unless(chromium && std::env::var_os("TEST_PLAYWRIGHT").is_some(), "chromium and playwright-core")
}

/// What a script of `tests/browser` says that came of it.
pub(super) async fn in_browser(script: &str, order: &Value) -> Value {
    let node = std::env::var("TEST_NODE").unwrap_or_else(|_| "node".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let run = Command::new(node).arg(script).arg(order.to_string()).stdin(Stdio::null()).kill_on_drop(true).output();
    let done = tokio::time::timeout(Duration::from_mins(4), run).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The repository's own file, with what its README leaves to the operator.
pub(super) fn filled(file: &str, server: &str, listen: &str, domain: &str) -> String {
    let template = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("nginx").join(file)).unwrap();
    template
        .replace("${CRAWLHUB_SERVER}", server.trim_start_matches("http://"))
        .replace("${CRAWLHUB_LISTEN}", listen)
        .replace("${CRAWLHUB_HOST}", "127.0.0.1 localhost")
        .replace("${CRAWLHUB_SANDBOX_DOMAIN}", domain)
}

pub(super) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// nginx with these files of its `http` block, once it listens at the port. One process, so that it ends with the test.
pub(super) async fn nginx_with(folder: &Path, files: &[(&str, String)], port: u16) -> Child {
    let place = folder.display();
    let mut includes = String::new();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
        let _ = write!(includes, "include {place}/{name}; ");
    }
    let main = format!(
        "daemon off; master_process off; pid {place}/pid; error_log stderr warn;
         events {{ worker_connections 512; }}
         http {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p;
           fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s; {includes} }}"
    );
    std::fs::write(folder.join("nginx.conf"), main).unwrap();
    let mut command = Command::new(NGINX);
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(folder.join("nginx.conf")).kill_on_drop(true);
    let child = command.spawn().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

/// nginx in front of a server; its address.
pub(super) async fn nginx(server: &str, folder: &Path, domain: &str) -> (Child, String) {
    let port = free_port();
    let site = filled("crawlhub.conf", server, &format!("127.0.0.1:{port}"), domain);
    let child = nginx_with(folder, &[("crawlhub.conf", site)], port).await;
    (child, format!("http://127.0.0.1:{port}"))
}
