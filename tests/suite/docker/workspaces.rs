//! Workspaces on a real engine: what holds whoever is in one, and what ends them.

use std::time::{Duration, Instant};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{containers, docker, server, server_in};
use crate::support::{Client, ServerProcess, Socket};

async fn exec(server: &Client, body: Value) -> Value {
    server.post("/workspace/exec", body).await.data()
}

async fn said(server: &Client, command: &str) -> String {
    let done = exec(server, json!({"command": command})).await;
    assert_eq!(done["exit_code"], 0, "{command}: {done}");
    done["stdout"].as_str().unwrap().trim_end().to_owned()
}

/// The label of the user's containers and volumes.
async fn label(server: &Client) -> String {
    format!("crawlhub.workspace={}", server.get("/workspace").await.data()["id"].as_str().unwrap())
}

/// What runs in containers of the label, besides what is theirs.
pub(super) async fn processes(label: &str) -> Vec<String> {
    let mut found = Vec::new();
    for container in containers(label).await {
        let mut top = Command::new("docker");
        // One may be going just now.
        let top = top.args(["top", &container, "-eo", "pid,args"]).output().await.unwrap();
        let lines = String::from_utf8(top.stdout).unwrap();
        found.extend(lines.lines().skip(1).map(|line| line.trim().split_once(' ').unwrap().1.trim().to_owned()));
    }
    // Nor what counts its files, nor what is dead and waits to be told so.
    let own = ["docker-init", "runc init", "find . -xdev", "du -s"];
    found
        .retain(|line| !own.iter().any(|own| line.contains(own)) && line != "sleep infinity" && !line.starts_with('['));
    found
}

