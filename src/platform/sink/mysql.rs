//! MySQL (8 or later) and MariaDB as a sink.
//!
//! A table that is made here keeps `data` as LONGTEXT, which JSON functions read as well: MySQL's own JSON would round
//! long numbers. Values go as text and are converted by the server, strictly; times with a zone are brought to UTC.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;
use sqlx::{
    AssertSqlSafe, Connection, Executor, FromRow, MySql, MySqlConnection, MySqlPool, Transaction,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlSslMode},
};

use super::{
    ANSWER_PATIENCE, CONNECT_PATIENCE, CONNECTIONS, Failure, IDLE, Row, Sink, Table, Written,
    address::{Address, Tls},
    in_time,
    row::{Fault, Insert, OWN, Parts, insert_all, parts},
    sql_failure,
    table::quoted,
};

/// Parameters of one statement; the protocol counts them in two bytes.
const MOST_PARAMETERS: usize = 60_000;
/// Of a packet, what is not the row's.
const ENVELOPE: usize = 64 * 1024;
const DUPLICATE: u16 = 1062;

#[derive(Debug)]
pub(super) struct MysqlSink {
    pool: MySqlPool,
}

impl MysqlSink {
    pub(super) fn new(address: &Address, host: &str) -> Self {
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_PATIENCE)
            .idle_timeout(IDLE)
            .after_connect(|connection, _| {
                // What does not fit is an error, whatever the server is set to.
                let strict =
                    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
                                          innodb_lock_wait_timeout = 20";
                Box::pin(async move { connection.execute(strict).await.map(drop) })
            })
            .connect_lazy_with(options(address, host).database(&address.database));
        Self { pool }
    }
}

