//! `NumPy`'s arrays: `.npy` (format 1 to 3), and `.npz`, a ZIP archive of them.
//!
//! A column of an array of two dimensions is a column of the table, an array of one dimension is one, and an array of
//! more is flattened row by row. Columns of a single array are called `c1`, `c2`, …; those of an archive after their
//! array. Arrays whose name says that they are answers come last, where the target is looked for by default, and
//! those called `*_train`, `*_valid` and `*_test` are the splits of one table, as Keras keeps its data sets.

use std::io::{Cursor, Read};
use std::path::Path;

use super::format::{Format, Input};
use crate::config::data::DataConfig;
use crate::data::error::{DataError, UnpacksTooFar, shortened};
use crate::data::split::given::{Given, Part};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::text::{counted, quoted};

pub(super) const NPY: Format = Format {
    names: &[".npy", ".npz"],
    endings: &["npy", "npz"],
    keys: &["data.test_source", "data.drop", "data.categorical", "data.split.column"],
    read,
};

const MAGIC: &[u8] = b"\x93NUMPY";

/// What an archive begins with.
const ZIP: &[u8] = b"PK";

/// Arrays of answers.
const TARGETS: [&str; 8] =
    ["y", "target", "targets", "label", "labels", "class", "classes", "answers"];

/// Endings of the names of arrays that are a split each.
const SPLITS: [(&str, Part); 5] = [
    ("_train", Part::Train),
    ("_val", Part::Validation),
    ("_valid", Part::Validation),
    ("_validation", Part::Validation),
    ("_test", Part::Test),
];

fn read(input: Input, _: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, room } = input;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|cause| DataError::reading(file, cause))?;
    if bytes.starts_with(ZIP) {
        return parts(&archive(bytes, room, file)?, file, table);
    }
    let array = Array::parse(String::new(), bytes).map_err(|problem| wrong(file, problem))?;
    if array.shape.is_empty() {
        return Err(wrong(file, "an array of no dimension holds no rows".to_owned()));
    }
    let names = (1..=array.width()).map(|at| format!("c{at}")).collect();
    table.begin(file, Header { names, ..Header::default() })?;
    rows(&[&array], file, table)
}

fn wrong(file: &Path, problem: String) -> DataError {
    DataError::File { file: file.to_owned(), problem }
}

/// The arrays of an archive, in its order.
fn archive(bytes: Vec<u8>, room: u64, file: &Path) -> Result<Vec<Array>, DataError> {
    let damaged = |cause: &dyn std::fmt::Display| {
        wrong(file, format!("the archive is cut short or damaged ({cause}): write it again"))
    };
    let mut left = room;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|cause| damaged(&cause))?;
    let mut arrays = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index(at).map_err(|cause| damaged(&cause))?;
        let name = member.name().map_err(|cause| damaged(&cause))?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
        let mut content = Vec::new();
        let mut member = member.take(left.saturating_add(1));
        member.read_to_end(&mut content).map_err(|cause| damaged(&cause))?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or_else(|| DataError::reading(file, UnpacksTooFar(room).into()))?;
        let array = Array::parse(name.clone(), content);
        arrays.push(array.map_err(|problem| wrong(file, format!("array `{name}`: {problem}")))?);
    }
    arrays.retain(|array| !array.shape.is_empty());
    if arrays.is_empty() {
        return Err(wrong(file, "the archive holds no array with rows".to_owned()));
    }
    Ok(arrays)
}

