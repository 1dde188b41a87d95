//! Sentences, word for word.

#![allow(clippy::cast_precision_loss)] // small whole numbers

use serde_json::json;

use super::*;
use crate::compare::tuning::findings;
use crate::compare::{Comparison, Margin, Options, RATE, TunedValues, compare};
use crate::config::{Factors, Gate};
use crate::replay::{Fastest, Finding, Recommendation, Tradeoff};
use crate::results::LoadedExperiment;
use crate::results::fixtures::{arm, experiment, map, run, two_by_two, two_by_two_of};

fn verdict(comparison: &Comparison) -> Vec<String> {
    comparison.conclusions.iter().map(|one| conclusion(one, comparison)).collect()
}

fn told(loaded: LoadedExperiment) -> Vec<String> {
    verdict(&compare(&[loaded], &Options::default()).unwrap())
}

/// Two norms whose difference in a metric is given per seed.
fn differing(metric: &str, differences: &[f64]) -> LoadedExperiment {
    let mut runs = Vec::new();
    for norm in ["none", "batch"] {
        for (seed, difference) in (0..).zip(differences) {
            let value = 0.5 + if norm == "batch" { *difference } else { 0.0 };
            let arm = arm(
                json!({"model.norm.kind": norm}),
                json!({"kind": "none"}),
                json!({"test_loss": value, metric: value}),
                None,
            );
            runs.push(run(seed, json!({}), vec![arm]));
        }
    }
    experiment("made-up", &[("model.norm.kind", json!(["none", "batch"]))], runs)
}

fn told_of(metric: &str, differences: &[f64]) -> String {
    let options = Options { metric: Some(metric.to_owned()), ..Options::default() };
    let comparison = compare(&[differing(metric, differences)], &options).unwrap();
    verdict(&comparison)[0].clone()
}

const LOWER: [f64; 8] = [-0.03, -0.02, -0.025, -0.02, -0.03, -0.01, -0.02, -0.015];

#[test]
fn a_two_by_two_design_is_told_in_effects_and_savings() {
    assert_eq!(
        told(two_by_two()),
        [
            "Better: batch norm instead of no norm lowers test_loss by 0.0192 (95 % interval 0.0129 to \
             0.0255, p = 0.008, Holm 0.023, better in 8 of 8 seeds), averaged over early_stopping.",
            "Better: early stopping (patience) instead of the best checkpoint of the full run lowers \
             test_loss by 0.0106 (95 % interval 0.0039 to 0.0173, p = 0.023, Holm 0.047, better in 7 of 8 \
             seeds), averaged over model.norm.kind.",
            "patience stopped after 43.5 epochs, 56 % fewer than the full run's 100 and 4 after its best \
             (11.3 s of 20.0 s); against the best checkpoint of the full run it changed val_loss by 0.0020 \
             (95 % interval over seeds 0.0020 to 0.0020) and test_loss by 0.0010 (95 % interval over seeds \
             0.0010 to 0.0010).",
            "Best mean test_loss: model.norm.kind=batch, early_stopping=patience with 0.367; 2 arms cannot be \
             told from it once all pairs of arms are corrected for: {model.norm.kind=none, early_stopping=patience}, {model.norm.kind=batch, \
             early_stopping=none}.",
        ]
    );
}

#[test]
fn lower_is_better_for_losses_and_higher_for_accuracies() {
    let lower = "batch norm instead of no norm lowers";
    let higher = "batch norm instead of no norm raises";
    let raised = LOWER.map(|d| -d);
    let begins = |text: String, with: &str| assert!(text.starts_with(with), "{text}");
    begins(told_of("test_loss", &LOWER), &format!("Better: {lower} test_loss by 0.0213"));
    begins(told_of("test_loss", &raised), &format!("Worse: {higher} test_loss by 0.0213"));
    begins(told_of("test_accuracy", &LOWER), &format!("Worse: {lower} test_accuracy by 0.0213"));
    begins(told_of("test_accuracy", &raised), &format!("Better: {higher} test_accuracy by"));
}

