//! The files of a spider: one by one, and as a zip, of which all is kept or nothing.

use std::io::{Cursor, Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{Answer, Client, RawEntry, ServerProcess, TestApp, deflated_zeros, raw_zip, zip_of};

async fn files(app: &Client, spider: &str) -> Value {
    app.get(&format!("/spiders/{spider}/files")).await.data()
}

fn paths(files: &Value) -> Vec<&str> {
    files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

async fn new(app: &Client, spider: &str, path: &str, content: &str) -> Answer {
    app.post(&format!("/spiders/{spider}/files/new"), json!({"path": path, "content": content})).await
}

async fn upload_zip(app: &Client, spider: &str, zip: Vec<u8>) -> Answer {
    app.upload(&format!("/spiders/{spider}/files/upload-zip"), "files.zip", zip, &[]).await
}

async fn content(app: &Client, spider: &str, file: &Value) -> Value {
    app.get(&format!("/spiders/{spider}/files/{}/content", file["id"].as_str().unwrap())).await.data()
}

async fn edit(app: &Client, spider: &str, file: &Value, change: Value) -> Answer {
    app.put(&format!("/spiders/{spider}/files/{}", file["id"].as_str().unwrap()), change).await
}

/// The zip of all files: (name, content, mode) of each entry.
async fn archive(app: &Client, spider: &str) -> (Vec<u8>, Vec<(String, Vec<u8>, u32)>) {
    let path = format!("/platform/api/crawlhub/spiders/{spider}/files/archive");
    let zip = app.request(Method::GET, &path).send().await.unwrap().bytes().await.unwrap().to_vec();
    let mut reader = ZipArchive::new(Cursor::new(&zip)).unwrap();
    let entries = (0..reader.len())
        .map(|at| {
            let mut entry = reader.by_index(at).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().unwrap().into_owned(), content, entry.unix_mode().unwrap())
        })
        .collect();
    (zip, entries)
}

#[tokio::test]
async fn a_file_is_made_read_changed_renamed_and_removed() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let made = new(&app, &spider, "src/主程序.py", "print('你好')\n").await.data();
    assert_eq!(
        made,
        json!({
            "id": made["id"], "spider_id": spider, "path": "src/主程序.py", "size": 16, "executable": false,
            "hash": crawlhub::platform::files::hash_of("print('你好')\n".as_bytes()), "content_type": "text/x-python",
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
        })
    );
    assert_eq!(files(&app, &spider).await, json!([made]));
    let read = content(&app, &spider, &made).await;
    assert_eq!(
        (&read["content"], &read["encoding"], &read["path"]),
        (&json!("print('你好')\n"), &json!("utf-8"), &made["path"])
    );

    app.clock.advance(chrono::TimeDelta::seconds(1));
    let changed = edit(&app, &spider, &made, json!({"content": "x"})).await.data();
    assert_eq!((&changed["size"], &changed["path"], &changed["id"]), (&json!(1), &made["path"], &made["id"]));
    assert_eq!(
        (&changed["created_at"], &changed["updated_at"]),
        (&json!("2026-03-01T08:00:00Z"), &json!("2026-03-01T08:00:01Z"))
    );
    let renamed = edit(&app, &spider, &made, json!({"path": "data.json"})).await.data();
    assert_eq!(
        (&renamed["path"], &renamed["hash"], &renamed["content_type"]),
        (&json!("data.json"), &changed["hash"], &json!("application/json"))
    );
    let both = edit(&app, &spider, &made, json!({"path": "a.txt", "content": "", "executable": true})).await.data();
    assert_eq!((&both["path"], &both["size"], &both["executable"]), (&json!("a.txt"), &json!(0), &json!(true)));
    assert_eq!(content(&app, &spider, &made).await["content"], "");

    let path = format!("/spiders/{spider}/files/{}", made["id"].as_str().unwrap());
    app.delete(&path).await.ok();
    assert_eq!(files(&app, &spider).await, json!([]));
    assert_eq!(app.delete(&path).await.error(404), "file_not_found");
    assert_eq!(app.put(&path, json!({"content": ""})).await.error(404), "file_not_found");
    assert_eq!(app.get(&format!("{path}/content")).await.error(404), "file_not_found");
}

