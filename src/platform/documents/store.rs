//! What a home of documents must be able to do, by subject. [`Documents`](super::Documents) builds on it what is the
//! same in every home.

use std::{collections::HashMap, fmt::Debug};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    catalogue::Catalogue,
    chunks::Chunk,
    errors::ErrorGroup,
    items::{Counts, Item, ItemFilter, NewBatch, Stored},
    keys::KnownKey,
    logs::{Levels, NewLines},
    quarantine::{Quarantined, Readmission, Readmitted},
    usage::{Held, Kept},
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// Where documents live.
#[async_trait]
pub trait DocumentStore:
    Attempts + Batches + Items + Quarantine + Keys + Catalogues + Logs + Errors + Removal + Books + Debug + Send + Sync
{
    /// Whether it answers.
    async fn check(&self) -> Result<()>;

    /// An error where it is known to be away; nobody is asked.
    fn trouble(&self) -> Result<()>;

    async fn close(&self);
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
    /// Stores a batch and counts it: items, what goes to quarantine, keys, `fields` (what the items have, duplicates too,
    /// to be added to the task's catalogue), all or nothing. A batch whose number is known changes nothing, and is answered
    /// as it was the first time.
    ///
    /// Where `dedup` is set, `Decided::of` says what becomes of items with a key; no other batch of the same scope
    /// (`scope_of`) may come between reading the keys and writing them, on whatever server.
    async fn store_items(&self, batch: NewBatch, fields: &Catalogue) -> Result<Stored>;

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

    /// Those of these ids that are there, in no order; some hundred at a time.
    async fn items_by_id(&self, ids: &[String]) -> Result<Vec<Item>>;
}

/// Items that were refused. The filters are those of items.
#[async_trait]
pub trait Quarantine {
    /// Newest first. `before` is the id of the last one of the page above.
    async fn quarantined(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Quarantined>>;

    async fn count_quarantined(&self, filter: &ItemFilter) -> Result<i64>;

    /// The next step of a long read, oldest first. At most `limit`, fewer where they are large; none only at the end.
    async fn quarantined_after(&self, filter: &ItemFilter, after: Option<&str>, limit: i64)
    -> Result<Vec<Quarantined>>;

    /// Lets items out: what is still in quarantine is stored with its task as by a batch (keys and catalogue too) and counts
    /// as stored or duplicate, no longer as rejected. All or nothing; what is no longer there is passed over.
    async fn store_readmitted(&self, readmission: Readmission, fields: &Catalogue) -> Result<Readmitted>;

    /// Removes what is there now, in short steps, and says how many. Counts stay.
    async fn delete_quarantined(&self, filter: &ItemFilter) -> Result<i64>;
}

/// What is known of items by their keys, within a spider. Test runs have keys of their own, which nobody asks for.
#[async_trait]
pub trait Keys {
    /// The next keys that became new, other or gone, by that time and then by key: behind the place `after`. A place with
    /// an empty key comes before all of its time.
    async fn changes_after(
        &self,
        spider_id: &SpiderId,
        after: &(DateTime<Utc>, String),
        limit: i64,
    ) -> Result<Vec<KnownKey>>;

    /// Keys that were not seen since that time, and are not gone, are gone from now on. In short steps; says how many.
    async fn mark_gone(&self, spider_id: &SpiderId, not_since: DateTime<Utc>) -> Result<i64>;

    /// What is known of the key.
    async fn known_key(&self, spider_id: &SpiderId, key: &str) -> Result<Option<KnownKey>>;

    /// Items that were stored with this key under [`DedupPolicy::Version`](super::DedupPolicy::Version), newest first.
    /// `before` is the id of the last one of the page above.
    async fn versions(&self, spider_id: &SpiderId, key: &str, before: Option<&str>, limit: i64) -> Result<Vec<Item>>;
}

/// Which fields items have, a catalogue a task.
#[async_trait]
pub trait Catalogues {
    /// Those of the filter (which has no `q` and no `upto`), by task: the next `limit` behind the task `after`.
    async fn catalogues_after(
        &self,
        filter: &ItemFilter,
        after: Option<&TaskId>,
        limit: i64,
    ) -> Result<Vec<(TaskId, Catalogue)>>;

    /// Tasks of the filter's spider or task that keep items but have no catalogue: they were stored before there were any.
    async fn uncatalogued(&self, filter: &ItemFilter) -> Result<Vec<TaskId>>;
}

/// Logs, in chunks of lines that follow each other.
#[async_trait]
pub trait Logs {
    /// See [`Documents::append_lines`](super::Documents::append_lines); there is a line or an error. Both are stored, or
    /// neither.
    async fn store_lines(&self, new: &NewLines) -> Result<()>;

    /// The place of the newest line; 0 where there is none.
    async fn last_seq(&self, task_id: &TaskId) -> Result<i64>;

    /// The next chunks that hold something behind the place `after` and have one of the levels; none at the end.
    async fn chunks_after(&self, task_id: &TaskId, after: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>>;

    /// The chunks that begin before the place `before` and have one of the levels, the last first; none at the beginning.
    async fn chunks_before(&self, task_id: &TaskId, before: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>>;
}

/// Errors of one kind in a spider's logs; they are added with the lines. A spider has at most
/// [`MOST_GROUPS`](super::errors::MOST_GROUPS) kinds.
#[async_trait]
pub trait Errors {
    /// The last seen first. `before` is the last of the page above, by its time and fingerprint.
    async fn error_groups(
        &self,
        spider: &SpiderId,
        before: Option<(DateTime<Utc>, &str)>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<ErrorGroup>>;

    async fn count_error_groups(&self, spider: &SpiderId) -> Result<i64>;

    async fn error_group(&self, spider: &SpiderId, fingerprint: &str) -> Result<Option<ErrorGroup>>;

    /// False where there is none. The next such error is the first one.
    async fn forget_error(&self, spider: &SpiderId, fingerprint: &str) -> Result<bool>;

    async fn forget_errors_of(&self, spider: &SpiderId) -> Result<()>;

    async fn spiders_with_errors(&self) -> Result<Vec<SpiderId>>;
}

/// Removing documents, in short steps: others want to write meanwhile. What is cut off half-way is done to its end by the
/// same call again.
#[async_trait]
pub trait Removal {
    /// Removes the items that there are now, and says how many. Counts and batch numbers stay: the one tells what a
    /// task did, the other keeps a late repetition from bringing items back. Keys stay, and what is seen again is stored
    /// again. Catalogues go where all items of the filter do (it has no `q`).
    async fn delete_items(&self, filter: &ItemFilter) -> Result<i64>;

    /// Removes all that there is of these tasks: items, quarantine, catalogues, counts, batch numbers, lines. Some hundred
    /// at a time. A key that one of them saw last goes, unless its present item is another task's: then it counts as
    /// seen last by that task.
    async fn forget_tasks(&self, tasks: &[TaskId]) -> Result<()>;

    /// Removes the lines of these tasks, some hundred at a time.
    async fn remove_logs(&self, tasks: &[TaskId]) -> Result<()>;

    /// Removes the items of these tasks, also those in quarantine, and catalogues; some hundred at a time. What they counted
    /// stays.
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
