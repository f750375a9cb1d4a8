//! One attempt, from the server's word to its end.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Agent,
    courier::Told,
    held::{Grip, Holding},
    outbox::Outbox,
    teller::Teller,
};
use crate::{
    protocol::EndTold,
    runner::{Category, End, Job, Outcome, StopReason},
};

impl Agent {
    /// Runs a job, and tells all of it.
    pub(super) async fn run(self: Arc<Self>, mut job: Job, grip: Grip) {
        let holding = &grip.holding;
        if self.stop.is_cancelled() {
            holding.stop.request(StopReason::Shutdown);
        }
        job.api_url = self.server.api_url(&job.token);
        let outbox = match self.outboxes.make(&holding.told()).await {
            Ok(outbox) => Arc::new(outbox),
            Err(error) => {
                tracing::error!(task = %job.task_id, %error, "the attempt has no outbox");
                let message = format!("the node's disk cannot be written: {error}");
                let outcome = Outcome::of_none(End::failed(Category::System, message));
                let end = EndTold { of: holding.told(), outcome, stop: None };
                self.tell_end(holding, &end).await;
                return;
            }
        };
        tracing::info!(task = %job.task_id, attempt = job.attempt, "task {} starts", job.task_id);
        let teller = Teller { agent: self.clone(), holding: holding.clone(), outbox: outbox.clone(), is_former: false };
        let finished = CancellationToken::new();
        let running = async {
            let ended = match self.cache.fetch(&self.server, &job, &holding.stop).await {
                Ok(()) => Box::pin(self.runner.run(&job, &teller, &holding.stop)).await,
                Err(end) => (Outcome::of_none(end), None),
            };
            finished.cancel();
            ended
        };
        let ((outcome, leftovers), told) = futures_util::join!(running, self.tell(holding, &outbox, &finished));
        let stop = holding.stop.requested();
        let end = EndTold { of: holding.told(), outcome, stop };
        let told = self.finish(holding, outbox, end, told).await;
        if let Some(leftovers) = leftovers.filter(|_| told.is_settled()) {
            leftovers.discard().await;
        }
    }

    /// Writes down how the attempt ended, tells it, and forgets the attempt.
    pub(super) async fn finish(&self, holding: &Holding, outbox: Arc<Outbox>, mut end: EndTold, told: Told) -> Told {
        if let Told::All { items, given_up: Some(why) } | Told::NotYet { items, given_up: Some(why) } = &told {
            lacks(&mut end, *items, why);
        }
        if told != Told::Lost
            && let Err(error) = outbox.set_end(&end).await
        {
            tracing::warn!(task = %end.of.task_id, %error, "the end of an attempt cannot be written to the disk");
        }
        let told = match told {
            Told::All { .. } => self.tell_end(holding, &end).await,
            other => other,
        };
        if told.is_settled() {
            outbox.remove().await;
        }
        told
    }
}

/// An attempt of whose messages some were given up, with so many items in them.
pub(super) fn lacks(end: &mut EndTold, items: i64, why: &str) {
    end.outcome.undelivered += items;
    let said = format!("not all that the attempt told could be stored: {why}");
    end.outcome.end = match std::mem::replace(&mut end.outcome.end, End::Cancelled) {
        End::Completed => End::failed(Category::System, said),
        End::Failed { category, message } => End::failed(category, format!("{message}; {said}")),
        End::Cancelled => End::Cancelled,
    };
}
