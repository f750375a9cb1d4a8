//! Who is calling: sign-in, sessions, tokens, users, and what they did.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, PASSWORD, TestApp, cookies_of,
    nginx::{BALANCER, lacks_nginx, nginx},
};

const ADMIN: &str = "admin@crawlhub.local";

/// A browser that is signed in.
struct Browser {
    client: Client,
    cookies: String,
}

impl Browser {
    async fn sign_in(app: &Client, email: &str, password: &str) -> Self {
        let answer = login(app, email, password).await;
        answer.ok();
        Self { client: app.without_token(), cookies: cookies_of(&answer) }
    }

    fn cookie(&self, name: &str) -> &str {
        let found = self.cookies.split("; ").find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.cookies))
    }

    /// `path` below `/platform/api`, as the admin UI asks.
    async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.client.request(method, &format!("/platform/api{path}")).header("cookie", &self.cookies);
        self.client.send(request.header("x-csrf-token", self.cookie("admin_csrf_token")).json(&body)).await
    }

    async fn profile(&self) -> Answer {
        self.ask(Method::GET, "/account/profile", json!({})).await
    }
}

/// `path` below `/platform/api`, with the client's token.
async fn ask(client: &Client, method: Method, path: &str, body: Value) -> Answer {
    client.send(client.request(method, &format!("/platform/api{path}")).json(&body)).await
}

async fn login(app: &Client, email: &str, password: &str) -> Answer {
    ask(&app.without_token(), Method::POST, "/login", json!({"email": email, "password": password})).await
}

/// The tests call from here, and say where they come from.
const BEHIND_A_PROXY: (&str, &str) = ("CRAWLHUB_SERVER_TRUSTED_PROXIES", "127.0.0.1");

/// The same as if a proxy on this machine had passed it on for `address`.
async fn login_from(app: &Client, address: &str, email: &str, password: &str) -> Answer {
    let request = app.without_token().request(Method::POST, "/platform/api/login");
    app.send(request.header("x-forwarded-for", address).json(&json!({"email": email, "password": password}))).await
}

/// A new user's id.
async fn user(app: &Client, email: &str, role: &str) -> String {
    let new = json!({"email": email, "password": PASSWORD, "role": role});
    ask(app, Method::POST, "/users", new).await.data()["id"].as_str().unwrap().to_owned()
}

async fn token(client: &Client, body: Value) -> Client {
    let made = ask(client, Method::POST, "/tokens", body).await.data();
    Client { token: made["token"].as_str().map(str::to_owned), ..client.clone() }
}

/// Name → everything else of its Set-Cookie header.
fn set_cookie<'a>(answer: &'a Answer, name: &str) -> (&'a str, Vec<&'a str>) {
    let mut headers = answer.headers.get_all("set-cookie").iter().map(|header| header.to_str().unwrap());
    let value = headers.find_map(|header| header.strip_prefix(name)?.strip_prefix('=')).unwrap();
    let mut parts = value.split("; ");
    (parts.next().unwrap(), parts.collect())
}

#[tokio::test]
async fn sign_in_sets_three_cookies() {
    let app = TestApp::new().await;
    let answer = login(&app, ADMIN, PASSWORD).await;
    answer.ok();
    for (name, http_only) in [("admin_access_token", true), ("admin_refresh_token", true), ("admin_csrf_token", false)]
    {
        let (value, attributes) = set_cookie(&answer, name);
        assert!(value.len() >= 40, "{name} can be guessed: {value}");
        assert_eq!(attributes.contains(&"HttpOnly"), http_only, "{name} {attributes:?}");
        assert!(attributes.contains(&"SameSite=Lax") && attributes.contains(&"Path=/"), "{name} {attributes:?}");
        assert!(attributes.contains(&"Max-Age=604800") && !attributes.contains(&"Secure"), "{name} {attributes:?}");
    }
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 3);
    let remembered = json!({"email": "Admin@CrawlHub.local", "password": PASSWORD, "remember_me": true});
    let remembered = ask(&app.without_token(), Method::POST, "/login", remembered).await;
    assert!(set_cookie(&remembered, "admin_refresh_token").1.contains(&"Max-Age=2592000"), "{remembered:?}");
}

