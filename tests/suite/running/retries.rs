//! What failed is tried again: how often, when, and what a later attempt finds.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;

/// Waits until the task waits for its next attempt; the task.
async fn waiting(app: &TestApp, task: &str, retries: i64) -> Value {
    app.eventually(&format!("/tasks/{task}"), |task| {
        let ended = ["completed", "failed", "cancelled"].contains(&task["status"].as_str().unwrap());
        assert!(!ended, "{task}");
        task["status"] == "pending" && task["retry_count"] == retries
    })
    .await
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

/// Fails with the network, then with the network, then succeeds. Each attempt delivers.
#[tokio::test(flavor = "multi_thread")]
async fn until_it_succeeds() {
    let app = TestApp::new().await;
    let script = "import sys\nfrom crawlhub import save_item, load_checkpoint, save_checkpoint\n\
        n = (load_checkpoint() or {'n': 0})['n'] + 1\nsave_checkpoint({'n': n})\nsave_item({'n': n})\nprint('attempt', n)\n\
        if n < 3: raise ConnectionError('unreachable')";
    let fields = json!({"name": "stubborn", "max_retries": 5, "retry_delay_seconds": 60});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    for (retries, least, most) in [(1, 48, 72), (2, 96, 144)] {
        let seen = waiting(&app, &task, retries).await;
        let pause = time(&seen["next_attempt_at"]) - time(&seen["updated_at"]);
        assert!((least..=most).contains(&pause.num_seconds()), "{pause} {seen}");
        assert_eq!((&seen["error_category"], &seen["finished_at"]), (&json!("network"), &Value::Null), "{seen}");
        assert!(seen["pending_reason"].as_str().unwrap().contains(&format!("retry {retries} of 5")), "{seen}");
        // The spider is busy with it: nothing else starts.
        assert_eq!(app.post(&format!("/spiders/{spider}/run"), json!({})).await.error(409), "spider_busy");
        app.clock.advance(pause - TimeDelta::seconds(1));
        assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["status"], "pending");
        app.clock.advance(TimeDelta::seconds(1));
    }
    let ended = app.ended(&task).await;
    assert_eq!(
        (&ended["status"], &ended["attempt"], &ended["retry_count"]),
        (&json!("completed"), &json!(3), &json!(2))
    );
    assert_eq!((&ended["error_message"], &ended["total_count"]), (&Value::Null, &json!(3)), "{ended}");
    // Each attempt went on from the one before it.
    assert_eq!(app.items(&task).await, [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]);
    let lines = app.lines(&task).await;
    let said: Vec<(i64, &str)> = lines
        .iter()
        .filter(|line| line["stream"] == "stdout")
        .map(|line| (line["attempt"].as_i64().unwrap(), line["line"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [(1, "attempt 1"), (2, "attempt 2"), (3, "attempt 3")]);
    let attempts = app.get(&format!("/tasks/{task}/attempts")).await.data();
    let told: Vec<Value> = attempts
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["attempt"], row["status"], row["exit_code"], row["error_category"], row["items"]]))
        .collect();
    let expected = [
        json!([1, "failed", 1, "network", 1]),
        json!([2, "failed", 1, "network", 1]),
        json!([3, "completed", 0, null, 1]),
    ];
    assert_eq!(told, expected);
    for row in attempts.as_array().unwrap() {
        assert!(time(&row["finished_at"]) >= time(&row["started_at"]) && row["worker_id"].is_string(), "{row}");
    }
}

