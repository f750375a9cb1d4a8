//! The contract, feature by feature.

mod closed;
mod edge;
