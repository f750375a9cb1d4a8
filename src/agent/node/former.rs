//! What a former start of the agent left: when nothing of it runs any more, what its attempts found is told, and that they
//! were broken off.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::Node;
use crate::{
    agent::{
        Agent,
        courier::Told,
        held::{Grip, Holding},
        outbox::Outbox,
        teller::Teller,
    },
    platform::process::{
        Moment,
        presence::{Former, Presence},
    },
    protocol::{EndTold, HeldAttempt},
    runner::{Category, End, Outcome, StopReason},
};

/// How often it is looked whether all has ended.
const PERIOD: Duration = Duration::from_millis(250);
/// Nobody knows how much of the lease is left: the first heartbeat says.
const UNKNOWN: Duration = Duration::from_mins(1);

pub(super) struct Past {
    formers: Vec<Former>,
    attempts: Vec<(HeldAttempt, Outbox)>,
}

impl Past {
    pub(super) async fn find(agent: &Agent, presence: &Presence) -> anyhow::Result<Self> {
        let attempts = agent.outboxes.left().await?;
        let kept: Vec<_> = attempts.iter().map(|(of, _)| (of.task_id.clone(), of.attempt)).collect();
        agent.runner.sweep(&kept).await?;
        Ok(Self { formers: presence.former()?, attempts })
    }

    /// Waits until all of it has ended, tells what it left, and that it is gone.
    pub(super) async fn settle(self, node: Arc<Node>) {
        let agent = &node.agent;
        let Self { mut formers, attempts } = self;
        // Held from the first heartbeat on, so that nobody takes them meanwhile.
        let holdings = attempts.into_iter().filter_map(|(of, outbox)| {
            let holding = Holding::former(of, Moment::now() + UNKNOWN);
            Grip::take(agent, holding).map(|grip| (grip, Arc::new(outbox)))
        });
        let holdings: Vec<(Grip, Arc<Outbox>)> = holdings.collect();
        loop {
            let looked = tokio::task::spawn_blocking(move || {
                let all_gone = formers.iter_mut().all(Former::is_gone);
                (formers, all_gone)
            });
            let Ok((left, all_gone)) = looked.await else { return };
            formers = left;
            if all_gone {
                break;
            }
            if agent.quit.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_none() {
                return;
            }
        }
        let told = holdings.into_iter().map(|(grip, outbox)| settle_one(agent.clone(), grip, outbox));
        let told = futures_util::future::join_all(told).await;
        if !told.iter().all(Told::is_settled) {
            return;
        }
        for former in formers {
            let instance = former.worker().rsplit(':').next().unwrap_or_default().to_owned();
            node.gone.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
            former.forget();
        }
    }
}

async fn settle_one(agent: Arc<Agent>, grip: Grip, outbox: Arc<Outbox>) -> Told {
    let holding = &grip.holding;
    let end = match outbox.end().await {
        Some(end) => end,
        None => broken_off(&agent, holding, &outbox).await,
    };
    let finished = CancellationToken::new();
    finished.cancel();
    let told = agent.tell(holding, &outbox, &finished).await;
    agent.finish(holding, outbox, end, told).await
}

/// The end of an attempt that was broken off, once what it found lies in the outbox.
async fn broken_off(agent: &Arc<Agent>, holding: &Arc<Holding>, outbox: &Arc<Outbox>) -> EndTold {
    let of = holding.told();
    tracing::warn!(task = %of.task_id, attempt = of.attempt, "an attempt was broken off with the agent");
    let teller = Teller { agent: agent.clone(), holding: holding.clone(), outbox: outbox.clone(), is_former: true };
    let undelivered = agent.runner.salvage(&of.task_id, of.attempt, &teller).await;
    let message = "the agent of the node was killed or restarted while the spider ran; what the spider had delivered is \
                   kept";
    let end = End::failed(Category::System, message);
    EndTold { of, outcome: Outcome { undelivered, ..Outcome::of_none(end) }, stop: Some(StopReason::Lapsed) }
}
