//! `POST …/test-run`: the console beside the editor.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

/// (event, data), in order.
fn events(text: &str) -> Vec<(String, Value)> {
    text.split("\n\n")
        .filter(|event| event.contains("data:"))
        .map(|event| {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
            (field("event:"), serde_json::from_str(&field("data:")).unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_what_happens_to_the_end() {
    let app = TestApp::new().await;
    let script = "import sys\nfrom crawlhub import save_item, get_params\nprint('out')\nprint('err', file=sys.stderr)\nsave_item(get_params())";
    let spider = app.spider(json!({"name": "console", "params": {"a": 1}}), &[("main.py", script)]).await;
    let answer = app.post(&format!("/spiders/{spider}/test-run"), json!({"params": {"b": 2}})).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    assert_eq!(answer.headers["x-accel-buffering"], "no");
    let events = events(&answer.text);
    let (first, last) = (&events[0], events.last().unwrap());
    assert_eq!(first.0, "task");
    let id = first.1["task_id"].as_str().unwrap();
    assert_eq!((last.0.as_str(), &last.1["status"]), ("status", &json!("completed")), "{events:?}");
    assert!(last.1["duration"].is_number());
    let of =
        |name: &str| events.iter().filter(|(event, _)| event == name).map(|(_, data)| data.clone()).collect::<Vec<_>>();
    assert_eq!(of("stdout")[0]["line"], "out");
    assert!(of("stderr").iter().any(|line| line["line"] == "err"), "{events:?}");
    assert_eq!(of("item"), [json!({"a": 1, "b": 2})]);

    let task = app.get(&format!("/tasks/{id}")).await.data();
    assert_eq!((&task["is_test"], &task["trigger_type"]), (&json!(true), &json!("test")));
    let rows = app.get(&format!("/data?spider_id={spider}&is_test=true")).await.data();
    assert_eq!((&rows["total"], &rows["items"][0]["is_test"]), (&json!(1), &json!(true)));
}

/// Hanging up does not stop it; cancel does. A test does not count as the spider being busy.
#[tokio::test(flavor = "multi_thread")]
async fn goes_on_without_its_reader() {
    let app = TestApp::new().await;
    let script = "import time\nprint('up', flush=True)\ntime.sleep(60)";
    let spider = app.spider(json!({"name": "hang up"}), &[("main.py", script)]).await;
    let path = format!("/platform/api/crawlhub/spiders/{spider}/test-run");
    let mut response = app.request(Method::POST, &path).send().await.unwrap();
    let mut seen = String::new();
    while !seen.contains("up") {
        seen.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    drop(response);
    let list = app.get(&format!("/tasks?spider_id={spider}")).await.data();
    let test = list["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list["items"][0]["status"], "running");
    let run = app.run(&spider, json!({})).await;
    app.wait_for_line(&run, "up").await;
    for task in [&test, &run] {
        assert_eq!(app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data()["status"], "cancelled");
    }
}
