//! Spiders go through the pool.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::Path, routing::get};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Client, TestApp, TestProxy};

/// What a spider says of a proxy is not mixed up with checks.
const NO_CHECKS: (&str, &str) = ("CRAWLHUB_PROXIES_CHECK_MINUTES", "0");

/// A site beside the server's own address, which is reached without a proxy: `/page/{n}`. The address, and how often it
/// was asked.
async fn site() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let page = move |Path(number): Path<usize>| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { format!("page {number}") }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/page/{number}", get(page))).await });
    (format!("http://{address}"), asked)
}

async fn add(app: &Client, fields: Value) -> String {
    app.post("/proxies", fields).await.data()["id"].as_str().unwrap().to_owned()
}

async fn of(app: &Client, id: &str) -> Value {
    app.get(&format!("/proxies/{id}")).await.data()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_is_told_of_its_proxy() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    let id = add(&app, json!({"host": "127.0.0.1", "port": 1, "username": "us er", "password": "p@ss:/w"})).await;
    // Clients that obey the environment reach the server all the same: the proxy does not answer.
    let script = "import os, urllib.request\nfrom crawlhub import save_item, get_proxy\n\
        names = ['CRAWLHUB_PROXY_URL', 'HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'NO_PROXY', 'no_proxy']\n\
        item = {name: os.environ.get(name) for name in names}\n\
        url = os.environ['CRAWLHUB_API_URL'] + '/crawlhub/internal/task/status?task_id=' + os.environ['CRAWLHUB_TASK_ID']\n\
        item['status'] = urllib.request.urlopen(url, timeout=10).status\nitem['proxy'] = get_proxy()\nsave_item(item)";
    let task = app.run_script(json!({"name": "told", "proxy_enabled": true}), script).await;
    assert_eq!(task["status"], "completed", "{task}");
    let task_id = task["id"].as_str().unwrap();
    let url = "http://us%20er:p%40ss%3A%2Fw@127.0.0.1:1";
    assert_eq!(
        app.items(task_id).await,
        [json!({
            "CRAWLHUB_PROXY_URL": url, "HTTP_PROXY": url, "HTTPS_PROXY": url, "http_proxy": url, "https_proxy": url,
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "status": 200, "proxy": url,
        })]
    );
    let lines = app.lines(task_id).await;
    assert_eq!(
        (&lines[0]["stream"], &lines[0]["line"]),
        (&json!("system"), &json!("through the proxy http://127.0.0.1:1"))
    );
    assert!(!Value::from(lines).to_string().contains("p%40ss"));
    assert_eq!(of(&app, &id).await["last_used_at"], "2026-03-01T08:00:00Z");

    let without = app.run_script(json!({"name": "none of it"}), script).await;
    let item = app.items(without["id"].as_str().unwrap()).await.remove(0);
    assert_eq!((&item["proxy"], &item["HTTP_PROXY"], &item["NO_PROXY"]), (&Value::Null, &Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_proxy_a_run_fails_or_goes_on_as_is_set() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    let off = add(&app, json!({"host": "127.0.0.1", "port": 1})).await;
    app.put(&format!("/proxies/{off}"), json!({"status": "inactive"})).await.ok();
    let spider = app.spider(json!({"name": "s", "proxy_enabled": true}), &[("main.py", "print('ran')")]).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("network")), "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("no proxy of the pool"), "{task}");

    let app = app.restart(&[NO_CHECKS, ("CRAWLHUB_PROXIES_WHEN_NONE", "direct")]).await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    assert!(lines[0]["line"].as_str().unwrap().contains("goes on without"), "{lines:?}");
    assert_eq!(lines[1]["line"], "ran");
}

/// Pages are read through two proxies, one of which dies in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_dies_and_the_crawl_goes_on() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    let (site, asked) = site().await;
    let mortal = TestProxy::http(Some(("u", "p@ss/w"))).await;
    let first =
        add(&app, json!({"host": "127.0.0.1", "port": mortal.port, "username": "u", "password": "p@ss/w"})).await;
    let script = r"
import os, sys, time
from crawlhub import fetch_with_retry, get_params, get_proxy, rotate_proxy, save_item
def read(url):
    for _ in range(5):
        try:
            return fetch_with_retry(url, max_retries=0).decode()
        except OSError:
            rotate_proxy(get_proxy())
    sys.exit('no way')
params = get_params()
for n in range(40):
    save_item({'text': read('{}/page/{}'.format(params['site'], n))})
    if n == 9:
        print('ten', flush=True)
        while not os.path.exists(params['go']):
            time.sleep(0.01)
";
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let fields = json!({"name": "s", "proxy_enabled": true, "params": {"site": site, "go": go.to_str().unwrap()}});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    let task = app.run(&spider, json!({})).await;
    app.wait_for_line(&task, "ten").await;
    let heir = TestProxy::http(None).await;
    let second = add(&app, json!({"host": "127.0.0.1", "port": heir.port})).await;
    mortal.kill();
    std::fs::write(&go, "").unwrap();
    let task = app.ended(&task).await;
    assert_eq!(task["status"], "completed", "{task} {:?}", app.lines(task["id"].as_str().unwrap()).await);
    let items = app.items(task["id"].as_str().unwrap()).await;
    let texts: Vec<&str> = items.iter().map(|item| item["text"].as_str().unwrap()).collect();
    assert_eq!(texts, (0..40).map(|number| format!("page {number}")).collect::<Vec<_>>());
    assert_eq!((mortal.carried(), heir.carried(), asked.load(Ordering::SeqCst)), (10, 30, 40), "none went past them");
    let dead = of(&app, &first).await;
    assert_eq!((&dead["status"], &dead["fail_count"]), (&json!("cooldown"), &json!(1)), "{dead}");
    assert!((dead["success_rate"].as_f64().unwrap() - 0.64).abs() < 1e-9, "{dead}");
    assert_eq!(of(&app, &second).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spider_goes_through_socks() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    let (site, asked) = site().await;
    let socks = TestProxy::socks5(Some(("u", "p"))).await;
    add(&app, json!({"host": "127.0.0.1", "port": socks.port, "protocol": "socks5", "username": "u", "password": "p"}))
        .await;
    let script = "from urllib.parse import urlsplit, unquote\nimport socket, struct\nfrom crawlhub import *\n\
        proxy, site = urlsplit(get_proxy()), urlsplit(get_params()['site'])\nassert proxy.scheme == 'socks5'\n\
        s = socket.create_connection((proxy.hostname, proxy.port))\ns.sendall(b'\\x05\\x01\\x02')\nassert s.recv(2) == b'\\x05\\x02'\n\
        u, p = (unquote(word).encode() for word in (proxy.username, proxy.password))\n\
        s.sendall(b'\\x01' + bytes([len(u)]) + u + bytes([len(p)]) + p)\nassert s.recv(2) == b'\\x01\\x00'\n\
        s.sendall(b'\\x05\\x01\\x00\\x01' + socket.inet_aton(site.hostname) + struct.pack('>H', site.port))\n\
        assert s.recv(10)[1] == 0\n\
        s.sendall(b'GET /page/7 HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n')\n\
        save_item({'text': s.makefile().read().split('\\n')[-1]})";
    let fields = json!({"name": "s", "proxy_enabled": true, "params": {"site": site}});
    let task = app.run_script(fields, script).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"text": "page 7"})]);
    assert_eq!((socks.carried(), asked.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_proxy_is_never_the_one_that_failed() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    let mut ids = Vec::new();
    for port in 1..=3 {
        ids.push(add(&app, json!({"host": "127.0.0.1", "port": port, "username": "u", "password": "p w"})).await);
    }
    let script = "from crawlhub import get_proxy, rotate_proxy, save_item\n\
        seen = [get_proxy()]\n\
        for _ in range(4):\n    seen.append(rotate_proxy(seen[-1]))\n\
        rotate_proxy('nonsense')\nrotate_proxy('http://stranger:1')\nsave_item({'seen': seen})";
    let spider = app.spider(json!({"name": "s", "proxy_enabled": true}), &[("main.py", script)]).await;
    let task = app.run_to_end(&spider, json!({})).await;
    let seen = app.items(task["id"].as_str().unwrap()).await.remove(0)["seen"].clone();
    let seen: Vec<&str> = seen.as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
    assert_eq!(seen[..3].iter().collect::<HashSet<_>>().len(), 3, "{seen:?}");
    // There is no further one: the spider keeps what it has.
    assert_eq!((seen[3], seen[4]), (seen[2], seen[2]));
    for id in &ids {
        let proxy = of(&app, id).await;
        // Said twice in its cooldown, it is the same failure.
        assert_eq!((&proxy["status"], &proxy["fail_count"]), (&json!("cooldown"), &json!(1)), "{proxy}");
    }
    // Their time heals what time can.
    app.clock.advance(TimeDelta::minutes(6));
    for failures in 2..=3 {
        app.run_to_end(&spider, json!({})).await;
        app.clock.advance(TimeDelta::minutes(6));
        for id in &ids {
            let proxy = of(&app, id).await;
            let status = if failures < 3 { "active" } else { "inactive" };
            assert_eq!((&proxy["status"], &proxy["fail_count"]), (&json!(status), &json!(failures)), "{proxy}");
        }
    }
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["error_category"], "network", "{task}");
}

