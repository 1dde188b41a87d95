//! `bnes compare` on real trainings.

#![allow(clippy::unwrap_used)] // tests

mod common;

use common::Place;

const SMALL: &str = r#"
name = "small"
data.source = "digits"
model.hidden = [8]
training.epochs = 4
[matrix]
"model.norm.kind" = ["none", "batch"]
"training.optimizer.lr" = [1e-2, 1]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1, min_delta = 0.5 }]
seed = "0..3"
"#;

#[test]
fn the_same_trainings_give_the_same_bytes_and_a_float_always_looks_like_one() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let mut seen = Vec::new();
    for results in ["a", "b"] {
        place.succeeds(&["run", "--config", "small.toml", "--results", results, "--quiet"]);
        let csv = place.succeeds(&["compare", results, "--format", "csv"]);
        let file = format!("{results}.csv");
        let written = ["--format", "markdown", "--output", "report.md", "--curves", &file];
        assert_eq!(place.succeeds(&[&["compare", results], &written[..]].concat()), "");
        let markdown = std::fs::read_to_string(place.path("report.md")).unwrap();
        let curves = std::fs::read_to_string(place.path(&file)).unwrap();
        seen.push([csv, markdown, curves]);
    }
    let [csv, markdown, curves] = &seen[0];
    for (here, there) in seen[0].iter().zip(&seen[1]) {
        assert!(here == there, "{here}\n{there}");
    }
    assert!(markdown.starts_with("### small (one split)\n\n| model.norm.kind"), "{markdown}");
    assert!(csv.contains("\nsmall,none,0.01,none,3,0,val_loss,"), "{csv}");
    assert!(csv.contains("\nsmall,batch,1.0,patience,3,0,epochs,"), "{csv}");
    let header = "experiment,model.norm.kind,training.optimizer.lr,early_stopping,seed,epoch,split,metric,value";
    assert_eq!(curves.lines().next(), Some(header));
    assert!(curves.contains("\nsmall,none,0.01,none,0,4,test,accuracy,0."), "{curves}");
    for line in curves.lines().skip(1) {
        let value = line.rsplit(',').next().unwrap();
        assert!(value.contains(['.', 'e', 'N', 'i']), "{line}");
    }
    let with_clocks = ["compare", "a", "--curves", "clocks.csv", "--clocks"];
    place.succeeds(&with_clocks);
    let text = std::fs::read_to_string(place.path("clocks.csv")).unwrap();
    assert!(text.contains(",,elapsed_s,") && !curves.contains("elapsed_s"));
}

#[test]
fn a_rule_that_is_added_once_the_curves_are_there_is_exploratory() {
    let place = Place::new();
    let config = "name = \"late\"\ndata.source = \"digits\"\nmodel.hidden = [4]\n\
                  training.epochs = 4\n[matrix]\nseed = \"0..2\"\n";
    let two = |settings: &str| {
        let slope = format!("{{ kind = \"slope\", window = 3, {settings} }}");
        format!("{config}early_stopping = [{{ kind = \"none\" }}, {slope}]\n")
    };
    place.write("late.toml", config);
    place.succeeds(&["run", "--config", "late.toml"]);
    let warning = "the rule slope was added once the trainings were there to be seen";
    let compared = || place.succeeds(&["compare", "results"]).replace("\n  ", " ");
    assert!(!compared().contains(warning));
    // Read from the same trainings, and from those trained again for the weights that it keeps.
    for (settings, trained) in [("min_slope = 0, restore_best = false", 0), ("min_slope = 9", 2)] {
        place.write("late.toml", &two(settings));
        let said = place.succeeds(&["run", "--config", "late.toml"]);
        assert!(said.contains(&format!("({trained} trained in")), "{said}");
        assert!(compared().contains(warning), "{settings}: {}", compared());
    }
    // On new seeds it was there from the start.
    place.succeeds(&["run", "--config", "late.toml", "--set", "matrix.seed=[7, 8]"]);
    assert!(!compared().contains("exploratory"), "{}", compared());
}
