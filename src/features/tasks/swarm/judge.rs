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
                "the container of the task was ended from outside, or its machine was: {}; what the spider had delivered \
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
        (Some(137), why) => format!("{why}, killed by somebody or for want of memory"),
        (_, "") => "it does not say why".to_owned(),
        (_, why) => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use sqlx::types::Json;

    use super::*;
    use crate::{
        config::{Config, Sources},
        features::tasks::{SwarmSettings, swarm::making::UNTIL_LABEL, types::Claim},
        id::{SpiderId, TaskId},
    };

    fn swarm() -> Swarm {
        let config = Config::load(&Sources::new(None, [])).unwrap();
        let api_url = "http://server:8000".to_owned();
        let build_time = std::time::Duration::from_mins(10);
        Swarm::new(SwarmSettings { swarm: config.swarm, api_url, tasks: config.tasks, build_time }, "one")
    }

    fn held(worker: &str, left: TimeDelta) -> InSwarm {
        let claim = Claim {
            task_id: TaskId::generate(),
            spider_id: SpiderId::generate(),
            attempt: 1,
            worker_id: worker.to_owned(),
            is_test: false,
            deployment_id: None,
            deployment_version: None,
            code_hash: String::new(),
            params: Json::default(),
        };
        InSwarm { claim, lease_until: DateTime::UNIX_EPOCH + left, is_cancelled: false }
    }

    fn job(state: JobState) -> Job {
        let until = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let labels = [(UNTIL_LABEL.to_owned(), until.to_rfc3339())].into();
        Job { id: "1".to_owned(), name: "a".to_owned(), labels, state }
    }

    fn why(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_runs_ends_by_its_own_word_unless_it_hangs() {
        let (swarm, held) = (swarm(), held("swarm:east-1:x", TimeDelta::minutes(5)));
        let now = DateTime::UNIX_EPOCH;
        assert!(swarm.ending_of(&job(JobState::Running), &held, now).is_none());
        // Its machine is gone: the lease says so, not the swarm.
        assert!(swarm.ending_of(&job(JobState::Waiting { why: String::new() }), &held, now).is_none());
        let ended = job(JobState::Ended { code: Some(137), why: why("task: non-zero exit (137)") });
        let ending = swarm.ending_of(&ended, &held, now).unwrap();
        assert_eq!((ending.status, ending.interruption), (TaskStatus::Failed, Some(Interruption::Lost)));
        let ending = swarm.ending_of(&job(JobState::Running), &held, now + TimeDelta::hours(2)).unwrap();
        assert_eq!((ending.category, ending.interruption), (Some(ErrorCategory::Timeout), None));
    }

    #[test]
    fn what_does_not_start_says_why() {
        let (swarm, now) = (swarm(), DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        let (early, late) = (held("swarm:", TimeDelta::minutes(5)), held("swarm:", TimeDelta::seconds(59)));
        let unplaced =
            || JobState::Waiting { why: why("no suitable node (scheduling constraints not satisfied on 3 nodes)") };
        let said = |state: JobState, held: &InSwarm| {
            let ending = swarm.ending_of(&job(state), held, now)?;
            assert_eq!((ending.category, ending.interruption), (Some(ErrorCategory::System), None));
            ending.message
        };
        assert_eq!(said(unplaced(), &early), None);
        assert!(said(unplaced(), &late).unwrap().contains("no suitable node"));
        assert_eq!(said(JobState::Running, &early), None);
        assert!(said(JobState::Running, &late).unwrap().contains("did not reach the server at http://server:8000"));
        let rejected = JobState::Rejected { why: why("No such image: a:b") };
        assert!(said(rejected, &early).unwrap().contains("No such image: a:b"));
        let ended = JobState::Ended { code: Some(127), why: String::new() };
        assert!(said(ended, &early).unwrap().contains("exit code 127"));
        let cancelled = InSwarm { is_cancelled: true, ..early };
        let ending = swarm.ending_of(&job(JobState::Running), &cancelled, now).unwrap();
        assert_eq!((ending.status, ending.message), (TaskStatus::Cancelled, None));
        assert!(swarm.ending_without(&held("swarm:", TimeDelta::minutes(5)), now).is_none());
    }
}
