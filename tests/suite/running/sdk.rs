//! `from crawlhub import …`, against the real server, and the predecessor's SDK beside it.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn progress_checkpoints_and_files() {
    let app = TestApp::new().await;
    let script = "from crawlhub import save_checkpoint, load_checkpoint, report_progress, save_item, rotate_proxy, is_cancelled\n\
        import sys\nlast = load_checkpoint()\nsave_item({'last': last, 'cancelled': is_cancelled(), 'proxy': rotate_proxy()})\n\
        report_progress(40, '四成')\nsave_checkpoint({'page': 7})\nsys.exit(0 if last else 3)";
    let spider = app.spider(json!({"name": "checkpoint"}), &[("main.py", script)]).await;
    let first = app.run_to_end(&spider, json!({})).await;
    assert_eq!(
        (&first["status"], &first["progress"], &first["progress_message"]),
        (&json!("failed"), &json!(40), &json!("四成")),
        "{first}"
    );
    assert_eq!(first["checkpoint_data"], "{\"page\":7}");
    let second = app.run_to_end(&spider, json!({})).await;
    assert_eq!(second["status"], "completed", "{second}");
    let item = app.items(second["id"].as_str().unwrap()).await.remove(0);
    assert_eq!(item, json!({"last": {"page": 7}, "cancelled": false, "proxy": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_become_the_tasks_files() {
    let app = TestApp::new().await;
    let script = "import os\nfrom crawlhub import download_file\n\
        root = os.environ['CRAWLHUB_API_URL'].split('/platform')[0]\nprint(download_file(root + '/healthz', '状态.json'))";
    let task = app.run_script(json!({"name": "download"}), script).await;
    assert_eq!(task["status"], "completed", "{task}");
    let id = task["id"].as_str().unwrap();
    let files = app.get(&format!("/tasks/{id}/files")).await.data();
    assert_eq!(files[0]["filename"], "状态.json", "{files} {:?}", app.lines(id).await);
    let file = app.get(&format!("/tasks/{id}/files/{}", files[0]["id"].as_str().unwrap())).await;
    assert_eq!(file.json()["status"], "ok");
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
}

/// Ten thousand items out of several processes: none lost, none doubled.
#[tokio::test(flavor = "multi_thread")]
async fn many_items_from_many_processes() {
    let app = TestApp::new().await;
    let script = "from crawlhub import save_item\nfrom multiprocessing import Process\n\
        def work(k):\n    for n in range(2500):\n        save_item({'k': k, 'n': n})\n\
        if __name__ == '__main__':\n    all = [Process(target=work, args=(k,)) for k in range(4)]\n    [p.start() for p in all]\n    [p.join() for p in all]";
    let task = app.run_script(json!({"name": "many"}), script).await;
    assert_eq!((&task["status"], &task["total_count"]), (&json!("completed"), &json!(10_000)), "{task}");
    let mut items = app.items(task["id"].as_str().unwrap()).await;
    items.sort_by_key(|item| (item["k"].as_i64(), item["n"].as_i64()));
    items.dedup();
    assert_eq!(items.len(), 10_000);
}

/// The predecessor's spiders carry its SDK in their project: it joins `CRAWLHUB_API_URL` and sends no token.
/// This stand-in makes the calls that one makes, by the wire format, from a file of that name.
const OLD_SDK: &str = r"
import atexit, json, os, threading, urllib.request
URL, TASK, SPIDER = (os.environ['CRAWLHUB_' + name] for name in ('API_URL', 'TASK_ID', 'SPIDER_ID'))
_buffer = []
def _call(method, path, body=None):
    request = urllib.request.Request(URL.rstrip('/') + '/crawlhub/internal' + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header('Content-Type', 'application/json')
    return json.load(urllib.request.urlopen(request, timeout=10))
def save_item(item):
    _buffer.append(item)
    if len(_buffer) >= 50: _flush()
def _flush():
    if _buffer:
        _call('POST', '/items', {'task_id': TASK, 'spider_id': SPIDER, 'items': list(_buffer)})
        _buffer.clear()
def report_progress(percent, message=None):
    _call('POST', '/progress', {'task_id': TASK, 'progress': percent, 'message': message})
class CrawlHubPipeline:
    def process_item(self, item, spider=None):
        save_item(dict(item))
        return item
    def close_spider(self, spider=None):
        _flush()
_call('POST', '/heartbeat', {'task_id': TASK, 'items_count': 0})
assert _call('GET', '/task/status?task_id=' + TASK)['data']['status'] == 'running'
atexit.register(_flush)
IS_OLD = True
";

#[tokio::test(flavor = "multi_thread")]
async fn the_predecessors_sdk_works_as_it_is() {
    let app = TestApp::new().await;
    let script = "import crawlhub\nassert crawlhub.IS_OLD\nfor n in range(120):\n    crawlhub.save_item({'n': n})\ncrawlhub.report_progress(50)";
    let spider = app.spider(json!({"name": "old"}), &[("main.py", script), ("crawlhub.py", OLD_SDK)]).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(
        (&task["status"], &task["total_count"]),
        (&json!("completed"), &json!(120)),
        "{task} {:?}",
        app.lines(task["id"].as_str().unwrap()).await
    );
}

/// A Scrapy project with the predecessor's pipeline in its settings: each item once.
#[tokio::test(flavor = "multi_thread")]
async fn the_predecessors_pipeline_in_a_scrapy_project() {
    let app = TestApp::new().await;
    let spider_code = "import scrapy\nclass S(scrapy.Spider):\n    name = 'old'\n    start_urls = ['data:,x']\n\
        \x20   def parse(self, response):\n        for n in range(60):\n            yield {'n': n}\n";
    let files = [
        ("scrapy.cfg", "[settings]\ndefault = proj.settings\n"),
        ("proj/__init__.py", ""),
        (
            "proj/settings.py",
            "SPIDER_MODULES = ['proj.spiders']\nITEM_PIPELINES = {'crawlhub.CrawlHubPipeline': 300}\n",
        ),
        ("proj/spiders/__init__.py", ""),
        ("proj/spiders/old.py", spider_code),
        ("crawlhub.py", OLD_SDK),
    ];
    for with_old_sdk in [true, false] {
        let files = if with_old_sdk { &files[..] } else { &files[..5] };
        let spider = app.spider(json!({"name": "old", "source": "scrapy"}), files).await;
        let task = app.run_to_end(&spider, json!({})).await;
        assert_eq!(
            (&task["status"], &task["total_count"]),
            (&json!("completed"), &json!(60)),
            "{task} {:?}",
            app.lines(task["id"].as_str().unwrap()).await
        );
    }
}
