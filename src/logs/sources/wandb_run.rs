//! Weights & Biases' `run-….wandb`, the file from which a run is synchronised: `LevelDB`'s log format with zlib's
//! checksums, and a protocol buffer a record.

use flate2::Crc;
use serde_json::{Map, Value};

use crate::logs::assemble::put_object;
use crate::logs::error::LogError;
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::protobuf::{Field, field, fields};
use crate::logs::rows::Rows;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::{Draft, Ended};

/// A run of Weights & Biases.
pub(in crate::logs) struct WandbRun;

const MAGIC: &[u8] = b":W&B";

/// Bytes of the header of the file.
const HEADER: usize = 7;

/// Records do not cross blocks of this size, but in parts.
const BLOCK: usize = 32 << 10;

/// So many wrong checksums in a row, and no record can be told from another any more.
const WRONG: usize = 2;

/// Checksum, length and kind of a part.
const PART: usize = 7;

impl Source for WandbRun {
    fn tool(&self) -> &'static str {
        "wandb"
    }

    fn takes_bytes(&self, head: &[u8], _: &str) -> bool {
        head.starts_with(MAGIC)
    }

    fn bytes(&self, bytes: &[u8], origin: &Origin) -> Drafts {
        let mut run = Run { rows: origin.rows(), name: None, parameters: Map::new(), ended: None };
        let mut notes = Vec::new();
        let mut record: Vec<u8> = Vec::new();
        let mut at = HEADER.min(bytes.len());
        let (mut line, mut wrong) = (0, 0);
        loop {
            let left = BLOCK - at % BLOCK;
            if left < PART {
                at += left;
                continue;
            }
            if at >= bytes.len() {
                break;
            }
            let unfinished =
                "the file ends within a record, as where it is still written: read up to there";
            let Some(head) = bytes.get(at..at + PART) else {
                notes.push(unfinished.to_owned());
                break;
            };
            let check = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
            let kind = head[6];
            if check == 0 && length == 0 && kind == 0 {
                // The rest of a block that was laid out and not written.
                at += left;
                continue;
            }
            let Some(data) = bytes.get(at + PART..at + PART + length) else {
                notes.push(unfinished.to_owned());
                break;
            };
            let mut crc = Crc::new();
            crc.update(&head[6..7]);
            crc.update(data);
            if crc.sum() != check {
                wrong += 1;
                // Where what follows is whole, one record is damaged, not the file.
                if wrong > WRONG {
                    let problem = "records do not match their checksums";
                    return Err(LogError::at_byte(&origin.file, at, problem));
                }
                notes.push(format!("byte {at}: a record does not match its checksum: left out"));
                record.clear();
                at += PART + length;
                continue;
            }
            wrong = 0;
            match kind {
                1 | 2 => {
                    record.clear();
                    record.extend_from_slice(data);
                }
                3 | 4 => record.extend_from_slice(data),
                _ => {
                    return Err(LogError::at_byte(&origin.file, at, "a record of an unknown kind"));
                }
            }
            if kind == 1 || kind == 4 {
                line += 1;
                run.record(&record, line)?;
            }
            at += PART + length;
        }
        let name = run.name.unwrap_or_else(|| origin.stem.clone());
        let mut draft = Draft::new(&name, self.tool(), origin.path.clone(), run.rows);
        draft.parameters = run.parameters;
        // The record of the exit is the last that a run writes.
        draft.ended = run.ended.or(Some(Ended::Interrupted));
        draft.notes = notes;
        Ok(vec![draft])
    }
}

struct Run {
    rows: Rows,
    name: Option<String>,
    parameters: Map<String, Value>,
    ended: Option<Ended>,
}

impl Run {
    /// `Record`: 2 is a row of the history, 17 the run, 14 a change of its config, 18 its exit.
    fn record(&mut self, record: &[u8], line: u64) -> Result<(), LogError> {
        for (number, content) in fields(record) {
            let Some(content) = content.bytes() else { continue };
            match number {
                2 => self.history(content, line)?,
                14 => self.config(content),
                17 => {
                    self.name = field(content, 8)
                        .and_then(Field::text)
                        .filter(|name| !name.is_empty())
                        .or_else(|| field(content, 1).and_then(Field::text));
                    if let Some(config) = field(content, 4).and_then(Field::bytes) {
                        self.config(config);
                    }
                }
                18 => {
                    let code = field(content, 1);
                    let failed = matches!(code, Some(Field::Whole(code)) if code != 0);
                    self.ended = Some(if failed { Ended::Failed } else { Ended::Completed });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `HistoryRecord`: items in 1, with a key in 1, or its parts in 2, and JSON in 16.
    fn history(&mut self, history: &[u8], line: u64) -> Result<(), LogError> {
        self.rows.begin(line);
        for (_, item) in fields(history).filter(|(number, _)| *number == 1) {
            let Some(item) = item.bytes() else { continue };
            if let Some((key, value)) = entry(item, "/") {
                put_object(&mut self.rows, "", &Json::Object(vec![(key.into(), value)]))?;
            }
        }
        Ok(())
    }

    /// `ConfigRecord`: updates in 1, the same way.
    fn config(&mut self, config: &[u8]) {
        for (_, item) in fields(config).filter(|(number, _)| *number == 1) {
            let Some((key, value)) = item.bytes().and_then(|item| entry(item, ".")) else {
                continue;
            };
            if key.starts_with("_wandb") {
                continue;
            }
            match value {
                Json::Object(_) => {
                    let wrapped = Json::Object(vec![(key.into(), value)]);
                    self.parameters.extend(wrapped.parameters());
                }
                value => {
                    self.parameters.insert(key, value.value());
                }
            }
        }
    }
}

fn entry(item: &[u8], between: &str) -> Option<(String, Json)> {
    let key = field(item, 1).and_then(Field::text).filter(|key| !key.is_empty());
    let key = key.unwrap_or_else(|| {
        let parts = fields(item).filter(|(number, _)| *number == 2);
        parts.filter_map(|(_, part)| part.text()).collect::<Vec<_>>().join(between)
    });
    let value = Json::parse(field(item, 16)?.bytes()?).ok()?;
    (!key.is_empty()).then_some((key, value))
}
