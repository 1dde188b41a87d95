//! The event files of a training, as TensorBoard reads them.
//!
//! A file is a sequence of records: the length (8 bytes, little-endian) with its checksum, then a protobuf `Event`
//! with its own. The training's file holds every column by epoch and the effective config as text. Where one arm
//! reads the training, what that arm came to is in the same file; of several, each has one in a folder of its own,
//! since to TensorBoard a folder is a run. Its hyperparameter view averages over the runs of a group, which is the
//! arm: so seeds are averaged over.

use std::path::PathBuf;

use serde_json::Value;

use super::record::{ArmRecord, Status, TrainingRecord};
use crate::checksum;
use crate::config::{Factors, is_of_rule};
use crate::history::{ELAPSED, EPOCH, EpochTable};
use crate::protobuf::Message;

/// The name of every event file of ours; TensorBoard goes by `tfevents`.
pub const EVENTS_FILE: &str = "events.out.tfevents.bnes";

/// The event files of a training that ended at this second since 1970: where each lies in the training's
/// directory, and its bytes. The same arguments give the same bytes.
#[must_use]
pub fn event_files(
    experiment: &str,
    record: &TrainingRecord,
    table: &EpochTable,
    ended_s: f64,
) -> Vec<(PathBuf, Vec<u8>)> {
    let elapsed = |epoch| table.cell(ELAPSED, epoch).filter(|seconds| seconds.is_finite());
    let started_s = ended_s - elapsed(table.len()).unwrap_or(0.0);
    let times = [started_s, ended_s];
    let mut file = File::new(started_s);
    let config = Value::Object(record.config.clone().into());
    file.value(started_s, 0, &text("config", &indented(&config)));
    for epoch in 1..=table.len() {
        let time = started_s + elapsed(epoch).unwrap_or(0.0);
        let named = table.names().iter().zip(table.row(epoch));
        for (name, value) in named.filter(|(name, _)| *name != EPOCH) {
            if let Some(value) = value {
                file.value(time, epoch, &scalar(name, value));
            }
        }
    }
    let mut files = Vec::new();
    if let [arm] = &record.arms[..] {
        of_arm(&mut file, experiment, record, arm, times);
    } else {
        for (place, arm) in record.arms.iter().enumerate() {
            let mut own = File::new(started_s);
            of_arm(&mut own, experiment, record, arm, times);
            files.push((folder(place, record).join(EVENTS_FILE), own.bytes));
        }
    }
    files.push((EVENTS_FILE.into(), file.bytes));
    files
}

/// The folder of one of several arms that read a training: its rule, with its place where rules are called alike.
fn folder(place: usize, record: &TrainingRecord) -> PathBuf {
    let name = |arm: &ArmRecord| -> String {
        let of_rule = arm.factors.iter().filter(|(key, _)| is_of_rule(key));
        let levels: Vec<String> = of_rule.map(|(_, level)| plain(level)).collect();
        let is_kept =
            |c: char| if c.is_ascii_alphanumeric() || ".=-".contains(c) { c } else { '_' };
        levels.join("-").chars().map(is_kept).take(80).collect()
    };
    let own = name(&record.arms[place]);
    let is_alone = record.arms.iter().filter(|arm| name(arm) == own).count() == 1;
    let is_plain = own.starts_with(|c: char| c.is_ascii_alphanumeric());
    if is_alone && is_plain { own.into() } else { format!("arm-{place}").into() }
}

fn plain(level: &Value) -> String {
    level.as_str().map_or_else(|| level.to_string(), str::to_owned)
}

