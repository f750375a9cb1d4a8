//! What tasks print: read as it comes, shown whole, by line and live, searched over all runs, its errors by kind.

mod errors;
mod feed;
mod kinds;
mod level;
mod reading;
mod routes;
mod search;

pub(super) use feed::Feeds;
pub(super) use reading::Reading;
pub(super) use routes::router;
