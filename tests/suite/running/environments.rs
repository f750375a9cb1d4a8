//! Requirements are installed once per content, and shared.

use serde_json::json;
use tempfile::TempDir;

use crate::support::TestApp;

/// A package of our own, as an unpacked folder `name` in one that spiders and builders can see.
pub(super) fn package(name: &str) -> TempDir {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(name);
    std::fs::create_dir_all(folder.join(name)).unwrap();
    std::fs::write(folder.join(name).join("__init__.py"), "ANSWER = 42\n").unwrap();
    let setup = format!("from setuptools import setup\nsetup(name='{name}', version='1.0', packages=['{name}'])\n");
    std::fs::write(folder.join("setup.py"), setup).unwrap();
    parent
}

#[tokio::test(flavor = "multi_thread")]
async fn built_once_and_shared() {
    // An environments folder of its own: what other tests built must not help.
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::with(&[("CRAWLHUB_RUNNER_ENVIRONMENTS_DIR", folder.path().to_str().unwrap())]).await;
    let package = package("crawlhub_answer");
    let requirement = package.path().join("crawlhub_answer").to_str().unwrap().to_owned();
    let script = "import crawlhub_answer, json\nprint(json.dumps({'answer': crawlhub_answer.ANSWER}))";
    let fields = json!({"name": "shared", "requirements_txt": format!("{requirement}\n")});
    let (one, two) =
        (app.spider(fields.clone(), &[("main.py", script)]).await, app.spider(fields, &[("main.py", script)]).await);
    // At the same moment: one builds, the other waits for it.
    let (one, two) = (app.run(&one, json!({})).await, app.run(&two, json!({})).await);
    for task in [&one, &two] {
        let ended = app.ended(task).await;
        assert_eq!(ended["status"], "completed", "{ended}");
        assert_eq!(app.items(task).await, [json!({"answer": 42})]);
        let lines = app.lines(task).await;
        assert!(lines.iter().any(|line| line["stream"] == "system"), "each log tells of the build: {lines:?}");
    }
    let built = std::fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(built.count(), 1);
    let spider = app.get(&format!("/tasks/{one}")).await.data()["spider_id"].as_str().unwrap().to_owned();
    let third = app.run_to_end(&spider, json!({})).await;
    assert_eq!(third["status"], "completed");
}

/// A `requirements.txt` among the files counts where the spider's own field is empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_requirements_counts() {
    let app = TestApp::new().await;
    let package = package("crawlhub_other");
    let requirement = package.path().join("crawlhub_other").to_str().unwrap().to_owned();
    let script = "import crawlhub_other, json\nprint(json.dumps({'answer': crawlhub_other.ANSWER}))";
    let files = [("main.py", script), ("requirements.txt", &format!("# ours\n{requirement}\n"))];
    let spider = app.spider(json!({"name": "file"}), &files).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task} {:?}", app.lines(task["id"].as_str().unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_while_it_is_built() {
    let app = TestApp::new().await;
    let package = package("crawlhub_slow");
    let folder = package.path().join("crawlhub_slow").to_str().unwrap().to_owned();
    let slow = "import time\nprint('building', flush=True)\ntime.sleep(60)\n";
    std::fs::write(format!("{folder}/setup.py"), slow).unwrap();
    let fields = json!({"name": "slow build", "requirements_txt": format!("{folder}\n")});
    let spider = app.spider(fields, &[("main.py", "pass")]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "\"stream\":\"system\"").await;
    assert_eq!(app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data()["status"], "cancelled");
}

/// An editable package would lie in the folder of an attempt that is gone when the environment is used again.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_installs_itself_runs_again() {
    let app = TestApp::new().await;
    let setup =
        "from setuptools import setup\nsetup(name='crawlhub_itself', version='1.0', packages=['crawlhub_itself'])";
    // From another folder: what is beside the script could be imported without being installed.
    let script = "import json, os, sys\nsys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != os.getcwd()]\n\
        import crawlhub_itself\nprint(json.dumps({'answer': crawlhub_itself.ANSWER}))";
    let files = [
        ("main.py", script),
        ("setup.py", setup),
        ("crawlhub_itself/__init__.py", "ANSWER = 42\n"),
        ("requirements.txt", "-e .\n"),
    ];
    let spider = app.spider(json!({"name": "itself"}), &files).await;
    for _ in 0..2 {
        let task = app.run_to_end(&spider, json!({})).await;
        let id = task["id"].as_str().unwrap();
        assert_eq!(task["status"], "completed", "{task} {:?}", app.lines(id).await);
        assert_eq!(app.items(id).await, [json!({"answer": 42})]);
    }
}
