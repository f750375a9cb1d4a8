//! What spiders brought back: browse, describe, export, delete. Items are kept to the letter, and leave so.

mod conditions;
mod export;
mod fields;
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

use anyhow::Context;

use crate::{
    config,
    platform::documents::{Documents, object},
};

#[derive(Debug, Clone)]
pub struct Data {
    documents: Documents,
    /// Where files lie that are made to be downloaded.
    tmp: PathBuf,
    limits: config::Data,
}

impl Data {
    /// Makes the folder `tmp`. What will lie there has no name, and is gone with the server.
    pub fn open(documents: Documents, tmp: PathBuf, limits: config::Data) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&tmp).with_context(|| format!("cannot make {}", tmp.display()))?;
        Ok(Self { documents, tmp, limits })
    }
}
