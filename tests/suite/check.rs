//! `bnes check` as people meet it: nothing is trained, nothing is written.

use crate::common::{Place, stderr};
use serde_json::Value;

const DOUBTFUL: &str = r#"
[data]
source = "digits"
[data.split]
validation = 0.01
[model]
hidden = [16]
[training]
epochs = 10
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", min_delta = 1e-12 }]
seed = "0..3"
"#;

fn check(place: &Place, args: &[&str]) -> Value {
    let out = place.succeeds(&[&["check", "--format", "json"], args].concat());
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_plan_is_printed_and_findings_do_not_fail() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let output = place.bnes(&["check", "--config", "doubtful.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    for part in [
        "name = \"doubtful\"  # from the file's name",
        "batch_size = 32         # default",
        "loss = \"cross_entropy\"  # inferred",
        "inputs: 64 pixels of 8 x 8 images",
        "doubtful: 12 arms from 6 trainings (3 seeds)",
        "time: ",
        "check: no error, 3 warnings, 3 notes",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let told = stderr(&output);
    for part in [
        "warning: the rule `patience` can never fire: it would at epoch 11 at the earliest",
        "  --> doubtful.toml:12:38",
        "warning: `min_delta` is 1e-12, below the noise of 32-bit floats",
        "warning: the validation split has 18 rows",
        "note: in the cell model.norm.kind = \"none\", early_stopping = \"patience\"",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    assert!(out.lines().chain(told.lines()).all(|line| line.chars().count() < 120));
    assert_eq!(std::fs::read_dir(place.path(".")).unwrap().count(), 1, "nothing is written");
}

#[test]
fn the_config_printed_is_the_experiment() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let first = check(&place, &["--config", "doubtful.toml"]);
    place.write("whole.toml", first["config"].as_str().unwrap());
    let second = check(&place, &["--config", "whole.toml"]);
    for key in ["name", "config", "trainings", "seeds", "arm_count", "steps"] {
        let plain = |json: &Value| json[key].to_string().replace("  # default", "");
        if key != "config" {
            assert_eq!(plain(&first), plain(&second), "{key}");
        }
    }
    let again = second["config"].as_str().unwrap();
    assert!(!again.contains("# default"), "{again}");
}

#[test]
fn programs_get_findings_with_their_places() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let json = check(&place, &["--config", "doubtful.toml", "--seeds", "6"]);
    let finding = &json["findings"][0];
    assert_eq!(finding["level"], "warning");
    assert_eq!((&finding["file"], &finding["line"]), (&"doubtful.toml".into(), &12.into()));
    assert_eq!(json["training_count"], 12);
    assert!(json["estimate"]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_refused_config_ends_with_exit_code_2() {
    let place = Place::new();
    place.write("typo.toml", "[data]\nsource = \"digits\"\n[training]\nepocs = 3\n");
    let message = place.fails(2, &["check", "--config", "typo.toml"]);
    assert!(message.contains("typo.toml:4:1") && message.contains("`epochs`"), "{message}");
    place.write("sub/typo.toml", "data.source = \"digits\"\n[training]\nepocs = 3\n");
    let message = place.fails(2, &["check", "--config", "sub/typo.toml"]);
    assert!(message.contains("--> sub/typo.toml:3:1\n"), "{message}");
    let message = place.fails(2, &["check", "--set", "data.source=nowhere.csv"]);
    assert!(message.contains("nowhere.csv"), "{message}");
}

#[test]
fn a_run_warns_and_goes_on_unless_it_is_quiet() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let args = ["run", "--config", "doubtful.toml", "--seeds", "1"];
    let output = place.bnes(&args);
    assert!(output.status.success());
    let told = stderr(&output);
    assert!(told.contains("warning: the rule `patience` can never fire"), "{told}");
    assert!(!told.contains("note: all levels"), "{told}");
    let quiet = place.bnes(&[&args[..], &["--quiet"]].concat());
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn the_built_in_experiment_has_nothing_to_warn_of() {
    let json = check(&Place::new(), &[]);
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["level"] == "note"), "{findings:#?}");
    assert_eq!(json["arm_count"], 40);
}
