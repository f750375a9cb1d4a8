use async_trait::async_trait;

use super::{SqlStore, search::Selection};
use crate::{
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::{
        database::Transaction,
        documents::{catalogue::Catalogue, items::ItemFilter, store::Catalogues},
    },
};

#[derive(sqlx::FromRow)]
struct Row {
    task_id: TaskId,
    catalogue: String,
}

impl Row {
    fn read(&self) -> Result<Catalogue> {
        serde_json::from_str(&self.catalogue).map_err(Error::internal)
    }
}

/// Adds to the task's catalogue; whoever calls holds the row that counts.
pub(super) async fn add(
    transaction: &mut Transaction,
    (task_id, spider_id, is_test): (&TaskId, &SpiderId, bool),
    fields: &Catalogue,
) -> Result<()> {
    if fields.items == 0 {
        return Ok(());
    }
    let row: Option<Row> = transaction
        .query("SELECT task_id, catalogue FROM catalogues WHERE task_id = $1")
        .bind(task_id)
        .fetch_optional()
        .await?;
    let mut all = row.map(|row| row.read()).transpose()?.unwrap_or_default();
    all.merge(fields);
    transaction
        .query(
            "INSERT INTO catalogues (task_id, spider_id, is_test, catalogue) VALUES ($1, $2, $3, $4)
             ON CONFLICT (task_id) DO UPDATE SET catalogue = excluded.catalogue",
        )
        .bind(task_id)
        .bind(spider_id)
        .bind(is_test)
        .bind(serde_json::to_string(&all).map_err(Error::internal)?)
        .execute()
        .await
        .map(drop)
}

#[async_trait]
impl Catalogues for SqlStore {
    async fn catalogues_after(
        &self,
        filter: &ItemFilter,
        after: Option<&TaskId>,
        limit: i64,
    ) -> Result<Vec<(TaskId, Catalogue)>> {
        let rows: Vec<Row> = Selection::of(filter)
            .and("task_id >", after.map(TaskId::as_str))
            .part(0, limit)
            .query(&self.db, "SELECT task_id, catalogue FROM catalogues :where ORDER BY task_id :part")
            .fetch_all()
            .await?;
        rows.into_iter().map(|row| Ok((row.task_id.clone(), row.read()?))).collect()
    }

    async fn uncatalogued(&self, filter: &ItemFilter) -> Result<Vec<TaskId>> {
        let of_books = ItemFilter { is_test: None, q: None, upto: None, ..filter.clone() };
        let tasks: Vec<(TaskId,)> = Selection::of(&of_books)
            .query(
                &self.db,
                "SELECT task_id FROM (SELECT * FROM item_counts WHERE stored > 0 AND item_bytes > 0
                                         AND NOT EXISTS (SELECT 1 FROM catalogues
                                                          WHERE catalogues.task_id = item_counts.task_id)) AS counts
                  :where ORDER BY task_id",
            )
            .fetch_all()
            .await?;
        Ok(tasks.into_iter().map(|(task,)| task).collect())
    }
}