/// The table that the arrays of an archive make, or those of each split one below the other.
fn parts(arrays: &[Array], file: &Path, table: &mut TableBuilder) -> Result<(), DataError> {
    let split_of = |name: &str| {
        SPLITS
            .iter()
            .find_map(|(ending, part)| Some((name.strip_suffix(ending)?.to_owned(), *part)))
    };
    let of_splits = arrays.iter().filter(|array| split_of(&array.name).is_some()).count();
    if of_splits == 0 {
        let arrays: Vec<&Array> = in_order(arrays.iter().map(|array| (array.name.clone(), array)));
        table.begin(file, Header { names: names(&arrays), ..Header::default() })?;
        return rows(&arrays, file, table);
    }
    if of_splits < arrays.len() {
        let others = arrays.iter().filter(|array| split_of(&array.name).is_none());
        let others: Vec<&str> = others.map(|array| array.name.as_str()).collect();
        let problem =
            format!("{} belong to no split, as the others do by their names", quoted(&others));
        return Err(wrong(file, problem));
    }
    let mut given = Vec::new();
    let mut all: Vec<(Part, Vec<&Array>)> = Vec::new();
    for part in [Part::Train, Part::Validation, Part::Test] {
        let of_part = arrays.iter().filter_map(|array| {
            split_of(&array.name).filter(|(_, own)| *own == part).map(|(name, _)| (name, array))
        });
        let of_part = in_order(of_part);
        if let Some(first) = of_part.first() {
            given.extend((0..first.shape[0]).map(|_| part));
            all.push((part, of_part));
        }
    }
    let (given, doubts) = Given::named(given, "the archive");
    for doubt in doubts {
        table.doubt(doubt);
    }
    let plain = |name: &str| split_of(name).map_or_else(|| name.to_owned(), |(plain, _)| plain);
    let of_part = |arrays: &[&Array]| -> Vec<(String, usize)> {
        arrays.iter().map(|array| (plain(&array.name), array.width())).collect()
    };
    let Some((_, first)) = all.first() else { return Ok(()) };
    let wanted = of_part(first);
    for (_, arrays) in &all {
        if of_part(arrays) != wanted {
            let problem = "the splits have arrays of other names or widths".to_owned();
            return Err(wrong(file, problem));
        }
    }
    let names = wanted.iter().flat_map(|(name, width)| columns(name, *width)).collect();
    table.begin(file, Header { names, given: Some(given), ..Header::default() })?;
    all.iter().try_for_each(|(_, arrays)| rows(arrays, file, table))
}

/// Inputs before answers.
fn in_order<'a>(arrays: impl Iterator<Item = (String, &'a Array)>) -> Vec<&'a Array> {
    let mut arrays: Vec<(String, &Array)> = arrays.collect();
    arrays.sort_by_key(|(name, _)| TARGETS.contains(&name.to_lowercase().as_str()));
    arrays.into_iter().map(|(_, array)| array).collect()
}

fn names(arrays: &[&Array]) -> Vec<String> {
    arrays.iter().flat_map(|array| columns(&array.name, array.width())).collect()
}

/// `y`, or `x1` to `x13`.
fn columns(name: &str, width: usize) -> Vec<String> {
    if width == 1 {
        vec![name.to_owned()]
    } else {
        (1..=width).map(|at| format!("{name}{at}")).collect()
    }
}

/// Hands over the rows of arrays side by side.
fn rows(arrays: &[&Array], file: &Path, table: &mut TableBuilder) -> Result<(), DataError> {
    let count = arrays.first().map_or(0, |array| array.shape[0]);
    if let Some(other) = arrays.iter().find(|array| array.shape[0] != count) {
        let problem = format!(
            "`{}` has {} and `{}` {}: they cannot stand side by side",
            arrays[0].name,
            counted(count, "row"),
            other.name,
            other.shape[0]
        );
        return Err(wrong(file, problem));
    }
    if count == 0 {
        return Err(wrong(file, "there is no row".to_owned()));
    }
    let places: Vec<(&Array, usize)> = arrays
        .iter()
        .flat_map(|array| (0..array.width()).map(move |column| (*array, column)))
        .collect();
    // Text is decoded before its cell is lent.
    let mut texts: Vec<String> = vec![String::new(); places.len()];
    for row in 0..count {
        for (text, (array, column)) in texts.iter_mut().zip(&places) {
            if let Some(decoded) = array.text(row, *column) {
                *text = decoded;
            }
        }
        table.row(None, |at| {
            let (array, column) = places[at];
            match array.number(row, column) {
                Some(value) if value.is_nan() => Cell::Missing,
                Some(value) => Cell::Number(value),
                None => Cell::Text(texts[at].as_bytes()),
            }
        })?;
    }
    Ok(())
}

/// What an item of an array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Unsigned,
    Float,
    /// Bytes.
    Bytes,
    /// Characters of four bytes each.
    Unicode,
}

/// An array, as it lies in the file.
struct Array {
    name: String,
    shape: Vec<usize>,
    kind: Kind,
    /// Bytes of an item.
    size: usize,
    is_big_endian: bool,
    is_fortran: bool,
    bytes: Vec<u8>,
    /// Where the items begin.
    begin: usize,
}

