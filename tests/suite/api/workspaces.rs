//! Workspaces: commands, files, terminals, and what becomes of them, on an engine that keeps nothing apart.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use crawlhub::platform::containers::{ContainerRuntime, fake::PLAIN};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Frame, PASSWORD, Socket, TestApp, cookies_of};

async fn run(app: &Client, command: &str) -> Value {
    exec(app, json!({"command": command})).await.data()
}

async fn exec(app: &Client, body: Value) -> Answer {
    app.post("/workspace/exec", body).await
}

/// A user with a token and a role.
async fn user(app: &TestApp, name: &str, role: &str) -> (Client, String) {
    let (email, password) = (format!("{name}@example.com"), format!("password of {name}"));
    let new = json!({"email": email, "password": password, "role": role});
    let made = app.send(app.request(Method::POST, "/platform/api/users").json(&new)).await.data();
    (Client::sign_in(&app.base, &email, &password).await, made["id"].as_str().unwrap().to_owned())
}

async fn containers(app: &TestApp) -> usize {
    app.engine.list(&[("crawlhub.type", "workspace")]).await.unwrap().len()
}

async fn volumes(app: &TestApp) -> usize {
    app.engine.volumes(&[("crawlhub.type", "workspace")]).await.unwrap().len()
}

/// Whether a process of this machine has that among its arguments.
fn lives(mark: &str) -> bool {
    let all = procfs::process::all_processes().unwrap();
    all.flatten().any(|process| process.cmdline().is_ok_and(|line| line.iter().any(|word| word == mark)))
}

