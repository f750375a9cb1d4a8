//! Deliveries: each message and what became of it. The table is the queue.

mod queue;
mod routes;
mod sender;
mod store;
mod types;

pub(super) use queue::queue_for_spider;
pub(super) use routes::router;
pub use types::DeliveryStatus;
