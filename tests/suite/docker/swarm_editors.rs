//! Editors as services of a swarm of three real engines, and a server on their overlay network.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    content,
    editor::{address, person},
    open,
    swarm::Swarm,
    web::lacks_a_browser,
};
use crate::support::{ServerProcess, Settings};

const NETWORK: &str = "crawlhub-editors";
const PORT: u16 = 8000;
/// Longer than the time after which all is looked at anyway.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server where a container of the swarm is, which is reached at its machine's address.
async fn server(swarm: &Swarm, settings: Settings<'_>) -> ServerProcess {
    let networks = swarm.docker(1, &["network", "ls", "--quiet", "--filter", &format!("name={NETWORK}")]).await;
    if networks.is_empty() {
        swarm.docker(1, &["network", "create", "--driver", "overlay", "--attachable", NETWORK]).await;
    }
    let published = format!("{PORT}:{PORT}");
    let words = ["run", "--detach", "--network", NETWORK, "--publish", &published, "--entrypoint", "sleep"];
    let place = swarm.docker(1, &[&words[..], &["crawlhub:latest", "infinity"]].concat()).await;
    let pid = swarm.docker(1, &["inspect", "--format", "{{.State.Pid}}", &place]).await;
    let own = [
        ("CRAWLHUB_LISTEN", format!("0.0.0.0:{PORT}")),
        ("CRAWLHUB_CODE_SESSIONS_RUNNER", "swarm".to_owned()),
        ("CRAWLHUB_SWARM_HOST", swarm.host(1)),
        ("CRAWLHUB_SWARM_ENGINES", "https://{address}:2376".to_owned()),
        ("DOCKER_CERT_PATH", swarm.path("tls")),
    ];
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<(&str, &str)> = own.chain(settings.iter().copied()).collect();
    let base = format!("http://{}:{PORT}", swarm.machine_address(1));
    ServerProcess::start_on_network(&format!("/proc/{pid}/ns/net"), &base, &settings).await
}

async fn leave(swarm: &Swarm) {
    for id in swarm.docker(1, &["ps", "--quiet", "--filter", &format!("publish={PORT}")]).await.lines() {
        swarm.docker(1, &["rm", "--force", "--volumes", id]).await;
    }
}

/// The machine that has the editor's container, and the container.
async fn place(swarm: &Swarm, session: &Value) -> (u8, String) {
    let name = format!("name=code-server-{}", session["id"].as_str().unwrap());
    for engine in 1..=3 {
        let found = swarm.docker(engine, &["ps", "--all", "--quiet", "--filter", &name]).await;
        if !found.is_empty() {
            return (engine, found);
        }
    }
    panic!("no machine has {session}");
}

async fn inside(swarm: &Swarm, session: &Value, command: &str) -> String {
    let (engine, container) = place(swarm, session).await;
    swarm.docker(engine, &["exec", &container, "sh", "-c", command]).await
}

