//! The product: one folder a noun. Each is a handle with its `types` (data and pure rules), `routes` (HTTP only),
//! `service` (the verbs that change something) and `store` (one method a query).

pub mod accounts;
pub mod alerts;
pub mod code_sessions;
pub mod contracts;
pub mod dashboard;
pub mod data;
pub mod datasources;
pub mod doors;
mod env_vars;
pub mod events;
pub mod foundation;
pub mod housekeeping;
pub mod instances;
pub mod nodes;
pub mod projects;
pub mod proxies;
pub mod spiders;
pub mod tasks;
pub mod workspaces;
