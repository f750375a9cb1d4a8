//! Items on their way to users' tables.

mod courier;
mod enrol;
mod refusals;
mod sinks;
mod store;
mod types;

pub(super) use sinks::Sinks;