async fn nothing_runs(label: &str) {
    let give_up = Instant::now() + Duration::from_mins(1);
    while !processes(label).await.is_empty() {
        assert!(Instant::now() < give_up, "{:?}", processes(label).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is inside of one, and what is not.
const LOOK: &str = r#"
id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | tr -d '\t'
ls /sys/class/net
(exec 3<>/dev/tcp/1.1.1.1/53) 2>/dev/null || echo no network
touch /etc/x 2>/dev/null || echo read only
echo 'echo runs' > /tmp/x && sh /tmp/x; df -m /tmp | tail -1 | tr -s ' ' | cut -d ' ' -f 2
awk '$2 !~ "^/(proc|sys|dev|tmp|etc/(resolv.conf|hostname|hosts)|usr/sbin/docker-init)" {print $2}' /proc/mounts | sort
ulimit -n; echo $HOME; pwd; stat -c %u .; ls /var/run/docker.sock 2>/dev/null; env | grep -i -c -E 'docker|database' "#;

#[tokio::test]
async fn what_is_in_reach() {
    let Some(server) = server(&[]).await else { return };
    let expected = "1000\nCapBnd:0000000000000000\nCapEff:0000000000000000\nNoNewPrivs:1\nlo\nno network\nread only\nruns\n64\n\
                    /\n/workspace\n8192\n/workspace\n/workspace\n1000\n0";
    let expected = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        let mut wanted: Vec<&str> = expected.lines().collect();
        wanted.sort_unstable();
        assert_eq!(lines, wanted);
    };
    for mode in ["persistent", "ephemeral"] {
        let done = exec(&server, json!({"command": LOOK, "mode": mode})).await;
        expected(done["stdout"].as_str().unwrap());
        let done = exec(&server, json!({"command": "echo x > /tmp/kept; ls /tmp | wc -l", "mode": mode})).await;
        assert_eq!(done["stdout"], if mode == "persistent" { "2\n" } else { "1\n" });
    }
    let label = &label(&server).await;
    let [container] = &containers(label).await[..] else { panic!("one container") };
    let inspected: Value = serde_json::from_str(&docker(&["inspect", container]).await).unwrap();
    let host = &inspected[0]["HostConfig"];
    for (name, value) in [
        ("Memory", json!(512 << 20)),
        ("MemorySwap", json!(512 << 20)),
        ("NanoCpus", json!(1_000_000_000)),
        ("PidsLimit", json!(128)),
        ("ReadonlyRootfs", json!(true)),
        ("NetworkMode", json!("none")),
        ("Binds", Value::Null),
        ("Privileged", json!(false)),
    ] {
        assert_eq!(host[name], value, "{name}");
    }
    assert_eq!(inspected[0]["Mounts"].as_array().unwrap().len(), 1);
    // Files through the same door, by any name, and large ones.
    let large = vec![7_u8; 30_000_000];
    server.upload("/workspace/files/upload", "大 file", large, &[("path", "深/er/")]).await.ok();
    assert_eq!(said(&server, "stat -c '%s %u' '深/er/大 file'").await, "30000000 1000");
    let got = server.get("/workspace/files/download?path=%E6%B7%B1/er/%E5%A4%A7%20file").await;
    assert_eq!(got.headers["content-length"], "30000000");
    assert_eq!(got.text.len(), 30_000_000);
    let too_large = "dd if=/dev/zero of=big bs=1M count=600 2>&1; ls -l big | cut -d ' ' -f 5; rm big";
    assert!(said(&server, too_large).await.contains(&(512_i64 << 20).to_string()));
    assert_eq!(server.get("/workspace/files?path=深").await.data()["files"][0]["is_dir"], true);
    server.delete("/workspace?purge=true").await.ok();
    assert_eq!(containers(label).await, Vec::<String>::new());
    assert_eq!(docker(&["volume", "ls", "-q", "--filter", &format!("label={label}")]).await, "");
}

/// A link in the place of a file, and a file in the place of a link, while it is downloaded.
#[tokio::test]
async fn a_swapped_link() {
    let Some(server) = server(&[]).await else { return };
    said(&server, "mkdir a b; echo own > a/passwd; echo own > passwd; ln -s /etc c").await;
    let swap = "ln -s /etc/passwd l; while true; do mv -T passwd p; mv -T l passwd; mv -T passwd l; mv -T p passwd; \
                mv -T a d; mv -T c a; mv -T a c; mv -T d a; done";
    let swapping = server.client.clone();
    let swapping = tokio::spawn(async move { exec(&swapping, json!({"command": swap, "timeout": 15})).await });
    let mut own = 0;
    while !swapping.is_finished() {
        for path in ["passwd", "a/passwd"] {
            let path = format!("/platform/api/crawlhub/workspace/files/download?path={path}");
            let got = server.request(reqwest::Method::GET, &path).send().await.unwrap();
            let status = got.status();
            // What is no longer the same file ends in the middle.
            let text = got.text().await.unwrap_or_default();
            assert!(!text.contains("root:"), "{path}: {text}");
            own += usize::from(status == 200 && text == "own\n");
        }
    }
    assert!(own > 0);
    assert_eq!(swapping.await.unwrap()["timed_out"], true);
    for (path, status) in [("c/passwd", 404), ("l", 400), ("../etc/passwd", 400), ("/etc/passwd", 400), ("a%00", 400)] {
        let path = format!("/workspace/files/download?path={path}");
        assert!([status, 404].contains(&server.get(&path).await.status.as_u16()), "{path}");
    }
}

/// Whatever it does, its end is an end.
#[tokio::test]
async fn attacks_end() {
    let Some(server) = server(&[("CRAWLHUB_WORKSPACES_MEMORY_MB", "128")]).await else { return };
    let deaf = "trap '' TERM INT HUP QUIT; while true; do sleep 0.2; done";
    let away = "(setsid env -i sh -c 'trap \"\" TERM; while true; do sleep 0.2; done' >/dev/null 2>&1 &) ; sleep 600";
    let many = "f() { f | f & }; f; sleep 600";
    let hopping = "f() { (f &); exit; }; (f &); sleep 600";
    let label = &label(&server).await;
    for mode in ["persistent", "ephemeral"] {
        for attack in [deaf, away, many, hopping] {
            let done = exec(&server, json!({"command": attack, "timeout": 2, "mode": mode})).await;
            assert_eq!(done["timed_out"], true, "{attack}: {done}");
            assert_eq!(processes(label).await, Vec::<String>::new(), "{attack} in {mode}: {done}");
        }
        let greedy = "x = []\nwhile True: x.append(bytearray(10_000_000))";
        let done = exec(&server, json!({"command": format!("python3 -c '{greedy}'"), "mode": mode})).await;
        assert_eq!((&done["exit_code"], &done["timed_out"]), (&json!(137), &json!(false)), "{done}");
    }
    // Beside one that is to live.
    let beside = server.client.clone();
    let beside = tokio::spawn(async move { exec(&beside, json!({"command": "sleep 7; echo lived"})).await });
    for attack in [away, deaf] {
        let done = exec(&server, json!({"command": attack, "timeout": 1})).await;
        assert_eq!((&done["timed_out"], &done["restarted"]), (&json!(true), &json!(false)), "{done}");
    }
    assert_eq!(beside.await.unwrap()["stdout"], "lived\n");
    // What holds its output.
    let done = exec(&server, json!({"command": "sleep 600 & yes > /dev/null & echo done", "timeout": 20})).await;
    assert_eq!((&done["stdout"], &done["timed_out"]), (&json!("done\n"), &json!(false)));
    // Gigabytes of output cost neither memory nor disk.
    for mode in ["persistent", "ephemeral"] {
        let done = exec(&server, json!({"command": "yes 12345678901234567890", "timeout": 5, "mode": mode})).await;
        assert_eq!((&done["truncated"], &done["timed_out"]), (&json!(true), &json!(true)));
        assert!(done["stdout"].as_str().unwrap().len() < 1_200_000);
    }
    assert!(server.peak_memory_mb() < 250, "{} MB", server.peak_memory_mb());
    said(&server, "echo still here").await;
}

#[tokio::test]
async fn terminals_and_a_server_that_dies() {
    let Some(mut server) = server(&[]).await else { return };
    let label = &label(&server).await;
    let bearer = format!("Bearer {}", server.token.as_ref().unwrap());
    let path = "/platform/api/crawlhub/workspace/terminal?cols=90&rows=25";
    let mut socket = Socket::open(&server.base, path, &[("authorization", &bearer)]).await.unwrap();
    socket.until("stty size; tty\n", "25 90").await;
    socket.say(&json!({"resize": {"cols": 120, "rows": 40}})).await;
    socket.until("stty size\n", "40 120").await;
    socket.until("(setsid env -i sleep 600 >/dev/null 2>&1 &); echo sta''rted\n", "started").await;
    socket.until("printf '\\001\\377\\377\\377\\377\\377\\377\\377\\377'; echo af''ter\n", "after").await;
    assert_eq!(processes(label).await.iter().filter(|line| line.contains("sleep 600")).count(), 1);
    drop(socket);
    server.eventually("/workspace", |shown| shown["usage"]["terminals"] == 0).await;
    nothing_runs(label).await;

    // Killed while commands run: nothing of them stays.
    let request = |mode: &str| {
        let body = json!({"command": "sleep 600", "timeout": 600, "mode": mode});
        let path = "/platform/api/crawlhub/workspace/exec";
        tokio::spawn(server.request(reqwest::Method::POST, path).json(&body).send())
    };
    let asked = [request("persistent"), request("ephemeral")];
    while processes(label).await.iter().filter(|line| line.contains("sleep 600")).count() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGKILL).unwrap();
    server.child.wait().await.unwrap();
    drop(asked);
    let ServerProcess { dir, database_url, .. } = server;
    let server = server_in(dir, database_url, &[]).await.unwrap();
    nothing_runs(label).await;
    // What is dead is removed a moment later.
    let give_up = Instant::now() + Duration::from_mins(1);
    while containers(label).await.len() != 1 {
        assert!(Instant::now() < give_up, "not only the one that goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(said(&server, "echo up").await, "up");
}
