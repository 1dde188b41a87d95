//! What `bnes compare` says, as users meet it: ties, seeds that arms do not share, one split, diverged seeds,
//! seeds added until it is decided.

use crate::common::{Place, stderr};
use serde_json::Value;

fn json(place: &Place, args: &[&str]) -> Value {
    let args = [&["compare"], args, &["--format", "json"]].concat();
    serde_json::from_str(&place.succeeds(&args)).unwrap()
}

/// The contrast of this name in the primary metric.
fn contrast<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let contrasts = comparison["contrasts"].as_array().unwrap();
    let is_it = |one: &&Value| one["name"] == name && one["metric"] == "test_loss";
    contrasts.iter().find(is_it).unwrap_or_else(|| panic!("{name} in {comparison}"))
}

/// Two blobs that a line parts, but for some rows.
fn blobs(rows: u32) -> String {
    let row = |row: u32| {
        let (angle, side) = (f64::from(row) * 2.4, f64::from(row % 2));
        let (x, y) = (angle.sin() + 1.5 * side, (angle * 1.7).cos());
        let class = if row.is_multiple_of(11) || row.is_multiple_of(2) { "a" } else { "b" };
        format!("{x:.4},{y:.4},{class}\n")
    };
    std::iter::once("x,y,class\n".to_owned()).chain((0..rows).map(row)).collect()
}

const SMALL: &str = "[model]\nhidden = [4]\n[training]\nepochs = 6\n";

#[test]
fn seeds_that_levels_have_in_common_with_equal_values_are_counted() {
    let place = Place::new();
    place.write(
        "ties.toml",
        "[data]\nsource = \"digits\"\n[model]\nhidden = [8]\nnorm = { kind = \"batch\" }\n[training]\n\
         epochs = 6\n[matrix]\nearly_stopping = [{ kind = \"none\" }, { kind = \"patience\", patience = 5 }]\n\
         seed = \"0..6\"\n",
    );
    place.succeeds(&["run", "--config", "ties.toml", "--quiet"]);
    let comparison = json(&place, &["results"]);
    let stopping = contrast(&comparison, "early_stopping");
    assert_eq!((&stopping["ties"], &stopping["wins"]), (&6.into(), &0.into()), "{stopping}");
    let said = place.succeeds(&["compare", "results"]);
    assert!(said.contains("0/6, 6 equal"), "{said}");
    assert!(said.contains("No difference: early stopping (patience) instead of"), "{said}");
}

#[test]
fn seeds_that_arms_do_not_share_are_named_as_such() {
    let place = Place::new();
    place.write("d.csv", &blobs(120));
    for (name, norm, seeds) in [("plain", "none", "0..6"), ("norm", "batch", "10..16")] {
        let matrix = format!("[matrix]\nseed = \"{seeds}\"\n");
        let norm = format!("[model.norm]\nkind = \"{norm}\"\n");
        let config = format!("[data]\nsource = \"d.csv\"\n{SMALL}{norm}{matrix}");
        place.write(&format!("{name}.toml"), &config);
        place.succeeds(&["run", "--config", &format!("{name}.toml"), "--quiet"]);
    }
    let said = place.succeeds(&["compare", "results"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "seeds pair the arms, and no seed is shared by both levels of model.norm.kind: seeds 0 to 5 only \
             in no norm, seeds 10 to 15 only in batch norm"
        ),
        "{said}"
    );
    assert!(
        said.contains("Nothing to tell: no seed has every arm that batch norm instead of"),
        "{said}"
    );
    assert!(!said.contains("finite") && !said.contains("NaN"), "{said}");
}

