//! Three servers behind nginx, those who ask them for something, and those who follow.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Child, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Client, ServerProcess, Settings, free_port,
    nginx::{filled, nginx_with},
};

pub(super) struct Fleet {
    pub servers: Vec<ServerProcess>,
    /// Through nginx.
    pub client: Client,
    settings: Vec<(&'static str, &'static str)>,
    _nginx: Child,
    _folder: TempDir,
}

impl Fleet {
    /// Three servers with data directories of their own, each at an address that it keeps.
    pub(super) async fn start(settings: Settings<'static>) -> Self {
        let addresses: Vec<String> = (0..3).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let at = |address: &str| {
            let listen = ("CRAWLHUB_LISTEN", address.to_owned());
            settings.iter().map(|(name, value)| (*name, (*value).to_owned())).chain([listen]).collect::<Vec<_>>()
        };
        let mut servers: Vec<ServerProcess> = Vec::new();
        for address in &addresses {
            let settings = at(address);
            let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
            servers.push(match servers.first() {
                None => ServerProcess::start(&settings).await,
                Some(first) => first.beside(first.database_url.as_deref().unwrap(), &settings).await,
            });
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let upstream: Vec<String> = addresses.iter().map(|address| format!("{address} fail_timeout=1s")).collect();
        let site = filled("crawlhub.conf", &upstream.join("; server "), &format!("127.0.0.1:{port}"), "none.invalid");
        // As short as the servers' `leave_seconds` are here.
        let site = site.replace("keepalive_timeout 5s", "keepalive_timeout 1s");
        let nginx = nginx_with(folder.path(), &[("crawlhub.conf", site)], port).await;
        let client = Client { base: format!("http://127.0.0.1:{port}"), ..servers[0].client.clone() };
        Self { servers, client, settings: settings.to_vec(), _nginx: nginx, _folder: folder }
    }

    /// Stops one as an operator would, and starts it again where it was.
    pub(super) async fn restart(&mut self, at: usize) {
        let mut server = self.servers.remove(at);
        kill(Pid::from_raw(i32::try_from(server.pid()).unwrap()), Signal::SIGTERM).unwrap();
        assert!(server.child.wait().await.unwrap().success());
        let ServerProcess { dir, database_url, client, .. } = server;
        let address = client.base.trim_start_matches("http://");
        let settings: Vec<(&str, &str)> = self.settings.iter().copied().chain([("CRAWLHUB_LISTEN", address)]).collect();
        let server = ServerProcess::start_in(dir, database_url, &settings).await;
        // nginx has found it.
        while self.client.send(self.client.request(Method::GET, "/healthz")).await.json()["pid"] != server.pid() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.servers.insert(at, server);
    }
}

/// Users who ask for this and that until they are told to stop.
pub(super) struct Load {
    stop: CancellationToken,
    users: JoinSet<Done>,
}

#[derive(Debug, Default)]
pub(super) struct Done {
    pub asked: usize,
    /// Names of the projects that were made.
    pub made: Vec<String>,
    pub failures: Vec<String>,
}

impl Load {
    /// `changing`: they also make projects.
    pub(super) fn begin(client: &Client, users: usize, changing: bool) -> Self {
        let stop = CancellationToken::new();
        let mut load = JoinSet::new();
        for user in 0..users {
            let (client, stop) = (client.clone(), stop.clone());
            load.spawn(async move {
                let mut done = Done::default();
                while !stop.is_cancelled() {
                    let name = format!("{user}-{}", done.asked);
                    let request = match done.asked % 4 {
                        0 if changing => client
                            .request(Method::POST, "/platform/api/crawlhub/projects")
                            .json(&json!({"name": name, "description": "x".repeat(2000)})),
                        1 => client.request(Method::GET, "/platform/api/crawlhub/tasks?page_size=5"),
                        2 => client.request(Method::GET, "/platform/api/crawlhub/spiders?page_size=5"),
                        _ => client.request(Method::GET, "/platform/api/account/profile"),
                    };
                    let makes = changing && done.asked % 4 == 0;
                    done.asked += 1;
                    match request.send().await {
                        Ok(answer) if answer.status() == 200 => {
                            if makes {
                                done.made.push(name);
                            }
                        }
                        Ok(answer) => done.failures.push(format!("{}: {:?}", answer.status(), answer.text().await)),
                        Err(error) => done.failures.push(format!("{error:?}")),
                    }
                    // People are slower than loops.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                done
            });
        }
        Self { stop, users: load }
    }

    pub(super) async fn end(mut self) -> Done {
        self.stop.cancel();
        let mut all = Done::default();
        while let Some(done) = self.users.join_next().await {
            let done = done.unwrap();
            all.asked += done.asked;
            all.made.extend(done.made);
            all.failures.extend(done.failures);
        }
        all
    }
}

/// The places of all lines of a log, as a browser gets them: where it is cut off, it asks for what comes behind.
pub(super) async fn follow(client: Client, task: String) -> Vec<i64> {
    let mut places: Vec<i64> = Vec::new();
    loop {
        let path = format!("/platform/api/crawlhub/tasks/{task}/logs/stream");
        let last = places.last().copied().unwrap_or(0);
        let request = client.request(Method::GET, &path).header("last-event-id", last.to_string());
        let mut text = String::new();
        if let Ok(mut response) = request.send().await {
            while let Ok(Some(piece)) = response.chunk().await {
                text.push_str(&String::from_utf8_lossy(&piece));
                // Half an event is none.
                while let Some((event, rest)) = text.split_once("\n\n") {
                    if event.contains("event: end") {
                        return places;
                    }
                    places.extend(event.lines().filter_map(|line| line.strip_prefix("id: ")?.parse::<i64>().ok()));
                    text = rest.to_owned();
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A spider that finds `0..count`, each once whoever runs it however often, and says so.
pub(super) async fn counting(client: &Client, count: usize) -> String {
    let script = format!(
        "import time\nfrom crawlhub import save_item\nfor n in range({count}):\n    save_item({{'n': n}})\n    \
         if n % 10 == 0: print('line', n, flush=True)\n    time.sleep(0.02)"
    );
    let fields = json!({"name": "counts", "max_retries": 5, "retry_delay_seconds": 0, "dedup_enabled": true, "dedup_fields": "n"});
    client.spider(fields, &[("main.py", &script)]).await
}

/// It came to its end, with every item counted once, and its log came whole to whoever followed.
pub(super) async fn assert_whole(client: &Client, task: &str, count: usize, followed: &[i64]) -> Value {
    let ended = client.ended(task).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let mut items: Vec<u64> = client.items(task).await.iter().map(|item| item["n"].as_u64().unwrap()).collect();
    items.sort_unstable();
    assert_eq!(items, (0..count as u64).collect::<Vec<_>>(), "{ended}");
    assert_eq!(ended["success_count"], count, "{ended}");
    let lines: Vec<i64> = client.lines(task).await.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert_eq!(followed, lines, "{ended}");
    ended
}
