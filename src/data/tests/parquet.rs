//! Parquet files beside the CSV files that hold the same, damaged ones, and those that are larger than they look.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)] // small numbers

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type,
};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;

use super::{doubts, row, taken};

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// Writes the next column; `is_there` where cells may be missing.
fn column<T: DataType>(group: &mut Group, values: &[T::T], is_there: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, is_there, None).unwrap();
    column.close().unwrap();
}

fn file(schema: &str, compression: Compression, write: impl Fn(&mut Group)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let settings = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(settings)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.into_inner().unwrap()
}

const SCHEMA: &str = "message t {
    required int64 a;
    optional double b;
    optional boolean c;
    required float f;
    required binary s (UTF8);
    required int32 d (DECIMAL(9,2));
    required int32 e (DATE);
    required int64 t (TIMESTAMP(NANOS,false));
    required int64 __index_level_0__;
    required binary y (UTF8);
}";

/// Rows of every kind of cell, as a Parquet file.
fn all_kinds(rows: usize, compression: Compression) -> Vec<u8> {
    let text = |of: fn(usize) -> &'static str| -> Vec<ByteArray> {
        (0..rows).map(|at| ByteArray::from(of(at))).collect()
    };
    let whole = |of: fn(i64) -> i64| (0..rows as i64).map(of).collect::<Vec<i64>>();
    let small = |of: fn(i32) -> i32| (0..rows as i32).map(of).collect::<Vec<i32>>();
    let is_there: Vec<i16> = (0..rows).map(|at| i16::from(at % 5 != 0)).collect();
    let there = || (0..rows).filter(|at| at % 5 != 0);
    let b: Vec<f64> = there().map(|at| if at == 7 { f64::NAN } else { at as f64 / 3.0 }).collect();
    let c: Vec<bool> = there().map(|at| at % 2 == 0).collect();
    let f: Vec<f32> = (0..rows).map(|at| at as f32 / 10.0).collect();
    file(SCHEMA, compression, |group| {
        column::<Int64Type>(group, &whole(|at| at * 37 % 11), None);
        column::<DoubleType>(group, &b, Some(&is_there));
        column::<BoolType>(group, &c, Some(&is_there));
        column::<FloatType>(group, &f, None);
        column::<ByteArrayType>(group, &text(|at| ["?", "b c", "d"][at % 3]), None);
        column::<Int32Type>(group, &small(|at| at * 7 - 20), None);
        column::<Int32Type>(group, &small(|at| 18_262 + at % 3), None);
        column::<Int64Type>(group, &whole(|at| 1_577_836_800_000_000_000 + at % 2 * 1_500), None);
        column::<Int64Type>(group, &whole(|at| at), None);
        column::<ByteArrayType>(group, &text(|at| ["p", "q"][at % 2]), None);
    })
}

#[test]
fn cells_of_every_kind_are_those_of_the_text() {
    let mut text = "a,b,c,f,s,d,e,t,y\n".to_owned();
    for at in 0..60_i64 {
        let missing = at % 5 == 0;
        let b = if missing || at == 7 { String::new() } else { (at as f64 / 3.0).to_string() };
        let c = if missing { String::new() } else { (at % 2 == 0).to_string() };
        let (cents, tens) = (at * 7 - 20, at as f64 / 10.0);
        let micros = at % 2;
        text.extend([format!(
            "{},{b},{c},{tens},{},{},2020-01-0{},2020-01-01 00:00:00.00000{micros} +00:00,{}\n",
            at * 37 % 11,
            ["?", "b c", "d"][at as usize % 3],
            cents as f64 / 100.0,
            1 + at % 3,
            ["p", "q"][at as usize % 2],
        )]);
    }
    let wanted = taken("t.csv", text.as_bytes(), |_| ()).unwrap();
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())]
    {
        let bytes = all_kinds(60, compression);
        let found = taken("t.parquet", &bytes, |_| ()).unwrap();
        for at in 0..60 {
            assert_eq!(row(&found, at), row(&wanted, at), "{at}");
        }
        assert_eq!(found.preprocessing["inputs"], wanted.preprocessing["inputs"]);
        let told = doubts(&found).join("\n");
        assert!(told.contains("`__index_level_0__` left out"), "{told}");
    }
}

#[test]
fn columns_that_hold_no_cells_are_refused_by_name() {
    let nested = "message t { required group g { required int64 a; } required int64 y; }";
    let bytes = file(nested, Compression::SNAPPY, |group| {
        column::<Int64Type>(group, &[1, 2], None);
        column::<Int64Type>(group, &[1, 2], None);
    });
    let message = taken("t.parquet", &bytes, |_| ()).unwrap_err();
    assert!(message.starts_with("t.parquet: column `g` holds lists or groups"), "{message}");
    let none = "message t { required int64 a; required int64 y; }";
    let bytes = file(none, Compression::SNAPPY, |group| {
        column::<Int64Type>(group, &[], None);
        column::<Int64Type>(group, &[], None);
    });
    assert_eq!(taken("t.parquet", &bytes, |_| ()).unwrap_err(), "t.parquet: there is no row");
}

#[test]
fn whatever_is_damaged_ends_soon_with_an_error_or_with_rows() {
    for compression in [Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())] {
        let whole = all_kinds(20, compression);
        let tried = |bytes: &[u8], what: &str| {
            let begun = Instant::now();
            let found = taken("t.parquet", bytes, |_| ());
            assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
            // Content may change to other content: only what it says of itself can be held against a file.
            if let Err(message) = &found {
                assert!(message.starts_with("t.parquet"), "{what}: {message}");
            }
            found.is_ok()
        };
        assert!(tried(&whole, "whole"));
        for end in 0..whole.len() {
            assert!(!tried(&whole[..end], &format!("cut at {end}")), "{end}");
        }
        let mut bytes = whole.clone();
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                bytes[at] ^= flip;
                tried(&bytes, &format!("byte {at} by {flip:#x}"));
                bytes[at] = whole[at];
            }
        }
    }
}

#[test]
fn rows_that_outnumber_the_file_are_refused_until_they_are_allowed() {
    let rows = 1 << 20;
    let schema: String =
        (0..20).map(|at| format!("required int32 c{at};")).collect::<Vec<_>>().concat();
    let zeros = vec![0; rows];
    let bytes = file(&format!("message t {{ {schema} }}"), Compression::SNAPPY, |group| {
        (0..20).for_each(|_| column::<Int32Type>(group, &zeros, None));
    });
    assert!(bytes.len() < 100_000);
    let begun = Instant::now();
    let message = taken("t.parquet", &bytes, |_| ()).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(message.starts_with("t.parquet: unpacks into more than 6"), "{message}");
    assert!(message.contains("set data.max_unpacked_mib"), "{message}");
    let allowed = taken("t.parquet", &bytes[..], |config| config.max_unpacked_mib = Some(80));
    assert!(!allowed.is_err_and(|message| message.contains("unpacks")));
}
