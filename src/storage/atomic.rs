//! Files and folders that appear whole or not at all, and what a sudden end leaves of them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::process::Process;
use crate::results::layout::PARTIAL;

/// After this long without a change, what a process of another machine left unfinished is given up.
const GIVEN_UP: Duration = Duration::from_hours(1);

/// Writes a file into a folder that is not yet in its place.
pub(super) fn write_unplaced(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut file = File::create(path).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    file.sync_data().with_context(failed)
}

/// Writes beside the file and renames, so that no reader sees half of it, whenever the process or
/// the machine stops, and what was there before stays where the writing fails.
///
/// # Errors
/// Where the file cannot be written, or `content` fails.
pub fn write_with(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if path.is_dir() {
        bail!("{}: there is a folder of this name", failed());
    }
    if path.exists() && !path.is_file() {
        // A pipe or /dev/null is written to, not replaced.
        let mut file = fs::OpenOptions::new().write(true).open(path).with_context(failed)?;
        return content(&mut file);
    }
    // Through a link, what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    if !dir.is_dir() {
        bail!("{}: there is no folder {}: create it first", failed(), dir.display());
    }
    // By its kind: the error itself names the unfinished file, which nobody asked for.
    let plain = |error: std::io::Error| std::io::Error::from(error.kind());
    let file = partial(0o666).tempfile_in(dir).map_err(plain).with_context(failed)?;
    let mut buffered = BufWriter::new(file);
    content(&mut buffered)?;
    let file = buffered.into_inner().map_err(std::io::IntoInnerError::into_error);
    let file = file.with_context(failed)?;
    file.as_file().sync_data().with_context(failed)?;
    file.persist(&target).with_context(failed)?;
    sync_dir(dir);
    Ok(())
}

/// Writes a file whole or not at all, unless there is one of this name; whether it was written.
///
/// # Errors
/// Where it cannot be written.
pub fn write_new(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<bool> {
    let failed = || format!("cannot write {}", path.display());
    let dir = path.parent().unwrap_or(Path::new("."));
    let file = partial(0o666).tempfile_in(dir).with_context(failed)?;
    let mut buffered = BufWriter::new(file);
    content(&mut buffered).with_context(failed)?;
    let file = buffered.into_inner().map_err(std::io::IntoInnerError::into_error);
    let file = file.with_context(failed)?;
    file.as_file().sync_data().with_context(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            sync_dir(dir);
            Ok(true)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error).with_context(failed),
    }
}

/// Moves a file or a folder out of the way, to a path or, where that is taken, to the next one that is free:
/// `PATH-2`. Where it is then.
pub(super) fn set_aside(from: &Path, to: &Path) -> Result<PathBuf> {
    let numbered = |number: usize| {
        let mut path = to.as_os_str().to_owned();
        if number > 1 {
            path.push(format!("-{number}"));
        }
        PathBuf::from(path)
    };
    let mut free = (1..).map(numbered).filter(|path| fs::symlink_metadata(path).is_err());
    let to = free.next().context("no name is free")?;
    fs::rename(from, &to)
        .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
    sync_dir(to.parent().unwrap_or(Path::new(".")));
    Ok(to)
}

/// Makes new names in a folder outlast a loss of power.
pub(super) fn sync_dir(dir: &Path) {
    // Some file systems cannot; the files themselves are as whole without it.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
}

/// As [`write_with`], with bytes that are there at once.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| {
        out.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
    })
}

