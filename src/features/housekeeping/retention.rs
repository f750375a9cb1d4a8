//! Loop: what is older, or more, than is to be kept → gone. In small steps, the oldest first, so that others write in
//! between and a run that is cut off has done something; several servers may do the same at once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Housekeeping, Removed,
    types::{Part, Rules},
};
use crate::{
    config::Retention as Settings,
    error::Result,
    features::spiders::Retention,
    id::{SpiderId, TaskId},
};

/// Between two steps: others have the disk to themselves.
const PAUSE: Duration = Duration::from_millis(10);

impl Housekeeping {
    pub async fn retain_once(&self) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        let removed = self.retain().await?;
        if !removed.is_nothing() {
            tracing::info!(?removed, "what was to be kept no longer is removed");
        }
        Ok(())
    }

    /// A spider that cannot be done holds up no other; the last error comes at the end.
    pub(super) async fn retain(&self) -> Result<Removed> {
        let mut removed = Removed::default();
        let mut failed = None;
        for spider in self.gone(self.documents.spiders_with_errors().await?).await? {
            self.documents.forget_errors_of(&spider).await?;
        }
        for (spider, own) in self.keepers().await? {
            if self.stop.is_cancelled() {
                return Ok(removed);
            }
            if let Err(error) = self.retain_of(&spider, &own, &mut removed).await {
                tracing::warn!(%error, %spider, "what this spider is to keep no longer cannot be removed");
                failed = Some(error);
            }
        }
        if let Some(before) = self.days_ago(self.settings.fire_days) {
            for schedule in self.schedules_with_fires(before).await? {
                removed.fires += self.in_steps(|| self.remove_fires(&schedule, before)).await?;
            }
        }
        let Settings { alert_days, delivery_days, audit_days, event_days, .. } = self.settings;
        for (table, over, days, removed) in [
            ("alerts", "TRUE", alert_days, &mut removed.alerts),
            ("deliveries", "status <> 'pending'", delivery_days, &mut removed.deliveries),
            ("audit", "TRUE", audit_days, &mut removed.audit),
            ("events", "TRUE", event_days, &mut removed.events),
        ] {
            if let Some(before) = self.days_ago(days) {
                *removed += self.in_steps(|| self.remove_oldest(table, over, before)).await?;
            }
        }
        if !removed.is_nothing() {
            self.documents.give_back().await?;
            self.db.give_back().await?;
        }
        failed.map_or(Ok(removed), Err)
    }

    async fn retain_of(&self, spider: &SpiderId, own: &Retention, removed: &mut Removed) -> Result<()> {
        let rules = Rules::of(&self.settings, own);
        for (days, is_test) in [(rules.task_days, false), (rules.test_task_days, true)] {
            let Some(before) = days.and_then(|days| self.days_ago(days)) else { continue };
            // No id comes before the empty one: what ended at that very moment stays.
            removed.tasks += self.remove_tasks(spider, is_test, &(before, TaskId::from(String::new()))).await?;
        }
        if let Some(most) = rules.tasks
            && let Some(last) = self.last_beyond(spider, most).await?
        {
            removed.tasks += self.remove_tasks(spider, false, &last).await?;
        }
        if let Some(before) = rules.log_days.and_then(|days| self.days_ago(days)) {
            removed.logs += self.remove_part(spider, Part::Log, before).await?;
        }
        if let Some(before) = rules.item_days.and_then(|days| self.days_ago(days)) {
            removed.items += self.remove_part(spider, Part::Items, before).await?;
        }
        if let Some(most) = rules.versions
            && self.has_more_versions(spider, most).await?
        {
            removed.versions += self.remove_versions(spider, most).await?;
        }
        Ok(())
    }

    /// Removes the spider's ended tasks up to that one.
    async fn remove_tasks(&self, spider: &SpiderId, is_test: bool, upto: &(DateTime<Utc>, TaskId)) -> Result<u64> {
        let mut removed = 0;
        loop {
            let ended = self.ended_upto(spider, is_test, upto).await?;
            if ended.is_empty() || self.stop.is_cancelled() {
                return Ok(removed);
            }
            removed += self.tasks.forget(&ended).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Removes the log or the items of the spider's tasks that ended before that time.
    async fn remove_part(&self, spider: &SpiderId, part: Part, before: DateTime<Utc>) -> Result<u64> {
        let mut removed = 0;
        loop {
            let ended = self.ended_with(spider, part, before).await?;
            if ended.is_empty() || self.stop.is_cancelled() {
                return Ok(removed);
            }
            match part {
                Part::Log => self.documents.remove_logs(&ended).await?,
                Part::Items => self.documents.remove_items_of_tasks(&ended).await?,
            }
            removed += self.mark_removed(&ended, part, self.clock.now()).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Repeats a step that says how much it removed, until it finds nothing.
    async fn in_steps<F: Future<Output = Result<u64>>>(&self, step: impl Fn() -> F) -> Result<u64> {
        let mut removed = 0;
        loop {
            let some = step().await?;
            removed += some;
            if some == 0 || self.stop.is_cancelled() {
                return Ok(removed);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// None for 0 days: for ever.
    fn days_ago(&self, days: i64) -> Option<DateTime<Utc>> {
        (days > 0).then(|| self.clock.now() - TimeDelta::days(days))
    }
}
