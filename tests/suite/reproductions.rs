//! What `docs/reproductions.md` says of published experiments, from the configs it names.
//!
//! The long forms are ignored; `.ci/reproductions` runs them and prints the tables of that page.

#![allow(clippy::print_stdout)] // the figures, shown with --nocapture

#[allow(dead_code)] // it is a program of its own as well
#[path = "../../examples/mahsereci2017.rs"]
mod mahsereci2017;

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Place, column, json};

/// A place with a config of `configs/papers`, run with these overrides; its trainings.
fn run(place: &Place, name: &str, args: &[&str]) -> Vec<PathBuf> {
    let config = format!("configs/papers/{name}.toml");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&config)).unwrap();
    place.write(&config, &text);
    place.succeeds(&[&["run", "--config", &config], args].concat());
    place.trainings(&format!("results/{name}"))
}

#[allow(clippy::cast_precision_loss)] // a few seeds
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        0.5 * (sorted[half - 1] + sorted[half])
    } else {
        sorted[half]
    }
}

/// Trainings of one norm and learning rate.
struct Arm(Vec<PathBuf>);

impl Arm {
    fn of(trainings: &[PathBuf], norm: &str, lr: f64) -> Self {
        let is_of = |training: &&PathBuf| {
            let config = &json(&training.join("run.json"))["config"];
            config["model"]["norm"]["kind"] == norm && config["training"]["optimizer"]["lr"] == lr
        };
        Self(trainings.iter().filter(is_of).cloned().collect())
    }

    /// The mean test accuracy after an epoch.
    fn accuracy(&self, epoch: usize) -> f64 {
        let of = |training: &PathBuf| column(training, "test_accuracy")[epoch - 1];
        mean(&self.0.iter().map(of).collect::<Vec<_>>())
    }

    /// By epoch, the mean distance between two columns.
    fn between(&self, below: &str, above: &str) -> Vec<f64> {
        let pairs =
            self.0.iter().map(|training| (column(training, below), column(training, above)));
        let pairs: Vec<_> = pairs.collect();
        let at = |epoch: usize| {
            mean(
                &pairs.iter().map(|(below, above)| above[epoch] - below[epoch]).collect::<Vec<_>>(),
            )
        };
        (0..pairs[0].0.len()).map(at).collect()
    }

