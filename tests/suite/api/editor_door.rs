//! The way into an editor: tokens, cookies, the reverse proxy, and what a proxy in front asks. Sessions are rows here,
//! and what stands for their containers says what it heard.

use chrono::{DateTime, TimeDelta, Utc};
use crawlhub::{
    clock::Clock,
    platform::{
        database::Database,
        secrets::{random_token, token_hash},
    },
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    PASSWORD, TestApp, Upstream, cookies_of, heard,
    wire::{Said, ask, is_ended, open_socket, request},
};

const DOMAIN: (&str, &str) = ("CRAWLHUB_SANDBOX_DOMAIN", "editors.localhost");

/// A server with an open session of its administrator.
struct House {
    app: TestApp,
    db: Database,
    upstream: Upstream,
    owner: String,
    id: String,
}

impl House {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let (app, upstream) = (TestApp::with(settings).await, Upstream::start().await);
        let db = app.database().await;
        let profile = app.send(app.request(Method::GET, "/platform/api/account/profile")).await.data();
        let owner = profile["id"].as_str().unwrap().to_owned();
        let id = String::new();
        let mut house = Self { app, db, upstream, owner, id };
        house.id = house.session(&house.owner, "ready").await;
        house
    }

    async fn new() -> Self {
        Self::with(&[]).await
    }

    fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// A session of the user's, and the upstream behind it; its id. Its engine is not this server's, so that nobody looks
    /// for its container.
    async fn session(&self, user: &str, status: &str) -> String {
        let (id, now) = (crawlhub::id::new(), self.now());
        self.db
            .query(
                "INSERT INTO code_sessions (id, spider_id, user_id, status, engine, image, upstream, last_active_at,
                                            expires_at, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'elsewhere', 'image', $5, $6, $7, $6, $6)",
            )
            .bind(&id)
            .bind(crawlhub::id::new())
            .bind(user)
            .bind(status)
            .bind(&self.upstream.address)
            .bind(now)
            .bind(now + TimeDelta::hours(4))
            .execute()
            .await
            .unwrap();
        id
    }

    async fn set_status(&self, id: &str, status: &str) {
        let set = self.db.query("UPDATE code_sessions SET status = $2 WHERE id = $1");
        set.bind(id).bind(status).execute().await.unwrap();
    }

    /// Long enough for what the server has read to be read again.
    fn moments_pass(&self) {
        self.app.clock.advance(TimeDelta::seconds(2));
    }

    async fn last_active(&self) -> DateTime<Utc> {
        let row = self.db.query("SELECT last_active_at FROM code_sessions WHERE id = $1").bind(&self.id);
        row.fetch_one::<(DateTime<Utc>,)>().await.unwrap().0
    }

    /// A token for the session.
    async fn token(&self, id: &str) -> String {
        let token = random_token();
        self.db
            .query("INSERT INTO code_session_tokens (hash, session_id, expires_at) VALUES ($1, $2, $3)")
            .bind(token_hash(&token))
            .bind(id)
            .bind(self.now() + TimeDelta::minutes(5))
            .execute()
            .await
            .unwrap();
        token
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Said {
        ask(&self.app.base, "GET", path, headers, b"").await
    }

    /// At the session's path.
    async fn inside(&self, path: &str, cookie: &str) -> Said {
        self.get(&format!("/code-server/{}{path}", self.id), &[("Cookie", cookie)]).await
    }

    /// The cookie that a new token of the session becomes.
    async fn enter(&self, id: &str) -> String {
        let token = self.token(id).await;
        let entered = self.get(&format!("/code-server/{id}/?tkn={token}"), &[]).await;
        assert_eq!(entered.status, 303, "{entered:?}");
        entered.all("set-cookie")[0].split(';').next().unwrap().to_owned()
    }

    /// Another user, who may edit: id, and the cookies of being signed in.
    async fn other_user(&self) -> (String, String) {
        let new = json!({"email": "other@example.com", "password": PASSWORD, "role": "editor"});
        let made = self.app.send(self.app.request(Method::POST, "/platform/api/users").json(&new)).await.data();
        let nobody = self.app.without_token();
        let login = json!({"email": "other@example.com", "password": PASSWORD});
        let login = nobody.send(nobody.request(Method::POST, "/platform/api/login").json(&login)).await;
        (made["id"].as_str().unwrap().to_owned(), cookies_of(&login))
    }

    async fn change_user(&self, id: &str, change: Value) {
        let path = format!("/platform/api/users/{id}");
        self.app.send(self.app.request(Method::PUT, &path).json(&change)).await.ok();
    }

    /// What a proxy in front would hear.
    async fn authorize(&self, path: &str, headers: &[(&str, &str)]) -> Said {
        let original = [("X-Original-URI", path), ("X-Original-Host", "localhost:8000")];
        let headers: Vec<_> = original.into_iter().chain(headers.iter().copied()).collect();
        self.get("/platform/api/proxy/authorize", &headers).await
    }
}

