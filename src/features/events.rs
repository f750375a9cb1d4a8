//! Facts that one feature tells the others. They are rows, written in the transaction that makes them true, so that no
//! crash loses one; who acts on them removes them in the transaction that acts.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use tokio::sync::Notify;

use crate::{
    clock::SharedClock,
    error::Result,
    id::{SpiderId, TaskId},
    platform::database::{Transaction, rows},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    TaskEnded(Box<TaskEnded>),
    TimeUnmet(TimeUnmet),
    SinkFailing(SinkFailing),
    DataDrift(Box<DataDrift>),
    EditorTrouble(Box<EditorTrouble>),
    InstanceTrouble(Box<InstanceTrouble>),
}

/// A task came to its end for good: it is not retried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEnded {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    /// `completed`, `failed` or `cancelled`.
    pub status: String,
    pub is_test: bool,
    /// How often it was started again after a failure.
    pub retry_count: i64,
    pub error_category: Option<String>,
    pub error_message: Option<String>,
    pub total_count: i64,
    pub success_count: i64,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
}

/// A planned time at which the spider did not run as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeUnmet {
    pub schedule_id: String,
    pub schedule_name: String,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub planned_at: DateTime<Utc>,
    /// `missed` or `skipped_overlap`.
    pub outcome: String,
    pub reason: String,
}

/// Items of a spider could not be delivered to a table of its users' for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinkFailing {
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub datasource_name: String,
    pub target_table: String,
    pub failing_since: DateTime<Utc>,
    /// Of the last attempt.
    pub reason: String,
}

/// Something about an editor that its user should hear of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditorTrouble {
    pub session_id: String,
    pub spider_id: SpiderId,
    pub spider_name: String,
    /// The e-mail address of whose editor it is.
    pub user: String,
    pub what: Trouble,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Trouble {
    /// Its files cannot be brought back; it is kept.
    SyncFailed { reason: String },
    /// Files were changed on both sides; the editor's are kept beside.
    Conflicts { paths: Vec<String>, more: usize },
    /// It was closed, and files went with it whose names no spider's file can have.
    LeftOut { paths: Vec<String> },
    /// It is gone; what was saved in it since may be missing.
    Lost { since: DateTime<Utc> },
    /// It ended by itself again and again; its files are saved.
    Crashed { reason: String },
    /// It was closed, as it had written more than one may; its files are saved.
    DiskFull { limit_mb: i64 },
    /// It is going to be closed.
    Closing { at: DateTime<Utc>, is_idle: bool },
}

/// Something about an instance that its user should hear of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceTrouble {
    pub prefix: String,
    /// The e-mail address of whose instance it is.
    pub user: String,
    pub what: Mishap,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Mishap {
    /// It could not be started, or ended again and again.
    GivenUp { reason: String },
    /// It was stopped, as it had written more than one may.
    DiskFull { limit_mb: i64 },
}

/// A completed run brought other data than the runs before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataDrift {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    /// How many runs it was compared with.
    pub runs: i64,
    pub found: Vec<Drift>,
    /// How many more there are.
    pub more: i64,
}

/// One thing that is other than it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Drift {
    /// Filled in `percent` of the items, where it usually is in `usual`.
    FieldGone { field: String, percent: i64, usual: i64 },
    /// Its values are mostly of another type of JSON.
    TypeChanged { field: String, from: String, to: String },
    /// Fewer than half of what is usual (the median).
    FewItems { items: i64, usual: i64 },
}

/// Where facts are recorded.
#[derive(Debug, Clone)]
pub struct Events {
    clock: SharedClock,
    recorded: Arc<Notify>,
}

impl Events {
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, recorded: Arc::default() }
    }

    /// Becomes a fact with the transaction; [`Self::announce`] it then.
    pub async fn record(&self, transaction: &mut Transaction, events: &[Event]) -> Result<()> {
        const BATCH: usize = 500;
        let now = self.clock.now();
        for batch in events.chunks(BATCH) {
            let mut query = transaction
                .query_text(format!("INSERT INTO events (id, event, created_at) VALUES {}", rows(batch.len(), 3)));
            for event in batch {
                query = query.bind(crate::id::new()).bind(Json(event)).bind(now);
            }
            query.execute().await?;
        }
        Ok(())
    }

    /// Wakes who acts on facts.
    pub fn announce(&self) {
        self.recorded.notify_one();
    }

    pub fn wake(&self) -> Arc<Notify> {
        self.recorded.clone()
    }
}
