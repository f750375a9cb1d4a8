//! What a spider's run survives: a server that stops, a database that is locked or away, a disk that is full.

use serde_json::json;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use crate::support::{Gate, ServerProcess, SmallDisk, TestApp, skip_unless};

/// Spiders end with their server. Their tasks have not failed: they start again with the next one, whatever their
/// settings say of retries. What was delivered stays.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_stopped() {
    let app = TestApp::new().await;
    let outside = tempfile::tempdir().unwrap();
    let script = format!(
        "import os, time\nfrom crawlhub import save_item, flush\nsave_item({{'n': 1}})\nflush()\nos.chdir({:?})\n\
         if os.path.exists('second'): raise SystemExit(0)\nopen('second', 'w')\nprint('up', flush=True)\ntime.sleep(60)",
        outside.path()
    );
    let spider = app.spider(json!({"name": "stopped"}), &[("main.py", &script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    let waiting = app.spider(json!({"name": "waiting"}), &[("main.py", "print('{\"n\": 1}')")]).await;
    let app = app.restart(&[]).await;
    let ended = app.ended(&task).await;
    let told = (&ended["status"], &ended["attempt"], &ended["retry_count"], &ended["total_count"]);
    assert_eq!(told, (&json!("completed"), &json!(2), &json!(0), &json!(2)), "{ended}");
    let attempts = app.get(&format!("/tasks/{task}/attempts")).await.data();
    assert!(attempts[0]["error_message"].as_str().unwrap().contains("server was stopped"), "{attempts}");
    assert_eq!((&attempts[0]["is_interrupted"], &attempts[0]["items"]), (&json!(true), &json!(1)), "{attempts}");
    assert_eq!(app.run_to_end(&waiting, json!({})).await["status"], "completed");
}

/// After `kill -9` of the server: its spiders end, the task does not stay `running`, and no item is missing: neither one
/// that was acknowledged, nor one that the SDK could no longer send. The spider keeps a ledger outside.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed() {
    let settings = [("CRAWLHUB_TASKS_LEASE_SECONDS", "5")];
    let mut server = ServerProcess::start(&settings).await;
    // Where a confined spider can write.
    let outside = tempfile::tempdir().unwrap();
    let (ledger, again) = (outside.path().join("ledger"), outside.path().join("again"));
    let script = format!(
        "import os, time\nfrom crawlhub import save_item\nledger = open({ledger:?}, 'a')\n\
         print('pid', os.getpid(), flush=True)\nif os.path.exists({again:?}): raise SystemExit(0)\n\
         open({again:?}, 'w')\nfor n in range(1_000_000):\n    save_item({{'n': n}})\n    \
         print(n, file=ledger, flush=True)\n    if n == 3000: print('thousands', flush=True)\n    time.sleep(0.0005)"
    );
    let spider = server.spider(json!({"name": "killed"}), &[("main.py", &script)]).await;
    let task = server.run(&spider, json!({})).await;
    server.wait_for_line(&task, "thousands").await;
    let line = server.lines(&task).await.remove(0)["line"].as_str().unwrap().to_owned();
    let pid = line.split(' ').nth(1).unwrap().to_owned();
    server.child.kill().await.unwrap();
    let ServerProcess { dir, database_url, .. } = server;
    let server = ServerProcess::start_in(dir, database_url, &settings).await;
    let ended = server.ended(&task).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the spider outlived its server");
    let saved: Vec<i64> = server.items(&task).await.iter().map(|item| item["n"].as_i64().unwrap()).collect();
    let ledger = std::fs::read_to_string(ledger).unwrap();
    let last: i64 = ledger.trim().lines().last().unwrap().parse().unwrap();
    let distinct: std::collections::BTreeSet<i64> = saved.iter().copied().collect();
    assert_eq!(distinct.len(), saved.len(), "an item came twice");
    let missing: Vec<i64> = (0..=last).filter(|n| !distinct.contains(n)).collect();
    assert!(missing.is_empty(), "{} of {last} are missing: {:?}", missing.len(), &missing[..missing.len().min(5)]);
    assert_eq!(ended["total_count"], saved.len());
}

/// The clock jumps forward (or the database was away for long) and every claim looks run out: the server does not take
/// its own tasks for lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_clock_jumps() {
    let app = TestApp::new().await;
    let go = app.dir.path().join("go");
    let script =
        format!("import os, time\nprint('up', flush=True)\nwhile not os.path.exists({go:?}): time.sleep(0.05)");
    let spider = app.spider(json!({"name": "patient"}), &[("main.py", &script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    let runs = async || {
        let ready = app.send(app.request(reqwest::Method::GET, "/readyz")).await.json();
        ready["loops"]["watchdog"]["runs"].as_i64().unwrap()
    };
    app.clock.advance(chrono::TimeDelta::hours(1));
    let before = runs().await;
    while runs().await < before + 2 {
        tokio::task::yield_now().await;
    }
    std::fs::write(&go, "").unwrap();
    let ended = app.ended(&task).await;
    assert_eq!(ended["status"], "completed", "{ended}");
}

/// Another process holds SQLite's write lock for longer than a writer waits: callers hear 503, a running spider loses
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_locked() {
    let app = TestApp::new().await;
    if app.database_url.is_some() {
        // PostgreSQL has no such lock; see below for what it has.
        return;
    }
    let script = "from crawlhub import save_item\nprint('up', flush=True)\n\
        for n in range(100):\n    save_item({'n': n})\n    print(n, flush=True)";
    let lock = |name: &str| {
        let file = app.dir.path().join(name);
        async move {
            let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
            connection.execute("BEGIN EXCLUSIVE").await.unwrap();
            connection
        }
    };
    let spider = app.spider(json!({"name": "locked"}), &[("main.py", script)]).await;
    let (main, documents) = (lock("crawlhub.db").await, lock("documents.db").await);
    let refused = app.post("/projects", json!({"name": "p"})).await;
    assert_eq!(refused.error(503), "unavailable");
    assert!(refused.text.contains("database"));
    main.close().await.unwrap();
    let task = app.run(&spider, json!({})).await;
    // Until the spider has started, it has nothing to lose.
    let pending = app.get(&format!("/tasks/{task}")).await.data();
    assert_ne!(pending["status"], "failed", "{pending}");
    documents.close().await.unwrap();
    let ended = app.ended(&task).await;
    assert_eq!((&ended["status"], &ended["total_count"]), (&json!("completed"), &json!(100)), "{ended}");
    assert_eq!(app.lines(&task).await.len(), 101);
}

/// PostgreSQL goes away while a spider delivers, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_goes_away() {
    let Ok(_) = std::env::var("TEST_DATABASE_URL") else { return };
    let proxy = Gate::before_postgres().await;
    let app = TestApp::with(&[("DATABASE_URL", &proxy.url)]).await;
    let script = "import os, time\nfrom crawlhub import save_item\nprint('up', flush=True)\nfor n in range(2000):\n    save_item({'n': n})\n    time.sleep(0.002)\n    if n % 100 == 0: print(n, flush=True)";
    let spider = app.spider(json!({"name": "away"}), &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    proxy.close();
    let refused = app.post("/projects", json!({"name": "p"})).await;
    assert_eq!(refused.error(503), "unavailable");
    let ready = app.send(app.request(reqwest::Method::GET, "/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["dependencies"]["database"]), (503, &json!("unavailable")));
    proxy.open();
    let ended = app.ended(&task).await;
    assert_eq!((&ended["status"], &ended["total_count"]), (&json!("completed"), &json!(2000)), "{ended}");
    assert_eq!(app.items(&task).await.len(), 2000);
    // Beside these the SDK may have met it, and says so.
    let lines = app.lines(&task).await;
    let printed = lines.iter().filter(|line| !line["line"].as_str().unwrap().starts_with("[crawlhub:")).count();
    assert_eq!(printed, 21, "{lines:?}");
}

/// A disk that fills up: the task ends with the reason, what was acknowledged stays, and the server lives on.
#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full() {
    let disk = SmallDisk::mount(24).await;
    if skip_unless(disk.is_some(), "the right to mount a small tmpfs (root)") {
        return;
    }
    let disk = disk.unwrap();
    let _ = tracing_subscriber::fmt().try_init();
    let app = TestApp::with(&[("CRAWLHUB_DATA_DIR", disk.path()), ("CRAWLHUB_SERVER_MIN_FREE_BYTES", "4000000")]).await;
    let script = "open('big', 'wb').write(b'x' * 64_000_000)";
    let task = app.run_script(json!({"name": "fills"}), script).await;
    assert_eq!(task["status"], "failed", "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("No space left"), "{task}");
    // The folder went with the task: there is room again.
    let next = app.run_script(json!({"name": "next"}), "print('{\"n\": 1}')").await;
    assert_eq!((&next["status"], &next["total_count"]), (&json!("completed"), &json!(1)), "{next}");

    let log = "import sys\nfor n in range(400_000):\n    print('x' * 100)";
    let task = app.run_script(json!({"name": "logs"}), log).await;
    if app.database_url.is_none() {
        assert_eq!(task["status"], "failed", "{task}");
        assert!(task["error_message"].as_str().unwrap().contains("no space left"), "{task}");
    }
    let health = app.send(app.request(reqwest::Method::GET, "/healthz")).await;
    assert_eq!(health.status, 200);
}

/// 2 GB of output, and one line of 200 MB: flat memory.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_memory_stays_flat() {
    let server = ServerProcess::start(&[("CRAWLHUB_TASKS_LOG_LIMIT_BYTES", "4000000")]).await;
    let lines = "import sys\nblock = b'x' * 99 + b'\\n'\nblock *= 20_000\nfor _ in range(1000):\n    sys.stdout.buffer.write(block)";
    let line = "import sys\nblock = b'y' * 1_000_000\nfor _ in range(200):\n    sys.stdout.buffer.write(block)\nsys.stderr.write('z' * 50_000_000)";
    for (name, script) in [("2 GB", lines), ("one line", line)] {
        let task = server.run_script(json!({"name": name}), script).await;
        assert_eq!(task["status"], "completed", "{task}");
        let page = server.get(&format!("/tasks/{}/logs", task["id"].as_str().unwrap())).await.data();
        assert_eq!(page["truncated"], true, "{name}");
    }
    let peak = server.peak_memory_mb();
    assert!(peak < 150, "the server had {peak} MB");
}
