//! `bnes logs`, and `bnes compare` of what other tools trained.

use crate::common::Place;
use serde_json::Value;

fn example(name: &str) -> String {
    let logs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    logs.join(name).to_str().unwrap().to_owned()
}

#[test]
fn what_a_store_holds_is_shown_as_table_json_csv_and_curves() {
    let place = Place::new();
    let store = example("mlflow/mlflow.db");
    let table = place.succeeds(&["logs", &store]);
    assert!(
        table.contains("none-s0") && table.contains("completed") && table.contains("seed=0"),
        "{table}"
    );
    let json: Value =
        serde_json::from_str(&place.succeeds(&["logs", &store, "--format", "json"])).unwrap();
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["name", "tool", "path", "epochs", "columns", "parameters", "seed", "status", "notes"]
    );
    assert_eq!((&json[1]["seed"], &json[1]["tool"]), (&1.into(), &"mlflow".into()));
    let csv = place.succeeds(&["logs", &store, "--format", "csv", "--curves", "curves.csv"]);
    assert!(csv.starts_with("name,tool,path,epochs,columns,seed,status,parameters."), "{csv}");
    let curves = std::fs::read_to_string(place.path("curves.csv")).unwrap();
    assert!(curves.starts_with("training,epoch,"), "{curves}");
    assert_eq!(curves.lines().count(), 1 + 2 * 4);
    // The curves are a log, too.
    let again: Value =
        serde_json::from_str(&place.succeeds(&["logs", "curves.csv", "--format", "json"])).unwrap();
    assert_eq!((again.as_array().unwrap().len(), &again[1]["name"]), (2, &"none-s1".into()));
    place.fails(1, &["logs", &example("optuna/trials.csv")]);
}

#[test]
fn logs_of_other_tools_are_compared_by_seed_with_what_bnes_cannot_know() {
    let place = Place::new();
    for (norm, shift) in [("none", 1.0), ("batch", 0.0)] {
        for seed in 0..8 {
            let value = |epoch: u32| {
                shift + f64::from(seed * (epoch + 1)) / 100.0 + 1.0 / f64::from(epoch + 1)
            };
            let rows = (0..4).fold(String::new(), |rows, e| rows + &format!("{e},{}\n", value(e)));
            place.write(
                &format!("runs/{norm}/seed{seed}/metrics.csv"),
                &format!("epoch,val/loss\n{rows}"),
            );
        }
    }
    let pattern = "{norm}/seed{seed}/metrics.csv";
    let args = ["compare", "runs", "--pattern", pattern, "--format", "json"];
    let json: Value = serde_json::from_str(&place.succeeds(&args)).unwrap();
    assert_eq!(json["arms"].as_array().unwrap().len(), 2);
    let contrast = &json["contrasts"][0];
    assert_eq!(
        (&contrast["name"], &contrast["metric"], &contrast["n"]),
        (&"norm".into(), &"val/loss".into(), &8.into())
    );
    assert!((contrast["estimate"].as_f64().unwrap() + 1.0).abs() < 1e-9, "{contrast}");
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("bnes cannot know"), "{warnings}");
    place.succeeds(&["report", "runs", "--pattern", pattern]);
    let curves = ["compare", "runs", "--pattern", pattern, "--curves", "all.csv", "--at", "last"];
    place.succeeds(&curves);
    assert!(std::fs::read_to_string(place.path("all.csv")).unwrap().contains("val/loss"));
    let message = place.fails(2, &["compare", "runs"]);
    assert!(message.contains("--pattern") && message.contains("--seed-key"), "{message}");
}

/// Runs of two norms, whose quality, of which more is better, differs by one.
fn of_quality(place: &Place, seeds: impl Fn(&str) -> std::ops::Range<u32>) {
    for (norm, shift) in [("none", 0.0), ("batch", 1.0)] {
        for seed in seeds(norm) {
            let value =
                |epoch: u32| shift + f64::from(seed % 10) / 100.0 + f64::from(epoch % 3) / 10.0;
            let rows = (0..4).fold(String::new(), |rows, e| rows + &format!("{e},{}\n", value(e)));
            place.write(&format!("{norm}/seed{seed}.csv"), &format!("epoch,val_quality\n{rows}"));
        }
    }
}

