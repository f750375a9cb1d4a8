//! The four ways in which items come, and that each comes once.

use serde_json::json;

use crate::support::TestApp;

/// Scripts without the SDK, and the items they must give.
#[tokio::test(flavor = "multi_thread")]
async fn items_from_files_and_stdout() {
    let app = TestApp::new().await;
    let cases = [
        ("a list on stdout", "print('[{\"a\": 1}, 2,\\n \"三\"]')", json!([{"a": 1}, 2, "三"])),
        ("an object on stdout", "print('{\\n\"a\": {\"b\": null}}')", json!([{"a": {"b": null}}])),
        ("JSON Lines on stdout", "print('{\"a\": 1}\\n\\n{\"a\": 2}')", json!([{"a": 1}, {"a": 2}])),
        ("a last line of JSON", "print('starting')\nprint('[{\"a\": 1}]')", json!([{"a": 1}])),
        ("no JSON at all", "print('hello')\nprint('42 pages')", json!([])),
        (
            ".jsonl",
            "import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w').write('{\"a\": 1}\\n{\"a\": 2}')\nprint('{\"not\": 1}')",
            json!([{"a": 1}, {"a": 2}]),
        ),
        (
            ".json",
            "import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.json', 'w').write('[{\"a\": 1}, [2]]')",
            json!([{"a": 1}, [2]]),
        ),
        (
            ".csv",
            "import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.csv', 'w').write('名,b\\n\"x,y\",1\\nz,\\n')",
            json!([{"名": "x,y", "b": "1"}, {"名": "z", "b": ""}]),
        ),
        (
            "the SDK, and stdout is not looked at",
            "from crawlhub import save_item\nsave_item({'a': 1})\nprint('{\"not\": 1}')",
            json!([{"a": 1}]),
        ),
        (
            "big and odd values, to the letter",
            "print('[{\"n\": 123456789012345678901234567890, \"f\": 1.10, \"s\": \"\\\\u0000\\\\ud83d\\\\ude00\"}]')",
            json!(null),
        ),
    ];
    for (name, script, expected) in cases {
        let task = app.run_script(json!({"name": name}), script).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        let id = task["id"].as_str().unwrap();
        if expected.is_null() {
            let text = app.get(&format!("/data/export/ndjson?task_id={id}")).await.text;
            assert_eq!(text.trim(), r#"{"n": 123456789012345678901234567890, "f": 1.10, "s": "\u0000\ud83d\ude00"}"#);
            continue;
        }
        assert_eq!(json!(app.items(id).await), expected, "{name}");
        assert_eq!(task["total_count"], expected.as_array().unwrap().len(), "{name}: {task}");
        assert_eq!(task["success_count"], task["total_count"]);
    }
}

/// Items are there while the spider still runs, and stay when it fails.
#[tokio::test(flavor = "multi_thread")]
async fn items_arrive_while_the_spider_runs() {
    let app = TestApp::new().await;
    for deliver in [
        "from crawlhub import save_item, flush\nsave_item({'n': 1})\nflush()\n",
        "import os\nf = open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w')\nf.write('{\"n\": 1}\\n')\nf.flush()\n",
    ] {
        let script = format!("{deliver}\nprint('delivered', flush=True)\nimport time\ntime.sleep(60)");
        let spider = app.spider(json!({"name": "live"}), &[("main.py", &script)]).await;
        let task = app.run(&spider, json!({})).await;
        app.wait_for_line(&task, "delivered").await;
        // The events tell of it; nothing has ended.
        let mut events = app
            .request(reqwest::Method::GET, &format!("/platform/api/crawlhub/tasks/{task}/events"))
            .send()
            .await
            .unwrap();
        let mut seen = String::new();
        while !seen.contains("\"total_count\":1") {
            seen.push_str(&String::from_utf8_lossy(&events.chunk().await.unwrap().expect("the task ended")));
        }
        assert_eq!(app.items(&task).await, [json!({"n": 1})]);
        app.post(&format!("/tasks/{task}/cancel"), json!({})).await.data();
        let task = app.ended(&task).await;
        assert_eq!((&task["status"], &task["total_count"]), (&json!("cancelled"), &json!(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_keeps_its_items() {
    let app = TestApp::new().await;
    for (name, script) in [
        ("sdk", "from crawlhub import save_item\nsave_item({'n': 1})\nraise SystemExit(3)"),
        ("lines", "print('{\"n\": 1}')\nraise SystemExit(3)"),
        (
            "file",
            "import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.csv', 'w').write('n\\n1\\n')\nraise SystemExit(3)",
        ),
    ] {
        let task = app.run_script(json!({"name": name}), script).await;
        assert_eq!((&task["status"], &task["exit_code"]), (&json!("failed"), &json!(3)), "{name}: {task}");
        assert_eq!(app.items(task["id"].as_str().unwrap()).await.len(), 1, "{name}");
    }
}

/// What parsed stays, what did not is named, and the task does not pass for whole.
#[tokio::test(flavor = "multi_thread")]
async fn broken_items_files() {
    let app = TestApp::new().await;
    for (file, content, kept, said) in [
        ("x.jsonl", r#"b'{"n": 1}\n{"n": \n{"n": 3}\n'"#, 2, "x.jsonl"),
        ("x.json", r#"b'[{"n": 1}, {"n": '"#, 1, "x.json"),
        ("x.csv", r"b'a,b\n1,2\n1,2,3\n'", 1, "x.csv"),
        ("x.jsonl", r#"b'{"n": 1}\n\xff\xfe\n'"#, 1, "x.jsonl"),
    ] {
        let script = format!("import os\nopen(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/{file}', 'wb').write({content})");
        let task = app.run_script(json!({"name": file}), &script).await;
        assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("parse")), "{task}");
        assert!(task["error_message"].as_str().unwrap().contains(said), "{task}");
        assert!(app.items(task["id"].as_str().unwrap()).await.len() >= kept, "{file} {content}: {task}");
    }
}

/// Links and pipes in the output folder are not followed: they could read the server's own files.
#[tokio::test(flavor = "multi_thread")]
async fn links_in_the_output_folder_are_not_followed() {
    let app = TestApp::new().await;
    let script = "import os\nout = os.environ['CRAWLHUB_OUTPUT_DIR']\nopen('secret.jsonl', 'w').write('{\"stolen\": 1}\\n')\n\
                  os.symlink(os.path.abspath('secret.jsonl'), out + '/link.jsonl')\nos.mkfifo(out + '/pipe.jsonl')";
    let task = app.run_script(json!({"name": "links"}), script).await;
    assert!(app.items(task["id"].as_str().unwrap()).await.is_empty(), "{task}");
}

/// The limit holds for all ways in which items come without the SDK.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_items_than_wanted() {
    let app = TestApp::new().await;
    let lines = "for n in range(5000): print('{\"n\": %d}' % n)";
    let files = "import os, json\nout = os.environ['CRAWLHUB_OUTPUT_DIR']\n\
        for name in 'abc': open(out + f'/{name}.jsonl', 'w').write('{\"n\": 1}\\n' * 3)\n\
        json.dump([{'n': 2}] * 9, open(out + '/x.json', 'w'))";
    for (name, script) in [("stdout", lines), ("files", files)] {
        let task = app.run_script(json!({"name": name, "max_items": 7}), script).await;
        assert_eq!((&task["status"], &task["total_count"]), (&json!("completed"), &json!(7)), "{task}");
        let lines = app.lines(task["id"].as_str().unwrap()).await;
        let said = lines.iter().filter(|line| line["line"] == "7 items: the limit is reached");
        assert_eq!(said.count(), 1, "{name}");
    }
}

/// A batch in the spool that no SDK would have written is refused as a whole, and counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_huge_batch_in_the_spool() {
    let app = TestApp::new().await;
    let script = "import os, json\nspool = os.environ['CRAWLHUB_SPOOL_DIR']\n\
        for batch, count in ((1, 1000), (2, 1001)):\n    \
            json.dump({'batch': batch, 'items': [{'n': batch}] * count}, open(f'{spool}/{batch}.json', 'w'))";
    let task = app.run_script(json!({"name": "spool"}), script).await;
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("parse")), "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("1001 items are more than 1000"), "{task}");
    assert_eq!((&task["total_count"], &task["failed_count"]), (&json!(1000), &json!(1001)), "{task}");
}
