//! Public data sets, downloaded from where they are kept, checked byte for byte, and written as tables where the
//! original is none that can be read.

mod download;
mod error;
mod sets;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use ureq::Agent;

pub use download::Progress;
pub use error::FetchError;
pub use sets::Set;

/// What is there after a set was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// Where its files lie.
    pub folder: PathBuf,
    /// How many files it has.
    pub files: usize,
    /// How many of them had to be downloaded.
    pub downloaded: usize,
    /// Keys of `[data]` and their values, by which it is read.
    pub keys: Vec<(&'static str, String)>,
}

/// Fetches what of a set is not there yet into a folder of its own below `below`. `mirror`: a URL below which the sets
/// lie in folders of their names, instead of where they are kept.
///
/// # Errors
/// Where a file cannot be had, is not the one that is known, or cannot be written.
pub fn fetch(
    set: Set,
    below: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, FetchError> {
    let folder = below.join(set.name());
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let agent: Agent = Agent::config_builder()
        .user_agent(concat!("bnes/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_connect(Some(std::time::Duration::from_secs(20)))
        .timeout_recv_response(Some(std::time::Duration::from_mins(1)))
        .build()
        .into();
    let files = set.files();
    let mut downloaded = 0;
    for file in &files {
        let path = folder.join(file.path);
        let write = |cause| FetchError::Write { path: path.clone(), cause };
        if path.exists() {
            download::check_present(file, &path)?;
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(write)?;
        download::download(&agent, file, &set.urls(file, mirror), &path, progress)?;
        downloaded += 1;
    }
    let keys = table::keys(set, &folder)?;
    Ok(Fetched { folder, files: files.len(), downloaded, keys })
}

/// Where sets go unless told otherwise: `bnes` in the folder for what can be had again.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    cache.map(|cache| cache.join("bnes"))
}
