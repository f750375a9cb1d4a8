//! How a spider is started, and what it is given.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_script_runs_from_pending_to_completed() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "hello"}), &[("main.py", "print('{\"n\": 1}')")]).await;
    let queued = app.post(&format!("/spiders/{spider}/run"), json!({})).await.data();
    assert_eq!(queued["status"], "pending");
    assert_eq!(queued["trigger_type"], "manual");
    assert_eq!(queued["spider_name"], "hello");
    assert!(queued["pending_reason"].is_string());
    let task = app.ended(queued["id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!((&task["exit_code"], &task["attempt"], &task["total_count"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!(task["progress"], 100);
    assert!(task["error_message"].is_null() && task["pending_reason"].is_null(), "{task}");
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"n": 1})]);
}

/// Each way to name what to run, with the files it needs and the item it must give.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_entry_point() {
    let app = TestApp::new().await;
    let function = "def run(params):\n    return {'got': params}\n";
    let asynchronous =
        "import asyncio\nasync def run(params):\n    await asyncio.sleep(0)\n    return [{'got': params}]\n";
    let generator = "async def run(params):\n    yield {'got': params}\n";
    let script = "import os, json\nprint(json.dumps({'got': json.loads(os.environ['CRAWLHUB_PARAMS'])}))\n";
    for (entry_point, path, content) in [
        ("main:run", "main.py", function),
        ("main:run", "main.py", asynchronous),
        ("main:run", "main.py", generator),
        ("pkg.spider:run", "pkg/spider.py", function),
        ("", "main.py", script),
        ("crawl", "crawl.py", script),
        ("pkg.crawl", "pkg/crawl.py", script),
        ("src/crawl.py", "src/crawl.py", script),
    ] {
        let fields = json!({"name": "entry", "entry_point": entry_point, "params": {"a": 1, "b": 2}});
        let spider = app.spider(fields, &[(path, content)]).await;
        let task = app.run_to_end(&spider, json!({"params": {"b": "二"}})).await;
        assert_eq!(task["status"], "completed", "{entry_point}: {task}");
        assert_eq!(task["params"], json!({"a": 1, "b": "二"}));
        let items = app.items(task["id"].as_str().unwrap()).await;
        assert_eq!(items, [json!({"got": {"a": 1, "b": "二"}})], "{entry_point} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let app = TestApp::new().await;
    for (entry_point, files, category, said) in [
        ("", &[][..], "parse", "main.py"),
        ("main:nothing", &[("main.py", "x = 1")][..], "parse", "nothing"),
        ("other:run", &[("main.py", "x = 1")][..], "parse", "other"),
        ("", &[("main.py", "def broken(:\n")][..], "parse", "SyntaxError"),
    ] {
        let spider = app.spider(json!({"name": "missing", "entry_point": entry_point}), files).await;
        let task = app.run_to_end(&spider, json!({})).await;
        assert_eq!(task["status"], "failed", "{task}");
        assert_eq!(task["error_category"], category, "{task}");
        assert!(task["error_message"].as_str().unwrap().contains(said), "{said}: {task}");
    }
}

/// What the spider sees of the world: its own settings, nothing of the server's.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_the_contracts_and_nothing_else() {
    let app = TestApp::new().await;
    let script = "import os, json, sys\nprint(json.dumps({'env': dict(os.environ), 'cwd': os.getcwd(), 'stdin': sys.stdin.read()}))";
    let fields = json!({
        "name": "env", "env_vars": {"API_KEY": "s3cret", "LEVEL": "5"}, "rate_limit_rps": 2.5, "max_items": 10,
    });
    let spider = app.spider(fields, &[("main.py", script), ("deep/er/数据.txt", "x")]).await;
    let task = app.run_to_end(&spider, json!({"params": {"q": "x"}})).await;
    let item = app.items(task["id"].as_str().unwrap()).await.remove(0);
    let env = item["env"].as_object().unwrap();
    let value = |name: &str| env[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    assert_eq!(value("CRAWLHUB_TASK_ID"), task["id"].as_str().unwrap());
    assert_eq!(value("CRAWLHUB_SPIDER_ID"), spider);
    assert_eq!(serde_json::from_str::<Value>(value("CRAWLHUB_PARAMS")).unwrap(), json!({"q": "x"}));
    assert_eq!((value("CRAWLHUB_RATE_LIMIT"), value("CRAWLHUB_MAX_ITEMS")), ("2.5", "10"));
    assert_eq!((value("API_KEY"), value("LEVEL")), ("s3cret", "5"));
    assert!(
        value("CRAWLHUB_API_URL").starts_with(&app.base) && value("CRAWLHUB_API_URL").contains(value("CRAWLHUB_TOKEN"))
    );
    let known = [
        "PATH",
        "LANG",
        "TZ",
        "HOME",
        "TMPDIR",
        "PYTHONUNBUFFERED",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONIOENCODING",
        "LC_CTYPE",
        "VIRTUAL_ENV",
        "API_KEY",
        "LEVEL",
    ];
    for name in env.keys() {
        assert!(name.starts_with("CRAWLHUB_") || known.contains(&name.as_str()), "{name} leaked in");
    }
    for ours in ["CRAWLHUB_DATA_DIR", "CRAWLHUB_ADMIN_PASSWORD", "CRAWLHUB_SECRET_KEY", "DATABASE_URL"] {
        assert!(!env.contains_key(ours), "{ours} leaked in");
    }
    assert_eq!(item["stdin"], "");
}

/// Each run has a fresh copy of the files, and leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_working_directory_each_time() {
    let app = TestApp::new().await;
    let script = "import os\nprint('{\"n\": %d}' % len(os.listdir('.')))\nopen('left.txt', 'w').write('x')\n\
                  os.makedirs('locked')\nopen('locked/f', 'w').write('x')\nos.chmod('locked', 0o500)";
    let spider = app.spider(json!({"name": "fresh"}), &[("main.py", script), ("data.txt", "x")]).await;
    for _ in 0..2 {
        let task = app.run_to_end(&spider, json!({})).await;
        assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"n": 2})], "{task}");
    }
    let left: Vec<_> = std::fs::read_dir(app.dir.path().join("work")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A task runs the files that were there when it was queued.
#[tokio::test(flavor = "multi_thread")]
async fn code_does_not_change_under_a_queued_task() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let blocker = app
        .spider(json!({"name": "blocker"}), &[("main.py", "import time\nprint('up', flush=True)\ntime.sleep(60)")])
        .await;
    let blocking = app.run(&blocker, json!({})).await;
    app.wait_for_line(&blocking, "up").await;
    let spider = app.spider(json!({"name": "code"}), &[("main.py", "print('{\"v\": 1}')")]).await;
    let task = app.run(&spider, json!({})).await;
    let file = app.get(&format!("/spiders/{spider}/files")).await.data()[0]["id"].as_str().unwrap().to_owned();
    app.put(&format!("/spiders/{spider}/files/{file}"), json!({"content": "print('{\"v\": 2}')"})).await.data();
    app.post(&format!("/tasks/{blocking}/cancel"), json!({})).await.data();
    app.ended(&task).await;
    assert_eq!(app.items(&task).await, [json!({"v": 1})]);
}

