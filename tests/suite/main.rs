//! The tests: through HTTP, against real parts, on SQLite, and on PostgreSQL when `TEST_DATABASE_URL` names one.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]
#![expect(clippy::disallowed_methods, reason = "tests start servers and read what the script that runs them set")]

mod api;
mod architecture;
mod docker;
mod import;
mod nodes;
mod running;
mod schema;
mod server;
mod servers;
mod support;
