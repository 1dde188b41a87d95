//! `TensorBoard`'s event files: a run is a folder of them.
//!
//! What several folders hold of one training is joined: `train` and `validation` of Keras, `learn` and `test` of
//! `CatBoost`, the folders of `add_scalars` and of `add_hparams` beside the events of a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::checksum::masked;
use crate::logs::assemble::{flat_yaml, put_steps};
use crate::logs::error::{Fault, LogError};
use crate::logs::input::{Input, Origin, small};
use crate::logs::names::split;
use crate::logs::protobuf::{Field, field, fields};
use crate::logs::source::{Claim, Drafts, Source};
use crate::logs::training::Draft;
use crate::stopping::Split;

/// `TensorBoard`.
pub(in crate::logs) struct TensorBoard;

/// What the names of event files have in common.
const EVENTS: &str = "tfevents";

/// The plugin of hyperparameters, and the tag of their values.
const HPARAMS: &str = "hparams";
/// Where Lightning keeps the hyperparameters, beside the event files.
const HPARAMS_FILE: &str = "hparams.yaml";

const SESSION_START: &str = "_hparams_/session_start_info";

/// The scalar plugin.
const SCALARS: &str = "scalars";

/// Bytes of a record besides its data: length, its checksum, the data's checksum.
const FRAME: usize = 16;

impl Source for TensorBoard {
    fn tool(&self) -> &'static str {
        "tensorboard"
    }

    fn takes_bytes(&self, head: &[u8], name: &str) -> bool {
        name.contains(EVENTS) || is_record(head)
    }

    fn bytes(&self, bytes: &[u8], origin: &Origin) -> Drafts {
        let mut run = Run::default();
        run.read(bytes, origin)?;
        let name = origin.folder_name().filter(|_| origin.file_name().contains(EVENTS));
        draft(&name.unwrap_or_else(|| origin.stem.clone()), origin, &[(String::new(), run)])
            .map(|draft| vec![draft])
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let own = names.iter().any(|name| is_events(name));
        // Lightning's two loggers in one folder hold the same.
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        if own && has("metrics.csv") && has(HPARAMS_FILE) {
            return Some(Claim::All(vec![path.join("metrics.csv")]));
        }
        let folders: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix('/')).collect();
        let with_events: Vec<&str> =
            folders.into_iter().filter(|name| !events_in(&path.join(name)).is_empty()).collect();
        // Folders named by nothing but a split are of one training.
        let is_split =
            |name: &&str| split(name).is_some() && name.chars().all(|c| c.is_ascii_alphabetic());
        let are_splits = with_events.len() > 1 && with_events.iter().all(is_split);
        (own || are_splits).then(|| Claim::Read(run_of(path, &with_events, own)))
    }
}

fn is_events(name: &str) -> bool {
    name.contains(EVENTS) && !name.ends_with('/') && !name.ends_with(".profile-empty")
}

/// The event files in a folder, in the order in which they were begun.
fn events_in(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|n| is_events(n))
        .collect();
    // `events.out.tfevents.SECONDS.HOST.…`
    let begun = |name: &String| -> u64 {
        let rest = name.split(EVENTS).nth(1).unwrap_or_default();
        rest.split('.').find_map(|part| part.parse().ok()).unwrap_or(0)
    };
    names.sort_by_key(|name| (begun(name), name.clone()));
    names.into_iter().map(|name| path.join(name)).collect()
}

