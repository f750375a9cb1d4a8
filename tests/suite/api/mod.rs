//! The contract, feature by feature.

mod accounts;
mod closed;
mod data;
mod deployments;
mod edge;
mod files;
mod housekeeping;
mod projects;
mod spiders;
