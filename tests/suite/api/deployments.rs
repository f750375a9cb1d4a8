//! Versions of a spider's code.

use crawlhub::clock::Clock;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, zip_of};

/// Deploys the files as they are; the deployment.
async fn deploy(app: &Client, spider: &str, note: &str) -> Value {
    app.post(&format!("/spiders/{spider}/deployments"), json!({"deploy_note": note})).await.data()
}

/// The address of the deployment.
fn path(deployment: &Value) -> String {
    let part = |name: &str| deployment[name].as_str().unwrap().to_owned();
    format!("/spiders/{}/deployments/{}", part("spider_id"), part("id"))
}

/// Gives the file a new content, or makes it.
async fn write(app: &Client, spider: &str, name: &str, content: &str) {
    let path = format!("/spiders/{spider}/files/upload");
    app.upload(&path, name, content.as_bytes().to_vec(), &[("path", name)]).await.data();
}

async fn remove(app: &Client, spider: &str, name: &str) {
    let files = app.get(&format!("/spiders/{spider}/files")).await.data();
    let file = files.as_array().unwrap().iter().find(|file| file["path"] == name).unwrap();
    app.delete(&format!("/spiders/{spider}/files/{}", file["id"].as_str().unwrap())).await.ok();
}

/// (path, content) of the spider's files.
async fn contents(app: &Client, spider: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in app.get(&format!("/spiders/{spider}/files")).await.data().as_array().unwrap() {
        let path = format!("/spiders/{spider}/files/{}/content", file["id"].as_str().unwrap());
        let content = app.get(&path).await.data()["content"].as_str().unwrap().to_owned();
        found.push((file["path"].as_str().unwrap().to_owned(), content));
    }
    found
}

fn paths(files: &Value) -> Vec<&str> {
    files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_version_is_made_and_becomes_the_active_one() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "entry_point": "main:run", "requirements_txt": "six"});
    let spider = app.spider(fields, &[("main.py", "print(1)"), ("lib/a.py", "爬")]).await;
    let first = deploy(&app, &spider, "第一版").await;
    assert_eq!(
        first,
        json!({
            "id": first["id"], "spider_id": spider, "version": 1, "status": "active", "code_hash": first["code_hash"],
            "source": "empty", "entry_point": "main:run", "requirements_txt": "six", "file_count": 2,
            "archive_size": 11, "deploy_note": "第一版", "git_commit": null, "created_at": "2026-03-01T08:00:00Z",
            "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    assert_eq!(app.get(&format!("/spiders/{spider}")).await.data()["active_deployment_id"], first["id"]);
    assert_eq!(app.get(&path(&first)).await.data(), first);

    // The same content is another version, of the same code.
    let second = app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.data();
    assert_eq!((&second["version"], &second["deploy_note"]), (&json!(2), &Value::Null));
    assert_eq!(second["code_hash"], first["code_hash"]);
    write(&app, &spider, "main.py", "print(2)").await;
    let third = deploy(&app, &spider, "").await;
    assert_ne!(third["code_hash"], first["code_hash"]);
    write(&app, &spider, "main.py", "print(1)").await;
    assert_eq!(deploy(&app, &spider, "").await["code_hash"], first["code_hash"]);

    let list = app.get(&format!("/spiders/{spider}/deployments?page_size=3")).await.data();
    let versions = |page: &Value| -> Vec<(i64, String)> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| (item["version"].as_i64().unwrap(), item["status"].as_str().unwrap().to_owned())).collect()
    };
    let archived = |version| (version, "archived".to_owned());
    assert_eq!(versions(&list), [(4, "active".to_owned()), archived(3), archived(2)]);
    assert_eq!((&list["total"], &list["total_pages"]), (&json!(4), &json!(2)));
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/spiders/{spider}/deployments?page_size=3&cursor={cursor}")).await.data();
    assert_eq!((versions(&rest), &rest["next_cursor"]), (vec![archived(1)], &Value::Null));
    let rest = app.get(&format!("/spiders/{spider}/deployments?page_size=3&page=2")).await.data();
    assert_eq!(versions(&rest), [archived(1)]);
}

