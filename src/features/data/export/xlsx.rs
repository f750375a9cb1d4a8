//! XLSX: made whole in a temporary file, since its parts cannot be written in the order in which items come.

use std::{
    fs::File,
    io::{BufWriter, Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{
    Plan,
    columns::{Columns, number, safe},
};
use crate::{
    error::{Error, Result},
    features::data::object::{Kind, cell},
    platform::documents::{Documents, Item},
};

/// Of one sheet, its head included.
const MOST_ROWS: u32 = 1_048_576;
/// Of one cell, in units of UTF-16.
const MOST_UNITS: usize = 32_767;
/// Behind a text that was cut.
const CUT: &str = "…[cut]";

/// Nothing of it is left where the caller goes away: temporary files have no names.
pub(super) async fn file(plan: &Plan, documents: &Documents, folder: &Path) -> Result<File> {
    let (sender, receiver) = mpsc::channel(1);
    let sheets = Sheets::new(plan, folder.to_owned());
    let made = tokio::task::spawn_blocking(move || sheets.make(receiver));
    let mut reader = plan.reader.clone();
    loop {
        documents.check_room()?;
        let items = reader.next().await?;
        let is_end = items.is_empty();
        // A closed channel: it has failed, and says why below.
        if sender.send(items).await.is_err() || is_end {
            break;
        }
    }
    made.await.map_err(|error| {
        // The library panics where it cannot write to its temporary files.
        if error.is_panic() && documents.check_room().is_err() {
            return unwritten(std::io::ErrorKind::StorageFull.into());
        }
        Error::internal(error)
    })?
}

struct Sheets {
    columns: Arc<Columns>,
    safe: bool,
    folder: PathBuf,
    workbook: Workbook,
}

impl Sheets {
    fn new(plan: &Plan, folder: PathBuf) -> Self {
        Self { columns: plan.columns.clone(), safe: plan.options.safe, folder, workbook: Workbook::new() }
    }

    /// An empty step is the end. Without one, nobody wants the file any more.
    fn make(mut self, mut items: mpsc::Receiver<Vec<Item>>) -> Result<File> {
        // Always the same: the file must be the same when it is made again.
        let made_at = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        self.workbook.set_properties(&DocProperties::new().set_creation_datetime(&made_at));
        self.workbook.set_tempdir(&self.folder).map_err(failed)?;
        let mut row = MOST_ROWS;
        let mut sheet = None;
        loop {
            let some = items.blocking_recv().ok_or_else(|| Error::internal(anyhow::anyhow!("the reader went away")))?;
            if some.is_empty() {
                break;
            }
            for item in &some {
                let Some(values) = self.columns.values(&item.data) else { continue };
                if row == MOST_ROWS {
                    if let Some(full) = sheet.take() {
                        self.workbook.push_worksheet(full);
                    }
                    sheet = Some(self.next_sheet()?);
                    row = 1;
                }
                if let Some(sheet) = &mut sheet {
                    for (column, value) in (0..).zip(values) {
                        if let Some(value) = value {
                            self.write(sheet, row, column, value)?;
                        }
                    }
                }
                row += 1;
            }
        }
        self.workbook.push_worksheet(sheet.unwrap_or_default());
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder).map_err(unwritten)?);
        self.workbook.save_to_writer(&mut file).map_err(failed)?;
        file.flush().map_err(unwritten)?;
        let mut file = file.into_inner().map_err(|error| unwritten(error.into_error()))?;
        file.rewind().map_err(unwritten)?;
        Ok(file)
    }

    fn next_sheet(&mut self) -> Result<Worksheet> {
        let mut sheet = self.workbook.new_worksheet_with_constant_memory().map_err(failed)?;
        for (column, name) in (0..).zip(self.columns.names()) {
            self.write_text(&mut sheet, 0, column, name)?;
        }
        Ok(sheet)
    }

    /// Numbers that a spreadsheet would round are text, as dates are.
    fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, value: &RawValue) -> Result<()> {
        let text = cell(value);
        match Kind::of(value) {
            Kind::Null => Ok(()),
            Kind::Boolean => sheet.write_boolean(row, column, &*text == "true").map(drop).map_err(failed),
            Kind::Integer | Kind::Number => match number(&text) {
                Some(number) => sheet.write_number(row, column, number).map(drop).map_err(failed),
                None => self.write_text(sheet, row, column, &text),
            },
            Kind::String | Kind::Array | Kind::Object => self.write_text(sheet, row, column, &text),
        }
    }

    fn write_text(&self, sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<()> {
        let text = if self.safe { safe(text.into()) } else { text.into() };
        sheet.write_string(row, column, cut(&text)).map(drop).map_err(failed)
    }
}

/// What fits into a cell, with a mark where that is not all.
fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= MOST_UNITS || text.encode_utf16().count() <= MOST_UNITS {
        return text.into();
    }
    let mut units = CUT.encode_utf16().count();
    let fits = |char: &char| {
        units += char.len_utf16();
        units <= MOST_UNITS
    };
    let kept: String = text.chars().take_while(fits).collect();
    (kept + CUT).into()
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) | XlsxError::TempFileError(_, error) => unwritten(error),
        other => Error::internal(other),
    }
}

/// No room for temporary files passes, unlike a defect.
fn unwritten(error: std::io::Error) -> Error {
    Error::Unavailable { what: "temporary files", source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_is_too_long_is_cut_with_a_mark() {
        let fits = "字".repeat(MOST_UNITS);
        assert_eq!(cut(&fits), fits);
        let long = "😀".repeat(MOST_UNITS);
        let short = cut(&long);
        assert!(short.starts_with("😀😀") && short.ends_with(CUT));
        assert!((MOST_UNITS - 1..=MOST_UNITS).contains(&short.encode_utf16().count()));
    }
}
