//! Channels: where alerts are told.

mod routes;
mod service;
mod store;
mod types;

pub(super) use routes::router;
pub(super) use types::Channel;
