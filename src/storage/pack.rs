//! Finished trainings into one archive a folder, and back.
//!
//! A training is added to the end of the archive and leaves its folder only when the archive is on the disk. A
//! process that stops on the way leaves a training that is not whole at the end of the archive, which readers
//! pass over and the next one takes away, or one that is in both, of which the folder counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::atomic::{partial_dir, sync_dir, write_new};
use super::unpack::{contents, place_files};
use super::{Claim, FreshRun, Store};
use crate::results::TrainingRecord;
use crate::results::archive::{self, ARCHIVE_FILE, Archive, SUMS_FILE, sum_line};
use crate::results::load::directories;

/// What an archive that was cut short ended with, where no folder holds it.
const TORN_FILE: &str = "trainings.tar.torn";

/// Trainings that are added before they leave their folders: each is claimed meanwhile.
const AT_ONCE: usize = 100;

/// What became of the trainings of a folder.
#[derive(Debug, Default)]
pub struct Packed {
    /// Trainings moved.
    pub trainings: usize,
    /// Files of theirs.
    pub files: usize,
    /// Trainings that stayed, and why.
    pub left: Vec<String>,
    /// Those that stayed in the archive since they do not match their checksums, and of each the first file.
    pub damaged: Vec<String>,
}

/// Moves the finished trainings of a folder into its archive.
///
/// # Errors
/// Where the archive cannot be read or written, is damaged, or another process writes it.
pub fn pack(folder: &Path) -> Result<Packed> {
    let mut packed = Packed::default();
    let is_result = |name: &String| {
        let record = TrainingRecord::read(&folder.join(name));
        record.is_some_and(|record| record.status.is_result())
    };
    let store = Store::of(folder.to_owned());
    store.clean();
    let names: Vec<String> = directories(folder).into_iter().filter(is_result).collect();
    if names.is_empty() {
        return archive::damage(folder).map_or(Ok(packed), |damage| bail!("{damage}"));
    }
    let (mut file, archive) = locked(folder)?;
    // The next training goes behind the last one that is whole.
    let mut end = archive.as_ref().map_or(0, |archive| archive.end);
    if let Some((end, torn)) =
        archive.as_ref().and_then(|archive| Some((archive.end, archive.unfinished.as_ref()?)))
        && !names.contains(torn)
    {
        let kept = keep_torn(folder, &mut file, end)?;
        packed.left.push(format!(
            "{ARCHIVE_FILE}: ended within {torn}, which no folder holds: what there is of it is kept in {kept}"
        ));
    }
    file.set_len(end)?;
    for names in names.chunks(AT_ONCE) {
        let mut added = Vec::new();
        file.seek(SeekFrom::Start(end))?;
        // Ends with the two empty blocks that end a tar file, which the next ones replace.
        let mut tar = tar::Builder::new(BufWriter::new(&mut file));
        for name in names {
            let Some(claim) = Claim::acquire(&store.work_dir(name))? else {
                packed.left.push(format!("{name}: a process is at work on it"));
                continue;
            };
            // It may have been moved or replaced before it was claimed.
            let files = match files(&folder.join(name)) {
                Ok(files) if is_result(name) => files,
                Ok(_) => continue,
                Err(error) => {
                    packed.left.push(format!("{name}: {error:#}"));
                    continue;
                }
            };
            let failed = || format!("cannot write {}", folder.join(ARCHIVE_FILE).display());
            // What was unpacked and not changed is there already.
            let is_there = archive.as_ref().is_some_and(|archive| holds(archive, name, &files));
            for (file, bytes) in files.iter().filter(|_| !is_there) {
                append(&mut tar, name, file, bytes).with_context(failed)?;
            }
            packed.files += files.len() - 1;
            added.push((name, claim));
        }
        let mut buffered = tar.into_inner()?;
        buffered.flush()?;
        drop(buffered);
        file.sync_all().context("the archive cannot be written to the disk")?;
        end = file.stream_position()? - 2 * 512;
        let fresh = FreshRun::all(folder);
        for (name, claim) in added {
            let aside = partial_dir(folder)?;
            fs::rename(folder.join(name), aside.path())
                .with_context(|| format!("cannot remove {}", folder.join(name).display()))?;
            aside.close()?;
            // A fresh run that was interrupted goes on from its checkpoints.
            if !fresh.iter().any(|fresh| fresh.wants(name)) {
                claim.finish();
            }
            packed.trainings += 1;
        }
    }
    sync_dir(folder);
    Ok(packed)
}

