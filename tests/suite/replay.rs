//! `bnes replay` as its users meet it: many rules over many trainings and other programs' logs.

use crate::common::Place;
use serde_json::Value;

const CONFIG: &str = "[data]\nsource = \"penguins\"\n[model]\nhidden = [32]\n[training]\nepochs = 30\noptimizer.lr = 0.03\n\
                      [matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\n\
                      early_stopping = [{ kind = \"none\" }, { kind = \"patience\", patience = 2 }]\n\
                      seed = \"0..3\"\n";

const GRID: &str = "kind = \"patience\", patience = [1, 2, 4]";

const LIGHTNING: &str = "epoch,step,train_loss_epoch,train_loss_step,val_loss\n\
                         0,9,,0.9,\n0,9,,,1.0\n0,9,0.95,,\n1,19,,,0.5\n1,19,0.7,,\n\
                         2,29,,,0.75\n2,29,0.6,,\n3,39,,,0.8\n3,39,0.5,,\n";

fn trained() -> Place {
    let place = Place::new();
    place.write("penguins.toml", CONFIG);
    place.succeeds(&["run", "--config", "penguins.toml", "--quiet"]);
    place
}

#[test]
fn a_grid_of_rules_over_a_results_directory_becomes_one_table() {
    let place = trained();
    let table = place.succeeds(&["replay", "results", "--criterion", GRID]);
    for what in ["patience(patience=1) *", "patience(patience=2) ", "model.norm.kind=batch"] {
        assert!(table.contains(what), "{table}");
    }
    assert!(table.contains("Exploratory: 2 rules were not declared"), "{table}");
    assert!(table.contains("Recommended: patience("), "{table}");
    let rows = place.succeeds(&["replay", "results", "--criterion", GRID, "--rows"]);
    assert!(rows.lines().count() > table.lines().count() + 18, "{rows}");

    let json = place.succeeds(&["replay", "results", "--criterion", GRID, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 6 * 3);
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    let contract = "path criterion monitor stop_epoch stop_reason best_epoch best_value epochs \
                    epochs_saved regret truncated";
    assert_eq!(keys, contract.split_whitespace().collect::<Vec<_>>());

    let csv = place.succeeds(&["replay", "results", "--criterion", GRID, "--format", "csv"]);
    assert_eq!(csv.lines().count(), 1 + 6 * 3);
    assert!(csv.starts_with("path,trainings,criterion,exploratory,monitor,stop_epoch,"), "{csv}");
    assert!(csv.contains("model.norm.kind=batch,patience(patience=2),false,val_loss,"), "{csv}");
}

#[test]
fn replay_of_the_rule_that_was_live_is_what_the_training_did() {
    let place = trained();
    let rule = "kind = \"patience\", patience = 2";
    let json = place.succeeds(&["replay", "results", "--criterion", rule, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    for row in json.as_array().unwrap() {
        let run = place.path(row["path"].as_str().unwrap()).join("run.json");
        let run: Value = serde_json::from_str(&std::fs::read_to_string(run).unwrap()).unwrap();
        let arms = run["arms"].as_array().unwrap();
        let arm = arms.iter().find(|arm| arm["rule"]["kind"] == "patience").unwrap();
        assert_eq!(row["stop_epoch"], arm["stop_epoch"], "{row}");
        assert_eq!(row["best_epoch"], arm["best_epoch"], "{row}");
    }
}

#[test]
fn logs_of_other_programs_are_replayed_together() {
    let place = Place::new();
    place.write("version_0/metrics.csv", LIGHTNING);
    let keras = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.0,0.5,1.0\n1,0.6,0.9,0.6,0.5\n\
                 2,0.7,0.8,0.7,0.75\n3,0.8,0.7,0.8,0.9\n";
    place.write("keras.csv", keras);
    let rule = "kind = [\"lightning\", \"keras\"], patience = 2";
    let json = place.succeeds(&[
        "replay",
        "version_0",
        "keras.csv",
        "--criterion",
        rule,
        "--format",
        "json",
    ]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let stops: Vec<_> = json.as_array().unwrap().iter().map(|r| r["stop_epoch"].clone()).collect();
    assert_eq!(stops, [4, 4, 4, 4]);
    place.write("logs/version_1/metrics.csv", LIGHTNING);
    place.write("logs/version_0/metrics.csv", "epoch,val_loss\n0,1.0\n1,0.5\n2,0.75\n");
    let both = place.succeeds(&["replay", "logs", "--criterion", rule, "--format", "json"]);
    let both: Value = serde_json::from_str(&both).unwrap();
    let stops: Vec<_> = both.as_array().unwrap().iter().map(|r| r["stop_epoch"].clone()).collect();
    assert_eq!(stops, [Value::Null, Value::Null, 4.into(), 4.into()]);
    let loss = "kind = \"training_progress\", strip = 2, tolerance = 150.0";
    let json = place.succeeds(&["replay", "version_0", "--criterion", loss, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    // The training losses 0.95 and 0.7 are 179 per mille above their least on average, 0.6 and 0.5 100.
    assert_eq!(json[0]["stop_epoch"], 4);
}

#[test]
fn a_column_that_is_not_there_is_a_usage_error_whichever_key_names_it() {
    let place = Place::new();
    place.write("log.csv", "epoch,val_loss\n0,1.0\n1,0.5\n");
    let there = "no column `nope`: the columns are `epoch`, `val_loss`";
    for (asked, advice) in [
        (&["kind = \"patience\"", "--monitor", "nope"][..], "; --monitor takes another one\n"),
        (&["kind = \"patience\", monitor = \"nope\""], "; --monitor takes another one\n"),
        (&["kind = \"threshold\", column = \"nope\", below = 1.0"], "\n"),
    ] {
        let message = place.fails(2, &[&["replay", "log.csv", "--criterion"], asked].concat());
        assert!(message.ends_with(&format!("{there}{advice}")), "{message}");
        assert!(message.starts_with("error: ") && !message.contains("note:"), "{message}");
    }
}

#[test]
fn a_metric_goes_in_the_direction_that_its_name_tells_and_is_not_guessed() {
    let place = Place::new();
    let names = "metrics/mAP50(B),val_MulticlassAccuracy,val_BinaryF1Score,val_mean_io_u,val_dice_coef,\
                 val_aucpr,valAcc,validset-0-auc,val_quality,test-mape";
    let rows =
        ["0.4", "0.5", "0.6", "0.7"].iter().enumerate().fold(String::new(), |rows, (at, value)| {
            rows + &format!("{at}{}\n", format!(",{value}").repeat(names.split(',').count()))
        });
    place.write("log.csv", &format!("epoch,{names}\n{rows}"));
    let replay = |rule: &str, rest: &[&str]| {
        let args = ["replay", "log.csv", "--format", "json", "--criterion", rule];
        let json = place.succeeds(&[&args, rest].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        (json[0]["stop_epoch"].as_u64(), json[0]["best_epoch"].as_u64())
    };
    let patience = "kind = \"patience\", patience = 2";
    for name in names.split(',').filter(|name| !["val_quality", "test-mape"].contains(name)) {
        assert_eq!(replay(patience, &["--monitor", name]), (None, Some(4)), "{name}");
    }
    let xgboost = "kind = \"xgboost\", rounds = 2";
    assert_eq!(replay(xgboost, &["--monitor", "validset-0-auc"]), (None, Some(4)));
    assert_eq!(replay(xgboost, &["--monitor", "test-mape"]), (Some(3), Some(1)));

    let quality = ["--monitor", "val_quality"];
    let untold = [&["replay", "log.csv", "--criterion", patience][..], &quality].concat();
    let message = place.fails(2, &untold);
    let said = "the name `val_quality` does not tell whether larger or smaller values are better: give \
                --mode max or --mode min, or the rule its own mode\n";
    assert!(message.ends_with(said) && message.starts_with("error: log.csv: "), "{message}");
    place.fails(2, &[&untold[..], &["--mode", "auto"]].concat());
    let slope = "kind = \"slope\", column = \"val_quality\", window = 2, min_slope = 0.0, monitor = \"valAcc\"";
    let message = place.fails(2, &["replay", "log.csv", "--criterion", slope]);
    assert!(message.ends_with("monitor this column and give the rule a mode\n"), "{message}");

    assert_eq!(replay(patience, &[&quality[..], &["--mode", "max"]].concat()), (None, Some(4)));
    let own = format!("{patience}, mode = \"min\"");
    assert_eq!(replay(&own, &quality), (Some(3), Some(1)));
    let above =
        "kind = \"threshold\", column = \"val_quality\", above = 0.55, monitor = \"valAcc\"";
    assert_eq!(replay(above, &[]), (Some(3), Some(3)));
}

#[test]
fn a_pipe_gets_every_column_of_a_table_however_few_the_environment_says() {
    let place = Place::new();
    place.write("log.csv", "epoch,loss,val_loss\n1,1.5,1.4\n2,1.2,1.1\n3,1.0,1.2\n4,0.9,1.3\n");
    place.write("table.csv", &format!("a,{},y\n{}", "b".repeat(60), "1,2,x\n3,4,z\n".repeat(9)));
    let replay = ["replay", "log.csv", "--criterion", "kind = \"patience\", patience = 2"];
    for (args, column) in
        [(&replay[..], "epochs saved"), (&["data", "describe", "table.csv"], "values")]
    {
        let out = |columns: &str| place.command(args).env("COLUMNS", columns).output().unwrap();
        let narrow = String::from_utf8(out("60").stdout).unwrap();
        assert!(narrow.contains(column), "{narrow}");
        assert_eq!(narrow, String::from_utf8(out("200").stdout).unwrap());
    }
}

#[test]
fn a_validation_loss_under_another_name_is_found_and_told_and_of_several_one_has_to_be_named() {
    let place = Place::new();
    place.write("one.csv", "epoch,train/loss,val/loss\n0,1.5,1.4\n1,1.2,1.1\n2,1.0,1.2\n");
    place.write("two.csv", "epoch,val_box_loss,val_cls_loss\n0,1.5,1.4\n1,1.2,1.1\n");
    let patience = "kind = \"patience\", patience = 1";
    let out = place
        .command(&["replay", "one.csv", "--criterion", patience, "--format", "json"])
        .output()
        .unwrap();
    let rows: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&rows[0]["monitor"], &rows[0]["stop_epoch"]), (&"val/loss".into(), &3.into()));
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(told.contains("no column `val_loss`: `val/loss` is monitored"), "{told}");
    let message = place.fails(2, &["replay", "two.csv", "--criterion", patience]);
    assert!(message.contains("`val_box_loss`, `val_cls_loss`; --monitor takes one"), "{message}");
}

#[test]
fn one_log_that_cannot_be_read_costs_the_others_nothing() {
    let place = Place::new();
    place.write("good.csv", "epoch,val_loss\n0,1.5\n1,1.2\n");
    place.write("bad.csv", "epoch,val_loss\n0,1.5,7\n1,1.2\n");
    place.write("trials.csv", "number,value,state\n0,0.5,COMPLETE\n1,0.4,COMPLETE\n");
    let args = [
        "replay",
        "bad.csv",
        "good.csv",
        "trials.csv",
        "nowhere.csv",
        "--criterion",
        "kind = \"patience\"",
        "--format",
        "json",
    ];
    let out = place.command(&args).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let told = String::from_utf8(out.stderr).unwrap();
    for what in [
        "bad.csv:2: 3 cells where the header has 2",
        "trials.csv: Optuna's table of trials",
        "nowhere.csv",
    ] {
        assert!(told.contains(what), "{told}");
    }
}

#[test]
fn the_rule_that_a_log_declares_is_not_exploratory_and_a_direction_that_it_tells_is_taken() {
    let place = Place::new();
    let logs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let path = |name: &str| logs.join(name).to_str().unwrap().to_owned();
    let state = path("huggingface/trainer_state.json");
    let declared = "kind = \"huggingface\", early_stopping_patience = 2";
    let table = place.succeeds(&["replay", &state, "--criterion", declared, "--format", "csv"]);
    assert!(table.contains(",false,eval_loss,"), "{table}");
    let study = path("optuna/study.db");
    let json = place.succeeds(&[
        "replay",
        &study,
        "--criterion",
        "kind = \"patience\", patience = 1",
        "--format",
        "json",
    ]);
    let rows: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[0]["monitor"], "intermediate");
    assert_eq!(rows[0]["stop_epoch"], 4);
    assert!(rows[2]["truncated"].as_bool().unwrap(), "pruned");
}
