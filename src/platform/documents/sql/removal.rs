//! Removing documents, in short transactions: on `SQLite` others wait for the only writer. What is cut off half-way is
//! done to its end by the same call again.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    SqlStore,
    batches::{Freed, free},
    items::Way,
    search::Selection,
};
use crate::{
    error::Result,
    id::TaskId,
    platform::{
        database::{Query, in_list},
        documents::{
            items::{ItemFilter, count},
            store::{Items, Logs, Quarantine, Removal},
        },
    },
};

/// Of one transaction; fewer where items are large.
const ITEMS: i64 = 1000;
/// Of one transaction: at most some 25 MB.
const CHUNKS: i64 = 100;
const BATCH_NUMBERS: i64 = 2000;
/// Tasks lighter than that go together: about as many items, that many kilobytes of them, or a tenth of it of lines.
const HEAVY: i64 = 2000;
/// Of whole tasks; see [`SqlStore::at_once`].
const FORGET_ITEMS: &str = "
    UPDATE item_counts SET item_bytes = 0, items_altered = items_altered + items_kept, items_kept = 0;
    DELETE FROM items; DELETE FROM quarantine; DELETE FROM catalogues";
/// Of each step: two servers that remove the same rows could wait for each other.
pub(super) const TURN: &str = "removal";

/// Tasks by what it costs to remove them.
#[derive(Default)]
struct Groups {
    /// Each for itself, step by step.
    heavy: Vec<TaskId>,
    /// Each in one transaction.
    light: Vec<Vec<TaskId>>,
}

#[async_trait]
impl Removal for SqlStore {
    async fn delete_items(&self, filter: &ItemFilter) -> Result<i64> {
        let removed = self.remove_items(filter).await?;
        if filter.q.is_none() && filter.upto.is_none() {
            Selection::of(filter).query(&self.db, "DELETE FROM catalogues :where").execute().await?;
        }
        if removed > 0 {
            self.give_back().await?;
        }
        Ok(removed)
    }

    async fn forget_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        let Groups { heavy, light } = self.groups(tasks).await?;
        let every = "DELETE FROM items; DELETE FROM quarantine; DELETE FROM catalogues; DELETE FROM log_chunks;
                     DELETE FROM item_batches; DELETE FROM item_counts";
        for task in heavy {
            self.remove_items_of(&task).await?;
            self.remove_log(&task).await?;
            self.remove_batch_numbers(&task).await?;
            self.at_once(&[task], every).await?;
        }
        for group in light {
            self.at_once(&group, every).await?;
        }
        for task in tasks {
            self.leave_keys(task).await?;
        }
        // Also of those that left nothing else.
        if tasks.is_empty() { Ok(()) } else { self.at_once(tasks, "DELETE FROM attempt_fences").await }
    }

    async fn remove_logs(&self, tasks: &[TaskId]) -> Result<()> {
        let Groups { heavy, light } = self.groups(tasks).await?;
        for task in heavy {
            self.remove_log(&task).await?;
        }
        for group in light {
            self.at_once(&group, "UPDATE item_counts SET log_bytes = 0; DELETE FROM log_chunks").await?;
        }
        Ok(())
    }

    async fn remove_items_of_tasks(&self, tasks: &[TaskId]) -> Result<()> {
        let Groups { heavy, light } = self.groups(tasks).await?;
        for task in heavy {
            self.remove_items_of(&task).await?;
            self.at_once(&[task], "DELETE FROM catalogues").await?;
        }
        for group in light {
            self.at_once(&group, FORGET_ITEMS).await?;
        }
        Ok(())
    }

    async fn give_back(&self) -> Result<()> {
        self.db.give_back().await
    }
}

impl SqlStore {
    /// How the tasks can be removed in short transactions. One that left nothing is left out.
    async fn groups(&self, tasks: &[TaskId]) -> Result<Groups> {
        let mut groups = Groups::default();
        if tasks.is_empty() {
            return Ok(groups);
        }
        let list = in_list(1, tasks.len());
        let sql = format!(
            "SELECT task_id, received + item_bytes / 1000 + log_bytes / 100 AS weight FROM item_counts
              WHERE task_id IN ({list})"
        );
        let weighed: Vec<(TaskId, i64)> = tasks.iter().fold(self.db.query_text(sql), Query::bind).fetch_all().await?;
        let mut room = 0;
        for (task, weight) in weighed {
            if weight > HEAVY {
                groups.heavy.push(task);
                continue;
            }
            if groups.light.is_empty() || weight > room {
                groups.light.push(Vec::new());
                room = HEAVY;
            }
            room -= weight;
            if let Some(group) = groups.light.last_mut() {
                group.push(task);
            }
        }
        Ok(groups)
    }

