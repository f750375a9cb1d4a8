//! Exports as streams: a step of items is read when the client has taken the one before.

use std::{borrow::Cow, fmt::Write};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use futures_util::stream;
use serde_json::value::RawValue;

use super::{
    Data, DataFilter,
    columns::{Columns, Lines, Names},
    object::fields,
    service::Reader,
    types::{ExportOptions, WholeRow},
};
use crate::{
    error::{Error, Result},
    platform::{
        documents::Item,
        http::{attachment, request_id},
    },
};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// In front of the fields in a CSV of whole rows.
const ROW_COLUMNS: [&str; 3] = ["task_id", "spider_id", "created_at"];

/// What is written for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Items,
    /// With task, spider and time.
    Rows,
}

/// A file to be downloaded.
#[derive(Debug)]
pub(super) struct Export {
    reader: Reader,
    form: Form,
    file_name: &'static str,
    content_type: &'static str,
    begun: bool,
}

#[derive(Debug)]
enum Form {
    Json { of: Of, picked: Option<Vec<String>> },
    NdJson { picked: Option<Vec<String>> },
    Csv { of: Of, columns: Columns, bom: bool },
}

impl Data {
    pub(super) async fn export_json(&self, filter: DataFilter, options: &ExportOptions, of: Of) -> Result<Export> {
        Ok(Export {
            reader: self.read(filter).await?,
            form: Form::Json { of, picked: options.fields() },
            file_name: if of == Of::Rows { "data_stream.json" } else { "data.json" },
            content_type: "application/json; charset=utf-8",
            begun: false,
        })
    }

    pub(super) async fn export_ndjson(&self, filter: DataFilter, options: &ExportOptions) -> Result<Export> {
        Ok(Export {
            reader: self.read(filter).await?,
            form: Form::NdJson { picked: options.fields() },
            file_name: "data.ndjson",
            content_type: "application/x-ndjson; charset=utf-8",
            begun: false,
        })
    }

    /// Reads everything twice where the columns are not given: the header comes first.
    pub(super) async fn export_csv(&self, filter: DataFilter, options: &ExportOptions, of: Of) -> Result<Export> {
        let reader = self.read(filter).await?;
        let columns = match options.fields() {
            Some(picked) => Columns::picked(picked),
            None => Columns::all(names(reader.again()).await?),
        };
        Ok(Export {
            reader,
            form: Form::Csv { of, columns, bom: options.bom() },
            file_name: if of == Of::Rows { "data_stream.csv" } else { "data.csv" },
            content_type: "text/csv; charset=utf-8",
            begun: false,
        })
    }
}

async fn names(mut reader: Reader) -> Result<Vec<String>> {
    let mut names = Names::default();
    loop {
        let items = reader.next().await?;
        if items.is_empty() {
            return Ok(names.sorted());
        }
        items.iter().try_for_each(|item| names.add(&item.data))?;
    }
}

impl Form {
    fn items(&self, items: Vec<Item>, first: bool) -> Result<Vec<u8>> {
        match self {
            Self::Json { of, picked } => {
                let mut text = String::new();
                for (index, item) in items.into_iter().enumerate() {
                    text.push_str(if first && index == 0 { "[\n" } else { ",\n" });
                    let item = picking(picked.as_deref(), item)?;
                    match of {
                        Of::Items => text.push_str(item.data.get()),
                        Of::Rows => {
                            text.push_str(&serde_json::to_string(&WholeRow::from(item)).map_err(Error::internal)?);
                        }
                    }
                }
                Ok(text.into())
            }
            Self::NdJson { picked } => {
                let mut text = String::new();
                for item in items {
                    let item = picking(picked.as_deref(), item)?;
                    text.push_str(&one_line(item.data.get()));
                    text.push('\n');
                }
                Ok(text.into())
            }
            Self::Csv { of, columns, bom } => {
                let head = if first { csv_head(*of, columns, *bom)? } else { vec![] };
                Ok([head, csv_lines(*of, columns, &items)?].concat())
            }
        }
    }

    fn end(&self, empty: bool) -> &'static [u8] {
        match self {
            Self::Json { .. } if empty => b"[]\n",
            Self::Json { .. } => b"\n]\n",
            Self::NdJson { .. } | Self::Csv { .. } => b"",
        }
    }
}

fn csv_head(of: Of, columns: &Columns, bom: bool) -> Result<Vec<u8>> {
    let mut lines = Lines::new();
    lines.add(row_columns(of).iter().copied().chain(columns.names().iter().map(String::as_str)))?;
    let mark = if bom { BOM } else { b"" };
    Ok([mark, &lines.finish()?].concat())
}

fn csv_lines(of: Of, columns: &Columns, items: &[Item]) -> Result<Vec<u8>> {
    let mut lines = Lines::new();
    for item in items {
        let Some(cells) = columns.cells(&item.data) else { continue };
        let created_at = item.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let row = [item.task_id.as_str(), item.spider_id.as_str(), &created_at];
        lines.add(row[..row_columns(of).len()].iter().copied().chain(cells.iter().map(AsRef::as_ref)))?;
    }
    lines.finish()
}

fn row_columns(of: Of) -> &'static [&'static str] {
    if of == Of::Rows { &ROW_COLUMNS } else { &[] }
}

/// Within JSON a line break is only ever space between tokens.
fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains('\n') || json.contains('\r') { json.replace(['\r', '\n'], " ").into() } else { json.into() }
}

/// The item with an object of the named fields that it has, in that order, where names are given.
fn picking(names: Option<&[String]>, item: Item) -> Result<Item> {
    let Some(names) = names else { return Ok(item) };
    let fields = fields(&item.data);
    let mut object = String::from("{");
    for name in names {
        let Some((_, value)) = fields.iter().rfind(|(known, _)| known == name) else { continue };
        let separator = if object.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(object, "{separator}{}:{value}", serde_json::Value::from(name.as_str()));
    }
    object.push('}');
    let data = RawValue::from_string(object).map_err(Error::internal)?;
    Ok(Item { data, ..item })
}

impl Export {
    /// The next piece of the file; `None` at the end.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let items = self.reader.next().await?;
        if items.is_empty() {
            return Ok(None);
        }
        let first = !std::mem::replace(&mut self.begun, true);
        self.form.items(items, first).map(Some)
    }
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type.to_owned()),
            (header::CONTENT_DISPOSITION, attachment(self.file_name)),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        // Here, since the request is over for the rest of the server when its body is read.
        let request = request_id();
        let pieces = stream::try_unfold(Some(self), move |export| {
            let request = request.clone();
            async move {
                let Some(mut export) = export else { return Ok(None) };
                match export.piece().await {
                    Ok(Some(piece)) => Ok(Some((piece, Some(export)))),
                    Ok(None) => {
                        let end = export.form.end(!export.begun);
                        Ok(if end.is_empty() { None } else { Some((end.to_vec(), None)) })
                    }
                    // The client sees a broken transfer, never a file that looks whole.
                    Err(error) => {
                        tracing::error!(request_id = request, "an export broke off: {error:#}");
                        Err(error)
                    }
                }
            }
        });
        (headers, Body::from_stream(pieces)).into_response()
    }
}
