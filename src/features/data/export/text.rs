//! JSON, JSON Lines and CSV.

use std::{borrow::Cow, fmt::Write, sync::Arc};

use chrono::SecondsFormat;
use serde_json::value::RawValue;

use super::{
    Format, Of, Plan,
    columns::{Columns, Lines, safe},
};
use crate::{
    error::{Error, Result},
    features::data::{object::fields, types::WholeRow},
    platform::documents::Item,
};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// In front of the fields in a CSV of whole rows.
const ROW_COLUMNS: [&str; 3] = ["task_id", "spider_id", "created_at"];

pub(super) struct Text {
    form: Form,
    begun: bool,
}

enum Form {
    Json { of: Of, picked: Option<Vec<String>> },
    NdJson { picked: Option<Vec<String>> },
    Csv(Csv),
}

struct Csv {
    of: Of,
    columns: Arc<Columns>,
    bom: bool,
    safe: bool,
}

impl Text {
    pub(super) fn new(plan: &Plan) -> Self {
        let options = &plan.options;
        let picked = options.picked.clone();
        let form = match plan.format {
            Format::Json => Form::Json { of: plan.of, picked },
            Format::NdJson => Form::NdJson { picked },
            _ => Form::Csv(Csv { of: plan.of, columns: plan.columns.clone(), bom: options.bom, safe: options.safe }),
        };
        Self { form, begun: false }
    }

    pub(super) fn items(&mut self, items: &[Item]) -> Result<Vec<u8>> {
        let is_first = !std::mem::replace(&mut self.begun, true);
        match &self.form {
            Form::Json { of, picked } => {
                let mut text = String::new();
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if is_first && index == 0 { "[\n" } else { ",\n" });
                    let data = picking(picked.as_deref(), &item.data)?;
                    match of {
                        Of::Items => text.push_str(data.get()),
                        Of::Rows => {
                            let row = WholeRow::from(Item { data: data.into_owned(), ..item.clone() });
                            text.push_str(&serde_json::to_string(&row).map_err(Error::internal)?);
                        }
                    }
                }
                Ok(text.into())
            }
            Form::NdJson { picked } => {
                let mut text = String::new();
                for item in items {
                    text.push_str(&one_line(picking(picked.as_deref(), &item.data)?.get()));
                    text.push('\n');
                }
                Ok(text.into())
            }
            Form::Csv(csv) => {
                let head = if is_first { csv.head()? } else { vec![] };
                Ok([head, csv.lines(items)?].concat())
            }
        }
    }

    pub(super) fn end(&self) -> &'static [u8] {
        match self.form {
            Form::Json { .. } if self.begun => b"\n]\n",
            Form::Json { .. } => b"[]\n",
            Form::NdJson { .. } | Form::Csv(_) => b"",
        }
    }
}

impl Csv {
    fn head(&self) -> Result<Vec<u8>> {
        let mut lines = Lines::new();
        lines.add(self.row_columns().iter().copied().chain(self.columns.names()).map(|name| self.cell(name.into())))?;
        let mark = if self.bom { BOM } else { b"" };
        Ok([mark, &lines.finish()?].concat())
    }

    fn lines(&self, items: &[Item]) -> Result<Vec<u8>> {
        let mut lines = Lines::new();
        for item in items {
            let Some(cells) = self.columns.cells(&item.data) else { continue };
            let created_at = item.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let row = [item.task_id.as_str(), item.spider_id.as_str(), &created_at];
            let row = row[..self.row_columns().len()].iter().map(|cell| Cow::Borrowed(*cell));
            lines.add(row.chain(cells.into_iter().map(|cell| self.cell(cell))))?;
        }
        lines.finish()
    }

    fn row_columns(&self) -> &'static [&'static str] {
        if self.of == Of::Rows { &ROW_COLUMNS } else { &[] }
    }

    fn cell<'a>(&self, cell: Cow<'a, str>) -> Cow<'a, str> {
        if self.safe { safe(cell) } else { cell }
    }
}

/// Within JSON a line break is only ever space between tokens.
fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) { json.replace(['\r', '\n'], " ").into() } else { json.into() }
}

/// An object of the named fields that the item has, in that order, where names are given; else the item.
fn picking<'a>(names: Option<&[String]>, item: &'a RawValue) -> Result<Cow<'a, RawValue>> {
    let Some(names) = names else { return Ok(Cow::Borrowed(item)) };
    let fields = fields(item);
    let mut object = String::from("{");
    for name in names {
        let Some((_, value)) = fields.iter().rfind(|(known, _)| known == name) else { continue };
        let separator = if object.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(object, "{separator}{}:{value}", serde_json::Value::from(name.as_str()));
    }
    object.push('}');
    RawValue::from_string(object).map(Cow::Owned).map_err(Error::internal)
}