/// Spiders that start at once are given proxies of their own, as long as there are enough.
#[tokio::test(flavor = "multi_thread")]
async fn use_spreads() {
    let app = TestApp::with(&[NO_CHECKS, ("CRAWLHUB_SLOTS", "4")]).await;
    let lines: Vec<String> = (1..=6).map(|port| format!("127.0.0.1:{port}")).collect();
    app.post("/proxies/batch", json!({"text": lines.join("\n")})).await.ok();
    let script = "from crawlhub import get_proxy, save_item\nsave_item({'proxy': get_proxy()})";
    let fields = json!({"name": "s", "proxy_enabled": true, "overlap": "allow"});
    let spider = app.spider(fields, &[("main.py", script)]).await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(app.run(&spider, json!({})).await);
    }
    let mut seen = HashSet::new();
    for task in tasks {
        app.ended(&task).await;
        seen.insert(app.items(&task).await.remove(0)["proxy"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_for_running_tasks_whose_spider_has_proxies() {
    let app = TestApp::with(&[NO_CHECKS]).await;
    add(&app, json!({"host": "127.0.0.1", "port": 1, "username": "u", "password": "p"})).await;
    let script = "import json, os, urllib.request, urllib.error\nfrom crawlhub import rotate_proxy, save_item\n\
        base = os.environ['CRAWLHUB_API_URL'] + '/crawlhub/internal/proxy/rotate?task_id=' + os.environ['CRAWLHUB_TASK_ID']\n\
        try: urllib.request.urlopen(base + '&spider_id=another')\n\
        except urllib.error.HTTPError as error: other = error.code\n\
        answer = json.load(urllib.request.urlopen(base + '&spider_id=' + os.environ['CRAWLHUB_SPIDER_ID']))\n\
        save_item({'sdk': rotate_proxy(), 'raw': answer['data']['proxy_url'], 'other': other})\nprint(base)";
    let task = app.run_script(json!({"name": "s"}), script).await;
    let id = task["id"].as_str().unwrap();
    assert_eq!(app.items(id).await, [json!({"sdk": null, "raw": null, "other": 400})], "{task}");
    // Its token is worth nothing once it has ended.
    let lines = app.lines(id).await;
    let url = lines[0]["line"].as_str().unwrap();
    let answer = app.http.get(format!("{url}&spider_id={}", task["spider_id"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(answer.status(), 400);
}