/// As [`write_with`], unless the file holds this already: what is done can be looked up where nothing may be written.
pub(super) fn write_if_changed(
    path: &Path,
    content: impl Fn(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    if holds(path, &content) { Ok(()) } else { write_with(path, content) }
}

/// Whether a file holds just what `content` writes.
pub fn holds(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let mut rest = BufWriter::new(Rest(file));
    content(&mut rest).is_ok()
        && rest.into_inner().is_ok_and(|mut rest| matches!(rest.0.read(&mut [0]), Ok(0)))
}

/// What is still to come of a file; takes these very bytes and refuses any others.
struct Rest(File);

impl Write for Rest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut present = vec![0; bytes.len()];
        self.0.read_exact(&mut present)?;
        if present == bytes { Ok(bytes.len()) } else { Err(ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Of this process; a builder borrows its prefix.
static PREFIX: OnceLock<String> = OnceLock::new();

/// Temporary files are private by default; results are as readable as any new file or folder.
fn partial(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    let prefix = PREFIX.get_or_init(|| {
        let Process { machine, pid, .. } = Process::this();
        format!("{PARTIAL}{machine}-{pid}-")
    });
    builder.prefix(prefix);
    builder
}

/// A new folder in `dir`, removed unless it is put in a place.
pub(super) fn partial_dir(dir: &Path) -> Result<tempfile::TempDir> {
    partial(0o777)
        .tempdir_in(dir)
        .with_context(|| format!("cannot create a folder in {}", dir.display()))
}

/// Moves a finished folder to `target`. What is there is swapped out and removed, unless `keeps`
/// says that it is as good: then it stays. Whether the new one is in place.
pub(super) fn place(
    partial: tempfile::TempDir,
    target: &Path,
    keeps: impl Fn() -> bool,
) -> Result<bool> {
    let failed = || format!("cannot put a finished training at {}", target.display());
    let dir = target.parent().unwrap_or(Path::new("."));
    sync_dir(partial.path());
    // Fails where there is a folder with something in it, so two processes cannot both succeed.
    let Err(error) = fs::rename(partial.path(), target) else {
        // Its folder is gone from under it.
        let _ = partial.keep();
        sync_dir(dir);
        return Ok(true);
    };
    if !target.is_dir() {
        return Err(error).with_context(failed);
    }
    if keeps() {
        return Ok(false);
    }
    // An exchange leaves no moment without a whole training; `partial` then holds the old one and
    // removes it.
    let swapped = renameat_with(CWD, partial.path(), CWD, target, RenameFlags::EXCHANGE);
    if swapped.is_err() {
        // Shared file systems know no exchange: two renames, of which the second may be missed.
        let aside = partial_dir(dir)?;
        fs::rename(target, aside.path()).with_context(failed)?;
        fs::rename(partial.path(), target).with_context(failed)?;
        let _ = partial.keep();
    }
    sync_dir(dir);
    Ok(true)
}

/// Removes what processes that are no more left unfinished in a folder.
pub(super) fn clean(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if !is_left_over(&entry.file_name(), &entry.path()) {
            continue;
        }
        // Another process may be faster, and what stays is harmless.
        let _ = if entry.path().is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
}

/// Whether this is a name of something unfinished.
pub(super) fn is_partial(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PARTIAL))
}

fn is_left_over(name: &OsStr, path: &Path) -> bool {
    let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PARTIAL)) else {
        return false;
    };
    let mut parts = rest.splitn(3, '-');
    let writer = (|| {
        let machine = parts.next()?.to_owned();
        Some(Process { host: String::new(), machine, pid: parts.next()?.parse().ok()? })
    })();
    if let Some(lives) = writer.and_then(|writer| writer.lives()) {
        return !lives;
    }
    let changed = fs::metadata(path).and_then(|data| data.modified()).ok();
    changed.and_then(|time| time.elapsed().ok()).is_some_and(|age| age > GIVEN_UP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_half_way_leaves_the_old_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        write_with(&path, |out| Ok(out.write_all(b"old")?)).unwrap();
        let failed = write_with(&path, |out| {
            out.write_all(b"new")?;
            anyhow::bail!("half way")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_holds_what_was_written_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let text = "0123456789".repeat(2000);
        let content = |text: &str| {
            let text = text.to_owned();
            move |out: &mut dyn Write| Ok(out.write_all(text.as_bytes())?)
        };
        assert!(!holds(&path, content(&text)));
        assert!(write_new(&path, content(&text)).unwrap());
        assert!(!write_new(&path, content("other")).unwrap());
        assert!(holds(&path, content(&text)));
        for other in ["", &text[1..], &text[..text.len() - 1], &format!("{text}0")] {
            assert!(!holds(&path, content(other)), "{}", other.len());
            assert!(!holds(&path, content(&text.replacen('9', "8", 1))));
        }
    }

    #[test]
    fn a_folder_in_its_place_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = write_with(dir.path(), |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("there is a folder of this name"), "{message}");
    }
}
