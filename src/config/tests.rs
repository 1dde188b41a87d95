//! From the text of a config to trainings and arms.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::data::DataConfig;
use super::model::{Activation, Norm};
use super::*;
use crate::stopping::Criterion;

fn read(file_name: &str, text: &str, overrides: &Overrides) -> Result<Experiment, ConfigError> {
    Experiment::parse(file_name, text, Path::new("."), overrides)
}

fn toml(text: &str) -> Experiment {
    read("a.toml", &with_data(text), &Overrides::default()).unwrap()
}

fn with_data(text: &str) -> String {
    format!("data.source = \"digits\"\n{text}")
}

fn set(text: &str, set: &[&str]) -> Result<Experiment, ConfigError> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    read("a.toml", &with_data(text), &Overrides { set, seeds: None })
}

fn levels(text: &str) -> Vec<serde_json::Value> {
    toml(text).factors[0].levels.clone()
}

/// All that an experiment says, apart from where it was written.
fn meaning(experiment: &Experiment) -> String {
    let Experiment { name, factors, trainings, .. } = experiment;
    let trainings: Vec<Training> = trainings.iter().collect();
    format!("{name} {factors:?} {trainings:?}")
}

#[test]
fn the_builtin_experiment_is_20_trainings_and_40_arms_of_all_defaults() {
    let digits = Experiment::builtin(&Overrides::default()).unwrap();
    assert_eq!(digits.name, "digits");
    assert_eq!(digits.trainings.len(), 20);
    assert_eq!(digits.trainings.iter().map(|t| t.arms.len()).sum::<usize>(), 40);
    let first = &digits.trainings.get(0).unwrap();
    let plain = Config {
        data: DataConfig::new("digits"),
        model: model::ModelConfig::default(),
        training: training::TrainingConfig::default(),
        evaluation: evaluation::EvaluationConfig::default(),
        seed: crate::seed::Seed(0),
    };
    assert_eq!(first.config, plain);
    assert_eq!(
        json!(first.arms[1].factors),
        json!({"model.norm.kind": "none", "early_stopping": "patience"})
    );
    let batch = model::BatchNorm::default();
    assert_eq!(digits.trainings.get(1).unwrap().config.model.norm, Norm::Batch(batch).into());
    assert_eq!(digits.trainings.get(1).unwrap().config.seed.0, 0);
    assert_eq!(digits.trainings.get(2).unwrap().config.seed.0, 1);
}

#[test]
fn what_is_asked_for_inside_fixes_a_training_in_any_order_and_nothing_asked_for_is_not_written() {
    let with = |inside: &str| {
        toml(&format!("evaluation.inside = {inside}")).trainings.get(0).unwrap().clone()
    };
    let text = |inside: &str| json!(with(inside).config)["evaluation"].to_string();
    assert_eq!(text("[]"), r#"{"train":true,"test":true}"#);
    let both = r#"{"train":true,"test":true,"inside":["modes","drift"]}"#;
    assert_eq!(text("[\"drift\", \"modes\"]"), both);
    assert_eq!(text("[\"modes\", \"drift\", \"modes\"]"), both);
}

#[test]
fn every_column_inside_is_one_on_demand_and_named_as_in_a_config() {
    use super::evaluation::Inside;
    let columns: Vec<&str> = Inside::ALL.iter().flat_map(|what| what.columns()).copied().collect();
    assert_eq!(columns, crate::history::ON_DEMAND[7..]);
    assert!(Inside::ALL.iter().all(|what| json!(what) == what.name()));
}

#[test]
fn a_plain_config_is_one_training_with_one_arm_without_factors() {
    let experiment = toml("seed = 7");
    assert_eq!(experiment.name, "a");
    assert!(experiment.factors.is_empty());
    let trainings: Vec<Training> = experiment.trainings.iter().collect();
    let [training] = &trainings[..] else { panic!() };
    assert_eq!(training.config.seed.0, 7);
    let [arm] = &training.arms[..] else { panic!() };
    assert!(arm.rule.is_none() && arm.factors.is_empty());
}

#[test]
fn toml_and_json_of_one_config_are_one_experiment() {
    let toml = "seed = 3\n[data]\nsource = \"x.csv\"\n[model]\nhidden = [4]\nactivation = \"tanh\"\n\
        [training]\noptimizer = { kind = \"sgd\", lr = 1, momentum = 0.9 }\n\
        [matrix]\nmodel.norm.kind = [\"none\", \"batch\"]\nseed = \"1..3\"\n\
        early_stopping = [{ kind = \"patience\", patience = 3 }, { kind = \"patience\", patience = 4 }]\n";
    let json = r#"{"seed": 3, "data": {"source": "x.csv"},
        "model": {"hidden": [4], "activation": "tanh"},
        "training": {"optimizer": {"lr": 1.0, "momentum": 9e-1, "kind": "sgd"}},
        "matrix": {"model.norm.kind": ["none", "batch"], "seed": [1, 2],
            "early_stopping": [{"kind": "patience", "patience": 3}, {"kind": "patience", "patience": 4}]}}"#;
    let toml = read("a.toml", toml, &Overrides::default()).unwrap();
    let json = read("a.JSON", &format!("\u{feff}{json}"), &Overrides::default()).unwrap();
    assert_eq!(meaning(&toml), meaning(&json));
}