/// What an arm came to: its levels, and the metrics of the weights kept, once.
fn of_arm(
    file: &mut File,
    experiment: &str,
    record: &TrainingRecord,
    arm: &ArmRecord,
    [started_s, ended_s]: [f64; 2],
) {
    let finite = arm.metrics.iter().filter_map(|(name, value)| Some((name, value.as_f64()?)));
    let kept: Vec<(String, f64)> =
        finite.map(|(name, value)| (format!("kept/{name}"), value)).collect();
    let mut parameters = Factors::new();
    parameters.insert("experiment".to_owned(), experiment.into());
    parameters.extend(arm.factors.clone());
    let names: Vec<String> = arm.metrics.keys().map(|name| format!("kept/{name}")).collect();
    file.value(
        started_s,
        0,
        &hparams("_hparams_/experiment", 2, &of_experiment(&parameters, &names)),
    );
    let group = parameters.iter().map(|(key, level)| format!("{key}={}", plain(level)));
    let group = group.collect::<Vec<_>>().join(", ");
    let start = session_start(&parameters, &group, started_s);
    file.value(started_s, 0, &hparams("_hparams_/session_start_info", 3, &start));
    for (name, value) in &kept {
        file.value(ended_s, arm.epochs, &scalar(name, *value));
    }
    let has_failed = arm.status == Status::Diverged || record.status == Status::Failed;
    let mut end = Message::default();
    end.number(1, if has_failed { 2 } else { 1 });
    end.double(2, ended_s);
    file.value(ended_s, 0, &hparams("_hparams_/session_end_info", 4, &end));
}

/// `Experiment`: which hyperparameters and metrics there are.
fn of_experiment(parameters: &Factors, metrics: &[String]) -> Message {
    let mut experiment = Message::default();
    for (key, level) in parameters {
        let mut info = Message::default();
        info.bytes(1, key.as_bytes());
        info.number(
            4,
            match level {
                Value::Bool(_) => 2,
                Value::Number(_) => 3,
                _ => 1,
            },
        );
        experiment.message(4, &info);
    }
    for name in metrics {
        let (mut metric, mut info) = (Message::default(), Message::default());
        metric.bytes(2, name.as_bytes());
        info.message(1, &metric);
        experiment.message(5, &info);
    }
    experiment
}

/// `SessionStartInfo`: the hyperparameters, the group.
fn session_start(parameters: &Factors, group: &str, started_s: f64) -> Message {
    let mut start = Message::default();
    for (key, level) in parameters {
        let (mut value, mut entry) = (Message::default(), Message::default());
        match level {
            Value::Bool(is) => value.number(4, u64::from(*is)),
            Value::Number(number) => value.double(2, number.as_f64().unwrap_or(f64::NAN)),
            level => value.bytes(3, plain(level).as_bytes()),
        }
        entry.bytes(1, key.as_bytes());
        entry.message(2, &value);
        start.message(1, &entry);
    }
    start.bytes(4, group.as_bytes());
    start.double(5, started_s);
    start
}

/// A `Summary.Value` with a number.
fn scalar(tag: &str, value: f64) -> Message {
    let mut message = Message::default();
    message.bytes(1, tag.as_bytes());
    #[allow(clippy::cast_possible_truncation)] // the format has floats of 32 bits
    message.float(2, value as f32);
    message
}

/// A `Summary.Value` with a text, which is shown as Markdown.
fn text(tag: &str, text: &str) -> Message {
    let (mut size, mut shape, mut tensor) =
        (Message::default(), Message::default(), Message::default());
    size.number(1, 1);
    shape.message(2, &size);
    // DT_STRING.
    tensor.number(1, 7);
    tensor.message(2, &shape);
    tensor.bytes(8, text.as_bytes());
    let mut message = Message::default();
    message.bytes(1, format!("{tag}/text_summary").as_bytes());
    message.message(8, &tensor);
    message.message(9, &plugin("text", &Message::default()));
    message
}

/// A `Summary.Value` of the plugin for hyperparameters: `data` as the field of this number.
fn hparams(tag: &str, field: u32, data: &Message) -> Message {
    let (mut shape, mut tensor, mut content) =
        (Message::default(), Message::default(), Message::default());
    shape.message(2, &Message::default());
    // DT_FLOAT, of no element.
    tensor.number(1, 1);
    tensor.message(2, &shape);
    content.message(field, data);
    let mut message = Message::default();
    message.bytes(1, tag.as_bytes());
    message.message(8, &tensor);
    message.message(9, &plugin("hparams", &content));
    message
}

/// A `SummaryMetadata`.
fn plugin(name: &str, content: &Message) -> Message {
    let (mut data, mut metadata) = (Message::default(), Message::default());
    data.bytes(1, name.as_bytes());
    data.message(2, content);
    metadata.message(1, &data);
    metadata
}