async fn gone(mark: &str) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while lives(mark) {
        assert!(Instant::now() < give_up, "{mark} lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn commands() {
    let app = TestApp::new().await;
    let done = run(&app, "echo out; echo err >&2; pwd; exit 3").await;
    assert_eq!((&done["stderr"], &done["exit_code"]), (&json!("err\n"), &json!(3)));
    assert!(done["stdout"].as_str().unwrap().starts_with("out\n"), "{done}");
    for flag in ["timed_out", "truncated", "restarted", "disk_full"] {
        assert_eq!(done[flag], false);
    }
    assert!(done["duration_ms"].as_u64().unwrap() < 20_000);
    assert_eq!(containers(&app).await, 1);
    // The files are the same in both modes, and a container of its own is gone with its command.
    run(&app, "echo kept > file; echo $HOME > home").await;
    let done = exec(&app, json!({"command": "cat file; exit 4", "mode": "ephemeral"})).await.data();
    assert_eq!((&done["stdout"], &done["exit_code"]), (&json!("kept\n"), &json!(4)));
    assert_eq!((containers(&app).await, volumes(&app).await), (1, 1));
    // One that leaves something behind which holds its output has ended all the same.
    let done = run(&app, "sleep 98761 & echo printed").await;
    assert_eq!((&done["stdout"], &done["exit_code"]), (&json!("printed\n"), &json!(0)));
    assert!(lives("98761"));
    // Its time ends what it has started, and what others have left.
    let done =
        exec(&app, json!({"command": "(setsid sleep 98762 &); echo up; sleep 98763", "timeout": 1})).await.data();
    assert_eq!((&done["timed_out"], &done["exit_code"], &done["stdout"]), (&json!(true), &json!(137), &json!("up\n")));
    assert!(!lives("98761") && !lives("98762") && !lives("98763"));
    let body = json!({"command": "sleep 98764", "timeout": 1, "mode": "ephemeral"});
    assert_eq!(exec(&app, body).await.data()["timed_out"], true);
    assert!(!lives("98764"));
    assert_eq!(containers(&app).await, 1);

    let done = run(&app, "head -c 3000000 /dev/zero | tr '\\0' x; echo end; printf '\\377' >&2").await;
    let stdout = done["stdout"].as_str().unwrap();
    assert!(done["truncated"] == true && stdout.ends_with("xend\n") && stdout.contains("bytes left out"), "{done}");
    assert!((1_110_000..1_120_000).contains(&stdout.len()));
    assert_eq!(done["stderr"], "\u{fffd}");
    for (body, at) in [
        (json!({}), "body.command"),
        (json!({"command": " "}), "body.command"),
        (json!({"command": "a\u{0}b"}), "body.command"),
        (json!({"command": "true", "timeout": 0}), "body.timeout"),
        (json!({"command": "true", "timeout": 601}), "body.timeout"),
        (json!({"command": "true", "mode": "other"}), "body.mode"),
    ] {
        assert_eq!(exec(&app, body).await.details(), [at]);
    }
    let audit = app.send(app.request(Method::GET, "/platform/api/audit?page_size=100")).await.data();
    let told = |path: &str, detail: &str| {
        let is = |entry: &Value| entry["path"].as_str().unwrap().ends_with(path) && entry["detail"] == detail;
        audit["items"].as_array().unwrap().iter().any(is)
    };
    assert!(told("/workspace/exec", "echo out; echo err >&2; pwd; exit 3") && told("/workspace/exec", "sleep 98764"));
}

#[tokio::test]
async fn output_as_it_comes() {
    let app = TestApp::new().await;
    let body = json!({"command": "printf '\\347\\210'; sleep 0.1; printf '\\254虫'; echo no >&2; exit 2"});
    let texts = |text: &str| -> (String, String, Value) {
        let (mut stdout, mut stderr, mut exit) = (String::new(), String::new(), Value::Null);
        for event in text.split("\n\n").filter(|event| event.starts_with("event")) {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            match name {
                "event: stdout" => stdout.push_str(data["text"].as_str().unwrap()),
                "event: stderr" => stderr.push_str(data["text"].as_str().unwrap()),
                _ => exit = data,
            }
        }
        (stdout, stderr, exit)
    };
    let plain = app.request(Method::POST, "/platform/api/crawlhub/workspace/exec");
    let asked = app.send(plain.header("accept", "text/event-stream").json(&body)).await;
    for answer in [asked, app.post("/workspace/exec/stream", body).await] {
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        let (stdout, stderr, exit) = texts(&answer.text);
        assert_eq!((stdout.as_str(), stderr.as_str()), ("爬虫", "no\n"));
        assert_eq!((&exit["exit_code"], &exit["timed_out"]), (&json!(2), &json!(false)));
    }
    // Whoever hangs up ends it.
    for path in ["/workspace/exec/stream", "/workspace/exec"] {
        let body = json!({"command": "echo up > up; sleep 98771", "timeout": 600});
        let request = app.request(Method::POST, &format!("/platform/api/crawlhub{path}")).json(&body);
        let asked = tokio::spawn(request.send());
        while !lives("98771") {
            tokio::task::yield_now().await;
        }
        asked.abort();
        // The answer of a stream is there already.
        drop(asked.await);
        gone("98771").await;
    }
    app.eventually("/workspace", |shown| shown["usage"]["commands"] == 0).await;
}

#[tokio::test]
async fn files() {
    let app = TestApp::new().await;
    let empty = app.get("/workspace/files").await.data();
    assert_eq!(empty, json!({"files": [], "total": 0}));
    let at = |answer: &Answer| answer.data()["files"][0]["path"].as_str().unwrap().to_owned();
    let upload = async |path: &str, name: &str, content: &str| {
        app.upload("/workspace/files/upload", name, content.into(), &[("path", path)]).await
    };
    for (path, name, expected) in [
        ("", "a.txt", "a.txt"),
        ("爬虫/数据 1/", "新.csv", "爬虫/数据 1/新.csv"),
        ("deep/er/own name", "x.txt", "deep/er/own name"),
        // There is such a folder.
        ("deep", "-rf", "deep/-rf"),
    ] {
        assert_eq!(at(&upload(path, name, "content").await), expected);
        let path = expected.replace(' ', "%20");
        let got = app.get(&format!("/workspace/files/download?path={path}")).await;
        assert_eq!((got.status.as_u16(), got.text.as_str()), (200, "content"), "{expected}");
        assert_eq!(got.headers["x-content-type-options"], "nosniff");
        assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert_eq!(got.headers["content-length"], "7");
    }
    upload("", "a.txt", "other").await.ok();
    assert_eq!(run(&app, "cat a.txt").await["stdout"], "other");
    assert_eq!(upload("a.txt/", "b", "").await.error(409), "path_taken");
    assert_eq!(upload("deep/er", "own name", "").await.status, 200);
    run(&app, "mkdir taken; touch -d '2024-05-06 07:08:09 UTC' a.txt").await;
    assert_eq!(upload("taken/", "x", "").await.status, 200);
    assert_eq!(app.post("/workspace/files/folder", json!({"path": "a.txt/x"})).await.error(409), "path_taken");
    app.post("/workspace/files/folder", json!({"path": "new/folder"})).await.ok();
    let listed = app.get("/workspace/files").await.data();
    let names: Vec<&str> =
        listed["files"].as_array().unwrap().iter().map(|file| file["filename"].as_str().unwrap()).collect();
    assert_eq!(names, ["deep", "new", "taken", "爬虫", "a.txt"]);
    let last = json!({"filename": "a.txt", "path": "a.txt", "size": 5, "is_dir": false, "is_special": false,
        "modified_at": "2024-05-06T07:08:09Z"});
    assert_eq!((&listed["files"][4], &listed["total"]), (&last, &json!(5)));
    let second = app.get("/workspace/files?page=2&page_size=2").await.data();
    assert_eq!((&second["files"][0]["filename"], &second["total"]), (&json!("taken"), &json!(5)));
    assert_eq!(app.get("/workspace/files?path=deep").await.data()["files"][0]["path"], "deep/er");

    // Several at once, and one of some size.
    let large = vec![b'x'; 5_000_000];
    let part = |name: &str, content: Vec<u8>| reqwest::multipart::Part::bytes(content).file_name(name.to_owned());
    let form =
        reqwest::multipart::Form::new().part("file", part("one", large.clone())).part("file", part("two", vec![]));
    let form = form.text("path", "both");
    let request = app.request(Method::POST, "/platform/api/crawlhub/workspace/files/upload").multipart(form);
    let both = app.send(request).await.data();
    let paths = [&both["files"][0]["path"], &both["files"][1]["path"], &both["files"][0]["size"]];
    assert_eq!(paths, [&json!("both/one"), &json!("both/two"), &json!(5_000_000)]);
    assert_eq!(app.get("/workspace/files/download?path=both/one").await.text.len(), 5_000_000);
    let request = app.request(Method::GET, "/platform/api/crawlhub/workspace/files/download?path=both");
    let tar = request.send().await.unwrap();
    assert!(tar.headers()["content-disposition"].to_str().unwrap().contains("both.tar"));
    let tar = tar.bytes().await.unwrap();
    let mut archive = tar::Archive::new(&tar[..]);
    let inside = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string());
    let mut inside: Vec<String> = inside.collect();
    inside.sort();
    assert_eq!(inside, ["both/", "both/one", "both/two"]);
}

