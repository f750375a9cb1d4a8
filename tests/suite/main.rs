//! The tests: through HTTP, against real parts, on SQLite, and on PostgreSQL when `TEST_DATABASE_URL` names one.

mod api;
mod architecture;
mod running;
mod schema;
mod server;
mod support;
