//! One supervised process, from its start to its end: its output, its limits of time, the word to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::ending::Intervention;
use super::job::{Stop, StopReason};
use super::output::{LogBudget, Remains, drain};
use super::places::Place;
use super::report::{Report, Reporter};
use crate::platform::documents::Stream;
use crate::platform::process::{Cause, Child, Event, Exit, Output, Usage};

/// So that a time limit can be added to any time.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// What is to be done with a process while it runs.
pub(super) struct Watch<'a, R> {
    pub(super) reporter: &'a Reporter<'a, R>,
    pub(super) stop: &'a Stop,
    pub(super) budget: &'a LogBudget,
    pub(super) limit: Duration,
    pub(super) grace: Duration,
    /// What its stdout and stderr are called.
    pub(super) streams: (Stream, Stream),
    /// Where to, and how many bytes of, stdout is copied.
    pub(super) copy: Option<(Place, u64)>,
    /// Ends when the process has.
    pub(super) ended: CancellationToken,
}

pub(super) struct Watched {
    pub(super) exit: Exit,
    /// Why it was ended, if not by itself.
    pub(super) why: Option<Intervention>,
    pub(super) remains: Remains,
    pub(super) duration: Duration,
}

impl<R: Report> Watch<'_, R> {
    /// Until nothing of the tree is left and all it printed is told.
    pub(super) async fn run(mut self, mut child: Child, output: Output) -> Watched {
        let usage = watch::Sender::new(Usage::default());
        let copy = self.copy.take();
        let start = Instant::now();
        self.limit = self.limit.min(LONGEST);
        let ending = async {
            let (exit, why) = self.wait(&mut child, &usage, start).await;
            let duration = start.elapsed();
            self.ended.cancel();
            (exit, why, duration)
        };
        let draining = drain(self.reporter, self.budget, output, self.streams, copy, &self.ended);
        let telling = self.tell_usage(usage.subscribe());
        let ((exit, why, duration), remains, ()) = futures_util::join!(ending, draining, telling);
        Watched { exit, why, remains, duration }
    }

    async fn wait(
        &self,
        child: &mut Child,
        usage: &watch::Sender<Usage>,
        start: Instant,
    ) -> (Exit, Option<Intervention>) {
        let mut why = None;
        let mut until = None;
        loop {
            let intervention = tokio::select! {
                event = child.next() => match event {
                    Event::Usage(present) => {
                        usage.send_replace(present);
                        continue;
                    }
                    Event::Ended(exit) => {
                        if exit.cause == Cause::Lapsed && why.is_none() {
                            self.stop.request(StopReason::Lapsed);
                            why = Some(Intervention::Stopped(StopReason::Lapsed));
                        }
                        return (exit, why);
                    }
                },
                another = self.stop.wait_for_another(until) => {
                    until = Some(another);
                    child.allow_until(another).await;
                    continue;
                }
                reason = self.stop.wait(), if why.is_none() => Intervention::Stopped(reason),
                () = sleep_until(start + self.limit), if why.is_none() => Intervention::TimedOut(self.limit),
                () = self.reporter.wait_for_trouble(), if why.is_none() => Intervention::Trouble,
            };
            why = Some(intervention);
            child.stop(self.grace).await;
        }
    }

    /// Apart from `wait`, which a slow report must not hold up.
    async fn tell_usage(&self, mut usage: watch::Receiver<Usage>) {
        while let Some(Ok(())) = self.ended.run_until_cancelled(usage.changed()).await {
            let present = *usage.borrow_and_update();
            self.ended.run_until_cancelled(self.reporter.usage(present)).await;
        }
    }
}
