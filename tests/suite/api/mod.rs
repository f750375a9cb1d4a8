//! The contract, feature by feature.

mod accounts;
mod alerts;
mod channels;
mod closed;
mod data;
mod edge;
mod files;
mod projects;
mod spiders;
