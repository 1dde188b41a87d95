//! `bnes run` as people meet it: real files, real trainings, exit codes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Place, bytes, column, curve, json, stderr, weights};
use bnes::nn::Isa;
use serde_json::{Value, json as value};

const SMALL: &str = r#"
name = "small"
[data]
source = "digits"
[model]
hidden = [16]
[training]
epochs = 12
[training.optimizer]
lr = 0.01
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 2, min_delta = 0.01 }]
seed = "0..2"
"#;

#[test]
fn the_built_in_experiment_runs_from_any_folder_and_reaches_its_accuracy() {
    let place = Place::new();
    let out = place.succeeds(&["run", "--seeds", "1"]);
    assert!(out.contains("4 arms from 2 trainings"), "{out}");
    assert!(out.contains("results: results/digits"), "{out}");
    for prefix in ["none-seed0", "batch-seed0"] {
        let record = json(&place.training("results/digits", prefix).join("run.json"));
        assert_eq!(record["status"], "completed");
        for arm in record["arms"].as_array().unwrap() {
            let accuracy = arm["metrics"]["test_accuracy"].as_f64().unwrap();
            assert!(accuracy > 0.955, "{prefix}: {accuracy}");
        }
    }
}

#[test]
fn what_is_done_is_found_done() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let first = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(first.contains("8 arms from 4 trainings (4 trained"), "{first}");
    let before = bytes(&place, "results/small");
    let second = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(second.contains("(0 trained in 0.0 s, 4 already done)"), "{second}");
    assert_eq!(bytes(&place, "results/small"), before);
}

#[test]
fn the_bytes_do_not_depend_on_jobs_or_threads() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let mut seen = Vec::new();
    for (results, jobs, threads) in
        [("a", "1", "1"), ("b", "2", "2"), ("c", "1", "4"), ("d", "3", "3")]
    {
        let args = ["run", "--config", "small.toml", "--results", results, "--jobs", jobs];
        let output = place.command(&args).env("BNES_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        seen.push(bytes(&place, &format!("{results}/small")));
    }
    assert_eq!(seen[0].len(), 4);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn an_arm_reads_the_same_as_if_it_had_been_trained_alone() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    place.succeeds(&["run", "--config", "small.toml"]);
    let rules = [("none", "kind=none"), ("patience", "kind=patience")];
    for (rule, set) in rules {
        let alone =
            SMALL.replace("early_stopping = [{ kind = \"none\" }, ", "early_stopping = [").replace(
                "{ kind = \"patience\", patience = 2, min_delta = 0.01 }",
                match rule {
                    "none" => "{ kind = \"none\" }",
                    _ => "{ kind = \"patience\", patience = 2, min_delta = 0.01 }",
                },
            );
        place.write(&format!("{rule}.toml"), &alone);
        // Beside the others they would be taken over.
        place.succeeds(&["run", "--config", &format!("{rule}.toml"), "--results", rule]);
        assert_eq!(place.trainings(&format!("{rule}/small")).len(), 4, "{set}");
        for alone in place.trainings(&format!("{rule}/small")) {
            let name = alone.file_name().unwrap().to_string_lossy().into_owned();
            let shared = place.training("results/small", &name);
            let arm = |path: &std::path::Path| -> Value {
                let record = json(&path.join("run.json"));
                let arms = record["arms"].as_array().unwrap().clone();
                let mut arm = arms.into_iter().find(|arm| arm["rule"]["kind"] == rule).unwrap();
                // Clocks differ, and whether the training went on does.
                arm["metrics"].as_object_mut().unwrap().retain(|name, _| !name.ends_with("_s"));
                arm.as_object_mut().unwrap().remove("full_run");
                arm
            };
            assert_eq!(arm(&alone), arm(&shared));
            let epochs = arm(&alone)["epochs"].as_u64().unwrap();
            let short = curve(&alone);
            assert_eq!(short.lines().count() as u64, epochs + 1, "training really stops");
            assert!(curve(&shared).starts_with(&short));
            let file = arm(&alone)["weights"].as_str().unwrap().to_owned();
            assert_eq!(weights(&alone)[&file], weights(&shared)[&file]);
        }
    }
}

#[test]
fn toml_and_json_of_one_experiment_give_the_same_bytes() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let config = value!({
        "name": "small",
        "data": {"source": "digits"},
        "model": {"hidden": [16]},
        "training": {"epochs": 12, "optimizer": {"lr": 0.01}},
        "matrix": {
            "model.norm.kind": ["none", "batch"],
            "early_stopping": [
                {"kind": "none"}, {"kind": "patience", "patience": 2, "min_delta": 0.01}
            ],
            "seed": "0..2"
        }
    });
    place.write("small.json", &config.to_string());
    place.succeeds(&["run", "--config", "small.toml", "--results", "toml"]);
    place.succeeds(&["run", "--config", "small.json", "--results", "json"]);
    assert_eq!(bytes(&place, "toml/small"), bytes(&place, "json/small"));
    assert!(place.path("json/small/small.json").is_file());
}

