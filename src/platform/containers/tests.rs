//! What every engine promises, on each that there is.

mod commands;

use std::{future::Future, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::{fake::Fake, *};
use crate::config;

const A_WHILE: Duration = Duration::from_mins(1);

/// An engine, an image with a shell, and a label of the test's own.
struct Tested {
    containers: Containers,
    image: &'static str,
    is_real: bool,
}

impl Tested {
    fn spec(&self, command: &str) -> ContainerSpec {
        let mut labels = self.containers.labels("test");
        labels.insert("crawlhub.test".to_owned(), crate::id::new());
        ContainerSpec {
            name: format!("crawlhub-test-{}", crate::id::new()),
            image: self.image.to_owned(),
            command: Some(["sh", "-c", command].map(str::to_owned).to_vec()),
            working_dir: Some("/workspace".to_owned()),
            env: vec![("GREETING".to_owned(), "hello".to_owned())],
            labels,
            limits: Limits { cpus: 1.0, memory_mb: 128, processes: 64, file_mb: 16 },
            ..ContainerSpec::default()
        }
    }

    async fn started(&self, spec: &ContainerSpec) -> ContainerId {
        let id = self.containers.create(spec).await.unwrap();
        self.containers.start(&id).await.unwrap();
        id
    }

    async fn run(&self, id: &ContainerId, command: &str) -> Finished {
        self.containers.run(id, Exec::new(["sh", "-c", command]), 1024 * 1024).await.unwrap()
    }
}

/// Runs a test on the fake, on Docker where there is one (in CI there has to be), and on Podman where it is named.
async fn on_each<F: Future<Output = ()>>(test: impl Fn(Tested) -> F) {
    let installation = crate::id::new();
    let of = |runtime: std::sync::Arc<dyn ContainerRuntime>| Containers::new(runtime, &installation);
    let fake = of(std::sync::Arc::new(Fake::new()));
    let done = timeout(A_WHILE, test(Tested { containers: fake.clone(), image: fake::PLAIN, is_real: false })).await;
    for container in fake.own("test").await.unwrap() {
        fake.remove(&container.id).await.unwrap();
    }
    done.unwrap();
    let real = [("DOCKER_HOST", "crawlhub-spider:latest"), ("TEST_PODMAN_HOST", "localhost/crawlhub-spider:latest")];
    for (variable, image) in real {
        let Some(settings) = engine_of(variable) else { continue };
        let real = of(std::sync::Arc::new(Docker::new(settings)));
        let tested = Tested { containers: real.clone(), image, is_real: true };
        let done = timeout(A_WHILE, test(tested)).await;
        for container in real.own("test").await.unwrap() {
            real.remove(&container.id).await.unwrap();
        }
        done.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own environment")]
fn engine_of(variable: &str) -> Option<config::Docker> {
    let Ok(host) = std::env::var(variable) else {
        eprintln!("skipped: an engine, as {variable} is not set");
        return None;
    };
    Some(config::Docker { host, reach: config::Reach::Auto, ports: "10000-10100".to_owned() })
}

async fn text(mut output: OutputStream) -> (String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    while let Some(piece) = output.next().await {
        match piece.unwrap() {
            Output::Stdout(bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
            Output::Stderr(bytes) => err.push_str(&String::from_utf8_lossy(&bytes)),
        }
    }
    (out, err)
}

fn tar_of(files: &[(&str, u32, &str)]) -> ByteStream {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_uid(1000);
        header.set_gid(1000);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    // In pieces that end anywhere.
    let bytes = tar.into_inner().unwrap();
    let pieces: Vec<_> = bytes.chunks(700).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

#[tokio::test]
async fn a_life_from_create_to_remove() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let spec = tested.spec("echo $GREETING; echo trouble >&2; exit 3");
        let id = engine.create(&spec).await.unwrap();
        assert_eq!(engine.inspect(&id).await.unwrap().unwrap().state, State::Created);
        assert!(matches!(engine.create(&spec).await, Err(ContainerError::Conflict(_))), "the name is taken");
        let attached = engine.attach(&id).await.unwrap();
        engine.start(&id).await.unwrap();
        assert_eq!(engine.wait(&id).await.unwrap(), 3);
        let said = ("hello\n".to_owned(), "trouble\n".to_owned());
        assert_eq!(text(attached).await, said, "nothing is missed by who attached before");
        let all = LogRange { last: None, follow: true };
        assert_eq!(text(engine.logs(&id, all).await.unwrap()).await, said);
        let found = engine.inspect(&id).await.unwrap().unwrap();
        assert_eq!(found.state, State::Exited { code: 3, out_of_memory: false });
        assert_eq!(found.name, spec.name);
        // Beside those of its image.
        assert!(spec.labels.iter().all(|(name, value)| found.labels.get(name) == Some(value)));
        for _ in 0..2 {
            engine.remove(&id).await.unwrap();
        }
        assert_eq!(engine.inspect(&id).await.unwrap(), None);
        assert!(matches!(engine.start(&id).await, Err(ContainerError::Gone(_))));
        let unknown = ContainerSpec { image: "crawlhub-none:none".to_owned(), ..tested.spec("true") };
        assert!(matches!(engine.create(&unknown).await, Err(ContainerError::NoImage(_))));
        assert!(!engine.has_image("crawlhub-none:none").await.unwrap());
        assert!(engine.has_image(tested.image).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn stopping_and_starting_again() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        // It does not listen to SIGTERM.
        let id = tested.started(&tested.spec("trap '' TERM; echo up >> log.txt; while true; do sleep 0.1; done")).await;
        engine.start(&id).await.unwrap();
        while tested.run(&id, "cat log.txt").await.stdout != b"up\n" {
            tokio::task::yield_now().await;
        }
        engine.stop(&id, Duration::from_secs(1)).await.unwrap();
        engine.stop(&id, Duration::from_secs(1)).await.unwrap();
        let state = engine.inspect(&id).await.unwrap().unwrap().state;
        assert!(matches!(state, State::Exited { code: 137, .. }), "{state:?}");
        engine.start(&id).await.unwrap();
        while tested.run(&id, "cat log.txt").await.stdout != b"up\nup\n" {
            tokio::task::yield_now().await;
        }
        engine.kill(&id, "KILL").await.unwrap();
        assert_eq!(engine.wait(&id).await.unwrap(), 137);
        assert!(matches!(engine.exec(&id, Exec::new(["true"])).await, Err(ContainerError::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn commands_in_a_container() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let id = tested.started(&tested.spec("sleep 1000")).await;
        let done = tested.run(&id, "pwd; echo x; echo y >&2; exit 7").await;
        assert_eq!((done.code, done.stderr.as_slice()), (7, b"y\n".as_slice()));
        assert!(done.stdout.ends_with(b"/workspace\nx\n"));
        // Much of it, both ways, and to its end.
        let piece = bytes::Bytes::from(vec![b'a'; 100_000]);
        let stdin = stream::iter((0..50).map(move |_| Ok(piece.clone()))).boxed();
        let exec = Exec { stdin: Some(stdin), ..Exec::new(["sh", "-c", "cat; echo end"]) };
        let done = engine.run(&id, exec, 6_000_000).await.unwrap();
        assert_eq!((done.code, done.stdout.len()), (0, 5_000_004));
        // Who does not read is no failure of ours.
        let endless = stream::repeat_with(|| Ok(bytes::Bytes::from(vec![b'a'; 100_000]))).take(500).boxed();
        let exec = Exec { stdin: Some(endless), ..Exec::new(["sh", "-c", "head -c 10"]) };
        let done = engine.run(&id, exec, 1000).await.unwrap();
        assert_eq!((done.code, done.stdout.len()), (0, 10));
        let too_much = engine.run(&id, Exec::new(["sh", "-c", "head -c 100000 /dev/zero"]), 1000).await;
        assert!(too_much.is_err());
        assert!(engine.memory(&id).await.unwrap().is_some_and(|bytes| bytes > 0));
    })
    .await;
}

#[tokio::test]
async fn what_was_written_is_known() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let id = tested.started(&tested.spec("sleep 1000")).await;
        let before = engine.written(&id).await.unwrap();
        assert!(before < 1_000_000, "the image is none of it: {before}");
        tested.run(&id, "mkdir deep; for n in 1 2 3; do head -c 1000000 /dev/zero > deep/$n; done").await;
        let full = engine.written(&id).await.unwrap();
        assert!((3_000_000..4_000_000).contains(&full), "{full}");
        tested.run(&id, "rm deep/1").await;
        engine.stop(&id, Duration::ZERO).await.unwrap();
        let stopped = engine.written(&id).await.unwrap();
        assert!((2_000_000..3_000_000).contains(&stopped), "{stopped}");
        engine.remove(&id).await.unwrap();
        assert!(matches!(engine.written(&id).await, Err(ContainerError::Gone(_))));
    })
    .await;
}

#[tokio::test]
async fn archives_go_in_and_come_out() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let spec =
            tested.spec("test -x run.sh && cat deep/er/file.txt && ./run.sh && ln -s /etc/passwd link && sleep 1000");
        let id = engine.create(&spec).await.unwrap();
        let long = format!("{}/x.txt", "folder".repeat(30));
        let files = [
            ("deep/er/file.txt", 0o644, "content\n"),
            ("run.sh", 0o755, "#!/bin/sh\necho ran\n"),
            (&long, 0o600, "long"),
        ];
        engine.put_archive(&id, "/workspace", tar_of(&files)).await.unwrap();
        engine.start(&id).await.unwrap();
        while tested.run(&id, "test -h link").await.code != 0 {
            tokio::task::yield_now().await;
        }
        engine.stop(&id, Duration::from_secs(1)).await.unwrap();
        let said = text(engine.logs(&id, LogRange::default()).await.unwrap()).await;
        assert_eq!(said.0, "content\nran\n", "{}", said.1);
        let archive = engine.get_archive(&id, "/workspace").await.unwrap();
        let pieces: Vec<_> = archive.map(|piece| piece.unwrap().to_vec()).collect().await;
        let bytes = pieces.concat();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().to_string_lossy().trim_end_matches('/').to_owned())
            .collect();
        names.sort();
        let folder = "folder".repeat(30);
        let expected = [
            "",
            "/deep",
            "/deep/er",
            "/deep/er/file.txt",
            &format!("/{folder}"),
            &format!("/{long}"),
            "/link",
            "/run.sh",
        ];
        let mut expected: Vec<String> = expected.iter().map(|name| format!("workspace{name}")).collect();
        expected.sort();
        assert_eq!(names, expected);
        // Whoever is in the container may remove any folder: that is no word on the container itself.
        let none = engine.get_archive(&id, "/workspace/none").await.err();
        assert!(matches!(none, Some(ContainerError::Failed(_))), "{none:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_ours_is_found_by_labels() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let (one, other) = (tested.spec("sleep 1000"), tested.spec("sleep 1000"));
        let label = one.labels["crawlhub.test"].clone();
        let mut news = engine.events(&[("crawlhub.test", &label)]).await.unwrap();
        let (first, _second) = (tested.started(&one).await, tested.started(&other).await);
        let ids = |found: Vec<Container>| found.into_iter().map(|container| container.id).collect::<Vec<_>>();
        assert_eq!(engine.own("test").await.unwrap().len(), 2);
        assert_eq!(
            ids(engine.own_with("test", ("crawlhub.test", &label)).await.unwrap()),
            std::slice::from_ref(&first)
        );
        assert_eq!(engine.own("other").await.unwrap(), []);
        engine.kill(&first, "KILL").await.unwrap();
        engine.wait(&first).await.unwrap();
        engine.remove(&first).await.unwrap();
        let mut seen = Vec::new();
        while seen.last() != Some(&Change::Removed) {
            let happening = news.next().await.unwrap().unwrap();
            assert_eq!(happening.id, first);
            seen.push(happening.change);
        }
        assert_eq!(seen, [Change::Started, Change::Ended, Change::Removed]);
    })
    .await;
}

