//! Debian's nginx, with the repository's own configuration.

use std::{fmt::Write, path::Path, time::Duration};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use super::{free_port, skip_unless};

const NGINX: &str = "/usr/sbin/nginx";
/// From where a balancer would call nginx.
pub const BALANCER: &str = "127.0.0.9";

pub fn lacks_nginx() -> bool {
    skip_unless(Path::new(NGINX).exists(), "nginx")
}

/// The repository's own file, with what its README leaves to the operator.
pub fn filled(file: &str, server: &str, listen: &str, domain: &str) -> String {
    let template = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("nginx").join(file)).unwrap();
    template
        .replace("${CRAWLHUB_SERVER}", server.trim_start_matches("http://"))
        .replace("${CRAWLHUB_LISTEN}", listen)
        .replace("${CRAWLHUB_HOST}", "127.0.0.1 localhost")
        .replace("${CRAWLHUB_SANDBOX_DOMAIN}", domain)
        .replace("${CRAWLHUB_BALANCER}", BALANCER)
}

/// nginx with these files of its `http` block, once it listens at the port. One process, so that it ends with the test.
pub async fn nginx_with(folder: &Path, files: &[(&str, String)], port: u16) -> Child {
    let place = folder.display();
    let mut includes = String::new();
    for (name, text) in files {
        let text = text.replace("/var/log/nginx/", &format!("{place}/"));
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
    let mut child = command.spawn().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(child.try_wait().unwrap().is_none(), "nginx has ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

/// nginx in front of a server, or of several (`a:1; server b:2`); its address.
pub async fn nginx(server: &str, folder: &Path, domain: &str) -> (Child, String) {
    let port = free_port();
    let site = filled("crawlhub.conf", server, &format!("127.0.0.1:{port}"), domain);
    let child = nginx_with(folder, &[("crawlhub.conf", site)], port).await;
    (child, format!("http://127.0.0.1:{port}"))
}