#[tokio::test]
async fn a_token_opens_once() {
    let house = House::new().await;
    let (id, other) = (&house.id, house.session(&house.owner, "starting").await);
    let at = |id: &str, token: &str| format!("/code-server/{id}/?a=%2F&tkn={token}&b");
    let token = house.token(id).await;

    let bare = house.get(&format!("/code-server/{id}?tkn={token}"), &[]).await;
    assert_eq!((bare.status, bare.header("location")), (308, &*format!("/code-server/{id}/?tkn={token}")));
    // Not where it does not belong; and that does not use it up.
    assert_eq!(house.get(&at(&other, &token), &[]).await.error(403), "token_void");
    let entered = house.get(&at(id, &token), &[]).await;
    assert_eq!((entered.status, entered.header("location")), (303, &*format!("/code-server/{id}/?a=%2F&b")));
    assert_eq!((entered.header("referrer-policy"), entered.header("cache-control")), ("no-referrer", "no-store"));
    let (cookie, terms) = entered.all("set-cookie")[0].split_once("; ").unwrap();
    assert!(cookie.starts_with(&format!("crawlhub_code_{id}=")), "{cookie}");
    assert_eq!(terms, format!("HttpOnly; SameSite=Lax; Path=/code-server/{id}/; Max-Age=14400"));
    // What the editor lets in goes along by itself, and to the browser for a proxy in front.
    let (pass, pass_terms) = entered.all("set-cookie")[1].split_once("; ").unwrap();
    assert_eq!((&pass[..20], pass_terms), ("code-server-session=", terms));
    assert_eq!(heard(&house.inside("/x", cookie).await, "cookie"), [pass]);

    let used = house.get(&at(id, &token), &[("Cookie", cookie)]).await;
    assert_eq!(used.error(403), "token_void", "a second time");
    let page = house.get(&at(id, &token), &[("Accept", "text/html"), ("Accept-Language", "en")]).await;
    assert!(page.text.contains("Open the editor again from CrawlHub"), "{page:?}");
    assert_eq!((page.status, page.header("set-cookie")), (403, ""));
    for wrong in ["", "x", &"y".repeat(20_000)] {
        assert_eq!(house.get(&at(id, wrong), &[]).await.error(403), "token_void");
    }
    let late = house.token(id).await;
    house.app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(house.get(&at(id, &late), &[]).await.error(403), "token_void");
    let (token, early) = (house.token(id).await, house.token(&other).await);
    assert_eq!(house.get(&at(&other, &early), &[]).await.status, 303, "it may still be starting");
    for ended in ["syncing", "stopped", "failed"] {
        house.set_status(id, ended).await;
        assert_eq!(house.get(&at(id, &token), &[]).await.error(403), "token_void", "{ended}");
    }
    assert_eq!(house.upstream.asked(), 1);
}

