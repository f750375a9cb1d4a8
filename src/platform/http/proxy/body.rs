use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Passage, Traffic};

/// A body on its way through. Where the passage ends before it does, it breaks off, so that nobody takes it for whole.
pub(super) struct Cut<B> {
    body: B,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    progress: Option<Arc<Progress>>,
    _traffic: Arc<dyn Traffic>,
}

impl<B> Cut<B> {
    pub(super) fn new(body: B, passage: &Passage, progress: Option<Arc<Progress>>) -> Self {
        let end = Box::pin(passage.end.clone().cancelled_owned());
        Self { body, end, progress, _traffic: passage.traffic.clone() }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for Cut<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.end.as_mut().poll(task).is_ready() {
            return Poll::Ready(Some(Err("cut off".into())));
        }
        let frame = Pin::new(&mut this.body).poll_frame(task);
        if let (Poll::Ready(_), Some(progress)) = (&frame, &this.progress) {
            progress.note();
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// When something of a request last moved: a large upload takes its time, and that is not the upstream's.
pub(super) struct Progress(Mutex<Instant>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once nothing has moved for so long.
    pub(super) async fn none_for(&self, time: Duration) {
        while self.last().elapsed() < time {
            sleep_until(self.last() + time).await;
        }
    }
}
