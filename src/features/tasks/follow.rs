//! Streams of what happens to a task.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;

use super::{Task, TaskStatus, Tasks};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::{
        documents::{ItemFilter, Stream as LogStream},
        http::{Event, event},
    },
};

/// How many lines one look brings at most: a follower's memory.
const STEP: usize = 500;
/// The same of items.
const STEP_ITEMS: i64 = 200;

/// Something that looks at a task again and again until it is over.
pub(super) trait Follow: Send + 'static {
    /// What is new since the last look, and whether there will be no more.
    fn look(&mut self) -> impl Future<Output = Result<(Vec<Event>, bool)>> + Send;
}

impl Tasks {
    /// The follower's events, as they come.
    pub(super) fn follow(&self, task: &TaskId, follower: impl Follow) -> impl Stream<Item = Event> + Send + 'static {
        let signal = self.signals.of(task);
        stream::unfold(Some((signal, follower)), |state| async {
            let (signal, mut follower) = state?;
            let (events, over) = next_events(&signal, &mut follower).await;
            Some((stream::iter(events), (!over).then_some((signal, follower))))
        })
        .flatten()
    }
}

async fn next_events(signal: &Arc<Notify>, follower: &mut impl Follow) -> (Vec<Event>, bool) {
    loop {
        // Registered before looking: a change in between is not missed.
        let changed = Arc::clone(signal).notified_owned();
        tokio::pin!(changed);
        changed.as_mut().enable();
        match follower.look().await {
            Ok((events, over)) if over || !events.is_empty() => return (events, over),
            Ok(_) => {}
            // It was deleted.
            Err(Error::NotFound(_)) => return (vec![], true),
            // The client stays connected; what it misses now it gets when the database is back.
            Err(error) => tracing::warn!(%error, "a follower cannot look"),
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), changed).await;
    }
}

/// Status, progress and counts, when they change.
#[derive(Debug)]
pub(super) struct StatusFollower {
    pub tasks: Tasks,
    pub task: TaskId,
    pub last: Option<Snapshot>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Snapshot {
    task_id: TaskId,
    status: TaskStatus,
    attempt: i64,
    progress: i64,
    progress_message: Option<String>,
    total_count: i64,
    success_count: i64,
    failed_count: i64,
    items_per_second: Option<f64>,
    error_message: Option<String>,
    pending_reason: Option<String>,
    next_attempt_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Task> for Snapshot {
    fn from(task: Task) -> Self {
        Self {
            task_id: task.id,
            status: task.status,
            attempt: task.attempt,
            progress: task.progress,
            progress_message: task.progress_message,
            total_count: task.total_count,
            success_count: task.success_count,
            failed_count: task.failed_count,
            items_per_second: task.items_per_second,
            error_message: task.error_message,
            pending_reason: task.pending_reason,
            next_attempt_at: task.next_attempt_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

impl Follow for StatusFollower {
    async fn look(&mut self) -> Result<(Vec<Event>, bool)> {
        let now = Snapshot::from(self.tasks.get(&self.task).await?);
        let over = now.status.is_final();
        if self.last.as_ref() == Some(&now) {
            return Ok((vec![], over));
        }
        let events = vec![event(None, &now)];
        self.last = Some(now);
        Ok((events, over))
    }
}

/// A test run as its console shows it: what it prints, what it finds, how it ends.
#[derive(Debug)]
pub(super) struct TestFollower {
    pub tasks: Tasks,
    pub task: TaskId,
    pub lines_after: i64,
    pub item_after: Option<String>,
    /// Events of the beginning, before anything is looked at.
    pub first: VecDeque<Event>,
}

#[derive(Serialize)]
struct ConsoleLine<'a> {
    line: &'a str,
    timestamp: DateTime<Utc>,
}

impl Follow for TestFollower {
    async fn look(&mut self) -> Result<(Vec<Event>, bool)> {
        let mut events: Vec<Event> = self.first.drain(..).collect();
        let task = self.tasks.get(&self.task).await?;
        let lines = self.tasks.documents.lines_after(&self.task, self.lines_after, STEP).await?;
        self.lines_after = lines.last().map_or(self.lines_after, |line| line.seq);
        events.extend(lines.iter().map(|line| {
            // The predecessor's console knows two streams.
            let name = if line.stream == LogStream::Stdout { "stdout" } else { "stderr" };
            event(Some(name), &ConsoleLine { line: &line.line, timestamp: line.timestamp })
        }));
        let filter = ItemFilter { task_id: Some(self.task.clone()), ..ItemFilter::default() };
        let documents = &self.tasks.documents;
        let items = match documents.last_item_id(&filter).await? {
            Some(newest) => documents.items_after(&filter, self.item_after.as_deref(), &newest, STEP_ITEMS).await?,
            None => vec![],
        };
        if let Some(last) = items.last() {
            self.item_after = Some(last.id.clone());
        }
        events.extend(items.iter().map(|item| event(Some("item"), &item.data)));
        let over = task.status.is_final() && lines.is_empty() && items.is_empty();
        if over {
            events.push(event(Some("status"), &last_word(&task)));
        }
        Ok((events, over))
    }
}

fn last_word(task: &Task) -> serde_json::Value {
    let duration = task.started_at.zip(task.finished_at).map(|(from, to)| (to - from).as_seconds_f64());
    json!({
        "status": task.status,
        "duration": duration.unwrap_or_default(),
        "exit_code": task.exit_code,
        "error_message": task.error_message,
    })
}
