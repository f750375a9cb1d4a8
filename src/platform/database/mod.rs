//! SQL on the configured engine: SQLite or PostgreSQL, one text a query.
//!
//! The dialect that both understand, which every store keeps to:
//! - `$1, $2`; times and ids are made in Rust and bound, never `now()` or `CURRENT_TIMESTAMP`;
//! - ids `TEXT`, numbers `BIGINT`/`DOUBLE PRECISION`, `BOOLEAN`; instants `TIMESTAMPTZ` and JSON `JSONB`/`JSON`
//!   in PostgreSQL, `TEXT` in SQLite;
//! - `CAST(SUM(x) AS BIGINT)`; `LOWER(x) LIKE LOWER($1) ESCAPE '\'`; `($1 IS NULL OR x = $1)` for optional filters;
//!   `ON CONFLICT`, `RETURNING`, `FILTER`, row comparison and CTEs as they are;
//! - compare-and-set (`UPDATE … AND status = …`) instead of row locks.

mod column;
mod query;
mod transaction;
mod wakes;

use std::{
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgPool, SqlSafeStr, SqlitePool,
    migrate::Migrator,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
    sqlite::{
        SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};

pub(crate) use column::{text_column, word_enum};
use query::Target;
pub use query::{Bind, Query, Readable, Record};
pub use transaction::Transaction;
pub use wakes::Wakes;

use crate::{
    error::{DISK_SPACE, Error, Result},
    text,
};

/// How long a caller waits for a connection, and SQLite for another process's lock, before the answer is
/// "unavailable". Longer than any of our transactions takes, shorter than a client's patience.
const PATIENCE: Duration = Duration::from_secs(10);
const READERS: u32 = 8;
/// An answer that took longer does not tell what time it is.
const SLOW: Duration = Duration::from_secs(1);
const POSTGRES_CONNECTIONS: u32 = 16;

/// Which of the two schemas a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Everything but documents.
    Main,
    /// Items and log chunks: in SQLite a file of its own, so that heavy writes do not hold up the rest.
    Documents,
}

impl Schema {
    fn migrations(self, postgres: bool) -> Migrator {
        let mut migrator = match (self, postgres) {
            (Self::Main, false) => sqlx::migrate!("migrations/sqlite/main"),
            (Self::Main, true) => sqlx::migrate!("migrations/postgres/main"),
            (Self::Documents, false) => sqlx::migrate!("migrations/sqlite/documents"),
            (Self::Documents, true) => sqlx::migrate!("migrations/postgres/documents"),
        };
        // In PostgreSQL both live in one database.
        migrator.dangerous_set_table_name(match self {
            Self::Main => "_migrations",
            Self::Documents => "_document_migrations",
        });
        migrator
    }
}

