//! Databases of users' own, that items are delivered to. Each run of the suite has those that its scripts started.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, Row};

use super::skip_unless;

/// An empty database of one test.
pub struct UsersDatabase {
    /// As `postgresql`.
    pub kind: &'static str,
    /// `scheme://user:password@host:port/name`
    pub url: String,
}

impl UsersDatabase {
    /// One on each server that there is.
    pub async fn all() -> Vec<Self> {
        let all = [Self::postgres().await, Self::mysql().await, Self::mongo()];
        let all: Vec<Self> = all.into_iter().flatten().collect();
        let _ = skip_unless(!all.is_empty(), "a database to deliver to: PostgreSQL, MariaDB or MongoDB");
        all
    }

    /// Those that speak SQL.
    pub async fn sql() -> Vec<Self> {
        [Self::postgres().await, Self::mysql().await].into_iter().flatten().collect()
    }

    pub async fn postgres() -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok()?;
        let name = name();
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (start, _) = server.rsplit_once('/').unwrap();
        Some(Self { kind: "postgresql", url: format!("{start}/{name}") })
    }

    pub async fn mysql() -> Option<Self> {
        let server = std::env::var("TEST_MYSQL_URL").ok();
        if skip_unless(server.is_some(), "MariaDB (Debian's mariadb-server, started by scripts/with-mysql)") {
            return None;
        }
        let (server, name) = (server?, name());
        let mut connection = MySqlConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        Some(Self { kind: "mysql", url: format!("{server}/{name}") })
    }

    pub fn mongo() -> Option<Self> {
        let server = std::env::var("TEST_MONGODB_URL").ok()?;
        let (start, _) = server.split_once("/?").unwrap();
        Some(Self { kind: "mongodb", url: format!("{start}/{}", name()) })
    }

    /// The body that makes a datasource of it.
    pub fn body(&self) -> Value {
        self.body_at(&self.url)
    }

    /// The same, reached by another address.
    pub fn body_at(&self, url: &str) -> Value {
        let (_, rest) = url.split_once("//").unwrap();
        let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (username, password) = user.split_once(':').unwrap_or((user, ""));
        let (address, database) = rest.split_once('/').unwrap();
        let (host, port) = address.split_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        json!({"name": self.kind, "type": self.kind, "host": host, "port": port, "username": username,
               "password": password, "database": database})
    }

    /// What is there: ids and the column or field `data`, as text, in the order of ids.
    pub async fn rows(&self, table: &str) -> Vec<(String, String)> {
        let query = match self.kind {
            "postgresql" => format!("SELECT _id, data::text FROM \"{}\" ORDER BY _id", table.replace('"', "\"\"")),
            "mysql" => format!("SELECT _id, data FROM `{}` ORDER BY _id", table.replace('`', "``")),
            _ => {
                let found = self.documents(table).await;
                let data = |found: &Document| serde_json::to_string(found.get("data").unwrap()).unwrap();
                return found.iter().map(|it| (it.get_str("_id").unwrap().to_owned(), data(it))).collect();
            }
        };
        self.query(&query).await.into_iter().map(|mut row| (row.remove(0).unwrap(), row.remove(0).unwrap())).collect()
    }

    pub async fn documents(&self, collection: &str) -> Vec<Document> {
        let client = mongodb::Client::with_uri_str(&self.url).await.unwrap();
        let collection = client.default_database().unwrap().collection::<Document>(collection);
        let mut found: Vec<Document> = collection.find(doc! {}).await.unwrap().try_collect().await.unwrap();
        found.sort_by_key(|found| found.get_str("_id").unwrap().to_owned());
        found
    }

    /// Runs SQL that answers columns of text.
    pub async fn query(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.kind == "postgresql" {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let rows = connection.fetch_all(sql).await.unwrap();
            rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
        } else {
            let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
            let rows = connection.fetch_all(sql).await.unwrap();
            rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
        }
    }

    pub async fn execute(&self, sql: &str) {
        self.query(sql).await;
    }
}

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("users_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