#[tokio::test]
async fn the_files_of_a_version_stay_as_they_were() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "爬虫"}), &[("main.py", "print(1)\n"), ("b/data.txt", "x")]).await;
    let new = json!({"path": "run.bin", "content_base64": "/wA=", "executable": true});
    let program = app.post(&format!("/spiders/{spider}/files/new"), new).await.data();
    let version = path(&deploy(&app, &spider, "").await);
    write(&app, &spider, "main.py", "print(2)\n").await;
    remove(&app, &spider, "b/data.txt").await;
    remove(&app, &spider, "run.bin").await;

    let files = app.get(&format!("{version}/files")).await.data();
    assert_eq!(paths(&files), ["b/data.txt", "main.py", "run.bin"]);
    assert_eq!(
        files[2],
        json!({"path": "run.bin", "hash": program["hash"],
               "size": 2, "executable": true, "content_type": "application/octet-stream"})
    );
    assert_eq!((&files[1]["size"], &files[1]["executable"]), (&json!(9), &json!(false)));
    let content = app.get(&format!("{version}/files/content?path=main.py")).await.data();
    assert_eq!((&content["content"], &content["encoding"]), (&json!("print(1)\n"), &json!("utf-8")));
    assert_eq!((&content["hash"], &content["size"]), (&files[1]["hash"], &json!(9)));
    let binary = app.get(&format!("{version}/files/content?path=run.bin")).await.data();
    assert_eq!((&binary["content"], &binary["content_base64"]), (&Value::Null, &json!("/wA=")));
    assert_eq!(app.get(&format!("{version}/files/content?path=none.py")).await.error(404), "file_not_found");
    assert_eq!(app.get(&format!("{version}/files/content")).await.details(), ["query.path"]);

    let request = app.request(reqwest::Method::GET, &format!("/platform/api/crawlhub{version}/archive"));
    let answer = request.send().await.unwrap();
    let header = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(header.contains("%E7%88%AC%E8%99%AB-v1.zip"), "{header}");
    let bytes = answer.bytes().await.unwrap();
    let mut zipped = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let names: Vec<String> = zipped.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["b/data.txt", "main.py", "run.bin"]);
    assert_eq!(std::io::read_to_string(zipped.by_name("main.py").unwrap()).unwrap(), "print(1)\n");
    assert_eq!(zipped.by_name("run.bin").unwrap().unix_mode().unwrap() & 0o777, 0o755);
}

/// However often it is deployed, a content is kept once.
#[tokio::test]
async fn equal_contents_are_one_blob() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "same"), ("copy.py", "same")]).await;
    deploy(&app, &spider, "").await;
    let blobs = || {
        let folders = std::fs::read_dir(app.dir.path().join("files/blobs")).unwrap();
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    let before = blobs();
    for _ in 0..3 {
        deploy(&app, &spider, "").await;
    }
    let other = app.spider(json!({"name": "other"}), &[("main.py", "same"), ("copy.py", "same")]).await;
    deploy(&app, &other, "").await;
    // Its lists of files were the same as well, at every step.
    assert_eq!(blobs(), before);
}

#[tokio::test]
async fn any_version_becomes_active_again_or_none() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    let first = deploy(&app, &spider, "").await;
    let second = deploy(&app, &spider, "").await;
    let active = async || app.get(&format!("/spiders/{spider}")).await.data()["active_deployment_id"].clone();
    for version in [&first, &second, &second] {
        let answer = app.post(&format!("{}/rollback", path(version)), json!({})).await.data();
        assert_eq!((&answer["id"], &answer["status"]), (&version["id"], &json!("active")));
        assert_eq!(active().await, version["id"]);
    }
    assert_eq!(app.get(&path(&first)).await.data()["status"], "archived");
    let spider_now = app.post(&format!("/spiders/{spider}/deployments/deactivate"), json!({})).await.data();
    assert_eq!((&spider_now["id"], &spider_now["active_deployment_id"]), (&json!(spider), &Value::Null));
    assert_eq!(active().await, Value::Null);
    assert_eq!(app.get(&path(&second)).await.data()["status"], "archived");
}