#[test]
fn on_one_split_sentences_are_about_its_rows() {
    let place = Place::new();
    place.write("d.csv", &blobs(200));
    let config = |split: &str| {
        format!(
            "[data]\nsource = \"d.csv\"\n{split}{SMALL}[matrix]\n\"training.optimizer.lr\" = [1e-5, 1e-1]\n\
             seed = \"0..8\"\n"
        )
    };
    for (name, split) in [("one", "split.seed = 3\n"), ("each", "")] {
        place.write(&format!("{name}.toml"), &config(split));
        place.succeeds(&["run", "--config", &format!("{name}.toml"), "--quiet"]);
    }
    let first = |name: &str| {
        let comparison = json(&place, &[&format!("results/{name}")]);
        let contrast = contrast(&comparison, "training.optimizer.lr").clone();
        let verdict = comparison["verdict"].as_array().unwrap()[0].clone();
        (verdict.as_str().unwrap().to_owned(), contrast)
    };
    let (said, one) = first("one");
    assert!(said.starts_with("On these 40 test rows, better: training.optimizer.lr"), "{said}");
    assert_eq!(one["test_rows"], 40);
    let (said, each) = first("each");
    assert!(said.starts_with("Better: training.optimizer.lr 0.1 instead of"), "{said}");
    assert!(each["test_rows"].as_u64().unwrap() > 100, "{each}");
    let args = ["compare", "results/each", "--metric", "test_f1"];
    let said = place.succeeds(&args).split_whitespace().collect::<Vec<_>>().join(" ");
    let alone = "(The interval is over the seeds alone: test_f1 is not a mean over rows.)";
    assert!(said.contains(alone), "{said}");
    // With the rows the interval is no shorter than by the seeds alone.
    for contrast in [one, each] {
        let width = |key: &str| {
            let bounds: Vec<f64> =
                contrast[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            bounds[1] - bounds[0]
        };
        assert!(width("ci95") >= width("ci95_seeds") - 1e-12, "{contrast}");
    }
}

#[test]
fn an_arm_that_diverges_in_every_seed_is_worse() {
    let place = Place::new();
    place.write(
        "d.toml",
        "[data]\nsource = \"concrete\"\n[model]\nhidden = [8]\n[training]\nepochs = 8\n\
         optimizer = { kind = \"sgd\", lr = 1e-3 }\n[matrix]\n\"training.optimizer.lr\" = [1e-3, 1e30]\n\
         seed = \"0..12\"\n",
    );
    let output = place.bnes(&["run", "--config", "d.toml", "--quiet"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let comparison = json(&place, &["results"]);
    let rate = contrast(&comparison, "training.optimizer.lr");
    assert_eq!(rate["losses_by_divergence"], 12, "{rate}");
    assert_eq!((&rate["n"], &rate["estimate"]), (&0.into(), &Value::Null), "{rate}");
    let said = comparison["verdict"][0].as_str().unwrap();
    assert_eq!(
        said,
        "Worse: training.optimizer.lr 1e+30 instead of 0.001 diverged in 12 of 12 seeds, against 0 (p < 0.001)."
    );
}

#[test]
fn seeds_are_added_until_it_is_decided_by_a_plan_that_outlives_a_run() {
    let place = Place::new();
    place.write("d.csv", &blobs(200));
    let config = |rates: &str| {
        format!(
            "[data]\nsource = \"d.csv\"\n{SMALL}[matrix]\n\"training.optimizer.lr\" = {rates}\n"
        )
    };
    place.write("clear.toml", &config("[1e-5, 1e-1]"));
    place.write("d.toml", &format!("[data]\nsource = \"d.csv\"\n{SMALL}"));
    let until =
        ["run", "--config", "clear.toml", "--until-decided", "--max-seeds", "15", "--quiet"];
    let said = place.succeeds(&until);
    assert!(said.ends_with("decided: 1 effect after 10 of at most 15 seeds\n"), "{said}");
    let plan = || -> Value {
        let text = std::fs::read_to_string(place.path("results/clear/experiment.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let looks: Value = [6, 10, 15].map(Value::from).into_iter().collect();
    assert_eq!(plan()["sequential"]["looks"], looks);
    let comparison = json(&place, &["results"]);
    let rate = contrast(&comparison, "training.optimizer.lr");
    assert!(rate["p"].as_f64().unwrap() < 0.05 && rate["sequential"]["max_seeds"] == 15, "{rate}");
    let warnings = comparison["warnings"].to_string();
    assert!(warnings.contains("with looks planned at 6, 10 and 15 seeds"), "{warnings}");
    // Again: all is done, and the same comes of it.
    assert!(place.succeeds(&until).contains("0 trained"));
    assert!(!json(&place, &["results"])["warnings"].to_string().contains("could be looked at"));

    // What cannot be told goes on to the most.
    place.write("same.toml", &config("[1e-3, 1.0000001e-3]"));
    let until = ["run", "--config", "same.toml", "--until-decided", "--max-seeds", "10", "--quiet"];
    let said = place.succeeds(&until);
    assert!(said.contains("not decided: 1 of 1 effect cannot be told with 10 seeds"), "{said}");
    let margin = [&until[..], &["--margin", "50%"]].concat();
    assert!(
        place.succeeds(&margin).contains("decided: 1 effect after 10"),
        "all seeds that are there count"
    );

    // Another plan on top of what was looked at is noticed, and so is none.
    let more = ["run", "--config", "same.toml", "--until-decided", "--max-seeds", "15", "--quiet"];
    place.succeeds(&more);
    let warnings = json(&place, &["results/same"])["warnings"].to_string();
    assert!(warnings.contains("seeds were added after 6 and 10 could be looked at"), "{warnings}");
    place.succeeds(&["run", "--config", "clear.toml", "--seeds", "8", "--quiet"]);
    assert_eq!(plan()["sequential"]["looks"], looks, "fewer seeds show nothing new");
    place.succeeds(&["run", "--config", "clear.toml", "--seeds", "12", "--quiet"]);
    assert_eq!(plan()["sequential"], Value::Null);
    let one = place.fails(2, &["run", "--config", "d.toml", "--until-decided"]);
    assert!(one.contains("there is no effect to decide on"), "{one}");
}

#[test]
fn where_some_rows_are_missing_no_sentence_rests_on_the_seeds_alone() {
    let place = Place::new();
    place.write("d.csv", &blobs(200));
    let rates = "[matrix]\n\"training.optimizer.lr\" = [1e-5, 1e-1]\nseed = \"0..8\"\n";
    place.write("d.toml", &format!("[data]\nsource = \"d.csv\"\n{SMALL}{rates}"));
    place.succeeds(&["run", "--config", "d.toml", "--quiet"]);
    let training = place.training("results/d", "0.1-seed3");
    std::fs::remove_file(training.join("test_rows.safetensors")).unwrap();
    let comparison = json(&place, &["results"]);
    let rate = contrast(&comparison, "training.optimizer.lr");
    assert!(rate["test_rows"].is_null() && rate["ci95_splits"].is_array(), "{rate}");
}

#[test]
fn seeds_added_by_hand_after_a_look_are_noticed() {
    let place = Place::new();
    place.write("d.csv", &blobs(120));
    place.write(
        "d.toml",
        &format!("[data]\nsource = \"d.csv\"\n{SMALL}[matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\n"),
    );
    for seeds in ["6", "8"] {
        place.succeeds(&["run", "--config", "d.toml", "--seeds", seeds, "--quiet"]);
    }
    let warnings = json(&place, &["results"])["warnings"].to_string();
    assert!(warnings.contains("seeds were added after 6 could be looked at"), "{warnings}");
}

#[test]
fn a_baseline_of_other_data_is_not_judged() {
    let place = Place::new();
    for (results, rows) in [("base", 120), ("new", 150)] {
        place.write("d.csv", &blobs(rows));
        place.write(
            "e.toml",
            &format!("[data]\nsource = \"d.csv\"\n{SMALL}[matrix]\nseed = \"0..6\"\n"),
        );
        place.succeeds(&["run", "--config", "e.toml", "--results", results, "--quiet"]);
    }
    let gate = "metric = \"test_loss\", baseline = \"base\", max_increase = 0.5";
    let output = place.bnes(&["compare", "new", "--gate", gate]);
    assert_eq!(output.status.code(), Some(4));
    let said = stderr(&output);
    assert!(
        said.contains("gate not judged: test_loss of e") && said.contains("of other data"),
        "{said}"
    );
    // A change is told with the old and the new figure.
    let own = gate.replace("\"base\"", "\"new\"");
    let said = stderr(&place.bnes(&["compare", "new", "--gate", &own]));
    assert!(said.contains("in the baseline to "), "{said}");
}
