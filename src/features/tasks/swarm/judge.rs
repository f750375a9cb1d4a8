//! Whether an attempt is over whose container does not say so, and how it ended then.

use chrono::{DateTime, Utc};

use super::{
    super::{
        ErrorCategory, TaskStatus,
        types::{Ending, InSwarm, Interruption},
    },
    Swarm,
    making::is_overdue,
};
use crate::platform::containers::swarm::{Job, JobState};

impl Swarm {
    /// How the attempt of a job ends; none as long as its container is to say so itself. The claim was read after the
    /// job: of one that has ended, all that it had to say had arrived.
    pub(super) fn ending_of(&self, job: &Job, held: &InSwarm, now: DateTime<Utc>) -> Option<Ending> {
        if held.is_waiting() {
            return self.ending_of_start(&job.state, held, now);
        }
        if let JobState::Ended { code, why } = &job.state {
            let message = format!(
                "the container of the task was ended from outside, or its machine was ({}); what the spider had delivered \
                 is kept",
                said(*code, why)
            );
            return Some(Ending { interruption: Some(Interruption::Lost), ..failed(message) });
        }
        is_overdue(job, now).then(|| {
            let message = "the container of the task went on long after the spider's time limit, and was removed";
            Ending::failed(ErrorCategory::Timeout, message.to_owned())
        })
    }

    /// Of an attempt that no container has taken.
    fn ending_of_start(&self, state: &JobState, held: &InSwarm, now: DateTime<Utc>) -> Option<Ending> {
        if held.is_cancelled {
            return Some(Ending {
                status: TaskStatus::Cancelled,
                category: None,
                message: None,
                ..failed(String::new())
            });
        }
        let is_late = held.lease_until < now;
        let seconds = self.settings.swarm.start_seconds;
        match state {
            JobState::Rejected { why } => {
                Some(failed(format!("no machine of the swarm could start the task: {}", said(None, why))))
            }
            JobState::Ended { code, why } => Some(failed(format!(
                "the container of the task ended before it began to run it ({}): the image must be made from the one \
                 that swarm.image names",
                said(*code, why)
            ))),
            JobState::Running if is_late => Some(failed(format!(
                "the container of the task runs, but did not reach the server at {} in {seconds} s",
                self.settings.api_url
            ))),
            JobState::Waiting { why } if is_late => {
                Some(failed(format!("the swarm could not start the task in {seconds} s: {}", said(None, why))))
            }
            JobState::Running | JobState::Waiting { .. } => None,
        }
    }

    /// Of an attempt for which there is no job.
    pub(super) fn ending_without(&self, held: &InSwarm, now: DateTime<Utc>) -> Option<Ending> {
        self.ending_of_start(&JobState::Waiting { why: "it took no job".to_owned() }, held, now)
    }
}

fn failed(message: String) -> Ending {
    Ending::failed(ErrorCategory::System, message)
}

/// The exit code, and what the swarm says, as far as it says something.
fn said(code: Option<i64>, why: &str) -> String {
    match (code, why) {
        (Some(code), "") => format!("exit code {code}"),
        // "task: non-zero exit (137)" says it as well.
        (Some(137), why) => format!("{why}: killed, for want of memory or by somebody"),
        (_, "") => "it does not say why".to_owned(),
        (_, why) => why.to_owned(),
    }
}
