//! The pool of proxies.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, TestProxy, practice_site};

/// Proxies are checked when the test says so.
const BY_HAND: (&str, &str) = ("CRAWLHUB_PROXIES_CHECK_MINUTES", "0");

async fn proxy(app: &Client, fields: Value) -> String {
    app.post("/proxies", fields).await.data()["id"].as_str().unwrap().to_owned()
}

async fn get(app: &Client, id: &str) -> Value {
    app.get(&format!("/proxies/{id}")).await.data()
}

async fn check(app: &Client, id: &str) -> Value {
    app.post(&format!("/proxies/{id}/check"), json!({})).await.data()
}

/// `host:port` of what is listed.
fn places(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|proxy| format!("{}:{}", proxy["host"].as_str().unwrap(), proxy["port"])).collect()
}

#[tokio::test]
async fn a_proxy_is_added_changed_and_removed() {
    let app = TestApp::with(&[BY_HAND]).await;
    let new = json!({"host": "Proxy.Example", "port": 3128, "username": "me", "password": "open sesame"});
    let made = app.post("/proxies", new).await.data();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": id, "protocol": "http", "host": "proxy.example", "port": 3128, "username": "me", "password": null,
            "has_password": true, "status": "active", "success_rate": 0.8, "fail_count": 0, "cooldown_until": null,
            "last_used_at": null, "last_check_at": null, "last_error": null, "latency_ms": null,
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    let path = format!("/proxies/{id}");
    assert_eq!(get(&app, id).await, made);
    assert!(!app.keeps("open sesame").await);

    app.clock.advance(TimeDelta::seconds(5));
    let changed = app.put(&path, json!({"port": 3129, "password": null})).await.data();
    assert_eq!((&changed["port"], &changed["has_password"]), (&json!(3129), &json!(true)));
    assert_eq!(
        (&changed["updated_at"], &changed["created_at"]),
        (&json!("2026-03-01T08:00:05Z"), &json!("2026-03-01T08:00:00Z"))
    );
    let changed = app.put(&path, json!({"password": "", "protocol": "socks5"})).await.data();
    assert_eq!((&changed["protocol"], &changed["has_password"]), (&json!("socks5"), &json!(false)));
    let changed = app.put(&path, json!({"username": null, "host": "::1"})).await.data();
    assert_eq!((&changed["username"], &changed["host"]), (&Value::Null, &json!("::1")));

    app.delete(&path).await.ok();
    assert_eq!(app.get(&path).await.error(404), "proxy_not_found");
    assert_eq!(app.put(&path, json!({})).await.error(404), "proxy_not_found");
    assert_eq!(app.delete(&path).await.error(404), "proxy_not_found");
    assert_eq!(app.post(&format!("{path}/check"), json!({})).await.error(404), "proxy_not_found");
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::with(&[BY_HAND]).await;
    let id = proxy(&app, json!({"host": "h", "port": 1, "username": "u", "password": "p"})).await;
    for (fields, loc) in [
        (json!({}), "body.host"),
        (json!({"host": "h"}), "body.port"),
        (json!({"host": "", "port": 80}), "body.host"),
        (json!({"host": "http://h", "port": 80}), "body.host"),
        (json!({"host": "h/x", "port": 80}), "body.host"),
        (json!({"host": "a".repeat(254), "port": 80}), "body.host"),
        (json!({"host": "h", "port": 0}), "body.port"),
        (json!({"host": "h", "port": 65536}), "body.port"),
        (json!({"host": "h", "port": -1}), "body.port"),
        (json!({"host": "h", "port": "80"}), "body.port"),
        (json!({"host": "h", "port": 80, "protocol": "ftp"}), "body.protocol"),
        (json!({"host": "h", "port": 80, "username": "a:b"}), "body.username"),
        (json!({"host": "h", "port": 80, "username": "a\r\nX y"}), "body.username"),
        (json!({"host": "h", "port": 80, "username": "a\u{0}"}), "body.username"),
        (json!({"host": "h", "port": 80, "password": "p"}), "body.username"),
        (json!({"host": "h", "port": 80, "username": "u", "password": "p".repeat(256)}), "body.password"),
    ] {
        assert_eq!(app.post("/proxies", fields.clone()).await.details(), [loc], "{fields}");
    }
    for (fields, loc) in [
        (json!({"port": 70000}), "body.port"),
        (json!({"host": "a b"}), "body.host"),
        (json!({"username": "x:y"}), "body.username"),
        (json!({"status": "gone"}), "body.status"),
        (json!({"username": "", "password": "x"}), "body.username"),
    ] {
        assert_eq!(app.put(&format!("/proxies/{id}"), fields.clone()).await.details(), [loc], "{fields}");
    }
    assert_eq!(app.get("/proxies?status=gone").await.details(), ["query.status"]);
    assert_eq!(get(&app, &id).await["port"], 1);
}

