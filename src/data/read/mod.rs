//! From files to rows of cells: each format of tables is a file here and a line in [`FORMATS`].

mod arff;
mod csv;
mod cutter;
pub(super) mod file;
mod format;
mod header;
pub(super) mod idx;
mod json;
mod libsvm;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod proben1;
mod records;
mod sniff;

use std::path::{Path, PathBuf};

use format::{Format, Input};
use sha2::{Digest, Sha256};

use super::doubt::Doubt;
use super::error::DataError;
use super::preprocessing::Preprocessing;
use super::table::builder::{KnownTable, Table, TableBuilder};
use crate::config::data::DataConfig;
use crate::text::{hex, listed};

/// All formats of tables.
const FORMATS: &[Format] = &[
    csv::CSV,
    proben1::PROBEN1,
    #[cfg(feature = "parquet")]
    parquet::PARQUET,
    npy::NPY,
    arff::ARFF,
    libsvm::LIBSVM,
    json::JSON,
];

/// Keys that only a file can have a use for.
const KEYS_OF_FILES: [&str; 3] = ["data.header", "data.delimiter", "data.test_source"];

/// What a source is, as far as keys of the config go.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Table(&'a Format),
    /// A table that is in the program.
    BuiltIn,
    Images,
}

/// A table and the digest of what was read.
pub(super) type Read = (Table, String);

/// Reads a file, and the rows of `data.test_source` behind it.
pub(super) fn table(file: &Path, base: &Path, config: &DataConfig) -> Result<Read, DataError> {
    let format = of_name(file, "data.source")?;
    let source_name = file::name(file);
    check_keys(config, &source_name, Kind::Table(format))?;
    let test = config.test_source.as_ref().map(|test| base.join(test));
    let test = match &test {
        Some(test) => Some((test, of_test(test, &source_name)?)),
        None => None,
    };
    let mut table = TableBuilder::new(config, &source_name);
    let mut digests = vec![read(file, format, config, &mut table)?];
    if let Some((test, format)) = test {
        let digest = read(test, format, config, &mut table)?;
        if digests.contains(&digest) {
            let message = "data.test_source holds the same as data.source: the rows that train are tested, and the test metrics say nothing of new rows";
            table.doubt(Doubt::warning("test file", "data.test_source", message.to_owned()));
        }
        digests.push(digest);
    }
    Ok((table.finish()?, joined(digests)))
}

/// Reads a file for a network that is trained.
pub(super) fn known(
    file: &Path,
    config: &DataConfig,
    preprocessing: &Preprocessing,
) -> Result<KnownTable, DataError> {
    let format = of_name(file, "--data")?;
    let mut table = TableBuilder::known(config, &file::name(file), preprocessing);
    let file::Opened { mut reader, room, .. } = file::open(file, config)?;
    (format.read)(Input { file, reader: &mut reader, room }, config, &mut table)?;
    table.finish_known()
}

/// The same of a table that needs no file.
pub(super) fn known_built_in(
    text: &[u8],
    config: &DataConfig,
    preprocessing: &Preprocessing,
) -> Result<KnownTable, DataError> {
    let mut table = TableBuilder::known(config, &config.source, preprocessing);
    let (file, mut reader) = (Path::new(&config.source), text);
    (csv::CSV.read)(Input { file, reader: &mut reader, room: 0 }, config, &mut table)?;
    table.finish_known()
}

/// Reads a table that needs no file.
pub(super) fn built_in(text: &[u8], name: &str, config: &DataConfig) -> Result<Read, DataError> {
    check_keys(config, name, Kind::BuiltIn)?;
    let mut table = TableBuilder::new(config, name);
    let mut reader = file::Hashing::new(text);
    let input = Input { file: Path::new(name), reader: &mut reader, room: 0 };
    (csv::CSV.read)(input, config, &mut table)?;
    Ok((table.finish()?, reader.digest()))
}

/// Reads a file to its end; returns its digest.
fn read(
    file: &Path,
    format: &Format,
    config: &DataConfig,
    table: &mut TableBuilder,
) -> Result<String, DataError> {
    let file::Opened { reader, room, .. } = file::open(file, config)?;
    let mut reader = file::Hashing::new(reader);
    (format.read)(Input { file, reader: &mut reader, room }, config, table)?;
    Ok(reader.digest())
}

/// One file's digest, or that of the digests of several.
fn joined(mut digests: Vec<String>) -> String {
    if digests.len() == 1 {
        return digests.pop().unwrap_or_default();
    }
    let mut hash = Sha256::new();
    hash.update(b"files\0");
    for digest in digests {
        hash.update(digest);
    }
    hex(hash.finalize())
}

