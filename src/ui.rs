//! The admin UI: what `web/` was built to, as it is in this binary.

use std::{borrow::Cow, io::Read};

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use flate2::read::GzDecoder;
use rust_embed::{Embed, EmbeddedFile};

use crate::{error::Error, text};

/// Where it was not built: what this is, and how to get it.
const WITHOUT: &str = include_str!("ui.html");

/// Names below it change with what is in them.
const HASHED: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// The components' styles are made in the page; the text editor works in workers.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
     worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

/// Larger files are there compressed only, as `.br` and `.gz`.
#[derive(Embed)]
#[folder = "web/dist"]
struct Files;

/// What is at an address that no route has: a file of the UI, or its page for whoever navigates there, as the page itself
/// finds out what to show.
pub async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if method == Method::GET || method == Method::HEAD {
        if let Some(file) = file(path, &headers) {
            return file;
        }
        if is_page(path, &headers) {
            return page(&headers);
        }
    }
    Error::not_found("no_route", text!("没有这个地址", "there is nothing at this address; see /docs")).into_response()
}

/// The page that everything in the UI is in.
fn page(headers: &HeaderMap) -> Response {
    let Some(mut page) = file("index.html", headers) else { return Html(WITHOUT).into_response() };
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    page
}

/// Whether a person goes there with a browser, to what is no part of the API.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    path.is_empty()
        || accept.contains("text/html")
            && !["platform", "api", "docs", "code-server", "assets", "metrics"].contains(&first)
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let end = path.rsplit('.').next().unwrap_or_default();
    if path.is_empty() || path.starts_with('.') || ["br", "gz"].contains(&end) {
        return None;
    }
    let (body, encoding) = content(path, headers)?;
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    let cache = match path {
        "index.html" => NEVER,
        path if path.starts_with(HASHED) => FOR_EVER,
        _ => FOR_AN_HOUR,
    };
    let kind = HeaderValue::try_from(format!("{kind}{charset}")).ok()?;
    let vary = HeaderValue::from_static("Accept-Encoding");
    let described = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache), (header::VARY, vary)];
    let mut response = (StatusCode::OK, described, body).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// What is in a file, as compressed as the caller takes it.
fn content(path: &str, headers: &HeaderMap) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
    for (end, encoding) in [("br", "br"), ("gz", "gzip")] {
        if accepts(headers, encoding)
            && let Some(EmbeddedFile { data, .. }) = Files::get(&format!("{path}.{end}"))
        {
            return Some((data, Some(encoding)));
        }
    }
    if let Some(EmbeddedFile { data, .. }) = Files::get(path) {
        return Some((data, None));
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*Files::get(&format!("{path}.gz"))?.data).read_to_end(&mut plain).ok()?;
    Some((plain.into(), None))
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|offer| {
        let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
        name.trim().eq_ignore_ascii_case(encoding) && !["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&quality.trim())
    })
}
