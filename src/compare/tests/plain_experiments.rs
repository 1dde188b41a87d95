//! Experiments without a matrix, put side by side.

use super::*;

#[test]
fn plain_experiments_on_the_same_split_are_compared_in_the_keys_in_which_they_differ() {
    let batch =
        json!({"model": {"norm": {"kind": "batch", "eps": 1e-5}}, "training": {"epochs": 9}});
    let none = json!({"model": {"norm": {"kind": "none"}}, "training": {"epochs": 9}});
    let comparison = compared(&[
        plain("a-batch", &batch, &[0.4, 0.5, 0.45]),
        plain("plain", &none, &[0.5, 0.6, 0.56]),
    ]);
    assert_eq!(comparison.experiments[0].name, "a-batch + plain");
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(main.levels, [json!("none"), json!("batch")]);
    assert!(main.estimate.is_some_and(|d| (d + 0.31 / 3.0).abs() < 1e-12));
    assert_eq!((main.n, main.wins, main.p), (3, Some(3), None));
    assert_eq!(comparison.arms.len(), 2);
}

#[test]
fn of_several_paths_the_first_is_what_the_others_are_held_against() {
    let config = |norm: &str| json!({"model": {"norm": {"kind": norm}}});
    let told = |none: usize, batch: usize, layer: usize| {
        let at = |argument, kind: &str| LoadedExperiment {
            argument,
            ..plain(kind, &config(kind), &[0.4, 0.5, 0.45])
        };
        let comparison = compared(&[at(none, "none"), at(batch, "batch"), at(layer, "layer")]);
        comparison.experiments[0].factors[0].levels.clone()
    };
    assert_eq!(told(0, 1, 2), [json!("none"), json!("batch"), json!("layer")]);
    assert_eq!(told(1, 0, 2), [json!("batch"), json!("none"), json!("layer")]);
    assert_eq!(told(2, 1, 0), [json!("layer"), json!("none"), json!("batch")]);
    // What lies at one path, and several levels at the first, have no order but their own.
    assert_eq!(told(0, 0, 0), told(0, 1, 2));
    assert_eq!(told(1, 0, 0), told(0, 1, 2));
}

/// A plain experiment of these seeds alone.
fn of_seeds(name: &str, config: &Value, seeds: &[u64]) -> LoadedExperiment {
    let mut one = plain(name, config, &vec![0.5; seeds.len()]);
    for (place, seed) in seeds.iter().enumerate() {
        one.runs[place].seed = *seed;
        one.runs[place].record.seed = *seed;
        one.plan.trainings[place].seed = *seed;
    }
    one
}

#[test]
fn seeds_pair_the_arms_of_plain_experiments_and_are_no_factor() {
    let config = |norm: &str, seed: u64| json!({"seed": seed, "model": {"norm": {"kind": norm}}});
    let one_a_file = |norm: &'static str| {
        (0..4).map(move |seed| of_seeds(&format!("{norm}{seed}"), &config(norm, seed), &[seed]))
    };
    let none: Vec<LoadedExperiment> = one_a_file("none").collect();
    let eight: Vec<LoadedExperiment> = none.iter().cloned().chain(one_a_file("batch")).collect();
    let comparison = compared(&eight);
    assert_eq!(comparison.arms.iter().map(|arm| arm.n).collect::<Vec<_>>(), [4, 4]);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!((main.n, comparison.experiments[0].factors.len()), (4, 1));
    // Four seeds of one arm are one arm.
    let one = compared(&none);
    assert_eq!((one.arms.len(), &one.arms[0].seeds[..]), (1, &[0, 1, 2, 3][..]));

    let lists = [
        of_seeds("a", &config("none", 0), &[0, 1, 2, 3, 4, 5]),
        of_seeds("b", &config("batch", 2), &[2, 3, 4, 5, 6]),
    ];
    let main = contrast(&compared(&lists), "model.norm.kind", "test_loss").clone();
    assert_eq!((main.n, main.unpaired), (4, 0));
    assert_eq!(main.not_shared, [vec![0, 1], vec![6]], "seeds that only one has do not pair");
}

#[test]
fn an_arm_and_seed_that_two_plain_experiments_have_counts_once() {
    let config = json!({"model": {"norm": {"kind": "none"}}});
    let overlapping =
        compared(&[of_seeds("a", &config, &[0, 1, 2]), of_seeds("b", &config, &[2, 3])]);
    assert_eq!(overlapping.arms[0].seeds, [0, 1, 2, 3]);
    let told = Warning::of("a + b", WarningKind::Duplicates { trainings: 1 });
    assert!(overlapping.warnings.contains(&told), "{:?}", overlapping.warnings);
    // The very same, run in two places, stands side by side.
    let twice = compared(&[of_seeds("a", &config, &[0, 1]), of_seeds("b", &config, &[0, 1])]);
    assert_eq!((twice.arms.len(), twice.experiments.len()), (2, 2));
}

#[test]
fn plain_experiments_that_make_no_product_are_each_held_against_the_first() {
    let config = |norm: &str, lr: f64| json!({"model": {"norm": {"kind": norm}}, "training": {"optimizer": {"lr": lr}}});
    let comparison = compared(&[
        plain("x", &config("none", 0.001), &[0.5; 3]),
        plain("y", &config("batch", 0.001), &[0.4; 3]),
        plain("z", &config("batch", 0.01), &[0.3; 3]),
    ]);
    let names: Vec<&str> = comparison.contrasts.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        &names[..2],
        ["model.norm.kind", "model.norm.kind + training.optimizer.lr"],
        "what cannot be told apart is not"
    );
    assert_eq!(comparison.contrasts[1].levels, [json!("none + 0.001"), json!("batch + 0.01")]);
}

#[test]
fn of_many_plain_experiments_the_first_are_named() {
    let many: Vec<LoadedExperiment> = (0..12)
        .map(|n| plain(&format!("e{n:02}"), &json!({"model": {"dropout": n}}), &[0.5; 3]))
        .collect();
    assert_eq!(compared(&many).experiments[0].name, "e00 + e01 + e02 + 9 more");
}

#[test]
fn plain_experiments_on_other_data_are_not_merged() {
    let mut other = plain("other", &json!({"model": {"dropout": 0.5}}), &[0.5; 3]);
    other.plan.comparable = "iris".to_owned();
    let comparison =
        compared(&[plain("one", &json!({"model": {"dropout": 0.0}}), &[0.5; 3]), other]);
    assert_eq!(comparison.experiments.len(), 2);
    assert!(comparison.contrasts.is_empty());
}

#[test]
fn experiments_of_one_name_are_told_apart_by_their_paths() {
    let mut other = two_by_two();
    other.path = "elsewhere/digits".into();
    let comparison = compared(&[two_by_two(), other]);
    let names: Vec<&str> = comparison.experiments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["digits", "elsewhere/digits"]);
}

#[test]
fn plain_experiments_that_make_a_product_are_averaged_like_a_matrix() {
    let config =
        |norm: &str, dropout: f64| json!({"model": {"norm": {"kind": norm}, "dropout": dropout}});
    let comparison = compared(&[
        plain("a", &config("none", 0.0), &[0.5; 3]),
        plain("b", &config("batch", 0.0), &[0.4; 3]),
        plain("c", &config("none", 0.5), &[0.6; 3]),
        plain("d", &config("batch", 0.5), &[0.4; 3]),
    ]);
    let main = contrast(&comparison, "model.norm.kind", "test_loss");
    assert_eq!(main.averaged_over, ["model.dropout"]);
    assert!(main.estimate.is_some_and(|d| (d + 0.15).abs() < 1e-12));
}
