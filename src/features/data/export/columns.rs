//! The columns of a table, and the lines of a CSV.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    features::data::{
        fields::{MOST_FIELDS, MOST_NAME_BYTES},
        object::{Kind, cell, fields},
    },
    text,
};

/// What all values of a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// No value was seen.
    None,
    Flag,
    /// Of 64 bits; a float would hold them as well.
    Integer,
    /// Of 64 bits.
    LongInteger,
    /// As a 64-bit float, without losing digits.
    Number,
    Text,
}

/// A float keeps that many digits of a decimal number.
const FLOAT_DIGITS: usize = 15;

impl ColumnType {
    fn of(value: &RawValue) -> Self {
        match Kind::of(value) {
            Kind::Null => Self::None,
            Kind::Boolean => Self::Flag,
            Kind::Integer | Kind::Number => {
                let (long, float) = (value.get().parse::<i64>().is_ok(), number(value.get()).is_some());
                match (long, float) {
                    (true, true) => Self::Integer,
                    (true, false) => Self::LongInteger,
                    (false, true) => Self::Number,
                    (false, false) => Self::Text,
                }
            }
            Kind::String | Kind::Array | Kind::Object => Self::Text,
        }
    }

    /// What holds both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::None, some) | (some, Self::None) => some,
            (Self::Integer, Self::LongInteger) | (Self::LongInteger, Self::Integer) => Self::LongInteger,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Text,
        }
    }
}

/// A number that a float holds as it was written.
pub(super) fn number(text: &str) -> Option<f64> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.chars().filter(char::is_ascii_digit).skip_while(|digit| *digit == '0').count();
    text.parse().ok().filter(|number: &f64| digits <= FLOAT_DIGITS && number.is_finite())
}

/// All names of fields, sorted, with what they hold; refuses to grow without bound.
#[derive(Debug, Default)]
pub(super) struct Names {
    found: BTreeMap<String, ColumnType>,
    bytes: usize,
    /// Where others do not matter: these, in their order.
    only: Option<Vec<String>>,
}

impl Names {
    pub(super) fn only(names: Vec<String>) -> Self {
        let known = names.iter().map(|name| (name.clone(), ColumnType::None)).collect();
        Self { found: known, bytes: 0, only: Some(names) }
    }

    pub(super) fn add(&mut self, item: &RawValue) -> Result<()> {
        for (name, value) in fields(item) {
            if let Some(kind) = self.found.get_mut(name.as_ref()) {
                *kind = kind.and(ColumnType::of(value));
            } else if self.only.is_none() {
                self.bytes += name.len();
                self.found.insert(name.into_owned(), ColumnType::of(value));
                if self.found.len() > MOST_FIELDS || self.bytes > MOST_NAME_BYTES {
                    return Err(too_many(MOST_FIELDS));
                }
            }
        }
        Ok(())
    }
}

/// More than `most`.
fn too_many(most: usize) -> Error {
    Error::invalid(
        "query.fields",
        "too_many_columns",
        text!(
            "字段超过 {most} 个，无法作为表格的列；请用 fields 指定需要的字段，或导出 JSON",
            "there are more than {most} fields, too many for columns; name those you need with fields, or export JSON"
        ),
    )
}

#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    types: Vec<ColumnType>,
    positions: HashMap<String, usize>,
    /// Whether these are all the fields there are: an item that has others arrived after they were collected.
    all: bool,
}

impl Columns {
    pub(super) fn all(names: Names) -> Self {
        let (names, types) = names.found.into_iter().unzip();
        Self::new(names, types, true)
    }

    pub(super) fn picked(names: Vec<String>) -> Self {
        Self::new(names, vec![], false)
    }

    /// Of names that were given.
    pub(super) fn picked_typed(names: Names) -> Self {
        let order = names.only.unwrap_or_default();
        let types = order.iter().map(|name| names.found[name]).collect();
        Self::new(order, types, false)
    }

    fn new(names: Vec<String>, types: Vec<ColumnType>, all: bool) -> Self {
        let positions = names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        Self { names, types, positions, all }
    }

    /// Itself, where there are no more than so many.
    pub(super) fn at_most(self, most: usize) -> Result<Self> {
        if self.names.len() > most { Err(too_many(most)) } else { Ok(self) }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Beside the names, where they were collected.
    pub(super) fn types(&self) -> &[ColumnType] {
        &self.types
    }

    /// The item's values; `None` for one that arrived after the export began.
    pub(super) fn values<'a>(&self, item: &'a RawValue) -> Option<Vec<Option<&'a RawValue>>> {
        let mut values = vec![None; self.names.len()];
        for (name, value) in fields(item) {
            match self.positions.get(name.as_ref()) {
                Some(position) => values[*position] = Some(value),
                None if self.all => return None,
                None => {}
            }
        }
        Some(values)
    }

    /// The same as text.
    pub(super) fn cells<'a>(&self, item: &'a RawValue) -> Option<Vec<Cow<'a, str>>> {
        Some(self.values(item)?.into_iter().map(|value| value.map_or(Cow::Borrowed(""), cell)).collect())
    }
}

/// With a `'` in front where a spreadsheet would run it.
pub(super) fn safe(cell: Cow<'_, str>) -> Cow<'_, str> {
    let is_number =
        || cell.parse::<f64>().is_ok() && cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number() { format!("'{cell}").into() } else { cell }
}

/// Lines of RFC 4180, as Python's `csv` writes them.
#[derive(Debug)]
pub(super) struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    pub(super) fn new() -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new()))
    }

    pub(super) fn add<'a>(&mut self, cells: impl Iterator<Item = Cow<'a, str>>) -> Result<()> {
        for cell in cells {
            self.0.write_field(cell.as_bytes()).map_err(Error::internal)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(Error::internal)
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.0.into_inner().map_err(|error| Error::internal(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for (cell, made) in [
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("-5", "-5"),
            ("+49.5", "+49.5"),
            ("-1.5e-3", "-1.5e-3"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(safe(cell.into()), made);
        }
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_loses_nothing() {
        let of = |values: &[&str]| {
            let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
            values.iter().fold(ColumnType::None, |kind, value| kind.and(ColumnType::of(&raw(value))))
        };
        assert_eq!(of(&["null"]), ColumnType::None);
        assert_eq!(of(&["1", "null", "-7"]), ColumnType::Integer);
        assert_eq!(of(&["1", "-9223372036854775808"]), ColumnType::LongInteger);
        assert_eq!(of(&["1", "9223372036854775808"]), ColumnType::Text);
        assert_eq!(of(&["1.5", "2"]), ColumnType::Number);
        assert_eq!(of(&["2", "1e3"]), ColumnType::Number);
        assert_eq!(of(&["9007199254740993", "1"]), ColumnType::LongInteger);
        assert_eq!(of(&["9007199254740993", "1.5"]), ColumnType::Text);
        assert_eq!(of(&["1.5", "1e400"]), ColumnType::Text);
        assert_eq!(of(&["0.1234567890123456789"]), ColumnType::Text);
        assert_eq!(of(&["true", "false"]), ColumnType::Flag);
        assert_eq!(of(&["true", "1"]), ColumnType::Text);
        assert_eq!(of(&["[1]"]), ColumnType::Text);
    }
}