/// What a former attempt has delivered does not stand in the way of what a later one prints or returns.
#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_brings_its_own_items() {
    let app = TestApp::new().await;
    let attempt = "from crawlhub import load_checkpoint, save_checkpoint, save_item, flush\n\
        def attempt():\n    n = (load_checkpoint() or {'n': 0})['n'] + 1\n    save_checkpoint({'n': n})\n    return n\n";
    let prints = format!(
        "{attempt}n = attempt()\nfor item in range(2 * n):\n    print('{{\"attempt\": %d, \"item\": %d}}' % (n, item))\n\
         if n == 1: raise ConnectionError('refused')"
    );
    let returns = format!(
        "{attempt}def crawl(params):\n    n = attempt()\n    if n == 1:\n        save_item({{'attempt': 1, 'item': 0}})\n        \
         assert flush(30)\n        raise ConnectionError('refused')\n    \
         return [{{'attempt': n, 'item': item}} for item in range(2 * n)]"
    );
    for (entry_point, script, of_first) in [("main.py", &prints, 2), ("main:crawl", &returns, 1)] {
        let fields = json!({
            "name": entry_point, "entry_point": entry_point, "max_retries": 1, "retry_delay_seconds": 0,
        });
        let task = app.run_script(fields, script).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("completed"), &json!(2)), "{task}");
        let expected: Vec<Value> = (0..of_first)
            .map(|item| json!({"attempt": 1, "item": item}))
            .chain((0..4).map(|item| json!({"attempt": 2, "item": item})))
            .collect();
        assert_eq!(app.items(task["id"].as_str().unwrap()).await, expected, "{entry_point}");
    }
}

/// How often each kind of failure is tried again, with `max_retries` 2.
#[tokio::test(flavor = "multi_thread")]
async fn the_category_decides() {
    let app = TestApp::new().await;
    let cases = [
        ("network", "raise ConnectionError('refused')", json!({}), 3),
        ("system", "raise SystemExit(7)", json!({}), 3),
        ("system", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", json!({}), 3),
        ("parse", "{}['title']", json!({}), 1),
        ("auth", "raise Exception('403 Forbidden')", json!({}), 2),
        // The spider knows better.
        ("parse", "{}['title']", json!({"retry_limits": {"parse": 1}}), 2),
        ("system", "raise SystemExit(7)", json!({"retry_limits": {"system": 0}}), 1),
        ("auth", "raise SystemExit(7)", json!({"error_rules": [{"exit_code": 7, "category": "auth"}]}), 2),
        (
            "parse",
            "raise ConnectionError('captcha')",
            json!({"error_rules": [{"pattern": "captcha$", "category": "parse"}]}),
            1,
        ),
    ];
    let mut tasks = Vec::new();
    for (category, script, mut fields, attempts) in cases {
        fields["name"] = json!(format!("{category} {attempts}"));
        fields["max_retries"] = json!(2);
        fields["retry_delay_seconds"] = json!(0);
        let spider = app.spider(fields, &[("main.py", script)]).await;
        tasks.push((app.run(&spider, json!({})).await, category, attempts));
    }
    for (task, category, attempts) in tasks {
        let ended = app.ended(&task).await;
        assert_eq!(
            (&ended["status"], &ended["error_category"], &ended["attempt"]),
            (&json!("failed"), &json!(category), &json!(attempts)),
            "{ended}"
        );
        let rows = app.get(&format!("/tasks/{task}/attempts")).await.data();
        assert_eq!(rows.as_array().unwrap().len(), attempts, "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_runs_and_timeouts() {
    let app = TestApp::new().await;
    let spider = app
        .spider(
            json!({"name": "slow", "max_retries": 1, "retry_delay_seconds": 0, "timeout_seconds": 1}),
            &[("main.py", "import time\ntime.sleep(60)")],
        )
        .await;
    let ended = app.run_to_end(&spider, json!({})).await;
    assert_eq!((&ended["error_category"], &ended["attempt"]), (&json!("timeout"), &json!(2)), "{ended}");
    let stream = app.post(&format!("/spiders/{spider}/test-run"), json!({})).await.text;
    assert!(stream.contains("timed out"), "{stream}");
    let test = app.get("/tasks?is_test=true").await.data()["items"][0].clone();
    assert_eq!((&test["status"], &test["attempt"], &test["max_retries"]), (&json!("failed"), &json!(1), &json!(0)));
}

/// A waiting retry can be cancelled, and starts no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_retry_is_cancelled() {
    let app = TestApp::new().await;
    let fields = json!({"name": "fails", "max_retries": 3});
    let spider = app.spider(fields, &[("main.py", "raise ConnectionError('x')")]).await;
    let task = app.run(&spider, json!({})).await;
    waiting(&app, &task, 1).await;
    let cancelled = app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    assert_eq!(
        (&cancelled["status"], &cancelled["next_attempt_at"]),
        (&json!("cancelled"), &Value::Null),
        "{cancelled}"
    );
    app.clock.advance(TimeDelta::hours(2));
    // A new one may start.
    let again = app.run(&spider, json!({})).await;
    waiting(&app, &again, 1).await;
    assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["attempt"], 1);
}

/// Limits of a spider and of a project hold for everything that starts, retries too.
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "8")]).await;
    let ledger = tempfile::tempdir().unwrap();
    let met = tempfile::tempdir().unwrap();
    // The first three wait for each other, however slowly they come.
    let script = format!(
        "import os, time, sys, json\nmark = os.environ['NAME'] + '.' + str(os.getpid())\nmet = {:?}\nos.chdir({:?})\n\
         open(mark, 'w').close()\nlate = time.monotonic() + 60\n\
         while len(os.listdir()) < 3 and not os.path.exists(met) and time.monotonic() < late:\n    time.sleep(0.02)\n\
         beside = os.listdir()\nif len(beside) >= 3: open(met, 'w').close()\ntime.sleep(0.4)\n\
         beside = max(beside, os.listdir(), key=len)\nprint(json.dumps({{'beside': beside}}))\n\
         os.unlink(mark)\nsys.exit(1)",
        met.path().join("met"),
        ledger.path()
    );
    let project = app.post("/projects", json!({"name": "small", "max_concurrent": 3})).await.data();
    assert_eq!(project["max_concurrent"], 3);
    let mut tasks = Vec::new();
    for name in ["a", "b"] {
        let fields = json!({
            "name": name, "project_id": project["id"], "overlap": "allow", "max_concurrent": 2, "max_retries": 1,
            "retry_delay_seconds": 0, "env_vars": {"NAME": name},
        });
        let spider = app.spider(fields, &[("main.py", &script)]).await;
        for _ in 0..3 {
            tasks.push(app.run(&spider, json!({})).await);
        }
    }
    let mut most = 0;
    for task in &tasks {
        let ended = app.ended(task).await;
        assert_eq!(ended["attempt"], 2, "{ended}");
        for item in app.items(task).await {
            let beside: Vec<&str> =
                item["beside"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            for spider in ["a.", "b."] {
                assert!(beside.iter().filter(|name| name.starts_with(spider)).count() <= 2, "{beside:?}");
            }
            most = most.max(beside.len());
        }
    }
    assert_eq!(most, 3, "the project's limit, and no less");
    let distinct: BTreeSet<&String> = tasks.iter().collect();
    assert_eq!(distinct.len(), 6);
}

