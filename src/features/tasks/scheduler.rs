//! Loop: planned times that have come → tasks, and a row in the ledger for each. It sleeps until the next one.
//!
//! Exactly once, whatever the number of servers: what is due is judged in one transaction that moves each schedule on from
//! where it was, writes the ledger, whose rows are unique, and queues the tasks. Servers take turns; who comes second finds
//! nothing due.

use std::{
    collections::{BTreeSet, HashMap},
    sync::PoisonError,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Tasks,
    ends::fact_of,
    judge::{Batch, judge},
    queue::{self, PlannedTask},
};
use crate::{
    error::Result,
    features::{
        events::Event,
        spiders::{
            Overlap,
            schedules::{self, Due, Held, Place},
        },
    },
    id::{SpiderId, TaskId},
    platform::{database::Transaction, files::Hash},
    runner::StopReason,
};

/// Schedules in one transaction.
const BATCH: i64 = 1000;
/// What a clock may go back without having been set.
const DRIFT: TimeDelta = TimeDelta::seconds(1);
const A_MINUTE: Duration = Duration::from_mins(1);
/// When to look again at what could not be judged.
const AGAIN: Duration = Duration::from_secs(1);

/// What the scheduler remembers from step to step.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When it looked last.
    looked_at: Option<DateTime<Utc>>,
    /// When it last said that something cannot be judged.
    complained_at: Option<Instant>,
}

/// How one transaction went.
struct Step {
    /// The last schedule that was looked at; none where nothing was due.
    last: Option<Place>,
    /// Why one could not be judged.
    postponed: Option<String>,
}

impl Tasks {
    /// Judges everything that is due; how long there is nothing to do then.
    pub async fn start_due(&self) -> anyhow::Result<Duration> {
        self.look_at_clock().await?;
        let (mut place, mut postponed) = (None, None);
        let mut is_due = self.spiders.next_due(None).await?.is_some_and(|next| next <= self.clock.now());
        while is_due && !self.stop.is_cancelled() {
            let step = self.start_batch(place.as_ref()).await?;
            postponed = postponed.or(step.postponed);
            is_due = step.last.is_some();
            place = step.last.or(place);
        }
        // Only now: what is started first would take the machine from what is still to be queued.
        self.queued.notify_one();
        let now = self.clock.now();
        let next = self.spiders.next_due(postponed.is_some().then_some(now)).await?;
        let pause = next.map_or(Duration::MAX, |next| (next - now).to_std().unwrap_or_default());
        let Some(why) = postponed else { return Ok(pause) };
        self.complain(&why);
        Ok(pause.min(AGAIN))
    }

    /// Has schedules planned again where the clock was set back since the last step, and at the first step, as nobody
    /// knows then.
    async fn look_at_clock(&self) -> Result<()> {
        let now = self.clock.now();
        let former = self.scheduler.lock().unwrap_or_else(PoisonError::into_inner).looked_at;
        if former.is_none_or(|former| now < former - DRIFT) {
            self.spiders.plan_again().await?;
        }
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner).looked_at = Some(now);
        Ok(())
    }

    /// At most once a minute.
    fn complain(&self, why: &str) {
        let mut memory = self.scheduler.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.complained_at.is_none_or(|at| at.elapsed() > A_MINUTE) {
            memory.complained_at = Some(Instant::now());
            tracing::warn!("a schedule that is due waits: {why}");
        }
    }

    /// Judges the next schedules that are due, in the place after `after`.
    async fn start_batch(&self, after: Option<&Place>) -> Result<Step> {
        let codes = self.codes_for(after).await?;
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("scheduler").await?;
        let now = self.clock.now();
        let Held { due, last, unreadable } = schedules::hold(&mut transaction, now, after, BATCH).await?;
        let active = queue::oldest_active(&mut transaction, &skipping(&due)).await?;
        let batch = judge(&due, now, active, &codes);
        // What was not looked at is for the next step.
        let last = if batch.looked_at < due.len() {
            due.get(..batch.looked_at).and_then(<[Due]>::last).map(|last| (last.next_run_at, last.id.clone()))
        } else {
            last
        };
        let postponed = batch.postponed.clone().or(unreadable);
        if batch.advances.is_empty() {
            return Ok(Step { last, postponed });
        }
        let Some(replaced) = self.write(&mut transaction, batch, now).await? else {
            return Ok(Step { last, postponed: Some("another server has just judged it".to_owned()) });
        };
        transaction.commit().await?;
        self.events.announce();
        for task in &replaced {
            // Where it runs elsewhere, that server finds out by itself.
            self.stop_here(task, StopReason::Cancelled);
            self.signals.raise(task);
        }
        Ok(Step { last, postponed })
    }

    /// The tasks that are replaced; `None` where somebody else has moved a schedule on: nothing of it may stay.
    async fn write(
        &self,
        transaction: &mut Transaction,
        batch: Batch,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<TaskId>>> {
        if schedules::advance(transaction, &batch.advances).await? < batch.advances.len() {
            return Ok(None);
        }
        schedules::record(transaction, &batch.fires).await?;
        let spiders: Vec<&SpiderId> = batch.replaced.keys().collect();
        let survivors = batch.survivors();
        let tasks: Vec<&PlannedTask> = batch.tasks.iter().collect();
        queue::insert_all(transaction, &tasks, now).await?;
        let (cancelled, stopping) = queue::replace(transaction, &spiders, &survivors, now).await?;
        let mut events = batch.events;
        let mut replaced = stopping;
        for task in cancelled {
            replaced.push(task.id.clone());
            events.push(Event::TaskEnded(Box::new(fact_of(task, now))));
        }
        self.events.record(transaction, &events).await?;
        Ok(Some(replaced))
    }

    /// The code of spiders of due schedules whose rows do not say it. One that cannot be had now is left out.
    async fn codes_for(&self, after: Option<&Place>) -> Result<HashMap<SpiderId, Hash>> {
        let mut codes = HashMap::new();
        for spider in self.spiders.due_without_code(self.clock.now(), after, BATCH).await? {
            match self.spiders.code_of_files(&spider).await {
                Ok(code) => {
                    codes.insert(spider, code);
                }
                // Whoever judges says so.
                Err(error) => tracing::debug!(%error, %spider, "its files cannot be had yet: its schedules wait"),
            }
        }
        Ok(codes)
    }
}

/// Spiders that do not start while a task of theirs is active.
fn skipping(due: &[Due]) -> Vec<&SpiderId> {
    let skipping: BTreeSet<&SpiderId> =
        due.iter().filter(|schedule| schedule.overlap == Overlap::Skip).map(|schedule| &schedule.spider_id).collect();
    skipping.into_iter().collect()
}