#[tokio::test]
async fn what_is_no_text_comes_as_base64() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let bytes = STANDARD.encode([0, 159, 146, 150]);
    let new = json!({"path": "x.bin", "content_base64": bytes});
    let made = app.post(&format!("/spiders/{spider}/files/new"), new).await.data();
    let read = content(&app, &spider, &made).await;
    assert_eq!(
        (&read["content"], &read["encoding"], &read["content_base64"], &read["size"]),
        (&Value::Null, &json!("base64"), &json!(bytes), &json!(4))
    );
    assert_eq!(edit(&app, &spider, &made, json!({"content_base64": "%"})).await.details(), ["body.content_base64"]);
}

#[tokio::test]
async fn files_belong_to_their_spider() {
    let app = TestApp::new().await;
    let (one, two) = (
        app.spider(json!({"name": "1"}), &[("a.py", "1")]).await,
        app.spider(json!({"name": "2"}), &[("a.py", "2")]).await,
    );
    let file = files(&app, &one).await[0].clone();
    let path = format!("/spiders/{two}/files/{}", file["id"].as_str().unwrap());
    assert_eq!(app.get(&format!("{path}/content")).await.error(404), "file_not_found");
    assert_eq!(app.put(&path, json!({"content": "x"})).await.error(404), "file_not_found");
    assert_eq!(app.delete(&path).await.error(404), "file_not_found");
    assert_eq!(content(&app, &one, &file).await["content"], "1");
    for answer in [
        new(&app, "none", "a.py", "").await,
        upload_zip(&app, "none", zip_of(&[("a.py", b"")])).await,
        app.upload("/spiders/none/files/upload", "a.py", vec![], &[]).await,
        app.get("/spiders/none/files").await,
        app.get("/spiders/none/files/archive").await,
    ] {
        assert_eq!(answer.error(404), "spider_not_found");
    }
}

#[tokio::test]
async fn an_upload_makes_a_file_or_replaces_its_content() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let path = format!("/spiders/{spider}/files/upload");
    let first = app.upload(&path, "main.py", b"1".to_vec(), &[]).await.data();
    assert_eq!((&first["path"], &first["size"]), (&json!("main.py"), &json!(1)));
    let again = app.upload(&path, "main.py", b"22".to_vec(), &[]).await.data();
    assert_eq!((&again["id"], &again["size"]), (&first["id"], &json!(2)));
    let placed = app.upload(&path, "local name.txt", b"x".to_vec(), &[("path", "数据/a.txt")]).await.data();
    assert_eq!(placed["path"], "数据/a.txt");
    let queried = app.upload(&format!("{path}?file_path=b/c.txt"), "x", b"x".to_vec(), &[]).await.data();
    assert_eq!(queried["path"], "b/c.txt");
    let in_folder = app.upload(&path, "d.txt", b"x".to_vec(), &[("path", "b/")]).await.data();
    assert_eq!(in_folder["path"], "b/d.txt");
    assert_eq!(paths(&files(&app, &spider).await), ["b/c.txt", "b/d.txt", "main.py", "数据/a.txt"]);

    let no_file = app.request(Method::POST, &format!("/platform/api/crawlhub{path}"));
    let no_file = no_file.multipart(multipart::Form::new().text("path", "x"));
    assert_eq!(app.send(no_file).await.details(), ["body.file"]);
    assert_eq!(app.post(&path, json!({"path": "x"})).await.error(400), "multipart_broken");
}

/// Two people with one file open: the second to save hears of it.
#[tokio::test]
async fn an_edit_of_what_has_changed_meanwhile() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "one")]).await;
    let file = files(&app, &spider).await[0].clone();
    let base = content(&app, &spider, &file).await["hash"].clone();
    let saved = edit(&app, &spider, &file, json!({"content": "two", "base_hash": base})).await.data();
    assert_eq!(
        edit(&app, &spider, &file, json!({"content": "three", "base_hash": base})).await.error(409),
        "file_changed"
    );
    assert_eq!(content(&app, &spider, &file).await["content"], "two");
    edit(&app, &spider, &file, json!({"content": "three", "base_hash": saved["hash"]})).await.data();
    edit(&app, &spider, &file, json!({"content": "four"})).await.data();
    assert_eq!(content(&app, &spider, &file).await["content"], "four");

    // Of ten who start from the same text, one is first.
    let base = content(&app, &spider, &file).await["hash"].clone();
    let edits = (0..10).map(|n| edit(&app, &spider, &file, json!({"content": format!("by {n}"), "base_hash": base})));
    let statuses: Vec<u16> = join_all(edits).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

