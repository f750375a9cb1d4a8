//! Several servers on one PostgreSQL, one bucket and, where the tests run on it, one MongoDB.

mod bucket;
mod fleet;
mod killed;
mod leaving;
mod rolling;
mod start;
mod words;

/// Whether the tests run on SQLite, which has no second server.
fn is_alone() -> bool {
    let alone = std::env::var("TEST_DATABASE_URL").is_err();
    if alone {
        eprintln!("skipped: {} needs PostgreSQL", std::thread::current().name().unwrap_or("?"));
    }
    alone
}
