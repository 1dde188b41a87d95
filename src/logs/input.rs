//! Files, packed files and standard input, as what is read.

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::error::{Fault, LogError};
use super::rows::{Budget, Rows};

/// The name of standard input on the command line.
pub const STDIN: &str = "-";

/// As much of a file as tells what it is.
const HEAD: usize = 64 << 10;

/// Where a log comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The file, or the folder.
    pub path: PathBuf,
    /// The same for people.
    pub file: String,
    /// What its trainings are called where they have no name.
    pub stem: String,
    pub budget: Budget,
}

impl Origin {
    pub fn new(path: &Path, bytes: u64) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.or_else(|| {
            let full = path.canonicalize().ok()?;
            Some(full.file_name()?.to_string_lossy().into_owned())
        });
        let name = name.unwrap_or_else(|| "log".to_owned());
        let is_file = !path.is_dir();
        let unpacked = name.strip_suffix(".gz").filter(|_| is_file).unwrap_or(&name);
        let stem = Path::new(unpacked).file_stem().filter(|_| is_file);
        let stem = stem.map_or(unpacked.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let file = path.display().to_string();
        Self { path: path.to_owned(), file, stem, budget: Budget::of(bytes) }
    }

    /// The name of the file, without `.gz`.
    pub fn file_name(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
    }

    pub fn rows(&self) -> Rows {
        Rows::new(&self.file, self.budget)
    }

    /// The folder that the file lies in.
    pub fn folder(&self) -> PathBuf {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    }

    /// The name of that folder.
    pub fn folder_name(&self) -> Option<String> {
        let folder = self.folder();
        let folder = folder.canonicalize().unwrap_or(folder);
        folder.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// The write-ahead log of a database, which lies beside it while the database is in use.
    pub fn write_ahead_log(&self) -> Option<Vec<u8>> {
        const LONGEST: u64 = 256 << 20;
        let mut name = self.path.file_name()?.to_owned();
        name.push("-wal");
        let path = self.path.with_file_name(name);
        let size = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len();
        (size <= LONGEST).then(|| fs::read(&path).ok()).flatten()
    }

    /// What a small file beside it holds, if it is there.
    pub fn beside(&self, name: &str) -> Option<Vec<u8>> {
        small(&self.folder().join(name))
    }
}

/// What a small file holds; none where there is none, or it is not small.
pub(super) fn small(path: &Path) -> Option<Vec<u8>> {
    const SMALL: u64 = 4 << 20;
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    (size <= SMALL).then(|| fs::read(path).ok()).flatten()
}

/// A file as it is read, unpacked.
pub(super) struct Input {
    pub origin: Origin,
    pub head: Vec<u8>,
    rest: Box<dyn Read>,
    /// Whether the text is longer than the file.
    is_packed: bool,
}

impl Input {
    pub fn open(path: &Path) -> Result<Self, LogError> {
        if path == Path::new(STDIN) {
            let mut origin = Origin::new(path, 0);
            "stdin".clone_into(&mut origin.stem);
            "standard input".clone_into(&mut origin.file);
            // How long it is shows at its end alone, and decides on what it may unpack into.
            let unreadable =
                |error: io::Error| LogError::at(Fault::Unreadable, &origin.file, error.to_string());
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map_err(unreadable)?;
            origin.budget = Budget::of(bytes.len() as u64);
            return Self::new(origin, Box::new(Cursor::new(bytes)));
        }
        let unreadable = |error: io::Error| LogError::unreadable(path, &error);
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        Self::new(Origin::new(path, size), Box::new(file))
    }

    /// From bytes in memory.
    #[cfg(test)]
    pub fn of_bytes(name: &str, bytes: &[u8]) -> Result<Self, LogError> {
        let origin = Origin::new(Path::new(name), bytes.len() as u64);
        Self::new(origin, Box::new(Cursor::new(bytes.to_vec())))
    }

    fn new(origin: Origin, mut source: Box<dyn Read>) -> Result<Self, LogError> {
        let unreadable =
            |error: io::Error| LogError::at(Fault::Unreadable, &origin.file, error.to_string());
        let mut start = head(&mut source, 2).map_err(unreadable)?;
        let is_packed = start == [0x1f, 0x8b];
        let mut rest: Box<dyn Read> = Box::new(Cursor::new(start.clone()).chain(source));
        if is_packed {
            rest = Box::new(MultiGzDecoder::new(BufReader::new(rest)));
        }
        let damaged = |error: io::Error| {
            let fault = if is_packed { Fault::Damaged } else { Fault::Unreadable };
            LogError::at(fault, &origin.file, error.to_string())
        };
        start = head(&mut rest, HEAD).map_err(damaged)?;
        // A mark of the order of bytes is no part of a name.
        if let Some(plain) = start.strip_prefix(b"\xef\xbb\xbf") {
            start = plain.to_vec();
        }
        Ok(Self { origin, head: start, rest, is_packed })
    }

    /// The whole of it, where it is no longer than can be held.
    pub fn bytes(self) -> Result<(Origin, Vec<u8>), LogError> {
        let origin = self.origin.clone();
        let limit = if self.is_packed { origin.budget.bytes() } else { u64::MAX };
        let mut bytes = Vec::new();
        let fault =
            |error: io::Error| LogError::at(Fault::Damaged, &origin.file, error.to_string());
        self.reader().take(limit).read_to_end(&mut bytes).map_err(fault)?;
        if bytes.len() as u64 == limit {
            return Err(origin.rows().too_large());
        }
        Ok((origin, bytes))
    }

    /// From its first byte.
    pub fn reader(self) -> impl Read {
        Cursor::new(self.head).chain(self.rest)
    }
}

fn head(source: &mut dyn Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