#[tokio::test]
async fn cookies_of_an_https_address_are_secure() {
    let app = TestApp::with(&[("CRAWLHUB_PUBLIC_URL", "https://crawl.example")]).await;
    let answer = login(&app, ADMIN, PASSWORD).await;
    for name in ["admin_access_token", "admin_refresh_token", "admin_csrf_token"] {
        assert!(set_cookie(&answer, name).1.contains(&"Secure"), "{name}");
    }
}

#[tokio::test]
async fn only_the_right_password() {
    let app = TestApp::new().await;
    login(&app, ADMIN, &STANDARD.encode(PASSWORD)).await.ok();
    let wrong = login(&app, ADMIN, "wrong").await;
    assert_eq!(wrong.error(401), "wrong_password");
    assert!(!wrong.headers.contains_key("set-cookie"));
    assert_eq!(login(&app, ADMIN, &STANDARD.encode("wrong")).await.error(401), "wrong_password");
    let unknown = login(&app, "nobody@x", PASSWORD).await;
    assert_eq!(unknown.text, wrong.text, "an unknown account looks like a wrong password");
    assert_eq!(
        ask(&app.without_token(), Method::POST, "/login", json!({"email": "x"})).await.details(),
        ["body.password"]
    );
}

#[tokio::test]
async fn a_password_whose_base64_is_sent_may_be_in_any_script() {
    let app = TestApp::new().await;
    let new = json!({"email": "li@x", "name": "李", "password": "密码密码密码密码", "role": "viewer"});
    ask(&app, Method::POST, "/users", new).await.ok();
    login(&app, "li@x", &STANDARD.encode("密码密码密码密码")).await.ok();
    login(&app, "li@x", "密码密码密码密码").await.ok();
}

#[tokio::test]
async fn cookies_change_nothing_without_the_csrf_token() {
    let app = TestApp::new().await;
    let browser = Browser::sign_in(&app, ADMIN, PASSWORD).await;
    let make = |cookies: &str| {
        let request = browser.client.request(Method::POST, "/platform/api/crawlhub/projects");
        request.header("cookie", cookies).json(&json!({"name": "by cookie"}))
    };
    let csrf = browser.cookie("admin_csrf_token");
    let without_csrf_cookie = format!("admin_access_token={}", browser.cookie("admin_access_token"));
    for (what, request) in [
        ("missing", make(&browser.cookies)),
        ("empty", make(&browser.cookies).header("x-csrf-token", "")),
        ("wrong", make(&browser.cookies).header("x-csrf-token", format!("{csrf}x"))),
        ("without its cookie", make(&without_csrf_cookie).header("x-csrf-token", csrf)),
        ("both empty", make(&format!("{without_csrf_cookie}; admin_csrf_token=")).header("x-csrf-token", "")),
        // Which a browser also sends by itself, where a proxy in front asks for a password.
        ("another kind of credentials", make(&browser.cookies).basic_auth("proxy", Some("password"))),
    ] {
        assert_eq!(browser.client.send(request).await.error(403), "csrf_mismatch", "{what}");
    }
    assert_eq!(app.get("/projects?keyword=cookie").await.data()["total"], 0);
    browser.client.send(make(&browser.cookies).header("x-csrf-token", csrf)).await.ok();
    // Reading needs none, and a token, which no browser adds by itself, neither.
    let read =
        browser.client.request(Method::GET, "/platform/api/crawlhub/projects").header("cookie", &browser.cookies);
    browser.client.send(read).await.ok();
    app.post("/projects", json!({"name": "by token"})).await.ok();
}

