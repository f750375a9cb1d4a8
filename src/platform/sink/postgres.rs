//! PostgreSQL (12 or later) as a sink.
//!
//! A table that is made here keeps `data` as JSON, not JSONB: that takes every item to the letter, also NUL, half a
//! surrogate pair and digits without end. A user's own JSONB column may refuse such items.

use async_trait::async_trait;
use chrono::SecondsFormat;
use sqlx::{
    AssertSqlSafe, Connection, Executor, FromRow, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use super::{
    ANSWER_PATIENCE, CONNECT_PATIENCE, CONNECTIONS, Failure, IDLE, Row, Sink, Table, Written,
    address::{Address, Tls},
    in_time,
    row::{Fault, Insert, OWN, Parts, insert_all, parts},
    sql_failure,
    table::quoted,
};

#[derive(Debug)]
pub(super) struct PostgresSink {
    pool: PgPool,
}

impl PostgresSink {
    pub(super) fn new(address: &Address, host: &str) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_PATIENCE)
            .idle_timeout(IDLE)
            .connect_lazy_with(options(address, host)?);
        Ok(Self { pool })
    }
}

/// Name and password are always set: where they are not, the driver takes those of this process's own environment, which
/// are not for users' hosts.
fn options(address: &Address, host: &str) -> Result<PgConnectOptions, Failure> {
    if address.username.is_empty() {
        return Err(Failure::new("PostgreSQL wants a username"));
    }
    Ok(PgConnectOptions::new_without_pgpass()
        .host(host)
        .port(address.port)
        .database(&address.database)
        .application_name("crawlhub")
        .options([("statement_timeout", "50s"), ("lock_timeout", "20s")])
        .ssl_mode(match address.options.tls {
            Tls::Disable => PgSslMode::Disable,
            Tls::Prefer => PgSslMode::Prefer,
            Tls::Require => PgSslMode::Require,
            Tls::Verify => PgSslMode::VerifyFull,
        })
        .username(&address.username)
        .password(address.password.as_deref().unwrap_or_default()))
}

/// Makes the database where there is none, from the one that every server has.
#[expect(clippy::disallowed_methods, reason = "not our database")]
pub(super) async fn make_database(address: &Address, host: &str) -> Result<(), Failure> {
    let options = options(address, host)?.database("postgres");
    let made = async {
        let mut connection = PgConnection::connect_with(&options).await?;
        let known = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&address.database);
        if known.fetch_optional(&mut connection).await?.is_none() {
            let sql = format!("CREATE DATABASE {}", quoted(&address.database, '"'));
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        connection.close().await
    };
    made.await.map_err(|error| sql_failure(&error))
}

#[async_trait]
impl Sink for PostgresSink {
    async fn check(&self) -> Result<(), Failure> {
        in_time(CONNECT_PATIENCE, async {
            let mut connection = self.pool.acquire().await.map_err(|error| sql_failure(&error))?;
            connection.ping().await.map_err(|error| sql_failure(&error))
        })
        .await
    }

