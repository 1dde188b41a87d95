//! The last line of `run.json` and `experiment.json`: a checksum of every byte before it.
//!
//! CRC-32, which tells any damage by a disk, a copy or a hand as surely as a SHA-256 does, but costs next to nothing where
//! ten thousand records are read. A file that ends otherwise is taken as it is: an earlier version wrote it, or somebody
//! changed it with a tool that writes JSON in a form of its own, and so on purpose.

use std::io::{self, BufWriter, Write};

use crc32fast::Hasher;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Error;

/// What stands before the key, the key, what stands between it and the checksum, and behind that.
const BEFORE: &[u8] = b",\n  \"";
const KEY: &[u8] = b"crc32";
const BETWEEN: &[u8] = b"\": \"";
const SUM_BYTES: usize = 8;
const BEHIND: &[u8] = b"\"\n}\n";

/// A record with its checksum, as a file holds it.
///
/// # Errors
/// Where the record is no table with at least one key.
pub fn sealed(record: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(record)?;
    let Some(content) = bytes.strip_suffix(b"\n}").map(<[u8]>::len) else {
        return Err(serde::ser::Error::custom("a record is a table"));
    };
    bytes.truncate(content);
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&[BEFORE, KEY, BETWEEN, sum.as_bytes(), BEHIND].concat());
    Ok(bytes)
}

/// As [`sealed`], without line breaks, written bit by bit.
///
/// # Errors
/// Where the record cannot be written, or is no table with at least one key.
pub fn write(out: &mut dyn Write, record: &impl Serialize) -> anyhow::Result<()> {
    let mut buffered = BufWriter::new(Sealing { out, hash: Hasher::new(), held: None });
    serde_json::to_writer(&mut buffered, record)?;
    let Sealing { out, hash, held } =
        buffered.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    anyhow::ensure!(held == Some(b'}'), "a record is a table");
    let sum = digits(hash.finalize());
    Ok(out.write_all(&[BEFORE, KEY, BETWEEN, sum.as_bytes(), BEHIND].concat())?)
}

/// Writes all but the last byte.
struct Sealing<'a> {
    out: &'a mut dyn Write,
    /// Of what was written.
    hash: Hasher,
    held: Option<u8>,
}

impl Write for Sealing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((last, rest)) = bytes.split_last() else { return Ok(0) };
        for part in [self.held.as_slice(), rest] {
            self.out.write_all(part)?;
            self.hash.update(part);
        }
        self.held = Some(*last);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn digits(sum: u32) -> String {
    format!("{sum:08x}")
}

fn checksum(bytes: &[u8]) -> String {
    digits(crc32fast::hash(bytes))
}

/// The record that a file holds.
///
/// # Errors
/// Where its bytes are not those that were written, or it is not such a record.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if is_broken(bytes) {
        return Err(Error::custom("damaged: its bytes do not match the checksum at its end"));
    }
    serde_json::from_slice(bytes)
}

/// Whether a file ends as bnes has it end, with a checksum of something else, or lacks the last line break alone. The
/// letters of the key and the checksum may be any: they may be what is damaged.
fn is_broken(bytes: &[u8]) -> bool {
    let (end, is_cut) = match bytes.strip_suffix(BEHIND) {
        Some(end) => (Some(end), false),
        None => (bytes.strip_suffix(BEHIND.trim_ascii_end()), true),
    };
    let split = || {
        let rest = end?;
        let (rest, sum) = rest.split_at_checked(rest.len().checked_sub(SUM_BYTES)?)?;
        let rest = rest.strip_suffix(BETWEEN)?;
        let (rest, key) = rest.split_at_checked(rest.len().checked_sub(KEY.len())?)?;
        Some((rest.strip_suffix(BEFORE)?, key, sum))
    };
    split().is_some_and(|(content, key, sum)| {
        let is_whole = key == KEY && checksum(content).as_bytes() == sum;
        is_whole == is_cut
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_sealed_reads_as_it_was_and_no_bit_of_it_can_change() {
        let record = json!({"seed": 3, "arms": [{"metrics": {"val_loss": 0.125}}]});
        let mut bytes = Vec::new();
        write(&mut bytes, &record).unwrap();
        assert!(bytes.starts_with(b"{\"seed\":3,"));
        assert_eq!(read::<Value>(&bytes).unwrap()["seed"], 3);
        bytes[9] ^= 1;
        assert!(read::<Value>(&bytes).is_err());
        let bytes = sealed(&record).unwrap();
        let mut read_back: Value = read(&bytes).unwrap();
        let sum = read_back.as_object_mut().unwrap().remove("crc32");
        assert_eq!((&read_back, sum.unwrap().as_str().unwrap().len()), (&record, SUM_BYTES));
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read::<Value>(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(read::<Value>(&bytes[..length]).is_err(), "cut at {length}");
        }
        assert!(read::<Value>(&[&bytes[..], &bytes].concat()).is_err());
    }

    #[test]
    fn a_record_without_a_checksum_or_in_the_form_of_another_tool_is_taken_as_it_is() {
        let record = json!({"seed": 3, "crc32": "0".repeat(SUM_BYTES)});
        let texts = [record.to_string(), serde_json::to_string_pretty(&record).unwrap()];
        let older = serde_json::to_string_pretty(&json!({"seed": 3})).unwrap() + "\n";
        for text in texts.into_iter().chain([older]) {
            assert_eq!(read::<Value>(text.as_bytes()).unwrap()["seed"], 3, "{text}");
        }
    }
}