/// What ends takes only what nobody sees to: not what another is just beginning.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_beside_a_beginning() {
    let app = TestApp::new().await;
    run(&app, "echo here > file").await;
    // What is left before its end is ended in the background, and what goes on in the workspace looked through.
    let leaving = async {
        for _ in 0..60 {
            let path = "/platform/api/crawlhub/workspace/files/download?path=file";
            drop(app.request(Method::GET, path).send().await.unwrap());
        }
    };
    let beginning = async {
        for round in 0..60 {
            let done = run(&app, "sleep 0.02; echo done").await;
            assert_eq!((&done["exit_code"], &done["stdout"]), (&json!(0), &json!("done\n")), "{round}: {done}");
        }
    };
    tokio::join!(leaving, beginning);
}

/// Links are never followed, neither the last name nor one on the way.
#[tokio::test]
async fn links_and_paths() {
    let app = TestApp::new().await;
    let at = |answer: &Answer| answer.data()["files"][0]["path"].as_str().unwrap().to_owned();
    let upload = async |path: &str, name: &str, content: &str| {
        app.upload("/workspace/files/upload", name, content.into(), &[("path", path)]).await
    };
    run(
        &app,
        "mkdir -p deep/er; echo x > a.txt; ln -s /etc/passwd link; ln -s /etc outside; ln -s deep inside; mkfifo pipe",
    )
    .await;
    for (path, status) in [("link", 400), ("pipe", 400), ("outside/passwd", 404), ("inside/er", 404), ("none", 404)] {
        app.get(&format!("/workspace/files/download?path={path}")).await.error(status);
    }
    app.get("/workspace/files?path=outside").await.error(404);
    app.get("/workspace/files?path=a.txt").await.error(404);
    assert_eq!(upload("outside/", "x", "").await.error(409), "path_taken");
    assert_eq!(at(&upload("link", "x", "new").await), "link");
    assert_eq!(run(&app, "cat link; test ! -L link").await["exit_code"], 0);
    for path in ["/etc/passwd", "../x", "a/../../x", "a%00b", "a%0Ab", "a//b", "a/./b", "/"] {
        assert_eq!(
            app.get(&format!("/workspace/files/download?path={path}")).await.error(400),
            "path_refused",
            "{path}"
        );
        app.get(&format!("/workspace/files?path={path}")).await.error(400);
        app.delete(&format!("/workspace/files?path={path}")).await.error(400);
    }
    assert_eq!(upload("../", "x", "").await.error(400), "path_refused");
    app.delete("/workspace/files?path=").await.error(400);
    app.delete("/workspace/files?path=inside").await.ok();
    app.delete("/workspace/files?path=deep").await.ok();
    app.delete("/workspace/files?path=deep").await.error(404);
    assert_eq!(run(&app, "ls -d deep inside .crawlhub* 2>/dev/null").await["stdout"], "");
}

