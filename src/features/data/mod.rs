//! What spiders brought back: browse, describe, export, delete. Items are kept to the letter, and leave so.

mod columns;
mod export;
mod fields;
mod routes;
mod service;
#[cfg(test)]
mod tests;
mod types;

pub use fields::{FieldSummary, PreviewField};
pub use routes::router;
pub use types::{DataFilter, Deleted, ItemRow, Preview};

use crate::platform::documents::{Documents, object};

#[derive(Debug, Clone)]
pub struct Data {
    documents: Documents,
}

impl Data {
    pub fn new(documents: Documents) -> Self {
        Self { documents }
    }
}
