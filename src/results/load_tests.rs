//! What is found at a path, and what damage costs.

use super::super::fixtures::{two_by_two, write};
use super::*;

fn results() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &two_by_two());
    dir
}

fn one(path: &Path) -> LoadedExperiment {
    let mut all = load(&[path.to_owned()]).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_results_directory_and_an_experiment_directory_give_the_same() {
    let dir = results();
    let experiment = one(&dir.path().join("digits"));
    assert!(one(dir.path()) == experiment);
    assert_eq!(experiment.runs.len(), 16);
    assert!(experiment.runs == two_by_two().runs);
    let both = [dir.path().to_owned(), dir.path().join("digits/../digits")];
    assert_eq!(load(&both).unwrap().len(), 1);
}

#[test]
fn an_experiment_says_at_which_of_the_paths_it_was_found() {
    let (first, second) = (results(), results());
    let mut other = two_by_two();
    other.plan.name = "another".to_owned();
    write(second.path(), &other);
    let paths = [first.path(), second.path(), first.path()].map(Path::to_owned);
    let found = load(&paths).unwrap();
    let found: Vec<(&str, usize)> =
        found.iter().map(|one| (one.plan.name.as_str(), one.argument)).collect();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], ("another", 1));
    let mut digits: Vec<usize> = found[1..].iter().map(|(_, argument)| *argument).collect();
    digits.sort_unstable();
    assert_eq!(digits, [0, 1]);
}

#[test]
fn trainings_of_one_experiment_make_one_experiment() {
    let dir = results();
    let path = |n| dir.path().join(format!("digits/training-{n}"));
    let experiment = &load(&[path(3), path(1), path(3)]).unwrap()[0];
    let dirs: Vec<&str> = experiment.runs.iter().map(|run| run.dir.as_str()).collect();
    assert_eq!(dirs, ["training-1", "training-3"]);
    assert!(experiment.missing.is_empty() && experiment.left_out.is_empty());
    std::fs::remove_file(dir.path().join("digits/experiment.json")).unwrap();
    let unplanned = &load(&[path(1)]).unwrap()[0];
    assert_eq!(unplanned.plan.name, "digits");
    assert_eq!(unplanned.plan.factors.len(), 2);
    assert_eq!(unplanned.warnings.len(), 1);
}

#[test]
fn a_damaged_record_is_named_and_missing_and_costs_nothing_else() {
    let dir = results();
    std::fs::write(dir.path().join("digits/training-5/run.json"), "{\"status\":").unwrap();
    std::fs::remove_dir_all(dir.path().join("digits/training-6")).unwrap();
    let experiment = one(dir.path());
    assert_eq!(experiment.runs.len(), 14);
    let missing: Vec<&str> = experiment.missing.iter().map(|run| run.dir.as_str()).collect();
    assert_eq!(missing, ["training-5", "training-6"]);
    assert_eq!(experiment.warnings.len(), 1);
    assert!(experiment.warnings[0].contains("training-5"), "{:?}", experiment.warnings);
}

#[test]
fn what_the_plan_does_not_name_is_left_out_and_foreign_things_are_passed_over() {
    let dir = results();
    let experiment = dir.path().join("digits");
    for name in ["old", "notes", "tune"] {
        std::fs::create_dir(experiment.join(name)).unwrap();
    }
    std::fs::write(experiment.join("old/run.json"), "{}").unwrap();
    std::fs::write(experiment.join("run.txt"), "").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(experiment.join("old"), experiment.join("link")).unwrap();
    assert_eq!(one(dir.path()).left_out, ["old"]);
}

#[test]
fn an_interrupted_training_is_missing_and_a_failed_one_says_why() {
    let dir = results();
    let mut changed = two_by_two();
    changed.runs[0].record.status = Status::Interrupted;
    changed.runs[1].record.status = Status::Failed;
    changed.runs[1].record.error = Some("disk full".to_owned());
    write(dir.path(), &changed);
    let experiment = one(dir.path());
    assert_eq!((experiment.runs.len(), experiment.missing.len()), (14, 1));
    assert_eq!(experiment.failed[0].error, "disk full");
}

#[test]
fn a_path_that_holds_nothing_says_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: PathBuf| load(&[path]).unwrap_err().to_string();
    assert!(message(dir.path().to_owned()).contains("expected a results directory"));
    assert!(message(dir.path().join("nowhere")).contains("no such file"));
}

#[test]
fn no_name_in_a_plan_leads_outside_of_the_experiment() {
    let dir = results();
    let mut experiment = two_by_two();
    experiment.plan.trainings[0].dir = "../digits/training-0".to_owned();
    write(dir.path(), &experiment);
    let loaded = one(dir.path());
    assert_eq!((loaded.runs.len(), loaded.missing.len()), (15, 1));
}