#[tokio::test]
async fn a_clouds_own_services_are_never_called() {
    let app = TestApp::with(&[BY_HAND]).await;
    let id = proxy(&app, json!({"host": "169.254.169.254", "port": 80})).await;
    let checked = app.post(&format!("/proxies/{id}/check"), json!({})).await.data();
    assert_eq!(checked["ok"], false);
    assert!(checked["error"].as_str().unwrap().contains("a cloud's own"), "{checked}");
}

#[tokio::test]
async fn a_proxy_is_in_the_pool_once() {
    let app = TestApp::with(&[BY_HAND]).await;
    let fields = json!({"host": "h", "port": 80, "username": "u", "password": "p"});
    proxy(&app, fields.clone()).await;
    assert_eq!(
        app.post("/proxies", json!({"host": "H.", "port": 80, "username": "u"})).await.error(409),
        "proxy_taken"
    );
    // Another user of it is another way out.
    let other = proxy(&app, json!({"host": "h", "port": 80, "username": "v", "password": "p"})).await;
    let taken = app.put(&format!("/proxies/{other}"), json!({"username": "u"})).await;
    assert_eq!(taken.error(409), "proxy_taken");
    assert!(!taken.text.contains("u:"), "{}", taken.text);
}

#[tokio::test]
async fn many_are_added_at_once_or_none() {
    let app = TestApp::with(&[BY_HAND]).await;
    let text = "# a list\nhttp://u:p%40ss@one:8080\n\n  two:3128\nsocks5://three:1080\r\nfour:80:user:p:w\n";
    let added = app.post("/proxies/batch", json!({"text": text, "proxies": [{"host": "zero", "port": 1}]})).await;
    assert_eq!(added.data(), 5);
    assert_eq!(added.json()["msg"], "5 proxies are added");
    let list = app.get("/proxies").await.data();
    assert_eq!((list["total"].as_i64(), places(&list).len()), (Some(5), 5));
    assert_eq!(places(&app.get("/proxies?protocol=socks5").await.data()), ["three:1080"]);
    for word in ["p@ss", "p:w"] {
        assert!(!list.to_string().contains(word), "{list}");
        assert!(!app.keeps(word).await);
    }

    let wrong = json!({
        "proxies": [{"host": "new", "port": 1}, {"host": "", "port": 0}],
        "text": "also-new:1\nnonsense\nftp://x:1",
    });
    let refused = app.post("/proxies/batch", wrong).await;
    assert_eq!(
        refused.details(),
        ["body.proxies.1.host", "body.proxies.1.port", "body.text.2", "body.text.3"],
        "{}",
        refused.text
    );
    let with_known = json!({"text": "new:1\ntwo:3128\nnew:1"});
    assert_eq!(app.post("/proxies/batch", with_known).await.details(), ["body.text.2", "body.text.3"]);
    assert_eq!(app.get("/proxies").await.data()["total"], 5, "none of them");
    let with_known = json!({"text": "new:1\ntwo:3128\nnew:1", "skip_existing": true});
    assert_eq!(app.post("/proxies/batch", with_known).await.data(), 1);

    for nothing in [json!({}), json!({"proxies": []}), json!({"text": "\n# nothing\n"})] {
        assert_eq!(app.post("/proxies/batch", nothing).await.details(), ["body.proxies"]);
    }
    let lines: Vec<String> = (0..=1000).map(|at| format!("host-{at}:80")).collect();
    assert_eq!(app.post("/proxies/batch", json!({"text": lines.join("\n")})).await.details(), ["body.proxies"]);
    assert_eq!(app.post("/proxies/batch", json!({"text": lines[..1000].join("\n")})).await.data(), 1000);
    assert_eq!(
        app.post("/proxies/batch", json!({"proxies": [{"host": "x"}]})).await.details(),
        ["body.proxies[0].port"]
    );
}

