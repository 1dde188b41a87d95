//! The right to train one training, which one process at a time has, and its checkpoints.
//!
//! The file `claim` in a [`WorkDir`] names the process at work. A lock on it ends with its process,
//! so that the next one takes over at once; across machines, where locks may not reach or outlive their
//! holder, a claim counts until its holder has not been heard of for [`SILENCE`]. Should two processes ever train the same
//! thing, they come to the same bytes and the first result stays.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::atomic::{clean, write};
use super::process::Process;
use super::work_dir::WorkDir;

/// After this long without a sign of life, the claim of a process on another machine is void.
pub const SILENCE: Duration = Duration::from_mins(2);

/// The file that says who is at work.
const CLAIM: &str = "claim";

/// Bytes of a claim: one length, so that a reader never sees half of a new one and half of an old.
const CLAIM_BYTES: usize = 512;

/// How many checkpoints are kept: the second newest is for when the newest turns out damaged.
const GENERATIONS: usize = 2;

/// Who is at work on a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// When it began, in seconds since 1970.
    pub since: u64,
    /// The epoch at hand.
    pub epoch: usize,
}

/// The lock on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// Ours, just now.
    Own,
    /// Another process has it.
    Foreign,
    /// The file system has none.
    Unknown,
}

impl Lock {
    fn of(tried: &Result<(), TryLockError>) -> Self {
        match tried {
            Ok(()) => Self::Own,
            Err(TryLockError::WouldBlock) => Self::Foreign,
            Err(TryLockError::Error(_)) => Self::Unknown,
        }
    }
}

/// The right to work on a training; given back when dropped.
pub struct Claim {
    work_dir: WorkDir,
    file: File,
    process: Process,
    since: u64,
    epoch: AtomicUsize,
}

impl Holder {
    /// Who is at work on a training now; looks without claiming.
    #[must_use]
    pub fn of(work_dir: &WorkDir) -> Option<Self> {
        let dir = work_dir.path();
        let file = File::open(dir.join(CLAIM)).ok()?;
        let holder = Self::read(&file)?;
        let lock = Lock::of(&file.try_lock_shared());
        holder.is_at_work(dir, &file, lock).then_some(holder)
    }

    fn read(file: &File) -> Option<Self> {
        let mut bytes = [0; CLAIM_BYTES];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], read as u64) {
                Ok(0) | Err(_) => break,
                Ok(more) => read += more,
            }
        }
        serde_json::from_slice(&bytes[..read]).ok()
    }

    /// Whether its claim is to be respected.
    fn is_at_work(&self, dir: &Path, file: &File, lock: Lock) -> bool {
        match (self.process.lives(), lock) {
            // On one machine a lock that can be had means that its holder is gone.
            (Some(_), Lock::Own) => false,
            (Some(_), Lock::Foreign) => true,
            (Some(lives), Lock::Unknown) => lives && self.process != Process::this(),
            // The server of a shared file system may hold the lock of a machine that is no more.
            (None, _) => silence(file, dir).is_some_and(|silence| silence < SILENCE),
        }
    }
}

/// How long a claim has not been renewed, by the clock of its file system alone: those of two
/// machines may differ, and any may be set back.
fn silence(file: &File, dir: &Path) -> Option<Duration> {
    let renewed = file.metadata().ok()?.modified().ok()?;
    let now = match tempfile::tempfile_in(dir) {
        Ok(probe) => probe.metadata().ok()?.modified().ok()?,
        // Nothing may be written here; looking is all that is wanted.
        Err(_) => SystemTime::now(),
    };
    Some(now.duration_since(renewed).unwrap_or_else(|ahead| ahead.duration()))
}

