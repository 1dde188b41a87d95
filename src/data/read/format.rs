//! What a format of tables has to say and do.

use std::io::Read;
use std::path::Path;

use crate::config::data::DataConfig;
use crate::data::error::DataError;
use crate::data::table::builder::TableBuilder;

/// A format of tables; it is known by the name of a file.
pub struct Format {
    /// What messages call its files.
    pub names: &'static [&'static str],
    /// The endings of their names, without `.gz`; those of `names` first.
    pub endings: &'static [&'static str],
    /// The keys of `[data]` that are of use for it, of those that not every format has a use for.
    pub keys: &'static [&'static str],
    /// Reads a file to its end: begins the table with the names of the columns, then hands over row
    /// for row.
    pub read: fn(Input, &DataConfig, &mut TableBuilder) -> Result<(), DataError>,
}

/// A file to read.
pub struct Input<'a> {
    /// For messages.
    pub file: &'a Path,
    /// Its content, decompressed.
    pub reader: &'a mut (dyn Read + Send),
    /// Bytes that what is compressed in it may unpack into.
    pub room: u64,
}
