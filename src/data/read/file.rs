//! Opening files, gzipped or plain, and the digest of what they hold.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::config::data::DataConfig;
use crate::data::error::{DataError, UnpacksTooFar};
use crate::text::hex;

/// Deflate cannot make more than this many bytes of one (1032, by the length of its longest
/// match over its shortest code).
const LARGEST_EXPANSION: u64 = 1032;

/// A file being read, decompressed where it is gzipped.
pub struct Opened {
    pub reader: Box<dyn Read + Send>,
    /// No content can be longer than this.
    pub at_most: u64,
    /// Whether `at_most` is the length itself.
    pub exact: bool,
    /// Bytes that what is compressed in it may unpack into, all together.
    pub room: u64,
}

/// What may be unpacked of a file of this length.
fn room(length: u64, config: &DataConfig) -> u64 {
    let room = config.max_unpacked_mib.map(|mib| (mib as u64).saturating_mul(1 << 20));
    room.unwrap_or_else(|| length.saturating_mul(20).saturating_add(64 << 20))
}

/// Ends with an error where more than so much comes of what is compressed.
struct Limited<R> {
    inner: R,
    room: u64,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(UnpacksTooFar(self.room).into()),
        }
        Ok(read)
    }
}

/// Opens a file. Gzip is known by its first bytes, so a missing .gz does no harm.
pub fn open(path: &Path, config: &DataConfig) -> Result<Opened, DataError> {
    let failed = |cause| DataError::reading(path, cause);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let room = room(length, config);
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let gzipped = reader.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    if gzipped {
        let at_most = length.saturating_mul(LARGEST_EXPANSION);
        let reader = Limited { inner: MultiGzDecoder::new(reader), room, left: room };
        Ok(Opened { reader: Box::new(reader), at_most, exact: false, room })
    } else if has_gz_name(path) {
        Err(DataError::NotGzip { file: path.to_owned() })
    } else {
        Ok(Opened { reader: Box::new(reader), at_most: length, exact: true, room })
    }
}

/// Whether the name ends in .gz.
pub fn has_gz_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// What follows the last point of a name without its .gz, or the whole name; in lower case.
pub fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain.rsplit_once('.').map_or(plain, |(_, extension)| extension).to_owned()
}

/// Hashes what passes through.
pub struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// The digest of all that has passed, in hex.
    pub fn digest(self) -> String {
        hex(self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// The last part of a path, for summaries.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
