//! Items that a table would not take: set aside with the reason, and tried again when somebody asks for it.

use super::{
    super::Datasources,
    courier::row_of,
    types::{Claimed, Halt},
};
use crate::{
    error::Result,
    id::{LinkId, TaskId},
    platform::{
        database::Transaction,
        sink::{Failure, Sink, Table},
    },
};

/// Of one link. More of them are no odd items: the table is not what the items need.
const MOST: i64 = 10_000;
const STEP: i64 = 100;

impl Datasources {
    pub(super) async fn set_aside(
        &self,
        transaction: &mut Transaction,
        link: &LinkId,
        task: &TaskId,
        item: &str,
        reason: &str,
    ) -> Result<()> {
        transaction
            .query(
                "INSERT INTO sink_refusals (link_id, item_id, reason, refused_at, is_due, task_id)
                 SELECT $1, $2, $3, $4, FALSE, id FROM tasks WHERE id = $5
                     ON CONFLICT (link_id, item_id) DO UPDATE SET reason = excluded.reason, is_due = FALSE",
            )
            .bind(link)
            .bind(item)
            .bind(reason)
            .bind(self.clock.now())
            .bind(task)
            .execute()
            .await
            .map(drop)
    }

    /// Delivery stands still where too many are refused: what waits is not lost, and a table that was mended takes it.
    pub(super) async fn check_refusals(&self, link: &LinkId) -> Result<(), Halt> {
        let (count,): (i64,) =
            self.db.query("SELECT COUNT(*) FROM sink_refusals WHERE link_id = $1").bind(link).fetch_one().await?;
        if count < MOST {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the table refused {count} items; delivery waits until they are taken (retry) or given up (DELETE …/refused)"
        ))
        .into())
    }

    /// Tries those that are due, one by one.
    pub(super) async fn retry_refused(&self, link: &Claimed, sink: &dyn Sink, table: &Table) -> Result<(), Halt> {
        loop {
            let due: Vec<(String, TaskId)> = self
                .db
                .query(
                    "SELECT item_id, task_id FROM sink_refusals WHERE link_id = $1 AND is_due ORDER BY item_id LIMIT $2",
                )
                .bind(&link.id)
                .bind(STEP)
                .fetch_all()
                .await?;
            if due.is_empty() || self.stop.is_cancelled() {
                return Ok(());
            }
            for (item, task) in due {
                self.retry_one(link, sink, table, &item, &task).await?;
            }
        }
    }

    async fn retry_one(
        &self,
        link: &Claimed,
        sink: &dyn Sink,
        table: &Table,
        id: &str,
        task: &TaskId,
    ) -> Result<(), Halt> {
        let Some(item) = self.documents.items_by_id(&[id.to_owned()]).await?.pop() else {
            let mut transaction = self.begin_step(link, 0, 1).await?;
            take_off(&mut transaction, &link.id, id).await?;
            return Ok(transaction.commit().await?);
        };
        let written = sink.write(table, &[row_of(&item)]).await?;
        let delivered = i64::from(written.refused.is_empty());
        let mut transaction = self.begin_step(link, delivered, 0).await?;
        match written.refused.first() {
            Some((_, reason)) => self.set_aside(&mut transaction, &link.id, task, id, reason).await?,
            None => take_off(&mut transaction, &link.id, id).await?,
        }
        Ok(transaction.commit().await?)
    }
}

async fn take_off(transaction: &mut Transaction, link: &LinkId, item: &str) -> Result<()> {
    transaction
        .query("DELETE FROM sink_refusals WHERE link_id = $1 AND item_id = $2")
        .bind(link)
        .bind(item)
        .execute()
        .await
        .map(drop)
}