#[derive(Debug, Clone)]
pub enum Database {
    /// SQLite allows one writer at a time: it is a pool of one, so that writers queue here, in order, and not in
    /// the busy handler. Readers never wait for it (WAL).
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Database {
    /// Opens (and makes, where there is none) the SQLite file and brings its schema up to date.
    pub async fn open_sqlite(file: &Path, schema: Schema) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        // What deletions free can be given back to the disk; see `give_back`.
        let writing = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            // A transaction that SQLite itself rolled back (disk full, I/O error) leaves the driver's count of open
            // ones wrong for ever; such a connection is thrown away.
            .after_release(|connection, _| {
                let is_clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_clean) })
            })
            .connect_with(writing)
            .await
            .with_context(|| format!("cannot open {}", file.display()))?;
        schema.migrations(false).run(&writer).await.with_context(|| format!("cannot migrate {}", file.display()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options.read_only(true).create_if_missing(false));
        Ok(Self::Sqlite { writer, readers })
    }

    /// Connects to PostgreSQL and brings both schemas up to date.
    pub async fn open_postgres(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("DATABASE_URL is not a PostgreSQL address")?;
        let pool = postgres_pool(POSTGRES_CONNECTIONS)
            .connect_with(options)
            .await
            .context("cannot connect to PostgreSQL (DATABASE_URL)")?;
        // By one server at a time: the others wait, and find it done. A newer one may have been here, while servers are
        // brought up to date one after the other: migrations leave to the former version what it uses.
        for schema in [Schema::Main, Schema::Documents] {
            let mut migrations = schema.migrations(true);
            migrations.set_ignore_missing(true);
            migrations.run(&pool).await.context("cannot migrate PostgreSQL")?;
        }
        Ok(Self::Postgres(pool))
    }

    /// The same database through at most so many connections of its own: whoever holds one of the others, and waits for
    /// one of these, waits for nobody who does the reverse.
    #[must_use]
    pub fn apart(&self, connections: u32) -> Self {
        match self {
            Self::Sqlite { .. } => self.clone(),
            Self::Postgres(pool) => {
                Self::Postgres(postgres_pool(connections).connect_lazy_with(pool.connect_options().as_ref().clone()))
            }
        }
    }

    /// Connects to a PostgreSQL that is another program's: nothing in it is changed.
    pub async fn read_postgres(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).map_err(|_| anyhow!("not a PostgreSQL address"))?;
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(PATIENCE)
            .connect_with(options.options([("default_transaction_read_only", "on")]))
            .await?;
        Ok(Self::Postgres(pool))
    }

    pub fn query(&self, sql: &'static str) -> Query<'_> {
        self.query_text(sql.to_owned())
    }

    /// For a text with a list of unknown length: written by [`in_list`] or [`rows`], never from input.
    pub fn query_text(&self, sql: String) -> Query<'_> {
        let (sql, target) = match self {
            Self::Sqlite { writer, readers, .. } => {
                let pool = if sql.trim_start().starts_with("SELECT") { readers } else { writer };
                (numbered(&sql), Target::SqlitePool(pool, SqliteArguments::default()))
            }
            Self::Postgres(pool) => (sql, Target::PostgresPool(pool, PgArguments::default())),
        };
        Query::new(AssertSqlSafe(sql).into_sql_str(), target)
    }

    /// SQLite takes the write lock at once: a transaction that starts by reading could otherwise fail half-way
    /// with "database is locked".
    pub async fn begin(&self) -> Result<Transaction> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Whether other servers may use it at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether the engine answers.
    pub async fn check(&self) -> Result<()> {
        self.query("SELECT CAST(1 AS BIGINT)").fetch_one::<(i64,)>().await.map(drop)
    }

    /// The time of a database that several servers share, and when it was that time here; none of SQLite's.
    pub async fn time(&self) -> Result<Option<(DateTime<Utc>, Instant)>> {
        if matches!(self, Self::Sqlite { .. }) {
            return Ok(None);
        }
        let mut transaction = self.begin().await?;
        let asked = Instant::now();
        let (there,) = transaction.query("SELECT clock_timestamp()").fetch_one().await?;
        let took = asked.elapsed();
        if took > SLOW {
            return Err(Error::Unavailable { what: "database", source: anyhow!("it took {took:?} to tell the time") });
        }
        // Half-way between question and answer.
        Ok(Some((there, asked + took / 2)))
    }

    /// Gives the room of deleted rows back to the disk, a little at a time, so that writers get their turn in between.
    /// PostgreSQL sees to that itself.
    pub async fn give_back(&self) -> Result<()> {
        if matches!(self, Self::Postgres(_)) {
            return Ok(());
        }
        let mut free = i64::MAX;
        loop {
            let (left,): (i64,) = self.query("SELECT freelist_count FROM pragma_freelist_count").fetch_one().await?;
            // Others delete meanwhile: whoever makes no headway leaves it to them.
            if left == 0 || left >= free {
                return Ok(());
            }
            free = left;
            // 8 MiB.
            self.query("PRAGMA incremental_vacuum(2048)").execute().await?;
        }
    }

    /// How large it is, in bytes.
    pub async fn size(&self) -> Result<i64> {
        let (size,) = match self {
            Self::Sqlite { .. } => self.query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"),
            Self::Postgres(_) => self.query("SELECT pg_database_size(current_database())"),
        }
        .fetch_one()
        .await?;
        Ok(size)
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn postgres_pool(connections: u32) -> PgPoolOptions {
    // A server that is cut off in mid-transaction must not hold its locks for hours.
    PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).after_connect(|connection, _| {
        let limit = "SET idle_in_transaction_session_timeout = '15s'";
        Box::pin(async move { connection.execute(limit).await.map(drop) })
    })
}

