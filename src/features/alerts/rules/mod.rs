//! Rules: when an alert is raised, and who hears of it.

mod condition;
mod evaluate;
mod routes;
mod service;
mod store;
mod types;

pub(super) use routes::router;
pub(super) use store::{looking_for, trigger};
pub(super) use types::Rule;
