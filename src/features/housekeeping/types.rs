use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config,
    features::spiders::Retention,
    id::SpiderId,
    platform::{disk::Room, files::Hash},
};

/// What one run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removed {
    /// Tasks with all that belongs to them.
    pub tasks: u64,
    /// Tasks that stay without their log.
    pub logs: u64,
    /// Tasks that stay without their items.
    pub items: u64,
    pub versions: u64,
    /// Planned times in the ledgers of schedules.
    pub fires: u64,
    pub alerts: u64,
    /// Messages that were delivered or given up.
    pub deliveries: u64,
    pub audit: u64,
    pub events: u64,
    pub blobs: i64,
    pub blob_bytes: i64,
}

impl Removed {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What is kept, in bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Storage {
    /// The disk of the data directory.
    pub disk: Room,
    /// The database's own files. SQLite gives back what deletions free; PostgreSQL uses it again.
    pub database_bytes: i64,
    /// Files by content: code, versions, uploads. Null until they have been counted for the first time.
    pub blobs: Option<Blobs>,
    /// The list of files that cannot be read: while that is so, no blob is removed. Null where all can.
    pub blobs_blocked_by: Option<String>,
    /// As they were sent, as the logs.
    pub items_bytes: i64,
    pub logs_bytes: i64,
    /// Uploaded by tasks.
    pub files_bytes: i64,
    /// The twenty that keep most, the largest first.
    pub spiders: Vec<SpiderStorage>,
}

/// What the last sweep found.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub blobs: Option<Blobs>,
    /// See [`Storage::blobs_blocked_by`].
    pub blocked_by: Option<Hash>,
}

/// Blobs of this server, as they were counted last.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Blobs {
    pub count: i64,
    pub bytes: i64,
    pub counted_at: DateTime<Utc>,
}

/// In bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpiderStorage {
    #[schema(value_type = String)]
    pub spider_id: SpiderId,
    /// Null where the spider is gone and its tasks are not.
    pub name: Option<String>,
    pub items_bytes: i64,
    pub logs_bytes: i64,
    /// Uploaded by its tasks.
    pub files_bytes: i64,
    pub total_bytes: i64,
}

/// What holds for one spider; none: for ever, or all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub task_days: Option<i64>,
    pub tasks: Option<i64>,
    pub test_task_days: Option<i64>,
    pub log_days: Option<i64>,
    pub item_days: Option<i64>,
    pub versions: Option<i64>,
}

impl Rules {
    pub(super) fn of(settings: &config::Retention, own: &Retention) -> Self {
        let rule = |own: Option<i64>, settings: i64| Some(own.unwrap_or(settings)).filter(|limit| *limit > 0);
        let task_days = rule(own.task_days, settings.task_days);
        // A test is kept no longer than what is no test.
        let test_task_days = [rule(None, settings.test_task_days), task_days].into_iter().flatten().min();
        Self {
            task_days,
            tasks: rule(own.tasks, settings.tasks_per_spider),
            test_task_days,
            log_days: rule(own.log_days, settings.log_days),
            item_days: rule(own.item_days, settings.item_days),
            versions: rule(own.versions, settings.versions_per_spider),
        }
    }
}

/// What can be removed of a task that stays.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Log,
    Items,
}

impl Part {
    /// The column that says when it was removed.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Log => "logs_removed_at",
            Self::Items => "items_removed_at",
        }
    }
}
