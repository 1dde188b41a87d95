//! What is missing, failed or left out.

use super::*;

#[test]
fn a_seed_that_diverged_at_one_level_is_its_loss_and_has_no_size() {
    let mut loaded = two_by_two();
    let record = &mut loaded.runs[2].record;
    record.status = Status::Diverged;
    record.arms[0].status = Status::Diverged;
    record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
    let comparison = compared(&[loaded]);
    assert_eq!((comparison.arms[0].diverged, comparison.arms[0].n), (1, 8));
    let values = &comparison.arms[0].metrics.get("test_loss").unwrap().values;
    assert_eq!(values.iter().filter(|v| v.is_none()).count(), 1);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!((main.n, main.pairs(), main.estimate), (7, 8, None));
    let lost = main.divergences.unwrap();
    assert_eq!(
        (lost.wins_by_divergence, lost.losses_by_divergence),
        (1, 0),
        "none diverged, batch did not"
    );
    let simple = contrast(&comparison, "model.norm.kind | early_stopping=patience", "test_loss");
    assert_eq!((simple.n, simple.unpaired), (8, 0));
    let of_arm =
        |kind: &&&WarningKind| matches!(kind, WarningKind::Diverged { diverged: 1, n: 8, .. });
    assert_eq!(kinds(&comparison).iter().filter(of_arm).count(), 1, "{:?}", comparison.warnings);
    let diverged = |one: &Conclusion| {
        matches!(one.finding, Finding::Diverged { diverged: 1, n: 8, kept: 0, .. })
    };
    assert!(comparison.conclusions.iter().any(diverged), "{:?}", comparison.conclusions);
}

#[test]
fn seeds_that_diverged_at_both_levels_are_said_of_the_levels_that_miss_them() {
    let of_rate = |name: &str, rate: f64, missing: usize| {
        let config = json!({"training": {"optimizer": {"lr": rate}}});
        let mut one = plain(name, &config, &[0.5; 8]);
        for run in &mut one.runs[..missing] {
            run.record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
        }
        one
    };
    let all =
        [of_rate("a", 0.05, 6), of_rate("b", 0.4, 2), of_rate("c", 0.6, 6), of_rate("d", 0.7, 6)];
    let comparison = compared(&all);
    for (levels, unpaired) in [(vec![json!(0.4)], 2), (vec![json!(0.6), json!(0.7)], 6)] {
        let told = WarningKind::Unpaired {
            factor: "training.optimizer.lr".to_owned(),
            levels,
            reference: json!(0.05),
            unpaired,
            n: 2,
            metric: "test_loss".to_owned(),
        };
        assert!(kinds(&comparison).contains(&&told), "{:?}", comparison.warnings);
    }
}

#[test]
fn what_is_missing_failed_or_left_out_is_said() {
    let mut loaded = two_by_two();
    let last = loaded.runs.pop().unwrap();
    loaded.missing = loaded.plan.trainings.iter().filter(|t| t.dir == last.dir).cloned().collect();
    let failed = loaded.runs.pop().unwrap();
    loaded.failed =
        vec![FailedTraining { dir: failed.dir, seed: failed.seed, error: "disk full".to_owned() }];
    loaded.left_out = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let failed = loaded.failed.clone();
    let comparison = compared(&[loaded]);
    assert_eq!(
        kinds(&comparison)[..3],
        [
            &WarningKind::Missing { planned: 16, trainings: vec!["training-15".to_owned()] },
            &WarningKind::Failed { planned: 16, trainings: failed },
            &WarningKind::NoLongerNamed(["a", "b", "c", "d"].map(str::to_owned).to_vec()),
        ]
    );
}

#[test]
fn nothing_done_is_an_error_that_says_so() {
    let mut loaded = two_by_two();
    loaded.runs.clear();
    loaded.missing.clone_from(&loaded.plan.trainings);
    let error = compare(&[loaded], &Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("nothing to compare"), "{error}");
    let CompareError::NothingDone(why) = error else { panic!("{error}") };
    let missing = |kind: &WarningKind| match kind {
        WarningKind::Missing { planned, trainings } => (*planned, trainings.len()) == (16, 16),
        _ => false,
    };
    assert!(why.iter().any(|warning| missing(&warning.kind)), "{why:?}");
}
