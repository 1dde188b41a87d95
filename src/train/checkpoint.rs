//! A training between two batches: all that it takes to go on as if nothing had happened.
//!
//! Random numbers are drawn by epoch and step, and rules are functions of the table, so neither
//! has a state to keep. The trainer hands checkpoints to a [`Checkpointer`] and knows no files; as bytes,
//! a checkpoint is a safetensors file whose metadata holds the rest as JSON.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::history::EpochTable;
use crate::nn::StateDict;
use crate::nn::state::NamedTensor;
use crate::text::hex;

/// Raised when what a checkpoint holds changes; others are passed over.
const FORMAT: u32 = 1;

/// The metadata key of the JSON part.
const KEY: &str = "checkpoint";

/// The metadata key of the digest: of the whole file, with zeros in place of the digest itself.
const DIGEST_KEY: &str = "sha256";

/// Hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// A place between two batches of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The epoch at hand, from 1.
    pub epoch: usize,
    /// Batches of it that are trained.
    pub batch: usize,
}

/// A training at a [`Position`].
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The whole epochs.
    pub table: EpochTable,
    /// Batches trained of the epoch after them.
    pub batch: usize,
    /// Seconds of training so far.
    pub elapsed_s: f64,
    /// Processor seconds of training so far, where known.
    pub cpu_s: Option<f64>,
    /// The weights that arms keep so far, by epoch.
    pub kept: BTreeMap<usize, Arc<StateDict>>,
    /// What the engine goes on from.
    pub engine: StateDict,
}

/// What a checkpointer may want to know, and is told, along with a checkpoint.
pub trait Checkpointer {
    /// Whether training is to end after the current batch.
    fn interrupted(&self) -> bool;

    /// Whether the end of an epoch is to be kept.
    fn is_due(&self) -> bool;

    /// Takes a checkpoint. A checkpointer that cannot store it says so itself; the training goes on.
    fn save(&mut self, checkpoint: &Checkpoint);
}

/// Keeps nothing and never interrupts.
pub struct NoCheckpoints;

impl Checkpointer for NoCheckpoints {
    fn interrupted(&self) -> bool {
        false
    }

    fn is_due(&self) -> bool {
        false
    }

    fn save(&mut self, _: &Checkpoint) {}
}

/// The JSON part.
#[derive(Serialize, Deserialize)]
struct Rest {
    format: u32,
    batch: usize,
    elapsed_s: f64,
    cpu_s: Option<f64>,
    columns: Vec<String>,
    /// As text, since JSON has no NaN; each float in its shortest round-trip form.
    rows: Vec<Vec<Option<String>>>,
    notes: Value,
}

impl Checkpoint {
    /// Where the training stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.table.len() + 1, batch: self.batch }
    }

    /// As a file, with whatever the caller wants to find in it.
    ///
    /// # Errors
    /// Where the format refuses a tensor.
    pub fn encode(&self, notes: &Value) -> Result<Vec<u8>> {
        let text = |cell: Option<f64>| cell.map(|value| value.to_string());
        let row = |epoch| self.table.row(epoch).into_iter().map(text).collect();
        let rest = Rest {
            format: FORMAT,
            batch: self.batch,
            elapsed_s: self.elapsed_s,
            cpu_s: self.cpu_s,
            columns: self.table.names().to_vec(),
            rows: (1..=self.table.len()).map(row).collect(),
            notes: notes.clone(),
        };
        let metadata = HashMap::from([
            (KEY.to_owned(), serde_json::to_string(&rest)?),
            (DIGEST_KEY.to_owned(), "0".repeat(DIGITS)),
        ]);
        let engine = self.engine.tensors.iter().map(|tensor| named("engine", tensor));
        let kept = self.kept.iter().flat_map(|(epoch, state)| {
            state.tensors.iter().map(move |tensor| named(&format!("kept/{epoch}"), tensor))
        });
        let mut bytes = safetensors::serialize(engine.chain(kept), Some(metadata))?;
        let at = digest_at(&bytes).context("the format wrote no metadata")?;
        let digest = digest(&bytes, at);
        bytes[at..at + DIGITS].copy_from_slice(digest.as_bytes());
        Ok(bytes)
    }

    /// Reads a file and the notes in it.
    ///
    /// # Errors
    /// Where the bytes are not, to the last one, those that [`encode`](Self::encode) gave.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Value)> {
        let at = digest_at(bytes).context("it has no checksum")?;
        ensure!(bytes[at..at + DIGITS] == *digest(bytes, at).as_bytes(), "its checksum is wrong");
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let rest: Rest = serde_json::from_str(metadata.context("it has no metadata")?)?;
        ensure!(rest.format == FORMAT, "it is of format {}, not {FORMAT}", rest.format);
        let mut table = EpochTable::new(rest.columns);
        for row in rest.rows {
            ensure!(row.len() == table.names().len(), "a row has another length than the header");
            let number = |cell: Option<String>| cell.map(|text| text.parse()).transpose();
            table.push(&row.into_iter().map(number).collect::<Result<Vec<Option<f64>>, _>>()?);
        }
        let mut engine = StateDict::default();
        let mut kept: BTreeMap<usize, StateDict> = BTreeMap::new();
        for tensor in StateDict::from_safetensors(bytes)?.tensors {
            if let Some(name) = tensor.name.strip_prefix("engine/") {
                let name = name.to_owned();
                engine.tensors.push(NamedTensor { name, ..tensor });
            } else if let Some((epoch, name)) =
                tensor.name.strip_prefix("kept/").and_then(|name| name.split_once('/'))
            {
                let state = kept.entry(epoch.parse()?).or_default();
                let name = name.to_owned();
                state.tensors.push(NamedTensor { name, ..tensor });
            } else {
                bail!("it has a tensor `{}` that is not expected", tensor.name);
            }
        }
        let kept = kept.into_iter().map(|(epoch, state)| (epoch, Arc::new(state))).collect();
        let Rest { batch, elapsed_s, cpu_s, notes, .. } = rest;
        Ok((Self { table, batch, elapsed_s, cpu_s, kept, engine }, notes))
    }
}