#[test]
fn arms_that_share_no_seeds_are_compared_as_samples_where_that_is_asked_for() {
    let place = Place::new();
    of_quality(&place, |norm| if norm == "none" { 0..7 } else { 10..19 });
    let asked = ["compare", ".", "--pattern", "{norm}/seed{seed}.csv", "--monitor", "val_quality"];
    let message = place.fails(2, &asked);
    assert!(message.contains("say --mode max or --mode min"), "{message}");
    let asked = [&asked[..], &["--mode", "max"]].concat();
    let text = place.succeeds(&asked);
    assert!(text.contains("compare them with --unpaired"), "{text}");
    let asked = [&asked[..], &["--unpaired"]].concat();
    let text = place.succeeds(&asked);
    for part in [
        "splits unknown",
        "not paired",
        "Welch's intervals",
        "In these runs, norm batch instead of none was better on average",
        "9 against 7 trainings, not paired",
    ] {
        assert!(
            text.split_whitespace().collect::<Vec<_>>().join(" ").contains(part),
            "{part}: {text}"
        );
    }
    let json = place.succeeds(&[&asked[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let contrast = &json["contrasts"][0];
    assert_eq!(
        (&contrast["samples"]["first"], &contrast["samples"]["second"], &contrast["wins"]),
        (&7.into(), &9.into(), &Value::Null)
    );
    // C(16, 7) ways to deal the labels, of which these are the only ones that part the values so.
    let p = contrast["p"].as_f64().unwrap();
    assert!((p - 1.0 / 11440.0).abs() < 1e-9 || p < 1e-3, "{p}");
    // A log that two arguments name is one, and without seeds they are but numbered.
    let without = ["compare", ".", "none", "--pattern", "{norm}/{file}.csv", "--factor", "norm"];
    let without = [&without[..], &asked[4..]].concat();
    let json = place.succeeds(&[&without[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["contrasts"][0]["samples"]["first"], 7);
}

#[test]
fn what_a_study_says_of_its_direction_is_taken_where_trials_are_compared() {
    let place = Place::new();
    let text = place.succeeds(&["compare", &example("optuna/study.db"), "--unpaired"]);
    assert!(text.contains("Best mean intermediate: norm=none with 0.950"), "{text}");
}

#[test]
fn a_detector_stops_by_its_fitness_and_its_losses_add_up_to_one() {
    let place = Place::new();
    let results = example("ultralytics/results.csv");
    let replayed = |rule: &str| -> Value {
        let args = ["replay", &results, "--criterion", rule, "--format", "json"];
        serde_json::from_str(&place.succeeds(&args)).unwrap()
    };
    assert_eq!(replayed("kind = \"ultralytics\"")[0]["monitor"], "fitness");
    assert_eq!(
        replayed("kind = \"ultralytics\", monitor = \"val_loss\"")[0]["monitor"],
        "val_loss"
    );
    assert_eq!(replayed("kind = \"patience\"")[0]["monitor"], "val_loss");
    let shown = place.succeeds(&["logs", &results, "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let columns = shown[0]["columns"].to_string();
    assert!(!columns.contains("fitness") && !columns.contains("\"val_loss\""), "{columns}");
}

#[test]
fn of_results_of_ones_own_a_training_counts_once_however_many_rules_read_it() {
    let place = Place::new();
    let run = [
        "run",
        "--seeds",
        "6",
        "--set",
        "training.epochs=3",
        "--set",
        "model.hidden=[4]",
        "--quiet",
    ];
    place.succeeds(&run);
    let json = place.succeeds(&["compare", "results", "--unpaired", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let of = |name: &str| {
        let contrasts = json["contrasts"].as_array().unwrap().iter();
        let mut own = contrasts.filter(|one| one["metric"] == "test_loss" && one["name"] == name);
        own.next().unwrap().clone()
    };
    let norm = of("model.norm.kind");
    assert_eq!((&norm["samples"]["first"], &norm["samples"]["second"]), (&6.into(), &6.into()));
    // What a rule does to a training is paired by nature.
    let rule = of("early_stopping");
    assert_eq!((&rule["samples"], &rule["n"]), (&Value::Null, &12.into()));
}

#[test]
fn logs_that_call_the_loss_differently_and_runs_cut_short_are_compared_and_told_of() {
    let place = Place::new();
    for seed in 0..6 {
        let rows = |shift: f64, last: u32| {
            let value = |e: u32| shift + f64::from(seed) / 50.0 + 1.0 / f64::from(e + 1);
            // Every second epoch is validated, the last one is not.
            (0..last).fold(String::new(), |rows, e| {
                let cell = if e % 2 == 0 { value(e).to_string() } else { String::new() };
                rows + &format!("{e},{},{cell}\n", value(e) / 2.0)
            })
        };
        place
            .write(&format!("a/seed{seed}.csv"), &format!("epoch,loss,val_loss\n{}", rows(1.0, 6)));
        place.write(
            &format!("b/seed{seed}.csv"),
            &format!("epoch,loss,valid_loss\n{}", rows(2.0, 6)),
        );
    }
    for at in ["best", "last"] {
        let args =
            ["compare", ".", "--pattern", "{arm}/seed{seed}.csv", "--at", at, "--format", "json"];
        let json: Value = serde_json::from_str(&place.succeeds(&args)).unwrap();
        let contrast = &json["contrasts"][0];
        assert_eq!((&contrast["metric"], &contrast["n"]), (&"val_loss".into(), &6.into()), "{at}");
        assert!((contrast["estimate"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{contrast}");
    }
    let message = place.fails(2, &["compare", ".", "--pattern", "{arm}/s{seed}.txt"]);
    assert!(message.contains("--pattern fits neither a path nor a name"), "{message}");
    let message =
        place.fails(2, &["compare", ".", "--pattern", "{arm}/seed{seed}.csv", "--seed-key", "arm"]);
    assert!(message.contains("pairs trainings by whole numbers"), "{message}");
    // A trainer that was stopped before its time is told of, and its own counter is shown.
    let rows = "epoch,train/box_loss,metrics/mAP50-95(B)\n1,2,0.1\n2,1,0.3\n";
    for (run, seed) in [("x", 1), ("y", 2)] {
        place.write(&format!("yolo/{run}/results.csv"), rows);
        place.write(
            &format!("yolo/{run}/args.yaml"),
            &format!("epochs: 5\nseed: {seed}\npatience: 50\n"),
        );
    }
    let text = place.succeeds(&["compare", "yolo", "--monitor", "metrics/mAP50-95(B)"]);
    assert!(text.contains("2 trainings ended before their time"), "{text}");
    place.write("skip.csv", "epoch,val_loss\n0,3\n2,1\n4,2\n6,2.5\n");
    let text =
        place.succeeds(&["replay", "skip.csv", "--criterion", "kind = \"patience\", patience = 2"]);
    assert!(text.contains("4 (epoch 6)") && text.contains("2 (epoch 2)"), "{text}");
}

#[test]
fn which_parameters_are_factors_and_which_is_the_seed_is_told_by_how_they_vary() {
    let place = Place::new();
    for (norm, drop_path, opt) in [("none", "0.0", "sgd"), ("batch", "0.1", "adam")] {
        for seed in 0..3 {
            let dir = format!("logs/{norm}-{seed}/version_0");
            place.write(&format!("{dir}/metrics.csv"), "epoch,step,val_loss\n0,9,1\n1,19,0.5\n");
            place.write(
                &format!("{dir}/hparams.yaml"),
                &format!(
                    "seed: 42\ndrop_path: {drop_path}\nout_path: /tmp/{norm}\noptimizer:\n  kind: {opt}\n  random_state: {seed}\n"
                ),
            );
        }
    }
    let json = place.succeeds(&["compare", "logs", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["contrasts"][0]["name"], "drop_path");
    assert_eq!(json["contrasts"][0]["n"], 3);
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("`optimizer.kind` varies together with `drop_path`"), "{warnings}");
    assert!(warnings.contains("`out_path`"), "{warnings}");
}

#[test]
fn a_page_of_logs_says_nothing_of_what_other_tools_do_not_leave() {
    let place = Place::new();
    of_quality(&place, |_| 0..6);
    let root = place.path("").display().to_string();
    let pattern =
        ["--pattern", "{norm}/seed{seed}.csv", "--monitor", "val_quality", "--mode", "max"];
    let report = [&["report", &root, "--output", "page.html"][..], &pattern].concat();
    place.succeeds(&report);
    let page = std::fs::read_to_string(place.path("page.html")).unwrap();
    for part in ["test_rows", "Not a directory", "a reference, not an arm", "engine"] {
        let said = page.split("<script").next().unwrap();
        assert!(!said.contains(part), "{part}");
    }
}
