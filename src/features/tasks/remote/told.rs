//! What attempts elsewhere tell: lines, items, their ends.

use axum::extract::State;

use super::{
    super::{Tasks, types::Ending},
    holder::Holder,
};
use crate::{
    error::{Error, Result},
    platform::http::{Body, Envelope, Reply},
    protocol::{Delivered, EndTold, HeldAttempt, Message, Told},
    runner::Report,
    text,
};

/// Of a node that is wrong, or not ours.
const MOST_MESSAGES: usize = 1000;

/// Stores lines and items; they are kept when this answers.
#[utoipa::path(post, path = "/nodes/told", tag = "internal", request_body = Told,
    responses((status = 200, description = "kept"), (status = 409, description = "`claim_lost`")))]
pub(super) async fn told(State(tasks): State<Tasks>, holder: Holder, Body(told): Body<Told>) -> Result<Reply> {
    if told.messages.len() > MOST_MESSAGES {
        let text = text!("至多 {MOST_MESSAGES} 条", "at most {MOST_MESSAGES}");
        return Err(Error::invalid("body.messages", "too_long", text));
    }
    let claim = tasks.held_by(&holder, &told.of).await?;
    let reporter = tasks.reporter_of(&claim).await?;
    for message in &told.messages {
        match message {
            Message::Lines { first, lines } => reporter.lines(*first, lines).await?,
            Message::Items { batch, items } => reporter.items(*batch, items).await?,
        }
    }
    Ok(Reply::message(text!("已接收", "received")))
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