    fn spread(&self) -> Vec<f64> {
        self.between("preact_p15", "preact_p85")
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn ioffe_in_a_thousand_steps_on_digits_with_batch_norm_it_has_learnt_and_without_it_has_not() {
    let place = Place::new();
    let mut args = vec!["--seeds", "1"];
    for set in [
        "training.epochs=50",
        "matrix.\"training.optimizer.lr\"=[0.1]",
        "evaluation.inside=[\"preactivations\"]",
    ] {
        args.extend(["--set", set]);
    }
    let trainings = run(&place, "ioffe2015_digits", &args);
    let [without, with] = ["none", "batch"].map(|norm| Arm::of(&trainings, norm, 0.1));
    assert!(with.accuracy(50) - without.accuracy(50) > 0.5);
    let (without, with) = (without.spread(), with.spread());
    assert!(without[0] < 0.1, "nearly the same for every row: {without:?}");
    assert!(least(&with) > 1.5 && most(&with) < 5.0, "stable from the start: {with:?}");
}

#[test]
#[ignore = "takes minutes: .ci/reproductions runs it"]
fn ioffe_on_digits_in_ten_thousand_steps_at_three_learning_rates() {
    let place = Place::new();
    let trainings = run(&place, "ioffe2015_digits", &[]);
    let arm = |norm, lr| Arm::of(&trainings, norm, lr);
    println!("lr    norm   acc@200  @1000  @3000  @10000  spread first  least  most  range of p50");
    for lr in [0.01, 0.1, 1.0] {
        for norm in ["none", "batch"] {
            let arm = arm(norm, lr);
            assert_eq!(arm.0.len(), 3);
            let [a, b, c, d] = [10, 50, 150, 500].map(|epoch| arm.accuracy(epoch));
            let spread = arm.spread();
            let (first, least, most) = (spread[0], least(&spread), most(&spread));
            let ranges = arm.0.iter().map(|training| {
                let p50 = column(training, "preact_p50");
                self::most(&p50) - self::least(&p50)
            });
            let range = median(&ranges.collect::<Vec<_>>());
            println!(
                "{lr:<5} {norm:<6} {a:.3}    {b:.3}  {c:.3}  {d:.3}   {first:.2}          {least:.2}   {most:.2}  {range:.2}"
            );
        }
    }
    let [without, with] = ["none", "batch"].map(|norm| arm(norm, 0.1));
    assert!(with.accuracy(50) - without.accuracy(50) > 0.5);
    assert!(with.accuracy(500) >= without.accuracy(500));
    let with = with.spread();
    assert!(least(&with) > 2.0 && most(&with) < 5.0, "{with:?}");
    let without = arm("none", 1.0).spread();
    assert!(without[0] < 0.1 && most(&without) > 3.0, "{without:?}");
    // Santurkar et al. 2018: with batch norm the loss along the step lies in a narrower band.
    for lr in [0.01, 0.1, 1.0] {
        for (below, above) in [("ls_min", "ls_max"), ("gp_min", "gp_max")] {
            let band = |norm| median(&arm(norm, lr).between(below, above));
            let (without, with) = (band("none"), band("batch"));
            println!("lr {lr}, {above} - {below}: {without:.2e} without, {with:.2e} with");
            assert!(with < without, "lr {lr}, {below}");
        }
    }
}

/// What came of a task of Mahsereci et al. over its seeds.
struct Evidence {
    stops: Vec<f64>,
    best: Vec<f64>,
    /// Test loss at the stop and at the end over that of the best epoch.
    at_stop: Vec<f64>,
    at_end: Vec<f64>,
}

impl Evidence {
    fn of(name: &str, args: &[&str]) -> Self {
        let place = Place::new();
        place.write("datasets/mahsereci2017.csv", &mahsereci2017::table());
        let mut all = Self { stops: vec![], best: vec![], at_stop: vec![], at_end: vec![] };
        #[allow(clippy::cast_precision_loss)] // epochs
        for training in run(&place, name, args) {
            let record = json(&training.join("run.json"));
            let stop = record["arms"][1]["stop_epoch"].as_u64().expect("it fires in every seed");
            let losses = column(&training, "test_loss");
            let (best, lowest) = losses.iter().enumerate().fold((0, f64::INFINITY), |best, at| {
                if *at.1 < best.1 { (at.0 + 1, *at.1) } else { best }
            });
            all.stops.push(stop as f64);
            all.best.push(best as f64);
            all.at_stop.push(losses[usize::try_from(stop).unwrap() - 1] / lowest);
            all.at_end.push(losses[losses.len() - 1] / lowest);
        }
        println!(
            "{name}: fired {}/20, stop {} and best epoch {} (medians), test loss at the stop {:.3} \
             (at most {:.2}) and at the end {:.2} times the best, within 10 %: {}/20",
            all.stops.len(),
            median(&all.stops),
            median(&all.best),
            median(&all.at_stop),
            most(&all.at_stop),
            median(&all.at_end),
            all.within(),
        );
        all
    }

    /// Seeds that stop within 10 % of the best test loss.
    fn within(&self) -> usize {
        self.at_stop.iter().filter(|ratio| **ratio <= 1.1).count()
    }

    fn holds(&self) {
        assert_eq!(self.stops.len(), 20);
        assert!(median(&self.stops) < median(&self.best), "it stops early");
        assert!(median(&self.at_stop) < median(&self.at_end), "that is better than not to stop");
    }
}

#[test]
fn mahsereci_the_evidence_stops_least_squares_early_and_better_than_the_end() {
    Evidence::of("mahsereci2017_least_squares", &["--set", "training.epochs=600"]).holds();
}

#[test]
fn mahsereci_the_evidence_stops_logistic_regression_near_the_best_epoch() {
    let all = Evidence::of("mahsereci2017_logistic", &["--set", "training.epochs=600"]);
    all.holds();
    assert!(all.within() >= 15, "{:?}", all.at_stop);
}

#[test]
#[ignore = "the short forms say the same: .ci/reproductions runs it"]
fn mahsereci_in_full() {
    Evidence::of("mahsereci2017_least_squares", &[]).holds();
    let logistic = Evidence::of("mahsereci2017_logistic", &[]);
    logistic.holds();
    assert!(logistic.within() >= 15);
}

/// The 14 criteria of Prechelt (1998), a family each.
const CRITERIA: [&str; 3] = [
    "kind = \"generalization_loss\", alpha = [1, 2, 3, 5]",
    "kind = \"progress_quotient\", alpha = [0.5, 0.75, 1, 2, 3]",
    "kind = \"successive_increases\", count = [2, 3, 4, 6, 8]",
];

#[test]
fn prechelt_1994_trainings_end_by_his_rules_and_their_error_is_his_percentage() {
    let place = Place::new();
    let sets = ["data.source=penguins", "data.standardize=true", "matrix.seed=[0, 1, 2, 3, 4, 5]"];
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let trainings = run(&place, "prechelt1994_cancer1", &args);
    assert_eq!(trainings.len(), 6);
    let errors: Vec<f64> = trainings
        .iter()
        .map(|training| {
            let record = json(&training.join("run.json"));
            let arm = &record["arms"][0];
            let stop = arm["stop_epoch"].as_u64().expect("it ends before 3000 epochs");
            assert!(stop.is_multiple_of(5), "the rules are asked every five epochs: {stop}");
            let validation = column(training, "val_squared_error_percentage");
            let best = usize::try_from(arm["best_epoch"].as_u64().unwrap()).unwrap();
            assert!(validation.iter().all(|error| *error >= validation[best - 1]));
            let error = arm["metrics"]["test_squared_error_percentage"].as_f64().unwrap();
            assert_eq!(error, column(training, "test_squared_error_percentage")[best - 1]);
            let loss = arm["metrics"]["test_loss"].as_f64().unwrap();
            assert!((error - 100.0 * loss).abs() < 1e-9, "one-hot classes: {error}, {loss}");
            let chance = &record["data"]["chance"]["test_squared_error_percentage"];
            assert!(error < 0.25 * chance.as_f64().unwrap(), "{error}, by chance {chance}");
            error
        })
        .collect();
    println!("penguins: test error {:.2} %", mean(&errors));
}

#[test]
fn prechelt_1998_slower_criteria_of_a_family_give_lower_errors_and_replay_says_so() {
    let place = Place::new();
    let sets = [
        "matrix.\"data.source\"=[\"concrete\"]",
        "data.standardize=true",
        "training.epochs=1000",
        "matrix.seed=[0, 1, 2, 3]",
    ];
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    assert_eq!(run(&place, "prechelt1998", &args).len(), 8);
    let mut args = vec!["replay", "results/prechelt1998"];
    args.extend(CRITERIA.iter().flat_map(|criterion| ["--criterion", criterion]));
    let text = place.succeeds(&args);
    // criterion, trainings and * before the figures; slowness, badness, good and its sign, then the front.
    let figures = |criterion: &str| -> (f64, f64) {
        let line = text.lines().find(|line| line.starts_with(criterion) && line.contains(" all "));
        let words: Vec<&str> =
            line.expect(criterion).split_whitespace().filter(|word| *word != "<").collect();
        let number = |back: usize| words[words.len() - back].parse().unwrap();
        (number(4), number(3))
    };
    for family in [
        [
            "generalization_loss(alpha=1)",
            "generalization_loss(alpha=2)",
            "generalization_loss(alpha=5)",
        ],
        [
            "successive_increases(count=2)",
            "successive_increases(count=4)",
            "successive_increases(count=8)",
        ],
    ] {
        let [fast, middle, slow] = family.map(figures);
        assert!(fast.0 < middle.0 && middle.0 < slow.0, "{text}");
        assert!(fast.1 > middle.1 && middle.1 > slow.1, "{text}");
    }
    let sentence = text.lines().find(|line| line.starts_with("Time against error: ")).expect(&text);
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let after = |word: &str| {
        let at = words.iter().position(|one| *one == word).expect(sentence);
        words[at + 1].parse::<f64>().unwrap()
    };
    assert!(after("takes") > 1.5 && after("test_loss") > 2.0, "{sentence}");
    assert!(sentence.contains(" % lower "), "{sentence}");
    println!("{sentence}");
}

/// The mean test accuracy, after all epochs, of the trainings whose config has this value below `[model.norm]` and
/// this batch size.
fn last_accuracy(trainings: &[PathBuf], key: &str, value: &serde_json::Value, batch: u64) -> f64 {
    let is_of = |training: &&PathBuf| {
        let config = &json(&training.join("run.json"))["config"];
        config["model"]["norm"][key] == *value && config["training"]["batch_size"] == batch
    };
    let of = |training: &PathBuf| *column(training, "test_accuracy").last().unwrap();
    let found: Vec<f64> = trainings.iter().filter(is_of).map(of).collect();
    assert_eq!(found.len(), 2, "{key} = {value}, {batch} rows");
    mean(&found)
}

#[test]
fn at_two_rows_batch_norm_breaks_and_layer_norm_does_not_and_ghost_batches_of_two_break_in_any_batch()
 {
    let place = Place::new();
    let quick = [
        "training.epochs=8",
        "matrix.seed=[0, 1]",
        "tune.\"training.optimizer.lr\"=[0.003]",
        "tune.seeds=[1000]",
    ];
    let run_with = |name: &str, sets: &[&str]| {
        let args: Vec<&str> = quick.iter().chain(sets).flat_map(|set| ["--set", *set]).collect();
        run(&place, name, &args)
    };
    let norms = "matrix.\"model.norm.kind\"=[\"batch\", \"layer\"]";
    let whole = run_with("batch_size", &[norms, "matrix.\"training.batch_size\"=[2, 64]"]);
    let [batch, layer] = ["batch", "layer"].map(|kind| {
        [2, 64].map(|rows| last_accuracy(&whole, "kind", &serde_json::json!(kind), rows))
    });
    println!("batch norm at 2 and 64 rows {batch:.3?}, layer norm {layer:.3?}");
    assert!(batch[1] - batch[0] > 0.1, "batch norm {batch:?}");
    assert!((layer[1] - layer[0]).abs() < 0.05, "layer norm {layer:?}");

    let sizes = "matrix.\"model.norm.ghost_size\"=[2, 16]";
    let ghosts = run_with("batch_size_ghost", &[sizes, "matrix.\"training.batch_size\"=[64]"]);
    let [two, sixteen] =
        [2, 16].map(|size| last_accuracy(&ghosts, "ghost_size", &serde_json::json!(size), 64));
    println!("ghost batches of 2 and 16 rows in 64: {two:.3}, {sixteen:.3}");
    assert!(sixteen - two > 0.1, "{two}, {sixteen}");
}
