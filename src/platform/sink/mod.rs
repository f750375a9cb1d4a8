//! Tables of users' own databases, into which items are written: PostgreSQL, MySQL (and MariaDB), MongoDB.
//!
//! A row carries its item's id as `_id`, which is unique there, so that writing it again changes nothing. A table that is
//! made here has the columns `_id`, `task_id`, `spider_id`, `created_at` and `data`, the item as it was sent. Of one that
//! was there, columns of the item's field names (to the letter) take these fields, converted by the engine's own rules, and
//! `data`, where there is one, takes the rest. MongoDB gets a document `{_id, task_id, spider_id, created_at, data}`.

mod address;
mod mongo;
mod mysql;
mod postgres;
mod row;
mod table;

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

pub use address::{Address, Options};
pub use row::{Row, Written};
pub use table::{Table, check_name};

use self::address::resolve;
use crate::platform::database::word_enum;

/// Until a connection is there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Until what was asked is done: some hundred rows written, or a table made.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);
/// A connection that was not used for so long is closed.
const IDLE: Duration = Duration::from_mins(1);
/// Of what went wrong.
const REASON_BYTES: usize = 500;
/// At once, to one database.
const CONNECTIONS: u32 = 2;

word_enum! {
    /// What speaks there.
    pub enum SinkKind {
        Postgresql = "postgresql",
        Mysql = "mysql",
        Mongodb = "mongodb",
    }
}

impl SinkKind {
    pub fn default_port(self) -> i64 {
        match self {
            Self::Postgresql => 5432,
            Self::Mysql => 3306,
            Self::Mongodb => 27017,
        }
    }
}

/// Why nothing was written, in English, fit to be shown: what the other side said, or what it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(reason: impl AsRef<str>) -> Self {
        Self(fit(reason.as_ref()))
    }

    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// One line that any column and any terminal takes.
fn fit(reason: &str) -> String {
    let mut line: String =
        reason.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(REASON_BYTES).collect();
    line.truncate(line.floor_char_boundary(REASON_BYTES));
    line
}

/// A database that rows can be written to. Connections are made when they are needed.
#[async_trait]
pub trait Sink: Debug + Send + Sync {
    /// Whether it can be reached and lets us in.
    async fn check(&self) -> Result<(), Failure>;

    /// Writes the rows, in one transaction where the engine has such. What the table refuses is told by row; any other
    /// trouble is a failure, and then nothing counts as written.
    async fn write(&self, table: &Table, rows: &[Row<'_>]) -> Result<Written, Failure>;

    async fn close(&self);
}

/// Finds the database; refuses addresses that are closed to us.
pub async fn open(address: &Address, allow_private: bool) -> Result<Box<dyn Sink>, Failure> {
    let host = resolve(address, allow_private).await?;
    Ok(match address.kind {
        SinkKind::Postgresql => Box::new(postgres::PostgresSink::new(address, &host)?),
        SinkKind::Mysql => Box::new(mysql::MysqlSink::new(address, &host)),
        SinkKind::Mongodb => Box::new(mongo::MongoSink::new(address, &host)?),
    })
}

/// Makes the database where there is none. MongoDB does that by itself when something is written.
pub async fn make_database(address: &Address, allow_private: bool) -> Result<(), Failure> {
    let host = resolve(address, allow_private).await?;
    in_time(CONNECT_PATIENCE * 2, async {
        match address.kind {
            SinkKind::Postgresql => postgres::make_database(address, &host).await,
            SinkKind::Mysql => mysql::make_database(address, &host).await,
            SinkKind::Mongodb => Ok(()),
        }
    })
    .await
}

/// What does not answer in time has failed.
async fn in_time<T>(patience: Duration, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Failure::new(format!("the database gave no answer within {} seconds", patience.as_secs()));
    tokio::time::timeout(patience, call).await.map_err(late)?
}

/// What the driver of an SQL database says, without anything of ours.
fn sql_failure(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(error) => Failure::new(error.message()),
        sqlx::Error::Io(error) => Failure::new(format!("the connection failed: {error}")),
        sqlx::Error::Tls(error) => Failure::new(format!("TLS failed: {error}")),
        // The driver tells where in its sources it gave up.
        sqlx::Error::Protocol(_) => Failure::new("what answers there does not speak as such a database does"),
        sqlx::Error::PoolTimedOut => Failure::new("no connection could be made in time"),
        other => Failure::new(other.to_string()),
    }
}