#[tokio::test]
async fn five_wrong_passwords_close_the_account() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    user(&app, "other@x", "viewer").await;
    for n in 0..5 {
        assert_eq!(login_from(&app, &format!("10.0.0.{n}"), ADMIN, "wrong").await.error(401), "wrong_password");
    }
    assert_eq!(login_from(&app, "10.0.1.1", ADMIN, PASSWORD).await.error(429), "too_many_attempts");
    assert_eq!(login_from(&app, "10.0.1.2", "ADMIN@crawlhub.local", PASSWORD).await.error(429), "too_many_attempts");
    login_from(&app, "10.0.1.1", "other@x", PASSWORD).await.ok();
    app.clock.advance(TimeDelta::seconds(61));
    login_from(&app, "10.0.1.1", ADMIN, PASSWORD).await.ok();
}

#[tokio::test]
async fn five_wrong_passwords_close_the_address() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    for n in 0..5 {
        let account = format!("somebody{n}@x");
        assert_eq!(login_from(&app, "10.0.0.1", &account, "wrong").await.error(401), "wrong_password");
    }
    assert_eq!(login_from(&app, "10.0.0.1", ADMIN, PASSWORD).await.error(429), "too_many_attempts");
    login_from(&app, "10.0.0.2", ADMIN, PASSWORD).await.ok();
    app.clock.advance(TimeDelta::seconds(61));
    login_from(&app, "10.0.0.1", ADMIN, PASSWORD).await.ok();
}

#[tokio::test]
async fn a_right_password_forgets_the_wrong_ones() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        for _ in 0..4 {
            login(&app, ADMIN, "wrong").await.error(401);
        }
        login(&app, ADMIN, PASSWORD).await.ok();
    }
}