#[test]
fn keys_of_another_kind_are_accepted_and_fix_nothing() {
    let plain = toml("training.optimizer.kind = \"adam\"");
    let sibling = toml(
        "training.optimizer = { kind = \"adam\", momentum = 0.9, nesterov = true }\n\
         model.norm = { kind = \"none\", eps = 0.1, groups = 4 }\n\
         early_stopping = { kind = \"none\", patience = 3, alpha = 1.0 }",
    );
    assert_eq!(plain.trainings.get(0).unwrap().config, sibling.trainings.get(0).unwrap().config);
    assert_eq!(plain.trainings.get(0).unwrap().arms, sibling.trainings.get(0).unwrap().arms);
}

#[test]
fn cells_run_seed_by_seed_with_the_last_factor_fastest() {
    let experiment = toml(
        "[matrix]\nseed = [5, 2]\n\"model.activation\" = [\"relu\", \"tanh\"]\n\
         \"training.epochs\" = [10, 20]",
    );
    let order: Vec<(u64, Activation, usize)> = experiment
        .trainings
        .iter()
        .map(|t| (t.config.seed.0, t.config.model.activation, t.config.training.epochs))
        .collect();
    let (relu, tanh) = (Activation::Relu, Activation::Tanh);
    let of = |seed| [(seed, relu, 10), (seed, relu, 20), (seed, tanh, 10), (seed, tanh, 20)];
    assert_eq!(order, [of(5), of(2)].concat());
}

#[test]
fn a_level_may_be_a_whole_table_which_replaces_the_table() {
    let experiment = toml(
        "[early_stopping]\nkind = \"patience\"\npatience = 3\nmin_delta = 0.5\n\
         [matrix]\nearly_stopping = [{ kind = \"none\" }, { kind = \"patience\" }]",
    );
    let Criterion::Patience(patience) =
        &experiment.trainings.get(0).unwrap().arms[1].rule.criterion
    else {
        panic!()
    };
    assert_eq!((patience.patience, patience.min_delta), (10, 0.0));
}

#[test]
fn levels_are_named_by_kind_where_that_is_unique() {
    let stop = |levels_: &str| levels(&format!("[matrix]\nearly_stopping = [{levels_}]"));
    assert_eq!(
        stop("{ kind = \"none\" }, { kind = \"patience\", patience = 5 }"),
        [json!("none"), json!("patience")]
    );
    assert_eq!(
        stop(
            "{ kind = \"none\" }, { patience = 5, kind = \"patience\" }, { kind = \"patience\", \
             monitor = \"val_accuracy\", min_delta = 0.01 }, { kind = \"patience\" }"
        ),
        [
            json!("none"),
            json!("patience(patience=5)"),
            json!("patience(monitor=val_accuracy, min_delta=0.01)"),
            json!("patience")
        ]
    );
    assert_eq!(
        stop(
            "{ kind = \"any\", rules = [{ kind = \"patience\", patience = 5 }] }, \
             { kind = \"any\", rules = [{ kind = \"time_budget\", seconds = 1.5 }] }"
        ),
        [
            json!("any(rules=[patience(patience=5)])"),
            json!("any(rules=[time_budget(seconds=1.5)])")
        ]
    );
    assert_eq!(
        levels("[matrix]\nevaluation = [{ train = true }, { train = false }]"),
        [json!("{train=true}"), json!("{train=false}")]
    );
    assert_eq!(levels("[matrix]\nmodel.hidden = [[], [64, 64]]"), [json!([]), json!([64, 64])]);
    assert_eq!(
        levels("[matrix]\n\"training.batch_size\" = [32, \"full\"]"),
        [json!(32), json!("full")]
    );
}

