//! Parquet, as pandas, polars and `DuckDB` write it: flat columns, uncompressed or compressed by Snappy or zstd.
//!
//! Nulls and NaN are missing cells, booleans, dates and times are text, a 32-bit number is the shortest decimal that is
//! rounded to it. What a damaged file makes the crate panic on is an error like any other.

mod guard;
mod pages;

use ::parquet::basic::{Compression, LogicalType, TimeUnit};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row};
use ::parquet::schema::types::Type;
use bytes::Bytes;

use super::format::{Format, Input};
use super::npy::shortest;
use crate::config::data::DataConfig;
use crate::data::doubt::Doubt;
use crate::data::error::{DataError, UnpacksTooFar, shortened};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::text::quoted;
use guard::guarded;

pub(super) const PARQUET: Format = Format {
    names: &["Parquet"],
    endings: &["parquet", "pq"],
    keys: &["data.test_source", "data.drop", "data.categorical", "data.split.column"],
    read,
};

/// Bytes that a cell takes at least, once it is read.
const CELL: u64 = 4;

/// A cell, decoded.
enum Value {
    Missing,
    Number(f64),
    Text(Vec<u8>),
}

fn read(input: Input, _: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, room } = input;
    let wrong = |problem: String| DataError::File { file: file.to_owned(), problem };
    let damaged = |cause: String| {
        wrong(format!(
            "the file is cut short or damaged ({}): write or download it again",
            shortened(cause.as_bytes())
        ))
    };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|cause| DataError::reading(file, cause))?;
    let bytes = Bytes::from(bytes);
    let opened =
        guarded(|| SerializedFileReader::new(bytes.clone()).map_err(|error| error.to_string()))
            .map_err(damaged)?;
    let fields = opened.metadata().file_metadata().schema().get_fields();
    let names = fields.iter().map(|field| name(field)).collect::<Result<_, _>>().map_err(wrong)?;
    let places = Places::of(opened.metadata(), names);
    check_codecs(opened.metadata()).map_err(wrong)?;
    let unpacked = guarded(|| pages::unpacked(&bytes, opened.metadata())).map_err(damaged)?;
    let rows: u64 = opened
        .metadata()
        .row_groups()
        .iter()
        .map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add);
    if unpacked.max(rows.saturating_mul(CELL * fields.len() as u64)) > room {
        return Err(DataError::reading(file, UnpacksTooFar(room).into()));
    }
    if rows == 0 {
        return Err(wrong("there is no row".to_owned()));
    }
    if !places.left_out.is_empty() {
        let message = format!(
            "{} left out, as pandas reads it as the names of rows",
            quoted(&places.left_out.iter().map(String::as_str).collect::<Vec<_>>())
        );
        table.doubt(Doubt::note("index left out", "data.source", message));
    }
    table.begin(file, Header { names: places.names.clone(), ..Header::default() })?;
    let text = |error: ParquetError| error.to_string();
    let mut iter = guarded(|| opened.get_row_iter(None).map_err(text)).map_err(damaged)?;
    for at in 0..rows {
        let next = guarded(|| match iter.next() {
            Some(row) => places.values(row.map_err(text)?),
            None => Err(format!("{rows} rows are announced, {at} are there")),
        });
        let values = next.map_err(damaged)?;
        table.row(None, |at| match &values[at] {
            Value::Missing => Cell::Missing,
            Value::Number(number) => Cell::Number(*number),
            Value::Text(text) => Cell::Text(text),
        })?;
    }
    Ok(())
}

/// The name of a column, which must hold one cell a row.
fn name(field: &Type) -> Result<String, String> {
    let info = field.get_basic_info();
    let is_repeated =
        info.has_repetition() && info.repetition() == ::parquet::basic::Repetition::REPEATED;
    if field.is_group() || is_repeated {
        return Err(format!(
            "column `{}` holds lists or groups, which no cell can: write its parts as columns of their own, or leave it out of the file",
            shortened(field.name().as_bytes())
        ));
    }
    Ok(field.name().to_owned())
}

fn check_codecs(metadata: &ParquetMetaData) -> Result<(), String> {
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let is_other = |compression| {
        !matches!(
            compression,
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_)
        )
    };
    match columns.find(|column| is_other(column.compression())) {
        Some(column) => Err(format!(
            "column `{}` is compressed by {:?}: write the file with Snappy, zstd or without compression",
            shortened(column.column_path().string().as_bytes()),
            column.compression_codec()
        )),
        None => Ok(()),
    }
}

/// Which columns are read, and how.
struct Places {
    names: Vec<String>,
    /// Names of rows, as pandas writes them.
    left_out: Vec<String>,
    is_read: Vec<bool>,
    /// Times in nanoseconds, which the crate takes for whole numbers.
    in_nanoseconds: Vec<bool>,
}

impl Places {
    fn of(metadata: &ParquetMetaData, names: Vec<String>) -> Self {
        let is_index = |name: &String| {
            let number = name.strip_prefix("__index_level_").and_then(|n| n.strip_suffix("__"));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let columns = metadata.file_metadata().schema_descr().columns();
        let in_nanoseconds = columns.iter().map(|column| {
            matches!(column.logical_type_ref(), Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::NANOS)
        });
        let in_nanoseconds = in_nanoseconds.collect();
        let is_read: Vec<bool> = names.iter().map(|name| !is_index(name)).collect();
        let (left_out, names) = names.into_iter().partition(is_index);
        Self { names, left_out, is_read, in_nanoseconds }
    }

    fn values(&self, row: Row) -> Result<Vec<Value>, String> {
        let fields = row.into_columns().into_iter().zip(&self.is_read).zip(&self.in_nanoseconds);
        let kept = fields.filter(|((_, is_read), _)| **is_read);
        kept.map(|(((_, field), _), in_nanoseconds)| match field {
            Field::Long(time) if *in_nanoseconds => {
                value(&Field::TimestampMicros(time.div_euclid(1000)))
            }
            field => value(&field),
        })
        .collect()
    }
}

#[allow(clippy::cast_precision_loss)] // as of numbers in a text
fn value(field: &Field) -> Result<Value, String> {
    let number =
        |number: f64| Ok(if number.is_nan() { Value::Missing } else { Value::Number(number) });
    match field {
        Field::Null => Ok(Value::Missing),
        Field::Byte(value) => number(f64::from(*value)),
        Field::Short(value) => number(f64::from(*value)),
        Field::Int(value) => number(f64::from(*value)),
        Field::Long(value) => number(*value as f64),
        Field::UByte(value) => number(f64::from(*value)),
        Field::UShort(value) => number(f64::from(*value)),
        Field::UInt(value) => number(f64::from(*value)),
        Field::ULong(value) => number(*value as f64),
        Field::Float16(value) => number(shortest(value.to_f32())),
        Field::Float(value) => number(shortest(*value)),
        Field::Double(value) => number(*value),
        Field::Str(text) => Ok(Value::Text(text.clone().into_bytes())),
        Field::Bytes(bytes) => Ok(Value::Text(bytes.data().to_vec())),
        Field::Bool(_)
        | Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Ok(Value::Text(field.to_string().into_bytes())),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => {
            Err("a cell holds a list or a group".to_owned())
        }
    }
}
