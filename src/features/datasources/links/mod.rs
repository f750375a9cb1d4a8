//! Which spider's items go to which table.

mod routes;
mod service;
mod store;
mod types;

pub(super) use routes::router;