/// Paths that no file of a spider can have, whichever way it comes.
#[tokio::test]
async fn paths_that_are_refused() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "x"), ("café.py", "x"), ("pkg/a.py", "x")]).await;
    let before = files(&app, &spider).await;
    let main = before.as_array().unwrap().iter().find(|file| file["path"] == "main.py").unwrap();
    let (long, deep) = ("x".repeat(300), "folder/".repeat(200) + "x");
    for path in [
        "/etc/passwd",
        "//host/x",
        "C:/x",
        "../x",
        "a/../../x",
        "a/./b",
        "..",
        ".",
        "a//b",
        "a/",
        "a\\b.py",
        "..\\x",
        "a\nb.py",
        "a\u{0}b",
        "a\u{7f}",
        &long,
        &deep,
        "MAIN.py",
        "Pkg/A.py",
        "cafe\u{301}.PY",
        "pkg",
        "main.py/x",
        "__pycache__/a.py",
        "a.pyc",
        ".git/config",
        ".DS_Store",
        "x/Thumbs.db",
        "venv/x",
        ".venv/x",
        "env/x",
        "node_modules/x",
    ] {
        assert_eq!(new(&app, &spider, path, "").await.details(), ["body.path"], "{path:?}");
        // A folder for an upload ends so.
        if path != "a/" {
            let uploaded = app.upload(&format!("/spiders/{spider}/files/upload"), "x", vec![], &[("path", path)]).await;
            assert_eq!(uploaded.details(), ["body.path"], "{path:?}");
        }
        if path != "MAIN.py" && path != "main.py/x" {
            assert_eq!(edit(&app, &spider, main, json!({"path": path})).await.details(), ["body.path"], "{path:?}");
        }
    }
    assert_eq!(new(&app, &spider, "", "").await.details(), ["body.path"]);
    assert_eq!(app.post(&format!("/spiders/{spider}/files/new"), json!({})).await.details(), ["body.path"]);
    // The same in another spelling of Unicode is the same file.
    for taken in ["main.py", "cafe\u{301}.py"] {
        assert_eq!(new(&app, &spider, taken, "").await.error(409), "file_exists", "{taken}");
    }
    assert_eq!(edit(&app, &spider, main, json!({"path": "pkg/a.py"})).await.error(409), "file_exists");
    assert_eq!(files(&app, &spider).await, before);
    // A file may change its own letters.
    assert_eq!(edit(&app, &spider, main, json!({"path": "Main.py"})).await.data()["path"], "Main.py");
}

#[tokio::test]
async fn a_zip_there_and_back() {
    let app = TestApp::new().await;
    let spider =
        app.spider(json!({"name": "新闻 爬虫"}), &[("old.py", "gone afterwards"), ("main.py", "former")]).await;
    let kept = files(&app, &spider).await[0]["id"].clone();
    let zip = raw_zip(&[
        RawEntry::new("main.py", "print(1)"),
        RawEntry::new("包/", "").mode(0o040_755),
        RawEntry::new("包/数据 一.txt", "内容"),
        RawEntry::new("bin/run.sh", "#!/bin/sh\necho hello\n").mode(0o100_755),
        RawEntry::new("bin/raw", [0, 1, 2, 255]),
        RawEntry::new("empty", ""),
        RawEntry::new("cafe\u{301}.md", "x"),
    ]);
    let uploaded = upload_zip(&app, &spider, zip).await.data();
    let wanted = ["bin/raw", "bin/run.sh", "café.md", "empty", "main.py", "包/数据 一.txt"];
    assert_eq!(paths(&uploaded), wanted);
    assert_eq!(files(&app, &spider).await, uploaded);
    let executable: Vec<&Value> =
        uploaded.as_array().unwrap().iter().filter(|file| file["executable"] == true).collect();
    assert_eq!((executable.len(), &executable[0]["path"]), (1, &json!("bin/run.sh")));
    assert_eq!(uploaded[4]["id"], kept, "what keeps its path keeps its id");
    assert_eq!(app.get(&format!("/spiders/{spider}")).await.data()["source"], "upload");

    let (zip, entries) = archive(&app, &spider).await;
    let names: Vec<&str> = entries.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, wanted);
    assert_eq!(entries[5].1, "内容".as_bytes());
    assert_eq!(entries[0].1, [0, 1, 2, 255]);
    let modes: Vec<u32> = entries.iter().map(|(.., mode)| mode & 0o777).collect();
    assert_eq!(modes, [0o644, 0o755, 0o644, 0o644, 0o644, 0o644]);
    assert_eq!(upload_zip(&app, &spider, zip).await.data(), uploaded, "the same files stay the same rows");
    let head = app.get(&format!("/spiders/{spider}/files/archive")).await.headers;
    assert_eq!(head["content-type"], "application/zip");
    let name = "filename*=UTF-8''%E6%96%B0%E9%97%BB%20%E7%88%AC%E8%99%AB.zip";
    assert!(head["content-disposition"].to_str().unwrap().ends_with(name), "{head:?}");

    let none = app.spider(json!({"name": "empty"}), &[]).await;
    assert_eq!(archive(&app, &none).await.1, []);
}