#[tokio::test]
async fn whose_they_are() {
    let app = TestApp::with(&[("CRAWLHUB_WORKSPACES_PER_USER", "3")]).await;
    let (other, _) = user(&app, "other", "editor").await;
    run(&app, "echo mine > file").await;
    assert_eq!(run(&other, "cat file").await["exit_code"], 1);
    let made = app.post("/workspaces", json!({"name": "scratch", "mode": "ephemeral"})).await.data();
    assert_eq!((&made["mode"], &made["status"]), (&json!("ephemeral"), &json!("stopped")));
    assert_eq!(app.post("/workspaces", json!({"name": "scratch"})).await.error(409), "workspace_exists");
    assert_eq!(app.post("/workspaces", json!({"name": "../x"})).await.details(), ["body.name"]);
    app.post("/workspaces", json!({"name": "third"})).await.ok();
    assert_eq!(app.post("/workspaces", json!({"name": "fourth"})).await.error(429), "too_many_workspaces");
    app.post("/workspaces/scratch/exec", json!({"command": "echo there > file"})).await.ok();
    assert_eq!(app.get("/workspaces/scratch/files/download?path=file").await.text, "there\n");
    let listed = app.get("/workspaces").await.data();
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["default", "scratch", "third"]);
    assert_eq!(app.get("/workspaces/default/files").await.data()["total"], 1);
    // What is another's is not there.
    for path in ["", "/files", "/files/download?path=file"] {
        assert_eq!(other.get(&format!("/workspaces/scratch{path}")).await.error(404), "workspace_not_found");
    }
    other.post("/workspaces/scratch/exec", json!({"command": "true"})).await.error(404);
    other.delete("/workspaces/scratch?purge=true").await.error(404);
    assert_eq!(other.get("/workspaces").await.data().as_array().unwrap().len(), 1);

    let shown = app.get("/workspace").await.data();
    assert_eq!((&shown["status"], &shown["limits"]["memory_mb"]), (&json!("running"), &json!(512)));
    app.eventually("/workspace", |shown| shown["usage"]["files"] == 2).await;
    app.delete("/workspace").await.ok();
    assert_eq!(app.get("/workspace").await.data()["status"], "stopped");
    assert_eq!(run(&app, "cat file").await["stdout"], "mine\n");
    app.delete("/workspace?purge=true").await.ok();
    app.delete("/workspaces/scratch?purge=true").await.ok();
    app.get("/workspaces/scratch").await.error(404);
    assert_eq!(volumes(&app).await, 1, "the other user's");
    assert_eq!(run(&app, "cat file").await["exit_code"], 1);
    let (viewer, _) = user(&app, "viewer", "viewer").await;
    for path in ["/workspace", "/workspace/files", "/workspace/files/download?path=x", "/workspace/terminal"] {
        viewer.get(path).await.error(403);
    }
}

