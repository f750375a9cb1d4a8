//! Which attempt of a task may add to it: the newest, until it has ended. What an earlier one still sends, from a server
//! that was cut off or by a process that lingers, is refused and changes nothing.

use async_trait::async_trait;

use super::SqlStore;
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::{
        database::Transaction,
        documents::{
            items::Counts,
            store::{Attempts, Batches},
        },
    },
    text,
};

#[async_trait]
impl Attempts for SqlStore {
    async fn open_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<()> {
        self.db
            .query(
                "INSERT INTO attempt_fences (task_id, attempt, is_open) VALUES ($1, $2, TRUE)
                 ON CONFLICT (task_id) DO UPDATE SET attempt = excluded.attempt, is_open = TRUE
                  WHERE attempt_fences.attempt <= excluded.attempt",
            )
            .bind(task_id)
            .bind(attempt)
            .execute()
            .await
            .map(drop)
    }

    async fn close_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<Counts> {
        // Waits for what is just being stored.
        self.db
            .query("UPDATE attempt_fences SET is_open = FALSE WHERE task_id = $1 AND attempt = $2")
            .bind(task_id)
            .bind(attempt)
            .execute()
            .await?;
        let counts = self.counts(std::slice::from_ref(task_id)).await?;
        Ok(counts.get(task_id).copied().unwrap_or_default())
    }
}

/// Holds the attempt open until the transaction ends; an error where it is over.
pub(super) async fn pass(transaction: &mut Transaction, task_id: &TaskId, attempt: i64) -> Result<()> {
    let passed = transaction
        .query("UPDATE attempt_fences SET is_open = TRUE WHERE task_id = $1 AND attempt = $2 AND is_open")
        .bind(task_id)
        .bind(attempt)
        .execute()
        .await?;
    if passed > 0 {
        return Ok(());
    }
    Err(Error::bad_request(
        "task_not_running",
        text!("任务不在运行状态", "the task is not running: this attempt is over"),
    ))
}