/// What is executable in the zip can be executed by the spider.
#[tokio::test(flavor = "multi_thread")]
async fn the_executable_bit_reaches_the_spider() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let script = "import json, os, subprocess\nprint(json.dumps({'said': subprocess.check_output(['./工具.sh'], text=True), 'plain': os.access('main.py', os.X_OK)}))";
    let zip = raw_zip(&[
        RawEntry::new("main.py", script),
        RawEntry::new("工具.sh", "#!/bin/sh\necho hello\n").mode(0o100_755),
    ]);
    upload_zip(&app, &spider, zip).await.data();
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(app.items(task["id"].as_str().unwrap()).await, [json!({"said": "hello\n", "plain": false})]);
}

#[tokio::test]
async fn what_is_never_part_of_a_spider_is_left_out() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let long = format!("node_modules/{}", "x/".repeat(600) + "y");
    let zip = zip_of(&[
        ("main.py", b"x".as_slice()),
        ("__pycache__/main.cpython-311.pyc", b"x"),
        ("a/b.pyc", b"x"),
        (".git/config", b"x"),
        ("a/.DS_Store", b"x"),
        ("Thumbs.db", b"x"),
        ("venv/bin/python", b"x"),
        (".venv/x", b"x"),
        ("a/env/x", b"x"),
        (&long, b"x"),
        ("__MACOSX/._main.py", b"x"),
        ("env.py", b"x"),
        (".env", b"x"),
        (".gitignore", b"x"),
        ("environment/x", b"x"),
    ]);
    let uploaded = upload_zip(&app, &spider, zip).await.data();
    assert_eq!(paths(&uploaded), [".env", ".gitignore", "env.py", "environment/x", "main.py"]);
    let before = files(&app, &spider).await;
    assert_eq!(
        upload_zip(&app, &spider, zip_of(&[(".git/config", b"x")])).await.details(),
        ["body.file"],
        "nothing is left"
    );
    assert_eq!(files(&app, &spider).await, before);
}

/// People zip the folder as often as what is in it.
#[tokio::test]
async fn one_folder_around_everything() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    for (entries, wanted, source) in [
        (&["project/main.py", "project/a/b.py"][..], &["a/b.py", "main.py"][..], "upload"),
        (&["project/scrapy.cfg", "project/x/y.py"], &["scrapy.cfg", "x/y.py"], "scrapy"),
        (&["pkg/spider.py", "pkg/__init__.py"], &["pkg/__init__.py", "pkg/spider.py"], "scrapy"),
        (&["project/main.py", "other.py"], &["other.py", "project/main.py"], "scrapy"),
    ] {
        let entries: Vec<(&str, &[u8])> = entries.iter().map(|name| (*name, b"x".as_slice())).collect();
        assert_eq!(paths(&upload_zip(&app, &spider, zip_of(&entries)).await.data()), wanted);
        assert_eq!(app.get(&format!("/spiders/{spider}")).await.data()["source"], source);
    }
}

