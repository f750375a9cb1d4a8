//! The contract, feature by feature.

mod accounts;
mod closed;
mod data;
mod edge;
mod projects;
mod spiders;
