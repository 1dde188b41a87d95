use std::sync::mpsc::channel;

use super::*;
use crate::config::{Experiment, Overrides};
use crate::results::TrainingRecord;
use crate::runner::{DatasetCache, PreparedExperiment};
use crate::storage::Store;

/// Two short trainings.
fn prepared() -> Vec<PreparedTraining> {
    let set = ["model.hidden=[4]", "training.epochs=2", "matrix.\"model.norm.kind\"=[\"none\"]"];
    let overrides = Overrides { set: set.map(str::to_owned).to_vec(), seeds: Some(2) };
    let experiment = Experiment::builtin(&overrides).unwrap();
    let prepared =
        PreparedExperiment::new(&experiment, &mut DatasetCache::of(&experiment), usize::MAX)
            .unwrap();
    prepared.all_trainings()
}

fn resources() -> Resources {
    Resources { jobs: 2, compute: Compute::new(candle_core::Device::Cpu, 2).unwrap() }
}

fn needs<'a>(prepared: &'a [PreparedTraining], store: &'a Store) -> Needs<'a> {
    Needs::look(store, prepared.iter().collect(), false)
}

fn sweep<'a>(
    needs: &'a Needs<'a>,
    resources: &'a Resources,
    interrupt: &'a Interrupt,
) -> Sweep<'a> {
    Sweep::new(needs, needs.trainings.clone(), resources, interrupt, 10.0)
}

fn is_trained(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Trained(_))
}

#[test]
fn a_panic_in_a_training_is_its_error_and_the_others_go_on_and_the_next_run_makes_it() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::create(place.path(), "digits").unwrap();
    let (prepared, interrupt) = (prepared(), Interrupt::default());
    let (needs, resources) = (needs(&prepared, &store), resources());
    let mut sweep = sweep(&needs, &resources, &interrupt);
    let broken = prepared[0].dir.clone();
    let trainer = |training: &PreparedTraining,
                   claim: Option<&Claim>,
                   context: &RunContext,
                   events: &Sender<Event>| {
        assert!(training.dir != broken, "index {}", 7);
        run_one(training, claim, context, events)
    };
    let (events, told) = channel();
    sweep.trainer = &trainer;
    let outcomes = sweep.run(&events);
    drop(events);
    let Outcome::Failed(error) = &outcomes[0] else { panic!("{:?}", outcomes[0]) };
    assert_eq!(error.to_string(), "a fault in bnes: index 7");
    assert!(is_trained(&outcomes[1]));
    let path = store.training(&broken).display().to_string();
    let line = format!("{path}: failed: a fault in bnes: index 7");
    assert!(told.iter().any(
        |event| matches!(event, Event::Ended { outcome, failed: true, .. } if outcome == line)
    ));
    let note = std::fs::read(crate::results::layout::run_file(&store.training(&broken))).unwrap();
    let note: TrainingRecord = serde_json::from_slice(&note).unwrap();
    assert_eq!(note.status, Status::Failed);
    assert_eq!(note.error.as_deref(), Some("a fault in bnes: index 7"));

    sweep.trainer = &run_one;
    let outcomes = sweep.run(&channel().0);
    assert!(is_trained(&outcomes[0]) && matches!(outcomes[1], Outcome::Found(_)));
}

#[test]
fn what_another_process_is_at_work_on_is_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::create(place.path(), "digits").unwrap();
    let (prepared, interrupt) = (prepared(), Interrupt::default());
    let (needs, resources) = (needs(&prepared, &store), resources());
    let sweep = sweep(&needs, &resources, &interrupt);
    let dir = &prepared[0].dir;
    let claim = Mutex::new(Claim::acquire(&store.work_dir(dir)).unwrap());
    let (events, told) = channel();
    let outcomes = std::thread::scope(|scope| {
        let work = scope.spawn(|| sweep.run(&events));
        let waiting = told.iter().find_map(|event| match event {
            Event::Note { message } => Some(message),
            _ => None,
        });
        let pid = std::process::id();
        let waiting = waiting.unwrap();
        assert!(waiting.starts_with(&format!("{dir}: waiting for process {pid} on ")), "{waiting}");
        drop(lock(&claim).take());
        work.join().unwrap()
    });
    assert!(outcomes.iter().all(is_trained));
}

#[test]
fn where_claims_fail_the_first_whole_result_stays() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::create(place.path(), "digits").unwrap();
    let (prepared, interrupt) = (prepared(), Interrupt::default());
    let (needs, resources) = (needs(&prepared, &store), resources());
    let mut slower = sweep(&needs, &resources, &interrupt);
    slower.trainings.truncate(1);
    let file = crate::results::layout::run_file(&store.training(&prepared[0].dir));
    let first = Mutex::new(Vec::new());
    let trainer = |training: &PreparedTraining,
                   claim: Option<&Claim>,
                   context: &RunContext,
                   events: &Sender<Event>| {
        let ended = run_one(training, claim, context, events);
        // To another process, on a file system that keeps no claims, nobody is at work on it.
        std::fs::remove_dir_all(store.dir().join(".work")).unwrap();
        let faster = sweep(&needs, &resources, &interrupt).run(&channel().0);
        assert!(faster.iter().all(is_trained));
        *lock(&first) = std::fs::read(&file).unwrap();
        ended
    };
    slower.trainer = &trainer;
    let outcomes = slower.run(&channel().0);
    assert!(matches!(outcomes[0], Outcome::Found(_)));
    assert_eq!(std::fs::read(&file).unwrap(), *lock(&first));
    assert!(!store.dir().join(".work").exists());
}