impl Claim {
    /// Claims the training for this process; none while another is at work on it.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub fn acquire(work_dir: &WorkDir) -> Result<Option<Self>> {
        let dir = work_dir.path();
        let path = dir.join(CLAIM);
        let failed = || format!("cannot write {}", path.display());
        // A claim that is given back is removed, which may happen between any two of these steps.
        for _ in 0..100 {
            match fs::create_dir_all(dir) {
                // It was there when it was about to be made, and is gone now or made again; or the folder around
                // it was made, and removed with the last claim in it.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !dir.is_file() => {
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                made => {
                    made.with_context(|| format!("cannot create the folder {}", dir.display()))?;
                }
            }
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let file = match options.open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other.with_context(failed)?,
            };
            let lock = Lock::of(&file.try_lock());
            let same =
                fs::metadata(&path).and_then(|there| Ok(there.ino() == file.metadata()?.ino()));
            if !same.unwrap_or(false) {
                continue;
            }
            let is_held = match Holder::read(&file) {
                Some(holder) => holder.is_at_work(dir, &file, lock),
                // It has just been locked, and will be written.
                None => lock == Lock::Foreign,
            };
            if is_held {
                return Ok(None);
            }
            clean(dir);
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let claim = Self {
                work_dir: work_dir.clone(),
                file,
                process: Process::this(),
                since: now.map_or(0, |time| time.as_secs()),
                epoch: AtomicUsize::new(1),
            };
            claim.renew().with_context(failed)?;
            return Ok(Some(claim));
        }
        bail!("{} comes and goes", path.display())
    }

    /// Renews it: a heartbeat.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn renew(&self) -> std::io::Result<()> {
        let holder = Holder {
            process: self.process.clone(),
            since: self.since,
            epoch: self.epoch.load(Ordering::Relaxed),
        };
        let mut bytes = serde_json::to_vec(&holder)?;
        bytes.resize(CLAIM_BYTES, b' ');
        self.file.write_all_at(&bytes, 0)
    }

    /// Notes the epoch at hand, for the next sign of life.
    pub fn set_epoch(&self, epoch: usize) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// The checkpoints, newest first.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        self.work_dir.checkpoints()
    }

    /// Adds a checkpoint and removes the ones that it makes superfluous.
    ///
    /// # Errors
    /// Where it cannot be written; the earlier ones stay.
    pub fn write_checkpoint(&self, bytes: &[u8]) -> Result<()> {
        let earlier = self.checkpoints();
        let newest = earlier.first().and_then(|path| path.file_stem()?.to_str());
        let newest = newest.and_then(|stem| stem.strip_prefix("checkpoint-")?.parse().ok());
        let number = newest.unwrap_or(0_u64) + 1;
        write(&self.work_dir.path().join(format!("checkpoint-{number}.safetensors")), bytes)?;
        for path in earlier.iter().skip(GENERATIONS - 1) {
            // One too many does no harm.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// Takes a damaged checkpoint out of the row and leaves it to be looked at; its new path.
    #[must_use]
    pub fn set_aside(&self, checkpoint: &Path) -> PathBuf {
        let mut aside = checkpoint.as_os_str().to_owned();
        aside.push(".damaged");
        let aside = PathBuf::from(aside);
        if fs::rename(checkpoint, &aside).is_ok() { aside } else { checkpoint.to_owned() }
    }

    /// Removes all checkpoints: the training begins anew.
    pub fn discard(&self) {
        for path in self.checkpoints() {
            let _ = fs::remove_file(path);
        }
    }

    /// Gives the claim back and removes all work: the training is finished.
    pub fn finish(self) {
        // What cannot be removed is, by the next run. The claim goes last, with the lock.
        for entry in fs::read_dir(self.work_dir.path()).into_iter().flatten().flatten() {
            if entry.file_name() != CLAIM {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while the lock is held; whoever opened it meanwhile sees that it is gone. Folders
        // go where nothing is left in them.
        let _ = fs::remove_file(self.work_dir.path().join(CLAIM));
        let _ = fs::remove_dir(self.work_dir.path());
        let _ = self.work_dir.path().parent().map(fs::remove_dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other_machine(work: &WorkDir, silence: Duration) {
        fs::create_dir_all(work.path()).unwrap();
        let process = Process { host: "h".into(), machine: "elsewhere".into(), pid: 1 };
        let holder = Holder { process, since: 0, epoch: 3 };
        let path = work.path().join(CLAIM);
        fs::write(&path, serde_json::to_vec(&holder).unwrap()).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - silence).unwrap();
    }

    #[test]
    fn claims_come_and_go_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let work = WorkDir::of(dir.path(), name);
                scope.spawn(move || {
                    for _ in 0..300 {
                        Claim::acquire(&work).unwrap().unwrap().finish();
                    }
                });
            }
        });
    }

    #[test]
    fn a_claim_keeps_others_out_until_it_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::of(dir.path(), "a");
        let claim = Claim::acquire(&work).unwrap().unwrap();
        claim.set_epoch(4);
        claim.renew().unwrap();
        assert!(Claim::acquire(&work).unwrap().is_none());
        assert_eq!(Holder::of(&work).unwrap().epoch, 4);
        drop(claim);
        assert!(Holder::of(&work).is_none() && fs::read_dir(dir.path()).unwrap().count() == 0);
        assert!(Claim::acquire(&work).unwrap().is_some());
    }

    #[test]
    fn a_claim_of_another_machine_counts_until_it_falls_silent() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::of(dir.path(), "a");
        other_machine(&work, SILENCE / 2);
        assert!(Claim::acquire(&work).unwrap().is_none());
        assert_eq!(Holder::of(&work).unwrap().process.machine, "elsewhere");
        other_machine(&work, SILENCE * 2);
        assert!(Holder::of(&work).is_none());
        assert!(Claim::acquire(&work).unwrap().is_some());
    }

    #[test]
    fn a_lock_that_outlives_its_machine_keeps_nobody_out_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::of(dir.path(), "a");
        other_machine(&work, SILENCE / 2);
        // As the server of a shared file system has it.
        let lock = File::open(work.path().join(CLAIM)).unwrap();
        lock.lock().unwrap();
        assert!(Holder::of(&work).is_some() && Claim::acquire(&work).unwrap().is_none());
        other_machine(&work, SILENCE * 2);
        assert!(Holder::of(&work).is_none());
        let claim = Claim::acquire(&work).unwrap().unwrap();
        // Others see who it is now.
        assert_eq!(Holder::of(&work).unwrap().process, Process::this());
        assert!(Claim::acquire(&work).unwrap().is_none());
        drop(claim);
    }

    #[test]
    fn a_claim_from_the_future_counts_no_longer_than_one_from_the_past() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::of(dir.path(), "a");
        let renewed = |time| {
            other_machine(&work, Duration::ZERO);
            let file = File::options().write(true).open(work.path().join(CLAIM)).unwrap();
            file.set_modified(time).unwrap();
        };
        renewed(SystemTime::now() + SILENCE / 2);
        assert!(Claim::acquire(&work).unwrap().is_none());
        renewed(SystemTime::now() + SILENCE * 2);
        assert!(Claim::acquire(&work).unwrap().is_some());
    }

    #[test]
    fn two_checkpoints_stay_and_none_once_finished() {
        let dir = tempfile::tempdir().unwrap();
        let claim = Claim::acquire(&WorkDir::of(dir.path(), "a")).unwrap().unwrap();
        for bytes in [b"1", b"2", b"3"] {
            claim.write_checkpoint(bytes).unwrap();
        }
        let contents: Vec<_> =
            claim.checkpoints().iter().map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(contents, [b"3", b"2"]);
        let aside = claim.set_aside(&claim.checkpoints()[0]);
        assert!(aside.ends_with("checkpoint-3.safetensors.damaged") && aside.is_file());
        assert_eq!(claim.checkpoints().len(), 1);
        claim.finish();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
