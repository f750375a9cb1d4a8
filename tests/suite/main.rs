//! The tests: through HTTP, against real parts, on SQLite, and on PostgreSQL when `TEST_DATABASE_URL` names one.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod api;
mod architecture;
mod running;
mod schema;
mod server;
mod support;