/// A link that is shared would lead others into one's editor, or its owner's words into a stranger's.
#[tokio::test]
async fn a_token_is_not_for_another_user() {
    let house = House::with(&[DOMAIN]).await;
    let (_, cookies) = house.other_user().await;
    let token = house.token(&house.id).await;
    let path = format!("/code-server/{}/?tkn={token}", house.id);
    assert_eq!(house.get(&path, &[("Cookie", &cookies)]).await.error(403), "other_user");
    let moved = house.get(&path, &[]).await;
    let host = format!("{}.editors.localhost", house.id);
    assert!(moved.header("location").starts_with(&format!("http://{host}:")), "{moved:?}");
    let (path, host) = (format!("/?tkn={token}"), ("Host", &*host));
    assert_eq!(house.get(&path, &[host, ("Cookie", &cookies)]).await.error(403), "other_user");
    let entered = house.get(&path, &[host, ("Cookie", "admin_access_token=expired")]).await;
    assert_eq!(entered.status, 303, "it is not used up");
    assert!(entered.all("set-cookie")[0].contains("; Path=/; "), "{entered:?}");
    assert!(!entered.all("set-cookie")[0].contains("Domain"), "{entered:?}");
}

#[tokio::test]
async fn cookies_are_secure_where_the_platform_is() {
    let house = House::with(&[("CRAWLHUB_PUBLIC_URL", "https://crawl.example.com")]).await;
    let path = format!("/code-server/{}/?tkn={}", house.id, house.token(&house.id).await);
    let entered = house.get(&path, &[]).await;
    assert!(entered.all("set-cookie")[0].contains("; Secure; "), "{entered:?}");
    let cookie = entered.all("set-cookie")[0].split(';').next().unwrap();
    assert_eq!(heard(&house.inside("/", cookie).await, "x-forwarded-proto"), ["https"]);
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let house = House::new().await;
    let (other, signed_in) = house.other_user().await;
    let theirs = house.session(&other, "ready").await;
    let (cookie, their_cookie) = (house.enter(&house.id).await, house.enter(&theirs).await);
    assert_eq!(house.inside("/", &cookie).await.status, 200);
    let heard_before = house.upstream.asked();

    assert_eq!(house.inside("/", "").await.error(401), "open_from_crawlhub");
    let (name, value) = cookie.split_once('=').unwrap();
    let (_, their_value) = their_cookie.split_once('=').unwrap();
    let (user, rest) = value.split_once('.').unwrap();
    let (expires, signature) = rest.split_once('.').unwrap();
    let later = expires.parse::<i64>().unwrap() + 1;
    let forged = [
        their_cookie.clone(),
        format!("{name}={their_value}"),
        format!("{name}={other}.{expires}.{signature}"),
        format!("{name}={user}.{later}.{signature}"),
        format!("{name}={user}.{expires}.{}", &signature[1..]),
        format!("{name}={user}.{expires}"),
        format!("{name}=.."),
        format!("{name}={user}.{}.x", "9".repeat(30)),
    ];
    for cookie in &forged {
        assert_eq!(house.inside("/", cookie).await.error(401), "open_from_crawlhub", "{cookie}");
    }
    // Another's is as if it were not there.
    let foreign = house.inside("/", &signed_in).await;
    let unknown = house.get(&format!("/code-server/{}/", crawlhub::id::new()), &[]).await;
    assert_eq!((foreign.error(404), &foreign.text), (unknown.error(404), &unknown.text));
    for nonsense in ["x", "..", "%2e%2e", "'%20OR%201=1", &"a".repeat(5000)] {
        assert_eq!(house.get(&format!("/code-server/{nonsense}/"), &[]).await.error(404), "no_editor");
    }
    assert_eq!(house.upstream.asked(), heard_before);

    // One that a page of an editor may have set beside ours does not keep us out.
    assert_eq!(house.inside("/", &format!("{name}=x; {cookie}; {name}=y")).await.status, 200);
    // What was right is right no longer.
    let as_other = async || house.get(&format!("/code-server/{theirs}/"), &[("Cookie", &their_cookie)]).await;
    assert_eq!(as_other().await.status, 200);
    for (change, back) in [
        (json!({"role": "viewer"}), json!({"role": "editor"})),
        (json!({"is_active": false}), json!({"is_active": true})),
    ] {
        house.change_user(&other, change.clone()).await;
        house.moments_pass();
        assert_eq!(as_other().await.error(404), "no_editor", "{change}");
        house.change_user(&other, back).await;
        assert_eq!(as_other().await.status, 200);
    }
    let path = format!("/platform/api/users/{other}");
    house.app.send(house.app.request(Method::DELETE, &path)).await.ok();
    house.moments_pass();
    assert_eq!(as_other().await.error(404), "no_editor");
    house.app.clock.advance(TimeDelta::hours(4));
    assert_eq!(house.inside("/", &cookie).await.error(401), "open_from_crawlhub");
}