#[tokio::test]
async fn what_nobody_needs_goes() {
    let app = TestApp::new().await;
    run(&app, "echo kept > file").await;
    let (other, id) = user(&app, "other", "editor").await;
    run(&other, "touch file").await;
    assert_eq!((containers(&app).await, volumes(&app).await), (2, 2));
    app.clock.advance(TimeDelta::minutes(14));
    run(&other, "true").await;
    app.clock.advance(TimeDelta::minutes(2));
    app.looked_at_by("workspaces").await;
    assert_eq!((containers(&app).await, volumes(&app).await), (1, 2), "idle, and in use");
    assert_eq!(run(&app, "cat file").await["stdout"], "kept\n");
    // Ended from outside, and while the server does not know.
    app.engine.reboot().await;
    assert_eq!(run(&app, "cat file").await["stdout"], "kept\n");
    assert_eq!(app.get("/workspace/files").await.data()["total"], 1);
    // While the engine is away nothing is decided.
    app.engine.set_away(true);
    app.clock.advance(TimeDelta::hours(1));
    app.looked_at_by("workspaces").await;
    assert_eq!(exec(&app, json!({"command": "true"})).await.error(503), "unavailable");
    app.delete("/workspace?purge=true").await.error(503);
    app.engine.set_away(false);
    assert_eq!(volumes(&app).await, 2);
    app.send(app.request(Method::DELETE, &format!("/platform/api/users/{id}"))).await.ok();
    app.looked_at_by("workspaces").await;
    assert_eq!(volumes(&app).await, 1);
    // Of a server that is gone: a command's own container, and what runs in one that goes on.
    let workspace = app.engine.volumes(&[("crawlhub.type", "workspace")]).await.unwrap().remove(0).labels;
    run(&app, "(setsid sleep 98781 &)").await;
    let mut spec = crawlhub::platform::containers::ContainerSpec {
        name: "workspace-run-lost".to_owned(),
        image: PLAIN.to_owned(),
        labels: workspace.clone(),
        ..Default::default()
    };
    spec.labels.insert("crawlhub.run".to_owned(), "lost".to_owned());
    let lost = app.engine.create(&spec).await.unwrap();
    let insert = "INSERT INTO workspace_runs (id, workspace_id, user_id, kind, mark, lease_until, started_at)
                  SELECT 'lost', id, user_id, 'command', 7, $1, $1 FROM workspaces";
    let db = app.database().await;
    db.query(insert).bind(crawlhub::clock::Clock::now(&*app.clock)).execute().await.unwrap();
    app.looked_at_by("workspaces").await;
    assert_eq!(app.engine.inspect(&lost).await.unwrap(), None);
    gone("98781").await;
    assert_eq!(run(&app, "cat file").await["stdout"], "kept\n");
}

#[tokio::test]
async fn only_so_much() {
    let settings = [
        ("CRAWLHUB_WORKSPACES_COMMANDS_PER_USER", "2"),
        ("CRAWLHUB_WORKSPACES_COMMANDS_IN_ALL", "3"),
        ("CRAWLHUB_WORKSPACES_DISK_MB", "2"),
    ];
    let app = TestApp::with(&settings).await;
    let (other, _) = user(&app, "other", "editor").await;
    let long = async |client: &Client| {
        let body = json!({"command": "echo up; sleep 98791"});
        let path = "/platform/api/crawlhub/workspace/exec/stream";
        let mut answer = client.request(Method::POST, path).json(&body).send().await.unwrap();
        assert!(answer.chunk().await.unwrap().is_some());
        answer
    };
    let (first, second) = (long(&app).await, long(&app).await);
    let refused = exec(&app, json!({"command": "true"})).await;
    assert_eq!(refused.error(429), "too_many_runs");
    assert!(refused.json()["msg"].as_str().unwrap().contains("2 commands"));
    let third = long(&other).await;
    let refused = exec(&other, json!({"command": "true"})).await;
    assert!(refused.json()["msg"].as_str().unwrap().contains("in all"), "{}", refused.text);
    app.get("/workspace/files").await.ok();
    drop((first, second, third));
    gone("98791").await;
    app.eventually("/workspace", |shown| shown["usage"]["commands"] == 0).await;
    other.eventually("/workspace", |shown| shown["usage"]["commands"] == 0).await;

    // More than it may hold: what writes it is ended, and nothing is begun until some of it is deleted.
    let body = json!({"command": "head -c 4000000 /dev/zero > large; mkdir d; mv large d; chmod 0 d; sleep 98792"});
    let done = exec(&app, body).await.data();
    assert_eq!((&done["disk_full"], &done["timed_out"]), (&json!(true), &json!(false)), "{done}");
    assert_eq!(exec(&app, json!({"command": "true"})).await.error(507), "workspace_full");
    assert_eq!(app.upload("/workspace/files/upload", "x", b"x".to_vec(), &[]).await.error(507), "workspace_full");
    assert_eq!(app.post("/workspace/files/folder", json!({"path": "x"})).await.error(507), "workspace_full");
    assert_eq!(app.get("/workspace/files").await.data()["total"], 1);
    app.delete("/workspace/files?path=d").await.ok();
    run(&app, "true").await;
    let large = app.upload("/workspace/files/upload", "x", vec![b'x'; 3_000_000], &[]).await;
    assert_eq!(large.error(507), "workspace_full");
    assert_eq!(run(&app, "ls -A").await["stdout"], "", "nothing of it stays");
}

