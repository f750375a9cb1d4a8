//! The admin UI, as the server hands it out. What is in it is tested in a browser: `web/e2e`.

use std::path::Path;

use reqwest::{Method, header};

use crate::support::{Answer, Client, TestApp, skip_unless};

async fn navigate(client: &Client, path: &str) -> Answer {
    client.send(client.request(Method::GET, path).header(header::ACCEPT, "text/html,*/*;q=0.8")).await
}

fn is_built() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/index.html").exists()
}

#[tokio::test]
async fn the_page_is_at_every_address_that_people_go_to() {
    if skip_unless(is_built(), "the admin UI, built in web/") {
        return;
    }
    let app = TestApp::new().await;
    let nobody = app.without_token();
    for path in ["/", "/spiders/some-id/files?path=main.py", "/login"] {
        let page = navigate(&nobody, path).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("<div id=\"root\">"), "{path}: {}", page.text);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        assert!(page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'self'"));
    }
    // What is no page stays what it is, also for a browser.
    for path in
        ["/platform/api/nothing", "/platform/api/crawlhub/nothing", "/assets/gone-12345678.js", "/docs/nothing.js"]
    {
        assert_eq!(navigate(&nobody, path).await.status, 404, "{path}");
    }
    // Programs get their 404.
    assert_eq!(nobody.send(nobody.request(Method::GET, "/nothing")).await.error(404), "no_route");
    assert_eq!(nobody.send(nobody.request(Method::POST, "/spiders")).await.error(404), "no_route");
    for path in ["/..%2f..%2fCargo.toml", "/assets/../../Cargo.toml", "/.gitkeep", "/index.html.gz"] {
        assert_eq!(nobody.send(nobody.request(Method::GET, path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn its_parts_are_kept_for_ever_and_come_compressed() {
    if skip_unless(is_built(), "the admin UI, built in web/") {
        return;
    }
    let app = TestApp::new().await;
    let page = navigate(&app, "/").await.text;
    let start = page.find("/assets/core-").unwrap();
    let script = page[start..].split('"').next().unwrap();
    assert!(Path::new(script).extension().is_some_and(|end| end == "js"), "{script}");
    let with = async |encoding: &str| {
        let asked = app.request(Method::GET, script).header(header::ACCEPT_ENCODING, encoding);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        let encoding = answer.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
        (encoding, answer.bytes().await.unwrap().len())
    };
    let (plain, compressed, smaller) = (with("identity").await, with("gzip, br;q=0").await, with("gzip, br").await);
    assert_eq!((plain.0, compressed.0.as_deref(), smaller.0.as_deref()), (None, Some("gzip"), Some("br")));
    assert!(plain.1 > 2 * compressed.1 && compressed.1 > smaller.1);
}

/// What the UI's types are made from is what the server says of itself.
#[tokio::test]
async fn the_description_that_its_types_are_made_from() {
    let app = TestApp::new().await;
    let served = app.send(app.request(Method::GET, "/openapi.json")).await.json();
    let kept = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/openapi.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert!(served == kept, "web/openapi.json is not what the server says: make openapi");
    let paths = served["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<&str> = paths.filter_map(|operation| operation["operationId"].as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "operations that share a name: {names:?}");
    let enums = served["components"]["schemas"].as_object().unwrap().iter().filter_map(|(name, schema)| {
        let words = schema["enum"].as_array()?;
        words.iter().any(|word| word.as_str().unwrap().chars().any(char::is_uppercase)).then_some(name)
    });
    assert_eq!(enums.collect::<Vec<_>>(), Vec::<&String>::new(), "words as Rust has them, not as they are sent");
}
