//! Schedules that wait for a time that is not their next: planned again from now.

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::Spiders, Schedule, ledger, store};
use crate::error::Result;

impl Spiders {
    /// A clock that was far ahead for a while has moved schedules on to times far ahead, and from an expression that was
    /// not understood nothing came. Looks at all that wait, and brings them back to the first planned time to come.
    pub async fn plan_again(&self) -> Result<()> {
        let now = self.clock.now();
        for waiting in self.waiting_schedules(now).await? {
            if waiting.comes_sooner(now).is_none() {
                continue;
            }
            let mut transaction = self.change_schedules(&waiting.spider_id).await?;
            // Again, now that nobody else changes it.
            if let Some(schedule) = store::get_in(&mut transaction, &waiting.id).await?
                && let Some(first) = schedule.comes_sooner(now)
                && let Ok(table) = schedule.timetable()
            {
                let before = first - TimeDelta::seconds(1);
                let next = ledger::next_free(&mut transaction, &schedule.id, &table, before).await?;
                store::set_next(&mut transaction, &schedule.id, next).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }
}

impl Schedule {
    /// The first planned time after `now`, where it is another than the one it waits for, and sooner.
    fn comes_sooner(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.timetable().ok()?.next_after(now.max(self.active_since))?;
        self.next_run_at.is_none_or(|waits| waits > now && next < waits).then_some(next)
    }
}