#[test]
fn batch_norm_can_lose() {
    assert_eq!(
        told_of("test_loss", &LOWER.map(|d| -d)),
        "Worse: batch norm instead of no norm raises test_loss by 0.0213 (95 % interval 0.0154 to 0.0271, \
         p = 0.008, better in 0 of 8 seeds)."
    );
}

#[test]
fn an_interval_that_covers_zero_cannot_be_told() {
    assert_eq!(
        told_of("test_loss", &[0.02, -0.02, 0.01, -0.03, 0.01, 0.02, -0.01, 0.015]),
        "Cannot tell: batch norm instead of no norm changed test_loss by 0.002 (95 % interval -0.014 to \
         0.018, p = 0.86, better in 3 of 8 seeds). 8 seeds show a difference of 1.2 standard deviations of \
         the differences, here 0.022 of test_loss, in 8 of 10 such experiments; half as much takes four times the seeds."
    );
}

#[test]
fn below_six_seeds_is_too_few_and_below_three_even_for_an_interval() {
    let five = told_of("test_loss", &LOWER[..5]);
    assert!(
        five.starts_with(
            "Too few seeds to tell: batch norm instead of no norm changed test_loss by -0.0250 (95 % \
             interval"
        ),
        "{five}"
    );
    assert!(five.ends_with("; take 6 or more."), "{five}");
    assert!(!five.contains("p ="), "{five}");
    assert_eq!(
        told_of("test_loss", &LOWER[..2]),
        "Too few seeds to tell: batch norm instead of no norm changed test_loss by -0.025 (better in 2 of 2 \
         seeds); too few even for an interval: take 6 or more."
    );
}

#[test]
fn the_same_values_in_all_seeds_are_no_difference() {
    assert_eq!(
        told_of("test_loss", &[0.0; 6]),
        "No difference: batch norm instead of no norm left test_loss as it was in all 6 seeds."
    );
}

#[test]
fn on_one_split_no_sentence_begins_with_better_or_worse() {
    for differences in [LOWER, LOWER.map(|d| -d), [0.0; 8]] {
        let mut loaded = differing("test_loss", &differences);
        loaded.plan.split_per_seed = false;
        for run in &mut loaded.runs {
            run.record.data.insert("test_rows".to_owned(), json!(359));
        }
        let said = told(loaded);
        assert!(said[0].starts_with("On these 359 test rows, "), "{said:?}");
        assert!(
            said.iter().all(|s| !s.starts_with("Better") && !s.starts_with("Worse")),
            "{said:?}"
        );
    }
    let mut loaded = differing("test_loss", &LOWER);
    loaded.plan.split_per_seed = false;
    assert_eq!(
        told(loaded)[0],
        "On these 100 test rows, batch norm instead of no norm was better in 8 of 8 seeds; other rows may say \
         otherwise: test_loss changed by -0.0213, interval over seeds -0.0271 to -0.0154, no interval counts \
         the rows, since test_loss of each was not recorded (bnes run --fresh does)."
    );
}

#[test]
fn a_margin_makes_no_difference_that_matters() {
    let said = |margin: Option<Margin>| {
        let options = Options { margin, ..Options::default() };
        let differences = [0.001, -0.002, 0.001, 0.003, -0.001, 0.0, 0.002, -0.001];
        let comparison = compare(&[differing("test_loss", &differences)], &options).unwrap();
        verdict(&comparison)[0].clone()
    };
    assert!(said(None).starts_with("Cannot tell: "), "{}", said(None));
    for margin in [Margin::Absolute(0.01), Margin::Share(0.02)] {
        let said = said(Some(margin));
        assert!(said.starts_with("No difference that matters: batch norm instead of"), "{said}");
        assert!(said.ends_with(": within the margin of 0.010."), "{said}");
    }
    let said = said(Some(Margin::Absolute(0.0005)));
    let ruled_out = "Ruled out is what lowers it by more than 0.0010 or raises it by more than 0.0018; the margin is \
                     0.00050.";
    assert!(said.starts_with("Cannot tell: ") && said.contains(ruled_out), "{said}");
}

