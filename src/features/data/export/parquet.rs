//! Parquet: a column for each field, in groups of rows that are written as they fill.

use std::sync::Arc;

use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::{Type, TypePtr},
};

use super::columns::{ColumnType, Columns};
use crate::{
    error::{Error, Result},
    features::data::object::cell,
    platform::documents::Item,
};

/// A group is full with either: large groups compress better, and lie in memory until they are written.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_CELLS: usize = 2 << 20;

/// What is known of each column of each group stays in memory to the end of the file.
pub(super) const MOST_COLUMNS: usize = 2000;
/// A table of more columns has no statistics, which are most of that.
const MOST_WITH_STATISTICS: usize = 200;

pub(super) struct Table {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Arc<Columns>,
    group: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// What a group has in a column so far: the values that are there, and for each row whether one is.
struct Column {
    values: Values,
    there: Vec<i16>,
}

enum Values {
    Flag(Vec<bool>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    Text(Vec<ByteArray>),
}

impl Table {
    pub(super) fn new(columns: Arc<Columns>) -> Result<Self> {
        let fields = columns.names().zip(columns.types()).map(|(name, kind)| field(name, *kind).map(Arc::new));
        let fields: Vec<TypePtr> = fields.collect::<Result<_, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("item").with_fields(fields).build().map_err(failed)?;
        let is_wide = columns.types().len() > MOST_WITH_STATISTICS;
        let statistics = if is_wide { EnabledStatistics::None } else { EnabledStatistics::Chunk };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
            .set_created_by(concat!("CrawlHub ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_statistics_enabled(statistics)
            .set_offset_index_disabled(true)
            .build();
        let writer = SerializedFileWriter::new(vec![], Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let group = empty(&columns);
        Ok(Self { writer, columns, group, rows: 0, bytes: 0 })
    }

    pub(super) fn items(&mut self, items: &[Item]) -> Result<Vec<u8>> {
        for item in items {
            let Some(values) = self.columns.values(&item.data) else { continue };
            for (column, value) in self.group.iter_mut().zip(values) {
                let text = value.map(cell).filter(|_| value.is_some_and(|value| value.get() != "null"));
                column.add(text.as_deref())?;
            }
            self.rows += 1;
            self.bytes += item.data.get().len();
            if self.bytes > GROUP_BYTES || self.rows * self.group.len() > GROUP_CELLS {
                self.write_group()?;
            }
        }
        self.written()
    }

    pub(super) fn end(mut self) -> Result<Vec<u8>> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.finish().map_err(failed)?;
        self.written()
    }

    fn write_group(&mut self) -> Result<()> {
        let group = std::mem::replace(&mut self.group, empty(&self.columns));
        (self.rows, self.bytes) = (0, 0);
        let mut writer = self.writer.next_row_group().map_err(failed)?;
        for column in group {
            let Some(mut place) = writer.next_column().map_err(failed)? else { break };
            column.write(place.untyped()).map_err(failed)?;
            place.close().map_err(failed)?;
        }
        writer.close().map(drop).map_err(failed)
    }

    /// What has been written since it was last asked for.
    fn written(&mut self) -> Result<Vec<u8>> {
        self.writer.flush().map_err(Error::internal)?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }
}

fn field(name: &str, kind: ColumnType) -> Result<Type, ParquetError> {
    let field = |physical| Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    match kind {
        ColumnType::Flag => field(Physical::BOOLEAN).build(),
        ColumnType::Integer | ColumnType::LongInteger => field(Physical::INT64).build(),
        ColumnType::Number => field(Physical::DOUBLE).build(),
        ColumnType::Text | ColumnType::None => field(Physical::BYTE_ARRAY)
            .with_converted_type(ConvertedType::UTF8)
            .with_logical_type(Some(LogicalType::String))
            .build(),
    }
}

fn empty(columns: &Columns) -> Vec<Column> {
    let values = columns.types().iter().map(|kind| match kind {
        ColumnType::Flag => Values::Flag(vec![]),
        ColumnType::Integer | ColumnType::LongInteger => Values::Integer(vec![]),
        ColumnType::Number => Values::Number(vec![]),
        ColumnType::Text | ColumnType::None => Values::Text(vec![]),
    });
    values.map(|values| Column { values, there: vec![] }).collect()
}

impl Column {
    /// `None` where the item has no such field, or null.
    fn add(&mut self, text: Option<&str>) -> Result<()> {
        self.there.push(text.is_some().into());
        let Some(text) = text else { return Ok(()) };
        match &mut self.values {
            Values::Flag(values) => values.push(text.parse().map_err(Error::internal)?),
            Values::Integer(values) => values.push(text.parse().map_err(Error::internal)?),
            Values::Number(values) => values.push(text.parse().map_err(Error::internal)?),
            Values::Text(values) => values.push(text.as_bytes().to_vec().into()),
        }
        Ok(())
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<usize, ParquetError> {
        let there = Some(self.there.as_slice());
        match (&self.values, writer) {
            (Values::Flag(values), ColumnWriter::BoolColumnWriter(writer)) => writer.write_batch(values, there, None),
            (Values::Integer(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, there, None)
            }
            (Values::Number(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(values, there, None)
            }
            (Values::Text(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, there, None)
            }
            _ => Err(ParquetError::General("a column of another type".to_owned())),
        }
    }
}

fn failed(error: ParquetError) -> Error {
    Error::internal(error)
}
