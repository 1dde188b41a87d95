//! `[tune]` as people meet it: the value that does best is found, said and trained with.

use std::fs;

use crate::common::broken::{all_of, assert_tidy, files, is_checkpoint, signal, start, wait_for};
use crate::common::{Place, column, json, stderr};
use serde_json::{Value, json as value};

/// Two arms that are tuned apart, each read by two rules.
const TUNED: &str = r#"
name = "tuned"
[data]
source = "digits"
[model]
hidden = [8]
[training]
epochs = 3
[checkpoint]
every_s = 0
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1 }]
seed = "0..2"
[tune]
"training.optimizer.lr" = [1e-4, 1e-2, 1.0]
seeds = [1000, 1001]
"#;

const RATE: &str = "training.optimizer.lr";

fn run(place: &Place, args: &[&str]) -> String {
    let output = place.bnes(&[&["run", "--config", "config.toml"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output) + &String::from_utf8(output.stdout).unwrap()
}

fn trained(config: &str) -> (Place, String) {
    let place = Place::new();
    place.write("config.toml", config);
    let said = run(&place, &[]);
    (place, said)
}

fn tuning(place: &Place) -> Value {
    json(&place.path("results/tuned/experiment.json"))["tuning"].clone()
}

#[test]
fn the_value_of_the_lowest_mean_loss_of_the_weights_kept_is_chosen_per_arm_and_trained_with() {
    let (place, said) = trained(TUNED);
    let tuning = tuning(&place);
    let arms = tuning["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2, "arms that differ only in their rule are tuned together");
    for arm in arms {
        let tried = arm["tried"].as_array().unwrap();
        let mean = |tried: &Value| {
            let dirs = tried["trainings"].as_array().unwrap();
            assert_eq!(dirs.len(), 2);
            let bests = dirs.iter().map(|dir| {
                let dir = place.path("results/tuned/tune").join(dir.as_str().unwrap());
                let losses = column(&dir, "val_loss");
                assert_eq!(losses.len(), 3, "over training.epochs");
                let record = json(&dir.join("run.json"));
                assert_eq!(record["config"]["training"]["optimizer"]["lr"], tried["values"][RATE]);
                let metrics = record["arms"][0]["metrics"].as_object().unwrap();
                assert!(metrics.keys().all(|name| !name.starts_with("test")), "{metrics:?}");
                let curve = fs::read_to_string(dir.join("epochs.csv")).unwrap();
                assert!(!curve.contains("test_"), "{curve}");
                // `none` is compared by the best of its run, patience by what it keeps.
                let best = losses.into_iter().fold(f64::INFINITY, f64::min);
                assert_eq!(record["arms"][1]["rule"]["kind"], "patience");
                0.5 * (best + record["arms"][1]["metrics"]["val_loss"].as_f64().unwrap())
            });
            bests.sum::<f64>() / 2.0
        };
        let means: Vec<f64> = tried.iter().map(mean).collect();
        let told: Vec<f64> = tried.iter().map(|tried| tried["mean"].as_f64().unwrap()).collect();
        assert!(means.iter().zip(&told).all(|(a, b)| (a - b).abs() < 1e-12), "{means:?} {told:?}");
        let best = (0..means.len()).min_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap();
        assert_eq!(arm["chosen"], tried[best]["values"]);
        assert_eq!(arm["chosen"][RATE], 0.01, "{tuning}");
        let norm = arm["factors"]["model.norm.kind"].as_str().unwrap();
        for seed in 0..2 {
            let dir = place.training("results/tuned", &format!("{norm}-seed{seed}"));
            let record = json(&dir.join("run.json"));
            assert_eq!(record["config"]["training"]["optimizer"]["lr"], 0.01);
        }
    }
    assert!(said.contains("tuning: 12 trainings in "), "{said}");
    assert!(said.contains("Learning rate tuned per arm: 0.01 (none), 0.01 (batch)."), "{said}");
    assert!(!said.contains("which may suit one of them better than the others"), "{said}");

    let table = place.succeeds(&["compare", "results"]);
    assert!(table.contains("Learning rate tuned per arm: 0.01 (none), 0.01 (batch)."), "{table}");
    assert!(!table.contains("no one tuned"), "{table}");
    let compared = place.succeeds(&["compare", "results", "--format", "json"]);
    let compared: Value = serde_json::from_str(&compared).unwrap();
    for arm in compared["arms"].as_array().unwrap() {
        assert_eq!(arm["seeds"], value!([0, 1]), "tuning trainings are in no result");
    }
    assert_eq!(compared["experiments"][0]["tuning"][1]["values"][RATE], 0.01);
    let rate = "training.optimizer.lr=0.01";
    let untuned = TUNED.split("[tune]").next().unwrap();
    place.write("plain.toml", &untuned.replace("\"tuned\"", "\"untuned\""));
    place.succeeds(&["run", "--config", "plain.toml", "--set", rate, "--results", "others"]);
    let table = place.succeeds(&["compare", "others"]).replace("\n  ", " ");
    assert!(table.contains("compared at one learning rate, 0.01, which was not tuned"), "{table}");

    // Nothing is trained twice, and what was chosen is what an untuned config would have trained.
    let again = run(&place, &["--jobs", "1"]);
    assert!(again.contains("(0 trained in") && again.contains("Learning rate tuned"), "{again}");
    let lines = run(&place, &["--format", "json", "--quiet"]);
    assert_eq!(lines.lines().count(), 8, "{lines}");
    assert!(all_of(&place, "results/tuned").0 == all_of(&place, "others/untuned").0);
}

#[test]
fn a_grid_whose_best_lies_on_its_edge_is_extended_and_it_is_said() {
    let rates = "\"training.optimizer.lr\" = [1e-5, 1e-4]";
    let config = TUNED.replace("\"training.optimizer.lr\" = [1e-4, 1e-2, 1.0]", rates);
    let config = config.replace("\"model.norm.kind\" = [\"none\", \"batch\"]\n", "");
    let (place, said) = trained(&config);
    let arm = &tuning(&place)["arms"][0];
    let tried = arm["tried"].as_array().unwrap().iter();
    let tried: Vec<&Value> = tried.map(|tried| &tried["values"][RATE]).collect();
    assert_eq!(tried[..4], [1e-5, 1e-4, 1e-3, 1e-2], "{tried:?}");
    assert!(said.contains("on the edge of its list, which was extended by 0.001, 0.01"), "{said}");
    let table = place.succeeds(&["compare", "results"]).replace("\n  ", " ");
    assert!(table.contains("which was extended by 0.001, 0.01"), "{table}");
    // From a grid too far away, the extensions end before the best is reached.
    let far = config.replace("[1e-5, 1e-4]", "[1e-9, 1e-8]");
    let (place, said) = trained(&far);
    let arm = &tuning(&place)["arms"][0];
    assert_eq!(arm["tried"].as_array().unwrap().len(), 2 + 3);
    assert_eq!((&arm["chosen"][RATE], &arm["on_edge"]), (&value!(1e-5), &value!([RATE])));
    assert!(said.contains("is still at the edge of all that was tried, 0.00001"), "{said}");
}

#[test]
fn a_value_that_diverges_is_the_worst_and_where_all_do_it_is_said() {
    let of = |rates: &str| {
        let rates = format!("\"training.optimizer.lr\" = {rates}");
        let config = TUNED.replace("\"training.optimizer.lr\" = [1e-4, 1e-2, 1.0]", &rates);
        let config = config.replace("\"none\", \"batch\"", "\"none\"");
        trained(&config.replace("epochs = 3", "epochs = 3\noptimizer.kind = \"sgd\""))
    };
    let (place, _) = of("[1e30, 1e-3, 1e-1, 1e-5]");
    let arm = &tuning(&place)["arms"][0];
    assert_eq!(
        (&arm["tried"][0]["diverged"], &arm["tried"][0]["mean"]),
        (&value!(2), &Value::Null)
    );
    assert_eq!(arm["chosen"][RATE], 0.1, "{arm}");
    let (place, said) = of("[1e30, 1e32]");
    let arm = &tuning(&place)["arms"][0];
    assert_eq!(arm["chosen"][RATE], 1e30, "of equals the first, {arm}");
    assert_eq!(arm["tried"].as_array().unwrap().len(), 2, "nothing is extended, {arm}");
    let told = "every tuning training of none diverged, which leaves nothing to choose by";
    assert!(said.contains(told), "{said}");
    let table = place.succeeds(&["compare", "results"]).replace("\n  ", " ");
    assert!(table.contains(told), "{table}");
}

#[test]
fn two_keys_are_a_grid() {
    let rates = "\"training.optimizer.lr\" = [1e-3, 1e-2, 1e-1]\n\"model.dropout\" = [0.0, 0.1]";
    let config = TUNED.replace("\"training.optimizer.lr\" = [1e-4, 1e-2, 1.0]", rates);
    let config = config.replace("seeds = [1000, 1001]", "seeds = \"7..8\"");
    let (place, said) = trained(&config);
    let tuning = tuning(&place);
    assert_eq!(tuning["seeds"], value!([7]));
    for arm in tuning["arms"].as_array().unwrap() {
        assert!(arm["tried"].as_array().unwrap().len() >= 6);
        assert_eq!(arm["chosen"].as_object().unwrap().len(), 2);
    }
    assert!(said.contains("model.dropout tuned per arm: "), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn killed_in_the_middle_and_run_again_it_chooses_and_trains_the_same() {
    let config = TUNED.replace("epochs = 3", "epochs = 20").replace("[8]", "[64, 64]");
    let (whole, _) = trained(&config);
    let place = Place::new();
    place.write("config.toml", &config);
    let args = ["run", "--config", "config.toml", "--jobs", "1"];
    // Killed at its first training, and ended by a signal at a later one.
    let mut child = start(&place, &args);
    wait_for(&place, &mut child, is_checkpoint);
    child.kill().unwrap();
    child.wait().unwrap();
    let states = |place: &Place| -> Vec<Value> {
        serde_json::from_str(&place.succeeds(&["status", "results", "--format", "json"])).unwrap()
    };
    let standings = states(&place);
    assert_eq!(standings.len(), 12, "{standings:?}");
    let name = |one: &Value| one["training"].as_str().unwrap().to_owned();
    assert!(standings.iter().all(|one| name(one).starts_with("tune/")), "{standings:?}");
    let failed = place.fails(1, &["compare", "results"]);
    assert!(failed.contains("its tuning has not finished"), "{failed}");
    let mut child = start(&place, &args);
    let done = |path: &std::path::Path| {
        let all = files(path.ancestors().nth(2).unwrap());
        path.ends_with("run.json")
            && all.iter().filter(|path| path.ends_with("run.json")).count() > 2
    };
    wait_for(&place, &mut child, done);
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    // Unless it was quicker than the signal.
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
        assert!(stderr(&output).contains("the same command resumes from here"));
    }
    place.succeeds(&["run", "--config", "config.toml"]);
    assert_eq!(tuning(&place), tuning(&whole));
    assert!(all_of(&place, "results/tuned") == all_of(&whole, "results/tuned"));
    assert!(all_of(&place, "results/tuned/tune") == all_of(&whole, "results/tuned/tune"));
    assert_tidy(&place, "results/tuned");
    assert_tidy(&place, "results/tuned/tune");
    let standings = states(&place);
    assert_eq!(standings.len(), 12 + 4);
    assert!(standings.iter().all(|one| one["state"] == "done"), "{standings:?}");
}

#[test]
fn what_is_about_to_be_tuned_is_counted_and_shown_before() {
    let place = Place::new();
    place.write("config.toml", TUNED);
    let check = place.succeeds(&["check", "--config", "config.toml"]).replace("\n  ", " ");
    let told =
        "tuning, before these: 12 trainings (3 values of training.optimizer.lr, 2 arms, 2 seeds)";
    assert!(check.contains(told), "{check}");
    assert!(check.contains("[tune]\n\"training.optimizer.lr\" = [0.0001, 0.01, 1.0]"), "{check}");
    let dry = run(&place, &["--dry-run"]);
    assert_eq!(dry.lines().filter(|line| line.starts_with("tune/")).count(), 12, "{dry}");
    assert!(dry.contains("tuned, tuning: 12 trainings, 12 to train"), "{dry}");
    assert!(dry.contains("8 arms from 4 trainings, once the tuning has chosen"), "{dry}");
    let lines = run(&place, &["--dry-run", "--format", "json", "--quiet"]);
    assert_eq!(lines.lines().count(), 12 + 8, "{lines}");
    assert!(!place.path("results").exists(), "nothing is written");
    run(&place, &[]);
    let dry = run(&place, &["--dry-run"]);
    assert!(dry.contains("tuned, tuning: 12 trainings, 0 to train"), "{dry}");
    assert!(dry.contains("tuned: 8 arms from 4 trainings, 0 to train"), "{dry}");
    let fresh = run(&place, &["--fresh"]);
    assert!(fresh.contains("tuning: 12 trainings in") && fresh.contains("4 trained"), "{fresh}");
    assert_tidy(&place, "results/tuned/tune");
}

#[test]
fn a_tuning_without_validation_rows_is_refused() {
    let place = Place::new();
    place.write("config.toml", &TUNED.replace("{ kind = \"patience\", patience = 1 }", ""));
    let set = ["--set", "data.split.validation=0"];
    let args = [&["run", "--config", "config.toml", "--dry-run"][..], &set].concat();
    let said = place.fails(2, &args);
    assert!(said.contains("there is no validation row"), "{said}");
}
