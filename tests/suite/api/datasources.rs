//! Datasources and links as they are set; what is delivered is in `running/sinks.rs`.

use serde_json::{Value, json};

use crate::support::{TestApp, UsersDatabase};

fn external() -> Value {
    json!({"name": "shop", "type": "postgresql", "host": "db.example", "username": "u", "password": "very-secret-word",
           "database": "shop"})
}

#[tokio::test]
async fn datasources_are_made_changed_and_removed() {
    let app = TestApp::new().await;
    let made = app.post("/datasources", external()).await;
    assert!(!made.text.contains("very-secret-word") && made.data().get("password").is_none(), "{}", made.text);
    let made = made.data();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["port"], &made["mode"], &made["status"]), (&json!(5432), &json!("external"), &json!("active")));
    for null in ["container_id", "container_name", "docker_image", "mapped_port", "volume_path", "last_error"] {
        assert_eq!(made[null], json!(null), "{null}");
    }
    assert!(!app.keeps("very-secret-word").await);
    let path = format!("/datasources/{id}");
    let changed = app
        .put(
            &path,
            json!({"name": "new", "description": "of the shop", "port": 5433, "type": "mysql", "password": "",
                           "connection_options": {"sslmode": "require"}}),
        )
        .await
        .data();
    assert_eq!(
        (&changed["name"], &changed["port"], &changed["type"]),
        (&json!("new"), &json!(5433), &json!("postgresql"))
    );
    assert_eq!(app.get(&path).await.data(), changed);
    app.post("/datasources", json!({"name": "b", "type": "mongodb", "host": "h", "database": "d"})).await.data();
    for (filter, total) in
        [("", 2), ("?type=mongodb", 1), ("?keyword=NE", 1), ("?mode=managed", 0), ("?page_size=1", 2)]
    {
        assert_eq!(app.get(&format!("/datasources{filter}")).await.data()["total"], total, "{filter}");
    }
    app.delete(&path).await.ok();
    assert_eq!(app.get(&path).await.error(404), "datasource_not_found");
    assert_eq!(app.put(&path, json!({})).await.error(404), "datasource_not_found");
    assert_eq!(app.delete(&path).await.error(404), "datasource_not_found");
    assert_eq!(app.post(&format!("{path}/start"), json!({})).await.error(404), "datasource_not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_datasource_is_named() {
    let app = TestApp::new().await;
    let cases = [
        (json!({"name": " "}), "body.name"),
        (json!({"name": "x".repeat(256)}), "body.name"),
        (json!({"name": "a\0b"}), "body.name"),
        (json!({"type": "oracle"}), "body.type"),
        (json!({"host": ""}), "body.host"),
        (json!({"host": null}), "body.host"),
        (json!({"host": "/var/run/postgresql"}), "body.host"),
        (json!({"host": "u:p@host"}), "body.host"),
        (json!({"host": "a b"}), "body.host"),
        (json!({"port": 0}), "body.port"),
        (json!({"port": 65_536}), "body.port"),
        (json!({"port": "many"}), "body.port"),
        (json!({"database": ""}), "body.database"),
        (json!({"username": "a\0"}), "body.username"),
        (json!({"password": "x".repeat(1001)}), "body.password"),
        (json!({"connection_options": {"sslmode": "maybe"}}), "body.connection_options.sslmode"),
        (json!({"connection_options": {"host": "other"}}), "body.connection_options.host"),
        (json!({"connection_options": {"charset": "utf8mb4"}}), "body.connection_options.charset"),
        (json!({"connection_options": []}), "body.connection_options"),
    ];
    for (change, loc) in cases {
        let mut body = external();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(app.post("/datasources", body.clone()).await.details(), [loc], "{change}");
        if loc != "body.name" {
            assert_eq!(app.post("/datasources/test", body).await.details(), [loc], "{change}");
        }
    }
    assert_eq!(app.post("/datasources", json!({"name": "x"})).await.details(), ["body.type"]);
    let all = app.post("/datasources", json!({"type": "mysql"})).await.details();
    assert_eq!(all, ["body.name", "body.host", "body.database"]);
    let mut managed = external();
    managed["mode"] = json!("managed");
    let answer = app.post("/datasources", managed).await;
    assert_eq!(answer.error(503), "unavailable");
    assert!(answer.text.contains("container engine"), "{}", answer.text);
    let id = app.post("/datasources", external()).await.data()["id"].as_str().unwrap().to_owned();
    for verb in ["start", "stop"] {
        assert_eq!(app.post(&format!("/datasources/{id}/{verb}"), json!({})).await.error(400), "not_managed");
    }
}