#[tokio::test]
async fn editors_are_services() {
    let Some(swarm) = Swarm::find() else { return };
    let server = server(&swarm, &[]).await;
    let first = server.spider(json!({"name": "first"}), &[("main.py", "print(1)\n"), ("lib/helper.py", "x")]).await;
    let second = server.spider(json!({"name": "second"}), &[("main.py", "print(2)\n")]).await;
    let (one, two) = (open(&server, &first).await, open(&server, &second).await);
    let machines = [place(&swarm, &one).await.0, place(&swarm, &two).await.0];
    assert_ne!(machines[0], machines[1], "each on a machine of its own");
    assert_eq!(inside(&swarm, &one, "id -u; cat /workspace/main.py").await, "1000\nprint(1)");
    if lacks_a_browser() {
        inside(&swarm, &one, "echo '# typed' >> /workspace/main.py").await;
    } else {
        let actions = json!([{"sees": "lib/helper.py"}, {"open": "main.py"}, {"type": "# typed"}, {"saved": true}]);
        person(&address(&server.base, &one), actions).await;
    }
    inside(&swarm, &one, "echo new > /workspace/new.txt").await;
    let sync =
        async |spider: &str| server.post(&format!("/spiders/{spider}/code-session/sync"), json!({})).await.data();
    assert_eq!(sync(&first).await["files_synced"], 2);
    assert!(content(&server, &first, "main.py").await.unwrap().contains("# typed"));
    let new = json!({"path": "from_outside.py", "content": "1"});
    server.post(&format!("/spiders/{first}/files/new"), new).await.ok();
    sync(&first).await;
    assert_eq!(inside(&swarm, &one, "cat /workspace/from_outside.py").await, "1");

    // A swarm starts nothing twice: of one that ends, what was written is the spider's.
    inside(&swarm, &two, "echo kept > /workspace/kept.txt").await;
    let (engine, container) = place(&swarm, &two).await;
    swarm.docker(engine, &["kill", &container]).await;
    server.eventually("/alerts?type=editor", |alerts| alerts["total"] == 1).await;
    assert_eq!(content(&server, &second, "kept.txt").await.unwrap(), "kept\n");
    assert_eq!(server.get(&format!("/spiders/{second}/code-session")).await.error(404), "no_code_session");
    let again = open(&server, &second).await;
    assert_eq!(inside(&swarm, &again, "cat /workspace/kept.txt").await, "kept");

    for spider in [&first, &second] {
        server.delete(&format!("/spiders/{spider}/code-session")).await.ok();
    }
    assert_eq!(content(&server, &first, "new.txt").await.unwrap(), "new\n");
    assert_eq!(swarm.docker(1, &["service", "ls", "--quiet"]).await, "");
    drop(server);
    leave(&swarm).await;
}

#[tokio::test]
async fn an_editor_that_no_machine_can_start_says_why() {
    let Some(swarm) = Swarm::find() else { return };
    let server = server(&swarm, &[("CRAWLHUB_CODE_SERVER_IMAGE", "crawlhub-nowhere:latest")]).await;
    let spider = server.spider(json!({"name": "none"}), &[("main.py", "1")]).await;
    let refused = server.post(&format!("/spiders/{spider}/code-session"), json!({})).await;
    assert!(refused.text.contains("crawlhub-nowhere:latest"), "{}", refused.text);
    without_services(&swarm).await;
    drop(server);
    leave(&swarm).await;
}

async fn without_services(swarm: &Swarm) {
    until_empty(swarm, &["service", "ls", "--quiet"]).await;
}

/// Until the manager answers nothing to it.
async fn until_empty(swarm: &Swarm, words: &[&str]) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let said = swarm.docker(1, words).await;
        if said.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "{words:?} still says {said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_editor_that_no_machine_has_room_for_says_so() {
    let Some(swarm) = Swarm::find() else { return };
    let server = server(&swarm, &[("CRAWLHUB_CODE_SESSIONS_MEMORY_MB", "1000000")]).await;
    let spider = server.spider(json!({"name": "large"}), &[("main.py", "1")]).await;
    let refused = server.post(&format!("/spiders/{spider}/code-session"), json!({})).await;
    assert!(refused.text.contains("insufficient resources"), "{}", refused.text);
    without_services(&swarm).await;
    drop(server);
    leave(&swarm).await;
}