/// The training in a folder and in those of its folders that belong to it; others are trainings of their own.
fn run_of(path: &Path, folders: &[&str], has_own: bool) -> Drafts {
    let mut parts: Vec<(String, Run)> = Vec::new();
    let mut drafts = Vec::new();
    let mut bytes = 0;
    let mut read = |dir: &Path| -> Result<Run, LogError> {
        let mut run = Run::default();
        for file in events_in(dir) {
            let (origin, content) = Input::open(&file)?.bytes()?;
            bytes += content.len() as u64;
            run.read(&content, &origin)?;
        }
        Ok(run)
    };
    if has_own {
        parts.push((String::new(), read(path)?));
    }
    for name in folders {
        let run = read(&path.join(name))?;
        let is_part = !has_own || run.is_of_scalars(name) || run.is_of_hparams();
        if is_part {
            parts.push(((*name).to_owned(), run));
        } else {
            let origin = Origin::new(&path.join(name), run.bytes);
            drafts.push(draft(&origin.stem, &origin, &[(String::new(), run)])?);
        }
    }
    if let Some(hparams) = small(&path.join(HPARAMS_FILE))
        && let Some((_, run)) = parts.first_mut()
    {
        run.parameters.extend(flat_yaml(&hparams));
    }
    let origin = Origin::new(path, bytes);
    // What was begun and never written to is no training.
    if parts.iter().any(|(_, run)| !run.tags.is_empty()) {
        drafts.insert(0, draft(&origin.stem, &origin, &parts)?);
    }
    Ok(drafts)
}

/// The scalars of a folder.
#[derive(Default)]
struct Run {
    /// In the order in which tags appear.
    tags: Vec<String>,
    values: HashMap<String, Vec<(i64, f64)>>,
    parameters: Map<String, Value>,
    /// Tags that are something else than scalars.
    others: HashSet<String>,
    notes: Vec<String>,
    /// Values that later ones of the same steps replaced, and where the first of these went back from and to.
    replaced: usize,
    restart: Option<(i64, i64)>,
    bytes: u64,
}

impl Run {
    /// Whether `add_scalars` made the folder: it is called after the tag and the name of a curve.
    fn is_of_scalars(&self, folder: &str) -> bool {
        !self.tags.is_empty()
            && self
                .tags
                .iter()
                .all(|tag| folder.starts_with(&format!("{}_", tag.replace('/', "_"))))
    }

    /// Whether `add_hparams` made it.
    fn is_of_hparams(&self) -> bool {
        !self.parameters.is_empty()
    }

    fn read(&mut self, bytes: &[u8], origin: &Origin) -> Result<(), LogError> {
        self.bytes += bytes.len() as u64;
        let mut at = 0;
        while at < bytes.len() {
            let unfinished = || {
                format!(
                    "{} ends within a record, as where it is still written: read up to there",
                    origin.file
                )
            };
            let Some(head) = bytes.get(at..at + 12) else {
                self.notes.push(unfinished());
                break;
            };
            let (length, check) = head.split_at(8);
            let check = u32::from_le_bytes(check.try_into().unwrap_or_default());
            if masked(length) != check {
                return Err(LogError::at_byte(
                    &origin.file,
                    at,
                    "the length of a record does not match its checksum",
                ));
            }
            let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
            let end = usize::try_from(length).ok().and_then(|length| (at + 12).checked_add(length));
            let Some(data) = end.and_then(|end| bytes.get(at + 12..end)) else {
                self.notes.push(unfinished());
                break;
            };
            let after = at + 12 + data.len();
            let Some(check) = bytes.get(after..after + 4) else {
                self.notes.push(unfinished());
                break;
            };
            if masked(data) != u32::from_le_bytes(check.try_into().unwrap_or_default()) {
                return Err(LogError::at_byte(
                    &origin.file,
                    at,
                    "a record does not match its checksum",
                ));
            }
            self.event(data);
            at += FRAME + data.len();
        }
        Ok(())
    }