/// JSON as a block of code in Markdown.
fn indented(value: &Value) -> String {
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    json.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// An event file while it is written.
struct File {
    bytes: Vec<u8>,
}

impl File {
    /// Begins with the version of the format.
    fn new(time: f64) -> Self {
        let mut file = Self { bytes: Vec::new() };
        let mut event = Message::default();
        event.double(1, time);
        event.bytes(3, b"brain.Event:2");
        file.record(&event);
        file
    }

    fn value(&mut self, time: f64, step: usize, value: &Message) {
        let (mut summary, mut event) = (Message::default(), Message::default());
        summary.message(1, value);
        event.double(1, time);
        event.number(2, step as u64);
        event.message(5, &summary);
        self.record(&event);
    }

    fn record(&mut self, event: &Message) {
        let length = (event.as_bytes().len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(checksum::masked(&length).to_le_bytes());
        self.bytes.extend(event.as_bytes());
        self.bytes.extend(checksum::masked(event.as_bytes()).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::results::fixtures::{arm, run};

    /// The events of a file; every checksum has to be right.
    fn events(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let crc = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(crc(8), checksum::masked(&bytes[..8]));
            let end = 12 + usize::try_from(length).unwrap();
            assert_eq!(crc(end), checksum::masked(&bytes[12..end]));
            found.push(bytes[12..end].to_vec());
            bytes = &bytes[end + 4..];
        }
        found
    }

    fn has(events: &[Vec<u8>], part: &str) -> usize {
        let holds = |event: &&Vec<u8>| event.windows(part.len()).any(|of| of == part.as_bytes());
        events.iter().filter(holds).count()
    }

    fn record(rules: &[&str]) -> TrainingRecord {
        let arm = |rule: &&str| {
            let factors = json!({"model.norm.kind": "batch", "early_stopping": rule});
            arm(factors, json!({"kind": rule}), json!({"val_loss": 0.25, "epochs": 3}), None)
        };
        run(7, json!({"training": {"epochs": 3}}), rules.iter().map(arm).collect()).record
    }

    fn table() -> EpochTable {
        let names = ["epoch", "val_loss", "elapsed_s"].map(str::to_owned).to_vec();
        let mut table = EpochTable::new(names);
        for epoch in [1.0, 2.0, 3.0] {
            table.push(&[Some(epoch), (epoch != 2.0).then_some(1.0 / epoch), Some(epoch)]);
        }
        table
    }

    #[test]
    fn a_training_of_one_arm_is_one_file_with_each_value_measured_once() {
        let files = event_files("e", &record(&["patience"]), &table(), 100.0);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].0, PathBuf::from(EVENTS_FILE));
        let events = events(&files[0].1);
        assert!(events[0].ends_with(b"brain.Event:2"));
        // Two epochs, and the metric of the weights kept.
        assert_eq!((has(&events, "val_loss"), has(&events, "elapsed_s")), (2 + 1 + 1, 3));
        assert_eq!((has(&events, "\n\rkept/val_loss"), has(&events, "kept/val_loss")), (1, 2));
        assert_eq!(has(&events, "config/text_summary"), 1);
        assert_eq!(has(&events, "experiment=e, model.norm.kind=batch, early_stopping=patience"), 1);
        assert_eq!(files, event_files("e", &record(&["patience"]), &table(), 100.0));
    }

    #[test]
    fn arms_that_share_a_training_have_a_file_each_with_their_own_group() {
        let files = event_files("e", &record(&["none", "patience", "patience"]), &table(), 100.0);
        let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
        let folders = ["none", "arm-1", "arm-2"].map(|folder| format!("{folder}/{EVENTS_FILE}"));
        assert_eq!(names[..3], folders);
        assert_eq!(names[3], EVENTS_FILE);
        assert_eq!(has(&events(&files[3].1), "_hparams_"), 0);
        assert_eq!(has(&events(&files[0].1), "early_stopping=none"), 1);
        assert_eq!(has(&events(&files[0].1), "elapsed_s"), 0);
    }
}