    async fn write(&self, table: &Table, rows: &[Row<'_>]) -> Result<Written, Failure> {
        in_time(ANSWER_PATIENCE, async {
            let mut transaction = self.pool.begin().await.map_err(|error| sql_failure(&error))?;
            let columns = ready_columns(&mut transaction, table).await?;
            let has_data = columns.iter().any(|column| column.name == "data");
            let (mut written, mut fitting) = (Written::default(), Vec::with_capacity(rows.len()));
            for (place, row) in rows.iter().enumerate() {
                match parts(place, *row, has_data, |name| column_of(&columns, name)) {
                    Ok(parts) => fitting.push(parts),
                    Err(reason) => written.refuse(place, reason),
                }
            }
            let mut into = Into { transaction, table: table.quoted('"'), columns };
            insert_all(&mut into, &fitting, fitting.len(), &mut written).await?;
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
    /// To be cast to; without its length, which a cast would cut to.
    kind: String,
    /// The engine fills it.
    is_made: bool,
    is_unique: bool,
}

/// A column that a field of the name goes to.
fn column_of(columns: &[Column], name: &str) -> Option<usize> {
    if OWN.contains(&name) {
        return None;
    }
    columns.iter().position(|column| column.name == name && !column.is_made)
}

/// The columns of a table that rows can be written to; makes it where there is none.
async fn ready_columns(transaction: &mut Transaction<'_, Postgres>, table: &Table) -> Result<Vec<Column>, Failure> {
    let mut found = columns(transaction, table).await?;
    if found.is_empty() && table.create {
        make(transaction, table).await.map_err(|error| sql_failure(&error))?;
        found = columns(transaction, table).await?;
    }
    if found.is_empty() {
        return Err(Failure::new(format!("there is no table {}", table.name)));
    }
    if !found.iter().any(|column| column.name == "_id" && column.is_unique) {
        return Err(Failure::new(format!(
            "the table {} needs a column \"_id\" (text) that is its primary key or has a unique index of its own",
            table.name
        )));
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "not our database")]
async fn columns(connection: &mut PgConnection, table: &Table) -> Result<Vec<Column>, Failure> {
    let sql = "SELECT CAST(a.attname AS TEXT) AS name, format_type(a.atttypid, -1) AS kind,
                      a.attgenerated <> '' OR a.attidentity = 'a' AS is_made,
                      EXISTS (SELECT 1 FROM pg_index x
                               WHERE x.indrelid = a.attrelid AND x.indisunique AND x.indisvalid AND x.indimmediate
                                 AND x.indpred IS NULL AND x.indnkeyatts = 1 AND x.indkey[0] = a.attnum) AS is_unique
                 FROM pg_attribute a
                WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let found = sqlx::query_as(sql).bind(table.quoted('"')).fetch_all(connection).await;
    found.map_err(|error| sql_failure(&error))
}

async fn make(connection: &mut PgConnection, table: &Table) -> sqlx::Result<()> {
    let name = table.quoted('"');
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {name} (\"_id\" TEXT PRIMARY KEY, task_id TEXT NOT NULL, spider_id TEXT NOT NULL,
                                            created_at TIMESTAMPTZ NOT NULL, data JSON NOT NULL);
         CREATE INDEX ON {name} (task_id)"
    );
    connection.execute(AssertSqlSafe(sql)).await.map(drop)
}

struct Into<'a> {
    transaction: Transaction<'a, Postgres>,
    table: String,
    columns: Vec<Column>,
}

impl Into<'_> {
    /// Ours go as text and are cast; fields go as one JSON object, which the engine itself turns into columns.
    fn sql(&self, shape: &[(usize, &serde_json::value::RawValue)]) -> String {
        let own = self.columns.iter().filter(|column| OWN.contains(&column.name.as_str()) && !column.is_made);
        let (mut names, mut values): (Vec<String>, Vec<String>) = own
            .map(|column| (quoted(&column.name, '"'), format!("i.{}::{}", quoted(&column.name, '"'), column.kind)))
            .unzip();
        let of_fields = shape.iter().map(|(column, _)| quoted(&self.columns[*column].name, '"'));
        for name in of_fields {
            values.push(format!("f.{name}"));
            names.push(name);
        }
        let fields = if shape.is_empty() {
            String::new()
        } else {
            format!("CROSS JOIN LATERAL json_populate_record(NULL::{}, i.fields::json) AS f", self.table)
        };
        format!(
            "INSERT INTO {} ({}) SELECT {}
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
                    AS i(\"_id\", \"task_id\", \"spider_id\", \"created_at\", \"data\", fields, place) {fields}
              ORDER BY i.place ON CONFLICT (\"_id\") DO NOTHING",
            self.table,
            names.join(", "),
            values.join(", "),
        )
    }

    fn object(&self, row: &Parts<'_>) -> String {
        let entries = row.fields.iter().map(|(column, value)| {
            let key = serde_json::Value::from(self.columns[*column].name.as_str());
            format!("{key}:{value}")
        });
        format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
    }
}

impl Insert for Into<'_> {
    #[expect(clippy::disallowed_methods, reason = "not our database")]
    async fn insert(&mut self, rows: &[Parts<'_>]) -> Result<usize, Fault> {
        let Some(first) = rows.first() else { return Ok(0) };
        let sql = self.sql(&first.fields);
        let texts = |of: fn(&Parts<'_>) -> String| rows.iter().map(of).collect::<Vec<String>>();
        let objects: Vec<String> = rows.iter().map(|row| self.object(row)).collect();
        // The table may change between two batches.
        let query = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(texts(|row| row.row.id.to_owned()))
            .bind(texts(|row| row.row.task_id.to_owned()))
            .bind(texts(|row| row.row.spider_id.to_owned()))
            .bind(texts(|row| row.row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true)))
            .bind(texts(|row| row.rest.to_string()))
            .bind(objects);
        let broken = |error: sqlx::Error| Fault::Broken(sql_failure(&error));
        let mut savepoint = self.transaction.begin().await.map_err(broken)?;
        match query.execute(&mut *savepoint).await {
            Ok(done) => {
                savepoint.commit().await.map_err(broken)?;
                Ok(usize::try_from(done.rows_affected()).unwrap_or_default())
            }
            Err(error) => {
                savepoint.rollback().await.map_err(broken)?;
                Err(fault(&error))
            }
        }
    }
}

/// Data, constraints, types, sizes, and what triggers raise: these are about a row.
fn fault(error: &sqlx::Error) -> Fault {
    if let sqlx::Error::Database(told) = error {
        let code = told.code().unwrap_or_default();
        if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) || code == "42804" || code == "P0001" {
            return Fault::Refused(told.message().to_owned());
        }
    }
    Fault::Broken(sql_failure(error))
}