impl Array {
    fn parse(name: String, bytes: Vec<u8>) -> Result<Self, String> {
        let none = || "is no array of NumPy: expected its header".to_owned();
        if !bytes.starts_with(MAGIC) {
            return Err(none());
        }
        let version = *bytes.get(6).ok_or_else(none)?;
        let (length, at) = match version {
            1 => (bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))), 10),
            2 | 3 => {
                let length = bytes.get(8..12);
                (length.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize), 12)
            }
            other => {
                return Err(format!("format {other} of NumPy's files is not known: 1 to 3 are"));
            }
        };
        let begin = at + length.ok_or_else(none)?;
        let header = bytes.get(at..begin).ok_or_else(none)?;
        let header = String::from_utf8_lossy(header).into_owned();
        let field = |key: &str| {
            let (_, rest) = header.split_once(&format!("'{key}':"))?;
            Some(rest.trim_start().to_owned())
        };
        let descr = field("descr").ok_or_else(none)?;
        let Some(descr) = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) else {
            let advice = "write each field of a structured array as an array of its own";
            return Err(format!("an array of records cannot be read: {advice}"));
        };
        let (kind, size, is_big_endian) = item(descr.0)?;
        let is_fortran = field("fortran_order").is_some_and(|value| value.starts_with("True"));
        let shape = field("shape").ok_or_else(none)?;
        let shape =
            shape.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(none)?;
        let shape: Vec<usize> = shape
            .0
            .split(',')
            .map(str::trim)
            .filter(|count| !count.is_empty())
            .map(|count| count.trim_end_matches('L').parse().map_err(|_| none()))
            .collect::<Result<_, _>>()?;
        let items = shape.iter().try_fold(1_usize, |all, count| all.checked_mul(*count));
        let wanted = items.and_then(|items| items.checked_mul(size));
        let held = bytes.len() - begin;
        if wanted.is_none_or(|wanted| wanted > held) {
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            return Err(format!(
                "is cut short: the header announces items of {size} bytes in the shape ({}), and {held} bytes follow",
                shape.join(", ")
            ));
        }
        Ok(Self { name, shape, kind, size, is_big_endian, is_fortran, bytes, begin })
    }

    /// Columns of a row.
    fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The bytes of an item.
    fn item(&self, row: usize, column: usize) -> &[u8] {
        let index = if self.is_fortran {
            // The first index varies fastest; the column counts the others with the last varying fastest.
            let (mut rest, mut at, mut places) = (column, 0, Vec::new());
            for count in self.shape[1..].iter().rev() {
                places.push(rest % count);
                rest /= count;
            }
            let mut stride = self.shape[0];
            for (place, count) in places.iter().rev().zip(&self.shape[1..]) {
                at += place * stride;
                stride *= count;
            }
            at + row
        } else {
            row * self.width() + column
        };
        let begin = self.begin + index * self.size;
        &self.bytes[begin..begin + self.size]
    }

    /// A number; none where the array holds text.
    fn number(&self, row: usize, column: usize) -> Option<f64> {
        let mut bytes = [0; 8];
        let item = self.item(row, column);
        if matches!(self.kind, Kind::Bytes | Kind::Unicode) {
            return None;
        }
        // Little-endian, from the least byte on.
        for (at, byte) in item.iter().enumerate() {
            bytes[if self.is_big_endian { self.size - 1 - at } else { at }] = *byte;
        }
        let whole = u64::from_le_bytes(bytes);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap
        )]
        Some(match (self.kind, self.size) {
            (Kind::Float, 8) => f64::from_bits(whole),
            (Kind::Float, 4) => shortest(f32::from_bits(whole as u32)),
            (Kind::Float, _) => shortest(half::f16::from_bits(whole as u16).to_f32()),
            (Kind::Int, size) => {
                // The sign is that of the highest byte.
                let unused = 64 - 8 * size as u32;
                (((whole << unused) as i64) >> unused) as f64
            }
            _ => whole as f64,
        })
    }

    /// A text; none where the array holds numbers.
    fn text(&self, row: usize, column: usize) -> Option<String> {
        let item = || self.item(row, column);
        match self.kind {
            Kind::Bytes => {
                let end = item().iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
                Some(String::from_utf8_lossy(&item()[..end]).into_owned())
            }
            Kind::Unicode => {
                let code = |four: &[u8]| {
                    let four = [four[0], four[1], four[2], four[3]];
                    if self.is_big_endian {
                        u32::from_be_bytes(four)
                    } else {
                        u32::from_le_bytes(four)
                    }
                };
                let codes = item().chunks_exact(4).map(code);
                let text: String =
                    codes.map(|code| char::from_u32(code).unwrap_or('\u{fffd}')).collect();
                Some(text.trim_end_matches('\0').to_owned())
            }
            _ => None,
        }
    }
}

