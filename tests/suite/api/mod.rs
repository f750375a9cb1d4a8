//! The contract, feature by feature.

mod accounts;
mod closed;
mod edge;
mod projects;
