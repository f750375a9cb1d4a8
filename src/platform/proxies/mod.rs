//! Proxies between a spider and the sites it reads: how they are written, and whether they answer.

mod address;
mod probe;

pub use address::{Protocol, ProxyAddress};
pub use probe::Prober;