/// Slots bound what runs; what waits says why; the higher priority starts first.
#[tokio::test(flavor = "multi_thread")]
async fn slots_and_priorities() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let wait = "import time, sys\nprint('up', flush=True)\ntime.sleep(60)";
    let first = app.spider(json!({"name": "first"}), &[("main.py", wait)]).await;
    let running = app.run(&first, json!({})).await;
    app.wait_for_line(&running, "up").await;
    let quick = "import time\nprint('{\"at\": %f}' % time.time())";
    let (low, high) = (
        app.spider(json!({"name": "low"}), &[("main.py", quick)]).await,
        app.spider(json!({"name": "high"}), &[("main.py", quick)]).await,
    );
    let low = app.run(&low, json!({"priority": -5})).await;
    let high = app.run(&high, json!({"priority": 5})).await;
    for waiting in [&low, &high] {
        let task = app.get(&format!("/tasks/{waiting}")).await.data();
        assert_eq!(task["status"], "pending");
        assert!(task["pending_reason"].as_str().unwrap().contains("slot"), "{task}");
    }
    app.post(&format!("/tasks/{running}/cancel"), json!({})).await.data();
    let mut times = Vec::new();
    for task in [&high, &low] {
        app.ended(task).await;
        times.push(app.items(task).await[0]["at"].as_f64().unwrap());
    }
    assert!(times[0] < times[1], "{times:?}");
    assert_eq!(
        app.post(&format!("/spiders/{first}/run"), json!({"priority": 1000})).await.details(),
        ["body.priority"]
    );
}

