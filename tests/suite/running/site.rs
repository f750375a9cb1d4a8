//! The example spiders on a real site: every page of Debian's `python3.11-doc`.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::support::{Client, TestApp, documentation_site, skip_unless, zip_of};

/// A folder of files at an address of its own.
struct Site {
    address: String,
    _server: Child,
}

impl Site {
    async fn serve(folder: &Path) -> Self {
        let mut server = Command::new("python3")
            .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let port = line.split("port ").nth(1).unwrap().split_whitespace().next().unwrap();
        Self { address: format!("http://127.0.0.1:{port}/index.html"), _server: server }
    }
}

/// All files below a folder of the repository, as a zip.
fn zip_of_folder(folder: &str) -> Vec<u8> {
    fn walk(root: &Path, folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                into.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    walk(&root, &root, &mut files);
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    zip_of(&entries)
}

async fn example(app: &Client, fields: Value, folder: &str) -> String {
    let spider = app.spider(fields, &[]).await;
    app.upload(&format!("/spiders/{spider}/files/upload-zip"), "example.zip", zip_of_folder(folder), &[]).await.ok();
    spider
}

fn html_pages(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(
            |path| {
                if path.is_dir() {
                    html_pages(&path)
                } else {
                    usize::from(path.extension().is_some_and(|e| e == "html"))
                }
            },
        )
        .sum()
}

/// Rows below the header; cells may hold line ends.
fn csv_rows(text: &str) -> usize {
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_gives_its_item() {
    let site = documentation_site();
    if skip_unless(site.is_some(), "Debian's python3.11-doc") {
        return;
    }
    let (folder, app) = (site.unwrap(), TestApp::new().await);
    let pages = html_pages(folder);
    assert!(pages > 400, "{pages}");
    let served = Site::serve(folder).await;

    let fields =
        json!({"name": "pages", "source": "scrapy", "timeout_seconds": 600, "params": {"start_url": served.address}});
    let spider = example(&app, fields, "examples/docs_scrapy").await;
    let task = app.run_to_end(&spider, json!({})).await;
    let id = task["id"].as_str().unwrap();
    assert_eq!(
        task["status"],
        "completed",
        "{task} {:?}",
        app.lines(id).await.iter().rev().take(20).collect::<Vec<_>>()
    );
    assert_eq!(task["total_count"], pages, "{task}");
    assert_eq!((&task["success_count"], &task["failed_count"]), (&json!(pages), &json!(0)));

    let csv = app.get(&format!("/data/export/csv?task_id={id}")).await.text;
    assert_eq!(csv_rows(&csv), pages);
    assert!(csv.lines().next().unwrap().contains("简介"), "{:?}", csv.lines().next());
    let urls: std::collections::HashSet<String> =
        app.items(id).await.iter().map(|item| item["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(urls.len(), pages, "each page once");
    let fields = app.get(&format!("/data/fields?task_id={id}")).await.data();
    assert!(fields.to_string().contains("headings"), "{fields}");
}

/// The second spider of the same project, by entry point: many items of other shapes.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_several_spiders_and_an_async_one() {
    let site = documentation_site();
    if skip_unless(site.is_some(), "Debian's python3.11-doc") {
        return;
    }
    let (served, app) = (Site::serve(&site.unwrap().join("library")).await, TestApp::new().await);
    let fields = json!({
        "name": "all symbols", "source": "scrapy", "entry_point": "symbols", "timeout_seconds": 600,
        "params": {"start_url": served.address},
    });
    let spider = example(&app, fields, "examples/docs_scrapy").await;
    let symbols = app.run_to_end(&spider, json!({})).await;
    assert_eq!(symbols["status"], "completed", "{symbols}");
    assert!(symbols["total_count"].as_i64().unwrap() > 3000, "{symbols}");
    let csv = app.get(&format!("/data/export/csv?task_id={}", symbols["id"].as_str().unwrap())).await.text;
    assert_eq!(csv_rows(&csv), usize::try_from(symbols["total_count"].as_i64().unwrap()).unwrap());

    let fields = json!({"name": "links", "entry_point": "main:run", "params": {"start_url": served.address}});
    let spider = example(&app, fields, "examples/async_links").await;
    let links = app.run_to_end(&spider, json!({})).await;
    assert_eq!(links["status"], "completed", "{links}");
    assert!(links["total_count"].as_i64().unwrap() > 250, "{links}");
    assert_eq!(links["progress"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrapy_project_without_that_spider() {
    let app = TestApp::new().await;
    let spider = example(&app, json!({"name": "nobody", "source": "scrapy"}), "examples/docs_scrapy").await;
    let task = app.run_to_end(&spider, json!({})).await;
    assert_eq!(task["status"], "failed", "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("nobody"), "{task}");
}
