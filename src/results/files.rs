//! The files beside a record, each with the checksum of the bytes that it was written with.

use std::collections::BTreeMap;
use std::io::{self, Error, ErrorKind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::hex;

/// SHA-256 in hex by the name of the file. Empty where an earlier version wrote the record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Files(Arc<BTreeMap<String, String>>);

impl From<BTreeMap<String, String>> for Files {
    fn from(sums: BTreeMap<String, String>) -> Self {
        Self(Arc::new(sums))
    }
}

impl From<Files> for BTreeMap<String, String> {
    fn from(files: Files) -> Self {
        Arc::unwrap_or_clone(files.0)
    }
}

impl Files {
    /// Of files with these names and bytes.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> Self {
        let files = files.into_iter();
        let sums = files.map(|(name, bytes)| (name, hex(Sha256::digest(bytes))));
        sums.collect::<BTreeMap<String, String>>().into()
    }

    /// Whether no file is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a file is named.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Refuses bytes that a file of this name was not written with; of a file that is not named, any are taken.
    ///
    /// # Errors
    /// Where they are others.
    pub fn check(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.0.get(name) {
            Some(sum) if *sum != hex(Sha256::digest(bytes)) => {
                let message = "damaged: its bytes do not match their checksum";
                Err(Error::new(ErrorKind::InvalidData, message))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_that_were_written_pass_and_no_others() {
        let files = Files::of([("a.csv".to_owned(), &b"abc"[..])]);
        // FIPS 180-2, appendix B.1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(serde_json::to_value(&files).unwrap(), serde_json::json!({ "a.csv": sum }));
        assert!(files.check("a.csv", b"abc").is_ok());
        for other in [&b"abd"[..], b"", b"abcabc"] {
            assert!(files.check("a.csv", other).is_err());
        }
        assert!(files.check("b.csv", b"any").is_ok());
    }
}