/// Two runs at once: by the spider's own word on overlap.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once() {
    let app = TestApp::new().await;
    let wait = "import time\nprint('up', flush=True)\ntime.sleep(60)";
    let files = [("main.py", wait)];

    let skip = app.spider(json!({"name": "skip"}), &files).await;
    let one = app.run(&skip, json!({})).await;
    assert_eq!(app.post(&format!("/spiders/{skip}/run"), json!({})).await.error(409), "spider_busy");
    app.post(&format!("/tasks/{one}/cancel"), json!({})).await.data();
    let again = app.run(&skip, json!({})).await;
    app.post(&format!("/tasks/{again}/cancel"), json!({})).await.data();

    // A hundred callers at the same moment: one wins.
    let busy = app.spider(json!({"name": "race"}), &files).await;
    let path = format!("/spiders/{busy}/run");
    let calls = (0..20).map(|_| app.post(&path, json!({})));
    let answers = futures_util::future::join_all(calls).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error(409) == "spider_busy"));
    let winner = won[0].data()["id"].as_str().unwrap().to_owned();
    app.post(&format!("/tasks/{winner}/cancel"), json!({})).await.data();

    let replace = app.spider(json!({"name": "replace", "overlap": "replace"}), &files).await;
    let old = app.run(&replace, json!({})).await;
    app.wait_for_line(&old, "up").await;
    let new = app.run(&replace, json!({})).await;
    app.wait_for_line(&new, "up").await;
    assert_eq!(app.get(&format!("/tasks/{old}")).await.data()["status"], "cancelled");
    app.post(&format!("/tasks/{new}/cancel"), json!({})).await.data();

    let allow = app.spider(json!({"name": "allow", "overlap": "allow"}), &files).await;
    let (one, two) = (app.run(&allow, json!({})).await, app.run(&allow, json!({})).await);
    for task in [&one, &two] {
        app.wait_for_line(task, "up").await;
    }
    for task in [&one, &two] {
        app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    }

    let queue = app.spider(json!({"name": "queue", "overlap": "queue"}), &files).await;
    let (one, two) = (app.run(&queue, json!({})).await, app.run(&queue, json!({})).await);
    app.wait_for_line(&one, "up").await;
    let waiting = app.get(&format!("/tasks/{two}")).await.data();
    assert_eq!(waiting["status"], "pending");
    assert!(
        waiting["pending_reason"].as_str().unwrap().contains("other tasks to end (1 running, 1 allowed)"),
        "{waiting}"
    );
    app.post(&format!("/tasks/{one}/cancel"), json!({})).await.data();
    app.wait_for_line(&two, "up").await;
    app.post(&format!("/tasks/{two}/cancel"), json!({})).await.data();
}

/// What this server cannot do it says at the call, and by name.
#[tokio::test]
async fn an_engine_that_is_not_here() {
    let app = TestApp::new().await;
    app.engine.set_away(true);
    let spider = app.spider(json!({"name": "boxed", "runner": "docker"}), &[("main.py", "pass")]).await;
    let answer = app.post(&format!("/spiders/{spider}/run"), json!({})).await;
    assert_eq!(answer.error(503), "unavailable");
    assert!(answer.text.contains("Docker"), "{}", answer.text);
}
