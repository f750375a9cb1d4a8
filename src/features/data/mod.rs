//! What spiders brought back: browse, describe, export, delete. Items are kept to the letter, and leave so.

mod conditions;
mod export;
mod fields;
mod object;
mod pages;
mod reader;
mod routes;
mod service;
mod sort;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use fields::{FieldSummary, PreviewField};
pub use routes::router;
pub use types::{DataFilter, Deleted, ItemPage, ItemRow, Preview};

use std::path::PathBuf;

use crate::{config, platform::documents::Documents};

#[derive(Debug, Clone)]
pub struct Data {
    documents: Documents,
    /// Where files lie that are made to be downloaded.
    tmp: PathBuf,
    limits: config::Data,
}

impl Data {
    pub fn new(documents: Documents, tmp: PathBuf, limits: config::Data) -> Self {
        Self { documents, tmp, limits }
    }
}
