//! What makes results worth believing: no leak, and weights that are what the record says.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use crate::common::{Place, column, curve, json, weights};
use bnes::config::data::DataConfig;
use bnes::config::training::Loss;
use bnes::config::{Experiment, Overrides};
use bnes::data::{Dataset, Source};
use bnes::metrics;
use bnes::nn::{Engine, FusedEngine, Network, StateDict};
use bnes::seed::Seed;

/// 120 rows, 4 inputs on different scales, 3 classes.
fn table() -> Vec<[f64; 5]> {
    let mut stream = Seed(5).stream("table", 0);
    (0..120)
        .map(|row| {
            let class = f64::from(row % 3);
            let mut x = || stream.normal();
            [class + x(), 100.0 * x(), 5.0 + 0.1 * class * x(), x(), class]
        })
        .collect()
}

fn csv(rows: &[[f64; 5]]) -> String {
    let mut text = "a,b,c,d,class\n".to_owned();
    for [a, b, c, d, class] in rows {
        writeln!(text, "{a},{b},{c},{d},{class}").unwrap();
    }
    text
}

const CONFIG: &str = r#"
name = "leak"
data.source = "table.csv"
[model]
hidden = [8]
norm = { kind = "batch", statistics = "recalibrate" }
[training]
epochs = 4
"#;

#[test]
fn a_changed_validation_or_test_row_changes_no_scaler_and_no_weight() {
    let place = Place::new();
    let mut rows = table();
    let path = place.write("table.csv", &csv(&rows));
    place.write("leak.toml", CONFIG);
    place.succeeds(&["run", "--config", "leak.toml", "--results", "before"]);
    let config = DataConfig::new("table.csv");
    let source = Source::open(&config, path.parent().unwrap()).unwrap();
    let splits = source.dataset(&config, Seed(0)).unwrap().splits;
    assert_eq!((splits.validation.len(), splits.test.len()), (24, 24));
    for row in splits.validation.iter().chain(&splits.test) {
        for cell in &mut rows[*row as usize][..4] {
            *cell = 1000.0 - 3.0 * *cell;
        }
    }
    place.write("table.csv", &csv(&rows));
    place.succeeds(&["run", "--config", "leak.toml", "--results", "after"]);
    let before = place.training("before/leak", "seed0");
    let after = place.training("after/leak", "seed0");
    assert_eq!(column(&before, "train_loss"), column(&after, "train_loss"));
    assert_ne!(column(&before, "val_loss"), column(&after, "val_loss"));
    // The metadata holds the scaler: equal bytes are equal scalers.
    assert_eq!(weights(&before), weights(&after));
    // And a training row does change them.
    rows[splits.train[0] as usize][1] += 1000.0;
    place.write("table.csv", &csv(&rows));
    place.succeeds(&["run", "--config", "leak.toml", "--results", "moved"]);
    assert_ne!(weights(&before), weights(&place.training("moved/leak", "seed0")));
}

fn digits() -> Arc<Dataset> {
    let config = DataConfig::new("digits");
    let source = Source::open(&config, std::path::Path::new("")).unwrap();
    Arc::new(source.dataset(&config, Seed(0)).unwrap())
}

#[test]
fn the_weights_kept_give_the_metrics_recorded_of_their_epoch_bit_for_bit() {
    let text = r#"
        name = "kept"
        data.source = "digits"
        [model]
        hidden = [24, 12]
        dropout = 0.1
        norm = { kind = "batch" }
        [training]
        epochs = 30
        optimizer.lr = 0.02
        [early_stopping]
        kind = "patience"
        patience = 2
    "#;
    let place = Place::new();
    place.write("kept.toml", text);
    place.succeeds(&["run", "--config", "kept.toml"]);
    let training = place.training("results/kept", "seed0");
    let arm = json(&training.join("run.json"))["arms"][0].clone();
    let best = usize::try_from(arm["best_epoch"].as_u64().unwrap()).unwrap();
    assert!(best < column(&training, "val_loss").len(), "it stopped after its best epoch");

    let experiment =
        Experiment::parse("kept.toml", text, "".as_ref(), &Overrides::default()).unwrap();
    let config = experiment.trainings.first().unwrap().config;
    let data = digits();
    let network = Network {
        model: &config.model,
        training: &config.training,
        loss: Loss::CrossEntropy,
        outputs: 10,
        data: &data,
        seed: config.seed,
    };
    let mut engine = FusedEngine::new(&network, 1).unwrap();
    let bytes = fs::read(training.join(arm["weights"].as_str().unwrap())).unwrap();
    engine.load(&StateDict::from_safetensors(&bytes).unwrap()).unwrap();
    for (rows, prefix) in [(&data.splits.validation, "val"), (&data.splits.test, "test")] {
        let outputs = engine.evaluate(rows).unwrap();
        let scores = metrics::score(Loss::CrossEntropy, &outputs, 10, &data.targets, rows);
        let loss = format!("{prefix}_loss");
        assert_eq!(scores.loss, column(&training, &loss)[best - 1]);
        assert_eq!(Some(scores.loss), arm["metrics"][&loss].as_f64());
        let accuracy = format!("{prefix}_accuracy");
        assert_eq!(scores.metrics[0].1, arm["metrics"][&accuracy].as_f64());
    }
}

#[test]
fn test_metrics_of_the_weights_kept_do_not_need_test_columns() {
    let place = Place::new();
    let args = ["run", "--seeds", "1", "--set", "training.epochs=4", "--results"];
    place.succeeds(&[&args[..], &["with"]].concat());
    place.succeeds(&[&args[..], &["without", "--set", "evaluation.test=false"]].concat());
    for prefix in ["none-seed0", "batch-seed0"] {
        let with = place.training("with/digits", prefix);
        let without = place.training("without/digits", prefix);
        assert!(curve(&with).contains("test_loss") && !curve(&without).contains("test_loss"));
        assert_eq!(weights(&with), weights(&without), "looking at the test moves nothing");
        let metrics = |path: &std::path::Path| {
            let record = json(&path.join("run.json"));
            let arms = record["arms"].as_array().unwrap().clone();
            arms.iter().map(|arm| arm["metrics"]["test_loss"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(metrics(&with), metrics(&without));
    }
}
