//! Whether an attempt is over whose container does not say so, and how it ended then.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    super::{
        ErrorCategory, TaskStatus,
        types::{Ending, InSwarm, Interruption},
        watchdog::ELSEWHERE_RETURNS,
    },
    Swarm, Well,
    making::{GRACE, is_overdue},
};
use crate::platform::containers::swarm::{Job, JobState, is_full};

/// When it is judged, and for how long containers could reach the server without a break until then: before, one may have
/// had something to say, and called in vain.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub now: DateTime<Utc>,
    well_from: DateTime<Utc>,
    well_for: Duration,
}

impl View {
    /// Without `well`, it begins now.
    pub(super) fn of(well: Option<Well>, now: DateTime<Utc>) -> Self {
        let well_for = well.map_or(Duration::ZERO, |well| well.since.elapsed());
        Self { now, well_from: well.map_or(now, |well| well.from), well_for }
    }

    /// Whether the time is over in which the container was to take the attempt.
    fn is_late(&self, held: &InSwarm) -> bool {
        let could_call = held.started_at >= self.well_from || self.well_for >= ELSEWHERE_RETURNS;
        held.lease_until < self.now && could_call
    }

    /// Whether the job should be gone. What its container kept while the server was away has its time to arrive.
    fn is_overdue(&self, job: &Job) -> bool {
        is_overdue(job, self.now) && self.well_for >= GRACE
    }
}

impl Swarm {
    /// How the attempt of a job ends; none as long as its container is to say so itself. The claim was read after the
    /// job: of one that has ended, all that it had to say had arrived.
    pub(super) fn ending_of(&self, job: &Job, held: &InSwarm, view: View) -> Option<Ending> {
        if held.is_waiting() {
            return self.ending_of_start(&job.state, held, view);
        }
        if let JobState::Ended { code, why } = &job.state {
            let message = format!(
                "the container of the task was ended from outside, or its machine was: {}; what the spider had delivered \
                 is kept",
                said(*code, why)
            );
            return Some(lost(message));
        }
        view.is_overdue(job).then(|| {
            let message = "the container of the task went on long after the spider's time limit, and was removed";
            Ending::failed(ErrorCategory::Timeout, message.to_owned())
        })
    }

    /// Of an attempt that no container has taken.
    fn ending_of_start(&self, state: &JobState, held: &InSwarm, view: View) -> Option<Ending> {
        let is_late = view.is_late(held);
        let seconds = self.settings.swarm.start_seconds;
        match state {
            JobState::Rejected { why } => {
                Some(failed(format!("no machine of the swarm could start the task: {}", said(None, why))))
            }
            JobState::Ended { code, why } if !is_own_failure(*code) => Some(lost(format!(
                "the container of the task ended before it began to run it ({}): its machine was drained or restarted, or \
                 the image is not made from the one that swarm.image names",
                said(*code, why)
            ))),
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
                let ending = failed(format!("the swarm could not start the task in {seconds} s: {}", said(None, why)));
                // The spider has not failed: it waits for its turn again, though not for ever.
                let interruption = is_full(why).then_some(Interruption::Lost);
                Some(Ending { interruption, ..ending })
            }
            JobState::Running | JobState::Waiting { .. } => None,
        }
    }

    /// Of an attempt for which there is no job: it was not tried, whoever was away.
    pub(super) fn ending_without(&self, held: &InSwarm, now: DateTime<Utc>) -> Option<Ending> {
        let seconds = self.settings.swarm.start_seconds;
        (held.lease_until < now).then(|| {
            lost(format!("the swarm, or the server, was away: there was no job of the task after {seconds} s"))
        })
    }
}

/// Of a task that somebody cancelled before a container took it.
pub(super) fn cancelled() -> Ending {
    Ending { status: TaskStatus::Cancelled, category: None, message: None, ..failed(String::new()) }
}

fn lost(message: String) -> Ending {
    Ending { interruption: Some(Interruption::Lost), ..failed(message) }
}