/// Without a database.
fn options(address: &Address, host: &str) -> MySqlConnectOptions {
    let mut options =
        MySqlConnectOptions::new().host(host).port(address.port).charset("utf8mb4").pipes_as_concat(false).ssl_mode(
            match address.options.tls {
                Tls::Disable => MySqlSslMode::Disabled,
                Tls::Prefer => MySqlSslMode::Preferred,
                Tls::Require => MySqlSslMode::Required,
                Tls::Verify => MySqlSslMode::VerifyIdentity,
            },
        );
    if !address.username.is_empty() {
        options = options.username(&address.username);
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    options
}

/// Makes the database where there is none.
pub(super) async fn make_database(address: &Address, host: &str) -> Result<(), Failure> {
    let made = async {
        let mut connection = MySqlConnection::connect_with(&options(address, host)).await?;
        let sql = format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", quoted(&address.database, '`'));
        connection.execute(AssertSqlSafe(sql)).await?;
        connection.close().await
    };
    made.await.map_err(|error| sql_failure(&error))
}

#[async_trait]
impl Sink for MysqlSink {
    async fn check(&self) -> Result<(), Failure> {
        in_time(CONNECT_PATIENCE, async {
            let mut connection = self.pool.acquire().await.map_err(|error| sql_failure(&error))?;
            connection.ping().await.map_err(|error| sql_failure(&error))
        })
        .await
    }

    async fn write(&self, table: &Table, rows: &[Row<'_>]) -> Result<Written, Failure> {
        in_time(ANSWER_PATIENCE, async {
            // Before the transaction: making a table would end it.
            let mut connection = self.pool.acquire().await.map_err(|error| sql_failure(&error))?;
            let columns = ready_columns(&mut connection, table).await?;
            let largest = largest_packet(&mut connection).await.map_err(|error| sql_failure(&error))?;
            let has_data = columns.iter().any(|column| column.name == "data");
            let (mut written, mut fitting) = (Written::default(), Vec::with_capacity(rows.len()));
            for (place, row) in rows.iter().enumerate() {
                let parts = parts(place, *row, has_data, |name| column_of(&columns, name));
                match parts.map_err(str::to_owned).and_then(|parts| Prepared::of(parts, &columns, largest)) {
                    Ok(prepared) => fitting.push(prepared),
                    Err(reason) => written.refuse(place, &reason),
                }
            }
            let largest_row = fitting.iter().map(|prepared| prepared.size).max().unwrap_or_default();
            let at_once = (MOST_PARAMETERS / columns.len().max(1)).min(largest / largest_row.max(1));
            let transaction = connection.begin().await.map_err(|error| sql_failure(&error))?;
            let mut into = Into { transaction, table: table.quoted('`'), columns };
            let fitting: Vec<Parts<'_>> = fitting.into_iter().map(|prepared| prepared.parts).collect();
            insert_all(&mut into, &fitting, at_once, &mut written).await?;
            into.transaction.commit().await.map_err(|error| sql_failure(&error))?;
            Ok(written)
        })
        .await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

#[derive(Debug, FromRow)]
struct Column {
    name: String,
    /// As `varchar`.
    kind: String,
    is_made: bool,
    is_unique: bool,
}

fn column_of(columns: &[Column], name: &str) -> Option<usize> {
    if OWN.contains(&name) {
        return None;
    }
    columns.iter().position(|column| column.name == name && !column.is_made)
}

async fn ready_columns(connection: &mut MySqlConnection, table: &Table) -> Result<Vec<Column>, Failure> {
    let mut found = columns(connection, table).await.map_err(|error| sql_failure(&error))?;
    if found.is_empty() && table.create {
        make(connection, table).await.map_err(|error| sql_failure(&error))?;
        found = columns(connection, table).await.map_err(|error| sql_failure(&error))?;
    }
    if found.is_empty() {
        return Err(Failure::new(format!("there is no table {}", table.name)));
    }
    if !found.iter().any(|column| column.name == "_id" && column.is_unique) {
        return Err(Failure::new(format!(
            "the table {} needs a column `_id` (varchar) that is its primary key or has a unique index of its own",
            table.name
        )));
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "not our database")]
async fn columns(connection: &mut MySqlConnection, table: &Table) -> sqlx::Result<Vec<Column>> {
    let sql = "SELECT CAST(c.column_name AS CHAR) AS name, LOWER(CAST(c.data_type AS CHAR)) AS kind,
                      c.extra LIKE '%GENERATED%' AND c.extra NOT LIKE '%DEFAULT_GENERATED%' AS is_made,
                      EXISTS (SELECT 1 FROM information_schema.statistics s
                               WHERE s.table_schema = c.table_schema AND s.table_name = c.table_name
                                 AND s.non_unique = 0 AND s.seq_in_index = 1 AND s.column_name = c.column_name
                                 AND s.sub_part IS NULL
                                 AND NOT EXISTS (SELECT 1 FROM information_schema.statistics t
                                                  WHERE t.table_schema = s.table_schema AND t.table_name = s.table_name
                                                    AND t.index_name = s.index_name AND t.seq_in_index > 1)) AS is_unique
                 FROM information_schema.columns c
                WHERE c.table_schema = COALESCE(?, DATABASE()) AND c.table_name = ? ORDER BY c.ordinal_position";
    sqlx::query_as(sql).bind(&table.schema).bind(&table.name).fetch_all(connection).await
}

#[expect(clippy::disallowed_methods, reason = "not our database")]
async fn largest_packet(connection: &mut MySqlConnection) -> sqlx::Result<usize> {
    let (bytes,): (u64,) =
        sqlx::query_as("SELECT CAST(@@max_allowed_packet AS UNSIGNED)").fetch_one(connection).await?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(ENVELOPE))
}

async fn make(connection: &mut MySqlConnection, table: &Table) -> sqlx::Result<()> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} (
             `_id` VARCHAR(191) NOT NULL PRIMARY KEY, `task_id` VARCHAR(191) NOT NULL, `spider_id` VARCHAR(191) NOT NULL,
             `created_at` DATETIME(6) NOT NULL, `data` LONGTEXT NOT NULL, KEY (`task_id`)
         ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin",
        table.quoted('`')
    );
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

/// A row that fits into a packet and whose values can be told.
struct Prepared<'a> {
    parts: Parts<'a>,
    /// What it takes on its way, at most.
    size: usize,
}

impl<'a> Prepared<'a> {
    fn of(parts: Parts<'a>, columns: &[Column], largest: usize) -> Result<Self, String> {
        for (column, value) in &parts.fields {
            value_for(&columns[*column], value)?;
        }
        let size = 256 + parts.rest.len() + parts.fields.iter().map(|(_, value)| value.get().len() + 32).sum::<usize>();
        if size > largest {
            return Err(format!("the item takes {size} bytes, more than the server's max_allowed_packet"));
        }
        Ok(Self { parts, size })
    }
}

/// A field as the text that the server makes a value of the column of.
fn value_for(column: &Column, value: &RawValue) -> Result<Option<String>, String> {
    let raw = value.get();
    if raw == "null" {
        return Ok(None);
    }
    if column.kind == "json" {
        return Ok(Some(raw.to_owned()));
    }
    if !raw.starts_with('"') {
        let takes_words = column.kind.ends_with("char") || column.kind.ends_with("text");
        return Ok(Some(match raw {
            "true" if !takes_words => "1".to_owned(),
            "false" if !takes_words => "0".to_owned(),
            _ => raw.to_owned(),
        }));
    }
    let text: String = serde_json::from_str(raw)
        .map_err(|_| format!("the field {} holds half a surrogate pair, which is no text", column.name))?;
    if ["datetime", "timestamp"].contains(&column.kind.as_str())
        && let Ok(time) = DateTime::parse_from_rfc3339(&text)
    {
        return Ok(Some(datetime(time.to_utc())));
    }
    Ok(Some(text))
}

fn datetime(time: DateTime<Utc>) -> String {
    time.format("%F %T%.6f").to_string()
}

struct Into<'a> {
    transaction: Transaction<'a, MySql>,
    table: String,
    columns: Vec<Column>,
}

