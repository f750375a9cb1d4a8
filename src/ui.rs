//! What a browser finds at `/`.

use axum::response::Html;

const PAGE: &str = include_str!("ui.html");

/// One plain page that says what this is and where to go.
pub async fn page() -> Html<&'static str> {
    Html(PAGE)
}
