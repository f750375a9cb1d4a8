//! The columns of a CSV, and its lines.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use serde_json::value::RawValue;

use super::{
    fields::{MOST_FIELDS, MOST_NAME_BYTES},
    object::{cell, fields},
};
use crate::{
    error::{Error, Result},
    text,
};

/// All names of fields, sorted; refuses to grow without bound.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: BTreeSet<String>,
    bytes: usize,
}

impl Names {
    pub(super) fn add(&mut self, item: &RawValue) -> Result<()> {
        for (name, _) in fields(item) {
            if self.names.contains(name.as_ref()) {
                continue;
            }
            self.bytes += name.len();
            self.names.insert(name.into_owned());
            if self.names.len() > MOST_FIELDS || self.bytes > MOST_NAME_BYTES {
                return Err(too_many());
            }
        }
        Ok(())
    }

    pub(super) fn sorted(self) -> Vec<String> {
        self.names.into_iter().collect()
    }
}

fn too_many() -> Error {
    Error::invalid(
        "query.fields",
        "too_many_columns",
        text!(
            "字段超过 {MOST_FIELDS} 个，无法作为 CSV 的列；请用 fields 指定需要的字段，或导出 JSON",
            "there are more than {MOST_FIELDS} fields, too many for columns; name those you need with fields, or export JSON"
        ),
    )
}

#[derive(Debug)]
pub(super) struct Columns {
    names: Vec<String>,
    positions: HashMap<String, usize>,
    /// Whether these are all the fields there are: an item that has others arrived after they were collected.
    all: bool,
}

impl Columns {
    pub(super) fn all(names: Vec<String>) -> Self {
        Self::new(names, true)
    }

    pub(super) fn picked(names: Vec<String>) -> Self {
        Self::new(names, false)
    }

    fn new(names: Vec<String>, all: bool) -> Self {
        let positions = names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        Self { names, positions, all }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The item's cells; `None` for one that arrived after the export began.
    pub(super) fn cells<'a>(&self, item: &'a RawValue) -> Option<Vec<Cow<'a, str>>> {
        let mut cells = vec![Cow::Borrowed(""); self.names.len()];
        for (name, value) in fields(item) {
            match self.positions.get(name.as_ref()) {
                Some(position) => cells[*position] = cell(value),
                None if self.all => return None,
                None => {}
            }
        }
        Some(cells)
    }
}

/// Lines of RFC 4180, as Python's `csv` writes them.
#[derive(Debug)]
pub(super) struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    pub(super) fn new() -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new()))
    }

    pub(super) fn add<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<()> {
        self.0.write_record(cells.map(str::as_bytes)).map_err(Error::internal)
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.0.into_inner().map_err(|error| Error::internal(error.into_error()))
    }
}