/// Of an upload in which one thing is wrong, nothing is kept, and what was there stays.
#[tokio::test]
async fn zips_that_are_refused_whole() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "before"), ("pkg/a.py", "before")]).await;
    let before = files(&app, &spider).await;
    let good = RawEntry::new("good.py", "x");
    let with = |entries: &[RawEntry]| raw_zip(&[std::slice::from_ref(&good), entries].concat());
    let file = |name: &str| RawEntry::new(name, "x");
    let whole = with(&[file("main.py")]);
    let mut damaged = with(&[RawEntry::new("other.py", "some content")]);
    let place = damaged.windows(12).position(|bytes| bytes == b"some content").unwrap();
    damaged[place] = b'S';
    let many: Vec<RawEntry> = (0..201).map(|n| file(&format!("f{n}"))).collect();
    let named = |name: &str| format!("file.{name}");

    for (what, zip, loc) in [
        ("absolute", with(&[file("/etc/cron.d/x")]), named("/etc/cron.d/x")),
        ("climbs", with(&[file("../x")]), named("../x")),
        ("climbs later", with(&[file("a/../../x")]), named("a/../../x")),
        ("backslash", with(&[file("a\\b.py")]), named("a\\b.py")),
        ("backslash climbs", with(&[file("..\\x.py")]), named("..\\x.py")),
        ("drive", with(&[file("C:/x.py")]), named("C:/x.py")),
        ("link", with(&[RawEntry::new("link", "/etc/passwd").mode(0o120_777)]), named("link")),
        ("pipe", with(&[file("pipe").mode(0o010_644)]), named("pipe")),
        ("device", with(&[file("device").mode(0o020_644)]), named("device")),
        ("twice", with(&[file("a.py"), file("a.py")]), "body.file".to_owned()),
        ("file and folder", with(&[file("a"), file("a/b")]), named("a/b")),
        ("folder and file", with(&[file("a/b"), file("a")]), named("a")),
        ("letter case", with(&[file("A.py"), file("a.py")]), named("a.py")),
        ("letter case of folders", with(&[file("A"), file("a/b.py")]), named("a/b.py")),
        ("two spellings", with(&[file("caf\u{e9}.py"), file("cafe\u{301}.py")]), named("cafe\u{301}.py")),
        ("long name", with(&[file(&"x".repeat(300))]), named(&format!("{}…", "x".repeat(120)))),
        ("long path", with(&[file(&("dir/".repeat(300) + "x"))]), named(&format!("{}…", "dir/".repeat(30)))),
        ("line end", with(&[file("a\nb.py")]), named("a\nb.py")),
        ("bell", with(&[file("a\u{7}.py")]), named("a\u{7}.py")),
        ("nul", with(&[file("a\0.py")]), named("a\0.py")),
        ("encrypted", with(&[file("a.py").flags(1 << 11 | 1)]), "body.file".to_owned()),
        // 中文.py
        (
            "GBK",
            with(&[RawEntry::new(b"\xd6\xd0\xce\xc4.py", "x").flags(0)]),
            named("\u{fffd}\u{fffd}\u{fffd}\u{fffd}.py"),
        ),
        ("damaged", damaged, "body.file".to_owned()),
        ("cut off", whole[..whole.len() - 30].to_vec(), "body.file".to_owned()),
        ("cut at the start", whole[10..].to_vec(), "body.file".to_owned()),
        ("no zip", b"print('not a zip')".to_vec(), "body.file".to_owned()),
        ("nothing", vec![], "body.file".to_owned()),
        ("an empty zip", raw_zip(&[]), "body.file".to_owned()),
        ("only folders", raw_zip(&[RawEntry::new("a/", "").mode(0o040_755)]), "body.file".to_owned()),
        ("unknown method", with(&[RawEntry { method: 99, ..file("a.py") }]), "body.file".to_owned()),
    ] {
        let answer = upload_zip(&app, &spider, zip).await;
        assert_eq!(answer.details(), [loc], "{what}: {}", answer.text);
        assert_eq!(files(&app, &spider).await, before, "{what}");
    }
    for (what, zip, word) in [
        ("too many files", raw_zip(&many), "too_many_files"),
        ("a large file", with(&[RawEntry::new("big", vec![7; (1 << 20) + 1])]), "file_too_large"),
    ] {
        assert_eq!(upload_zip(&app, &spider, zip).await.error(413), word, "{what}");
        assert_eq!(files(&app, &spider).await, before, "{what}");
    }
    // All that is wrong is said at once.
    let answer = upload_zip(&app, &spider, with(&[file("/a"), file("b\\c"), file("../d")])).await;
    assert_eq!(answer.details(), ["file./a", "file.b\\c", "file.../d"]);
    upload_zip(&app, &spider, whole).await.data();
    upload_zip(&app, &spider, raw_zip(&many[..200])).await.data();
}

