//! Lines by place, level and text, of one task and of all runs of a spider.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;

const TALKS: &str = "import sys
print('[crawlhub:info] begun')
print('plain words')
print('2026-03-01 08:00:00 [shop] WARNING: Slow Page 7')
sys.stdout.flush()
print('ERROR:shop:page 8 is gone', file=sys.stderr)
print('DEBUG:shop:done', file=sys.stderr)
";

fn texts(lines: &Value) -> Vec<&str> {
    lines["items"].as_array().unwrap().iter().map(|line| line["line"].as_str().unwrap()).collect()
}

fn seqs(lines: &Value) -> Vec<i64> {
    lines["items"].as_array().unwrap().iter().map(|line| line["seq"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_task() {
    let app = TestApp::new().await;
    let task = app.run_script(json!({"name": "talks"}), TALKS).await;
    let path = format!("/tasks/{}/logs/lines", task["id"].as_str().unwrap());
    let all = app.get(&path).await.data();
    let level_of = |text: &str| {
        let lines = all["items"].as_array().unwrap();
        lines.iter().find(|line| line["line"].as_str().unwrap().contains(text)).unwrap()["level"].clone()
    };
    assert_eq!(level_of("begun"), "info");
    assert_eq!(level_of("plain"), Value::Null);
    assert_eq!(level_of("Slow"), "warning");
    assert_eq!(level_of("gone"), "error");
    assert_eq!(level_of("done"), "debug");
    let get = async |query: &str| app.get(&format!("{path}?{query}")).await.data();
    let loud = get("level=warn").await;
    assert_eq!(texts(&loud).len(), 2);
    assert_eq!(texts(&get("level=error&stream=stderr").await), ["ERROR:shop:page 8 is gone"]);
    assert!(texts(&get("level=critical").await).is_empty());
    assert_eq!(texts(&get("q=slow%20PAGE").await), ["2026-03-01 08:00:00 [shop] WARNING: Slow Page 7"]);
    // Not a pattern.
    assert!(texts(&get("q=s.op").await).is_empty());

    let last = *seqs(&all).last().unwrap();
    let tail = get("tail=2").await;
    assert_eq!((seqs(&tail), &tail["next"], &tail["previous"]), (vec![last - 1, last], &json!(last), &json!(last - 1)));
    let before = get(&format!("before={}&limit=2", last - 1)).await;
    assert_eq!(seqs(&before), [last - 3, last - 2]);
    assert_eq!((&before["next"], &before["previous"]), (&json!(last - 2), &json!(last - 3)));
    let first = get("before=3").await;
    assert_eq!((seqs(&first), &first["previous"]), (vec![1, 2], &Value::Null));
    assert_eq!(seqs(&get("after=1&before=4").await), [2, 3]);
    let end = get(&format!("after={last}")).await;
    assert_eq!((seqs(&end), &end["next"]), (vec![], &json!(last)));
    assert_eq!(seqs(&get("tail=1000").await), seqs(&all));

    for (query, loc) in [
        ("tail=0", "query.tail"),
        ("tail=1001", "query.tail"),
        ("tail=3&after=1", "query.tail"),
        ("level=loud", "query.level"),
        ("stream=stdin", "query.stream"),
        ("after=x", "query.after"),
        (&format!("q={}", "x".repeat(501)), "query.q"),
    ] {
        assert_eq!(app.get(&format!("{path}?{query}")).await.details(), [loc], "{query}");
    }
    // Places beyond any log.
    for (query, next) in [(format!("after={}", i64::MAX), i64::MAX), (format!("before={}", i64::MIN), i64::MIN)] {
        let page = get(&query).await;
        assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(next)), "{query}");
    }
    assert_eq!(app.get("/tasks/none/logs/lines").await.error(404), "task_not_found");
}

/// All pages of a search.
async fn search(app: &TestApp, spider: &str, query: &str) -> Vec<(String, i64, String)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/spiders/{spider}/logs/search?{query}&cursor={cursor}")).await.data();
        found.extend(page["items"].as_array().unwrap().iter().map(|hit| {
            let text = |field: &str| hit[field].as_str().unwrap().to_owned();
            (text("task_id"), hit["seq"].as_i64().unwrap(), text("line"))
        }));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_all_runs() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "talks"}), &[("main.py", TALKS)]).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let task = app.run_to_end(&spider, json!({})).await;
        tasks.insert(0, task["id"].as_str().unwrap().to_owned());
        app.clock.advance(TimeDelta::hours(1));
    }
    let other = app.run_script(json!({"name": "other"}), TALKS).await;
    assert_eq!(other["status"], "completed");

    // The newest run first, its last line first; in however many pages.
    let whole = search(&app, &spider, "q=PAGE&limit=100").await;
    let seen: Vec<(&str, &str)> = whole.iter().map(|(task, _, line)| (task.as_str(), line.as_str())).collect();
    assert_eq!(seen.len(), 6);
    for (task, hits) in tasks.iter().zip(whole.chunks(2)) {
        assert!(hits[0].0 == *task && hits[1].0 == *task && hits[0].1 > hits[1].1, "{seen:?}");
    }
    for limit in [1, 2, 4] {
        assert_eq!(search(&app, &spider, &format!("q=page&limit={limit}")).await, whole);
    }
    assert_eq!(search(&app, &spider, "level=error").await.len(), 3);
    let lines = app.lines(&tasks[0]).await.len();
    let plain = search(&app, &spider, "limit=3").await;
    assert_eq!(plain.len(), 3 * lines);
    // By the time of the line: the second run only.
    let second = search(&app, &spider, "q=gone&from=2026-03-01T08:30:00Z&to=2026-03-01T09:30:00Z").await;
    assert_eq!(second.iter().map(|hit| hit.0.as_str()).collect::<Vec<_>>(), [tasks[1].as_str()]);
    assert!(search(&app, &spider, "q=gone&to=2026-03-01T07:00:00Z").await.is_empty());

    // A run that was removed while somebody pages does not stop the search.
    let page = app.get(&format!("/spiders/{spider}/logs/search?q=page&limit=1")).await.data();
    app.delete(&format!("/tasks/{}", tasks[0])).await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/spiders/{spider}/logs/search?q=page&cursor={cursor}")).await.data();
    assert_eq!(rest["items"].as_array().unwrap().len(), 4, "{rest}");

    let path = format!("/spiders/{spider}/logs/search");
    for (query, loc) in [
        ("cursor=x", "query.cursor"),
        ("cursor=x:y", "query.cursor"),
        ("from=yesterday", "query.from"),
        ("from=2026-03-01T09:00:00Z&to=2026-03-01T08:00:00Z", "query.to"),
        ("level=loud", "query.level"),
        (&format!("q={}", "x".repeat(501)), "query.q"),
    ] {
        assert_eq!(app.get(&format!("{path}?{query}")).await.details(), [loc], "{query}");
    }
    assert_eq!(app.get("/spiders/none/logs/search").await.error(404), "spider_not_found");
}

/// A line a while makes no row of each line.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_spider_fills_chunks() {
    let app = TestApp::new().await;
    let script = "import time\nfor n in range(12):\n    print('line', n, flush=True)\n    time.sleep(0.25)";
    let task = app.run_script(json!({"name": "slow"}), script).await;
    let id = task["id"].as_str().unwrap();
    assert_eq!(app.lines(id).await.len(), 12);
    let documents = app.documents_database().await;
    let (chunks,): (i64,) =
        documents.query("SELECT COUNT(*) FROM log_chunks WHERE task_id = $1").bind(id).fetch_one().await.unwrap();
    assert_eq!(chunks, 1);
}