#[test]
fn overrides_change_keys_whole_tables_and_the_matrix() {
    let experiment = set(
        "training.optimizer = { kind = \"sgd\", momentum = 0.9 }",
        &[
            "model.activation=tanh",
            "training.optimizer={kind=\"adamw\"}",
            "training.optimizer.lr = 1e-2",
            "\"data\".'source'=a/b-c.csv",
            "matrix.\"model.norm.kind\"=[\"none\",\"batch\"]",
            "matrix.seed=0..3",
            "name=x",
        ],
    )
    .unwrap();
    assert_eq!(experiment.name, "x");
    assert_eq!(experiment.trainings.len(), 6);
    let first = &experiment.trainings.get(0).unwrap().config;
    assert_eq!(first.model.activation, Activation::Tanh);
    assert_eq!(first.data.source, "a/b-c.csv");
    let adamw = training::Adam { lr: 0.01, ..training::Adam::default() };
    assert_eq!(first.training.optimizer, training::Optimizer::AdamW(adamw));
}

#[test]
fn an_override_replaces_a_matrix_entry_however_either_is_spelt() {
    let matrix = "[matrix]\nmodel.norm.kind = [\"none\", \"batch\"]";
    for spelling in
        ["matrix.model.norm.kind", "matrix.\"model.norm.kind\"", "matrix.model.\"norm\".kind"]
    {
        let experiment = set(matrix, &[&format!("{spelling}=[\"batch\"]")]).unwrap();
        assert_eq!(experiment.factors.len(), 1);
        assert_eq!(experiment.factors[0].levels, [json!("batch")]);
    }
    let experiment = set(matrix, &["matrix={seed=[4]}"]).unwrap();
    assert!(experiment.factors.is_empty());
    assert_eq!(experiment.trainings.get(0).unwrap().config.seed.0, 4);
}

#[test]
fn seeds_are_a_range_or_a_list() {
    let seeds = |matrix: &str| -> Vec<u64> {
        toml(&format!("[matrix]\nseed = {matrix}"))
            .trainings
            .iter()
            .map(|t| t.config.seed.0)
            .collect()
    };
    assert_eq!(seeds("\"2..5\""), [2, 3, 4]);
    assert_eq!(seeds("[9, 3]"), [9, 3]);
    let overrides = Overrides { set: Vec::new(), seeds: Some(3) };
    let text = with_data("seed = 4\n[matrix]\nseed = [7]");
    let experiment = read("a.toml", &text, &overrides).unwrap();
    assert_eq!(experiment.trainings.len(), 3);
}

#[test]
fn ten_thousand_cells_are_read_and_grouped() {
    use std::fmt::Write;
    let mut text = "[matrix]\nearly_stopping = [".to_owned();
    for patience in 1..=100 {
        write!(text, "{{ kind = \"patience\", patience = {patience} }}, ").unwrap();
    }
    let rates: Vec<String> = (1..=100).map(|rate| format!("{rate}e-3")).collect();
    writeln!(text, "]\n\"training.optimizer.lr\" = [{}]", rates.join(", ")).unwrap();
    let experiment = toml(&text);
    assert_eq!(experiment.trainings.len(), 100);
    assert!(experiment.trainings.iter().all(|training| training.arms.len() == 100));
}

