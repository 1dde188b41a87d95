//! Why a data set is not there.

use std::io;
use std::path::PathBuf;

/// Why a data set is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Nobody gave the file.
    #[error(
        "{}: {}\nwithout a way to the network, download it elsewhere and put it there by hand; the same command then checks it and goes on",
        path.display(), causes.join("\n")
    )]
    Unreachable {
        /// Where it was to go.
        path: PathBuf,
        /// For each address, what happened.
        causes: Vec<String>,
    },
    /// The connection ended early; what came is kept.
    #[error(
        "{}: the connection to {host} ended after {got} of {bytes} bytes ({cause}), which are kept: the same command goes on from there",
        path.display()
    )]
    Broken {
        /// Where it was to go.
        path: PathBuf,
        /// Who sent it.
        host: String,
        /// Bytes that are there.
        got: u64,
        /// Bytes that it has.
        bytes: u64,
        /// As reported.
        cause: String,
    },
    /// Other bytes came than those that are known.
    #[error(
        "{}: {host} sent another file than the one that is known (SHA-256 {found} instead of {wanted}): it was not kept; try again later, or another mirror by --mirror",
        path.display()
    )]
    OtherBytes {
        /// Where it was to go.
        path: PathBuf,
        /// Who sent it.
        host: String,
        /// Of what came.
        found: String,
        /// Of what is known.
        wanted: &'static str,
    },
    /// A file of the name is there and is another.
    #[error(
        "{}: this is not the file that belongs here (SHA-256 {found} instead of {wanted}): move it away, and the same command downloads the right one",
        path.display()
    )]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// Of the file.
        found: String,
        /// Of what is known.
        wanted: &'static str,
    },
    /// Somebody else is at it.
    #[error("{}: another process is downloading it: wait for it to end", path.display())]
    Busy {
        /// Where it goes.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot be written: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// As reported; part of the message, and so no source of it.
        cause: io::Error,
    },
    /// The file that is known holds what nobody expected.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
