//! `trainings.tar`: trainings of a folder in one file, and the one way in which files of a training are read,
//! from its folder or from there.
//!
//! The archive is a plain tar, `TRAINING/FILE`, so that any tool unpacks it. The last file of each training
//! is `SHA256SUMS`, as `sha256sum --check` reads it: without it a training is not there, and what does not match
//! it is an error. Of a training that is there twice the later one counts, and one that has a folder is
//! read from its folder alone.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Metadata};
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::layout::is_plain_name;
use crate::text::hex;

/// The archive of a folder of trainings.
pub const ARCHIVE_FILE: &str = "trainings.tar";

/// The last file of a training in an archive.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// Bytes of a block of a tar file.
const BLOCK_BYTES: usize = 512;
const BLOCK: u64 = BLOCK_BYTES as u64;

/// An archive as its headers tell of it.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    trainings: HashMap<String, Files>,
    /// Where the last training that is whole ends.
    pub end: u64,
    /// Whether nothing follows it but the mark of the end: two empty blocks, or more.
    pub is_whole: bool,
    /// The training of which only a part follows it.
    pub unfinished: Option<String>,
}

/// Where each file of a training begins, and its bytes.
type Files = BTreeMap<String, (u64, u64)>;

impl Archive {
    /// That of a folder; none where it has none.
    ///
    /// # Errors
    /// Where the file cannot be read, is no tar file or is damaged: what a process left half written at its end is no
    /// damage.
    pub fn open(folder: &Path) -> io::Result<Option<Self>> {
        let path = folder.join(ARCHIVE_FILE);
        match File::open(&path) {
            Ok(file) => Self::read(file, path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(file: File, path: PathBuf) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if length < BLOCK {
            // The first name may have been half written, and no name has a line break.
            let mut begun = vec![0; usize::try_from(length).unwrap_or(0)];
            file.read_exact_at(&mut begun, 0)?;
            if begun.iter().any(|byte| byte.is_ascii_control() && *byte != 0) {
                return Err(Error::new(ErrorKind::InvalidData, "no tar file"));
            }
            let trainings = HashMap::new();
            return Ok(Self { path, file, trainings, end: 0, is_whole: false, unfinished: None });
        }
        let mut tar = tar::Archive::new(file);
        let (mut trainings, mut end) = (HashMap::new(), 0);
        let (mut name, mut files) = (String::new(), Files::new());
        let (mut begin, mut next) = (0, 0);
        for (index, entry) in tar.entries_with_seek()?.enumerate() {
            let entry = match entry {
                Ok(entry) => entry,
                // What was being added when its process or the machine stopped.
                Err(_) if index > 0 => break,
                Err(error) => return Err(error),
            };
            let (header, size) = (next, entry.size());
            begin = entry.raw_file_position();
            let padded = begin.saturating_add(size).checked_next_multiple_of(BLOCK);
            next = padded.unwrap_or(u64::MAX);
            let path = entry.path()?;
            let is_file = entry.header().entry_type().is_file();
            let member = path.to_str().filter(|_| is_file).and_then(|path| path.split_once('/'));
            let Some((training, file)) = member else {
                // A folder, or a file of no training.
                if files.is_empty() && next <= length {
                    end = next;
                }
                continue;
            };
            if !is_plain_name(training) || !file.split('/').all(is_plain_name) {
                let path = path.to_string_lossy();
                let problem = format!("{path:?} is no name of a training's file");
                return Err(damaged(header, &problem));
            }
            if training != name {
                training.clone_into(&mut name);
                files.clear();
            }
            files.insert(file.to_owned(), (begin, size));
            if file == SUMS_FILE && begin.saturating_add(size) <= length {
                trainings.insert(std::mem::take(&mut name), std::mem::take(&mut files));
                end = next;
            }
        }
        let file = tar.into_inner();
        let unfinished = (!files.is_empty()).then_some(name);
        if unfinished.is_some() && holds_header(&file, begin, next.min(length))? {
            return Err(damaged(begin, "bytes are missing"));
        }
        if !may_be_torn(&file, next, length)? {
            return Err(damaged(next, "bytes are missing or changed there or before"));
        }
        let is_whole = length >= end + 2 * BLOCK && is_zero(&file, end, length)?;
        Ok(Self { path, file, trainings, end, is_whole, unfinished })
    }

    /// The trainings in it, sorted.
    #[must_use]
    pub fn trainings(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.trainings.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The names of a training's files, `SHA256SUMS` aside.
    #[must_use]
    pub fn files(&self, training: &str) -> Vec<&str> {
        let files = self.trainings.get(training).into_iter().flat_map(BTreeMap::keys);
        files.map(String::as_str).filter(|name| *name != SUMS_FILE).collect()
    }

    fn has(&self, training: &str, file: &str) -> bool {
        self.trainings.get(training).is_some_and(|files| files.contains_key(file))
    }

    /// A file of a training.
    ///
    /// # Errors
    /// Where it is not there, cannot be read, or does not match its checksum.
    pub fn file(&self, training: &str, file: &str) -> io::Result<Vec<u8>> {
        let files = self.trainings.get(training).ok_or(ErrorKind::NotFound)?;
        let read = |name: &str| {
            let (begin, size) = *files.get(name).ok_or(ErrorKind::NotFound)?;
            let size = usize::try_from(size).map_err(|_| ErrorKind::FileTooLarge)?;
            let mut bytes = vec![0; size];
            self.file.read_exact_at(&mut bytes, begin)?;
            Ok::<_, Error>(bytes)
        };
        let (sums, bytes) = (read(SUMS_FILE)?, read(file)?);
        let line = sum_line(file, &bytes);
        if !String::from_utf8_lossy(&sums).lines().any(|sum| sum == line) {
            let message =
                format!("{training}/{file} does not match its checksum in {}", self.path.display());
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        Ok(bytes)
    }
}

fn damaged(at: u64, problem: &str) -> Error {
    let message = format!(
        "damaged at byte {at}: {problem}: restore it from a copy, or move it away to train again"
    );
    Error::new(ErrorKind::InvalidData, message)
}

/// Whether what stands behind the last file may be what a process or a machine that stopped while it added more
/// left there: zeros to the end, or a header that is not whole.
fn may_be_torn(file: &File, mut at: u64, length: u64) -> io::Result<bool> {
    let mut block = [0; BLOCK_BYTES];
    while at.saturating_add(BLOCK) <= length {
        file.read_exact_at(&mut block, at)?;
        // Only that of a long name, whose file was still to come, stands here whole.
        let size = tar::Header::from_byte_slice(&block).entry_size();
        let (true, Ok(size)) = (is_header(&block), size) else {
            return is_zero(file, at, length);
        };
        let next = (at + BLOCK).saturating_add(size).checked_next_multiple_of(BLOCK);
        at = next.unwrap_or(u64::MAX);
    }
    Ok(true)
}

/// Whether there is a header within the bytes of a file: bytes before it are missing.
fn holds_header(file: &File, from: u64, to: u64) -> io::Result<bool> {
    const MAGIC_AT: usize = 257;
    let size = usize::try_from(to.saturating_sub(from)).map_err(|_| ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, from)?;
    let mut found = memchr::memmem::find_iter(&bytes, b"ustar");
    Ok(found.any(|at| {
        let block = at.checked_sub(MAGIC_AT).and_then(|at| bytes[at..].first_chunk());
        block.is_some_and(is_header)
    }))
}

fn is_header(block: &[u8; BLOCK_BYTES]) -> bool {
    // The checksum takes its own eight bytes for blanks.
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        - block[148..156].iter().map(|byte| u32::from(*byte)).sum::<u32>()
        + 8 * u32::from(b' ');
    tar::Header::from_byte_slice(block).cksum().ok() == Some(sum)
}

fn is_zero(file: &File, from: u64, to: u64) -> io::Result<bool> {
    let mut bytes = vec![0; 1 << 16];
    let mut at = from;
    while at < to {
        let part = usize::try_from(to - at).map_or(bytes.len(), |left| left.min(bytes.len()));
        file.read_exact_at(&mut bytes[..part], at)?;
        if bytes[..part].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += part as u64;
    }
    Ok(true)
}

/// The line of `SHA256SUMS` for a file.
#[must_use]
pub fn sum_line(name: &str, bytes: &[u8]) -> String {
    format!("{}  {name}", hex(Sha256::digest(bytes)))
}

/// The archives that were read, by path, each with what the file was like.
static READ: Mutex<Option<Known>> = Mutex::new(None);

type Known = HashMap<PathBuf, (Stamp, Arc<Archive>)>;

/// By what a file that has changed shows.
type Stamp = (u64, u64, i64, i64);

fn stamp(data: &Metadata) -> Stamp {
    (data.ino(), data.len(), data.mtime(), data.mtime_nsec())
}

/// The archive of a folder, whose headers are read anew only where it has changed.
fn archive(folder: &Path) -> io::Result<Arc<Archive>> {
    let path = folder.join(ARCHIVE_FILE);
    let now = stamp(&fs::metadata(&path)?);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let read = read.get_or_insert_default();
    if let Some((_, archive)) = read.get(&path).filter(|(then, _)| *then == now) {
        return Ok(Arc::clone(archive));
    }
    let archive = Arc::new(Archive::open(folder)?.ok_or(ErrorKind::NotFound)?);
    read.insert(path, (now, Arc::clone(&archive)));
    Ok(archive)
}

/// The folder and the name of a training's directory that has no folder of its own.
fn packed(training: &Path) -> Option<(&Path, &str)> {
    let name = training.file_name()?.to_str()?;
    (!training.exists()).then_some((training.parent()?, name))
}

/// A file of a training, `DIR/TRAINING/FILE`, wherever the training is.
///
/// # Errors
/// Where it is not there, cannot be read, or does not match its checksum.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let error = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        read => return read,
    };
    let file = path.file_name().and_then(|name| name.to_str());
    let (Some((folder, name)), Some(file)) = (path.parent().and_then(packed), file) else {
        return Err(error);
    };
    match archive(folder) {
        Ok(archive) => archive.file(name, file),
        Err(other) if other.kind() == ErrorKind::NotFound => Err(error),
        Err(other) => Err(other),
    }
}

/// As [`read()`], as text.
///
/// # Errors
/// As there, and where it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// Whether a file of a training is there, wherever the training is.
#[must_use]
pub fn is_file(path: &Path) -> bool {
    let in_archive = || {
        let (folder, name) = packed(path.parent()?)?;
        Some(archive(folder).ok()?.has(name, path.file_name()?.to_str()?))
    };
    path.is_file() || in_archive() == Some(true)
}

/// What is wrong with the archive of a folder, if it has one and something is.
#[must_use]
pub fn damage(folder: &Path) -> Option<String> {
    match archive(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Some(format!("{}: {error}", folder.join(ARCHIVE_FILE).display()))
        }
        _ => None,
    }
}

/// What is to be said of the archive of a folder where trainings are missing: whether it was cut short. One that is
/// just being added to looks the same, and misses nothing.
#[must_use]
pub fn torn(folder: &Path) -> Option<String> {
    archive(folder).ok().filter(|archive| !archive.is_whole).map(|_| {
        let archive = folder.join(ARCHIVE_FILE);
        format!("{}: was cut short: what is whole in it is read", archive.display())
    })
}

/// The trainings in the archive of a folder, sorted; those that have a folder may be among them.
#[must_use]
pub fn packed_trainings(folder: &Path) -> Vec<String> {
    let archive = archive(folder).ok();
    let names = archive.as_ref().map(|archive| archive.trainings()).unwrap_or_default();
    names.into_iter().map(str::to_owned).collect()
}

/// The names of the files of a training that is in the archive alone.
#[must_use]
pub fn packed_files(training: &Path) -> Vec<String> {
    let names = || {
        let (folder, name) = packed(training)?;
        let archive = archive(folder).ok()?;
        Some(archive.files(name).into_iter().map(str::to_owned).collect())
    };
    names().unwrap_or_default()
}
