//! The contract, feature by feature.

mod accounts;
mod clock_changes;
mod closed;
mod data;
mod deployments;
mod edge;
mod files;
mod projects;
pub mod schedules;
mod spiders;