/// Copies what stands behind a place of an archive into a new file beside it; its name.
fn keep_torn(folder: &Path, file: &mut File, from: u64) -> Result<String> {
    let names = (1..).map(|number| match number {
        1 => TORN_FILE.to_owned(),
        _ => format!("{TORN_FILE}-{number}"),
    });
    for name in names {
        file.seek(SeekFrom::Start(from))?;
        if write_new(&folder.join(&name), |out| Ok(io::copy(file, out).map(drop)?))? {
            return Ok(name);
        }
    }
    bail!("{}: no name beside it is free", folder.join(ARCHIVE_FILE).display())
}

/// Whether an archive holds these very files of a training, whole.
fn holds(archive: &Archive, training: &str, files: &[(String, Vec<u8>)]) -> bool {
    archive.files(training).len() + 1 == files.len()
        && files[..files.len() - 1]
            .iter()
            .all(|(file, bytes)| archive.file(training, file).is_ok_and(|held| held == *bytes))
}

/// The archive of a folder for this process alone, with what is in it.
fn locked(folder: &Path) -> Result<(File, Option<Archive>)> {
    let path = folder.join(ARCHIVE_FILE);
    let failed = || format!("cannot open {}", path.display());
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => bail!("{}: another process is packing there", path.display()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
        }
    }
    let held = file.metadata().with_context(failed)?;
    // Another process may have removed it between the two.
    if fs::metadata(&path).ok().is_none_or(|there| there.ino() != held.ino()) {
        bail!("{}: another process is unpacking there", path.display());
    }
    if held.len() == 0 {
        sync_dir(folder);
        return Ok((file, None));
    }
    Ok((file, Archive::open(folder).with_context(failed)?))
}

/// The files of a training by name, `SHA256SUMS` last.
fn files(training: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    collect(training, "", &mut files)?;
    files.sort();
    let sums: Vec<String> =
        files.iter().map(|(name, bytes)| sum_line(name, bytes) + "\n").collect();
    files.push((SUMS_FILE.to_owned(), sums.concat().into_bytes()));
    Ok(files)
}

fn collect(folder: &Path, below: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let kind = entry.file_type()?;
        let Ok(name) = name.map(|name| format!("{below}{name}")) else {
            bail!("a file in it has a name that is not UTF-8");
        };
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() && name != SUMS_FILE {
            files.push((name, fs::read(entry.path())?));
        } else {
            bail!("`{name}` in it is not a plain file of a training");
        }
    }
    Ok(())
}

/// Adds a file; the same bytes whoever packs and whenever.
fn append(
    tar: &mut tar::Builder<impl Write>,
    training: &str,
    file: &str,
    bytes: &[u8],
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    Ok(tar.append_data(&mut header, format!("{training}/{file}"), bytes)?)
}

/// Moves the trainings of a folder's archive into folders of their own, and removes it where all are.
///
/// # Errors
/// Where the archive is damaged as a whole, or a file cannot be written; the archive then stays.
pub fn unpack(folder: &Path) -> Result<Packed> {
    let mut unpacked = Packed::default();
    if !folder.join(ARCHIVE_FILE).exists() {
        return Ok(unpacked);
    }
    let (_file, archive) = locked(folder)?;
    let Some(archive) = archive else { return Ok(unpacked) };
    // What was trained again since counts.
    let packed = archive.trainings().into_iter().filter(|name| !folder.join(name).exists());
    for training in packed {
        match contents(&archive, training) {
            Ok(files) => {
                unpacked.trainings += 1;
                unpacked.files += files.len();
                place_files(folder, training, &files)?;
            }
            Err(error) => unpacked.damaged.push(error.to_string()),
        }
    }
    sync_dir(folder);
    if !archive.is_whole {
        let problem = "ends within a training: what is whole is unpacked, and the archive stays";
        unpacked.left.push(format!("{ARCHIVE_FILE}: {problem}"));
    } else if unpacked.damaged.is_empty() {
        fs::remove_file(folder.join(ARCHIVE_FILE))?;
    }
    Ok(unpacked)
}
