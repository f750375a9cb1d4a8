//! The outside world. Knows no feature.

pub mod background;
pub mod containers;
pub mod database;
pub mod disk;
pub mod documents;
pub mod files;
pub mod git;
pub mod http;
pub mod jobs;
pub mod notify;
pub mod process;
pub mod proxies;
pub mod secrets;
pub mod sink;