/// Each kind of waiting says so, in the caller's language.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_says_why() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "2")]).await;
    let wait = [("main.py", "import time\nprint('up', flush=True)\ntime.sleep(60)")];
    let project = app.post("/projects", json!({"name": "窄", "max_concurrent": 1})).await.data();
    let first = app.spider(json!({"name": "first", "project_id": project["id"]}), &wait).await;
    let second = app.spider(json!({"name": "second", "project_id": project["id"]}), &wait).await;
    let limited = app.spider(json!({"name": "limited", "overlap": "allow", "max_concurrent": 1}), &wait).await;
    let reason = async |task: &str| {
        let task = app.get(&format!("/tasks/{task}")).await.data();
        task["pending_reason"].as_str().unwrap_or_else(|| panic!("{task}")).to_owned()
    };
    let running = app.run(&first, json!({})).await;
    app.wait_for_line(&running, "up").await;
    let by_project = app.run(&second, json!({})).await;
    assert!(reason(&by_project).await.contains("project 窄 to end (1 running, 1 allowed)"));
    let other = app.run(&limited, json!({})).await;
    app.wait_for_line(&other, "up").await;
    let by_spider = app.run(&limited, json!({})).await;
    assert!(reason(&by_spider).await.contains("spider's other tasks to end (1 running, 1 allowed)"));
    let free = app.spider(json!({"name": "free"}), &wait).await;
    let by_slot = app.run(&free, json!({"priority": -1})).await;
    assert_eq!(reason(&by_slot).await, "waiting for a free slot");
    let chinese = app.request(reqwest::Method::GET, &format!("/platform/api/crawlhub/tasks/{by_slot}"));
    let language = [(reqwest::header::ACCEPT_LANGUAGE, "zh-CN".parse().unwrap())];
    let chinese = app.send(chinese.headers(language.into_iter().collect())).await;
    assert!(chinese.text.contains("等待空闲的执行槽"), "{}", chinese.text);
    let listed = app.get("/tasks?status=pending").await.data();
    let reasons = listed["items"].as_array().unwrap().iter().filter(|task| task["pending_reason"].is_string());
    assert_eq!(reasons.count(), 3, "{listed}");
    for task in [&by_slot, &by_spider, &by_project, &running, &other] {
        app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    }
}

