//! What a home of documents must be able to do, by subject. [`Documents`](super::Documents) builds on it what is the
//! same in every home.

use std::{collections::HashMap, fmt::Debug};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    items::{Counts, Item, ItemFilter, NewBatch, Stored},
    logs::{Chunk, LogLine},
    usage::{Held, Kept},
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// Where documents live.
#[async_trait]
pub trait DocumentStore: Attempts + Batches + Items + Logs + Removal + Books + Debug + Send + Sync {
    /// Whether it answers.
    async fn check(&self) -> Result<()>;
}

/// Which attempt of a task may add to it: the newest, until it has ended. What an earlier one still sends is refused and
/// changes nothing.
#[async_trait]
pub trait Attempts {
    /// From now on this attempt alone may add to the task; nothing changes where a later one has begun.
    async fn open_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<()>;

    /// The attempt adds nothing any more. What the task has then.
    async fn close_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<Counts>;
}

/// Items as they arrive, and the counts that change with them.
#[async_trait]
pub trait Batches {
    /// Stores a batch and counts it, both or neither; `rejected` were taken out of it before. A batch whose number is known
    /// changes nothing.
    async fn store_items(&self, batch: NewBatch, rejected: i64) -> Result<Stored>;

    /// Whether a batch of this attempt has been stored; the task's counts go over all attempts.
    async fn has_batch_of(&self, task_id: &TaskId, attempt: i64) -> Result<bool>;

    /// A task that has sent nothing yet is left out.
    async fn counts(&self, task_ids: &[TaskId]) -> Result<HashMap<TaskId, Counts>>;
}

/// Reading items.
#[async_trait]
pub trait Items {
    /// Newest first. `before` is the id of the last item of the page above.
    async fn items(&self, filter: &ItemFilter, before: Option<&str>, offset: i64, limit: i64) -> Result<Vec<Item>>;

    /// By looking at each; [`held`](Books::held) knows at once where nothing is searched for.
    async fn count_items(&self, filter: &ItemFilter) -> Result<i64>;

    /// The newest item there is: the end of a long read that must not run after what still arrives.
    async fn last_item_id(&self, filter: &ItemFilter) -> Result<Option<String>>;

    /// The next step of a long read, oldest first: after the item `after`, up to and with the item `upto`. At most
    /// `limit` items, fewer where they are large; none only at the end.
    async fn items_after(&self, filter: &ItemFilter, after: Option<&str>, upto: &str, limit: i64) -> Result<Vec<Item>>;

    /// The same the other way, newest first: before the item `before`, down to and with the item `from`.
    async fn items_before(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        from: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Item>>;
}

/// Logs, in chunks of lines that follow each other.
#[async_trait]
pub trait Logs {
    /// See [`Documents::append_lines`](super::Documents::append_lines); there is at least one.
    async fn store_lines(
        &self,
        task_id: &TaskId,
        spider_id: &SpiderId,
        attempt: i64,
        first_seq: i64,
        lines: &[LogLine],
    ) -> Result<()>;

    /// The place of the newest line; 0 where there is none.
    async fn last_seq(&self, task_id: &TaskId) -> Result<i64>;

    /// The next chunks that hold something behind the place `after`; none at the end.
    async fn chunks_after(&self, task_id: &TaskId, after: i64, limit: i64) -> Result<Vec<Chunk>>;

    /// The chunks that begin before the place `before`, the last first; none at the beginning.
    async fn chunks_before(&self, task_id: &TaskId, before: i64, limit: i64) -> Result<Vec<Chunk>>;
}

/// Removing documents, in short steps: others want to write meanwhile. What is cut off half-way is done to its end by the
/// same call again.
#[async_trait]
pub trait Removal {
    /// Removes the items that there are now, and says how many. Counts and batch numbers stay: the one tells what a
    /// task did, the other keeps a late repetition from bringing items back.
    async fn delete_items(&self, filter: &ItemFilter) -> Result<i64>;

    /// Removes all that there is of these tasks: items, counts, batch numbers, lines. Some hundred at a time.
    async fn forget_tasks(&self, tasks: &[TaskId]) -> Result<()>;

    /// Removes the lines of these tasks, some hundred at a time.
    async fn remove_logs(&self, tasks: &[TaskId]) -> Result<()>;

    /// Removes the items of these tasks, some hundred at a time. What they counted stays.
    async fn remove_items_of_tasks(&self, tasks: &[TaskId]) -> Result<()>;

    /// Gives the room of what was removed back to the disk.
    async fn give_back(&self) -> Result<()>;
}

/// How much there is.
#[async_trait]
pub trait Books {
    /// Of the file they lie in, in bytes; 0 where they lie with everything else, or on another machine.
    async fn own_size(&self) -> Result<i64>;

    /// Of the tasks and spiders that the filter names, tests or not; its `q` and `upto` do not matter.
    async fn held(&self, filter: &ItemFilter) -> Result<Held>;

    /// By the spider's tasks.
    async fn kept_of(&self, spider: &SpiderId) -> Result<Kept>;

    /// Also of spiders that are gone, as long as a task of theirs is there.
    async fn kept_by_spider(&self) -> Result<HashMap<SpiderId, Kept>>;

    /// When the task last printed or delivered something, as far as there is anything of it.
    async fn last_sign(&self, task_id: &TaskId) -> Result<Option<DateTime<Utc>>>;
}
