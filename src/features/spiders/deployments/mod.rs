//! Versions of a spider's code: its files, and how they are run, as they were at one moment.
//!
//! A deployment never changes. Its files are a manifest (a blob of [`crate::runner::ManifestEntry`]s) that names their
//! contents, as a task's are: a version costs a row and what no other version had. At most one is the active one, which
//! runs; without one a run takes the files as they are. Environment variables, limits and the name stay the spider's.
//!
//! Every change holds the spider's row, as changes of files and the queueing of a task do: what a task is to run is still
//! there when it is queued, and is kept until it has ended.

mod diff;
mod routes;
mod service;
pub(super) mod store;
mod types;

pub(super) use routes::router;
pub(super) use types::NewVersion;
pub use types::{Code, CodeChoice, Deployment};