/// Guesses side by side are counted like guesses one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_guesses_at_the_same_moment() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let guesses = (0..20).map(|n| {
        let (client, address) = (app.client.clone(), format!("10.0.0.{n}"));
        async move { login_from(&client, &address, ADMIN, "wrong").await.status.as_u16() }
    });
    let mut statuses = join_all(guesses).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[401; 5].as_slice(), &[429; 15]].concat());
    assert_eq!(login_from(&app, "10.0.1.1", ADMIN, PASSWORD).await.error(429), "too_many_attempts");

    app.clock.advance(TimeDelta::seconds(61));
    let guesses = (0..20).map(|n| {
        let (client, account) = (app.client.clone(), format!("somebody{n}@x"));
        async move { login_from(&client, "10.0.0.1", &account, "wrong").await.status.as_u16() }
    });
    let mut statuses = join_all(guesses).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[401; 5].as_slice(), &[429; 15]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_right_passwords_at_the_same_moment() {
    let app = TestApp::new().await;
    for answer in join_all((0..20).map(|_| login(&app, ADMIN, PASSWORD))).await {
        answer.ok();
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_says_where_a_call_comes_from() {
    let app = TestApp::with(&[("CRAWLHUB_SERVER_TRUSTED_PROXIES", "10.9.9.9")]).await;
    for n in 0..5 {
        login_from(&app, &format!("10.0.0.{n}"), &format!("somebody{n}@x"), "wrong").await.error(401);
    }
    assert_eq!(login_from(&app, "10.0.1.1", ADMIN, PASSWORD).await.error(429), "too_many_attempts");
}

/// Of several addresses the last one counts that no proxy of ours has: the ones before it are the caller's own words.
#[tokio::test]
async fn what_a_caller_says_of_itself_is_not_believed() {
    let app = TestApp::with(&[("CRAWLHUB_SERVER_TRUSTED_PROXIES", "127.0.0.0/8, 10.9.9.9")]).await;
    let send = async |headers: &[&str]| {
        let mut request = app.request(Method::POST, "/platform/api/crawlhub/projects");
        for header in headers {
            request = request.header("x-forwarded-for", *header);
        }
        app.send(request.json(&json!({}))).await.details();
        let audit = ask(&app, Method::GET, "/audit?page_size=1", json!({})).await.data();
        audit["items"][0]["address"].as_str().unwrap().to_owned()
    };
    assert_eq!(send(&[]).await, "127.0.0.1");
    assert_eq!(send(&["10.0.0.1"]).await, "10.0.0.1");
    assert_eq!(send(&["6.6.6.6, 10.0.0.1, 10.9.9.9"]).await, "10.0.0.1");
    assert_eq!(send(&["6.6.6.6, 10.0.0.1, 127.9.9.9"]).await, "10.0.0.1");
    // A proxy may add a line of its own rather than write into the caller's.
    assert_eq!(send(&["6.6.6.6", "10.0.0.1"]).await, "10.0.0.1");
    assert_eq!(send(&["6.6.6.6, unknown"]).await, "127.0.0.1");
}

/// nginx believes a balancer in front of it, and nobody else.
#[tokio::test]
async fn who_asks_through_a_balancer_is_known() {
    if lacks_nginx() {
        return;
    }
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let folder = tempfile::tempdir().unwrap();
    let (_nginx, front) = nginx(&app.base, folder.path(), "none.invalid").await;
    let send = async |from: &str, said: &str| {
        let http = reqwest::Client::builder().local_address(from.parse::<std::net::IpAddr>().unwrap()).build().unwrap();
        let request = http.post(format!("{front}/platform/api/crawlhub/projects")).header("x-forwarded-for", said);
        request.bearer_auth(app.token.as_ref().unwrap()).json(&json!({})).send().await.unwrap();
        let audit = ask(&app, Method::GET, "/audit?page_size=1", json!({})).await.data();
        audit["items"][0]["address"].as_str().unwrap().to_owned()
    };
    assert_eq!(send(BALANCER, "6.6.6.6, 10.0.0.1").await, "10.0.0.1");
    assert_eq!(send(BALANCER, "10.0.0.1, 127.0.0.9").await, "10.0.0.1");
    assert_eq!(send("127.0.0.7", "10.0.0.1").await, "127.0.0.7");
}

#[tokio::test]
async fn no_token_in_an_address_gets_into_the_log_of_nginx() {
    if lacks_nginx() {
        return;
    }
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let folder = tempfile::tempdir().unwrap();
    let (_nginx, front) = nginx(&app.base, folder.path(), "none.invalid").await;
    for path in
        ["/platform/api/_t/hush/crawlhub/internal/config?x=hush", "/code-server/x/?tkn=hush&to=/_t/hush", "/last"]
    {
        reqwest::get(format!("{front}{path}")).await.unwrap();
    }
    // A line is written when its answer was sent.
    let mut log = String::new();
    for _ in 0..200 {
        log = std::fs::read_to_string(folder.path().join("access.log")).unwrap();
        if log.contains("GET /last\"") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(log.contains("GET /platform/api/_t/***\"") && log.contains("GET /code-server/x/\""), "{log}");
    assert!(!log.contains("hush"), "{log}");
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_renewed_and_no_longer_than_seven_days() {
    let app = TestApp::new().await;
    let first = Browser::sign_in(&app, ADMIN, PASSWORD).await;
    app.clock.advance(TimeDelta::minutes(119));
    first.profile().await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(first.profile().await.error(401), "unauthenticated");

    let renewed = first.ask(Method::POST, "/refresh-token", json!({})).await;
    renewed.ok();
    assert!(set_cookie(&renewed, "admin_access_token").1.contains(&"Max-Age=597600"), "{renewed:?}");
    let second = Browser { client: app.without_token(), cookies: cookies_of(&renewed) };
    second.profile().await.ok();
    first.profile().await.error(401);
    first.ask(Method::POST, "/refresh-token", json!({})).await.error(401);

    let third = second.ask(Method::POST, "/refresh-token", json!({})).await;
    let third = Browser { client: app.without_token(), cookies: cookies_of(&third) };
    second.profile().await.error(401);
    third.profile().await.ok();
    app.clock.advance(TimeDelta::days(7));
    third.profile().await.error(401);
    third.ask(Method::POST, "/refresh-token", json!({})).await.error(401);
}

#[tokio::test]
async fn sign_out_ends_the_session() {
    let app = TestApp::new().await;
    let (browser, other) =
        (Browser::sign_in(&app, ADMIN, PASSWORD).await, Browser::sign_in(&app, ADMIN, PASSWORD).await);
    let answer = browser.ask(Method::POST, "/logout", json!({})).await;
    answer.ok();
    for name in ["admin_access_token", "admin_refresh_token", "admin_csrf_token"] {
        let (value, attributes) = set_cookie(&answer, name);
        assert!(value.is_empty() && attributes.contains(&"Max-Age=0") && attributes.contains(&"Path=/"), "{answer:?}");
    }
    browser.profile().await.error(401);
    browser.ask(Method::POST, "/refresh-token", json!({})).await.error(401);
    other.profile().await.ok();
}

#[tokio::test]
async fn the_profile() {
    let app = TestApp::new().await;
    let browser = Browser::sign_in(&app, ADMIN, PASSWORD).await;
    let profile = browser.profile().await;
    assert!(!profile.text.contains("argon2") && !profile.text.contains("password"), "{}", profile.text);
    let profile = profile.data();
    assert_eq!(
        (&profile["email"], &profile["role"], &profile["name"]),
        (&json!(ADMIN), &json!("admin"), &json!("admin"))
    );
    for field in ["id", "interface_language", "timezone", "last_login_at", "created_at"] {
        assert!(profile[field].is_string(), "{field}: {profile}");
    }
    assert_eq!(profile["last_login_at"], "2026-03-01T08:00:00Z");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let (this, other) = (Browser::sign_in(&app, ADMIN, PASSWORD).await, Browser::sign_in(&app, ADMIN, PASSWORD).await);
    let change = async |old: &str, new: &str| {
        this.ask(Method::PUT, "/account/password", json!({"old_password": old, "new_password": new})).await
    };
    assert_eq!(change("wrong", "another password").await.details(), ["body.old_password"]);
    assert_eq!(change(PASSWORD, "short").await.details(), ["body.new_password"]);
    other.profile().await.ok();
    change(&STANDARD.encode(PASSWORD), "another password").await.ok();
    this.profile().await.ok();
    other.profile().await.error(401);
    other.ask(Method::POST, "/refresh-token", json!({})).await.error(401);
    login(&app, ADMIN, PASSWORD).await.error(401);
    login(&app, ADMIN, "another password").await.ok();
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let app = TestApp::new().await;
    let made = ask(&app, Method::POST, "/tokens", json!({"name": "ci"})).await.data();
    let text = made["token"].as_str().unwrap();
    assert_eq!((&made["name"], &made["role"]), (&json!("ci"), &json!("admin")));
    let listed = ask(&app, Method::GET, "/tokens", json!({})).await;
    assert!(!listed.text.contains(text), "{}", listed.text);
    assert_eq!(listed.data()[0]["id"], made["id"], "newest first");
    assert!(!app.keeps(text).await && !app.keeps(PASSWORD).await);
    let browser = Browser::sign_in(&app, ADMIN, PASSWORD).await;
    assert!(!app.keeps(browser.cookie("admin_access_token")).await);
    assert!(!app.keeps(browser.cookie("admin_refresh_token")).await);
    assert!(app.keeps(ADMIN).await, "the search finds what is there");

    let client = Client { token: Some(text.to_owned()), ..app.client.clone() };
    client.get("/projects").await.data();
    let used = ask(&app, Method::GET, "/tokens", json!({})).await.data();
    assert_eq!(used[0]["last_used_at"], "2026-03-01T08:00:00Z");
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_expires() {
    let app = TestApp::new().await;
    let made = ask(&app, Method::POST, "/tokens", json!({"name": "revoked"})).await.data();
    let (revoked, path) =
        (made["token"].as_str().map(str::to_owned), format!("/tokens/{}", made["id"].as_str().unwrap()));
    let revoked = Client { token: revoked, ..app.client.clone() };
    revoked.get("/projects").await.data();
    user(&app, "other@x", "admin").await;
    let other = Browser::sign_in(&app, "other@x", PASSWORD).await;
    assert_eq!(other.ask(Method::DELETE, &path, json!({})).await.error(404), "token_not_found", "another's token");
    ask(&app, Method::DELETE, &path, json!({})).await.ok();
    assert_eq!(revoked.get("/projects").await.error(401), "unauthenticated");
    assert_eq!(ask(&app, Method::DELETE, &path, json!({})).await.error(404), "token_not_found");

    let expiring = token(&app, json!({"name": "expiring", "expires_at": "2026-03-01T16:30:00+08:00"})).await;
    app.clock.advance(TimeDelta::minutes(29));
    expiring.get("/projects").await.data();
    app.clock.advance(TimeDelta::minutes(1));
    expiring.get("/projects").await.error(401);
    for wrong in
        [json!({"name": "x", "expires_at": "2026-03-01T08:30:00Z"}), json!({"name": "x", "expires_at": "soon"})]
    {
        assert_eq!(ask(&app, Method::POST, "/tokens", wrong).await.details(), ["body.expires_at"]);
    }
    assert_eq!(ask(&app, Method::POST, "/tokens", json!({"name": " "})).await.details(), ["body.name"]);
}

/// Neither more than its maker may when it is made, nor later.
#[tokio::test]
async fn a_token_may_no_more_than_its_owner() {
    let app = TestApp::new().await;
    let id = user(&app, "ed@x", "editor").await;
    let browser = Browser::sign_in(&app, "ed@x", PASSWORD).await;
    let make = async |body: Value| browser.ask(Method::POST, "/tokens", body).await;
    assert_eq!(make(json!({"name": "x", "role": "admin"})).await.details(), ["body.role"]);
    assert_eq!(make(json!({"name": "x", "role": "root"})).await.details(), ["body.role"]);
    let created = make(json!({"name": "x"})).await.data();
    assert_eq!(created["role"], "editor");
    let client = Client { token: created["token"].as_str().map(str::to_owned), ..app.client.clone() };
    client.post("/projects", json!({"name": "one"})).await.data();
    ask(&app, Method::PUT, &format!("/users/{id}"), json!({"role": "viewer"})).await.data();
    assert_eq!(client.post("/projects", json!({"name": "two"})).await.error(403), "not_allowed");
    client.get("/projects").await.data();
}

/// `Bearer` may be written in any case, as HTTP has it.
#[tokio::test]
async fn the_scheme_of_a_token_has_no_case() {
    let app = TestApp::new().await;
    let token = app.token.clone().unwrap();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = app.without_token().request(Method::GET, "/platform/api/account/profile");
        app.send(request.header("authorization", format!("{scheme} {token}"))).await.ok();
    }
}

#[tokio::test]
async fn users_are_made_changed_and_removed() {
    let app = TestApp::new().await;
    let new = json!({"email": "Ann@Example.org", "name": "Ann", "password": PASSWORD, "role": "editor"});
    let made = ask(&app, Method::POST, "/users", new).await;
    assert!(!made.text.contains("argon2") && !made.text.contains(PASSWORD), "{}", made.text);
    let made = made.data();
    assert_eq!(
        (&made["email"], &made["name"], &made["role"], &made["is_active"], &made["last_login_at"]),
        (&json!("ann@example.org"), &json!("Ann"), &json!("editor"), &json!(true), &Value::Null)
    );
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&app, Method::GET, &path, json!({})).await.data(), made);
    let list = ask(&app, Method::GET, "/users", json!({})).await.data();
    assert_eq!((&list["total"], &list["items"][0], &list["items"][1]["email"]), (&json!(2), &made, &json!(ADMIN)));

    let ann = Browser::sign_in(&app, "ann@example.org", PASSWORD).await;
    let changed = ask(&app, Method::PUT, &path, json!({"name": "安", "unknown": 1})).await.data();
    assert_eq!((&changed["name"], &changed["role"]), (&json!("安"), &json!("editor")), "the rest stays");
    ann.profile().await.ok();
    ask(&app, Method::PUT, &path, json!({"password": "a new password"})).await.data();
    ann.profile().await.error(401);
    let ann = Browser::sign_in(&app, "ann@example.org", "a new password").await;
    let token = token(&app, json!({"name": "x"})).await;

    ask(&app, Method::DELETE, &path, json!({})).await.ok();
    ann.profile().await.error(401);
    login(&app, "ann@example.org", "a new password").await.error(401);
    token.get("/projects").await.data();
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(ask(&app, method, &path, json!({})).await.error(404), "user_not_found");
    }
}

#[tokio::test]
async fn users_that_cannot_be() {
    let app = TestApp::new().await;
    for (new, loc) in [
        (json!({"email": "no-at", "password": PASSWORD}), "body.email"),
        (json!({"email": "@x", "password": PASSWORD}), "body.email"),
        (json!({"email": format!("{}@x", "a".repeat(260)), "password": PASSWORD}), "body.email"),
        (json!({"email": "a\u{0}@x", "password": PASSWORD}), "body.email"),
        (json!({"email": "a@x", "password": "short"}), "body.password"),
        (json!({"email": "a@x", "password": PASSWORD, "name": "a".repeat(101)}), "body.name"),
        (json!({"email": "a@x", "password": PASSWORD, "name": "a\u{0}"}), "body.name"),
        (json!({"email": "a@x", "password": PASSWORD, "role": "root"}), "body.role"),
        (json!({"email": "a@x"}), "body.password"),
    ] {
        assert_eq!(ask(&app, Method::POST, "/users", new.clone()).await.details(), [loc], "{new}");
    }
    let taken = json!({"email": "ADMIN@crawlhub.local", "password": PASSWORD});
    assert_eq!(ask(&app, Method::POST, "/users", taken).await.error(409), "email_taken");
    assert_eq!(ask(&app, Method::GET, "/users", json!({})).await.data()["total"], 1);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::new().await;
    let me = ask(&app, Method::GET, "/account/profile", json!({})).await.data()["id"].as_str().unwrap().to_owned();
    let mine = format!("/users/{me}");
    for change in [json!({"role": "viewer"}), json!({"is_active": false})] {
        assert_eq!(ask(&app, Method::PUT, &mine, change).await.error(409), "last_admin");
    }
    assert_eq!(ask(&app, Method::DELETE, &mine, json!({})).await.error(409), "last_admin");
    // One who may not sign in does not count.
    let other = format!("/users/{}", user(&app, "other@x", "admin").await);
    ask(&app, Method::PUT, &other, json!({"is_active": false})).await.data();
    assert_eq!(ask(&app, Method::DELETE, &mine, json!({})).await.error(409), "last_admin");
    let profile = ask(&app, Method::GET, "/account/profile", json!({})).await.data();
    assert_eq!((&profile["role"], &profile["is_active"]), (&json!("admin"), &json!(true)));
    ask(&app, Method::PUT, &other, json!({"is_active": true})).await.data();
    ask(&app, Method::DELETE, &mine, json!({})).await.ok();
}

/// Two who remove each other at the same moment do not both succeed.
#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_stays_of_two_at_the_same_moment() {
    let app = TestApp::new().await;
    for round in 0..5 {
        let keeper = user(&app, &format!("keeper{round}@x"), "admin").await;
        let keeper_client = Browser::sign_in(&app, &format!("keeper{round}@x"), PASSWORD).await;
        let list = ask(&app, Method::GET, "/users?page_size=100", json!({})).await.data();
        let admins: Vec<String> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|user| user["role"] == "admin" && user["is_active"] == true)
            .map(|user| format!("/users/{}", user["id"].as_str().unwrap()))
            .collect();
        assert_eq!(admins.len(), 2, "{list}");
        let (one, two) = tokio::join!(
            ask(&app, Method::PUT, &admins[0], json!({"role": "viewer"})),
            keeper_client.ask(Method::PUT, &admins[1], json!({"role": "viewer"})),
        );
        let statuses = [one.status.as_u16(), two.status.as_u16()];
        let first = ask(&app, Method::GET, "/account/profile", json!({})).await.data();
        let second = keeper_client.profile().await.data();
        let left = [&first, &second].into_iter().filter(|user| user["role"] == "admin").count();
        assert_eq!(left, 1, "{statuses:?}");
        // For the next round there is one administrator again, and it is the first.
        if first["role"] != "admin" {
            let me = format!("/users/{}", first["id"].as_str().unwrap());
            keeper_client.ask(Method::PUT, &me, json!({"role": "admin"})).await.data();
            ask(&app, Method::DELETE, &format!("/users/{keeper}"), json!({})).await.ok();
        }
    }
}