#[test]
fn faults_found_later_point_at_the_key_or_the_level_that_sets_it() {
    let experiment = toml(
        "[training]\nloss = \"bce\"\n[matrix]\n\
         early_stopping = [{ kind = \"none\" }, { kind = \"patience\", monitor = \"val_f1\" }]",
    );
    let at = |key: &str| experiment.error_at(key, "no".into(), None).position();
    assert_eq!(at("training.loss"), Some((3, 8)));
    assert_eq!(at("training.optimizer.lr"), Some((2, 1)));
    assert_eq!(at("early_stopping.monitor"), Some((5, 69)));
    assert_eq!(at("model.hidden"), Some((1, 1)));
    let [none, patience] = &experiment.trainings.get(0).unwrap().arms[..] else { panic!() };
    let in_arm = |arm: &Arm, key: &str| {
        experiment.error_in_arm(&arm.factors, key, "no".into(), Some("yes".into()))
    };
    assert_eq!(in_arm(none, "early_stopping.monitor").position(), Some((5, 19)));
    let error = in_arm(patience, "early_stopping.monitor");
    assert_eq!(error.position(), Some((5, 69)));
    assert!(
        error.to_string().ends_with(
            "^^^^^^^^\n  = help: yes\n  = note: in the cell early_stopping = \"patience\""
        )
    );
}

/// What tables read one by one come to, and what the whole cell does.
#[track_caller]
fn read_alike(text: &str) {
    let document =
        document::Document::new(parse::parse("a.toml", text).unwrap(), &Overrides::default())
            .unwrap();
    let document = std::sync::Arc::new(document);
    let (trainings, ..) = document.trainings().unwrap();
    let mut arms = 0;
    for training in trainings.iter().take(trainings.of_one_seed()) {
        for Arm { factors, rule } in training.arms {
            let tuned = document.tune.as_ref().map(|tune| tune.grid()[0].clone());
            let tuned = tuned.unwrap_or_else(|| Point { nodes: vec![], values: Factors::new() });
            let config = document.config(&factors, &tuned).unwrap();
            // Cells that are the same training are read by one of them, which its first arm names.
            let seed = training.config.seed;
            if arms == 0 || trainings.arms() == trainings.len() {
                assert_eq!(training.config, Config { seed, ..config });
            }
            let mut whole = document.root.clone();
            for axis in &document.axes.factors {
                let level = axis.labels.iter().position(|label| factors[&axis.key] == *label);
                edit::set(&mut whole, &axis.path, axis.levels[level.unwrap()].clone()).unwrap();
            }
            assert_eq!(cell::Cell::read(&whole).unwrap().into_parts().1, rule);
            arms += 1;
        }
    }
    assert_eq!(arms * trainings.len() / trainings.of_one_seed(), trainings.arms());
}

#[test]
fn tables_read_one_by_one_make_the_cells_that_are_read_whole() {
    let data = "data.source = \"digits\"\n";
    for rest in [
        "",
        "[matrix]\n\"training.optimizer.lr\" = [0.1, 0.2]\n\"training.epochs\" = [3, 4]\n\"model.dropout\" = [0.0, 0.5]",
        "[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\n[matrix]\n\"training.optimizer.lr\" = [0.1, 0.2]",
        "[matrix]\ntraining = [{ epochs = 3 }, { epochs = 4, optimizer = { kind = \"sgd\" } }]",
        "[training]\nepochs = 7\n[matrix]\n\"training.optimizer\" = [{ kind = \"adam\" }, { kind = \"sgd\", lr = 0.1 }]",
        "[model]\nhidden = [4]\n[matrix]\n\"model.norm\" = [{ kind = \"none\" }, { kind = \"batch\" }]\n\"model.norm.eps\" = [1e-3]",
        "[matrix]\nearly_stopping = [{ kind = \"none\" }, { kind = \"patience\" }]\nseed = [5, 3]\n\"data.standardize\" = [true, false]",
        "[matrix]\n\"model.activation\" = [\"relu\", \"tanh\"]\n[tune]\n\"training.optimizer.lr\" = [0.1, 0.2]",
    ] {
        let text = format!("{data}{rest}");
        // Two of these cannot both be varied; all others have to be read.
        if rest.contains("\"model.norm\"") {
            assert!(read("a.toml", &text, &Overrides::default()).is_err());
        } else {
            read_alike(&text);
        }
    }
}