/// Sizes at their limits and one byte above, by every way in.
#[tokio::test]
async fn sizes_at_the_limit() {
    let app = TestApp::with(&[
        ("CRAWLHUB_SPIDERS_MAX_FILE_BYTES", "1000"),
        ("CRAWLHUB_SPIDERS_MAX_TOTAL_BYTES", "2500"),
        ("CRAWLHUB_SPIDERS_MAX_FILES", "4"),
    ])
    .await;
    let spider = app.spider(json!({"name": "s"}), &[]).await;
    let (full, over) = ("x".repeat(1000), "x".repeat(1001));
    assert_eq!(new(&app, &spider, "a", &over).await.error(413), "file_too_large");
    let a = new(&app, &spider, "a", &full).await.data();
    assert_eq!(edit(&app, &spider, &a, json!({"content": over})).await.error(413), "file_too_large");
    let upload = async |name: &str, content: &str| {
        app.upload(&format!("/spiders/{spider}/files/upload"), name, content.into(), &[]).await
    };
    assert_eq!(upload("b", &over).await.error(413), "file_too_large");
    upload("b", &full).await.data();
    // In letters that JSON writes as six, and far beyond what a request may hold.
    assert_eq!(new(&app, &spider, "c", &"\u{1}".repeat(501)).await.error(413), "files_too_large");
    new(&app, &spider, "c", &"\u{1}".repeat(500)).await.data();
    assert_eq!(new(&app, &spider, "d", "x").await.error(413), "files_too_large");
    assert_eq!(new(&app, &spider, "d", &"x".repeat(3 << 20)).await.error(413), "body_too_large");
    assert_eq!(upload("d", &"x".repeat(3 << 20)).await.error(413), "file_too_large");
    new(&app, &spider, "d", "").await.data();
    assert_eq!(new(&app, &spider, "e", "").await.error(413), "too_many_files");
    assert_eq!(upload("e", "").await.error(413), "too_many_files");
    let before = files(&app, &spider).await;
    assert_eq!(paths(&before), ["a", "b", "c", "d"]);

    let zip = |sizes: &[usize]| {
        let entries: Vec<RawEntry> =
            sizes.iter().enumerate().map(|(n, size)| RawEntry::new(format!("z{n}"), vec![b'x'; *size])).collect();
        raw_zip(&entries)
    };
    for (sizes, word) in
        [(&[1001][..], "file_too_large"), (&[1000, 1000, 501], "files_too_large"), (&[1, 1, 1, 1, 1], "too_many_files")]
    {
        assert_eq!(upload_zip(&app, &spider, zip(sizes)).await.error(413), word);
    }
    assert_eq!(upload_zip(&app, &spider, vec![b'P'; 2 << 20]).await.error(413), "upload_too_large");
    assert_eq!(files(&app, &spider).await, before);
    upload_zip(&app, &spider, zip(&[1000, 1000, 500])).await.data();
}

/// Limits hold for changes side by side as for one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_the_same_moment() {
    let app = TestApp::with(&[("CRAWLHUB_SPIDERS_MAX_FILES", "5"), ("CRAWLHUB_SPIDERS_MAX_TOTAL_BYTES", "1000")]).await;
    let statuses = |answers: &[Answer]| {
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        statuses
    };
    let spider = app.spider(json!({"name": "files"}), &[]).await;
    let names: Vec<String> = (0..12).map(|n| format!("f{n}")).collect();
    let answers = join_all(names.iter().map(|name| new(&app, &spider, name, ""))).await;
    assert_eq!(statuses(&answers), [[200; 5].as_slice(), &[413; 7]].concat());
    assert_eq!(files(&app, &spider).await.as_array().unwrap().len(), 5);

    let spider = app.spider(json!({"name": "bytes"}), &[]).await;
    let path = format!("/spiders/{spider}/files/upload");
    let answers = join_all(names[..4].iter().map(|name| app.upload(&path, name, vec![b'x'; 400], &[]))).await;
    assert_eq!(statuses(&answers), [200, 200, 413, 413]);

    let spider = app.spider(json!({"name": "one name"}), &[]).await;
    let answers = join_all(["a.py", "A.py", "a.py/b", "a.py", "A.PY"].map(|name| new(&app, &spider, name, ""))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    assert_eq!(files(&app, &spider).await.as_array().unwrap().len(), 1);

    // Of zips side by side one wins whole.
    let zips: Vec<Vec<u8>> = ["a", "b", "c"]
        .iter()
        .map(|set| {
            let names: Vec<String> = (0..5).map(|n| format!("{set}{n}")).collect();
            zip_of(&names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect::<Vec<_>>())
        })
        .collect();
    for answer in join_all(zips.into_iter().map(|zip| upload_zip(&app, &spider, zip))).await {
        answer.ok();
    }
    let left = files(&app, &spider).await;
    let first: Vec<char> = paths(&left).iter().map(|path| path.chars().next().unwrap()).collect();
    assert!(first.len() == 5 && first.iter().all(|letter| *letter == first[0]), "{left}");
}