#[tokio::test]
async fn an_editor_that_is_not_ready_says_so() {
    let house = House::new().await;
    let cookie = house.enter(&house.id).await;
    for (status, code) in [("pending", "starting"), ("starting", "starting"), ("syncing", "closing")] {
        house.set_status(&house.id, status).await;
        house.moments_pass();
        let waiting = house.inside("/", &cookie).await;
        assert_eq!(waiting.error(503), format!("editor_{code}"));
        let path = format!("/code-server/{}/", house.id);
        let page = house.get(&path, &[("Cookie", &cookie), ("Accept", "text/html,*/*")]).await;
        assert_eq!((page.status, page.header("refresh"), page.header("retry-after")), (503, "2", "2"));
        assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    }
    for status in ["stopped", "failed"] {
        house.set_status(&house.id, status).await;
        house.moments_pass();
        assert_eq!(house.inside("/", &cookie).await.error(404), "no_editor");
    }
    house.set_status(&house.id, "ready").await;
    assert_eq!(house.inside("/", &cookie).await.status, 200);
    // What a container does not do in time, or at all.
    assert_eq!(house.inside("/unasked", &cookie).await.error(502), "editor_gone");
    for (upstream, wanted) in [("127.0.0.1:1", 502), ("no address", 503)] {
        let set = house.db.query("UPDATE code_sessions SET upstream = $2 WHERE id = $1");
        set.bind(&house.id).bind(upstream).execute().await.unwrap();
        house.moments_pass();
        assert_eq!(house.inside("/", &cookie).await.status, wanted, "{upstream}");
    }
    let set = house.db.query("UPDATE code_sessions SET upstream = $2 WHERE id = $1");
    set.bind(&house.id).bind(&house.upstream.address).execute().await.unwrap();
    house.moments_pass();
    assert_eq!(house.inside("/", &cookie).await.status, 200, "another container, another address");
}