#[tokio::test]
async fn settings_that_cannot_be() {
    let app = TestApp::new().await;
    let refused = async |fields: Value| app.post("/spiders", fields).await.details();
    assert_eq!(refused(json!({"name": "x", "max_concurrent": 0})).await, ["body.max_concurrent"]);
    assert_eq!(refused(json!({"name": "x", "retry_limits": {"network": 101}})).await, ["body.retry_limits"]);
    let unknown = refused(json!({"name": "x", "retry_limits": {"weather": 1}})).await;
    assert!(unknown[0].starts_with("body.retry_limits"), "{unknown:?}");
    for rule in [json!({"category": "auth"}), json!({"pattern": "(", "category": "auth"})] {
        assert_eq!(refused(json!({"name": "x", "error_rules": [rule]})).await, ["body.error_rules.0"]);
    }
    let huge = json!({"pattern": "(a{1000}){1000}", "category": "auth"});
    assert_eq!(refused(json!({"name": "x", "error_rules": [huge]})).await, ["body.error_rules.0"]);
    assert_eq!(
        app.post("/projects", json!({"name": "p", "max_concurrent": -1})).await.details(),
        ["body.max_concurrent"]
    );
    let spider = app.spider(json!({"name": "s", "max_concurrent": 4}), &[]).await;
    let cleared = app.put(&format!("/spiders/{spider}"), json!({"max_concurrent": null})).await.data();
    assert!(cleared["max_concurrent"].is_null(), "{cleared}");
}

/// Whoever follows a task sees each attempt of it, and how far it is.
#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_through_all_attempts() {
    let app = TestApp::new().await;
    let script = "import time\nfrom crawlhub import report_progress, load_checkpoint, save_checkpoint\n\
        again = load_checkpoint()\nsave_checkpoint({'n': 1})\nreport_progress(80 if again else 40, '半路')\ntime.sleep(1.5)\n\
        if not again: raise ConnectionError('refused')";
    let fields = json!({"name": "followed", "max_retries": 1, "retry_delay_seconds": 0});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    let stream = app.get(&format!("/tasks/{task}/events")).await.text;
    let events: Vec<Value> =
        stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let place = |wanted: &dyn Fn(&Value) -> bool, what: &str| {
        events.iter().position(wanted).unwrap_or_else(|| panic!("no event {what}: {stream}"))
    };
    let shows = |attempt: i64, progress: i64| {
        move |event: &Value| {
            event["status"] == "running" && event["attempt"] == attempt && event["progress"] == progress
        }
    };
    let first = place(&shows(1, 40), "of the first attempt's progress");
    assert_eq!(events[first]["progress_message"], "半路");
    let second = place(&shows(2, 80), "of the second attempt's progress");
    let end = place(&|event: &Value| event["status"] == "completed", "of the end");
    assert!(first < second && second < end && end == events.len() - 1, "{stream}");
    assert_eq!(events[end]["progress"], 100);
}