/// An engine that does not answer has not said that a container is gone.
#[tokio::test]
async fn away_is_not_gone() {
    let fake = Fake::new();
    let id = fake
        .create(&ContainerSpec { name: "a".to_owned(), image: fake::PLAIN.to_owned(), ..ContainerSpec::default() })
        .await
        .unwrap();
    fake.set_away(true);
    let nowhere = config::Docker {
        host: "unix:///nonexistent/docker.sock".to_owned(),
        reach: config::Reach::Auto,
        ports: "1-2".to_owned(),
    };
    let docker = Docker::new(nowhere);
    let engines: [&dyn ContainerRuntime; 2] = [&fake, &docker];
    for engine in engines {
        assert!(matches!(engine.inspect(&id).await, Err(ContainerError::Unavailable(_))));
        assert!(matches!(engine.remove(&id).await, Err(ContainerError::Unavailable(_))));
        assert!(matches!(engine.list(&[]).await, Err(ContainerError::Unavailable(_))));
        assert!(matches!(engine.start(&id).await, Err(ContainerError::Unavailable(_))));
    }
    fake.set_away(false);
    assert!(fake.inspect(&id).await.unwrap().is_some());
}

/// As seen from inside; the fake keeps nothing apart.
#[tokio::test]
async fn containers_are_kept_apart() {
    on_each(|tested| async move {
        if !tested.is_real {
            return;
        }
        let engine = &tested.containers;
        let network = engine.network("crawlhub-test").await.unwrap();
        assert_eq!(engine.network("crawlhub-test").await.unwrap(), network);
        let serve = "python3 -m http.server 8080 --bind 0.0.0.0";
        let on_network = |command: &str, publish| ContainerSpec {
            network: Some(network.name.clone()),
            publish,
            ..tested.spec(command)
        };
        let id = tested.started(&on_network(serve, Some((8080, 21_000..=21_050)))).await;
        let other = tested.started(&on_network("sleep 1000", None)).await;
        let inside =
            "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\\t' ' '; cat /proc/1/comm; ulimit -c";
        let seen = String::from_utf8(tested.run(&id, inside).await.stdout).unwrap();
        let init = if engine.engine().await.unwrap().name.starts_with("Podman") { "podman" } else { "docker" };
        assert_eq!(seen, format!("1000\nCapEff: 0000000000000000\nNoNewPrivs: 1\n{init}-init\n0\n"));
        assert_ne!(tested.run(&id, "head -c 20000000 /dev/zero > large").await.code, 0, "files have a limit");
        let forks = "for n in $(seq 100); do sleep 5 & done 2>&1 | grep -q -i 'cannot fork'";
        assert_eq!(tested.run(&other, &format!("bash -c \"{forks}\" || true; true")).await.code, 0);
        let most = tested.run(&other, "python3 -c 'x = bytearray(300_000_000); print(len(x))'").await;
        assert_ne!(most.code, 0, "memory has a limit");
        // Reached from here, and from its neighbour not.
        let found = engine.inspect(&id).await.unwrap().unwrap();
        let [(8080, port)] = found.ports[..] else { panic!("{:?}", found.ports) };
        assert!((21_000..=21_050).contains(&port));
        let reached = async |place: String| tokio::net::TcpStream::connect(place).await.is_ok();
        while !reached(format!("127.0.0.1:{port}")).await {
            tokio::task::yield_now().await;
        }
        let from = async |id: &ContainerId, address: &str| {
            let call = format!("import socket; socket.create_connection(('{address}', 8080), 3)");
            tested.run(id, &format!("python3 -c \"{call}\"")).await.code == 0
        };
        match (network.reach, found.address) {
            (Where::Container, Some(address)) => {
                let address = address.to_string();
                assert!(reached(format!("{address}:8080")).await);
                assert!(from(&id, &address).await);
                assert!(!from(&other, &address).await, "neighbours reach each other");
            }
            // Podman: each has a network of its own, with the same address on it.
            (Where::Loopback, None) => {
                let address = tested.run(&id, "hostname -I | cut -d ' ' -f 1 | tr -d '\\n'").await.stdout;
                let address = String::from_utf8(address).unwrap();
                assert!(from(&id, &address).await);
                assert!(!from(&other, &address).await, "neighbours reach each other");
            }
            other => panic!("{other:?}"),
        }
        let alone = tested.started(&tested.spec("sleep 1000")).await;
        assert_eq!(tested.run(&alone, "ls /sys/class/net").await.stdout, b"lo\n", "no network was asked for");
    })
    .await;
}

#[tokio::test]
async fn versions_are_agreed_on() {
    on_each(|tested| async move {
        let engine = tested.containers.engine().await.unwrap();
        assert!(!engine.id.is_empty() && !engine.name.is_empty());
        let (major, minor) = engine.api_version.split_once('.').unwrap();
        assert!(major == "1" && minor.parse::<u32>().unwrap() >= 40, "{}", engine.api_version);
    })
    .await;
}