#[tokio::test]
async fn a_connection_is_tried() {
    let app = TestApp::new().await;
    let none = app.post("/datasources/x/test", json!({})).await.data();
    assert_eq!(none["ok"], false);
    // Nobody listens there; a name that is no host; a cloud's own services.
    for (host, said) in [("127.0.0.1", ""), ("no.such.host.invalid", "not known"), ("169.254.169.254", "never called")]
    {
        for kind in ["postgresql", "mysql", "mongodb"] {
            let body = json!({"type": kind, "host": host, "port": 9, "database": "d", "username": "u",
                              "password": "very-secret-word"});
            let answer = app.post("/datasources/test", body).await;
            assert!(!answer.text.contains("very-secret-word"), "{}", answer.text);
            let tested = answer.data();
            assert_eq!(tested["ok"], false, "{kind} at {host}");
            assert!(tested["message"].as_str().unwrap().contains(said), "{kind} at {host}: {tested}");
        }
    }
    // Nobody is asked in the name of whom the server itself runs as.
    let nameless = json!({"type": "postgresql", "host": "127.0.0.1", "port": 9, "database": "d"});
    let tested = app.post("/datasources/test", nameless).await.data();
    assert!(tested["message"].as_str().unwrap().contains("username"), "{tested}");
    for users in UsersDatabase::all().await {
        let source = app.post("/datasources", users.body()).await.data();
        let id = source["id"].as_str().unwrap();
        let tested = app.post(&format!("/datasources/{id}/test"), json!({})).await.data();
        assert_eq!(tested["ok"], true, "{}: {tested}", users.kind);
        // The servers of the tests have no TLS: who wants it does not go on without.
        for tls in ["require", "verify-full"] {
            let mut body = users.body();
            body["connection_options"] = json!({"tls": tls});
            assert_eq!(app.post("/datasources/test", body).await.data()["ok"], false, "{tls}: {}", users.kind);
        }
        assert!(app.get(&format!("/datasources/{id}")).await.data()["last_check_at"].is_string());
        if users.kind == "mysql" {
            app.put(&format!("/datasources/{id}"), json!({"password": "very-wrong-word"})).await.data();
            let tested = app.post(&format!("/datasources/{id}/test"), json!({})).await.data();
            assert_eq!(tested["ok"], false);
            let source = app.get(&format!("/datasources/{id}")).await.data();
            assert_eq!((&source["status"], &source["last_error"]), (&json!("error"), &tested["message"]));
            assert!(!source.to_string().contains("very-wrong-word"));
        }
    }
}

#[tokio::test]
async fn a_database_is_made_where_it_is_wished() {
    let app = TestApp::new().await;
    for users in UsersDatabase::all().await {
        let mut body = users.body();
        body["database"] = json!(format!("{}-new", body["database"].as_str().unwrap()));
        let test = async || app.post("/datasources/test", body.clone()).await.data()["ok"].clone();
        assert_eq!(test().await, json!(users.kind == "mongodb"), "{}", users.kind);
        let mut wished = body.clone();
        wished["create_db_if_not_exists"] = json!(true);
        // The second time it is there.
        for _ in 0..2 {
            app.post("/datasources", wished.clone()).await.data();
            assert_eq!(test().await, true, "{}", users.kind);
        }
    }
    let mut nowhere = external();
    nowhere.as_object_mut().unwrap().extend([
        ("host".to_owned(), json!("127.0.0.1")),
        ("port".to_owned(), json!(9)),
        ("create_db_if_not_exists".to_owned(), json!(true)),
    ]);
    assert_eq!(app.post("/datasources", nowhere).await.error(502), "database_not_made");
    assert_eq!(app.get("/datasources?keyword=shop").await.data()["total"], 0);
}

