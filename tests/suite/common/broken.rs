//! Runs that are broken off: starting, killing, and comparing what comes of them.

#![allow(dead_code)] // each test file uses its share

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Bytes, Place, bytes, json};

/// Four short trainings.
pub const SMALL: &str = r#"
name = "small"
data.source = "digits"
model.hidden = [16]
training.epochs = 5
[checkpoint]
every_s = 0
[matrix]
"model.norm.kind" = ["none", "batch"]
seed = "0..2"
"#;

/// One training that takes a while.
pub const LONG: &str = r#"
name = "long"
[data]
source = "digits"
[model]
hidden = [128, 128]
dropout = 0.1
norm.kind = "batch"
[training]
epochs = 40
batch_size = 8
[checkpoint]
every_s = 0
"#;

/// What a whole run without a break gives.
pub fn undisturbed(config: &str) -> (Place, Everything) {
    let place = Place::new();
    place.write("config.toml", config);
    place.succeeds(&["run", "--config", "config.toml"]);
    let everything = all_of(&place, &experiment(&place));
    (place, everything)
}

/// Curves, weights and what `run.json` says of the arms, clocks aside.
pub type Everything = (Bytes, Vec<Value>);

pub fn all_of(place: &Place, experiment: &str) -> Everything {
    let arms = |path: &PathBuf| {
        let mut record = json(&path.join("run.json"));
        for arm in record["arms"].as_array_mut().unwrap() {
            arm["metrics"].as_object_mut().unwrap().retain(|name, _| !name.ends_with("_s"));
            if let Some(full) = arm.get_mut("full_run") {
                full["metrics"].as_object_mut().unwrap().retain(|name, _| !name.ends_with("_s"));
            }
        }
        // With the clocks in them, checksums differ as well.
        record["files"].as_object_mut().unwrap().remove("epochs.csv");
        for key in ["provenance", "crc32"] {
            record.as_object_mut().unwrap().remove(key);
        }
        record
    };
    (bytes(place, experiment), place.trainings(experiment).iter().map(arms).collect())
}

pub fn experiment(place: &Place) -> String {
    let entry = fs::read_dir(place.path("results")).unwrap().next().unwrap().unwrap();
    format!("results/{}", entry.file_name().to_string_lossy())
}

pub fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = place.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    Command::new("kill").args(["-s", name, &pid]).status().unwrap();
}

/// Waits until a file whose path ends so is there, while the program runs.
pub fn wait_for(place: &Place, child: &mut Child, what: impl Fn(&Path) -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while child.try_wait().unwrap().is_none() && Instant::now() < until {
        let found = files(&place.path("results")).iter().any(|path| what(path));
        if found {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("it never came");
}

pub fn is_checkpoint(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("checkpoint-") && name.ends_with(".safetensors")
}

/// Every file below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Nothing but results: no checkpoint, no claim, nothing half written.
pub fn assert_tidy(place: &Place, experiment: &str) {
    let names = fs::read_dir(place.path(experiment)).unwrap();
    let hidden: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// Where a training went on, as its record says.
pub fn resumed(training: &Path) -> Vec<(u64, u64)> {
    let record = json(&training.join("run.json"));
    let places = record["provenance"]["resumed"].as_array().cloned().unwrap_or_default();
    places.iter().map(|at| (at["epoch"].as_u64().unwrap(), at["batch"].as_u64().unwrap())).collect()
}

/// How often processes are killed: `BNES_KILLS`, or 8.
pub fn kills() -> usize {
    std::env::var("BNES_KILLS").map_or(8, |text| text.parse().unwrap())
}

/// Numbers that differ from run to run, so that over time every moment is met.
pub struct Moments(u64);

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // random bits
impl Moments {
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Self(now.as_nanos() as u64 | 1)
    }

    /// Up to before `most`.
    pub fn next(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// Interrupts once a file is there and some batches more are trained; the output and how long it
/// took to end.
pub fn interrupted(place: &Place, name: &str, what: impl Fn(&Path) -> bool) -> (Output, Duration) {
    let mut child = start(place, &["run", "--config", "config.toml"]);
    wait_for(place, &mut child, what);
    std::thread::sleep(Duration::from_millis(100));
    let sent = Instant::now();
    signal(&child, name);
    let output = child.wait_with_output().unwrap();
    (output, sent.elapsed())
}