#[tokio::test]
async fn a_machine_that_does_not_answer_hides_no_other_and_loses_nothing() {
    let Some(swarm) = Swarm::find() else { return };
    let server = server(&swarm, &[]).await;
    let mut editors = Vec::new();
    for name in ["first", "second"] {
        let spider = server.spider(json!({"name": name}), &[("main.py", "1")]).await;
        let session = open(&server, &spider).await;
        editors.push((place(&swarm, &session).await.0, spider, session));
    }
    // The manager goes on answering.
    editors.sort_by_key(|(engine, ..)| *engine);
    let (near, far) = (editors.remove(0), editors.remove(0));
    let path = |spider: &str| format!("/spiders/{spider}/code-session");
    inside(&swarm, &far.2, "echo kept > /workspace/kept.txt").await;
    let label = "{{index .Spec.Labels \"crawlhub.server\"}}";
    let name = |session: &Value| format!("code-server-{}", session["id"].as_str().unwrap());
    let installation = swarm.docker(1, &["service", "inspect", "--format", label, &name(&far.2)]).await;
    server.delete(&path(&near.1)).await.ok();

    swarm.set_silent(far.0, true).await;
    // What a server has left that died while it removed it.
    let labels = [
        "crawlhub.type=code-server".to_owned(),
        format!("crawlhub.server={installation}"),
        format!("crawlhub.session_id={}", near.2["id"].as_str().unwrap()),
    ];
    let labels = labels.iter().flat_map(|label| ["--label", label.as_str()]);
    let words = ["service", "create", "--detach", "--replicas", "0", "--name", "left"].into_iter().chain(labels);
    swarm.docker(1, &words.chain(["crawlhub:latest"]).collect::<Vec<_>>()).await;
    until_empty(&swarm, &["service", "ls", "--quiet", "--filter", "name=left"]).await;
    swarm.set_silent(far.0, false).await;
    server.post(&format!("{}/sync", path(&far.1)), json!({})).await.ok();
    assert_eq!(content(&server, &far.1, "kept.txt").await.unwrap(), "kept\n");
    assert_eq!(server.get(&path(&far.1)).await.data()["id"], far.2["id"]);

    // One whose container somebody removes is lost, and nothing of it stays.
    let (engine, container) = place(&swarm, &far.2).await;
    // Unseen, as there is a moment in which it has ended and its files cannot be read any more.
    swarm.set_silent(engine, true).await;
    swarm.docker(engine, &["rm", "--force", &container]).await;
    swarm.set_silent(engine, false).await;
    // Now, and not when all are looked at again.
    server.post(&format!("{}/sync", path(&far.1)), json!({})).await;
    let is_lost = |alerts: &Value| alerts["items"].to_string().contains("的容器已不存在");
    server.eventually("/alerts?type=editor&level=error", is_lost).await;
    without_services(&swarm).await;
    drop(server);
    leave(&swarm).await;
}

/// The name is that of the network that a server without a swarm makes.
#[tokio::test]
async fn a_network_of_one_machine_is_not_taken_for_the_swarms() {
    let Some(swarm) = Swarm::find() else { return };
    let own = [
        ("CRAWLHUB_CODE_SESSIONS_RUNNER", "swarm".to_owned()),
        ("CRAWLHUB_CODE_SESSIONS_START_SECONDS", "10".to_owned()),
        ("DOCKER_CERT_PATH", swarm.path("tls")),
        ("CRAWLHUB_SWARM_HOST", swarm.host(1)),
        ("CRAWLHUB_SWARM_ENGINES", "https://{address}:2376".to_owned()),
    ];
    let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = ServerProcess::start(&own).await;
    let spider = server.spider(json!({"name": "local"}), &[("main.py", "1")]).await;
    let start = async || server.post(&format!("/spiders/{spider}/code-session"), json!({})).await;
    without_network(&swarm).await;
    swarm.docker(1, &["network", "create", NETWORK]).await;
    let refused = start().await;
    assert!(refused.text.contains(&format!("docker network rm {NETWORK}")), "{}", refused.text);
    swarm.docker(1, &["network", "rm", NETWORK]).await;
    // This server is not on the one that is made: nothing answers.
    start().await;
    let is_late = |all: &Value| all["items"][0]["error_message"].to_string().contains("10 s");
    server.eventually("/code-sessions", is_late).await;
    let about = "{{.Scope}} {{.Driver}} {{.Attachable}} {{json .Options}}";
    let made = swarm.docker(1, &["network", "inspect", "--format", about, NETWORK]).await;
    assert!(made.starts_with("swarm overlay true") && made.contains("encrypted"), "{made}");
    without_network(&swarm).await;
}

async fn without_network(swarm: &Swarm) {
    let give_up = Instant::now() + PATIENCE;
    while !swarm.docker(1, &["network", "ls", "--quiet", "--filter", &format!("name={NETWORK}")]).await.is_empty() {
        assert!(Instant::now() < give_up, "the network stays");
        // As long as anything is on it, it stays.
        swarm.docker(1, &["network", "prune", "--force"]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
