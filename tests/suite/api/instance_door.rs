//! The way into an instance: by its name, with a ticket or for all; what goes through, and what does not. Instances are
//! rows here, and what stands for their containers says what it heard.

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::{clock::Clock, platform::database::Database};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    Client, PASSWORD, TestApp, Upstream, cookies_of, heard,
    wire::{Said, ask, is_ended, open_socket},
};

const ON: (&str, &str) = ("CRAWLHUB_INSTANCES_IMAGES", "any");
const DOMAIN: (&str, &str) = ("CRAWLHUB_SANDBOX_DOMAIN", "apps.localhost");

struct House {
    app: TestApp,
    db: Database,
    upstream: Upstream,
    owner: String,
}

impl House {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = settings.iter().copied().chain([ON]).collect();
        let (app, upstream) = (TestApp::with(&settings).await, Upstream::start().await);
        let db = app.database().await;
        let profile = app.send(app.request(Method::GET, "/platform/api/account/profile")).await.data();
        let owner = profile["id"].as_str().unwrap().to_owned();
        Self { app, db, upstream, owner }
    }

    async fn new() -> Self {
        Self::with(&[DOMAIN]).await
    }

    fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// One that runs, of a user's. Its engine is not this server's, so that nobody looks for its container.
    async fn instance(&self, prefix: &str, user: &str, is_public: bool) {
        let (now, id) = (self.now(), crawlhub::id::new());
        self.db
            .query(
                "INSERT INTO instances (id, prefix, user_id, desired, status, engine, image, env, container_port, port,
                                        port_is_asked, cpus, memory_mb, is_public, upstream, last_active_at, created_at,
                                        updated_at)
                 VALUES ($1, $2, $3, 'running', 'running', 'elsewhere', 'image', $4, 8080,
                         (SELECT 6000 + COUNT(*) FROM instances), FALSE, 1.0, 512, $5, $6, $7, $7, $7)",
            )
            .bind(&id)
            .bind(prefix)
            .bind(user)
            .bind(Vec::<u8>::new())
            .bind(is_public)
            .bind(&self.upstream.address)
            .bind(now)
            .execute()
            .await
            .unwrap();
    }

    async fn set(&self, prefix: &str, desired: &str, status: &str) {
        let set = self.db.query("UPDATE instances SET desired = $2, status = $3 WHERE prefix = $1");
        set.bind(prefix).bind(desired).bind(status).execute().await.unwrap();
    }

    /// Long enough for what the server has read to be read again.
    fn moments_pass(&self) {
        self.app.clock.advance(TimeDelta::seconds(2));
    }

    async fn get(&self, host: &str, path: &str, headers: &[(&str, &str)]) -> Said {
        let headers: Vec<_> = [("Host", host)].into_iter().chain(headers.iter().copied()).collect();
        ask(&self.app.base, "GET", path, &headers, b"").await
    }

    /// The way in that `open` answers: the host, and the path with its ticket.
    async fn ticket(&self, client: &Client, prefix: &str) -> (String, String) {
        let url = client.post(&format!("/instances/{prefix}/open"), json!({})).await.data();
        let url = url["url"].as_str().unwrap().split_once("://").unwrap().1.to_owned();
        let (host, path) = url.split_at(url.find('/').unwrap());
        (host.to_owned(), path.to_owned())
    }

    /// Its host, and the cookie that a new ticket becomes.
    async fn enter(&self, prefix: &str) -> (String, String) {
        let (host, path) = self.ticket(&self.app.client, prefix).await;
        let entered = self.get(&host, &path, &[]).await;
        assert_eq!(entered.status, 303, "{entered:?}");
        (host, entered.header("set-cookie").split(';').next().unwrap().to_owned())
    }

    /// Another user, who may edit: id, client, and the cookies of being signed in.
    async fn other_user(&self) -> (String, Client, String) {
        let new = json!({"email": "other@example.com", "password": PASSWORD, "role": "editor"});
        let made = self.app.send(self.app.request(Method::POST, "/platform/api/users").json(&new)).await.data();
        let client = Client::sign_in(&self.app.base, "other@example.com", PASSWORD).await;
        let login = json!({"email": "other@example.com", "password": PASSWORD});
        let login = client.send(client.request(Method::POST, "/platform/api/login").json(&login)).await;
        (made["id"].as_str().unwrap().to_owned(), client, cookies_of(&login))
    }
}