#[tokio::test]
async fn only_what_is_meant_for_the_editor_reaches_it() {
    let house = House::new().await;
    let cookie = house.enter(&house.id).await;
    let cookies =
        format!("admin_access_token=a; {cookie}; vscode-x=1=2; admin_csrf_token=c; avscode=3; vscode-y=\"z\"");
    let path = format!("/code-server/{}/a/b?x=1&tkn=theirs&y=%20&&z", house.id);
    let headers = [
        ("Host", "Here.example.com:8000"),
        ("Cookie", &*cookies),
        ("Cookie", "vscode-z=4; code-server-session=mine"),
        ("Authorization", "Bearer chk_secret"),
        ("Proxy-Authorization", "Basic secret"),
        ("Forwarded", "host=evil"),
        ("X-Forwarded-Host", "evil"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Port", "1"),
        ("X-Real-IP", "6.6.6.6"),
        ("Connection", "keep-alive, x-secret"),
        ("X-Secret", "1"),
        ("Keep-Alive", "timeout=1"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-Kept", "1"),
        ("X-Kept", "2"),
        ("Origin", "http://here.example.com:8000"),
    ];
    let said = ask(&house.app.base, "PUT", &path, &headers, b"body").await;
    let of = |name: &str| heard(&said, name);
    let what = said.json();
    assert_eq!(
        (&what["method"], &what["uri"], &what["length"]),
        (&json!("PUT"), &json!("/a/b?x=1&y=%20&&z"), &json!(4))
    );
    let (pass, of_its_own) =
        heard(&said, "cookie").remove(0).split_once("; ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(pass.starts_with("code-server-session=") && pass != "code-server-session=mine");
    assert_eq!(of_its_own, "vscode-x=1=2; vscode-y=\"z\"; vscode-z=4");
    assert_eq!(of("cookie").len(), 1);
    assert_eq!(of("host"), ["Here.example.com:8000"], "a WebSocket's origin is compared with it, port and all");
    assert_eq!(of("x-forwarded-host"), ["Here.example.com:8000"]);
    assert_eq!(
        (of("x-forwarded-for"), of("x-forwarded-proto")),
        (vec!["127.0.0.1".to_owned()], vec!["http".to_owned()])
    );
    assert_eq!(of("x-kept"), ["1", "2"]);
    for name in [
        "authorization",
        "proxy-authorization",
        "forwarded",
        "x-forwarded-prefix",
        "x-forwarded-port",
        "x-real-ip",
        "x-secret",
        "keep-alive",
        "te",
        "upgrade",
        "connection",
    ] {
        assert_eq!(of(name), [""; 0], "{name}");
    }

    let back = house.inside("/not-through", &cookie).await;
    let own = format!("Path=/code-server/{}/", house.id);
    assert_eq!((back.status, &*back.text), (404, "its own words"));
    assert_eq!(back.all("set-cookie"), [&*format!("vscode-tkn=1; HttpOnly; {own}"), &*format!("vscode-b = 2; {own}")]);
    assert_eq!(back.header("service-worker-allowed"), format!("/code-server/{}/", house.id));
    assert_eq!(back.all("x-kept"), ["1", "2"]);
    for name in [
        "clear-site-data",
        "service-worker-navigation-preload",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "strict-transport-security",
        "x-accel-redirect",
        "alt-svc",
        "keep-alive",
        "x-frame-options",
    ] {
        assert_eq!(back.all(name), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn redirects_stay_inside() {
    let house = House::new().await;
    let cookie = house.enter(&house.id).await;
    let (path, prefix) = (format!("/code-server/{}/to", house.id), format!("/code-server/{}", house.id));
    let upstream = format!("http://{}", house.upstream.address);
    for (to, wanted) in [
        ("/login?to=%2F", format!("{prefix}/login?to=%2F")),
        (&format!("{upstream}/x#y"), format!("{prefix}/x#y")),
        (&upstream, format!("{prefix}/")),
        ("http://Here:8000/x", format!("{prefix}/x")),
        ("//here:8000", format!("{prefix}/")),
        (&format!("{prefix}/x"), format!("{prefix}/x")),
        (&format!("{prefix}x"), format!("{prefix}{prefix}x")),
        ("./?folder=/workspace", "./?folder=/workspace".to_owned()),
        ("https://elsewhere.example.com/x", "https://elsewhere.example.com/x".to_owned()),
    ] {
        let headers = [("Host", "here:8000"), ("Cookie", &*cookie), ("X-To", to)];
        assert_eq!(house.get(&path, &headers).await.header("location"), wanted, "{to}");
    }
}

#[tokio::test]
async fn paths_go_through_as_they_are() {
    let house = House::new().await;
    let cookie = house.enter(&house.id).await;
    for path in ["/", "//", "//a//b/", "/a%2Fb", "/%E4%B8%AD%20x", "/a/./b", "/%252e%252e/x", "/...", "/a;b=c?d=/../e"]
    {
        assert_eq!(house.inside(path, &cookie).await.json()["uri"], path, "{path}");
    }
    let before = house.upstream.asked();
    for path in ["/..", "/a/../../../platform", "/%2e%2e/x", "/.%2E/", "/a%2F..%2Fb", "/a\\..\\b", "/%2e%2e%5cx"] {
        assert_eq!(house.inside(path, &cookie).await.error(400), "path_climbs", "{path}");
    }
    assert_eq!(ask(&house.app.base, "TRACE", &format!("/code-server/{}/", house.id), &[], b"").await.status, 405);
    assert_eq!(house.upstream.asked(), before);
    // Larger than what is ours may be, and neither side keeps it.
    let large = vec![b'x'; 100 * 1024 * 1024];
    let headers = [("Cookie", &*cookie), ("Expect", "100-continue")];
    let path = format!("/code-server/{}/upload", house.id);
    let said = ask(&house.app.base, "POST", &path, &headers[..1], &large).await;
    assert_eq!(said.json()["length"], large.len());
    // More than anybody takes: refused, and the next one is served.
    let huge = "h".repeat(1024 * 1024);
    assert_eq!(house.inside("/", &format!("{cookie}; vscode-h={huge}")).await.status, 431);
    assert_eq!(house.inside("/", &cookie).await.status, 200);
}

/// A stream of bytes as a WebSocket has it: what is said comes back.
async fn echoes(socket: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), length: usize) {
    let said: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut heard = vec![0; length];
    let (mut reader, mut writer) = tokio::io::split(socket);
    let (sent, read) = tokio::join!(writer.write_all(&said), reader.read_exact(&mut heard));
    sent.unwrap();
    read.unwrap();
    assert!(said == heard);
}

#[tokio::test]
async fn sockets_go_through_until_the_session_ends() {
    let mut house = House::with(&[DOMAIN]).await;
    let host = format!("{}.editors.localhost:8000", house.id);
    let token = house.token(&house.id).await;
    let entered = house.get(&format!("/?tkn={token}"), &[("Host", &host)]).await;
    let cookie = entered.all("set-cookie")[0].split(';').next().unwrap().to_owned();
    let socket = async |path: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> =
            [("Host", &*host), ("Cookie", &*cookie)].into_iter().chain(more.iter().copied()).collect();
        open_socket(&house.app.base, path, &headers).await
    };
    let (said, mut stream) = socket("/socket", &[("Origin", &format!("http://{host}"))]).await;
    assert_eq!((said.status, said.header("upgrade")), (101, "websocket"), "{said:?}");
    assert_eq!(said.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    echoes(&mut stream, 5 * 1024 * 1024).await;

    let before = house.upstream.asked();
    for origin in ["http://evil.example.com", "null", "http://editors.localhost:8000", &format!("http://{host}1")] {
        assert_eq!(socket("/socket", &[("Origin", origin)]).await.0.status, 403, "{origin}");
    }
    let post = [("Host", &*host), ("Cookie", &*cookie), ("Origin", "http://evil.example.com")];
    assert_eq!(ask(&house.app.base, "POST", "/", &post, b"").await.error(403), "other_origin");
    let (said, _) = open_socket(&house.app.base, "/socket", &[("Host", &host)]).await;
    assert_eq!(said.status, 401, "without the cookie");
    assert_eq!(house.upstream.asked(), before);
    // Where the upstream does not want one, its answer is that.
    assert_eq!(socket("/x", &[]).await.0.status, 200);
    // Whoever hangs up half-way, or says what is no handshake, harms nobody.
    drop(request(&house.app.base, "GET", "/socket", &[("Host", &host), ("Upgrade", "websocket")]).await);
    for (name, value) in [("Upgrade", "websocket, h2c"), ("Upgrade", ""), ("Connection", "close")] {
        let headers = [("Host", &*host), ("Cookie", &*cookie), (name, value)];
        assert_eq!(ask(&house.app.base, "GET", "/x", &headers, b"").await.status, 200);
    }

    // As many as a browser could need, and no more; who leaves makes room.
    let mut open = Vec::new();
    for _ in 1..64 {
        let (said, stream) = socket("/socket", &[]).await;
        assert_eq!(said.status, 101);
        open.push(stream);
    }
    assert_eq!(socket("/socket", &[]).await.0.status, 429);
    assert!(open.pop().is_some());
    let mut tries = 0;
    while socket("/socket", &[]).await.0.status != 101 {
        tries += 1;
        assert!(tries < 1000, "nobody leaves");
    }

    let mut endless = request(&house.app.base, "GET", "/endless", &[("Host", &host), ("Cookie", &cookie)]).await;
    let mut much = vec![0; 32 * 1024 * 1024];
    endless.read_exact(&mut much).await.unwrap();
    let mut upload = request(
        &house.app.base,
        "POST",
        "/x",
        &[("Host", &host), ("Cookie", &cookie), ("Transfer-Encoding", "chunked")],
    )
    .await;
    upload.write_all(b"5\r\nhello\r\n").await.unwrap();
    echoes(&mut stream, 1).await;
    house.app.looked_at_by("doors").await;
    echoes(&mut stream, 1).await;
    house.set_status(&house.id, "syncing").await;
    house.app.looked_at_by("doors").await;
    for (what, stream) in [("socket", &mut stream), ("download", &mut endless), ("upload", &mut upload)] {
        assert!(is_ended(stream).await, "{what}");
    }
    assert_eq!(socket("/socket", &[]).await.0.status, 503);

    // Nor does a server that stops wait for what has no end.
    house.set_status(&house.id, "ready").await;
    house.moments_pass();
    let (said, mut stream) = socket("/socket", &[]).await;
    assert_eq!(said.status, 101);
    echoes(&mut stream, 1).await;
    house.app.stop().await;
    assert!(is_ended(&mut stream).await);
}

#[tokio::test]
async fn hosts_are_editors_alone() {
    let house = House::with(&[DOMAIN]).await;
    let (host, base) = (format!("{}.editors.localhost:8000", house.id), &house.app.base);
    let token = house.token(&house.id).await;
    let entered = house.get(&format!("//evil.example.com/?tkn={token}"), &[("Host", &host)]).await;
    assert_eq!(entered.status, 401, "only at its own address: {entered:?}");
    let entered = house.get(&format!("/?tkn={token}"), &[("Host", &host)]).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/"));
    let cookie = entered.all("set-cookie")[0].split(';').next().unwrap();
    for path in ["/healthz", "/platform/api/login", "/code-server/x/", "//x", "/docs"] {
        let said = house.get(path, &[("Host", &host), ("Cookie", cookie)]).await;
        assert_eq!((&said.json()["uri"], heard(&said, "host")), (&json!(path), vec![host.clone()]), "{path}");
        assert_eq!(house.get(path, &[("Host", &host)]).await.error(401), "open_from_crawlhub");
        for unknown in
            ["x.editors.localhost", "a.b.editors.localhost:1", &format!("{}.EDITORS.localhost", crawlhub::id::new())]
        {
            assert_eq!(house.get(path, &[("Host", unknown)]).await.error(404), "no_editor", "{unknown}");
        }
    }
    let asked = [("X-Original-URI", "//x"), ("X-Original-Host", &*host), ("Cookie", cookie)];
    let told = house.get("/platform/api/proxy/authorize", &asked).await;
    assert_eq!((told.status, told.header("x-upstream")), (200, &*house.upstream.address));
    assert!(told.header("x-upstream-cookie").starts_with("code-server-session="), "{told:?}");
    let address = base.strip_prefix("http://").unwrap();
    let port = address.rsplit_once(':').unwrap().1;
    let moved = house.inside("/a%2Fb?c=d", cookie).await;
    let there = format!("http://{}.editors.localhost:{port}/a%2Fb?c=d", house.id);
    assert_eq!((moved.status, moved.header("location")), (308, &*there));
    for (own, path) in [("editors.localhost", "/healthz"), ("localhost", "/healthz"), (address, "/healthz")] {
        assert_eq!(house.get(path, &[("Host", own)]).await.json()["status"], "ok", "{own}");
    }
}

#[tokio::test]
async fn a_proxy_in_front_is_told() {
    let house = House::new().await;
    let (other, signed_in) = house.other_user().await;
    let theirs = house.session(&other, "ready").await;
    let (cookie, their_cookie) = (house.enter(&house.id).await, house.enter(&theirs).await);
    let own = format!("/code-server/{}/a%2Fb?c=d", house.id);
    let said = house.authorize(&own, &[("Cookie", &cookie)]).await;
    assert_eq!((said.status, said.header("x-upstream")), (200, &*house.upstream.address));
    assert_eq!(house.authorize(&own, &[]).await.error(401), "open_from_crawlhub");
    assert_eq!(house.authorize(&own, &[("Cookie", &their_cookie)]).await.error(401), "open_from_crawlhub");
    assert_eq!(house.authorize(&own, &[("Cookie", &signed_in)]).await.error(403), "other_user");
    let root = format!("/code-server/{}/?tkn={}", house.id, house.token(&house.id).await);
    assert_eq!(house.authorize(&root, &[("Cookie", &cookie)]).await.error(401), "open_from_crawlhub");
    let elsewhere = [("Cookie", &*cookie), ("Origin", "http://evil.example.com"), ("X-Original-Method", "POST")];
    assert_eq!(house.authorize(&own, &elsewhere).await.error(403), "other_origin");
    for path in [
        "",
        "/",
        "/healthz",
        "/code-server/x/",
        &format!("/code-server/{}/", crawlhub::id::new()),
        &format!("/code-server/{}/../x", house.id),
    ] {
        let said = house.authorize(path, &[("Cookie", &cookie)]).await;
        assert_eq!((said.error(404), said.header("x-upstream")), ("no_editor".to_owned(), ""), "{path}");
    }
    for status in ["starting", "syncing", "stopped"] {
        house.set_status(&house.id, status).await;
        house.moments_pass();
        assert_eq!(house.authorize(&own, &[("Cookie", &cookie)]).await.error(404), "no_editor", "{status}");
    }
}

#[tokio::test]
async fn only_what_a_person_does_is_activity() {
    let house = House::new().await;
    let cookie = house.enter(&house.id).await;
    let base = &house.app.base;
    let path = format!("/code-server/{}/socket", house.id);
    // What is noted, a minute later, when nothing but `what` has been done.
    let after = async |what: &str| {
        house.app.looked_at_by("doors").await;
        let (noted, now) = (house.last_active().await, house.now());
        house.app.clock.advance(TimeDelta::minutes(1));
        assert!(noted <= now, "{what}");
        now - noted < TimeDelta::seconds(1)
    };
    assert!(after("a token").await);
    let cookies = ("Cookie", &*cookie);
    house.inside("/", &cookie).await;
    house
        .get(&path, &[cookies, ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")])
        .await;
    assert!(!after("what pages load").await);
    house.get(&path, &[cookies, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]).await;
    assert!(after("a page is gone to").await);
    ask(base, "POST", &path, &[cookies], b"").await;
    assert!(after("something is changed").await);
    house.authorize(&path, &[cookies]).await;
    assert!(!after("a proxy in front passes what pages load").await);
    house.authorize(&path, &[cookies, ("Accept", "text/html")]).await;
    assert!(after("a proxy in front passes a page").await);

    let (_, mut socket) = open_socket(base, &path, &[cookies]).await;
    echoes(&mut socket, 64 * 1024).await;
    assert!(!after("a page says hello").await);
    for _ in 0..3 {
        // Every few seconds, a few bytes: an open page.
        for _ in 0..12 {
            echoes(&mut socket, 40).await;
        }
        assert!(!after("a page is open").await);
    }
    for _ in 0..12 {
        echoes(&mut socket, 600).await;
    }
    assert!(after("somebody types").await);
}
