//! One file: what came before is gone on from, and nothing gets its name before its digest is right.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::{Response, StatusCode, Uri};

use super::error::FetchError;
use super::sets::RemoteFile;
use crate::text::hex;

/// How far a download is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The file, below the folder of its set.
    pub file: &'a str,
    /// Bytes that are there.
    pub at: u64,
    /// Bytes that it has.
    pub bytes: u64,
}

/// Whether a file that is there is the one that belongs there.
pub(super) fn check_present(file: &RemoteFile, path: &Path) -> Result<(), FetchError> {
    let digest = File::open(path).and_then(digest);
    let found = digest.map_err(|cause| FetchError::Write { path: path.to_owned(), cause })?;
    if found == file.sha256 {
        return Ok(());
    }
    Err(FetchError::OtherFile { path: path.to_owned(), found, wanted: file.sha256 })
}

fn digest(mut content: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hex(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Downloads a file from the first place that has it.
pub(super) fn download(
    agent: &Agent,
    file: &RemoteFile,
    urls: &[String],
    path: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let partial = PathBuf::from(format!("{}.partial", path.display()));
    let write = |cause| FetchError::Write { path: partial.clone(), cause };
    let mut options = OpenOptions::new();
    let mut part = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&partial)
        .map_err(write)?;
    match part.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(cause)) => return Err(write(cause)),
    }
    let mut causes = Vec::new();
    for url in urls {
        let host = host(url);
        match receive(agent, file, url, &mut part, progress).map_err(write)? {
            Received::All => {
                part.seek(SeekFrom::Start(0)).map_err(write)?;
                let found = digest(&mut part).map_err(write)?;
                if found == file.sha256 {
                    return fs::rename(&partial, path).map_err(write);
                }
                fs::remove_file(&partial).map_err(write)?;
                let (path, wanted) = (path.to_owned(), file.sha256);
                return Err(FetchError::OtherBytes { path, host, found, wanted });
            }
            Received::Nothing(cause) => causes.push(format!("{url}: {cause}")),
            Received::Part(got, cause) => {
                let (path, bytes) = (path.to_owned(), file.bytes);
                return Err(FetchError::Broken { path, host, got, bytes, cause });
            }
        }
    }
    if part.metadata().map_err(write)?.len() == 0 {
        fs::remove_file(&partial).map_err(write)?;
    }
    Err(FetchError::Unreachable { path: path.to_owned(), causes })
}

/// What came of asking for a file.
enum Received {
    All,
    /// Not all bytes: how many are there, and why no more.
    Part(u64, String),
    Nothing(String),
}

/// Receives what is not there yet; an error is one of the disk.
fn receive(
    agent: &Agent,
    file: &RemoteFile,
    url: &str,
    part: &mut File,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<Received> {
    let mut at = part.metadata()?.len();
    if at == file.bytes {
        return Ok(Received::All);
    }
    if at > file.bytes {
        at = 0;
    }
    let mut request = agent.get(url);
    if at > 0 {
        request = request.header("Range", format!("bytes={at}-"));
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(error) => return Ok(Received::Nothing(error.to_string())),
    };
    at = match response.status() {
        StatusCode::PARTIAL_CONTENT if begins_at(&response, at) => at,
        StatusCode::OK => 0,
        status => return Ok(Received::Nothing(format!("the server answers {status}"))),
    };
    let length = response.headers().get("Content-Length").and_then(|value| value.to_str().ok());
    let length: Option<u64> = length.and_then(|length| length.parse().ok());
    if let Some(length) = length.filter(|length| *length != file.bytes - at) {
        // As of a page that asks to log in first.
        let cause = format!("another file, of {} bytes instead of {}", at + length, file.bytes);
        return Ok(Received::Nothing(cause));
    }
    part.set_len(at)?;
    part.seek(SeekFrom::Start(at))?;
    // One byte more than there should be shows that it is another file.
    let mut body = response.into_body().into_reader().take(file.bytes + 1 - at);
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(Progress { file: file.path, at, bytes: file.bytes });
        match body.read(&mut buffer) {
            Ok(0) if at < file.bytes => {
                return Ok(Received::Part(at, "the file ends there".to_owned()));
            }
            Ok(0) => return Ok(Received::All),
            Ok(read) => {
                part.write_all(&buffer[..read])?;
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Received::Part(at, error.to_string())),
        }
    }
}

/// Whether a part of the file begins where it was asked to.
fn begins_at<T>(response: &Response<T>, at: u64) -> bool {
    let range = response.headers().get("Content-Range").and_then(|value| value.to_str().ok());
    let begin = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
    begin.and_then(|begin| begin.parse().ok()) == Some(at)
}

fn host(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    uri.and_then(|uri| Some(uri.authority()?.to_string())).unwrap_or_else(|| url.to_owned())
}
