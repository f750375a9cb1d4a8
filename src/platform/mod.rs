//! The outside world. Knows no feature.

pub mod files;
pub mod process;
