//! Server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use serde::Serialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::context::in_context;

/// After so long a silence something is sent, lest somebody in between takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event as it goes over the wire, or some that follow each other. Copies share their bytes.
#[derive(Debug, Clone)]
pub struct Event(Bytes);

impl Event {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Of events that were rendered before.
impl From<Bytes> for Event {
    fn from(events: Bytes) -> Self {
        Self(events)
    }
}

/// An event with JSON data. `name` is left out where the contract has unnamed events.
pub fn event(name: Option<&str>, data: &impl Serialize) -> Event {
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    // JSON text of ours has no line ends.
    Event(Bytes::from(match serde_json::to_string(data) {
        Ok(data) => format!("{name}data: {data}\n\n"),
        Err(_) => ": not serialisable\n\n".to_owned(),
    }))
}

/// A stream of events that also ends when the server stops: a stop waits for open answers.
pub struct Sse(BoxStream<'static, Event>);

impl std::fmt::Debug for Sse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sse")
    }
}

pub fn sse(events: impl Stream<Item = Event> + Send + 'static, stop: CancellationToken) -> Sse {
    Sse(in_context(events.take_until(stop.cancelled_owned())).boxed())
}

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        let body = stream::unfold(self.0, |mut events| async {
            let bytes = match timeout(KEEP_ALIVE, events.next()).await {
                Ok(Some(Event(bytes))) => bytes,
                Ok(None) => return None,
                Err(_) => Bytes::from_static(b":\n\n"),
            };
            Some((Ok::<_, Infallible>(bytes), events))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-cache"),
            // nginx would otherwise hold events back until its buffer is full.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::from_stream(body)).into_response()
    }
}
