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