/// The format by the name, which `key` gives.
fn of_name(file: &Path, key: &'static str) -> Result<&'static Format, DataError> {
    let ending = file::ending(file);
    if let Some(format) = FORMATS.iter().find(|format| format.endings.contains(&&*ending)) {
        return Ok(format);
    }
    if ending.ends_with("-ubyte") {
        let problem =
            "this is one file of an IDX set: give the folder that holds images and labels";
        return Err(DataError::File { file: PathBuf::from(file), problem: problem.to_owned() });
    }
    let endings = |format: &Format| format.endings[..format.names.len()].iter();
    let endings: Vec<String> =
        FORMATS.iter().flat_map(endings).map(|ending| format!(".{ending}")).collect();
    let endings: Vec<&str> = endings.iter().map(String::as_str).collect();
    Err(DataError::UnknownFormat { key, file: file.to_owned(), known: listed(&endings, "or") })
}

/// The format of a test file, which is there and can have the columns of another file.
fn of_test(file: &Path, source_name: &str) -> Result<&'static Format, DataError> {
    let key = "data.test_source";
    let wrong = |problem: String| DataError::Setting {
        key,
        source_name: source_name.to_owned(),
        problem: format!("{key} names {}, {problem}", file.display()),
    };
    if !file.is_file() {
        return Err(wrong(
            "and there is no such file: a path is relative to the config file".to_owned(),
        ));
    }
    let format = of_name(file, key)?;
    if !format.keys.contains(&key) {
        return Err(wrong(format!(
            "which is not a table: give a {} file (.gz too) with the columns of data.source",
            listed(&names_with(key), "or")
        )));
    }
    Ok(format)
}

/// Refuses keys that such a source has no use for, as they would do nothing.
pub(super) fn check_keys(
    config: &DataConfig,
    source_name: &str,
    kind: Kind,
) -> Result<(), DataError> {
    let refuse = |key, problem: String| {
        Err(DataError::Setting { key, source_name: source_name.to_owned(), problem })
    };
    if config.test_source.is_some() && config.split.column.is_some() {
        let problem =
            "data.test_source and data.split.column both give a test split: leave one of them out";
        return refuse("data.split.column", problem.to_owned());
    }
    for (key, is_given) in [
        ("data.header", config.header.is_some()),
        ("data.delimiter", config.delimiter.is_some()),
        ("data.test_source", config.test_source.is_some()),
        ("data.drop", !config.drop.is_empty()),
        ("data.categorical", !config.categorical.is_empty()),
        ("data.split.column", config.split.column.is_some()),
    ] {
        let is_of_use = match kind {
            Kind::Table(format) => format.keys.contains(&key),
            Kind::BuiltIn => !KEYS_OF_FILES.contains(&key),
            Kind::Images => false,
        };
        if is_given && !is_of_use {
            let problem = match kind {
                Kind::BuiltIn => {
                    format!("{key} is for files, and this set is built in: leave it out")
                }
                _ => {
                    format!("{key} is for {} files: leave it out", listed(&names_with(key), "and"))
                }
            };
            return refuse(key, problem);
        }
    }
    if config.binarize.is_some() && !matches!(kind, Kind::Images) {
        let problem = "data.binarize is for images, and this is a table: leave it out";
        return refuse("data.binarize", problem.to_owned());
    }
    Ok(())
}

/// What the files are called for which a key is of use.
fn names_with(key: &str) -> Vec<&'static str> {
    let has_key = |format: &&Format| format.keys.contains(&key);
    FORMATS.iter().filter(has_key).flat_map(|format| format.names).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_name_every_format() {
        let docs = include_str!("../../../docs/data.md");
        for Format { names, endings, .. } in FORMATS {
            let endings: Vec<String> =
                endings.iter().map(|ending| format!("`.{ending}`")).collect();
            let line = format!("\n- {}: ", endings.join(", "));
            assert!(docs.contains(&line), "docs/data.md lacks `{line}` on {names:?}");
        }
    }

    #[test]
    fn an_ending_belongs_to_one_format() {
        let all = FORMATS.iter().flat_map(|format| format.endings);
        let all: Vec<&str> = all.copied().collect();
        for ending in &all {
            assert_eq!(all.iter().filter(|other| *other == ending).count(), 1, "{ending}");
        }
        assert!(FORMATS.iter().all(|format| format.names.len() <= format.endings.len()));
    }
}