#[tokio::test]
async fn a_status_follows_from_what_happened() {
    let app = TestApp::with(&[BY_HAND]).await;
    let id = proxy(&app, json!({"host": "h", "port": 80})).await;
    let path = format!("/proxies/{id}");
    let cooling = app.put(&path, json!({"status": "cooldown"})).await.data();
    assert_eq!((&cooling["status"], &cooling["cooldown_until"]), (&json!("cooldown"), &json!("2026-03-01T08:05:00Z")));
    let count = async |status: &str| app.get(&format!("/proxies?status={status}")).await.data()["total"].clone();
    assert_eq!(
        (count("cooldown").await, count("active").await, count("inactive").await),
        (json!(1), json!(0), json!(0))
    );
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(get(&app, &id).await["status"], "active");
    app.put(&path, json!({"status": "inactive"})).await.ok();
    assert_eq!(
        (count("cooldown").await, count("active").await, count("inactive").await),
        (json!(0), json!(0), json!(1))
    );
    assert_eq!(app.put(&path, json!({"status": "active"})).await.data()["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_whether_a_proxy_answers() {
    let app = TestApp::with(&[BY_HAND]).await;
    let (open, closed) = (TestProxy::http(None).await, TestProxy::http(Some(("u", "p@:/ss"))).await);
    let (socks, guarded) = (TestProxy::socks5(None).await, TestProxy::socks5(Some(("u", "p"))).await);
    let site = practice_site().await;
    let no_proxy = site.trim_end_matches('/').rsplit(':').next().unwrap().parse::<u16>().unwrap();
    for (fields, error) in [
        (json!({"port": open.port}), None),
        (json!({"port": closed.port, "username": "u", "password": "p@:/ss"}), None),
        (json!({"port": closed.port, "username": "v", "password": "wrong"}), Some("407")),
        (json!({"port": socks.port, "protocol": "socks5"}), None),
        (json!({"port": guarded.port, "protocol": "socks5", "username": "u", "password": "p"}), None),
        (
            json!({"port": guarded.port, "protocol": "socks5", "username": "v", "password": "p"}),
            Some("refused username"),
        ),
        (json!({"port": guarded.port, "protocol": "socks5"}), Some("sign-in")),
        (json!({"port": open.port, "protocol": "https"}), Some("error")),
        (json!({"port": no_proxy, "protocol": "socks5"}), Some("")),
        (json!({"port": 1}), Some("error")),
    ] {
        let mut fields = fields;
        fields["host"] = json!("127.0.0.1");
        let id = proxy(&app, fields.clone()).await;
        let answer = app.post(&format!("/proxies/{id}/check"), json!({})).await;
        let (checked, proxy) = (answer.data(), get(&app, &id).await);
        assert_eq!(checked["ok"], error.is_none(), "{fields}: {checked}");
        assert_eq!(checked["error"], proxy["last_error"]);
        assert_eq!(proxy["last_check_at"], "2026-03-01T08:00:00Z");
        if let Some(error) = error {
            assert!(checked["error"].as_str().unwrap().contains(error), "{fields}: {checked}");
            assert_eq!((&proxy["fail_count"], &proxy["latency_ms"]), (&json!(1), &Value::Null));
        } else {
            assert_eq!(answer.json()["msg"], "the proxy works");
            assert!(proxy["latency_ms"].is_i64() && proxy["success_rate"].as_f64().unwrap() > 0.8, "{proxy}");
        }
        assert!(!answer.text.contains("wrong"), "{}", answer.text);
    }
    assert_eq!(open.carried() + closed.carried() + socks.carried() + guarded.carried(), 0, "nobody outside is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_may_ask_for_a_page() {
    let site = practice_site().await;
    let app = TestApp::with(&[BY_HAND, ("CRAWLHUB_PROXIES_CHECK_URL", &site)]).await;
    let (http, socks) = (TestProxy::http(None).await, TestProxy::socks5(Some(("u", "p"))).await);
    let fields =
        json!({"host": "127.0.0.1", "port": socks.port, "protocol": "socks5", "username": "u", "password": "p"});
    for fields in [json!({"host": "127.0.0.1", "port": http.port}), fields] {
        let id = proxy(&app, fields).await;
        assert_eq!(check(&app, &id).await["ok"], true);
    }
    assert_eq!((http.carried(), socks.carried()), (1, 1));
    // The proxy is well, the way behind it is not.
    let nowhere = TestApp::with(&[BY_HAND, ("CRAWLHUB_PROXIES_CHECK_URL", "http://127.0.0.1:1/")]).await;
    let id = proxy(&nowhere, json!({"host": "127.0.0.1", "port": http.port})).await;
    let checked = check(&nowhere, &id).await;
    assert!(checked["error"].as_str().unwrap().contains("502"), "{checked}");
}

#[tokio::test]
async fn an_operator_may_forbid_proxies_at_home() {
    let app = TestApp::with(&[BY_HAND, ("CRAWLHUB_PROXIES_ALLOW_PRIVATE", "false")]).await;
    let http = TestProxy::http(None).await;
    let id = proxy(&app, json!({"host": "127.0.0.1", "port": http.port})).await;
    let checked = check(&app, &id).await;
    assert!(checked["error"].as_str().unwrap().contains("allow_private"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_failures_in_a_row_and_a_way_back() {
    let app = TestApp::with(&[BY_HAND]).await;
    let dying = TestProxy::http(None).await;
    let id = proxy(&app, json!({"host": "127.0.0.1", "port": dying.port})).await;
    assert_eq!(check(&app, &id).await["ok"], true);
    dying.kill();
    for failures in 1..=3 {
        // Until it has gone, it may still answer.
        while check(&app, &id).await["ok"] == true {}
        let proxy = get(&app, &id).await;
        assert_eq!(proxy["fail_count"], failures);
        assert_eq!(proxy["status"], if failures < 3 { "active" } else { "inactive" });
    }
    let revived = TestProxy::http(None).await;
    app.put(&format!("/proxies/{id}"), json!({"port": revived.port})).await.ok();
    assert_eq!(check(&app, &id).await["ok"], true);
    assert_eq!(get(&app, &id).await["status"], "active");
    // What somebody took out of use stays so.
    app.put(&format!("/proxies/{id}"), json!({"status": "inactive"})).await.ok();
    assert_eq!(check(&app, &id).await["ok"], true);
    assert_eq!(get(&app, &id).await["status"], "inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_checked_by_themselves() {
    let app = TestApp::new().await;
    let well = TestProxy::http(None).await;
    let one = proxy(&app, json!({"host": "127.0.0.1", "port": well.port})).await;
    let other = proxy(&app, json!({"host": "127.0.0.1", "port": 1})).await;
    let off = proxy(&app, json!({"host": "127.0.0.2", "port": well.port})).await;
    let checked_at = |id: &str, at: &'static str| {
        let path = format!("/proxies/{id}");
        let client = app.client.clone();
        async move { client.eventually(&path, |proxy| proxy["last_check_at"] == at).await }
    };
    // A new one at once.
    let first = "2026-03-01T08:00:00Z";
    assert_eq!(checked_at(&one, first).await["last_error"], Value::Null);
    assert!(checked_at(&other, first).await["last_error"].is_string());
    checked_at(&off, first).await;
    app.put(&format!("/proxies/{off}"), json!({"status": "inactive"})).await.ok();
    app.clock.advance(TimeDelta::minutes(4));
    app.looked_at_by("proxies").await;
    assert_eq!(get(&app, &one).await["last_check_at"], first);
    app.clock.set("2026-03-01T08:05:00Z".parse().unwrap());
    checked_at(&one, "2026-03-01T08:05:00Z").await;
    checked_at(&other, "2026-03-01T08:05:00Z").await;
    app.clock.set("2026-03-01T08:06:00Z".parse().unwrap());
    assert_eq!(app.post("/proxies/check-all", json!({})).await.data(), 2);
    checked_at(&one, "2026-03-01T08:06:00Z").await;
    assert_eq!(checked_at(&other, "2026-03-01T08:06:00Z").await["status"], "inactive");
    assert_eq!(get(&app, &off).await["last_check_at"], first);
}