/// What a 32-bit number stands for: the shortest decimal that is rounded to it.
pub(super) fn shortest(value: f32) -> f64 {
    if value.is_finite() {
        value.to_string().parse().unwrap_or(f64::from(value))
    } else {
        f64::from(value)
    }
}

/// The kind, the size and the order of bytes that a `descr` such as `<f8` tells.
fn item(descr: &str) -> Result<(Kind, usize, bool), String> {
    let refused = |what: &str, advice: &str| {
        Err(format!("items of type `{descr}` ({what}) cannot be read: {advice}"))
    };
    let plain = descr.trim_start_matches(['<', '>', '|', '=']);
    let is_big_endian = descr.starts_with('>');
    let (letter, size) = plain.split_at(plain.len().min(1));
    let size: usize = size.parse().unwrap_or(0);
    let kind = match (letter, size) {
        ("b", 1) => Kind::Bool,
        ("i", 1 | 2 | 4 | 8) => Kind::Int,
        ("u", 1 | 2 | 4 | 8) => Kind::Unsigned,
        ("f", 2 | 4 | 8) => Kind::Float,
        ("S", 1..) => Kind::Bytes,
        ("U", 1..) => return Ok((Kind::Unicode, 4 * size, is_big_endian)),
        ("O", _) => {
            return refused(
                "objects, which are pickled programs",
                "give it numbers or text, `array.astype(float)` or `astype(str)`",
            );
        }
        ("c", _) => return refused("complex numbers", "save the real and the imaginary parts"),
        ("M" | "m", _) => return refused("times", "save them as numbers, `array.astype('int64')`"),
        _ => return refused(&shortened(plain.as_bytes()), "numbers of up to 64 bits and text can"),
    };
    Ok((kind, size, is_big_endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, is_fortran: bool, shape: &str, items: &[u8]) -> Result<Array, String> {
        let order = if is_fortran { "True" } else { "False" };
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let bytes = [MAGIC, &[1, 0], &length, header.as_bytes(), items].concat();
        Array::parse("x".to_owned(), bytes)
    }

    #[test]
    fn items_are_read_in_either_order_of_bytes_and_of_indices() {
        let little =
            array("<i2", false, "(2, 3)", &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 255, 255]).unwrap();
        let row =
            |array: &Array, row| (0..3).map(|c| array.number(row, c).unwrap()).collect::<Vec<_>>();
        assert_eq!((row(&little, 0), row(&little, 1)), (vec![1.0, 2.0, 3.0], vec![4.0, 5.0, -1.0]));
        let fortran =
            array(">i2", true, "(2, 3)", &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 255, 255]).unwrap();
        assert_eq!((row(&fortran, 0), row(&fortran, 1)), (row(&little, 0), row(&little, 1)));
        // Three dimensions: the last index varies fastest within a row, whatever the order in the file.
        let c: Vec<u8> = (0..12).collect();
        let plain = array("|u1", false, "(2, 2, 3)", &c).unwrap();
        let turned =
            array("|u1", true, "(2, 2, 3)", &[0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]).unwrap();
        for r in 0..2 {
            for column in 0..6 {
                assert_eq!(plain.number(r, column), turned.number(r, column), "{r} {column}");
            }
        }
    }

    #[test]
    fn a_number_of_32_bits_stands_for_its_shortest_decimal() {
        let floats = array("<f4", false, "(1,)", &14.23_f32.to_le_bytes()).unwrap();
        assert_eq!(floats.number(0, 0), Some(14.23));
        assert_eq!(shortest(f32::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(shortest(f32::NAN).is_nan());
    }

    #[test]
    fn text_is_read_and_what_cannot_be_says_what_to_do() {
        let unicode: Vec<u8> = "aé\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(array("<U3", false, "(1,)", &unicode).unwrap().text(0, 0).unwrap(), "aé");
        assert_eq!(array("|S3", false, "(1,)", b"ab\0").unwrap().text(0, 0).unwrap(), "ab");
        for (descr, part) in
            [("|O", "astype"), ("<c16", "real"), ("<M8[ns]", "int64"), ("<f16", "64 bits")]
        {
            let problem = array(descr, false, "(1,)", &[0; 16]).err().unwrap();
            assert!(problem.contains(part), "{problem}");
        }
        let short = array("<f8", false, "(9000000000000000000, 9)", &[0; 8]).err().unwrap();
        assert!(short.contains("cut short"), "{short}");
    }
}
