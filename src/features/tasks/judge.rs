//! What becomes of planned times: pure rules, and what they make of one batch of due schedules.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{
    TaskStatus, Trigger,
    queue::{Active, PlannedTask},
    service::merged,
    types::NewTask,
};
use crate::{
    features::{
        events::{Event, TimeUnmet},
        spiders::{
            Code, Misfire, Overlap,
            cron::Timetable,
            schedules::{Advance, Due, Fire, FireOutcome, PAUSED, Passed},
        },
    },
    id::{SpiderId, TaskId},
    platform::files::Hash,
};

/// A planned time that is later than this without having been judged was missed, and `misfire` decides. Where several
/// passed at once, this holds for the newest; the others are missed.
const GRACE: TimeDelta = TimeDelta::seconds(60);
/// Rows of the ledger in one transaction, more or less: after downtime a schedule has a thousand.
const ROWS: usize = 20_000;

const MADE_UP: &str = "no server could start it in time (none was up, or the clock was set forward); the newest planned \
                       time that passed stands for it";
const NOT_MADE_UP: &str = "no server could start it in time (none was up, or the clock was set forward), and the \
                           schedule does not make up for missed times";
const LATE: &str = "no server could start it in time (none was up, or the clock was set forward)";

/// What one transaction writes.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub advances: Vec<Advance>,
    pub fires: Vec<Fire>,
    pub tasks: Vec<PlannedTask>,
    /// What others are to hear of.
    pub events: Vec<Event>,
    /// Spiders whose former tasks are to end, with the place in `tasks` from which on they are not former.
    pub replaced: HashMap<SpiderId, usize>,
    /// How many of the due schedules were looked at: the rest is for the next transaction.
    pub looked_at: usize,
    /// Why one cannot be judged yet, where that is so.
    pub postponed: Option<String>,
}

/// Of one schedule: all of its planned times up to now, but for whether its spider is free.
struct Verdict {
    /// Those that start nothing, in order.
    closed: Vec<Fire>,
    /// The one that is to start a task, with what is to be said of it.
    due: Option<(DateTime<Utc>, Option<&'static str>)>,
    next: Option<DateTime<Utc>>,
}

/// Judges schedules in their order. `active` is the oldest active task of each spider that has one; `codes` the code of
/// spiders whose rows do not say it.
pub(super) fn judge(due: &[Due], now: DateTime<Utc>, active: Vec<Active>, codes: &HashMap<SpiderId, Hash>) -> Batch {
    let mut busy: HashMap<SpiderId, String> =
        active.into_iter().map(|task| (task.spider_id.clone(), task.sentence())).collect();
    let mut batch = Batch::default();
    let mut plans = Plans::default();
    for schedule in due {
        if batch.fires.len() >= ROWS {
            break;
        }
        batch.looked_at += 1;
        let Some((first, passed)) = plans.of(schedule, now) else {
            batch.postponed = Some(format!("the plan of schedule {} is not understood", schedule.id));
            continue;
        };
        let Some(code) = schedule.code(codes) else {
            batch.postponed = Some(format!("the files of spider {} cannot be had", schedule.spider_id));
            continue;
        };
        batch.take(schedule, verdict(schedule, first, passed, now), now, code, &mut busy);
    }
    batch
}

/// What passed by each plan. Many schedules have the same one: it is worked out once.
#[derive(Default)]
struct Plans<'a> {
    tables: HashMap<(&'a str, &'a str), Option<Timetable>>,
    passed: HashMap<(&'a str, &'a str, DateTime<Utc>), Passed>,
}

impl<'a> Plans<'a> {
    /// The first planned time that nobody judged, and all up to `now`. `None` where the plan is not understood.
    fn of(&mut self, schedule: &'a Due, now: DateTime<Utc>) -> Option<(Option<DateTime<Utc>>, Passed)> {
        let (expr, zone) = (schedule.cron_expr.as_str(), schedule.timezone.as_str());
        let table = self.tables.entry((expr, zone)).or_insert_with(|| schedule.timetable()).as_ref()?;
        // What came again after the clock was set back is over, up to what it started then.
        let first = match schedule.started_at {
            Some(started) => table.next_after(started),
            None => Some(schedule.next_run_at),
        };
        let Some(first) = first else { return Some((None, Passed::nothing(None))) };
        let passed = self.passed.entry((expr, zone, first)).or_insert_with(|| Passed::between(table, first, now));
        Some((Some(first), passed.clone()))
    }
}

