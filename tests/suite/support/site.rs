use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};
use tokio::net::TcpListener;

const FIRST: &str = r#"<title>Quotes</title>
    <div class="quote"><span class="text">“One”</span><small class="author">A</small><a class="tag" href="/tag/x/">x</a></div>
    <div class="quote"><span class="text">“二”</span><small class="author">B</small></div>
    <li class="next"><a href="/page/2/">Next</a></li>"#;
const SECOND: &str = r#"<title>Quotes, page 2</title>
    <div class="quote"><span class="text">“Three”</span><small class="author">C</small></div>"#;

/// A site of two pages with three quotes, as those that spiders practise on; the address of its first page.
pub async fn practice_site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let site = Router::new()
        .route("/", get(async || Html(FIRST)))
        .route("/page/2/", get(async || Html(SECOND)))
        .route("/page/2", get(async || Redirect::permanent("/page/2/")));
    tokio::spawn(async move { axum::serve(listener, site).await });
    format!("http://{address}/")
}
