use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Sqlite, postgres::PgArguments, sqlite::SqliteArguments};

use super::{
    numbered,
    query::{Query, Target},
};
use crate::error::Result;

/// Rolled back where it is dropped.
#[derive(Debug)]
pub enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        self.query_text(sql.to_owned())
    }

    /// See [`super::Database::query_text`].
    pub fn query_text(&mut self, sql: String) -> Query<'_> {
        let (sql, target) = match self {
            Self::Sqlite(transaction) => {
                (numbered(&sql), Target::SqliteTransaction(&mut *transaction, SqliteArguments::default()))
            }
            Self::Postgres(transaction) => {
                (sql, Target::PostgresTransaction(&mut *transaction, PgArguments::default()))
            }
        };
        Query::new(AssertSqlSafe(sql).into_sql_str(), target)
    }

    /// Makes transactions with the same `name` come one after the other, on whatever server, each to its end. SQLite has
    /// but one writer anyway.
    pub async fn take_turn(&mut self, name: &str) -> Result<()> {
        if matches!(self, Self::Postgres(_)) {
            let locked = self.query("SELECT CAST(pg_advisory_xact_lock(hashtext($1)) AS TEXT)").bind(name);
            locked.fetch_one::<(String,)>().await?;
        }
        Ok(())
    }

    /// Lets those who share the turn of that name go on side by side, and makes who takes it wait for them, and them for him.
    pub async fn share_turn(&mut self, name: &str) -> Result<()> {
        if matches!(self, Self::Postgres(_)) {
            let locked = self.query("SELECT CAST(pg_advisory_xact_lock_shared(hashtext($1)) AS TEXT)").bind(name);
            locked.fetch_one::<(String,)>().await?;
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
