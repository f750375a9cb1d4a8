use anyhow::ensure;
use serde::Deserialize;

/// How long what is kept; 0: for ever, or all of them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub task_days: i64,
    pub tasks_per_spider: i64,
    pub test_task_days: i64,
    pub log_days: i64,
    pub item_days: i64,
    pub versions_per_spider: i64,
    pub fire_days: i64,
    pub alert_days: i64,
    pub delivery_days: i64,
    pub audit_days: i64,
    pub event_days: i64,
}

impl Retention {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        for (name, days) in [
            ("task_days", self.task_days),
            ("test_task_days", self.test_task_days),
            ("log_days", self.log_days),
            ("item_days", self.item_days),
            ("fire_days", self.fire_days),
            ("alert_days", self.alert_days),
            ("delivery_days", self.delivery_days),
            ("audit_days", self.audit_days),
            ("event_days", self.event_days),
        ] {
            ensure!((0..=36_500).contains(&days), "retention.{name} must be between 0 and 36500");
        }
        for (name, number) in
            [("tasks_per_spider", self.tasks_per_spider), ("versions_per_spider", self.versions_per_spider)]
        {
            ensure!(number >= 0, "retention.{name} must not be negative");
        }
        Ok(())
    }
}
