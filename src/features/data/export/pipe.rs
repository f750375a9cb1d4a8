use super::{Format, Plan, off_thread, parquet::Table, squeeze::Squeeze, text::Text};
use crate::{error::Result, features::data::reader::Reader, platform::documents::Item};

/// A file in the making: items in, bytes out.
pub(super) struct Pipe {
    reader: Reader,
    /// Read while the bytes of those before were made.
    ahead: Option<Vec<Item>>,
    /// `None` once the end is written.
    maker: Option<Maker>,
}

struct Maker {
    form: Form,
    squeeze: Squeeze,
}

enum Form {
    Text(Text),
    Parquet(Box<Table>),
}

impl Pipe {
    pub(super) fn open(plan: &Plan) -> Result<Self> {
        let form = match plan.format {
            Format::Parquet => Form::Parquet(Box::new(Table::new(plan.columns.clone())?)),
            _ => Form::Text(Text::new(plan)),
        };
        let maker = Maker { form, squeeze: Squeeze::new(plan.options.compress)? };
        Ok(Self { reader: plan.reader.clone(), ahead: None, maker: Some(maker) })
    }

    /// The next bytes, some at least; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some(maker) = self.maker.take() {
            let items = match self.ahead.take() {
                Some(items) => items,
                None => self.reader.next().await?,
            };
            let is_end = items.is_empty();
            let reader = &mut self.reader;
            let ahead = async { if is_end { Ok(vec![]) } else { reader.next().await } };
            let (made, ahead) = tokio::join!(off_thread(move || maker.step(&items)), ahead);
            let (bytes, maker) = made?;
            (self.maker, self.ahead) = (maker, Some(ahead?));
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// How many bytes there are, all read and thrown away.
    pub(super) async fn length(mut self) -> Result<u64> {
        let mut length = 0;
        while let Some(bytes) = self.next().await? {
            length += bytes.len() as u64;
        }
        Ok(length)
    }
}

impl Maker {
    /// No items are the end.
    fn step(mut self, items: &[Item]) -> Result<(Vec<u8>, Option<Self>)> {
        if !items.is_empty() {
            let bytes = match &mut self.form {
                Form::Text(text) => text.items(items),
                Form::Parquet(table) => table.items(items),
            }?;
            return Ok((self.squeeze.add(bytes)?, Some(self)));
        }
        let end = match self.form {
            Form::Text(text) => text.end().to_vec(),
            Form::Parquet(table) => table.end()?,
        };
        let mut bytes = self.squeeze.add(end)?;
        bytes.extend(self.squeeze.finish()?);
        Ok((bytes, None))
    }
}