#[tokio::test]
async fn a_deactivated_user_is_out_at_once() {
    let app = TestApp::new().await;
    let path = format!("/users/{}", user(&app, "ed@x", "editor").await);
    let browser = Browser::sign_in(&app, "ed@x", PASSWORD).await;
    let made = browser.ask(Method::POST, "/tokens", json!({"name": "x"})).await.data();
    let client = Client { token: made["token"].as_str().map(str::to_owned), ..app.client.clone() };
    client.get("/projects").await.data();
    ask(&app, Method::PUT, &path, json!({"is_active": false})).await.data();
    browser.profile().await.error(401);
    browser.ask(Method::POST, "/refresh-token", json!({})).await.error(401);
    client.get("/projects").await.error(401);
    assert_eq!(login(&app, "ed@x", PASSWORD).await.error(401), "wrong_password");
    ask(&app, Method::PUT, &path, json!({"is_active": true})).await.data();
    login(&app, "ed@x", PASSWORD).await.ok();
    client.get("/projects").await.data();
}

#[tokio::test]
async fn the_audit_tells_who_did_what() {
    let app = TestApp::new().await;
    user(&app, "ed@x", "editor").await;
    let browser = Browser::sign_in(&app, "ed@x", PASSWORD).await;
    browser.ask(Method::POST, "/crawlhub/projects", json!({"name": "theirs"})).await.data();
    browser.ask(Method::DELETE, "/users/someone", json!({})).await.error(403);
    browser.ask(Method::GET, "/crawlhub/projects", json!({})).await.data();
    let request = app.request(Method::POST, "/platform/api/crawlhub/projects").header("x-request-id", "mine-7");
    app.send(request.json(&json!({"name": "theirs"}))).await.error(409);

    let page = ask(&app, Method::GET, "/audit", json!({})).await.data();
    let told: Vec<String> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap();
            format!("{} {} {} {}", text("email"), text("method"), text("path"), entry["status"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "admin@crawlhub.local POST /platform/api/crawlhub/projects 409",
            "ed@x DELETE /platform/api/users/someone 403",
            "ed@x POST /platform/api/crawlhub/projects 200",
            "admin@crawlhub.local POST /platform/api/users 200",
            "admin@crawlhub.local POST /platform/api/tokens 200",
        ]
    );
    let last = &page["items"][0];
    assert_eq!((&last["request_id"], &last["address"]), (&json!("mine-7"), &json!("127.0.0.1")));
    assert_eq!((&last["created_at"], &page["total"]), (&json!("2026-03-01T08:00:00Z"), &json!(5)));
    let rest = ask(
        &app,
        Method::GET,
        &format!("/audit?page_size=2&cursor={}", page["items"][2]["id"].as_str().unwrap()),
        json!({}),
    )
    .await;
    assert_eq!(rest.data()["items"], json!([page["items"][3], page["items"][4]]));
}

#[tokio::test]
async fn what_the_ui_asks_before_and_after_sign_in() {
    let app = TestApp::new().await;
    let nobody = app.without_token();
    assert_eq!(ask(&nobody, Method::GET, "/setup", json!({})).await.data(), json!({"step": "finished"}));
    assert!(ask(&nobody, Method::GET, "/system-features", json!({})).await.data().is_object());
    let browser = Browser::sign_in(&app, ADMIN, PASSWORD).await;
    assert!(browser.ask(Method::GET, "/settings/general/admin", json!({})).await.data().is_object());
}
