//! Where a browser's page comes from that makes it call.

use axum::http::{HeaderMap, header};

/// Whether the page that makes a browser call is of the host that it calls. Who is no browser may say nothing of it, and
/// is not believed to be one.
pub fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    matches!((text(header::ORIGIN), text(header::HOST)), (Some(origin), Some(host)) if is_same_origin(origin, host))
}

/// Whether `origin`, as a browser names it, is `host`.
pub fn is_same_origin(origin: &str, host: &str) -> bool {
    let Some((scheme, from)) = origin.split_once("://") else { return false };
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |host: &str| host.strip_suffix(usual).unwrap_or(host).to_ascii_lowercase();
    !from.is_empty() && bare(from) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        for (origin, host) in [
            ("http://a", "a"),
            ("http://a", "A:80"),
            ("https://a:443", "a"),
            ("http://a:8000", "a:8000"),
            ("https://a", "a"),
        ] {
            assert!(is_same_origin(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "null"),
            ("http://a", "b"),
            ("http://a", "a:443"),
            ("http://a:8001", "a:8000"),
            ("file://", ""),
            ("http://", ""),
            ("http://a.b", "b"),
        ] {
            assert!(!is_same_origin(origin, host), "{origin} {host}");
        }
    }
}