    /// `Event`: 2 is the step, 5 the summary, whose values are 1.
    fn event(&mut self, event: &[u8]) {
        let mut step = 0;
        for (number, content) in fields(event) {
            match (number, content) {
                #[allow(clippy::cast_possible_wrap)] // as it was written
                (2, Field::Whole(value)) => step = value as i64,
                (5, Field::Bytes(summary)) => {
                    for (_, value) in fields(summary).filter(|(number, _)| *number == 1) {
                        if let Some(value) = value.bytes() {
                            self.value(step, value);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// `Summary.Value`: 1 is the tag, 2 the plain value, 8 a tensor, 9 which plugin it is for.
    fn value(&mut self, step: i64, value: &[u8]) {
        let Some(tag) = field(value, 1).and_then(Field::text) else { return };
        if let Some(metadata) = field(value, 9).and_then(Field::bytes) {
            let plugin = field(metadata, 1).and_then(Field::bytes);
            let name = plugin.and_then(|plugin| field(plugin, 1)).and_then(Field::text);
            if name.as_deref() == Some(HPARAMS) {
                let content = plugin.and_then(|plugin| field(plugin, 2)).and_then(Field::bytes);
                if tag == SESSION_START
                    && let Some(content) = content
                {
                    self.parameters = hparams(content);
                }
                self.others.insert(tag);
                return;
            }
            if name.is_some_and(|name| !name.is_empty() && name != SCALARS) {
                self.others.insert(tag);
                return;
            }
        }
        if self.others.contains(&tag) {
            return;
        }
        let number = match (field(value, 2), field(value, 8)) {
            (Some(Field::Four(bytes)), _) => Some(single(f32::from_le_bytes(bytes))),
            (_, Some(Field::Bytes(tensor))) => of_tensor(tensor),
            _ => None,
        };
        let Some(number) = number else { return };
        if !self.values.contains_key(&tag) {
            self.tags.push(tag.clone());
        }
        let points = self.values.entry(tag).or_default();
        // A repeated step starts over from there.
        let last = points.last().map_or(step, |(last, _)| *last);
        let before = points.len();
        while points.last().is_some_and(|(last, _)| *last >= step) {
            points.pop();
        }
        if step < last {
            self.replaced += before - points.len();
            self.restart = self.restart.or(Some((last, step)));
        }
        points.push((step, number));
    }
}

/// A single in double precision.
fn single(value: f32) -> f64 {
    f64::from(value)
}

/// `TensorProto` of one number: 1 is the type; the bytes are in 4, or the number in a field of its type.
fn of_tensor(tensor: &[u8]) -> Option<f64> {
    let Field::Whole(kind) = field(tensor, 1)? else { return None };
    let packed = |number: u64| field(tensor, number);
    let content = packed(4).and_then(Field::bytes).filter(|bytes| !bytes.is_empty());
    let half =
        |bits: u16| if kind == 14 { f32::from_bits(u32::from(bits) << 16) } else { of_half(bits) };
    match (kind, content) {
        (1, Some(bytes)) => Some(single(f32::from_le_bytes(bytes.try_into().ok()?))),
        (2, Some(bytes)) => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
        (14 | 19, Some(bytes)) => Some(single(half(u16::from_le_bytes(bytes.try_into().ok()?)))),
        (3, Some(bytes)) => Some(f64::from(i32::from_le_bytes(bytes.try_into().ok()?))),
        #[allow(clippy::cast_precision_loss)] // counts
        (9, Some(bytes)) => Some(i64::from_le_bytes(bytes.try_into().ok()?) as f64),
        (1, None) => match packed(5)? {
            Field::Four(bytes) => Some(single(f32::from_le_bytes(bytes))),
            Field::Bytes(bytes) => Some(single(f32::from_le_bytes(bytes.try_into().ok()?))),
            _ => None,
        },
        (2, None) => match packed(6)? {
            Field::Eight(bytes) => Some(f64::from_le_bytes(bytes)),
            Field::Bytes(bytes) => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
            _ => None,
        },
        (14 | 19, None) => {
            let bits = match packed(13)? {
                Field::Whole(bits) => bits,
                Field::Bytes(bytes) => {
                    fields(&[&[0x68], bytes].concat()).find_map(|(_, field)| {
                        if let Field::Whole(bits) = field { Some(bits) } else { None }
                    })?
                }
                _ => return None,
            };
            Some(single(half(u16::try_from(bits & 0xffff).ok()?)))
        }
        _ => None,
    }
}

/// IEEE half precision.
fn of_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

/// `HParamsPluginData`: 3 is the start of a session, whose 1 is a map to `google.protobuf.Value`.
fn hparams(content: &[u8]) -> Map<String, Value> {
    let mut found = Map::new();
    let Some(session) = field(content, 3).and_then(Field::bytes) else { return found };
    for (_, entry) in fields(session).filter(|(number, _)| *number == 1) {
        let Some(entry) = entry.bytes() else { continue };
        let key = field(entry, 1).and_then(Field::text);
        let value = field(entry, 2).and_then(Field::bytes).and_then(|v| fields(v).next());
        let value = match value {
            Some((2, Field::Eight(bytes))) => {
                let number = f64::from_le_bytes(bytes);
                #[allow(clippy::cast_possible_truncation)] // within 2^53
                if number.fract() == 0.0 && number.abs() < 9e15 {
                    Value::from(number as i64)
                } else {
                    Value::from(number)
                }
            }
            Some((3, text)) => text.text().map_or(Value::Null, Value::from),
            Some((4, Field::Whole(truth))) => Value::from(truth != 0),
            _ => Value::Null,
        };
        found.extend(key.map(|key| (key, value)));
    }
    found
}

/// One training of the runs of some folders, whose names stand before their tags.
fn draft(name: &str, origin: &Origin, runs: &[(String, Run)]) -> Result<Draft, LogError> {
    let mut rows = origin.rows();
    let step = rows.column("step");
    let mut steps: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    let mut parameters = Map::new();
    let mut notes = Vec::new();
    let mut held = 0;
    for (folder, run) in runs {
        parameters.extend(run.parameters.clone());
        notes.extend(run.notes.iter().cloned());
        if let Some((from, to)) = run.restart {
            notes.push(format!(
                "steps go back from {from} to {to}: later values replace {}, as TensorBoard shows them; a folder for each \
                 training keeps all",
                crate::text::counted(run.replaced, "earlier one")
            ));
        }
        for tag in &run.tags {
            // Keras's own, by steps, beside the same by epochs.
            if tag.starts_with("evaluation_") && tag.ends_with("_vs_iterations") {
                continue;
            }
            let points = &run.values[tag];
            // A placeholder of Lightning's for a metric that was never set.
            if tag == "hp_metric" && points.iter().all(|(_, value)| *value == -1.0) {
                continue;
            }
            let full = if folder.is_empty() { tag.clone() } else { format!("{folder}/{tag}") };
            let column = rows.column(&full);
            held += points.len();
            for (at, value) in points {
                steps.entry(*at).or_default().push((column, *value));
            }
        }
    }
    if !rows.budget().allows(held) {
        return Err(rows.too_large());
    }
    if steps.is_empty() {
        return Err(LogError::at(Fault::NoCurves, &origin.file, "event files without a scalar"));
    }
    put_steps(&mut rows, step, steps)?;
    let mut draft = Draft::new(name, TensorBoard.tool(), origin.path.clone(), rows);
    draft.parameters = parameters;
    draft.notes = notes;
    let validated = runs.iter().filter(|(folder, _)| split(folder) == Some(Split::Validation));
    let loss = validated
        .flat_map(|(folder, run)| run.tags.iter().map(move |tag| format!("{folder}/{tag}")));
    draft.monitor = loss.into_iter().find(|name| name.ends_with("/epoch_loss"));
    Ok(draft)
}

/// Whether bytes begin with a record whose length matches its checksum.
fn is_record(head: &[u8]) -> bool {
    head.len() >= FRAME
        && masked(&head[..8]) == u32::from_le_bytes(head[8..12].try_into().unwrap_or_default())
}