#[tokio::test]
async fn a_terminal() {
    let app = TestApp::with(&[("CRAWLHUB_WORKSPACES_TERMINALS_PER_USER", "2")]).await;
    let path = "/platform/api/crawlhub/workspace/terminal?cols=90&rows=25";
    let bearer = format!("Bearer {}", app.token.as_ref().unwrap());
    let program = [("authorization", bearer.as_str())];
    let mut socket = Socket::open(&app.base, path, &program).await.unwrap();
    socket.until("stty size\n", "25 90").await;
    socket.say(&json!({"resize": {"cols": 120, "rows": 40}})).await;
    socket.until("stty size\n", "40 120").await;
    socket.until("(setsid sleep 98801 &); sleep 98802 & echo sta''rted\n", "started").await;
    assert_eq!(app.get("/workspace").await.data()["usage"]["terminals"], 1);
    socket.send(b"exit 6\n").await;
    loop {
        match socket.next().await {
            Frame::Json(said) => break assert_eq!(said, json!({"exit": {"code": 6}})),
            Frame::Bytes(_) => {}
            Frame::Closed => panic!("no exit code"),
        }
    }
    socket.ended().await;
    gone("98801").await;
    gone("98802").await;

    // Of browsers only its own pages come in.
    let login = json!({"email": "admin@crawlhub.local", "password": PASSWORD});
    let nobody = app.without_token();
    let signed_in = nobody.send(nobody.request(Method::POST, "/platform/api/login").json(&login)).await;
    let cookies = cookies_of(&signed_in);
    let csrf = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("admin_csrf_token=")).unwrap();
    for origin in [&[("origin", "http://evil.example")][..], &[("origin", "null")], &[]] {
        let headers = [&[("cookie", cookies.as_str())], origin].concat();
        assert_eq!(Socket::open(&app.base, path, &headers).await.err(), Some(403), "{origin:?}");
    }
    assert_eq!(Socket::open(&app.base, path, &[("origin", app.base.as_str())]).await.err(), Some(401));
    let page = [("cookie", cookies.as_str()), ("origin", app.base.as_str())];
    let mut socket = Socket::open(&app.base, path, &page).await.unwrap();
    socket.until("echo o''pen\n", "open").await;
    let mut second = Socket::open(&app.base, path, &program).await.unwrap();
    second.until("echo o''pen\n", "open").await;
    assert_eq!(Socket::open(&app.base, path, &program).await.err(), Some(429));
    assert_eq!(app.get("/workspace/terminal").await.error(400), "not_a_websocket");
    // Signed out: this one ends, and the token's does not.
    let out =
        nobody.request(Method::POST, "/platform/api/logout").header("cookie", &cookies).header("x-csrf-token", csrf);
    nobody.send(out).await.ok();
    socket.ended().await;
    second.until("echo sti''ll\n", "still").await;
    app.delete("/workspace").await.ok();
    second.ended().await;
    app.eventually("/workspace", |shown| shown["usage"]["terminals"] == 0).await;
    // Left alone, and of a user who may no longer.
    let mut socket = Socket::open(&app.base, path, &program).await.unwrap();
    socket.until("echo o''pen\n", "open").await;
    app.clock.advance(TimeDelta::minutes(16));
    socket.ended().await;
    let (other, id) = user(&app, "other", "editor").await;
    let bearer = format!("Bearer {}", other.token.as_ref().unwrap());
    let mut socket = Socket::open(&app.base, path, &[("authorization", bearer.as_str())]).await.unwrap();
    socket.until("echo o''pen\n", "open").await;
    let change = app.request(Method::PUT, &format!("/platform/api/users/{id}")).json(&json!({"is_active": false}));
    app.send(change).await.ok();
    socket.ended().await;
}
