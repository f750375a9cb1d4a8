use sqlx::types::Json;

use super::{DataSource, Datasources, Status, types::DataSourceFilter};
use crate::{
    error::{Error, Result},
    id::DatasourceId,
    platform::{
        database::{Query, like},
        http::Paging,
    },
    text,
};

const MATCHES: &str = r"($1 IS NULL OR type = $1) AND ($2 IS NULL OR mode = $2)
                    AND ($3 IS NULL OR LOWER(name) LIKE LOWER($3) ESCAPE '\')";

impl Datasources {
    pub(super) async fn get(&self, id: &DatasourceId) -> Result<DataSource> {
        self.find(id).await?.ok_or_else(|| not_found(id))
    }

    pub(super) async fn find(&self, id: &DatasourceId) -> Result<Option<DataSource>> {
        self.db.query("SELECT * FROM datasources WHERE id = $1").bind(id).fetch_optional().await
    }

    pub(super) async fn list(&self, filter: &DataSourceFilter, paging: &Paging) -> Result<Vec<DataSource>> {
        self.db
            .query_text(format!(
                "SELECT * FROM datasources WHERE {MATCHES} AND ($4 IS NULL OR id < $4)
                  ORDER BY id DESC LIMIT $5 OFFSET $6"
            ))
            .bind(filter.kind)
            .bind(filter.mode)
            .bind(filter.keyword.as_deref().map(like))
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count(&self, filter: &DataSourceFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM datasources WHERE {MATCHES}"))
            .bind(filter.kind)
            .bind(filter.mode)
            .bind(filter.keyword.as_deref().map(like))
            .fetch_one()
            .await?;
        Ok(count)
    }

    pub(super) async fn insert(&self, source: &DataSource) -> Result<()> {
        let query = self.db.query(
            "INSERT INTO datasources (id, name, description, host, port, username, password, database_name,
                                      connection_options, updated_at, type, mode, status, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        );
        bound(query, source)
            .bind(source.kind)
            .bind(source.mode)
            .bind(source.status)
            .bind(source.created_at)
            .execute()
            .await
            .map(drop)
    }

    /// False where it is gone. What waits for it is tried again at once.
    pub(super) async fn update(&self, source: &DataSource) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        let query = transaction.query(
            "UPDATE datasources
                SET name = $2, description = $3, host = $4, port = $5, username = $6, password = $7,
                    database_name = $8, connection_options = $9, updated_at = $10
              WHERE id = $1",
        );
        let done = bound(query, source).execute().await?;
        transaction
            .query(
                "UPDATE spider_datasources SET next_attempt_at = $2 WHERE datasource_id = $1 AND next_attempt_at > $2",
            )
            .bind(&source.id)
            .bind(source.updated_at)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(done > 0)
    }

    /// Removes it where no spider is linked with it; whether it went.
    pub(super) async fn remove_unlinked(&self, id: &DatasourceId) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        // Who links at the same moment holds the row.
        transaction.query("UPDATE datasources SET id = id WHERE id = $1").bind(id).execute().await?;
        let done = transaction
            .query(
                "DELETE FROM datasources
                  WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM spider_datasources WHERE datasource_id = $1)",
            )
            .bind(id)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(done > 0)
    }

    /// Writes down how it was found; `error` says what was wrong.
    pub(super) async fn note(&self, id: &DatasourceId, error: Option<&str>) -> Result<()> {
        let status = if error.is_none() { Status::Active } else { Status::Error };
        self.db
            .query("UPDATE datasources SET status = $2, last_error = $3, last_check_at = $4 WHERE id = $1")
            .bind(id)
            .bind(status)
            .bind(error)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }
}

fn bound<'c>(query: Query<'c>, source: &DataSource) -> Query<'c> {
    query
        .bind(&source.id)
        .bind(&source.name)
        .bind(&source.description)
        .bind(&source.host)
        .bind(source.port)
        .bind(&source.username)
        .bind(&source.sealed_password)
        .bind(&source.database)
        .bind(Json(&source.connection_options.0))
        .bind(source.updated_at)
}

pub(super) fn not_found(id: &DatasourceId) -> Error {
    Error::not_found("datasource_not_found", text!("数据源 {id} 不存在", "there is no datasource {id}"))
}