#[tokio::test]
async fn private_addresses_can_be_closed() {
    let app = TestApp::with(&[("CRAWLHUB_DATASOURCES_ALLOW_PRIVATE", "false")]).await;
    for host in ["127.0.0.1", "localhost", "10.0.0.1", "[::1]"] {
        let body = json!({"type": "mysql", "host": host, "database": "d"});
        let tested = app.post("/datasources/test", body).await.data();
        assert!(tested["message"].as_str().unwrap().contains("allow_private"), "{host}: {tested}");
    }
}

#[tokio::test]
async fn links_are_made_changed_and_removed() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let source = app.post("/datasources", external()).await.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/spiders/{spider}/datasources");
    assert_eq!(app.get(&path).await.data(), json!([]));
    let link = app.post(&path, json!({"datasource_id": source, "target_table": "public.items"})).await.data();
    for (field, value) in [
        ("datasource_name", json!("shop")),
        ("datasource_type", json!("postgresql")),
        ("datasource_status", json!("active")),
        ("is_enabled", json!(true)),
        ("create_table", json!(true)),
        ("backlog", json!(0)),
        ("refused", json!(0)),
        ("spider_id", json!(spider)),
        ("target_table", json!("public.items")),
    ] {
        assert_eq!(link[field], value, "{field}");
    }
    let one = format!("{path}/{}", link["id"].as_str().unwrap());
    let again = json!({"datasource_id": source, "target_table": "public.items"});
    assert_eq!(app.post(&path, again).await.error(409), "datasource_linked");
    let second =
        app.post(&path, json!({"datasource_id": source, "target_table": "other", "is_enabled": false})).await.data();
    assert_eq!(second["is_enabled"], false);
    assert_eq!(app.put(&one, json!({"target_table": "other"})).await.error(409), "datasource_linked");
    assert_eq!(
        app.put(&one, json!({"target_table": "third", "is_enabled": false})).await.data()["target_table"],
        "third"
    );

    let cases = [
        (json!({"datasource_id": "x", "target_table": "t"}), "body.datasource_id"),
        (json!({"target_table": "t"}), "body.datasource_id"),
        (json!({"datasource_id": source}), "body.target_table"),
        (json!({"datasource_id": source, "target_table": " "}), "body.target_table"),
        (json!({"datasource_id": source, "target_table": "a\0b"}), "body.target_table"),
        (json!({"datasource_id": source, "target_table": "a.b.c"}), "body.target_table"),
        (json!({"datasource_id": source, "target_table": "x".repeat(64)}), "body.target_table"),
        (json!({"datasource_id": source, "target_table": "t", "is_enabled": "so so"}), "body.is_enabled"),
    ];
    for (body, loc) in cases {
        assert_eq!(app.post(&path, body.clone()).await.details(), [loc], "{body}");
    }
    assert_eq!(app.put(&one, json!({"target_table": ""})).await.details(), ["body.target_table"]);

    assert_eq!(app.delete(&format!("/datasources/{source}")).await.error(400), "datasource_linked");
    for call in [
        app.put(&format!("{path}/x"), json!({})).await,
        app.delete(&format!("{path}/x")).await,
        app.post(&format!("{path}/x/retry"), json!({})).await,
        app.get(&format!("{path}/x/refused")).await,
        app.delete(&format!("{path}/x/refused")).await,
    ] {
        assert_eq!(call.error(404), "datasource_link_not_found");
    }
    assert_eq!(app.get("/spiders/x/datasources").await.error(404), "spider_not_found");
    let other = app.spider(json!({"name": "other"}), &[]).await;
    let foreign = format!("/spiders/{other}/datasources/{}", link["id"].as_str().unwrap());
    assert_eq!(app.delete(&foreign).await.error(404), "datasource_link_not_found");
    app.delete(&one).await.ok();
    // A spider takes its links along.
    app.delete(&format!("/spiders/{spider}")).await.ok();
    app.delete(&format!("/datasources/{source}")).await.ok();
}
