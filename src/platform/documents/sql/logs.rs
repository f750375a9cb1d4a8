use async_trait::async_trait;

use super::{SqlStore, fences};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::{
        database::Transaction,
        documents::{
            items::count,
            logs::{Chunk, LogLine, chunks},
            store::Logs,
        },
    },
};

#[async_trait]
impl Logs for SqlStore {
    async fn store_lines(
        &self,
        task_id: &TaskId,
        spider_id: &SpiderId,
        attempt: i64,
        first_seq: i64,
        lines: &[LogLine],
    ) -> Result<()> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        fences::pass(&mut transaction, task_id, attempt).await?;
        let last: Option<(i64,)> = transaction
            .query("SELECT last_seq FROM log_chunks WHERE task_id = $1 ORDER BY first_seq DESC LIMIT 1")
            .bind(task_id)
            .fetch_optional()
            .await?;
        let taken = last.map_or(0, |(last,)| (last + 1 - first_seq).max(0));
        let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(lines.len());
        let (mut seq, mut bytes) = (first_seq + count(taken), 0);
        for chunk in chunks(&lines[taken..])? {
            let size = count(chunk.body.len());
            let added = transaction
                .query(
                    "INSERT INTO log_chunks (task_id, first_seq, last_seq, attempt, spider_id, body, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                )
                .bind(task_id)
                .bind(seq)
                .bind(seq + chunk.lines - 1)
                .bind(attempt)
                .bind(spider_id)
                .bind(chunk.body)
                .bind(now)
                .execute()
                .await?;
            seq += chunk.lines;
            bytes += if added > 0 { size } else { 0 };
        }
        if bytes > 0 {
            add_log_bytes(&mut transaction, task_id, spider_id, bytes).await?;
        }
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

    async fn chunks_after(&self, task_id: &TaskId, after: i64, limit: i64) -> Result<Vec<Chunk>> {
        // The inner query finds where to start by the key: without it all chunks before would be looked at.
        self.db
            .query(
                "SELECT first_seq, last_seq, attempt, body FROM log_chunks
                  WHERE task_id = $1 AND last_seq > $2
                    AND first_seq >= COALESCE((SELECT MAX(first_seq) FROM log_chunks
                                                WHERE task_id = $1 AND first_seq <= $2), 0)
                  ORDER BY first_seq LIMIT $3",
            )
            .bind(task_id)
            .bind(after)
            .bind(limit)
            .fetch_all()
            .await
    }

    async fn chunks_before(&self, task_id: &TaskId, before: i64, limit: i64) -> Result<Vec<Chunk>> {
        self.db
            .query(
                "SELECT first_seq, last_seq, attempt, body FROM log_chunks
                  WHERE task_id = $1 AND first_seq < $2 ORDER BY first_seq DESC LIMIT $3",
            )
            .bind(task_id)
            .bind(before)
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
