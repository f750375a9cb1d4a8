//! Parts of the machine that tests use. A missing one fails CI and is named; elsewhere its tests are skipped by name.

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
};

use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::sync::OnceCell;

use crawlhub::platform::database::{Database, Schema};

/// True, or says on stderr which test is skipped and why. In CI nothing may be missing.
pub fn skip_unless(present: bool, what: &str) -> bool {
    if present {
        return false;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "missing in CI: {what}");
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    eprintln!("skipped: {test} needs {what}");
    true
}

/// The database of a server, beside it, for what no address makes.
pub async fn database_of(data_dir: &Path, url: Option<&str>) -> Database {
    match url {
        Some(url) => Database::open_postgres(url).await.unwrap(),
        None => Database::open_sqlite(&data_dir.join("crawlhub.db"), Schema::Main).await.unwrap(),
    }
}

/// Debian's `python3.11-doc`: 500 and more real pages.
pub fn documentation_site() -> Option<&'static Path> {
    let folder = Path::new("/usr/share/doc/python3.11/html");
    folder.join("index.html").is_file().then_some(folder)
}

/// What makes a program see another time, from Debian's `faketime`.
pub fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|entry| entry.path().join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

/// Python environments are kept between runs: building one with Scrapy takes a quarter of a minute.
pub fn python_environments() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| match std::env::var_os("CRAWLHUB_CACHE") {
        Some(cache) => PathBuf::from(cache).join("environments"),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("environments"),
    });
    folder.clone()
}

/// An empty, migrated database, where the tests run on PostgreSQL: a copy of a template.
pub async fn new_database() -> Option<String> {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let pid = std::process::id();
    let template = format!("template_{pid}");
    TEMPLATE
        .get_or_init(|| async {
            create(&server, &format!("CREATE DATABASE {template}")).await;
            Database::open_postgres(&named(&server, &template)).await.unwrap().close().await;
        })
        .await;
    let name = format!("test_{pid}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    create(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    Some(named(&server, &name))
}

/// A database in which nothing is.
pub async fn empty_database() -> Option<String> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let name = format!("empty_{}_{}", std::process::id(), crawlhub::id::new().replace('-', ""));
    create(&server, &format!("CREATE DATABASE {name}")).await;
    Some(named(&server, &name))
}

/// Where files live, where the tests run on a bucket: a folder of its own in it for each data directory, or for each
/// PostgreSQL that servers share.
pub fn storage_url(dir: &Path, database_url: Option<&str>) -> Option<String> {
    let bucket = std::env::var("TEST_S3_URL").ok()?;
    let (start, options) = bucket.split_once('?').unwrap();
    Some(format!("{}/{}?{options}", start.trim_end_matches('/'), own_name(dir, database_url)))
}

/// The settings that go with it.
pub fn storage(dir: &Path, database_url: Option<&str>) -> Vec<(&'static str, String)> {
    let Some(url) = storage_url(dir, database_url) else { return Vec::new() };
    let key = |name| (name, std::env::var(name).unwrap());
    vec![("CRAWLHUB_STORAGE", url), key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY")]
}

/// A port at which nothing listens, nor will anything else by chance: it is below those that the system gives away, and
/// above those of the tests of instances.
pub fn free_port() -> u16 {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let first = 32_000 + u16::try_from(std::process::id() % 7).unwrap() * 100;
    loop {
        let port = first + COUNT.fetch_add(1, Ordering::Relaxed) % 100;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where documents live, where the tests run on MongoDB: a database of its own for each data directory, or for each
/// PostgreSQL that servers share.
pub fn documents_url(dir: &Path, database_url: Option<&str>) -> Option<String> {
    let server = std::env::var("TEST_MONGODB_URL").ok()?;
    let (start, options) = server.split_once("/?").unwrap();
    Some(format!("{start}/{}?{options}", own_name(dir, database_url)))
}

fn own_name(dir: &Path, database_url: Option<&str>) -> String {
    match database_url {
        Some(url) => url.rsplit_once('/').unwrap().1.to_owned(),
        None => dir.file_name().unwrap().to_str().unwrap().replace('.', "_"),
    }
}

/// Whether any row of any table holds `text`, as text or as bytes.
pub async fn any_row_holds(url: &str, text: &str) -> bool {
    let bytes = text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    for table in connection.fetch_all(tables).await.unwrap() {
        let rows = format!("SELECT t::text FROM \"{}\" t", table.get::<String, _>(0));
        let rows = connection.fetch_all(sqlx::AssertSqlSafe(rows)).await.unwrap();
        if rows.iter().map(|row| row.get::<String, _>(0)).any(|row| row.contains(text) || row.contains(&bytes)) {
            return true;
        }
    }
    false
}

async fn create(server: &str, sql: &str) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

fn named(server: &str, database: &str) -> String {
    let (start, _) = server.rsplit_once('/').unwrap();
    format!("{start}/{database}")
}
