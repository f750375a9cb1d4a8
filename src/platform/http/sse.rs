//! Server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::context::in_context;

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

/// An event with JSON data. `name` is left out where the contract has unnamed events.
pub fn event(name: Option<&str>, data: &impl Serialize) -> Event {
    let event = name.map_or_else(Event::default, |name| Event::default().event(name));
    event.json_data(data).unwrap_or_else(|_| Event::default().comment("not serialisable"))
}

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        let events = axum::response::sse::Sse::new(self.0.map(Ok::<_, Infallible>))
            .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
        // nginx would otherwise hold events back until its buffer is full.
        ([(header::CACHE_CONTROL, "no-cache"), (HeaderName::from_static("x-accel-buffering"), "no")], events)
            .into_response()
    }
}
