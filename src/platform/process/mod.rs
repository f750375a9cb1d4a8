//! Child processes, each under a supervisor of its own: this binary again, as `supervise`.
//!
//! The supervisor adopts whatever the child leaves behind, measures and limits the whole tree, and ends it on
//! an order, or when the server it hangs on is gone. So no process outlives its server unseen; what does, as its
//! supervisor was killed as well, the next server of the data directory kills before it takes over. Where the kernel can, the
//! child is confined: it reaches neither the server's files nor its processes.

mod child;
mod confine;
mod control;
mod moment;
pub mod open_files;
pub mod presence;
mod protocol;
mod strays;
mod supervise;
mod tree;

pub use child::{Child, Event, Output};
pub use confine::{Confinement, Strength};
pub use moment::Moment;
pub use protocol::{Cause, Exit, Spec, Usage};
pub use supervise::supervise;
