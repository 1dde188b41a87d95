//! Made-up records for the tests of what reads them.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::layout::{EXPERIMENT_FILE, RUN_FILE};
use super::{
    ArmRecord, Files, FullRun, LoadedExperiment, LoadedTraining, Plan, Provenance, Status,
    TrainingRecord,
};
use crate::config::Factor;

/// The map of a JSON object.
pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("a fixture that is not an object"),
    }
}

/// A record that reads as if a training of 100 epochs had been read by some arms.
pub fn run(seed: u64, config: Value, arms: Vec<ArmRecord>) -> LoadedTraining {
    let record = TrainingRecord {
        files: Files::default(),
        status: Status::Completed,
        seed,
        epochs: 100,
        identity: format!("{seed:064x}"),
        parameters: 1000,
        error: None,
        arms,
        config: map(config).into(),
        data: map(json!({"train_rows": 100_000, "validation_rows": 100, "test_rows": 100})).into(),
        provenance: Provenance::default(),
    };
    LoadedTraining { dir: format!("training-{seed}"), seed, record, test_rows: None, curves: None }
}

/// An arm that kept weights with these metrics.
pub fn arm(factors: Value, rule: Value, metrics: Value, full_run: Option<Value>) -> ArmRecord {
    let rule = map(rule);
    let none = rule["kind"] == "none";
    let metrics = map(metrics);
    let epochs = metrics.get("epochs").and_then(Value::as_u64).unwrap_or(100);
    let epochs = usize::try_from(epochs).unwrap();
    ArmRecord {
        factors: map(factors),
        exploratory: false,
        status: if none { Status::Completed } else { Status::Stopped },
        stop_epoch: (!none).then_some(epochs),
        stop_reason: (!none).then(|| rule["kind"].as_str().unwrap().to_owned()),
        best_epoch: Some(epochs),
        epochs,
        weights: Some(super::layout::weights_file_name(epochs)),
        rule: rule.into(),
        metrics,
        full_run: full_run.map(|metrics| FullRun {
            epochs: 100,
            best_epoch: 40,
            metrics: map(metrics),
        }),
    }
}

/// An experiment with these runs, all planned and all there.
pub fn experiment(
    name: &str,
    factors: &[(&str, Value)],
    mut runs: Vec<LoadedTraining>,
) -> LoadedExperiment {
    for (index, run) in runs.iter_mut().enumerate() {
        run.dir = format!("training-{index}");
    }
    let factor = |(key, levels): &(&str, Value)| Factor {
        key: (*key).to_owned(),
        levels: levels.as_array().unwrap().clone(),
    };
    let factors = factors.iter().map(factor).collect();
    let trainings = runs.iter().map(|run| (&*run.dir, run.seed, &*run.record.arms));
    let plan = Plan {
        config: format!("{name}.toml"),
        comparable: "digits".to_owned(),
        split_per_seed: true,
        ..Plan::of_records("0.1.0".to_owned(), name.to_owned(), factors, trainings)
    };
    LoadedExperiment {
        path: name.into(),
        argument: 0,
        plan,
        runs,
        missing: Vec::new(),
        failed: Vec::new(),
        left_out: Vec::new(),
        warnings: Vec::new(),
        foreign: None,
    }
}

/// Writes an experiment's files below a results directory.
pub fn write(results: &Path, experiment: &LoadedExperiment) {
    let dir = results.join(&experiment.plan.name);
    std::fs::create_dir_all(&dir).unwrap();
    let write = |path: &Path, text: String| std::fs::write(path, text).unwrap();
    write(&dir.join(EXPERIMENT_FILE), serde_json::to_string(&experiment.plan).unwrap());
    for run in &experiment.runs {
        std::fs::create_dir_all(dir.join(&run.dir)).unwrap();
        let text = serde_json::to_string(&run.record).unwrap();
        write(&dir.join(&run.dir).join(RUN_FILE), text);
    }
}

/// The two by two design of the golden figures, with trainings of 100 epochs: eight seeds, two
/// norms, each read by `none` and by `patience`.
pub fn two_by_two() -> LoadedExperiment {
    two_by_two_of(8)
}

/// The golden design with this many seeds; beyond eight the figures repeat with a small shift.
pub fn two_by_two_of(seeds: u32) -> LoadedExperiment {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/stats.json")).unwrap();
    let loss = |arm: &str, seed: u32| {
        let figure = golden["arms"][arm][seed as usize % 8].as_f64().unwrap();
        figure + 0.001 * f64::from(seed / 8)
    };
    let mut runs = Vec::new();
    for norm in ["none", "batch"] {
        let (without, with) = if norm == "none" { ("none", "es") } else { ("bn", "bn_es") };
        for seed in 0..seeds {
            let (last, stopped) = (loss(without, seed), loss(with, seed));
            let full = json!({"epochs": 100, "val_loss": stopped - 0.002,
                "test_loss": stopped - 0.001, "test_accuracy": 0.97, "elapsed_s": 20.0,
                "cpu_s": 20.0});
            let factors = |rule: &str| json!({"model.norm.kind": norm, "early_stopping": rule});
            let monitor = json!({"monitor": "val_loss", "mode": "min"});
            let rule = |kind: &str| {
                // Both keep a best epoch: the golden figures are of the arms as they are.
                let mut table = map(json!({"kind": kind, "restore_best": true}));
                table.extend(map(monitor.clone()));
                Value::Object(table)
            };
            let metrics = |loss: f64, epochs: u32| {
                json!({"test_loss": loss, "val_loss": loss, "test_accuracy": 1.0 - loss / 10.0,
                    "epochs": epochs, "elapsed_s": f64::from(epochs) / 5.0,
                    "cpu_s": f64::from(epochs) / 5.0})
            };
            let arms = vec![
                arm(factors("none"), rule("none"), metrics(last, 100), Some(full.clone())),
                arm(
                    factors("patience"),
                    rule("patience"),
                    metrics(stopped, 40 + seed),
                    Some(full.clone()),
                ),
            ];
            let config = json!({"data": {"source": "digits"}, "model": {"norm": {"kind": norm}},
                "training": {"epochs": 100}});
            runs.push(run(u64::from(seed), config, arms));
        }
    }
    let levels = [
        ("model.norm.kind", json!(["none", "batch"])),
        ("early_stopping", json!(["none", "patience"])),
    ];
    experiment("digits", &levels, runs)
}