#[tokio::test]
async fn a_version_is_restored_whole() {
    let app = TestApp::new().await;
    let fields = json!({"name": "s", "script_content": "print(1)", "entry_point": "main", "requirements_txt": "six"});
    let spider = app.spider(fields, &[("a.py", "a"), ("Same.py", "same")]).await;
    let first = deploy(&app, &spider, "").await;
    let files_before = app.get(&format!("/spiders/{spider}/files")).await.data();
    write(&app, &spider, "main.py", "print(2)").await;
    remove(&app, &spider, "a.py").await;
    write(&app, &spider, "b.py", "b").await;
    let settings = json!({"source": "scrapy", "entry_point": "quotes", "requirements_txt": null, "timeout_seconds": 7});
    app.put(&format!("/spiders/{spider}"), settings).await.data();
    let second = deploy(&app, &spider, "").await;

    app.clock.advance(chrono::TimeDelta::seconds(5));
    let restored = app.post(&format!("{}/restore", path(&first)), json!({})).await;
    assert!(restored.json()["msg"].as_str().unwrap().contains('3'), "{}", restored.text);
    assert_eq!(paths(&restored.data()), ["Same.py", "a.py", "main.py"]);
    let expected = [("Same.py", "same"), ("a.py", "a"), ("main.py", "print(1)")];
    let found = contents(&app, &spider).await;
    assert_eq!(found.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect::<Vec<_>>(), expected);
    // What was the same is untouched.
    assert_eq!(restored.data()[0], files_before[0]);
    assert_eq!(restored.data()[2]["updated_at"], "2026-03-01T08:00:05Z");
    let now = app.get(&format!("/spiders/{spider}")).await.data();
    assert_eq!(
        (&now["source"], &now["entry_point"], &now["requirements_txt"], &now["timeout_seconds"]),
        (&json!("empty"), &json!("main"), &json!("six"), &json!(7))
    );
    // `script_content` was `main.py`, and still is.
    assert_eq!(now["script_content"], "print(1)");
    assert_eq!(now["active_deployment_id"], second["id"]);
    assert_eq!(deploy(&app, &spider, "").await["code_hash"], first["code_hash"]);
}