#[test]
fn seeds_that_diverged_at_one_level_alone_are_its_losses() {
    let of = |lost: usize, differences: &[f64]| {
        let mut loaded = differing("test_loss", differences);
        let batch = loaded.runs.iter_mut().skip(differences.len());
        for run in batch.take(lost) {
            run.record.status = crate::results::Status::Diverged;
            run.record.arms[0].status = crate::results::Status::Diverged;
            run.record.arms[0].metrics.insert("test_loss".to_owned(), json!(null));
        }
        told(loaded)[0].clone()
    };
    assert_eq!(
        of(12, &[-0.1; 12]),
        "Worse: batch norm instead of no norm diverged in 12 of 12 seeds, against 0 (p < 0.001)."
    );
    let some = of(3, &[-0.1; 12]);
    assert!(
        some.starts_with("Cannot tell: batch norm instead of no norm diverged in 3 of 12"),
        "{some}"
    );
    assert!(some.contains("of the others better in 9 of 9 seeds"), "{some}");
}

#[test]
fn an_effect_that_depends_on_another_factor_is_told_at_both_its_levels() {
    let mut loaded = two_by_two_of(10);
    for run in &mut loaded.runs {
        let batch = run.record.arms[0].factors["model.norm.kind"] == "batch";
        let shift = 0.001 * (run.seed % 3) as f64;
        run.record.arms[0].metrics["test_loss"] = json!(if batch { 0.3 + shift } else { 0.5 });
        run.record.arms[1].metrics["test_loss"] = json!(if batch { 0.4 + shift } else { 0.4 });
    }
    let sentences = told(loaded);
    let first = &sentences[0];
    assert!(
        first.starts_with(
            "It depends: what batch norm instead of no norm does depends on early_stopping: with no early \
             stopping it lowers test_loss by 0.19910 (95 % interval"
        ),
        "{first}"
    );
    assert!(
        first.contains("; with early stopping (patience) it raises test_loss by 0.00090"),
        "{first}"
    );
    // The averages are no answers any more.
    assert!(
        sentences.iter().all(|s| !s.starts_with("Better") && !s.starts_with("Worse")),
        "{sentences:#?}"
    );
}

/// Several factors of two levels each, `seeds` seeds, of which the first factor does something.
fn of_many_factors(factors: u32, seeds: usize) -> Vec<String> {
    let keys: Vec<String> = (0..factors).map(|factor| format!("model.f{factor}")).collect();
    let mut runs = Vec::new();
    for cell in 0..1_u32 << factors {
        let level = |factor: usize| cell >> factor & 1;
        let levels = keys.iter().enumerate().map(|(n, key)| (key.clone(), json!(level(n))));
        let levels = serde_json::Value::Object(levels.collect());
        for seed in 0..seeds {
            let noise = f64::from(cell.wrapping_mul(2_654_435_769) >> 8) / f64::from(1 << 24);
            let drawn = (noise * 97.0 + seed as f64 * 13.7).sin();
            let value = 1.0 + 0.3 * f64::from(level(0)) + 0.1 * drawn;
            let arm =
                arm(levels.clone(), json!({"kind": "none"}), json!({"test_loss": value}), None);
            runs.push(run(seed as u64, json!({"levels": levels}), vec![arm]));
        }
    }
    let factors: Vec<_> = keys.iter().map(|key| (key.as_str(), json!([0, 1]))).collect();
    told(experiment("many", &factors, runs))
}