#[tokio::test]
async fn a_ticket_opens_once() {
    let house = House::new().await;
    house.instance("private1", &house.owner, false).await;
    house.instance("private2", &house.owner, false).await;
    let (host, path) = house.ticket(&house.app.client, "private1").await;
    assert!(host.starts_with("private1.apps.localhost:"), "{host}");
    let token = path.strip_prefix("/?tkn=").unwrap();
    assert!(!house.app.keeps(token).await, "only its hash is kept");
    // Not at another instance; and that does not use it up.
    let elsewhere = house.get("private2.apps.localhost", &path, &[]).await;
    assert_eq!(elsewhere.error(403), "token_void");
    assert_eq!(
        house.get("unknown1.apps.localhost", &path, &[]).await.text,
        elsewhere.text,
        "whether there is one or not"
    );
    let entered = house.get(&host, &format!("{path}&a=%2F"), &[]).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/?a=%2F"));
    assert_eq!((entered.header("referrer-policy"), entered.header("cache-control")), ("no-referrer", "no-store"));
    let (cookie, terms) = entered.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(terms, "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
    assert_eq!(house.get(&host, &path, &[("Cookie", cookie)]).await.error(403), "token_void", "a second time");
    let page = house.get(&host, "/a%2Fb?x=1", &[("Cookie", cookie)]).await;
    assert_eq!(page.json()["uri"], "/a%2Fb?x=1");
    let (_, late) = house.ticket(&house.app.client, "private1").await;
    house.app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(house.get(&host, &late, &[]).await.error(403), "token_void");
    house.app.clock.advance(TimeDelta::hours(24));
    assert_eq!(house.get(&host, "/", &[("Cookie", cookie)]).await.error(404), "no_instance", "a day is over");
    house.set("private1", "stopped", "stopped").await;
    assert_eq!(house.app.post("/instances/private1/open", json!({})).await.error(409), "instance_stopped");
}

#[tokio::test]
async fn strangers_cannot_tell_what_there_is() {
    let house = House::new().await;
    let (other, client, signed_in) = house.other_user().await;
    house.instance("private1", &house.owner, false).await;
    house.instance("theirs12", &other, false).await;
    house.instance("stopped1", &house.owner, true).await;
    house.set("stopped1", "stopped", "stopped").await;
    house.instance("failed12", &house.owner, true).await;
    house.set("failed12", "running", "error").await;
    house.instance("deleted1", &house.owner, true).await;
    house.set("deleted1", "deleted", "running").await;
    let (_, cookie) = house.enter("private1").await;
    let (host, path) = house.ticket(&client, "theirs12").await;
    let their_cookie = house.get(&host, &path, &[]).await.header("set-cookie").split(';').next().unwrap().to_owned();
    let unknown = house.get("unknown1.apps.localhost", "/", &[]).await;
    assert_eq!(unknown.error(404), "no_instance");
    let (name, value) = cookie.split_once('=').unwrap();
    let forged = [
        String::new(),
        signed_in.clone(),
        their_cookie.clone(),
        format!("{name}=x"),
        format!("{name}={}", value.replacen(&house.owner, &other, 1)),
        format!("{name}={}", &value[..value.len() - 1]),
    ];
    for prefix in ["private1", "stopped1", "failed12", "deleted1", "unknown1"] {
        for cookie in &forged {
            let host = format!("{prefix}.apps.localhost");
            let said = house.get(&host, "/", &[("Cookie", cookie)]).await;
            assert_eq!((said.status, &said.text), (404, &unknown.text), "{prefix} {cookie}");
            let asked = [("X-Original-URI", "/"), ("X-Original-Host", &*host), ("Cookie", cookie)];
            let told = house.get("localhost", "/platform/api/proxy/authorize", &asked).await;
            assert_eq!(
                (told.error(404), told.header("x-upstream")),
                ("no_instance".to_owned(), ""),
                "{prefix} {cookie}"
            );
        }
    }
    assert_eq!(house.upstream.asked(), 0);
    // Its owner hears how it is.
    let own =
        async || house.get("private1.apps.localhost", "/", &[("Cookie", &cookie), ("Accept-Language", "en")]).await;
    assert_eq!(own().await.status, 200);
    for (desired, status, code) in [
        ("running", "creating", "instance_starting"),
        ("stopped", "stopped", "instance_stopped"),
        ("running", "error", "instance_failed"),
    ] {
        house.set("private1", desired, status).await;
        house.moments_pass();
        assert_eq!(own().await.error(503), code);
    }
    let headers = [("Cookie", &*cookie), ("Accept", "text/html"), ("Accept-Language", "en")];
    house.set("private1", "stopped", "stopped").await;
    house.moments_pass();
    let page = house.get("private1.apps.localhost", "/", &headers).await;
    assert!(page.text.contains("Start it from CrawlHub"), "{page:?}");
    // Not when he may no longer have one.
    house.instance("losesit1", &other, false).await;
    let (host, path) = house.ticket(&client, "losesit1").await;
    let theirs = house.get(&host, &path, &[]).await.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(house.get(&host, "/", &[("Cookie", &theirs)]).await.status, 200);
    let change =
        house.app.request(Method::PUT, &format!("/platform/api/users/{other}")).json(&json!({"role": "viewer"}));
    house.app.send(change).await.ok();
    house.moments_pass();
    assert_eq!(house.get(&host, "/", &[("Cookie", &theirs)]).await.error(404), "no_instance");
}

#[tokio::test]
async fn names_of_hosts() {
    let house = House::new().await;
    house.instance("public12", &house.owner, true).await;
    for host in [
        "public12.apps.localhost",
        "public12.apps.localhost:8000",
        "public12.apps.localhost:",
        "public12.apps.localhost.",
        "public12.apps.localhost.:8000",
        "PUBLIC12.Apps.LOCALHOST",
    ] {
        let said = house.get(host, "/x", &[]).await;
        assert_eq!(heard(&said, "host"), [host]);
    }
    for host in [
        "a.public12.apps.localhost",
        "public12.a.apps.localhost",
        "public12..apps.localhost",
        ".apps.localhost",
        "short.apps.localhost",
        "public-12.apps.localhost",
        "public12.apps.localhost.evil.apps.localhost",
    ] {
        let said = house.get(host, "/platform/api/login", &[]).await;
        assert_eq!(said.error(404), "no_editor", "{host}");
    }
    // Another's name, and none, are the platform's, which has no such page.
    for host in ["public12.evil.example.com", "apps.localhost", "localhost", "public12apps.localhost"] {
        assert_eq!(house.get(host, "/healthz", &[]).await.json()["status"], "ok", "{host}");
    }
    // At an instance's host there is nothing of the platform, whatever the path.
    for path in ["/healthz", "/platform/api/login", "/docs", "/code-server/x/", "//x", "/api/instances"] {
        assert_eq!(house.get("public12.apps.localhost", path, &[]).await.json()["uri"], path);
    }
    let forwarded = [("X-Forwarded-Host", "public12.apps.localhost"), ("Forwarded", "host=public12.apps.localhost")];
    assert_eq!(house.get("localhost", "/healthz", &forwarded).await.json()["status"], "ok");
}

#[tokio::test]
async fn without_a_domain_browsers_of_the_machine_find_them() {
    let house = House::with(&[]).await;
    house.instance("public12", &house.owner, true).await;
    assert_eq!(house.get("public12.localhost:8000", "/x", &[]).await.json()["uri"], "/x");
    assert_eq!(house.get("unknown1.localhost", "/x", &[]).await.error(404), "no_instance");
    for host in ["localhost", "crawlhub.localhost", "short.localhost", "a.public12.localhost"] {
        assert_eq!(house.get(host, "/healthz", &[]).await.json()["status"], "ok", "{host}");
    }
}

#[tokio::test]
async fn what_goes_in_and_what_comes_out() {
    let house = House::new().await;
    house.instance("public12", &house.owner, true).await;
    house.instance("private1", &house.owner, false).await;
    let (host, own) = house.enter("private1").await;
    let cookies = format!(
        "admin_access_token=a; {own}; session=1=2; admin_refresh_token=b; admin_csrf_token=c; \
         __Host-crawlhub_instance=d; code-server-session=e; crawlhub_x=f; admin_x=3"
    );
    let headers = [
        ("Cookie", &*cookies),
        ("Authorization", "Bearer chk_secret"),
        ("Proxy-Authorization", "Basic secret"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("Connection", "keep-alive, x-secret"),
        ("X-Secret", "1"),
        ("X-Kept", "1"),
    ];
    for host in ["public12.apps.localhost", &host] {
        let said = house.get(host, "/x", &headers).await;
        assert_eq!(heard(&said, "cookie"), ["session=1=2; code-server-session=e; admin_x=3"]);
        assert_eq!(
            (heard(&said, "x-kept"), heard(&said, "x-forwarded-for")),
            (vec!["1".into()], vec!["127.0.0.1".into()])
        );
        for name in ["authorization", "proxy-authorization", "x-real-ip", "x-secret"] {
            assert_eq!(heard(&said, name), [""; 0], "{name}");
        }
        let back = house.get(host, "/not-through", &headers).await;
        assert_eq!((back.status, &*back.text), (404, "its own words"));
        assert_eq!(back.all("set-cookie"), ["vscode-tkn=1; Path=/; HttpOnly", "vscode-b = 2; path=/elsewhere"]);
        for name in ["clear-site-data", "access-control-allow-origin", "strict-transport-security", "x-accel-redirect"]
        {
            assert_eq!(back.all(name), [""; 0], "{name}");
        }
        let told = [("X-Original-URI", "/x"), ("X-Original-Host", host)];
        let told: Vec<_> = told.into_iter().chain(headers).collect();
        let told = house.get("localhost", "/platform/api/proxy/authorize", &told).await;
        assert_eq!((told.status, told.header("x-upstream")), (200, &*house.upstream.address));
        assert_eq!(told.header("x-upstream-cookie"), "session=1=2; code-server-session=e; admin_x=3");
    }
    for path in ["/..", "/a/%2e%2e/x", "/a\\..\\b"] {
        assert_eq!(house.get("public12.apps.localhost", path, &[]).await.error(400), "path_climbs", "{path}");
    }
    let post = [("Host", "public12.apps.localhost"), ("Origin", "http://evil.example.com")];
    assert_eq!(ask(&house.app.base, "POST", "/", &post, b"").await.error(403), "other_origin");
    let large = vec![b'x'; 20 * 1024 * 1024];
    let said = ask(&house.app.base, "POST", "/up", &post[..1], &large).await;
    assert_eq!(said.json()["length"], large.len());
}

/// Hosts of one domain can set each other's cookies, but for those that begin with `__Host-`.
#[tokio::test]
async fn cookies_over_https_are_of_one_host() {
    let house = House::with(&[DOMAIN, ("CRAWLHUB_PUBLIC_URL", "https://crawl.example.com")]).await;
    house.instance("private1", &house.owner, false).await;
    let (host, path) = house.ticket(&house.app.client, "private1").await;
    assert_eq!(host, "private1.apps.localhost");
    let entered = house.get(&host, &path, &[]).await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-crawlhub_instance=") && cookie.contains("; Secure; Path=/; "), "{cookie}");
    assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
    let said = house.get(&host, "/", &[("Cookie", cookie.split(';').next().unwrap())]).await;
    assert_eq!(heard(&said, "x-forwarded-proto"), ["https"]);
}

/// What is said comes back.
async fn echoes(socket: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    socket.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    socket.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
}

#[tokio::test]
async fn sockets_end_when_nobody_may_be_inside() {
    let house = House::new().await;
    house.instance("public12", &house.owner, true).await;
    let host = "public12.apps.localhost:8000";
    let socket = async |more: &[(&str, &str)]| {
        let headers: Vec<_> = [("Host", host)].into_iter().chain(more.iter().copied()).collect();
        open_socket(&house.app.base, "/socket", &headers).await
    };
    for origin in
        ["http://evil.example.com", "null", "http://apps.localhost:8000", "http://other123.apps.localhost:8000"]
    {
        assert_eq!(socket(&[("Origin", origin)]).await.0.status, 403, "{origin}");
    }
    let (said, mut stranger) = socket(&[("Origin", &format!("http://{host}"))]).await;
    assert_eq!(said.status, 101, "{said:?}");
    echoes(&mut stranger).await;
    // It is made private: everybody goes, and only its owner comes again.
    house.app.put("/instances/public12", json!({"public": false})).await.ok();
    assert!(is_ended(&mut stranger).await);
    assert_eq!(socket(&[]).await.0.status, 404);
    let (_, cookie) = house.enter("public12").await;
    let (said, mut owner) = socket(&[("Cookie", &cookie)]).await;
    assert_eq!(said.status, 101);
    echoes(&mut owner).await;
    // By another server, which only writes it down.
    house.set("public12", "running", "creating").await;
    house.moments_pass();
    house.app.looked_at_by("doors").await;
    assert!(is_ended(&mut owner).await);
    house.set("public12", "running", "running").await;
    house.moments_pass();
    let mut open = Vec::new();
    while open.len() < 64 {
        let (said, stream) = socket(&[("Cookie", &cookie)]).await;
        assert_eq!(said.status, 101);
        open.push(stream);
    }
    assert_eq!(socket(&[("Cookie", &cookie)]).await.0.status, 429);
    // Deleted: on an engine that is not here, so that its row stays for now.
    house.app.delete("/instances/public12").await.ok();
    for stream in &mut open {
        assert!(is_ended(stream).await);
    }
    assert_eq!(socket(&[("Cookie", &cookie)]).await.0.status, 404);
}

#[tokio::test]
async fn whatever_is_asked_is_activity() {
    let house = House::new().await;
    house.instance("public12", &house.owner, true).await;
    let last = async || -> Value { house.app.get("/instances/public12").await.data()["last_active_at"].clone() };
    let before = last().await;
    house.app.clock.advance(TimeDelta::hours(1));
    house.get("public12.apps.localhost", "/style.css", &[]).await;
    house.app.looked_at_by("doors").await;
    let asked = last().await;
    assert_ne!(asked, before);
    house.app.clock.advance(TimeDelta::hours(1));
    let headers = [("X-Original-URI", "/"), ("X-Original-Host", "public12.apps.localhost")];
    house.get("localhost", "/platform/api/proxy/authorize", &headers).await;
    house.app.looked_at_by("doors").await;
    let authorized = last().await;
    assert_ne!(authorized, asked);
    let (_, mut socket) = open_socket(&house.app.base, "/socket", &[("Host", "public12.apps.localhost")]).await;
    house.app.clock.advance(TimeDelta::hours(1));
    echoes(&mut socket).await;
    house.app.looked_at_by("doors").await;
    assert_ne!(last().await, authorized);
}
