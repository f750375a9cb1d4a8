//! One statement, on either engine.

use futures_util::TryStreamExt;
use std::time::Duration;

use anyhow::anyhow;
use sqlx::{
    Arguments, Encode, FromRow, PgConnection, PgPool, Postgres, Row, SqlStr, Sqlite, SqliteConnection, SqlitePool,
    Type,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::error::{Error, Result};

/// A Rust value that both engines can store.
pub trait Bind<'q>: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> {}
impl<'q, T> Bind<'q> for T where T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> {}

/// A Rust type that a row of either engine can become.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A row that may not be readable, as one that a later version of the server wrote: the others are read all the same.
pub struct Readable<T>(pub sqlx::Result<T>);

impl<'r, R: Row, T: FromRow<'r, R>> FromRow<'r, R> for Readable<T> {
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self(T::from_row(row)))
    }
}

/// Where a statement runs, with its arguments in that engine's encoding.
pub(super) enum Target<'c> {
    SqlitePool(&'c SqlitePool, SqliteArguments),
    SqliteTransaction(&'c mut SqliteConnection, SqliteArguments),
    PostgresPool(&'c PgPool, PgArguments),
    PostgresTransaction(&'c mut PgConnection, PgArguments),
}

#[must_use = "a query does nothing until it is run"]
pub struct Query<'c> {
    sql: SqlStr,
    target: Target<'c>,
    bind_error: Option<BoxDynError>,
}

/// How long one statement may take. A network that swallows what is sent would else keep its caller for ever.
const PATIENCE: Duration = Duration::from_mins(1);

async fn in_time<T>(call: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    let Ok(answer) = tokio::time::timeout(PATIENCE, call).await else {
        return Err(Error::Unavailable { what: "database", source: anyhow!("no answer in {PATIENCE:?}") });
    };
    Ok(answer?)
}

/// The same call for each engine; the compiler checks all four.
macro_rules! run {
    ($query:ident, |$executor:ident, $args:ident| $call:expr) => {{
        if let Some(error) = $query.bind_error {
            return Err(sqlx::Error::Encode(error).into());
        }
        match $query.target {
            Target::SqlitePool($executor, $args) => Ok($call?),
            Target::SqliteTransaction($executor, $args) => Ok($call?),
            Target::PostgresPool($executor, $args) => in_time(async { $call }).await,
            Target::PostgresTransaction($executor, $args) => in_time(async { $call }).await,
        }
    }};
}

#[expect(clippy::disallowed_methods, reason = "the one home of sqlx's own queries")]
impl<'c> Query<'c> {
    pub(super) fn new(sql: SqlStr, target: Target<'c>) -> Self {
        Self { sql, target, bind_error: None }
    }

    pub fn bind<'q>(mut self, value: impl Bind<'q>) -> Self {
        let bound = match &mut self.target {
            Target::SqlitePool(_, arguments) | Target::SqliteTransaction(_, arguments) => {
                Arguments::add(arguments, value)
            }
            Target::PostgresPool(_, arguments) | Target::PostgresTransaction(_, arguments) => {
                Arguments::add(arguments, value)
            }
        };
        self.bind_error = self.bind_error.or(bound.err());
        self
    }

    pub async fn fetch_all<T: Record>(self) -> Result<Vec<T>> {
        run!(self, |executor, args| sqlx::query_as_with::<_, T, _>(self.sql, args).fetch_all(executor).await)
    }

    pub async fn fetch_one<T: Record>(self) -> Result<T> {
        run!(self, |executor, args| sqlx::query_as_with::<_, T, _>(self.sql, args).fetch_one(executor).await)
    }

    pub async fn fetch_optional<T: Record>(self) -> Result<Option<T>> {
        run!(self, |executor, args| sqlx::query_as_with::<_, T, _>(self.sql, args).fetch_optional(executor).await)
    }

    /// Row by row, for what may be too much to hold.
    pub async fn for_each<T: Record>(self, mut each: impl FnMut(T)) -> Result<()> {
        run!(self, |executor, args| {
            sqlx::query_as_with::<_, T, _>(self.sql, args)
                .fetch(executor)
                .try_for_each(|row| {
                    each(row);
                    std::future::ready(Ok(()))
                })
                .await
        })
    }

    /// How many rows it touched.
    pub async fn execute(self) -> Result<u64> {
        run!(self, |executor, args| {
            sqlx::query_with(self.sql, args).execute(executor).await.map(|done| done.rows_affected())
        })
    }
}