/// `?` for each parameter where they stand in order, `?1` for `$1` else. `$1` is a name to SQLite, and sqlx asks for the
/// name of each: SQLite looks it up among all that stand before it, which takes forty milliseconds for six thousand. Only
/// `?` has none. No text has a `$` that means something else.
fn numbered(sql: &str) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        let after = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let number = part.get(..part.len() - after.len()).unwrap_or_default();
        if number.parse() != Ok(place + 1) {
            return sql.replace('$', "?");
        }
        text.push('?');
        text.push_str(after);
    }
    text
}

/// `$first, $first+1, …`: the inside of `IN (…)`.
pub fn in_list(first: usize, count: usize) -> String {
    (first..first + count).map(|position| format!("${position}")).collect::<Vec<_>>().join(", ")
}

/// `($1, $2), ($3, $4), …`: the rows of one `INSERT … VALUES`.
pub fn rows(count: usize, columns: usize) -> String {
    (0..count).map(|row| format!("({})", in_list(row * columns + 1, columns))).collect::<Vec<_>>().join(", ")
}

/// `text` as a `LIKE … ESCAPE '\'` pattern that finds it anywhere. Both sides are lowered by the engine, which knows
/// fewer letters than Rust does: a name must be found by itself.
pub fn like(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_full(&error) {
            Self::Unavailable { what: DISK_SPACE, source: error.into() }
        } else if is_nul(&error) {
            Self::bad_request("nul_character", text!("文本中不能有 NUL 字符", "text must hold no NUL character"))
        } else if is_passing(&error) {
            Self::Unavailable { what: "database", source: error.into() }
        } else {
            Self::Internal(error.into())
        }
    }
}

fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // SQLITE_FULL; disk_full of PostgreSQL
    code.is_some_and(|code| code == "13" || code == "53100")
}

/// PostgreSQL's text holds any character but this one; nobody means it.
fn is_nul(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "22021" || code == "22P05")
}

/// Whether the statement may well succeed a little later: the engine is away, locked, full or shutting down.
fn is_passing(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        // A connection that breaks in mid-sentence is an error of the protocol to the driver.
        E::Io(_) | E::Tls(_) | E::Protocol(_) | E::BeginFailed | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
            true
        }
        E::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                // 08 connection, 40 serialisation, 53 resources (disk full), 57 operator intervention, 58 system;
                // 25P03 idle for too long in a transaction
                ["08", "25P03", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
            } else {
                // busy, locked, I/O error, full, cannot open; extended codes keep the primary one in the low byte
                code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
            }
        }
        _ => false,
    }
}

/// Turns "that value is taken already" into the error that the caller means by it. SQLite does not name the
/// constraint, so the store must know which one it can be.
pub trait OnTaken<T> {
    fn on_taken(self, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnTaken<T> for Result<T> {
    fn on_taken(self, taken: impl FnOnce() -> Error) -> Self {
        self.map_err(|error| match &error {
            Error::Internal(source)
                if source
                    .downcast_ref::<sqlx::Error>()
                    .and_then(sqlx::Error::as_database_error)
                    .is_some_and(sqlx::error::DatabaseError::is_unique_violation) =>
            {
                taken()
            }
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn parameters_in_order_need_no_number() {
        assert_eq!(numbered("VALUES ($1, $2), ($3,$4)"), "VALUES (?, ?), (?,?)");
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
        // Where one stands twice, or later ones before it, numbers say which.
        assert_eq!(numbered("SET a = $1, b = $1 WHERE c = $2"), "SET a = ?1, b = ?1 WHERE c = ?2");
        assert_eq!(numbered("a = $2 AND b = $1"), "a = ?2 AND b = ?1");
    }
}
