use async_trait::async_trait;

use super::{SqlStore, errors, fences};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::{
        database::Transaction,
        documents::{
            chunks::{Chunk, arranged},
            logs::{Levels, NewLines},
            store::Logs,
        },
    },
};

#[async_trait]
impl Logs for SqlStore {
    async fn store_lines(&self, new: &NewLines) -> Result<()> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        fences::pass(&mut transaction, &new.task_id, new.attempt).await?;
        let newest: Option<Chunk> = transaction
            .query(
                "SELECT first_seq, last_seq, attempt, levels, body FROM log_chunks
                  WHERE task_id = $1 ORDER BY first_seq DESC LIMIT 1",
            )
            .bind(&new.task_id)
            .fetch_optional()
            .await?;
        let mut bytes = 0;
        for chunk in arranged(newest.as_ref(), new.attempt, new.first_seq, &new.lines)? {
            bytes += chunk.added_bytes;
            transaction
                .query(
                    "INSERT INTO log_chunks (task_id, first_seq, last_seq, attempt, spider_id, levels, body, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (task_id, first_seq) DO UPDATE
                        SET last_seq = excluded.last_seq, levels = excluded.levels, body = excluded.body,
                            created_at = excluded.created_at",
                )
                .bind(&new.task_id)
                .bind(chunk.first_seq)
                .bind(chunk.last_seq)
                .bind(new.attempt)
                .bind(&new.spider_id)
                .bind(chunk.levels.bits())
                .bind(chunk.body)
                .bind(now)
                .execute()
                .await?;
        }
        if bytes != 0 {
            add_log_bytes(&mut transaction, &new.task_id, &new.spider_id, bytes).await?;
        }
        errors::count(&mut transaction, new).await?;
        transaction.commit().await
    }

    async fn last_seq(&self, task_id: &TaskId) -> Result<i64> {
        let last: Option<(i64,)> = self
            .db
            .query("SELECT last_seq FROM log_chunks WHERE task_id = $1 ORDER BY first_seq DESC LIMIT 1")
            .bind(task_id)
            .fetch_optional()
            .await?;
        Ok(last.map_or(0, |(last,)| last))
    }

    async fn chunks_after(&self, task_id: &TaskId, after: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>> {
        // The inner query finds where to start by the key: without it all chunks before would be looked at.
        self.db
            .query(
                "SELECT first_seq, last_seq, attempt, levels, body FROM log_chunks
                  WHERE task_id = $1 AND last_seq > $2 AND levels & $3 <> 0
                    AND first_seq >= COALESCE((SELECT MAX(first_seq) FROM log_chunks
                                                WHERE task_id = $1 AND first_seq <= $2), 0)
                  ORDER BY first_seq LIMIT $4",
            )
            .bind(task_id)
            .bind(after)
            .bind(levels.bits())
            .bind(limit)
            .fetch_all()
            .await
    }

    async fn chunks_before(&self, task_id: &TaskId, before: i64, levels: Levels, limit: i64) -> Result<Vec<Chunk>> {
        self.db
            .query(
                "SELECT first_seq, last_seq, attempt, levels, body FROM log_chunks
                  WHERE task_id = $1 AND first_seq < $2 AND levels & $3 <> 0 ORDER BY first_seq DESC LIMIT $4",
            )
            .bind(task_id)
            .bind(before)
            .bind(levels.bits())
            .bind(limit)
            .fetch_all()
            .await
    }
}

async fn add_log_bytes(
    transaction: &mut Transaction,
    task_id: &TaskId,
    spider_id: &SpiderId,
    bytes: i64,
) -> Result<()> {
    transaction
        .query(
            "INSERT INTO item_counts (task_id, spider_id, received, stored, duplicate, rejected, log_bytes)
             VALUES ($1, $2, 0, 0, 0, 0, $3)
             ON CONFLICT (task_id) DO UPDATE SET log_bytes = item_counts.log_bytes + excluded.log_bytes",
        )
        .bind(task_id)
        .bind(spider_id)
        .bind(bytes)
        .execute()
        .await
        .map(drop)
}
