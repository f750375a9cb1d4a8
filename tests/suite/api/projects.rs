//! Projects: groups of spiders.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

async fn project(app: &Client, name: &str) -> String {
    app.post("/projects", json!({"name": name})).await.data()["id"].as_str().unwrap().to_owned()
}

/// The names on a page of the list.
fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|project| project["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_project_is_made_changed_and_removed() {
    let app = TestApp::new().await;
    let made = app.post("/projects", json!({"name": "新闻"})).await.data();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": id, "name": "新闻", "description": "", "git_url": null, "git_branch": null,
            "has_git_token": false, "has_git_key": false, "has_webhook_secret": false, "git_commit": null,
            "git_subject": null, "node_id": null,
            "local_path": null, "status": "active", "sync_progress": null, "sync_error": null, "last_sync_at": null, "max_concurrent": null, "spider_count": 0,
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    let path = format!("/projects/{id}");
    assert_eq!(app.get(&path).await.data(), made);

    app.clock.advance(chrono::TimeDelta::seconds(5));
    let change = json!({"description": "d", "git_url": "https://git.example/x.git", "unknown": 1, "name": null});
    let changed = app.put(&path, change).await.data();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("新闻"), &json!("d")));
    assert_eq!((&changed["git_url"], &changed["git_branch"]), (&json!("https://git.example/x.git"), &Value::Null));
    assert_eq!(
        (&changed["created_at"], &changed["updated_at"]),
        (&json!("2026-03-01T08:00:00Z"), &json!("2026-03-01T08:00:05Z"))
    );
    let renamed = app.put(&path, json!({"name": "news"})).await.data();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("news"), &json!("d")));

    app.delete(&path).await.ok();
    assert_eq!(app.get(&path).await.error(404), "project_not_found");
    assert_eq!(app.put(&path, json!({"name": "x"})).await.error(404), "project_not_found");
    assert_eq!(app.delete(&path).await.error(404), "project_not_found");
}

#[tokio::test]
async fn the_default_project_stays() {
    let app = TestApp::new().await;
    let list = app.get("/projects").await.data();
    assert_eq!(names(&list), ["default"]);
    let path = format!("/projects/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(app.delete(&path).await.error(409), "project_default");
    assert_eq!(app.put(&path, json!({"name": "other"})).await.error(409), "project_default");
    let described = app.put(&path, json!({"name": "default", "description": "everything else"})).await.data();
    assert_eq!(described["description"], "everything else");

    app.spider(json!({"name": "s"}), &[]).await;
    assert_eq!(app.get(&path).await.data()["spider_count"], 1);
    let app = app.restart(&[]).await;
    assert_eq!(app.get("/projects").await.data()["total"], 1);
}

#[tokio::test]
async fn a_name_belongs_to_one_project() {
    let app = TestApp::new().await;
    let one = project(&app, "one").await;
    project(&app, "two").await;
    assert_eq!(app.post("/projects", json!({"name": "one"})).await.error(409), "name_taken");
    assert_eq!(app.put(&format!("/projects/{one}"), json!({"name": "two"})).await.error(409), "name_taken");
    app.put(&format!("/projects/{one}"), json!({"name": "one"})).await.data();
    for (project, loc) in [
        (json!({}), "body.name"),
        (json!({"name": null}), "body.name"),
        (json!({"name": ""}), "body.name"),
        (json!({"name": "x".repeat(256)}), "body.name"),
        (json!({"name": "a\u{0}b"}), "body.name"),
        (json!({"name": "x", "description": "x".repeat(2001)}), "body.description"),
    ] {
        assert_eq!(app.post("/projects", project.clone()).await.details(), [loc], "{project}");
    }
    project(&app, &"名".repeat(255)).await;
    assert_eq!(app.get("/projects").await.data()["total"], 4);
}

#[tokio::test]
async fn a_project_with_spiders_is_not_removed() {
    let app = TestApp::new().await;
    let id = project(&app, "busy").await;
    let path = format!("/projects/{id}");
    let spider = app.spider(json!({"name": "s", "project_id": id}), &[]).await;
    app.spider(json!({"name": "elsewhere"}), &[]).await;
    assert_eq!(app.get(&path).await.data()["spider_count"], 1);
    assert_eq!(app.get("/projects?keyword=busy").await.data()["items"][0]["spider_count"], 1);
    assert_eq!(app.delete(&path).await.error(409), "project_not_empty");
    app.get(&format!("/spiders/{spider}")).await.data();
    app.delete(&format!("/spiders/{spider}")).await.ok();
    assert_eq!(app.get(&path).await.data()["spider_count"], 0);
    app.delete(&path).await.ok();
}

/// A keyword is part of a name and nothing else: no pattern, no SQL.
#[tokio::test]
async fn a_keyword_finds_part_of_a_name() {
    let app = TestApp::new().await;
    for name in ["100% news", "100 news", "a_b", "axb", "新闻爬虫", "新聞", "ÄPFEL", r"back\slash", "it's"] {
        project(&app, name).await;
    }
    for (keyword, found) in [
        ("0%25", &["100% news"][..]),
        ("_", &["a_b"]),
        ("a_B", &["a_b"]),
        ("NEWS", &["100 news", "100% news"]),
        ("%E6%96%B0%E9%97%BB", &["新闻爬虫"]),
        ("新", &["新聞", "新闻爬虫"]),
        ("ÄPFEL", &["ÄPFEL"]),
        ("%5C", &[r"back\slash"]),
        ("it's", &["it's"]),
        ("%20news", &["100 news", "100% news"]),
        ("nothing", &[]),
    ] {
        let page = app.get(&format!("/projects?keyword={keyword}")).await.data();
        assert_eq!(names(&page), found, "{keyword}");
        assert_eq!(page["total"], found.len(), "{keyword}");
    }
}

#[tokio::test]
async fn lists_go_by_page_and_by_cursor() {
    let app = TestApp::new().await;
    for n in 1..=6 {
        project(&app, &format!("p{n}")).await;
    }
    let list = async |query: &str| app.get(&format!("/projects?{query}")).await.data();
    let first = list("page_size=3").await;
    assert_eq!(names(&first), ["p6", "p5", "p4"], "newest first");
    assert_eq!(
        (&first["total"], &first["total_pages"], &first["page"], &first["page_size"]),
        (&json!(7), &json!(3), &json!(1), &json!(3))
    );
    let second = list("page_size=3&page=2").await;
    assert_eq!(names(&second), ["p3", "p2", "p1"]);
    assert_eq!(names(&list("page_size=3&page=3").await), ["default"]);
    assert_eq!(names(&list("page_size=3&page=4").await), [""; 0]);

    // By cursor, also where something new comes in front meanwhile.
    project(&app, "new").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = list(&format!("page_size=3&cursor={cursor}")).await;
    assert_eq!(names(&next), ["p3", "p2", "p1"]);
    let end = list(&format!("page_size=3&cursor={}", next["next_cursor"].as_str().unwrap())).await;
    assert_eq!((names(&end), &end["next_cursor"]), (vec!["default"], &Value::Null));
    assert_eq!(names(&list(&format!("page_size=100&keyword=p&cursor={cursor}")).await), ["p3", "p2", "p1"]);
}