#[test]
fn a_training_asked_for_by_its_number_is_the_one_met_on_the_way() {
    let text = "data.source = \"digits\"\n[matrix]\n\"model.dropout\" = [0.0, 0.1, 0.2]\n\
                early_stopping = [{ kind = \"none\" }, { kind = \"patience\" }]\nseed = \"3..6\"";
    let trainings = read("a.toml", text, &Overrides::default()).unwrap().trainings;
    assert_eq!((trainings.len(), trainings.arms(), trainings.of_one_seed()), (9, 18, 3));
    for (number, training) in trainings.iter().enumerate() {
        let asked = trainings.get(number).unwrap();
        assert_eq!((asked.config, asked.arms), (training.config.clone(), training.arms));
        assert_eq!(training.config.seed.0, 3 + number as u64 / 3);
    }
    assert!(trainings.get(9).is_none());
}

#[test]
fn a_sample_of_a_large_matrix_has_every_level() {
    let list = |count: u32| (0..count).map(|i| format!("{}", 0.001 * f64::from(i + 1)));
    let list = |count| list(count).collect::<Vec<_>>().join(", ");
    let text = format!(
        "data.source = \"digits\"\n[matrix]\n\"model.dropout\" = [{}]\n\"training.optimizer.lr\" = [{}]\n\
         \"training.optimizer.weight_decay\" = [{}]",
        list(30),
        list(30),
        list(30)
    );
    let trainings = read("a.toml", &text, &Overrides::default()).unwrap().trainings;
    let sample = trainings.sample(1000);
    assert!(sample.len() <= 1000 && sample.len() > 500, "{}", sample.len());
    let mut seen = std::collections::HashSet::new();
    for number in sample {
        for (key, level) in &trainings.get(number).unwrap().arms[0].factors {
            seen.insert((key.clone(), level.to_string()));
        }
    }
    assert_eq!(seen.len(), 90);
    assert_eq!(trainings.sample(27_000).len(), 27_000);
}

/// Parts that make arbitrary text reach beyond the parsers.
const VALID: &str = include_str!("../../configs/digits.toml");

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), other in "[\\[\\]{}\"'=.,:#a-z0-9\n -]{0,80}") {
        for text in [&text, &other] {
            for file_name in ["a.toml", "a.json"] {
                if let Err(error) = read(file_name, text, &Overrides::default()) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
            if let Err(error) = set("", &[text]) {
                prop_assert!(!error.to_string().is_empty());
            }
            let _ = set("", &[&format!("model.{text}")]);
            let _ = set("", &[&format!("model.activation={text}")]);
        }
    }

    #[test]
    fn no_slip_in_a_valid_config_makes_the_reader_panic(
        at in 0..VALID.len(), cut in 0..40_usize, new in "[\\[\\]{}\"'=.,:#a-z0-9\n\té -]{0,6}",
    ) {
        let boundary = |mut at: usize| {
            at = at.min(VALID.len());
            while !VALID.is_char_boundary(at) { at -= 1; }
            at
        };
        let text = format!("{}{new}{}", &VALID[..boundary(at)], &VALID[boundary(at + cut)..]);
        if let Err(error) = read("a.toml", &text, &Overrides::default()) {
            prop_assert!(error.position().is_some(), "{error}");
            prop_assert!(error.to_string().contains(" --> a.toml:"));
        }
    }

    #[test]
    fn toml_and_json_agree_on_any_values(
        epochs in 1..1_000_usize, lr in 1e-6..10.0_f64, hidden in prop::collection::vec(1..500_usize, 0..4),
        levels in prop::collection::btree_set(1..50_u32, 1..4), seed in any::<u32>(),
    ) {
        let levels: Vec<u32> = levels.into_iter().collect();
        let config = json!({
            "seed": seed,
            "data": {"source": "digits"},
            "model": {"hidden": hidden},
            "training": {"epochs": epochs, "optimizer": {"lr": lr}},
            "early_stopping": {"kind": "patience"},
            "matrix": {"early_stopping.patience": levels},
        });
        let json = read("a.json", &config.to_string(), &Overrides::default()).unwrap();
        let text = ::toml::to_string(&config).unwrap();
        let toml = read("a.toml", &text, &Overrides::default()).unwrap();
        prop_assert_eq!(meaning(&toml), meaning(&json));
        prop_assert_eq!(json.trainings.get(0).unwrap().config.training.optimizer.lr(), lr);
    }
}
