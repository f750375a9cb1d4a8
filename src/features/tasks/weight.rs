//! Large bodies in bounded memory: whoever sends one waits until there is room for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Result},
    text,
};

/// A batch's JSON.
pub(super) const MAX_BATCH_BYTES: usize = 20 * 1024 * 1024;
/// How much of one that is too large is read before it is refused.
const MAX_DRAINED_BYTES: usize = 200 * 1024 * 1024;
/// From the first byte of a batch to its being stored.
const BODY_PATIENCE: Duration = Duration::from_mins(1);
/// So many callers may each hold as much as one may before others wait.
const SHARES: usize = 4;

/// Who sends a body: the task, or the node. Set by what lets him in.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub String);

/// How much of bodies is held in memory at once, in KiB: of each caller as much as the largest, of all together a few
/// times that. Whoever comes when it is used up waits for his turn; who stalls holds up himself.
#[derive(Debug, Clone)]
pub(super) struct Weight {
    all: Arc<Semaphore>,
    callers: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
}

impl Default for Weight {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(SHARES * MAX_BATCH_BYTES / 1024)), callers: Arc::default() }
    }
}

impl Weight {
    /// The caller's share, for as long as somebody holds it.
    fn share_of(&self, Caller(name): &Caller) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = callers.get(name).and_then(Weak::upgrade) {
            return share;
        }
        callers.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(MAX_BATCH_BYTES / 1024));
        callers.insert(name.clone(), Arc::downgrade(&share));
        share
    }
}

pub(super) async fn weigh(State(weight): State<Weight>, request: Request, next: Next) -> Result<Response> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    // What does not say how large it is may be as large as it can.
    let length: usize = length.unwrap_or(MAX_BATCH_BYTES);
    if length > MAX_BATCH_BYTES {
        drain(request).await;
        return Err(Error::too_large("body_too_large", text!("请求体过大", "the request body is too large")));
    }
    let kib = u32::try_from(length.div_ceil(1024)).map_err(Error::internal)?;
    let caller = request.extensions().get::<Caller>().ok_or_else(|| anyhow::anyhow!("nobody was let in"))?;
    let share = weight.share_of(caller);
    let _own = share.acquire_many(kib).await.map_err(Error::internal)?;
    let _held = weight.all.acquire_many(kib).await.map_err(Error::internal)?;
    // Whoever stalls half-way must not hold up the others.
    tokio::time::timeout(BODY_PATIENCE, next.run(request))
        .await
        .map_err(|_| Error::bad_request("body_timeout", text!("请求体传输超时", "the body took too long to arrive")))
}

/// Reads what is too large, up to a limit, and keeps nothing of it: most clients send all before they read why it is
/// refused, and would see a broken connection only.
async fn drain(request: Request) {
    let mut body = request.into_body().into_data_stream();
    let read = async {
        let mut left = MAX_DRAINED_BYTES;
        while let Some(Ok(piece)) = body.next().await
            && piece.len() <= left
        {
            left -= piece.len();
        }
    };
    // Who takes longer sees the connection end.
    let _ = tokio::time::timeout(BODY_PATIENCE, read).await;
}
