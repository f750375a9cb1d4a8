//! Cancel really stops; ended tasks stay as they are.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn cancel_stops_everything_the_spider_started() {
    let app = TestApp::new().await;
    let script = "import os, signal, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        child = subprocess.Popen(['sleep', '876543'], start_new_session=True)\nprint('pids', os.getpid(), child.pid, flush=True)\ntime.sleep(60)";
    let spider = app.spider(json!({"name": "stubborn"}), &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "pids").await;
    let line = app.lines(&task).await[0]["line"].as_str().unwrap().to_owned();
    let pids: Vec<&str> = line.split(' ').skip(1).collect();
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
    let ended = app.ended(&task).await;
    assert_eq!(ended["status"], "cancelled", "{ended}");
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} still runs");
    }
    assert_eq!(app.post(&format!("/tasks/{task}/cancel"), json!({})).await.error(409), "task_finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_in_every_state() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let wait = "import time\nprint('up', flush=True)\ntime.sleep(60)";
    let first = app.spider(json!({"name": "first"}), &[("main.py", wait)]).await;
    let running = app.run(&first, json!({})).await;
    app.wait_for_line(&running, "up").await;
    let second = app.spider(json!({"name": "second"}), &[("main.py", wait)]).await;
    let pending = app.run(&second, json!({})).await;
    assert_eq!(app.delete(&format!("/tasks/{pending}")).await.error(409), "task_active");
    let cancelled = app.post(&format!("/tasks/{pending}/cancel"), json!({})).await.data();
    assert_eq!((&cancelled["status"], &cancelled["attempt"]), (&json!("cancelled"), &json!(0)));
    // Twice at the same moment: both hear that it is over.
    let path = format!("/tasks/{running}/cancel");
    let (one, two) = tokio::join!(app.post(&path, json!({})), app.post(&path, json!({})));
    for answer in [one, two] {
        assert!(answer.status == 200 || answer.error(409) == "task_finished", "{}", answer.text);
    }
    assert_eq!(app.ended(&running).await["status"], "cancelled");
    assert_eq!(app.post("/tasks/none/cancel", json!({})).await.error(404), "task_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_can_be_run_again_and_deleted() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "again"}), &[("main.py", "print('{\"n\": 1}')")]).await;
    let task = app.run_to_end(&spider, json!({"params": {"a": 1}})).await;
    let id = task["id"].as_str().unwrap();
    let again = app.post(&format!("/tasks/{id}/retry"), json!({})).await.data();
    assert_ne!(again["id"], task["id"]);
    assert_eq!((&again["trigger_type"], &again["params"]), (&json!("retry"), &json!({"a": 1})));
    app.ended(again["id"].as_str().unwrap()).await;

    app.delete(&format!("/tasks/{id}")).await.ok();
    assert_eq!(app.get(&format!("/tasks/{id}")).await.error(404), "task_not_found");
    assert_eq!(app.get(&format!("/data?task_id={id}")).await.data()["total"], 0);
    assert_eq!(app.get(&format!("/tasks/{id}/logs")).await.error(404), "task_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_listed_and_filtered() {
    let app = TestApp::new().await;
    let good = app.spider(json!({"name": "good"}), &[("main.py", "pass")]).await;
    let bad = app.spider(json!({"name": "bad"}), &[("main.py", "raise SystemExit(1)")]).await;
    for spider in [&good, &bad, &good] {
        app.run_to_end(spider, json!({})).await;
    }
    let list = async |query: &str| app.get(&format!("/tasks?{query}")).await;
    assert_eq!(list("").await.data()["total"], 3);
    assert_eq!(list("status=failed").await.data()["total"], 1);
    assert_eq!(list(&format!("spider_id={good}&status=&trigger_type=manual&is_test=false")).await.data()["total"], 2);
    assert_eq!(list("status=unheard-of").await.details(), ["query.status"]);
    let first = list("page_size=2").await.data();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["total_pages"]), (2, &json!(2)));
    let rest = list(&format!("page_size=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.data();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert!(rest["next_cursor"].is_null());
    assert!(first["items"][0]["id"].as_str().unwrap() > first["items"][1]["id"].as_str().unwrap(), "newest first");
}

/// A cancel at the moment at which the spider ends by itself: one of the two it is, and both sides agree.
#[tokio::test(flavor = "multi_thread")]
async fn cancel_while_it_ends() {
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "4")]).await;
    let script = "import time\nprint('up', flush=True)\ntime.sleep(0.6)";
    let fields = json!({"name": "short", "overlap": "allow", "max_retries": 3, "retry_delay_seconds": 0});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    let mut ends = std::collections::BTreeMap::<String, usize>::new();
    // As long as it takes on a busy machine.
    for round in 0..100_u32 {
        if round >= 10 && ends.len() == 2 {
            break;
        }
        let task = app.run(&spider, json!({})).await;
        app.wait_for_line(&task, "up").await;
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(round % 20 * 80))).await;
        let path = format!("/tasks/{task}/cancel");
        let (one, two) = tokio::join!(app.post(&path, json!({})), app.post(&path, json!({})));
        let ended = app.ended(&task).await;
        let status = ended["status"].as_str().unwrap().to_owned();
        assert!(["completed", "cancelled"].contains(&status.as_str()), "{ended}");
        assert_eq!(ended["attempt"], 1, "{ended}");
        for answer in [one, two] {
            match answer.status.as_u16() {
                200 => assert_eq!(answer.data()["status"], *status, "{}", answer.text),
                _ => assert_eq!(answer.error(409), "task_finished"),
            }
        }
        *ends.entry(status).or_default() += 1;
    }
    assert!(ends.len() == 2, "no round met the moment: {ends:?}");
}