#[test]
fn a_rule_added_later_is_answered_from_the_record_where_that_suffices() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    place.succeeds(&["run", "--config", "small.toml"]);
    let before = bytes(&place, "results/small");
    // Ends where the last epoch's weights are kept: nothing new is needed.
    let wider = SMALL.replace(
        "min_delta = 0.01 }]",
        "min_delta = 0.01 }, { kind = \"any\", rules = [{ kind = \"patience\", patience = 2, min_delta = 0.01 }] }]",
    );
    place.write("small.toml", &wider);
    let out = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(out.contains("12 arms from 4 trainings (0 trained"), "{out}");
    assert_eq!(bytes(&place, "results/small"), before);
    let record = json(&place.training("results/small", "none-seed0").join("run.json"));
    let arms = record["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 3);
    assert_eq!(arms[2]["stop_reason"], "any");
    assert_eq!(arms[1]["metrics"], arms[2]["metrics"]);
    // Weights that nobody kept need the training again, whole.
    let other = SMALL.replace("patience = 2, min_delta = 0.01", "patience = 1, min_delta = 0.5");
    place.write("small.toml", &other);
    let out = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(out.contains("(4 trained"), "{out}");
}

#[test]
fn a_training_that_fails_takes_no_other_along() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let plan = place.succeeds(&["run", "--config", "small.toml", "--dry-run"]);
    let dir = plan.split_whitespace().next().unwrap().to_owned();
    // A file where its folder belongs.
    place.write(&format!("results/small/{dir}"), "in the way");
    let output = place.bnes(&["run", "--config", "small.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains(&dir), "{told}");
    assert_eq!(place.trainings("results/small").len(), 3);
    let lines = String::from_utf8(output.stdout).unwrap();
    let arms: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(arms.len(), 8);
    let failed: Vec<&Value> = arms.iter().filter(|arm| arm["status"] == "failed").collect();
    assert_eq!(failed.len(), 2);
    for key in ["stop_reason", "epochs", "best_epoch"] {
        assert_eq!(failed[0].get(key), Some(&Value::Null), "every line has every key");
    }
    assert!(told.contains("1 training failed"), "{told}");
    // The same command does the rest once the cause is fixed.
    fs::remove_file(place.path(&format!("results/small/{dir}"))).unwrap();
    let out = place.succeeds(&["run", "--config", "small.toml"]);
    assert!(out.contains("(1 trained"), "{out}");
}

#[test]
fn a_diverged_training_is_a_result() {
    let place = Place::new();
    let config = "
        name = 'wild'
        data.source = 'digits'
        model.hidden = [8]
        [training]
        epochs = 5
        optimizer = { kind = 'sgd', lr = 1e30 }
        [early_stopping]
        kind = 'patience'
        patience = 2
    ";
    place.write("wild.toml", config);
    let out = place.succeeds(&["run", "--config", "wild.toml"]);
    assert!(out.contains("1 arm from 1 training (1 trained"), "{out}");
    let record = json(&place.training("results/wild", "seed0").join("run.json"));
    assert_eq!(record["status"], "diverged");
    assert_eq!(record["arms"][0]["stop_reason"], "diverged");
    assert_eq!(record["arms"][0]["best_epoch"], Value::Null);
    assert_eq!(record["arms"][0]["weights"], Value::Null);
}

/// A config of 10 x 100 x 100 x 10 cells, the last levels of two keys as given.
fn a_million_cells(batch: &str, rule: &str) -> String {
    let list = |count: u32, step: f64| {
        let levels = (0..count).map(|i| format!("{:.4}", step * f64::from(i + 1)));
        levels.collect::<Vec<_>>().join(", ")
    };
    format!(
        "data.source = \"digits\"\nmodel.norm.kind = \"batch\"\n\
         early_stopping.kind = \"patience\"\n[matrix]\n\"training.batch_size\" = [16, 24, 32, 40, 48, 56, 64, 72, 80, {batch}]\n\
         \"training.optimizer.lr\" = [{}]\n\"model.dropout\" = [{}]\n\
         \"early_stopping.patience\" = [2, 3, 4, 5, 6, 7, 8, 9, 10, {rule}]\n",
        list(100, 0.001),
        list(100, 0.005)
    )
}

#[test]
fn a_dry_run_of_a_million_cells_counts_them_and_names_the_first() {
    let place = Place::new();
    place.write("config.toml", &a_million_cells("96", "11"));
    let told = place.succeeds(&["run", "--config", "config.toml", "--dry-run", "--quiet"]);
    assert_eq!(told.lines().count(), 22, "{told}");
    assert!(told.starts_with("16-0.001-0.005-seed0-"), "{told}");
    assert!(told.contains("\nand 99980 more, which --format json lists\n"), "{told}");
    let last = "config: 1000000 arms from 100000 trainings, 100000 to train";
    assert_eq!(told.lines().last(), Some(last));
}

#[test]
fn a_fault_in_the_last_of_a_million_cells_is_told_before_anything_runs() {
    let place = Place::new();
    for (batch, rule, message) in [
        ("1", "11", "`training.batch_size` is 1"),
        ("96", "0.5", "expected"),
        ("96", "10", "this level appears twice"),
    ] {
        place.write("config.toml", &a_million_cells(batch, rule));
        let told = place.fails(2, &["run", "--config", "config.toml", "--dry-run", "--quiet"]);
        assert!(told.contains(message), "{told}");
    }
}

#[test]
fn a_dry_run_writes_nothing_and_names_every_training() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let out = place.succeeds(&["run", "--config", "small.toml", "--dry-run"]);
    assert!(out.contains("small: 8 arms from 4 trainings, 4 to train"), "{out}");
    assert!(!place.path("results").exists());
}