/// Small zips that unpack to far more than is allowed, and as much as is allowed: memory stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn bombs_cost_no_memory() {
    let server = ServerProcess::start(&[]).await;
    let spider = server.spider(json!({"name": "s"}), &[("main.py", "before")]).await;
    let before = files(&server, &spider).await;
    let zeros = deflated_zeros(512).await;
    assert!(zeros.len() < 1 << 20, "{}", zeros.len());
    let bomb = |name: &str, claimed_size: u32| RawEntry {
        stored: zeros.clone(),
        claimed_size,
        method: 8,
        ..RawEntry::new(name, "")
    };
    assert_eq!(upload_zip(&server, &spider, raw_zip(&[bomb("honest", 512 << 20)])).await.error(413), "file_too_large");
    for claimed in [0, 1, 1 << 20] {
        let answer = upload_zip(&server, &spider, raw_zip(&[bomb("liar", claimed)])).await;
        assert!([413, 422].contains(&answer.status.as_u16()), "{}", answer.text);
    }
    // A million bytes each, within the limit; together they are not.
    let one = deflated_zeros(1).await;
    let bombs: Vec<RawEntry> = (0..200)
        .map(|n| {
            let real = RawEntry::new(format!("f{n}"), vec![0; if n == 0 { 1 << 20 } else { 0 }]);
            RawEntry { stored: one.clone(), claimed_size: 1 << 20, method: 8, ..real }
        })
        .collect();
    let bombs: Vec<RawEntry> = bombs.iter().map(|bomb| RawEntry { crc: bombs[0].crc, ..bomb.clone() }).collect();
    assert_eq!(upload_zip(&server, &spider, raw_zip(&bombs)).await.error(413), "files_too_large");
    assert_eq!(files(&server, &spider).await, before);

    // All that is allowed, not compressed, in and out.
    let contents: Vec<Vec<u8>> = (0..50_u8).map(|n| vec![n; 1 << 20]).collect();
    let entries: Vec<RawEntry> =
        contents.iter().enumerate().map(|(n, content)| RawEntry::new(format!("f{n}"), content)).collect();
    let uploaded = upload_zip(&server, &spider, raw_zip(&entries)).await.data();
    assert_eq!(uploaded.as_array().unwrap().len(), 50);
    let (_, entries) = archive(&server, &spider).await;
    assert!(entries.iter().all(|(_, content, _)| content.len() == 1 << 20) && entries.len() == 50);
    let peak = server.peak_memory_mb();
    assert!(peak < 150, "{peak} MB");
}

#[tokio::test]
async fn a_store_that_is_away_is_not_made_anew() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "s"}), &[("main.py", "print(1)\n")]).await;
    // As where a disk is not mounted; a bucket is another matter (`servers::bucket`).
    let blobs = app.dir.path().join("files/blobs");
    if std::env::var_os("TEST_S3_URL").is_some() {
        return;
    }
    let away = app.dir.path().join("files/away");
    std::fs::rename(&blobs, &away).unwrap();
    let main = files(&app, &spider).await[0].clone();
    for answer in [
        new(&app, &spider, "more.py", "print(2)\n").await,
        edit(&app, &spider, &main, json!({"content": "print(3)\n"})).await,
        upload_zip(&app, &spider, zip_of(&[("a.py", b"print(4)\n")])).await,
    ] {
        assert_eq!(answer.status, 503, "{}", answer.text);
    }
    assert!(!blobs.exists(), "what is put there goes with the next mount");
    let path = format!("/spiders/{spider}/files/{}/content", main["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.status, 503);
    assert_eq!(app.request(Method::GET, "/readyz").send().await.unwrap().status(), 503);
    std::fs::rename(&away, &blobs).unwrap();
    assert_eq!(content(&app, &spider, &main).await["content"], "print(1)\n");
    new(&app, &spider, "more.py", "print(2)\n").await.data();
}