/// A limit that was lowered since holds, and nothing is changed then.
#[tokio::test]
async fn what_no_longer_fits_is_not_restored() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "0123456789"), ("b.py", "b"), ("c.py", "c")]).await;
    let version = deploy(&app, &spider, "").await;
    remove(&app, &spider, "c.py").await;
    write(&app, &spider, "main.py", "1").await;
    let restore = format!("{}/restore", path(&version));
    let mut app = app;
    for (setting, limit, error) in [
        ("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "9", "file_too_large"),
        ("CRAWLHUB_SPIDERS_MAX_FILES", "2", "too_many_files"),
        ("CRAWLHUB_SPIDERS_MAX_TOTAL_BYTES", "11", "files_too_large"),
    ] {
        app = app.restart(&[(setting, limit)]).await;
        assert_eq!(app.post(&restore, json!({})).await.error(413), error);
        let expected = [("b.py".to_owned(), "b".to_owned()), ("main.py".to_owned(), "1".to_owned())];
        assert_eq!(contents(&app, &spider).await, expected);
    }
    app = app.restart(&[]).await;
    assert_eq!(app.post(&restore, json!({})).await.data().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_differs() {
    let app = TestApp::new().await;
    let files = [("main.py", "a\nb\nc\n"), ("gone.py", "x"), ("same.py", "s")];
    let spider = app.spider(json!({"name": "s"}), &files).await;
    let binary = json!({"path": "data.bin", "content_base64": "/wA="});
    app.post(&format!("/spiders/{spider}/files/new"), binary).await.data();
    let tool = app.post(&format!("/spiders/{spider}/files/new"), json!({"path": "tool", "content": "t"})).await.data();
    let first = deploy(&app, &spider, "").await;
    write(&app, &spider, "main.py", "a\nB\nc\n").await;
    write(&app, &spider, "new.py", "n").await;
    write(&app, &spider, "data.bin", "now text").await;
    remove(&app, &spider, "gone.py").await;
    let tool = format!("/spiders/{spider}/files/{}", tool["id"].as_str().unwrap());
    app.put(&tool, json!({"executable": true})).await.data();
    app.put(&format!("/spiders/{spider}"), json!({"entry_point": "main"})).await.data();
    let second = deploy(&app, &spider, "").await;

    let diff = app.get(&format!("{}/diff", path(&second))).await.data();
    assert_eq!((&diff["against"], &diff["against_version"], &diff["version"]), (&first["id"], &json!(1), &json!(2)));
    assert_eq!((paths(&diff["added"]), paths(&diff["removed"])), (vec!["new.py"], vec!["gone.py"]));
    assert_eq!(paths(&diff["changed"]), ["data.bin", "main.py", "tool"]);
    assert_eq!(diff["changed"][0]["diff"], Value::Null);
    assert_eq!(diff["changed"][1]["diff"], "--- a/main.py\n+++ b/main.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    let tool = &diff["changed"][2];
    assert_eq!(
        (&tool["from"]["executable"], &tool["to"]["executable"], &tool["diff"]),
        (&json!(false), &json!(true), &Value::Null)
    );
    assert_eq!(diff["settings"], json!([{"name": "entry_point", "from": "", "to": "main"}]));

    // The other way round.
    let back = app.get(&format!("{}/diff?against={}", path(&first), second["id"].as_str().unwrap())).await.data();
    assert_eq!((paths(&back["added"]), paths(&back["removed"])), (vec!["gone.py"], vec!["new.py"]));
    // Before the first there is nothing.
    let all = app.get(&format!("{}/diff", path(&first))).await.data();
    assert_eq!((&all["against"], all["added"].as_array().unwrap().len()), (&Value::Null, 5));
    // The files as they are.
    let none = app.get(&format!("{}/diff?against=files", path(&second))).await.data();
    assert_eq!((&none["against"], &none["against_version"]), (&json!("files"), &Value::Null));
    for part in ["added", "removed", "changed", "settings"] {
        assert_eq!(none[part], json!([]), "{part}");
    }
    write(&app, &spider, "later.py", "l").await;
    let one = app.get(&format!("{}/diff?against=files", path(&second))).await.data();
    assert_eq!((paths(&one["removed"]), &one["added"]), (vec!["later.py"], &json!([])));
    assert_eq!(app.get(&format!("{}/diff?against=none", path(&second))).await.error(404), "deployment_not_found");
}

/// Texts that take long to compare, or are large, do not hold up the answer.
#[tokio::test]
async fn large_files_are_only_said_to_differ() {
    let app = TestApp::new().await;
    let lines = |seed: u32| {
        let numbers = (0..20_000_u32).map(|n| (n.wrapping_mul(seed) % 7919).to_string());
        numbers.collect::<Vec<_>>().join("\n")
    };
    let large = "x\n".repeat(200_000);
    let spider = app.spider(json!({"name": "s"}), &[("hard.txt", &lines(31)), ("large.txt", &large)]).await;
    deploy(&app, &spider, "").await;
    write(&app, &spider, "hard.txt", &lines(1_000_003)).await;
    write(&app, &spider, "large.txt", &format!("{large}y")).await;
    let second = deploy(&app, &spider, "").await;
    let begun = std::time::Instant::now();
    let diff = app.get(&format!("{}/diff", path(&second))).await.data();
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(diff["changed"][0]["diff"].as_str().unwrap().starts_with("--- a/hard.txt\n"));
    assert_eq!(diff["changed"][1]["diff"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_made_at_once_are_numbered_one_by_one() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    let made = (0..12).map(|n| {
        let (client, spider) = (app.client.clone(), spider.clone());
        tokio::spawn(async move { deploy(&client, &spider, &n.to_string()).await["version"].as_i64().unwrap() })
    });
    let mut versions = Vec::new();
    for one in made.collect::<Vec<_>>() {
        versions.push(one.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
    // The newest is the active one.
    let list = app.get(&format!("/spiders/{spider}/deployments?page_size=100")).await.data();
    let active: Vec<&Value> =
        list["items"].as_array().unwrap().iter().filter(|item| item["status"] == "active").collect();
    assert_eq!((active.len(), &active[0]["version"]), (1, &json!(12)));
}

/// Whichever comes first: a version that is removed does not become the active one.
#[tokio::test(flavor = "multi_thread")]
async fn removed_and_made_active_at_once() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    for _ in 0..10 {
        let old = deploy(&app, &spider, "").await;
        let new = deploy(&app, &spider, "").await;
        let (address, rollback) = (path(&old), format!("{}/rollback", path(&old)));
        let (removed, active) = tokio::join!(app.delete(&address), app.post(&rollback, json!({})));
        let now = app.get(&format!("/spiders/{spider}")).await.data()["active_deployment_id"].clone();
        if removed.status == 200 {
            assert_eq!((active.error(404), now), ("deployment_not_found".to_owned(), new["id"].clone()));
        } else {
            assert_eq!((removed.error(409), now), ("deployment_active".to_owned(), old["id"].clone()));
            active.ok();
        }
    }
}

#[tokio::test]
async fn a_number_is_not_given_twice() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    let first = deploy(&app, &spider, "").await;
    let second = deploy(&app, &spider, "").await;
    assert_eq!(app.delete(&path(&second)).await.error(409), "deployment_active");
    app.post(&format!("{}/rollback", path(&first)), json!({})).await.ok();
    app.delete(&path(&second)).await.ok();
    assert_eq!(app.get(&path(&second)).await.error(404), "deployment_not_found");
    assert_eq!(deploy(&app, &spider, "").await["version"], 3);
    // The files of an empty spider are no version, and take no number.
    remove(&app, &spider, "main.py").await;
    assert_eq!(app.post(&format!("/spiders/{spider}/deployments"), json!({})).await.error(400), "no_files");
    write(&app, &spider, "main.py", "2").await;
    assert_eq!(deploy(&app, &spider, "").await["version"], 4);
    // They go with their spider.
    app.delete(&format!("/spiders/{spider}")).await.ok();
    assert_eq!(app.get(&path(&first)).await.error(404), "spider_not_found");
}

#[tokio::test]
async fn a_version_that_a_schedule_is_pinned_to_stays() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    let first = deploy(&app, &spider, "").await;
    let second = deploy(&app, &spider, "").await;
    let now = app.clock.now();
    let insert = "INSERT INTO schedules (id, spider_id, name, cron_expr, timezone, params, priority, is_active,
                                         active_since, deployment_id, created_at, updated_at)
                  VALUES ('x', $1, 'nightly', '0 0 * * *', 'UTC', $2, 0, $3, $4, $5, $4, $4)";
    let database = app.database().await;
    let pin = database.query(insert).bind(&spider).bind(sqlx::types::Json(json!({}))).bind(false).bind(now);
    pin.bind(first["id"].as_str().unwrap()).execute().await.unwrap();
    let refused = app.delete(&path(&first)).await;
    assert!(refused.text.contains("nightly"), "{}", refused.text);
    assert_eq!(refused.error(409), "deployment_pinned");
    database.query("DELETE FROM schedules WHERE id = 'x'").execute().await.unwrap();
    app.delete(&path(&first)).await.ok();
    assert_eq!(app.get(&path(&second)).await.data(), second);
}

/// By whatever way files change, the next version has them as they are.
#[tokio::test]
async fn every_change_of_files_is_seen() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s", "template": "script"}), &[]).await;
    let files = format!("/spiders/{spider}/files");
    let mut former = Value::Null;
    let mut check = async |way: &str| {
        let version = deploy(&app, &spider, way).await;
        assert_ne!(version["code_hash"], former, "{way}");
        former = version["code_hash"].clone();
        let diff = app.get(&format!("{}/diff?against=files", path(&version))).await.data();
        assert_eq!((&diff["added"], &diff["removed"], &diff["changed"]), (&json!([]), &json!([]), &json!([])), "{way}");
        let now = app.get(&files).await.data();
        assert_eq!(version["file_count"], now.as_array().unwrap().len(), "{way}");
    };
    check("template").await;
    let made = app.post(&format!("{files}/new"), json!({"path": "z.py", "content": "z"})).await.data();
    check("new").await;
    let file = format!("{files}/{}", made["id"].as_str().unwrap());
    app.put(&file, json!({"content": "zz"})).await.ok();
    check("content").await;
    app.put(&file, json!({"path": "a.py"})).await.ok();
    check("path").await;
    app.put(&file, json!({"executable": true})).await.ok();
    check("executable").await;
    app.delete(&file).await.ok();
    check("removed").await;
    app.upload(&format!("{files}/upload"), "up.py", b"up".to_vec(), &[]).await.ok();
    check("upload").await;
    app.upload(&format!("{files}/upload-zip"), "p.zip", zip_of(&[("main.py", b"zip")]), &[]).await.ok();
    check("zip").await;
    app.delete(&format!("{files}/{}", app.get(&files).await.data()[0]["id"].as_str().unwrap())).await.ok();
    app.put(&format!("/spiders/{spider}"), json!({"script_content": "print(1)"})).await.ok();
    check("script_content").await;
}

/// What the spider's row does not say, as of one of an older server, is found out when it is needed.
#[tokio::test]
async fn files_whose_hash_is_not_known() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1"), ("b.py", "2"), ("a.py", "3")]).await;
    let first = deploy(&app, &spider, "").await;
    app.database().await.query("UPDATE spiders SET code_hash = NULL").execute().await.unwrap();
    assert_eq!(deploy(&app, &spider, "").await["code_hash"], first["code_hash"]);

    // Where there is no room on the disk files can still be removed.
    let full = app.restart(&[("CRAWLHUB_SERVER_MIN_FREE_BYTES", "9000000000000000000")]).await;
    remove(&full, &spider, "b.py").await;
    full.post(&format!("/spiders/{spider}/deployments"), json!({})).await.error(503);
    let app = full.restart(&[]).await;
    let third = deploy(&app, &spider, "").await;
    assert_eq!(third["version"], 3);
    assert_eq!(paths(&app.get(&format!("{}/files", path(&third))).await.data()), ["a.py", "main.py"]);
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "1")]).await;
    let other = app.spider(json!({"name": "other"}), &[("main.py", "1")]).await;
    let deployments = format!("/spiders/{spider}/deployments");
    let foreign = deploy(&app, &other, "").await["id"].as_str().unwrap().to_owned();
    let own = deploy(&app, &spider, &"爬".repeat(500)).await;
    for id in ["none", foreign.as_str()] {
        for part in ["", "/files", "/files/content?path=main.py", "/archive", "/diff"] {
            assert_eq!(
                app.get(&format!("{deployments}/{id}{part}")).await.error(404),
                "deployment_not_found",
                "{part}"
            );
        }
        for verb in ["rollback", "restore"] {
            let answer = app.post(&format!("{deployments}/{id}/{verb}"), json!({})).await;
            assert_eq!(answer.error(404), "deployment_not_found", "{verb}");
        }
        assert_eq!(app.delete(&format!("{deployments}/{id}")).await.error(404), "deployment_not_found");
        assert_eq!(app.get(&format!("{}/diff?against={id}", path(&own))).await.error(404), "deployment_not_found");
        let run = app.post(&format!("/spiders/{spider}/run"), json!({"deployment_id": id})).await;
        assert_eq!(run.error(404), "deployment_not_found");
    }
    // Nothing of it was done.
    assert_eq!(app.get(&path(&own)).await.data(), own);
    for note in [json!("爬".repeat(501)), json!("a\u{0}"), json!(7)] {
        let answer = app.post(&deployments, json!({"deploy_note": note})).await;
        assert_eq!(answer.details(), ["body.deploy_note"], "{note}");
    }
    assert_eq!(app.get(&format!("{deployments}?cursor=x")).await.details(), ["query.cursor"]);
    assert_eq!(app.get(&format!("{deployments}?page_size=101")).await.details(), ["query.page_size"]);
    for verb in ["", "/deactivate", "/x/rollback", "/x/restore"] {
        let answer = app.post(&format!("/spiders/none/deployments{verb}"), json!({})).await;
        assert_eq!(answer.error(404), "spider_not_found", "{verb}");
    }
    for part in ["", "/x", "/x/files", "/x/diff", "/x/archive"] {
        assert_eq!(app.get(&format!("/spiders/none/deployments{part}")).await.error(404), "spider_not_found", "{part}");
    }
    assert_eq!(app.delete("/spiders/none/deployments/x").await.error(404), "spider_not_found");
}
