//! What a request carries to the end of its answer: its id and the language of its reader.

use std::time::Instant;

use futures_util::{Stream, stream::poll_fn};

use super::error::in_our_shape;
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The predecessor's name for the same thing.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
/// Longer ids are the caller's mistake and would only fill logs.
const LONGEST_ID: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

impl Language {
    /// The first language of `Accept-Language` that there is; Chinese where none is asked for.
    fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut ranked: Vec<(f32, Self)> = wanted
            .split(',')
            .filter_map(|part| {
                let mut pieces = part.trim().split(';');
                let language = match pieces.next()?.trim().get(..2)?.to_ascii_lowercase().as_str() {
                    "zh" => Self::Chinese,
                    "en" => Self::English,
                    _ => return None,
                };
                let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
                Some((weight, language))
            })
            .collect();
        // Stable: of equal weights the first one named wins.
        ranked.sort_by(|left, right| right.0.total_cmp(&left.0));
        ranked.first().map_or(Self::Chinese, |(_, language)| *language)
    }
}

/// Marks an answer that is not the platform's own, by an extension of it: it goes out as it is, and is logged under this
/// name, as it has no route.
#[derive(Debug, Clone, Copy)]
pub struct PassedOn(pub &'static str);

#[derive(Debug, Clone)]
struct Context {
    language: Language,
    request_id: String,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// The stream in the context of the request that it answers, which has been left by the time it is read.
pub(super) fn in_context<S: Stream>(stream: S) -> impl Stream<Item = S::Item> {
    let context = CONTEXT.try_with(Context::clone).ok();
    let mut stream = Box::pin(stream);
    poll_fn(move |task| match &context {
        Some(context) => CONTEXT.sync_scope(context.clone(), || stream.as_mut().poll_next(task)),
        None => stream.as_mut().poll_next(task),
    })
}

pub(super) fn language() -> Language {
    CONTEXT.try_with(|context| context.language).unwrap_or(Language::Chinese)
}

/// The id of the request being answered; empty outside of one.
pub fn request_id() -> String {
    CONTEXT.try_with(|context| context.request_id.clone()).unwrap_or_default()
}

/// Outermost middleware: gives the request its id and language, and logs how it ended.
pub async fn carry_context(request: Request, next: Next) -> Response {
    let request_id = [REQUEST_ID, TRACE_ID]
        .iter()
        .find_map(|name| request.headers().get(name)?.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
        .map_or_else(crate::id::new, str::to_owned);
    let context = Context { language: Language::of(request.headers()), request_id: request_id.clone() };
    let method = request.method().clone();
    // The pattern, not the path: paths of tasks' own addresses hold their tokens.
    let path = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let started = Instant::now();
    let answer = async {
        let response = next.run(request).await;
        match response.extensions().get::<PassedOn>() {
            Some(&PassedOn(name)) => (response, Some(name)),
            None => (in_our_shape(response), None),
        }
    };
    let (mut response, passed_on) = CONTEXT.scope(context, answer).await;
    log_end(&method, passed_on.or(path.as_deref()), &response, started, &request_id);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn log_end(method: &Method, path: Option<&str>, response: &Response, started: Instant, request_id: &str) {
    let (status, path) = (response.status().as_u16(), path.unwrap_or("(no route)"));
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    // Spiders deliver many times a second.
    let is_routine = path.contains("/internal/") && status < 400;
    if is_routine || (method.is_safe() && status < 500) {
        tracing::debug!(%method, path, status, millis, request_id, "{method} {path} → {status}");
    } else {
        tracing::info!(%method, path, status, millis, request_id, "{method} {path} → {status}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_by_weight() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(value).unwrap());
            Language::of(&headers)
        };
        assert_eq!(of("en-US,en;q=0.9,zh;q=0.8"), Language::English);
        assert_eq!(of("fr, en;q=0.2, zh-CN;q=0.7"), Language::Chinese);
        assert_eq!(of("fr"), Language::Chinese);
        assert_eq!(of("é,*;q=x"), Language::Chinese);
        assert_eq!(Language::of(&HeaderMap::new()), Language::Chinese);
    }
}