#[test]
fn every_option_of_batch_norm_trains_and_changes_the_curve() {
    let place = Place::new();
    let config = r#"
        name = "norms"
        data.source = "digits"
        model = { hidden = [16], norm = { kind = "batch" } }
        training.epochs = 2
        [matrix]
        "model.norm" = [
            { kind = "batch" },
            { kind = "batch", placement = "after_activation" },
            { kind = "batch", eps = 0.01 },
            { kind = "batch", eps = 0.01, eps_placement = "std" },
            { kind = "batch", recalibrate_rows = 100 },
            { kind = "batch", statistics = "ema" },
            { kind = "batch", statistics = "ema", momentum = 0.5 },
            { kind = "batch", affine = false },
            { kind = "batch", statistics = "cumulative" },
        ]
    "#;
    place.write("norms.toml", config);
    place.succeeds(&["run", "--config", "norms.toml"]);
    let trainings = place.trainings("results/norms");
    assert_eq!(trainings.len(), 9);
    let curves: std::collections::BTreeSet<String> =
        trainings.iter().map(|path| curve(path)).collect();
    assert_eq!(curves.len(), 9, "each option gives a curve of its own");
}

#[test]
fn a_schedule_and_its_warm_up_show_in_the_lr_column() {
    let place = Place::new();
    let config = "
        name = 'rates'
        data.source = 'digits'
        model = { hidden = [4], dropout = 0.3, activation = 'tanh' }
        [training]
        epochs = 4
        batch_size = 'full'
        clip_norm = 1.0
        optimizer = { kind = 'sgd', lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01 }
        schedule = { kind = 'cosine', warmup_epochs = 1 }
    ";
    place.write("rates.toml", config);
    place.succeeds(&["run", "--config", "rates.toml"]);
    let training = place.training("results/rates", "seed0");
    let rates = column(&training, "lr");
    assert_eq!(rates[0], 0.05);
    assert_eq!(rates[1], 0.1);
    assert!(rates[2] < rates[1] && rates[3] < rates[2]);
    assert_eq!(column(&training, "step"), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn mistakes_of_the_user_end_with_exit_code_2_and_write_nothing() {
    let place = Place::new();
    place.write("typo.toml", "[data]\nsource = \"digits\"\n[training]\nepocs = 3\n");
    let message = place.fails(2, &["run", "--config", "typo.toml"]);
    assert!(message.contains("typo.toml:4:1") && message.contains("`epochs`"), "{message}");
    let message = place.fails(2, &["run", "--config", "missing.toml"]);
    assert!(message.contains("missing.toml"), "{message}");
    let message = place.fails(2, &["run", "--set", "early_stopping.kind=slope", "--seeds", "1"]);
    assert!(message.contains("early_stopping"), "{message}");
    place.write("monitor.toml", "[data]\nsource = \"digits\"\n[early_stopping]\nkind = \"patience\"\nmonitor = \"val_acuracy\"\n");
    let message = place.fails(2, &["run", "--config", "monitor.toml"]);
    assert!(
        message.contains("monitor.toml:5:11") && message.contains("`val_accuracy`"),
        "{message}"
    );
    place.fails(2, &["run", "--device", "tpu"]);
    if !cfg!(feature = "cuda") {
        let message = place.fails(2, &["run", "--device", "cuda"]);
        assert!(message.contains("--features cuda"), "{message}");
    }
    place.fails(2, &["frobnicate"]);
    assert!(!place.path("results").exists());
}

#[test]
fn results_go_to_standard_output_and_everything_else_to_standard_error() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let output = place.bnes(&["run", "--config", "small.toml", "--quiet", "--format", "json"]);
    assert_eq!(stderr(&output), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    for line in lines.lines() {
        let arm: Value = serde_json::from_str(line).unwrap();
        for key in [
            "run",
            "dir",
            "factors",
            "seed",
            "status",
            "stop_reason",
            "epochs",
            "best_epoch",
            "metrics",
        ] {
            assert!(arm.get(key).is_some(), "{key} in {line}");
        }
    }
    assert_eq!(lines.lines().count(), 8);
}

#[test]
fn a_changed_learning_rate_trains_anew_and_keeps_the_old() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    place.succeeds(&["run", "--config", "small.toml", "--set", "matrix.seed=[0]"]);
    let set = "training.optimizer.lr=0.02";
    let args = ["run", "--config", "small.toml", "--set", "matrix.seed=[0]", "--set", set];
    let out = place.succeeds(&args);
    assert!(out.contains("(2 trained"), "{out}");
    assert_eq!(place.trainings("results/small").len(), 4);
}

#[test]
fn a_changed_data_file_trains_anew_and_another_path_to_the_same_data_does_not() {
    let place = Place::new();
    let row = |i: usize| format!("{i},{}\n", i % 2);
    let text = "x,class\n".to_owned() + &(0..40).map(row).collect::<String>();
    place.write("a.csv", &text);
    place.write("b.csv", &text);
    place.write("a.toml", "data.source = 'a.csv'\ntraining.epochs = 1\n");
    let args = ["run", "--config", "a.toml"];
    place.succeeds(&args);
    let out = place.succeeds(&[&args[..], &["--set", "data.source=b.csv"]].concat());
    assert!(out.contains("(0 trained"), "{out}");
    place.write("a.csv", &text.replace("39,1", "39.5,1"));
    let out = place.succeeds(&args);
    assert!(out.contains("(1 trained"), "{out}");
    assert_eq!(place.trainings("results/a").len(), 2);
}

#[test]
fn a_fault_of_the_config_that_the_data_shows_is_shown_in_the_config() {
    let place = Place::new();
    place.write("a.csv", "x,species\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n");
    place.write("a.toml", "[data]\nsource = \"a.csv\"\ntarget = \"speces\"\n");
    let message = place.fails(2, &["run", "--config", "a.toml"]);
    assert!(message.contains("a.toml:3:10") && message.contains("`species`"), "{message}");
    let message = place.fails(2, &["run", "--config", "a.toml", "--set", "data.source=b.csv"]);
    assert!(message.contains("--set data.source=b.csv"), "{message}");
    assert!(!place.path("results").exists());
}

#[test]
fn a_target_that_is_named_or_left_to_its_default_is_the_same_training() {
    let place = Place::new();
    place.write("small.toml", "name = 'same'\ndata.source = 'digits'\ntraining.epochs = 1\n");
    place.succeeds(&["run", "--config", "small.toml"]);
    let args = ["run", "--config", "small.toml", "--set", "data.target=digit"];
    let out = place.succeeds(&args);
    assert!(out.contains("1 already done"), "{out}");
}

#[test]
fn a_config_of_the_same_name_from_another_file_does_not_take_the_place_in_silence() {
    let place = Place::new();
    let config = |units: u32| {
        format!(
            "[data]\nsource = \"penguins\"\n[model]\nhidden = [{units}]\n[training]\nepochs = 1\n\
             [matrix]\nseed = \"0..3\"\n"
        )
    };
    place.write("a/exp.toml", &config(4));
    place.write("b/exp.toml", &config(8));
    place.write("c/exp.toml", &config(4));
    place.write("d/exp.toml", &format!("name = \"other\"\n{}", config(8)));
    let told = |args: &[&str]| stderr(&place.bnes(&[&["run", "--config"], args].concat()));
    let says = |told: &str| told.contains("holds another experiment");
    assert!(!says(&told(&["a/exp.toml"])));
    // The same again, and the same with other settings, is no other experiment.
    assert!(!says(&told(&["a/exp.toml", "--set", "model.hidden=[5]"])));
    assert!(!says(&told(&["a/exp.toml"])));
    let dry = told(&["b/exp.toml", "--dry-run"]);
    let replaced = told(&["b/exp.toml"]);
    let warning = format!(
        "warning: {} holds another experiment, from {}, with 3 trainings that this config does not name and \
         compare then leaves out: `name = …` in one of the configs keeps both apart\n",
        Path::new("results").join("exp").display(),
        Path::new("a").join("exp.toml").display()
    );
    assert!(dry.contains(&warning) && replaced.contains(&warning), "{dry}{replaced}");
    assert!(!says(&told(&["b/exp.toml"])) && !says(&told(&["d/exp.toml"])));
    assert!(says(&told(&["a/exp.toml"])));
    // A copy names the same trainings.
    assert!(!says(&told(&["c/exp.toml"])));
    assert_eq!(json(&place.path("results/exp/experiment.json"))["source"], "../../c/exp.toml");
}

#[test]
fn a_config_that_is_called_as_a_file_of_results_is_kept_beside_it() {
    let place = Place::new();
    let text = r#"{"name": "clash", "data": {"source": "digits"}, "training": {"epochs": 1}}"#;
    for name in ["experiment.json", "run.json"] {
        place.write(name, text);
        place.succeeds(&["run", "--config", name]);
        let kept = fs::read_to_string(place.path("results/clash/config.json")).unwrap();
        assert_eq!(kept, text);
        assert_eq!(json(&place.path("results/clash/experiment.json"))["name"], "clash");
    }
}

/// The reader of a pipe is gone before anything is written to it.
#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly_and_costs_nothing() {
    use std::process::Stdio;
    let place = Place::new();
    place.write("small.toml", SMALL);
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let args = ["run", "--config", "small.toml", "--format", "json"];
    let output = place.command(&args).stderr(closed()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 8);
    let output = place.command(&["compare", "results"]).stdout(closed()).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn a_metric_that_a_split_does_not_define_has_no_column() {
    let place = Place::new();
    // Two classes, of which the second has one row: a split without regard to classes leaves
    // validation or test with a single class.
    let row = |row: u32| format!("{row},{}\n", if row == 7 { "b" } else { "a" });
    place.write("a.csv", &("x,class\n".to_owned() + &(0..40).map(row).collect::<String>()));
    place.write("a.toml", "data.source = 'a.csv'\ntraining.epochs = 1\n");
    place.succeeds(&["run", "--config", "a.toml"]);
    let header = curve(&place.training("results/a", "seed0"));
    let header = header.lines().next().unwrap();
    assert!(header.contains("val_accuracy"), "{header}");
    let with_auc = ["val_auc", "test_auc"].iter().filter(|name| header.contains(*name)).count();
    assert!(with_auc <= 1, "the one row is in one split: {header}");
    let set = "early_stopping={kind='patience', monitor='val_auc'}";
    if !header.contains("val_auc") {
        let message = place.fails(2, &["run", "--config", "a.toml", "--set", set]);
        assert!(message.contains("will not record"), "{message}");
    }
}

#[test]
fn a_network_that_no_memory_holds_is_refused_at_its_key() {
    let place = Place::new();
    let text = "[data]\nsource = \"digits\"\n[model]\nhidden = [1000000000, 1000000000]\n";
    place.write("a.toml", text);
    let message = place.fails(2, &["run", "--config", "a.toml"]);
    assert!(message.contains("a.toml:4:10") && message.contains("GiB"), "{message}");
}

#[test]
fn every_instruction_set_of_the_processor_can_be_forced_and_is_recorded() {
    let losses = |isa: &str| -> Vec<f64> {
        let place = Place::new();
        // Adam's first steps go by the sign of what may be rounding.
        place.write("small.toml", &SMALL.replace("lr = 0.01", "kind = \"sgd\"\nlr = 0.1"));
        let args = ["run", "--config", "small.toml"];
        let output = place.command(&args).env("BNES_ISA", isa).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let trainings = place.trainings("results/small");
        assert!(!trainings.is_empty());
        let of_training = |training: &PathBuf| {
            let record = json(&training.join("run.json"));
            assert_eq!(record["provenance"]["instruction_set"], isa);
            column(training, "val_loss")[..3].to_vec()
        };
        trainings.iter().flat_map(of_training).collect()
    };
    let portable = losses("portable");
    for isa in Isa::available() {
        for (loss, expected) in losses(isa.name()).iter().zip(&portable) {
            let error = (loss - expected).abs();
            assert!(error <= 1e-4 * expected, "{isa:?}: {loss} {expected}");
        }
    }
}