/// Whether what a container ran failed, or could not be started: not where it was told to end, or was killed.
fn is_own_failure(code: Option<i64>) -> bool {
    code.is_some_and(|code| (1..=128).contains(&code))
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
        let build_env = Vec::new();
        Swarm::new(SwarmSettings { swarm: config.swarm, api_url, tasks: config.tasks, build_time, build_env }, "one")
    }

    /// Of a server that has been up for so long.
    fn view(now: DateTime<Utc>, well_for: Duration) -> View {
        View { now, well_from: now - well_for, well_for }
    }

    const LONG: Duration = Duration::from_hours(3);

    /// Begun an hour before the epoch.
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
        let started_at = DateTime::UNIX_EPOCH - TimeDelta::hours(1);
        InSwarm { claim, started_at, lease_until: DateTime::UNIX_EPOCH + left, is_cancelled: false }
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
        assert!(swarm.ending_of(&job(JobState::Running), &held, view(now, LONG)).is_none());
        // Its machine is gone: the lease says so, not the swarm.
        let waiting = job(JobState::Waiting { why: String::new() });
        assert!(swarm.ending_of(&waiting, &held, view(now, LONG)).is_none());
        let ended = job(JobState::Ended { code: Some(137), why: why("task: non-zero exit (137)") });
        let ending = swarm.ending_of(&ended, &held, view(now, LONG)).unwrap();
        assert_eq!((ending.status, ending.interruption), (TaskStatus::Failed, Some(Interruption::Lost)));
        let ending =
            |well_for| swarm.ending_of(&job(JobState::Running), &held, view(now + TimeDelta::hours(2), well_for));
        let hung = ending(LONG).unwrap();
        assert_eq!((hung.category, hung.interruption), (Some(ErrorCategory::Timeout), None));
        // What ended while no server was up is about to say so.
        assert!(ending(Duration::from_mins(4)).is_none());
    }

    #[test]
    fn what_does_not_start_says_why() {
        let (swarm, now) = (swarm(), DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        let (early, late) = (held("swarm:", TimeDelta::minutes(5)), held("swarm:", TimeDelta::seconds(59)));
        let unplaced =
            || JobState::Waiting { why: why("no suitable node (scheduling constraints not satisfied on 3 nodes)") };
        let said = |state: JobState, held: &InSwarm| {
            let ending = swarm.ending_of(&job(state), held, view(now, LONG))?;
            assert_eq!((ending.category, ending.interruption), (Some(ErrorCategory::System), None));
            ending.message
        };
        assert_eq!(said(unplaced(), &early), None);
        assert!(said(unplaced(), &late).unwrap().contains("no suitable node"));
        let full = || job(JobState::Waiting { why: why("no suitable node (insufficient resources on 3 nodes)") });
        assert!(swarm.ending_of(&full(), &early, view(now, LONG)).is_none());
        let ending = swarm.ending_of(&full(), &late, view(now, LONG)).unwrap();
        assert_eq!(ending.interruption, Some(Interruption::Lost), "it is tried again");
        assert!(ending.message.unwrap().contains("insufficient resources"));
        assert_eq!(said(JobState::Running, &early), None);
        assert!(said(JobState::Running, &late).unwrap().contains("did not reach the server at http://server:8000"));
        let rejected = JobState::Rejected { why: why("No such image: a:b") };
        assert!(said(rejected, &early).unwrap().contains("No such image: a:b"));
        for code in [1, 127, 128] {
            let ended = JobState::Ended { code: Some(code), why: String::new() };
            assert!(said(ended, &early).unwrap().contains(&format!("exit code {code}")));
        }
    }

    #[test]
    fn what_is_taken_from_it_before_it_begins_is_tried_again() {
        let (swarm, now) = (swarm(), DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        let (early, late) = (held("swarm:", TimeDelta::minutes(5)), held("swarm:", TimeDelta::seconds(59)));
        for code in [None, Some(0), Some(137), Some(143)] {
            let ended = job(JobState::Ended { code, why: why("its machine is drained") });
            let ending = swarm.ending_of(&ended, &early, view(now, LONG)).unwrap();
            assert_eq!((ending.status, ending.interruption), (TaskStatus::Failed, Some(Interruption::Lost)));
        }
        // There is no job, as it could not be made.
        assert!(swarm.ending_without(&early, now).is_none());
        assert_eq!(swarm.ending_without(&late, now).unwrap().interruption, Some(Interruption::Lost));
    }

    #[test]
    fn who_could_not_call_is_not_late() {
        let (swarm, now) = (swarm(), DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        let late = held("swarm:", TimeDelta::seconds(59));
        let is_late = |view| swarm.ending_of(&job(JobState::Running), &late, view).is_some();
        // The server was away, or the swarm, when the attempt was claimed.
        assert!(!is_late(View::of(None, now)));
        assert!(!is_late(view(now, Duration::from_secs(59))));
        assert!(is_late(view(now, ELSEWHERE_RETURNS)));
        // It was up all the time, if not for long.
        assert!(is_late(View { well_from: late.started_at, ..view(now, Duration::from_secs(1)) }));
    }
}
