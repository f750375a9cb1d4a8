//! Errors in logs, by kind.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;

const FAILS: &str = "import os, sys
def fetch(n):
    try:
        return {}[n]
    except KeyError as error:
        raise ValueError(f'page {n} of http://shop.test/{n} has no price') from error
print('ERROR:shop:item', os.getpid(), 'is odd', file=sys.stderr)
print('on with it', file=sys.stderr)
fetch(int(os.environ['N']))
";

async fn errors(app: &TestApp, spider: &str) -> Vec<Value> {
    app.get(&format!("/spiders/{spider}/errors")).await.data()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn tracebacks_of_one_kind_are_one() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "fails", "env_vars": {"N": "7"}}), &[("main.py", FAILS)]).await;
    let first = app.run_to_end(&spider, json!({})).await;
    assert_eq!(first["status"], "failed");
    app.clock.advance(TimeDelta::hours(1));
    // Another version, another page, other lines of the file.
    let code = format!("# a comment\n\n{FAILS}");
    let files = app.get(&format!("/spiders/{spider}/files")).await.data();
    let file = files[0]["id"].as_str().unwrap_or_else(|| panic!("{files}"));
    app.put(&format!("/spiders/{spider}/files/{file}"), json!({"content": code})).await.ok();
    app.put(&format!("/spiders/{spider}"), json!({"env_vars": {"N": "12345"}})).await.ok();
    app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.ok();
    let second = app.run_to_end(&spider, json!({})).await;
    assert_eq!((&second["status"], &second["deployment_version"]), (&json!("failed"), &json!(1)));

    let seen = errors(&app, &spider).await;
    let titles: Vec<&str> = seen.iter().map(|error| error["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    let of = |start: &str| seen.iter().find(|error| error["title"].as_str().unwrap().starts_with(start)).unwrap();
    // Of a chain it is the last.
    let error = of("ValueError: page 12345 of http://shop.test/12345");
    assert_eq!((&error["count"], &error["level"]), (&json!(2), &json!("error")));
    assert_eq!((&error["first_task"], &error["last_task"]), (&first["id"], &second["id"]));
    assert_eq!((&error["first_version"], &error["last_version"]), (&Value::Null, &json!(1)));
    assert_eq!(error["first_seen"], "2026-03-01T08:00:00Z");
    assert_eq!(error["last_seen"], "2026-03-01T09:00:00Z");
    let sample = error["sample"].as_str().unwrap();
    assert!(
        sample.starts_with("Traceback") && sample.contains("KeyError: 12345") && sample.contains("in fetch"),
        "{sample}"
    );
    assert_eq!(of("shop:item")["count"], 2);
    // Where it stands in the log.
    let lines = app.lines(second["id"].as_str().unwrap()).await;
    let line = lines.iter().find(|line| line["seq"] == error["last_seq"]).unwrap();
    assert_eq!((&line["line"], &line["level"]), (&error["title"], &json!("error")));

    // A test counts for nothing.
    app.post(&format!("/spiders/{spider}/test-run"), json!({})).await;
    assert_eq!(errors(&app, &spider).await, seen);

    let fingerprint = error["fingerprint"].as_str().unwrap();
    let path = format!("/spiders/{spider}/errors/{fingerprint}");
    assert_eq!(app.get(&path).await.data(), *error);
    app.delete(&path).await.ok();
    assert_eq!(app.delete(&path).await.error(404), "error_not_found");
    assert_eq!(app.get(&path).await.error(404), "error_not_found");
    assert_eq!(errors(&app, &spider).await.len(), 1);
    // Should it come again, it is new.
    app.run_to_end(&spider, json!({})).await;
    assert_eq!(app.get(&path).await.data()["count"], 1);

    let pages = app.get(&format!("/spiders/{spider}/errors?page_size=1")).await.data();
    assert_eq!((&pages["total"], pages["items"].as_array().unwrap().len()), (&json!(2), 1));
    let cursor = pages["next_cursor"].as_str().unwrap();
    let next = app.get(&format!("/spiders/{spider}/errors?page_size=1&cursor={cursor}")).await.data();
    assert_ne!(next["items"][0]["fingerprint"], pages["items"][0]["fingerprint"]);
    assert_eq!(app.get(&format!("/spiders/{spider}/errors?cursor=x")).await.details(), ["query.cursor"]);
    assert_eq!(app.get("/spiders/none/errors").await.error(404), "spider_not_found");
    assert_eq!(app.get("/spiders/none/errors/x").await.error(404), "spider_not_found");
}

/// What Scrapy logs has its levels, and what a callback raises is found though the run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrapy_project() {
    let app = TestApp::new().await;
    let code = "import scrapy\nclass S(scrapy.Spider):\n    name = 'shop'\n    start_urls = ['data:,1', 'data:,2', 'data:,3']\n\
        \x20   def parse(self, response):\n        self.logger.warning('page %s', response.text)\n\
        \x20       if response.text != '2':\n            raise ValueError('no price on ' + response.url)\n        yield {'n': 1}\n";
    let files = [
        ("scrapy.cfg", "[settings]\ndefault = proj.settings\n"),
        ("proj/__init__.py", ""),
        ("proj/settings.py", "SPIDER_MODULES = ['proj.spiders']\n"),
        ("proj/spiders/__init__.py", ""),
        ("proj/spiders/shop.py", code),
    ];
    let spider = app.spider(json!({"name": "shop", "source": "scrapy"}), &files).await;
    let task = app.run_to_end(&spider, json!({})).await;
    let id = task["id"].as_str().unwrap();
    let lines = app.lines(id).await;
    let levels_of = |text: &str| -> Vec<&Value> {
        let found = lines.iter().filter(|line| line["line"].as_str().unwrap().contains(text));
        found.map(|line| &line["level"]).collect()
    };
    assert_eq!(levels_of("Spider opened"), ["info"], "{lines:?}");
    assert_eq!(levels_of("[shop] WARNING: page "), ["warning"; 3]);
    assert_eq!(levels_of("Spider error processing"), ["error"; 2]);
    assert_eq!(levels_of("Traceback"), ["error"; 2]);
    assert_eq!(levels_of("raise ValueError("), ["error"; 2]);
    assert!(levels_of("Scraped from").iter().all(|level| **level == "debug"));
    let seen = errors(&app, &spider).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0]["title"].as_str().unwrap().starts_with("ValueError: no price on data:,"), "{seen:?}");
    assert_eq!(seen[0]["count"], 2);
}

/// They go with their spider.
#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_spider_that_is_removed() {
    let app = TestApp::new().await;
    let (gone, stays) = (
        app.spider(json!({"name": "gone", "env_vars": {"N": "1"}}), &[("main.py", FAILS)]).await,
        app.spider(json!({"name": "stays", "env_vars": {"N": "1"}}), &[("main.py", FAILS)]).await,
    );
    for spider in [&gone, &stays] {
        app.run_to_end(spider, json!({})).await;
        assert_eq!(errors(&app, spider).await.len(), 2);
    }
    app.delete(&format!("/spiders/{gone}")).await.ok();
    assert_eq!(app.get(&format!("/spiders/{gone}/errors")).await.error(404), "spider_not_found");
    app.looked_at_by("retention").await;
    let documents = app.documents_database().await;
    let left: Vec<(String,)> =
        documents.query("SELECT DISTINCT spider_id FROM error_groups").fetch_all().await.unwrap();
    assert_eq!(left, [(stays.clone(),)]);
    assert_eq!(errors(&app, &stays).await.len(), 2);
}