#[test]
fn among_many_effects_no_better_or_worse_without_correction() {
    // Six factors make 21 effects; with seven seeds no p is below 1/64.
    let sentences = of_many_factors(6, 7);
    assert!(
        sentences.iter().all(|s| !s.starts_with("Better") && !s.starts_with("Worse")),
        "{sentences:#?}"
    );
    assert!(
        sentences[0].starts_with(
            "Cannot tell: after correction for the 21 effects tested, model.f0 1 instead of 0 changed \
             test_loss by 0.3"
        ),
        "{}",
        sentences[0]
    );
    assert!(
        sentences[0].contains("p = 0.016, Holm 0.33, better in 0 of 7 seeds"),
        "{}",
        sentences[0]
    );
    let least = " Among that many effects none can be detected with fewer than 10 seeds.";
    assert!(sentences[0].ends_with(least), "{}", sentences[0]);
    let sentences = of_many_factors(6, 10);
    assert!(sentences[0].starts_with("Worse: model.f0 1 instead of 0"), "{}", sentences[0]);
}

#[test]
fn one_arm_is_said_to_be_one_and_how_to_get_a_second() {
    let arm = arm(json!({}), json!({"kind": "none"}), json!({"test_loss": 0.5}), None);
    let one = experiment("one", &[], vec![run(0, json!({}), vec![arm])]);
    assert_eq!(
        told(one),
        [
            "One arm, so there is nothing to contrast: give a key several levels in [matrix], such as \
          \"model.norm.kind\" = [\"none\", \"batch\"], or name another experiment on the same data \
          and split too."
        ]
    );
    let filter = |key: &str, value: &str| crate::compare::Filter {
        key: key.to_owned(),
        level: value.into(),
    };
    let filters = vec![filter("model.norm.kind", "batch"), filter("early_stopping", "none")];
    let options = Options { filters, ..Options::default() };
    assert_eq!(
        verdict(&compare(&[two_by_two()], &options).unwrap()),
        ["One arm (model.norm.kind=batch, early_stopping=none), so there is nothing to contrast: \
          ask for fewer levels with --where."]
    );
}

#[test]
fn one_seed_is_one_seed() {
    let text = told_of("test_loss", &LOWER[..1]);
    assert!(text.contains("(better in 1 of 1 seed)"), "{text}");
}

#[test]
fn a_conclusion_names_its_experiment_where_there_are_several() {
    let mut other = two_by_two();
    other.path = "elsewhere/digits".into();
    let comparison = compare(&[two_by_two(), other], &Options::default()).unwrap();
    let sentences = verdict(&comparison);
    assert!(sentences[0].starts_with("digits: Better: "), "{sentences:?}");
    let second = "elsewhere/digits: Better: ";
    assert!(sentences.iter().any(|sentence| sentence.starts_with(second)), "{sentences:?}");
}

#[test]
fn nothing_done_is_said_with_what_is_missing() {
    let mut loaded = two_by_two();
    loaded.runs.clear();
    loaded.missing.clone_from(&loaded.plan.trainings);
    let message = error(&compare(&[loaded], &Options::default()).unwrap_err());
    assert_eq!(
        message,
        "nothing to compare: no training has ended yet (digits: 16 of 16 trainings are missing: \
         training-0, training-1, training-2 and 13 more)"
    );
}

fn tuned(norm: &str, rate: f64, added: &[f64]) -> TunedValues {
    TunedValues {
        factors: map(json!({"model.norm.kind": norm})),
        values: map(json!({RATE: rate})),
        added: if added.is_empty() { Factors::new() } else { map(json!({RATE: added})) },
        on_edge: Vec::new(),
        val_loss: Some(0.1),
        tried: vec![(map(json!({RATE: rate})), Some(0.1))],
        trainings: 5 * (1 + added.len()),
    }
}