impl Batch {
    fn take(
        &mut self,
        schedule: &Due,
        verdict: Verdict,
        now: DateTime<Utc>,
        code: Code,
        busy: &mut HashMap<SpiderId, String>,
    ) {
        let Verdict { closed, due, next } = verdict;
        let from = self.fires.len();
        self.fires.extend(closed);
        let mut started = None;
        if let Some((planned, reason)) = due {
            let without_task = |outcome, reason| Fire::without_task(&schedule.id, planned, outcome, reason);
            let fire = match (within_quota(schedule), busy.get(&schedule.spider_id)) {
                (Err(reason), _) => without_task(FireOutcome::Missed, reason),
                (Ok(()), Some(why)) if schedule.overlap == Overlap::Skip => {
                    without_task(FireOutcome::SkippedOverlap, why.clone())
                }
                (Ok(()), _) => {
                    started = Some(planned);
                    let task = self.start(schedule, planned, code);
                    busy.insert(
                        schedule.spider_id.clone(),
                        format!("task {task} of the spider was queued just before"),
                    );
                    let schedule_id = schedule.id.clone();
                    let (reason, late_ms) = (reason.map(str::to_owned), Some((now - planned).num_milliseconds()));
                    Fire {
                        schedule_id,
                        planned_at: planned,
                        outcome: FireOutcome::Fired,
                        task_id: Some(task),
                        late_ms,
                        reason,
                        earlier: None,
                        earlier_from: None,
                    }
                }
            };
            self.fires.push(fire);
        }
        self.events.extend(unmet(schedule, &self.fires[from..]));
        self.advances.push(Advance { id: schedule.id.clone(), from: schedule.next_run_at, to: next, started });
    }

    fn start(&mut self, schedule: &Due, planned_at: DateTime<Utc>, code: Code) -> TaskId {
        if schedule.overlap == Overlap::Replace {
            // Also what this batch has queued before.
            self.replaced.insert(schedule.spider_id.clone(), self.tasks.len());
        }
        let id = TaskId::generate();
        let task = NewTask {
            id: id.clone(),
            spider_id: schedule.spider_id.clone(),
            spider_name: schedule.spider_name.clone(),
            trigger: Trigger::Schedule,
            priority: schedule.priority,
            max_retries: schedule.max_retries,
            overlap: schedule.overlap,
            params: merged(schedule.spider_params.clone(), schedule.params.clone()),
        };
        self.tasks.push(PlannedTask { task, schedule_id: schedule.id.clone(), code, planned_at });
        id
    }

    /// The tasks of replaced spiders that stay.
    pub(super) fn survivors(&self) -> Vec<&TaskId> {
        let tasks = self.tasks.iter().enumerate();
        let stays = |at: usize, spider: &SpiderId| self.replaced.get(spider).is_some_and(|from| at >= *from);
        tasks.filter(|(at, new)| stays(*at, &new.task.spider_id)).map(|(_, new)| &new.task.id).collect()
    }
}

fn verdict(schedule: &Due, first: Option<DateTime<Utc>>, passed: Passed, now: DateTime<Utc>) -> Verdict {
    let Passed { mut listed, earlier, next } = passed;
    let meant: Vec<DateTime<Utc>> =
        listed.iter().copied().filter(|planned| *planned >= schedule.active_since).collect();
    listed.truncate(listed.len() - meant.len());
    let mut closed: Vec<Fire> = listed
        .into_iter()
        .map(|planned| Fire::without_task(&schedule.id, planned, FireOutcome::SkippedPaused, PAUSED.to_owned()))
        .collect();
    let (why, makes_up) = match schedule.misfire {
        Misfire::RunOnce => (MADE_UP, true),
        Misfire::Skip => (NOT_MADE_UP, false),
    };
    let (due, missed) = match meant.split_last() {
        Some((newest, former)) if now - *newest < GRACE => (Some((*newest, None)), former),
        Some((newest, former)) if makes_up => (Some((*newest, Some(LATE))), former),
        _ => (None, meant.as_slice()),
    };
    let missed = missed.iter();
    closed
        .extend(missed.map(|planned| Fire::without_task(&schedule.id, *planned, FireOutcome::Missed, why.to_owned())));
    if let Some(oldest) = closed.first_mut() {
        oldest.add_earlier(earlier, first.unwrap_or(schedule.next_run_at));
    }
    Verdict { closed, due, next }
}

fn within_quota(schedule: &Due) -> Result<(), String> {
    if schedule.over_quota {
        return Err(
            "the spider keeps as much as its quota allows: delete tasks or items, or raise the quota".to_owned()
        );
    }
    Ok(())
}

/// The newest of the planned times at which the spider should have started, and did not.
fn unmet(schedule: &Due, fires: &[Fire]) -> Option<Event> {
    let is_unmet = |fire: &&Fire| matches!(fire.outcome, FireOutcome::Missed | FireOutcome::SkippedOverlap);
    let newest = fires.iter().rev().find(is_unmet)?;
    Some(Event::TimeUnmet(TimeUnmet {
        schedule_id: schedule.id.to_string(),
        schedule_name: schedule.name.clone(),
        spider_id: schedule.spider_id.clone(),
        spider_name: schedule.spider_name.clone(),
        planned_at: newest.planned_at,
        outcome: newest.outcome.to_string(),
        reason: newest.reason.clone().unwrap_or_default(),
    }))
}

impl Active {
    fn sentence(&self) -> String {
        let id = &self.id;
        match (self.status, self.next_attempt_at) {
            (TaskStatus::Running, _) => format!("task {id} of the spider was still running"),
            (_, Some(at)) => {
                let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                format!("task {id} of the spider was still waiting for its retry at {at}")
            }
            (_, None) => format!("task {id} of the spider was still waiting to be started"),
        }
    }
}
