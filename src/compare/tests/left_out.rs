//! What is missing, failed or left out.

use super::*;

#[test]
fn seeds_that_are_not_finite_in_every_arm_are_left_out_and_said() {
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
    assert_eq!((main.n, main.unpaired), (7, 1));
    let simple = contrast(&comparison, "model.norm.kind | early_stopping=patience", "test_loss");
    assert_eq!((simple.n, simple.unpaired), (8, 0));
    assert!(
        comparison.warnings.iter().any(|w| w.contains("1 of 8 trainings")),
        "{:?}",
        comparison.warnings
    );
    assert!(comparison.warnings.iter().any(|w| w.contains("1 of 8 seeds is left out")));
    assert!(comparison.verdict.iter().any(|v| v.contains("diverged in 1 of 8 seeds")));
}

#[test]
fn seeds_left_out_are_said_of_the_levels_that_miss_them() {
    let of_rate = |name: &str, rate: f64, missing: usize| {
        let config = json!({"training": {"optimizer": {"lr": rate}}});
        let mut one = plain(name, &config, &[0.5; 8]);
        for run in &mut one.runs[..missing] {
            run.record.arms[0].metrics.insert("test_loss".to_owned(), Value::Null);
        }
        one
    };
    let all =
        [of_rate("a", 0.05, 0), of_rate("b", 0.4, 2), of_rate("c", 0.6, 6), of_rate("d", 0.7, 6)];
    let warnings = compared(&all).warnings.join("\n");
    for told in [
        "training.optimizer.lr 0.4 against 0.05: 2 of 8 seeds are left out",
        "training.optimizer.lr 0.6, 0.7 against 0.05: 6 of 8 seeds are left out",
    ] {
        assert!(warnings.contains(told), "{warnings}");
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
    let warnings = compared(&[loaded]).warnings;
    assert_eq!(
        warnings[..3],
        [
            "digits: 1 of 16 trainings is missing: training-15",
            "digits: 1 of 16 trainings failed: training-14 (disk full)",
            "digits: 4 trainings that the config no longer names are left out: a, b, c and 1 more"
        ]
    );
}

#[test]
fn nothing_done_is_an_error_that_says_so() {
    let mut loaded = two_by_two();
    loaded.runs.clear();
    loaded.missing.clone_from(&loaded.plan.trainings);
    let message = compare(&[loaded], &Options::default()).unwrap_err().to_string();
    assert!(message.starts_with("nothing to compare"), "{message}");
    assert!(message.contains("16 of 16 trainings are missing"), "{message}");
}
