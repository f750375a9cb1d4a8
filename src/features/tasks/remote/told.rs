//! What attempts elsewhere tell: lines, items, their ends.

use axum::extract::State;

use super::{
    super::{Tasks, types::Ending},
    holder::Holder,
};
use crate::{
    error::{Checks, Result},
    platform::http::{Body, Envelope, Reply},
    protocol::{Delivered, EndTold, HeldAttempt, Message, Told},
    runner::{Line, Report},
    text,
};

/// Of an attempt.
const MOST_LINES: i64 = 1 << 40;
/// The platform has something to say itself, beside what a spider may print.
const OWN_WORDS_BYTES: u64 = 1 << 20;

/// Stores lines and items; they are kept when this answers.
#[utoipa::path(post, path = "/nodes/told", tag = "internal", request_body = Told,
    responses((status = 200, description = "kept"), (status = 409, description = "`claim_lost`"),
        (status = 413, description = "`log_full`: the container of an attempt has told more than it may print")))]
pub(super) async fn told(State(tasks): State<Tasks>, holder: Holder, Body(told): Body<Told>) -> Result<Reply> {
    // An image is its author's: what runs in it need not be ours.
    let most = match holder {
        Holder::Node(_) => u64::MAX,
        Holder::Container(_) => tasks.swarm.log_limit_bytes().saturating_add(OWN_WORDS_BYTES),
    };
    for message in &told.messages {
        check(message)?;
    }
    let claim = tasks.held_by(&holder, &told.of).await?;
    let reporter = tasks.reporter_of(&claim).await?;
    for message in &told.messages {
        match message {
            Message::Lines { first, lines } => reporter.keep_lines(*first, &lines.0, most).await?,
            Message::Items { batch, items } => reporter.items(*batch, &items.0).await?,
        }
    }
    Ok(Reply::message(text!("已接收", "received")))
}

/// What [`Line`] promises holds for whoever tells.
fn check(message: &Message) -> Result<()> {
    let Message::Lines { first, lines } = message else { return Ok(()) };
    let mut checks = Checks::default();
    checks.require((0..=MOST_LINES).contains(first), "body.messages.lines.first", "value_error", || {
        text!("须在 0 到 {MOST_LINES} 之间", "must be 0 to {MOST_LINES}")
    });
    checks.require(lines.0.iter().all(Line::is_whole), "body.messages.lines.lines", "value_error", || {
        text!("每行至多 64 KiB，不含空字符与换行", "a line has at most 64 KiB, no NUL and no line end")
    });
    checks.finish()
}

/// Whether any item of the attempt has arrived.
#[utoipa::path(post, path = "/nodes/delivered", tag = "internal", request_body = HeldAttempt,
    responses((status = 200, body = Envelope<Delivered>), (status = 409, description = "`claim_lost`")))]
pub(super) async fn delivered(
    State(tasks): State<Tasks>,
    holder: Holder,
    Body(of): Body<HeldAttempt>,
) -> Result<Reply<Delivered>> {
    let claim = tasks.held_by(&holder, &of).await?;
    let any = tasks.documents.has_batch_of(&claim.task_id, claim.attempt).await?;
    Ok(Reply::data(Delivered { any }))
}

/// Ends the attempt: for good, or to be tried again.
#[utoipa::path(post, path = "/nodes/end", tag = "internal", request_body = EndTold,
    responses((status = 200, description = "written down"), (status = 409, description = "`claim_lost`")))]
pub(super) async fn end(State(tasks): State<Tasks>, holder: Holder, Body(end): Body<EndTold>) -> Result<Reply> {
    let claim = tasks.held_by(&holder, &end.of).await?;
    tasks.reporter_of(&claim).await?.finish_log().await;
    let status = tasks.finish(&claim, &Ending::of(end.outcome, end.stop)).await?;
    tasks.remote.forget(&claim);
    if let Some(status) = status {
        let worker = &claim.worker_id;
        tracing::info!(task = %claim.task_id, worker, %status, "task {} ended elsewhere", claim.task_id);
    }
    tasks.signals.raise(&claim.task_id);
    tasks.queued.notify_one();
    Ok(Reply::message(text!("已记录", "written down")))
}