#[test]
fn what_was_chosen_is_said_per_arm_and_so_is_an_extended_grid() {
    let said = |tuned: &[TunedValues]| findings(tuned).iter().map(finding).collect::<Vec<_>>();
    assert_eq!(
        said(&[tuned("none", 0.01, &[]), tuned("batch", 1.0, &[1.0, 10.0])]),
        [
            "Learning rate tuned per arm: 0.01 (none), 1.0 (batch).",
            "The best training.optimizer.lr lay on the edge of its list, which was extended by 1.0 \
             and 10.0 (batch).",
            "Tuning tried, with the mean val_loss of each: (none) 0.01 0.100; (batch) 1.0 0.100; the arms did \
             not have the same budget: 5 trainings (none), 15 trainings (batch).",
        ]
    );
    let one = TunedValues { factors: Factors::new(), ..tuned("none", 0.01, &[]) };
    assert_eq!(
        said(&[one]),
        [
            "Learning rate tuned: 0.01.",
            "Tuning tried, with the mean val_loss of each: 0.01 0.100; 5 trainings."
        ]
    );
}

#[test]
fn a_gate_says_figure_interval_n_and_limit_or_why_it_cannot_be_judged() {
    let said = |table: serde_json::Value, seeds: u32| {
        let rule: Gate = serde_json::from_value(table).unwrap();
        gate(&rule.judge(&[two_by_two_of(seeds)], &[], None)[0])
    };
    assert_eq!(
        said(json!({"metric": "test_loss", "max": 1.0}), 2),
        "gate not judged: test_loss of digits, model.norm.kind=none, early_stopping=none: 2 seeds, and \
         an interval takes 3"
    );
    let failed = said(json!({"metric": "test_loss", "min": 1e-9, "max": 1e-3}), 6);
    let name = "gate FAILED: test_loss of digits, model.norm.kind=none, early_stopping=none: 0.";
    assert!(failed.starts_with(name) && failed.contains(" (95 % interval 0."), "{failed}");
    assert!(failed.ends_with(", n = 6), limit min 1.000e-9 and max 0.001000"), "{failed}");
    assert_eq!(
        said(json!({"metric": "test_acuracy", "min": 0.5}), 6),
        "gate not judged: no arm has the metric `test_acuracy`: did you mean `test_accuracy`?"
    );
    assert_eq!(
        said(json!({"metric": "x", "min": 0.5}), 6),
        "gate not judged: no arm has the metric `x`: the metrics are `cpu_s`, `elapsed_s`, `epochs`, \
         `test_accuracy`, `test_loss`, `val_loss`"
    );
}

#[test]
fn a_recommendation_says_what_it_costs_against_the_fastest() {
    let fastest =
        Fastest { criterion: "patience1".to_owned(), given_up: 0.25, cost_ratio: 8.0 / 3.0 };
    let found = Recommendation {
        criterion: "patience3".to_owned(),
        quality: "val_loss".to_owned(),
        given_up: 0.0,
        epochs_saved: 0.0,
        n: 1,
        fastest: Some(fastest),
        beyond: None,
    };
    assert_eq!(
        replay(&Finding::Recommended(found)),
        "Recommended: patience3: it gives up nothing of val_loss and saves 0 % of the epochs \
         (means over 1 training). patience3 costs 2.7x of the fastest, patience1, which gives up \
         25 %."
    );
    let tradeoff = |change| {
        let (slowest, fastest) = ("patience3".to_owned(), "patience1".to_owned());
        replay(&Finding::Tradeoff(Tradeoff { slowest, fastest, times: 4.04, change, n: 144 }))
    };
    assert_eq!(
        tradeoff(-0.0401),
        "Time against error: the slowest rule, patience3, takes 4.0 times as many epochs as the \
         fastest, patience1, for a test_loss 4.0 % lower (by mean slowness and badness over 144 \
         trainings)."
    );
    assert!(tradeoff(0.02).contains("for a test_loss 2.0 % higher"));
    assert!(tradeoff(0.0).contains("for the same test_loss"));
    let exploratory = replay(&Finding::Exploratory(1));
    assert!(exploratory.starts_with("Exploratory: 1 rule was not declared"), "{exploratory}");
}
