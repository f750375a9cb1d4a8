use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::FromRow;

use super::{
    SqlStore,
    batches::{Arrival, Arrived, Freed, free, in_rows},
    items::end_of,
    keys, removal,
    search::Selection,
};
use crate::{
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::{
        database::{Transaction, in_list, rows},
        documents::{
            catalogue::Catalogue,
            items::{Counts, ItemFilter, count},
            keys::scope_of,
            quarantine::{Quarantined, Readmission, Readmitted, Refused},
            store::Quarantine,
        },
    },
};

/// Of one transaction.
const STEP: i64 = 500;

#[derive(FromRow)]
struct Row {
    id: String,
    task_id: TaskId,
    spider_id: SpiderId,
    is_test: bool,
    data: String,
    reason: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Quarantined {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let Row { id, task_id, spider_id, is_test, data, reason, created_at } = row;
        let data = RawValue::from_string(data).map_err(Error::internal)?;
        Ok(Self { id, task_id, spider_id, is_test, data, reason, created_at })
    }
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
    refused: &[Refused],
    now: DateTime<Utc>,
) -> Result<()> {
    for some in in_rows(refused) {
        let mut query = transaction.query_text(format!(
            "INSERT INTO quarantine (id, task_id, spider_id, is_test, data, reason, created_at) VALUES {}",
            rows(some.len(), 7)
        ));
        for item in some {
            query = query
                .bind(crate::id::new())
                .bind(task_id)
                .bind(spider_id)
                .bind(is_test)
                .bind(item.data.get())
                .bind(&item.reason)
                .bind(now);
        }
        query.execute().await?;
    }
    Ok(())
}

#[async_trait]
impl Quarantine for SqlStore {
    async fn quarantined(
        &self,
        filter: &ItemFilter,
        before: Option<&str>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Quarantined>> {
        let rows: Vec<Row> = Selection::of(filter)
            .and("id <", before)
            .part(offset, limit)
            .query(&self.db, "SELECT * FROM quarantine :where ORDER BY id DESC :part")
            .fetch_all()
            .await?;
        rows.into_iter().map(Quarantined::try_from).collect()
    }

    async fn count_quarantined(&self, filter: &ItemFilter) -> Result<i64> {
        let (total,) =
            Selection::of(filter).query(&self.db, "SELECT COUNT(*) FROM quarantine :where").fetch_one().await?;
        Ok(total)
    }

    async fn quarantined_after(
        &self,
        filter: &ItemFilter,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Quarantined>> {
        let Some(end) = self.end_of_quarantine(filter, after, limit).await? else { return Ok(Vec::new()) };
        let rows: Vec<Row> = Selection::of(filter)
            .and("id >", after)
            .and("id <=", Some(&end))
            .query(&self.db, "SELECT * FROM quarantine :where ORDER BY id")
            .fetch_all()
            .await?;
        rows.into_iter().map(Quarantined::try_from).collect()
    }

    async fn store_readmitted(&self, readmission: Readmission, fields: &Catalogue) -> Result<Readmitted> {
        let Readmission { task_id, spider_id, is_test, dedup, mut items } = readmission;
        let mut transaction = self.db.begin().await?;
        if dedup.is_some() {
            keys::take_turn(&mut transaction, scope_of(&spider_id, &task_id, is_test)).await?;
        }
        // Whoever forgets the task does so before this or after it.
        transaction.take_turn(removal::TURN).await?;
        let mut let_out = BTreeMap::new();
        let ids: Vec<&str> = items.iter().map(|(id, _)| id.as_str()).collect();
        for some in in_rows(&ids) {
            let sql = format!(
                "DELETE FROM quarantine WHERE task_id = $1 AND id IN ({})
              RETURNING id, CAST(OCTET_LENGTH(data) AS BIGINT)",
                in_list(2, some.len())
            );
            let query = transaction.query_text(sql).bind(&task_id);
            let out: Vec<(String, i64)> = some.iter().fold(query, |query, id| query.bind(*id)).fetch_all().await?;
            let_out.extend(out);
        }
        if let_out.is_empty() {
            return Ok(Readmitted::default());
        }
        items.retain(|(id, _)| let_out.contains_key(id));
        let beside = Counts { rejected: -count(let_out.len()), ..Counts::default() };
        let arrival = Arrival {
            task_id: &task_id,
            spider_id: &spider_id,
            is_test,
            came_at: None,
            dedup,
            items: items.into_iter().map(|(_, item)| item).collect(),
            fields,
            beside: (beside, -let_out.values().sum::<i64>()),
        };
        let Arrived { stored, duplicate, .. } = self.take_in(&mut transaction, arrival).await?;
        transaction.commit().await?;
        Ok(Readmitted { stored, duplicate, left: 0 })
    }

    async fn delete_quarantined(&self, filter: &ItemFilter) -> Result<i64> {
        let (mut removed, mut after) = (0, None);
        while let Some(end) = self.end_of_quarantine(filter, after.as_deref(), STEP).await? {
            let mut transaction = self.db.begin().await?;
            transaction.take_turn(removal::TURN).await?;
            let step: Vec<(TaskId, i64)> = Selection::of(filter)
                .and("id >", after.as_deref())
                .and("id <=", Some(&end))
                .query_in(
                    &mut transaction,
                    "DELETE FROM quarantine :where RETURNING task_id, CAST(OCTET_LENGTH(data) AS BIGINT)",
                )
                .fetch_all()
                .await?;
            removed += count(step.len());
            free(&mut transaction, &removal::sums(step, Freed::refused)).await?;
            transaction.commit().await?;
            after = Some(end);
        }
        Ok(removed)
    }
}

impl SqlStore {
    /// The last id up to which a step of a long read fits into memory.
    async fn end_of_quarantine(&self, filter: &ItemFilter, after: Option<&str>, limit: i64) -> Result<Option<String>> {
        let sizes: Vec<(String, i64)> = Selection::of(filter)
            .and("id >", after)
            .part(0, limit)
            .query(&self.db, "SELECT id, CAST(OCTET_LENGTH(data) AS BIGINT) FROM quarantine :where ORDER BY id :part")
            .fetch_all()
            .await?;
        Ok(end_of(sizes))
    }
}
