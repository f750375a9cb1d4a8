//! A spider runs.

mod alerts;
mod confinement;
mod contracts;
mod deployments;
mod entry_points;
mod environments;
mod faults;
mod followers;
mod hostile;
mod items;
mod log_errors;
mod log_search;
mod logs;
mod mongodb;
mod proxies;
mod repositories;
mod retries;
mod schedules;
mod sdk;
mod several_servers;
mod sinks;
mod site;
mod stopping;
mod survival;
mod test_runs;
mod two_servers;
