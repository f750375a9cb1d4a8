//! A spider runs.

mod alerts;
mod confinement;
mod entry_points;
mod environments;
mod faults;
mod hostile;
mod items;
mod logs;
mod sdk;
mod site;
mod stopping;
mod test_runs;