impl Into<'_> {
    /// The row's values in the order of the columns that are filled.
    fn values(&self, row: &Parts<'_>) -> Result<Vec<Option<String>>, String> {
        let own = self.own().map(|column| {
            Some(match column.name.as_str() {
                "_id" => row.row.id.to_owned(),
                "task_id" => row.row.task_id.to_owned(),
                "spider_id" => row.row.spider_id.to_owned(),
                "data" => row.rest.to_string(),
                _ if ["datetime", "timestamp"].contains(&column.kind.as_str()) => datetime(row.row.created_at),
                _ => row.row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            })
        });
        let own: Vec<Option<String>> = own.collect();
        let fields = row.fields.iter().map(|(column, value)| value_for(&self.columns[*column], value));
        own.into_iter().map(Ok).chain(fields).collect()
    }

    fn own(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| OWN.contains(&column.name.as_str()) && !column.is_made)
    }

    /// Which of these rows are there. No statement of MySQL overlooks a known `_id` without overlooking other errors.
    #[expect(clippy::disallowed_methods, reason = "not our database")]
    async fn known(&mut self, rows: &[Parts<'_>]) -> sqlx::Result<HashSet<String>> {
        let places = vec!["?"; rows.len()].join(", ");
        let sql = format!("SELECT CAST(`_id` AS CHAR) FROM {} WHERE `_id` IN ({places})", self.table);
        let query = sqlx::query_as(AssertSqlSafe(sql)).persistent(false);
        let found: Vec<(String,)> =
            rows.iter().fold(query, |query, row| query.bind(row.row.id)).fetch_all(&mut *self.transaction).await?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }
}

impl Insert for Into<'_> {
    #[expect(clippy::disallowed_methods, reason = "not our database")]
    async fn insert(&mut self, rows: &[Parts<'_>]) -> Result<usize, Fault> {
        let broken = |error: sqlx::Error| Fault::Broken(sql_failure(&error));
        let known = self.known(rows).await.map_err(broken)?;
        let new: Vec<&Parts<'_>> = rows.iter().filter(|row| !known.contains(row.row.id)).collect();
        let Some(first) = new.first() else { return Ok(0) };
        let own = self.own().map(|column| column.name.as_str());
        let names: Vec<String> = own
            .chain(first.fields.iter().map(|(column, _)| self.columns[*column].name.as_str()))
            .map(|name| quoted(name, '`'))
            .collect();
        let row_places = format!("({})", vec!["?"; names.len()].join(", "));
        let places = vec![row_places; new.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES {places}", self.table, names.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        for row in &new {
            for value in self.values(row).map_err(Fault::Refused)? {
                query = query.bind(value);
            }
        }
        let mut savepoint = self.transaction.begin().await.map_err(broken)?;
        match query.execute(&mut *savepoint).await {
            Ok(_) => {
                savepoint.commit().await.map_err(broken)?;
                Ok(new.len())
            }
            Err(error) => {
                savepoint.rollback().await.map_err(broken)?;
                // Another of our links may have written it meanwhile; else it is a unique index of the user's.
                if number(&error) == Some(DUPLICATE)
                    && new.len() == 1
                    && !self.known(rows).await.map_err(broken)?.is_empty()
                {
                    return Ok(0);
                }
                Err(fault(&error))
            }
        }
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// What is about a row: by its SQLSTATE (data, constraints), or by its number where that is of the general sort: no
/// default, wrong value, truncated, raised by a trigger, violated check.
fn fault(error: &sqlx::Error) -> Fault {
    const OF_ROWS: [u16; 7] = [1364, 1366, 1265, 1644, 3819, 4025, 1690];
    if let sqlx::Error::Database(told) = error {
        let code = told.code().unwrap_or_default();
        if code.starts_with("22") || code.starts_with("23") || number(error).is_some_and(|it| OF_ROWS.contains(&it)) {
            return Fault::Refused(told.message().to_owned());
        }
    }
    Fault::Broken(sql_failure(error))
}