fn named<'a>(prefix: &str, tensor: &'a NamedTensor) -> (String, &'a NamedTensor) {
    (format!("{prefix}/{}", tensor.name), tensor)
}

/// Where the digits of the digest begin.
fn digest_at(bytes: &[u8]) -> Option<usize> {
    // Within the JSON part, which is a string of the header, quotes are escaped.
    let mark = format!("\"{DIGEST_KEY}\":\"");
    let header = bytes.len().min(bytes.first_chunk().map_or(0, |length| {
        usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).saturating_add(8)
    }));
    let at = bytes[..header].windows(mark.len()).position(|window| window == mark.as_bytes())?;
    let at = at + mark.len();
    (at + DIGITS <= header).then_some(at)
}

#[cfg(test)]
impl Checkpoint {
    /// The bytes of a file with the checksum that makes them whole, where they have the place for one.
    pub(crate) fn with_its_checksum(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if let Some(at) = digest_at(&bytes) {
            let digest = digest(&bytes, at);
            bytes[at..at + DIGITS].copy_from_slice(digest.as_bytes());
        }
        bytes
    }
}

fn digest(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update([b'0'; DIGITS]);
    hash.update(&bytes[at + DIGITS..]);
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint {
        let mut table = EpochTable::new(vec!["epoch".into(), "val_loss".into(), "auc".into()]);
        table.push(&[Some(1.0), Some(0.1 + 0.2), None]);
        table.push(&[Some(2.0), Some(f64::INFINITY), Some(-1e-300)]);
        let mut state = StateDict::default();
        state.push("0.weight".into(), &[2], vec![1.5, -0.0]);
        let mut engine = state.clone();
        engine.push_count("steps".into(), 7);
        engine.push_sum("loss_sum".into(), 0.1 + 0.2);
        let kept = BTreeMap::from([(2, Arc::new(state))]);
        Checkpoint { table, batch: 3, elapsed_s: 1.25, cpu_s: Some(1.0), kept, engine }
    }

    fn sorted(mut state: StateDict) -> StateDict {
        state.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        state
    }

    #[test]
    fn a_checkpoint_comes_back_from_its_bytes() {
        let notes = serde_json::json!({"identity": "a \"quoted\" sha256\":\" text"});
        let bytes = sample().encode(&notes).unwrap();
        let (mut back, told) = Checkpoint::decode(&bytes).unwrap();
        back.engine = sorted(back.engine);
        let expected = Checkpoint { engine: sorted(sample().engine), ..sample() };
        assert_eq!(back, expected);
        assert_eq!(told, notes);
        assert_eq!(back.position(), Position { epoch: 3, batch: 3 });
    }

    #[test]
    fn a_bit_that_flips_anywhere_is_noticed_and_so_is_a_missing_end() {
        let bytes = sample().encode(&Value::Null).unwrap();
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 4;
            assert!(Checkpoint::decode(&damaged).is_err(), "byte {index}");
        }
        for length in 0..bytes.len() {
            assert!(Checkpoint::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