    /// Statements on the rows of these tasks, in one transaction. The row that counts comes first, where it stays: late
    /// writes wait for it.
    async fn at_once(&self, tasks: &[TaskId], statements: &'static str) -> Result<()> {
        let list = in_list(1, tasks.len());
        let mut transaction = self.db.begin().await?;
        transaction.take_turn(TURN).await?;
        for statement in statements.split(';') {
            let query = transaction.query_text(format!("{statement} WHERE task_id IN ({list})"));
            tasks.iter().fold(query, Query::bind).execute().await?;
        }
        transaction.commit().await
    }

    /// Removes the task's items, those in quarantine too.
    async fn remove_items_of(&self, task: &TaskId) -> Result<()> {
        let of_task = ItemFilter { task_id: Some(task.clone()), ..ItemFilter::default() };
        // What is let out of quarantine meanwhile is an item.
        self.delete_quarantined(&of_task).await?;
        self.remove_items(&of_task).await.map(drop)
    }

    async fn remove_items(&self, filter: &ItemFilter) -> Result<i64> {
        let Some(last) = self.last_item_id(filter).await? else { return Ok(0) };
        let (mut removed, mut after) = (0, None);
        loop {
            let step = Selection::of(filter).and("id >", after.as_deref());
            let Some(end) = self.end_of_step(step.clone().and("id <=", Some(&last)), Way::Up, ITEMS).await? else {
                return Ok(removed);
            };
            removed += self.remove_step(&step.and("id <=", Some(&end))).await?;
            after = Some(end);
        }
    }

    /// Removes the items, and takes them from what their tasks keep.
    async fn remove_step(&self, items: &Selection) -> Result<i64> {
        let mut transaction = self.db.begin().await?;
        transaction.take_turn(TURN).await?;
        let removed: Vec<(TaskId, i64)> = items
            .query_in(
                &mut transaction,
                "DELETE FROM items :where RETURNING task_id, CAST(OCTET_LENGTH(CAST(data AS TEXT)) AS BIGINT)",
            )
            .fetch_all()
            .await?;
        let count = count(removed.len());
        free(&mut transaction, &sums(removed, Freed::item)).await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Removes the task's lines.
    async fn remove_log(&self, task: &TaskId) -> Result<()> {
        while self.last_seq(task).await? > 0 {
            let mut transaction = self.db.begin().await?;
            transaction.take_turn(TURN).await?;
            let removed: Vec<(i64,)> = transaction
                .query(
                    "DELETE FROM log_chunks WHERE task_id = $1 AND first_seq IN
                     (SELECT first_seq FROM log_chunks WHERE task_id = $1 ORDER BY first_seq LIMIT $2)
                     RETURNING CAST(OCTET_LENGTH(body) AS BIGINT)",
                )
                .bind(task)
                .bind(CHUNKS)
                .fetch_all()
                .await?;
            let bytes: i64 = removed.into_iter().map(|(size,)| size).sum();
            transaction
                .query("UPDATE item_counts SET log_bytes = log_bytes - $2 WHERE task_id = $1")
                .bind(task)
                .bind(bytes)
                .execute()
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    async fn remove_batch_numbers(&self, task: &TaskId) -> Result<()> {
        loop {
            let removed = self
                .db
                .query(
                    "DELETE FROM item_batches WHERE task_id = $1 AND (attempt, batch) IN
                     (SELECT attempt, batch FROM item_batches WHERE task_id = $1 LIMIT $2)",
                )
                .bind(task)
                .bind(BATCH_NUMBERS)
                .execute()
                .await?;
            if i64::try_from(removed).is_ok_and(|removed| removed < BATCH_NUMBERS) {
                return Ok(());
            }
        }
    }
}

/// What goes with rows of these tasks, each of that size. In one order, so that two that remove at once do not wait for
/// each other.
pub(super) fn sums(rows: Vec<(TaskId, i64)>, freed: fn(i64) -> Freed) -> BTreeMap<TaskId, Freed> {
    let mut sums = BTreeMap::<TaskId, Freed>::new();
    for (task, size) in rows {
        *sums.entry(task).or_default() += freed(size);
    }
    sums
}
