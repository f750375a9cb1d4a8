//! Deliveries: each message and what became of it. The table is the queue.

mod routes;
mod sender;
mod store;
mod types;

pub(super) use routes::router;
pub(super) use store::{queue_for_channel, queue_for_spider};
pub use types::DeliveryStatus;
