//! Which code a run takes.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

async fn deploy(app: &Client, spider: &str) -> Value {
    app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.data()
}

/// Makes the spider's `main.py` print `text`.
async fn edit(app: &Client, spider: &str, text: &str) {
    let path = format!("/spiders/{spider}/files/upload");
    app.upload(&path, "main.py", format!("print('{text}')").into_bytes(), &[("path", "main.py")]).await.data();
}

/// What the task printed, and which version it says it ran.
async fn told(app: &Client, task: &Value) -> (String, Value, Value) {
    assert_eq!(task["status"], "completed", "{task}");
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    let texts: Vec<&str> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    (texts.join("\n"), task["deployment_id"].clone(), task["deployment_version"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_version_runs_whatever_becomes_of_the_files() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "print('one')")]).await;
    let run = async |options: Value| {
        let task = app.run_to_end(&spider, options).await;
        (told(&app, &task).await, task)
    };
    let (said, before) = run(json!({})).await;
    assert_eq!(said, ("one".to_owned(), Value::Null, Value::Null));

    let first = deploy(&app, &spider).await;
    edit(&app, &spider, "two").await;
    let (said, task) = run(json!({})).await;
    assert_eq!(said, ("one".to_owned(), first["id"].clone(), json!(1)));
    // The same code, by whatever way it came to run.
    assert_eq!(task["code_hash"], first["code_hash"]);
    assert_eq!(task["code_hash"], before["code_hash"]);

    let second = deploy(&app, &spider).await;
    edit(&app, &spider, "three").await;
    assert_eq!(run(json!({})).await.0, ("two".to_owned(), second["id"].clone(), json!(2)));
    let path = format!("/spiders/{spider}/deployments");
    app.post(&format!("{path}/{}/rollback", first["id"].as_str().unwrap()), json!({})).await.ok();
    assert_eq!(run(json!({})).await.0, ("one".to_owned(), first["id"].clone(), json!(1)));
    // One run of another version.
    let once = run(json!({"deployment_id": second["id"]})).await.0;
    assert_eq!(once, ("two".to_owned(), second["id"].clone(), json!(2)));

    app.post(&format!("{path}/deactivate"), json!({})).await.ok();
    let (said, task) = run(json!({})).await;
    assert_eq!(said, ("three".to_owned(), Value::Null, Value::Null));
    assert_ne!(task["code_hash"], second["code_hash"]);
}

/// A version that is not there replaces nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_no_version_ends_no_other() {
    let app = TestApp::new().await;
    let script = "import time\nprint('up', flush=True)\ntime.sleep(60)";
    let spider = app.spider(json!({"name": "s", "overlap": "replace"}), &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    let answer = app.post(&format!("/spiders/{spider}/run"), json!({"deployment_id": "none"})).await;
    assert_eq!(answer.error(404), "deployment_not_found");
    assert_eq!(app.get(&format!("/tasks/{task}")).await.data()["status"], "running");
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
}

/// An editor tests what it shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_takes_the_files_as_they_are() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "print('one')")]).await;
    let first = deploy(&app, &spider).await;
    edit(&app, &spider, "two").await;
    let test = async |options: Value| {
        let answer = app.post(&format!("/spiders/{spider}/test-run"), options).await;
        let task = app.get(&format!("/tasks?spider_id={spider}")).await.data()["items"][0].clone();
        assert!(answer.text.contains("\"completed\""), "{}", answer.text);
        told(&app, &task).await
    };
    assert_eq!(test(json!({})).await, ("two".to_owned(), Value::Null, Value::Null));
    let of_first = test(json!({"deployment_id": first["id"]})).await;
    assert_eq!(of_first, ("one".to_owned(), first["id"].clone(), json!(1)));
}

/// How files are run is part of a version; what the spider may use and is called with is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_entry_point_is_frozen_and_the_environment_is_not() {
    let app = TestApp::new().await;
    let script = "import os\ndef one():\n    print('one', os.environ['PLACE'])\ndef two():\n    print('two', os.environ['PLACE'])";
    let fields = json!({"name": "s", "entry_point": "main:one", "env_vars": {"PLACE": "a"}});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    deploy(&app, &spider).await;
    let change = json!({"entry_point": "main:two", "source": "scrapy", "env_vars": {"PLACE": "b"}});
    app.put(&format!("/spiders/{spider}"), change).await.data();
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(told(&app, &task).await.0, "one b");
    app.put(&format!("/spiders/{spider}"), json!({"source": "empty"})).await.data();
    app.post(&format!("/spiders/{spider}/deployments/deactivate"), json!({})).await.ok();
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(told(&app, &task).await.0, "two b");
}

/// A version is kept as long as a task that waits or runs is to run it; afterwards the task still says which it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_outlives_its_tasks() {
    let app = TestApp::new().await;
    let script = "import time\nprint('up', flush=True)\ntime.sleep(60)";
    let spider = app.spider(json!({"name": "s"}), &[("main.py", script)]).await;
    let first = deploy(&app, &spider).await;
    let path = format!("/spiders/{spider}/deployments/{}", first["id"].as_str().unwrap());
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "up").await;
    app.post(&format!("/spiders/{spider}/deployments/deactivate"), json!({})).await.ok();
    assert_eq!(app.delete(&path).await.error(409), "deployment_busy");
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await.ok();
    app.delete(&path).await.ok();
    let ended = app.get(&format!("/tasks/{task}")).await.data();
    assert_eq!(
        (&ended["deployment_id"], &ended["deployment_version"], &ended["code_hash"]),
        (&first["id"], &json!(1), &first["code_hash"])
    );
}
