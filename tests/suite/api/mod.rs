//! The contract, feature by feature.

mod accounts;
mod alerts;
mod browsing;
mod channels;
mod clock_changes;
mod closed;
mod code_sessions;
mod dashboard;
mod data;
mod datasources;
mod deployments;
mod edge;
mod editor_door;
mod exports;
mod files;
mod housekeeping;
mod instance_door;
mod instances;
mod lost_containers;
mod projects;
mod proxies;
mod repositories;
pub mod schedules;
mod spiders;
mod swarm;
mod ui;
mod workspaces;
