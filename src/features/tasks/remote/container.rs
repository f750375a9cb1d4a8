//! The container of one attempt takes it, and keeps it.

use std::time::Duration;

use axum::extract::State;
use chrono::TimeDelta;
use tokio::time::{Instant, timeout_at};

use super::{
    super::Tasks,
    holder::{FromContainer, claim_lost},
    millis,
    work::{LONGEST_WAIT, PERIOD},
};
use crate::{
    error::{Error, Result},
    platform::http::{Body, Envelope, Reply},
    protocol::{AttemptAnswer, AttemptBeat, OrderKind, PROTOCOL, Take, Taken, swarm_worker},
    text,
};

/// The attempt, for the first container that asks for it.
#[utoipa::path(post, path = "/attempts/take", tag = "internal", request_body = Take,
    responses((status = 200, body = Envelope<Taken>), (status = 409, description = "`claim_lost`, `image_incompatible`"),
        (status = 503, description = "what the attempt needs is away: to be asked again")))]
pub(super) async fn take(
    State(tasks): State<Tasks>,
    from: FromContainer,
    Body(take): Body<Take>,
) -> Result<Reply<Taken>> {
    if take.protocol != PROTOCOL {
        let text = text!(
            "镜像中的 crawlhub 版本与服务器不兼容",
            "the image has a crawlhub that does not fit this server: build swarm.image from the server's version"
        );
        return Err(Error::conflict("image_incompatible", text));
    }
    let instance = from.instance(&take.machine);
    let lease = tasks.nodes.lease();
    let of = (&from.task_id, from.attempt, swarm_worker(&instance));
    let claim = tasks.take_waiting(of, TimeDelta::from_std(lease).unwrap_or_default()).await?;
    let claim = claim.ok_or_else(claim_lost)?;
    tasks.signals.raise(&claim.task_id);
    // None: it could not be made ready, and has ended. Where that may pass, the container asks again.
    let job = tasks.job_elsewhere(&claim).await?.ok_or_else(claim_lost)?;
    Ok(Reply::data(Taken { job, instance, lease_ms: millis(lease), build_env: tasks.swarm.build_env() }))
}

/// The container goes on with its attempt. Answers at once where there is an order for it, else when there is, or at the
/// end of the wait with none.
#[utoipa::path(post, path = "/attempts/beat", tag = "internal", request_body = AttemptBeat,
    responses((status = 200, body = Envelope<AttemptAnswer>), (status = 409, description = "`claim_lost`")))]
pub(super) async fn beat(
    State(tasks): State<Tasks>,
    from: FromContainer,
    Body(beat): Body<AttemptBeat>,
) -> Result<Reply<AttemptAnswer>> {
    let worker = from.worker(&beat.of).ok_or_else(claim_lost)?;
    let lease = tasks.nodes.lease();
    let end = Instant::now() + Duration::from_millis(beat.wait_ms).min(LONGEST_WAIT).min(lease / 4);
    let mut order = tasks.keep(&worker, &beat.of).await?.map(|order| order.order);
    let waits = |order: Option<OrderKind>| order != Some(OrderKind::Lost) && (beat.is_stopping || order.is_none());
    while waits(order) && Instant::now() < end && !tasks.stop.is_cancelled() {
        let woken = tasks.queued.nodes();
        let mut woken = std::pin::pin!(woken.notified());
        woken.as_mut().enable();
        if !beat.is_stopping && tasks.to_cancel(&worker).await?.contains(&from.task_id) {
            order = Some(OrderKind::Cancel);
            break;
        }
        let next = end.min(Instant::now() + PERIOD);
        tokio::select! {
            _ = timeout_at(next, woken) => {}
            () = tasks.stop.cancelled() => {}
        }
    }
    Ok(Reply::data(AttemptAnswer { now: tasks.clock.now(), lease_ms: millis(lease), order }))
}
