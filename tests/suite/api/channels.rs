//! Channels: where alerts are told, tried out with receivers on this machine.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{MailServer, Reaction, Receiver, Settings, TestApp};

const ALLOWED: Settings = &[("CRAWLHUB_NOTIFY_ALLOW_PRIVATE", "true")];
const CHANNELS: &str = "/notifications/channels";

fn mac(key: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

async fn channel(app: &TestApp, channel_type: &str, config: Value) -> String {
    let body = json!({"name": channel_type, "channel_type": channel_type, "config": config});
    app.post(CHANNELS, body).await.data()["id"].as_str().unwrap().to_owned()
}

fn config_of(channel: &Value) -> Value {
    serde_json::from_str(channel["config"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_channel_is_made_changed_and_removed() {
    let app = TestApp::new().await;
    let new = json!({"name": "值班", "channel_type": "webhook", "config": "{\"url\": \"https://example.org/in\"}"});
    let made = app.post(CHANNELS, new).await.data();
    let path = format!("{CHANNELS}/{}", made["id"].as_str().unwrap());
    assert_eq!(
        made,
        json!({
            "id": made["id"], "name": "值班", "channel_type": "webhook", "config": "{\"url\":\"https://example.org/in\"}",
            "is_enabled": true, "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    assert_eq!(app.get(&path).await.data(), made);
    app.clock.advance(chrono::TimeDelta::seconds(5));
    let changed = app.put(&path, json!({"is_enabled": false})).await.data();
    assert_eq!((&changed["name"], &changed["is_enabled"]), (&json!("值班"), &json!(false)));
    assert_eq!(changed["updated_at"], "2026-03-01T08:00:05Z");
    let other = app.put(&path, json!({"channel_type": "slack"})).await.data();
    assert_eq!(config_of(&other), json!({"webhook_url": "https://example.org/******"}));
    assert_eq!(app.put(&path, json!({"channel_type": "email"})).await.details(), ["body.config.to"]);
    let mail = json!({"channel_type": "email", "config": {"to": ["a@b.c", "d@e.f"]}});
    assert_eq!(config_of(&app.put(&path, mail).await.data()), json!({"to": "a@b.c, d@e.f"}));

    channel(&app, "slack", json!({"webhook_url": "https://example.org"})).await;
    let list = app.get(&format!("{CHANNELS}?page_size=1")).await.data();
    assert_eq!((&list["total"], &list["items"][0]["channel_type"]), (&json!(2), &json!("slack")));
    app.delete(&path).await.ok();
    for answer in [app.get(&path).await, app.put(&path, json!({})).await, app.delete(&path).await] {
        assert_eq!(answer.error(404), "channel_not_found");
    }
    assert_eq!(app.post(&format!("{path}/test"), json!({})).await.error(404), "channel_not_found");
}

#[tokio::test]
async fn what_is_no_channel() {
    let app = TestApp::new().await;
    let url = json!({"url": "https://example.org"});
    for (new, loc) in [
        (json!({"channel_type": "webhook", "config": url}), "body.name"),
        (json!({"name": "n", "config": url}), "body.channel_type"),
        (json!({"name": "n", "channel_type": "pigeon", "config": url}), "body.channel_type"),
        (json!({"name": "n", "channel_type": "webhook"}), "body.config"),
        (json!({"name": " ", "channel_type": "webhook", "config": url}), "body.name"),
        (json!({"name": "n".repeat(101), "channel_type": "webhook", "config": url}), "body.name"),
        (json!({"name": "n", "channel_type": "webhook", "config": {"url": "gopher://x"}}), "body.config.url"),
        (json!({"name": "n", "channel_type": "wecom", "config": {}}), "body.config.webhook_url"),
        (json!({"name": "n", "channel_type": "email", "config": {"to": "nobody"}}), "body.config.to"),
    ] {
        assert_eq!(app.post(CHANNELS, new.clone()).await.details(), [loc], "{new}");
    }
    for config in [json!("{"), json!("[]"), json!([]), json!(5)] {
        let new = json!({"name": "n", "channel_type": "webhook", "config": config});
        assert_eq!(app.post(CHANNELS, new).await.error(400), "config_not_json", "{config}");
    }
    assert_eq!(app.get(CHANNELS).await.data()["total"], 0);
}

/// Secrets are encrypted where they are kept, masked where they are shown, and used where they are needed.
#[tokio::test]
async fn secrets_are_kept_from_everybody_but_the_receiver() {
    let app = TestApp::with(ALLOWED).await;
    let mut receiver = Receiver::start().await;
    let url = format!("{}?access_token=tok-5e1f", receiver.url);
    let shown = json!({"url": format!("{}?access_token=******", receiver.url), "secret": "******"});
    let id = channel(&app, "webhook", json!({"url": url, "secret": "sec-77ab"})).await;
    let path = format!("{CHANNELS}/{id}");
    for answer in [app.get(&path).await, app.get(CHANNELS).await] {
        assert!(!answer.text.contains("tok-5e1f") && !answer.text.contains("sec-77ab"), "{}", answer.text);
    }
    assert_eq!(config_of(&app.get(&path).await.data()), shown);
    assert!(!app.keeps("tok-5e1f").await && !app.keeps("sec-77ab").await);

    // What is shown, sent back, changes nothing.
    let again = app.put(&path, json!({"name": "renamed", "config": shown.to_string()})).await.data();
    assert_eq!(config_of(&again), shown);
    app.post(&format!("{path}/test"), json!({})).await.ok();
    let call = receiver.next().await;
    assert_eq!(call.uri.query(), Some("access_token=tok-5e1f"));
    let signed = mac("sec-77ab", &format!("{}.{}", call.header("x-crawlhub-timestamp"), call.text));
    let signed = signed.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(call.header("x-crawlhub-signature"), signed);
    // A secret that is left out is none any more.
    app.put(&path, json!({"config": {"url": receiver.url}})).await.ok();
    app.post(&format!("{path}/test"), json!({})).await.ok();
    assert!(!receiver.next().await.headers.contains_key("x-crawlhub-signature"));
    assert_eq!(
        app.put(&path, json!({"config": {"url": receiver.url, "secret": "******"}})).await.details(),
        ["body.config.secret"]
    );
}

#[tokio::test]
async fn each_robot_is_spoken_to_in_its_own_words() {
    let app = TestApp::with(&[ALLOWED[0], ("CRAWLHUB_ALERTS_LANGUAGE", "en")]).await;
    let mut receiver = Receiver::start().await;
    let mut said = async |channel_type: &str, secret: Option<&str>, answer: &'static str| {
        receiver.react(Reaction::Answer(200, answer));
        let id = channel(&app, channel_type, json!({"webhook_url": receiver.url, "secret": secret})).await;
        let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
        (tested, receiver.next().await)
    };
    let (title, message) = ("CrawlHub: a test", "This channel works.");

    let (tested, call) = said("dingtalk", Some("SEC1"), r#"{"errcode":0,"errmsg":"ok"}"#).await;
    let data = tested.data();
    assert_eq!((&data["ok"], &data["status"]), (&json!(true), &json!(200)));
    assert!(data["latency_ms"].is_u64());
    let query: Vec<(String, String)> = serde_urlencoded::from_str(call.uri.query().unwrap()).unwrap();
    let millis = "1772352000000";
    assert_eq!(query[0], ("timestamp".to_owned(), millis.to_owned()));
    assert_eq!(query[1], ("sign".to_owned(), STANDARD.encode(mac("SEC1", &format!("{millis}\nSEC1")))));
    let markdown = json!({"title": title, "text": format!("### {title}\n\n{message}")});
    assert_eq!(call.json(), json!({"msgtype": "markdown", "markdown": markdown}));

    let (tested, call) = said("feishu", Some("demo"), r#"{"code":0,"msg":"success","data":{}}"#).await;
    tested.ok();
    let sign = STANDARD.encode(mac("1772352000\ndemo", ""));
    assert_eq!(
        call.json(),
        json!({"timestamp": "1772352000", "sign": sign, "msg_type": "text",
               "content": {"text": format!("{title}\n{message}")}})
    );
    let (tested, call) = said("feishu", None, r#"{"StatusCode":0,"StatusMessage":"success"}"#).await;
    tested.ok();
    assert_eq!(call.json()["sign"], Value::Null);

    let (tested, call) = said("wecom", None, r#"{"errcode":0,"errmsg":"ok"}"#).await;
    tested.ok();
    let content = format!("**{title}**\n{message}");
    assert_eq!(call.json(), json!({"msgtype": "markdown", "markdown": {"content": content}}));
    let (tested, call) = said("slack", None, "ok").await;
    tested.ok();
    assert_eq!(call.json(), json!({"text": format!("*{title}*\n{message}")}));

    // 200 is not enough.
    for (channel_type, answer, reason) in [
        ("dingtalk", r#"{"errcode":310000,"errmsg":"sign not match"}"#, "310000: sign not match"),
        ("feishu", r#"{"code":19021,"msg":"sign match fail"}"#, "19021: sign match fail"),
        ("wecom", r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, "93000"),
        ("wecom", "<html>hello</html>", "no robot"),
    ] {
        let (tested, _) = said(channel_type, None, answer).await;
        assert_eq!(tested.error(502), "notification_failed");
        assert!(tested.text.contains(reason), "{}", tested.text);
    }
}

#[tokio::test]
async fn a_test_says_what_went_wrong() {
    let app = TestApp::with(ALLOWED).await;
    let mut receiver = Receiver::start().await;
    let id = channel(&app, "webhook", json!({"url": receiver.url})).await;
    for (reaction, reason) in [
        (Reaction::Answer(500, "secret of the receiver"), "500"),
        (Reaction::Answer(404, ""), "404"),
        (Reaction::Redirect("http://169.254.169.254/latest?token=t"), "a redirect to http://169.254.169.254,"),
    ] {
        receiver.react(reaction);
        let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
        assert_eq!(tested.error(502), "notification_failed");
        assert!(tested.text.contains(reason) && !tested.text.contains("secret of"), "{}", tested.text);
        receiver.next().await;
    }
    assert!(receiver.is_quiet());
    // No TLS is spoken there.
    let url = receiver.url.replace("http:", "https:");
    app.put(&format!("{CHANNELS}/{id}"), json!({"config": {"url": url}})).await.ok();
    assert_eq!(app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await.error(502), "notification_failed");
    // Nobody listens there.
    app.put(&format!("{CHANNELS}/{id}"), json!({"config": {"url": "http://127.0.0.1:1/x?key=k-19"}})).await.ok();
    let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
    assert_eq!(tested.error(502), "notification_failed");
    assert!(!tested.text.contains("k-19"), "{}", tested.text);
}

/// Whoever may make channels must not reach through the server what only the server can.
#[tokio::test]
async fn the_servers_own_network_is_closed() {
    let app = TestApp::new().await;
    let mut receiver = Receiver::start().await;
    let port = receiver.url.trim_start_matches("http://127.0.0.1:").trim_end_matches("/hook").to_owned();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        let id = channel(&app, "webhook", json!({"url": format!("http://{host}:{port}/x")})).await;
        let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
        assert_eq!(tested.error(502), "notification_failed", "{host}");
        assert!(tested.text.contains("notify.allow_private"), "{host}: {}", tested.text);
    }
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn mail_goes_through_the_operators_server() {
    let mut server = MailServer::start("nobody@").await;
    let port = server.port.to_string();
    let app = TestApp::with(&[
        ("CRAWLHUB_MAIL_HOST", "127.0.0.1"),
        ("CRAWLHUB_MAIL_PORT", &port),
        ("CRAWLHUB_MAIL_TLS", "none"),
        ("CRAWLHUB_MAIL_FROM", "CrawlHub <hub@example.org>"),
        ("CRAWLHUB_ALERTS_LANGUAGE", "en"),
    ])
    .await;
    let id = channel(&app, "email", json!({"to": "a@example.org, B <b@example.org>"})).await;
    let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await.data();
    assert_eq!((&tested["ok"], &tested["status"]), (&json!(true), &Value::Null));
    let mail = server.next().await;
    for part in [
        "MAIL FROM:<hub@example.org>",
        "RCPT TO:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "Subject: CrawlHub: a test",
        "<h3>CrawlHub: a test</h3><p>This channel works.</p>",
    ] {
        assert!(mail.contains(part), "no {part} in {mail}");
    }

    app.put(&format!("{CHANNELS}/{id}"), json!({"config": {"to": "nobody@example.org"}})).await.ok();
    let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
    assert_eq!(tested.error(502), "notification_failed");
    assert!(tested.text.contains("no such user here"), "{}", tested.text);
}

#[tokio::test]
async fn without_a_mail_server_the_missing_setting_is_named() {
    let app = TestApp::new().await;
    let id = channel(&app, "email", json!({"to": "a@example.org"})).await;
    let tested = app.post(&format!("{CHANNELS}/{id}/test"), json!({})).await;
    assert_eq!(tested.error(503), "unavailable");
    assert!(tested.text.contains("CRAWLHUB_MAIL_HOST"), "{}", tested.text);
}
