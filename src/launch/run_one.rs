//! One training from its task to what is written: the only place that assembles a training.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::Sender;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::compute::Compute;
use super::device;
use super::interrupt::Interrupt;
use super::keeper::{self, DiskKeeper, Notes};
use super::plan::Task;
use super::provenance::{self, CpuClock};
use crate::event::{Event, Observer};
use crate::history::EpochTable;
use crate::nn::Engine;
use crate::results::layout::weights_file_name;
use crate::results::reread::{Reread, has_diverged};
use crate::results::work::{Claim, Work};
use crate::results::{Provenance, Resumed, RunRecord, Status};
use crate::stopping::Ending;
use crate::train::{
    self, ArmOutcome, Checkpoint, Fitted, Job, Keeper, Kept, Position, Recorder, Trained,
};

/// A training as it goes to disk.
pub struct Finished {
    /// `run.json`.
    pub record: RunRecord,
    /// `epochs.csv`.
    pub table: EpochTable,
    /// The weights files by epoch.
    pub weights: BTreeMap<usize, Vec<u8>>,
}

/// What one training runs with.
pub struct Setting<'a> {
    /// Its number in the events.
    pub number: usize,
    /// What it computes with.
    pub compute: &'a Compute,
    /// Whether it has the process to itself.
    pub alone: bool,
    /// `[checkpoint] every_s`.
    pub every_s: f64,
    /// Asks it to end.
    pub interrupt: &'a Interrupt,
}

/// How a training ended.
pub enum Ended {
    /// As it should.
    Finished(Box<Finished>),
    /// A signal came; what was done is saved, unless that failed.
    Interrupted {
        /// Where it stands.
        at: Position,
        /// Whether a checkpoint holds all of it.
        saved: bool,
    },
}

/// Trains one task on a device, from its newest checkpoint where it has one. Without a claim it
/// neither looks for checkpoints nor writes any.
///
/// # Errors
/// Where the device fails or the weights cannot be encoded.
pub fn run_one(
    task: &Task,
    claim: Option<&Claim>,
    setting: &Setting,
    events: &Sender<Event>,
) -> Result<Ended> {
    let mut observer = events.clone();
    let (of_thread, of_process) = (CpuClock::of_thread(), CpuClock::of_process());
    let job = job(task, setting.number);
    let mut engine = setting.compute.engine(task)?;
    let mut notes = Notes { identity: task.identity.clone(), cpu_s: Some(0.0), ..Notes::default() };
    let mut from = None;
    if let Some((at, of_file, loaded)) =
        claim.and_then(|claim| newest(task, &job, claim, setting, &mut observer))
    {
        (from, notes, engine) = (Some(at), of_file, loaded);
    }
    let runs_on = engine.runs_on();
    let clock = match runs_on.threads {
        1 => Some(of_thread),
        _ if setting.alone => Some(of_process),
        // Several threads of one process among others: the system keeps no such account.
        _ => None,
    };
    let resumed = from.as_ref().map(Checkpoint::position);
    observer.on_event(Event::Started {
        training: setting.number,
        epochs: task.trajectory.training.epochs,
        resumed: resumed.map(|at| (at.epoch, at.batch)),
    });
    let engine_before = std::mem::replace(&mut notes.engine, runs_on.engine.to_owned());
    let set_before =
        std::mem::replace(&mut notes.instruction_set, runs_on.instruction_set.to_owned());
    if let Some(Position { epoch, batch }) = resumed {
        let (engine, instruction_set) = (engine_before, set_before);
        let now = &notes.instruction_set;
        if !instruction_set.is_empty() && instruction_set != *now {
            let message = format!(
                "{}: it began on {instruction_set} and continues on {now}: its last digits are those \
                 of neither",
                task.dir
            );
            observer.on_event(Event::Note { message });
        }
        notes.resumed.push(Resumed { epoch, batch, engine, instruction_set });
    }
    let (fitted, notes, saved) = match claim {
        None => {
            let mut keeper = Unkept(setting.interrupt);
            (train::fit(engine.as_mut(), &job, from, &mut keeper, &mut observer)?, notes, false)
        }
        Some(claim) => {
            let Setting { interrupt, every_s, .. } = setting;
            let notes = Notes { cpu_s: notes.cpu_s.filter(|_| clock.is_some()), ..notes };
            let mut keeper =
                DiskKeeper::new(claim, interrupt, *every_s, clock, notes, events.clone());
            let mut watch = Watch { observer: &mut observer, claim };
            let fitted = train::fit(engine.as_mut(), &job, from, &mut keeper, &mut watch)?;
            (fitted, keeper.notes(), !keeper.has_failed())
        }
    };
    match fitted {
        Fitted::Done(trained) => {
            let finished = finished(task, &trained, engine, setting, notes)?;
            Ok(Ended::Finished(Box::new(finished)))
        }
        Fitted::Interrupted(at) => Ok(Ended::Interrupted { at, saved }),
    }
}

/// The newest checkpoint that can be gone on from, with an engine loaded from it. A damaged one is
/// named and set aside.
fn newest(
    task: &Task,
    job: &Job,
    claim: &Claim,
    setting: &Setting,
    observer: &mut dyn Observer,
) -> Option<(Checkpoint, Notes, Box<dyn Engine>)> {
    let (mut damaged, mut lacking) = (0, 0);
    for path in claim.checkpoints() {
        let loaded = usable(task, job, &path).and_then(|found| {
            let Some((checkpoint, notes)) = found else { return Ok(None) };
            let mut engine = setting.compute.engine(task)?;
            engine.load_training(&checkpoint.engine)?;
            Ok(Some((checkpoint, notes, engine)))
        });
        match loaded {
            Ok(Some(found)) => return Some(found),
            Ok(None) => lacking += 1,
            Err(error) => {
                damaged += 1;
                let aside = claim.set_aside(&path);
                let message = format!(
                    "the checkpoint {} is damaged ({error:#}): set aside as {}",
                    path.display(),
                    aside.display()
                );
                observer.on_event(Event::Warning { message });
            }
        }
    }
    let dir = &task.dir;
    if lacking > 0 {
        let message = format!("{dir}: its checkpoints lack what a rule needs: it begins anew");
        observer.on_event(Event::Note { message });
    } else if damaged > 0 {
        let message = format!("{dir}: no checkpoint is left: it begins anew");
        observer.on_event(Event::Warning { message });
    }
    None
}

/// A checkpoint, where the training can go on from it.
fn usable(task: &Task, job: &Job, path: &Path) -> Result<Option<(Checkpoint, Notes)>> {
    let found = keeper::read(path, &task.identity)?;
    Ok(found.filter(|(checkpoint, _)| train::can_resume(job, checkpoint)))
}

/// Where a training that is not at work would go on; none where it would begin anew.
#[must_use]
pub fn goes_on_at(task: &Task, work: &Work) -> Option<Position> {
    let job = job(task, 0);
    let mut usable = work.checkpoints().into_iter().filter_map(|path| {
        // A damaged one will be named when it is set aside.
        usable(task, &job, &path).ok().flatten()
    });
    usable.next().map(|(checkpoint, _)| checkpoint.position())
}

fn job(task: &Task, number: usize) -> Job<'_> {
    let rules = task.arms.iter().map(|arm| &arm.rule).collect();
    Job { trajectory: &task.trajectory, loss: task.loss, data: &task.data, rules, number }
}

/// For trainings that are not to be kept.
struct Unkept<'a>(&'a Interrupt);

impl Keeper for Unkept<'_> {
    fn interrupted(&self) -> bool {
        self.0.is_asked()
    }

    fn is_due(&self) -> bool {
        false
    }

    fn keep(&mut self, _: &Checkpoint) {}
}

/// Passes events on and notes the epoch at hand in the claim.
struct Watch<'a> {
    observer: &'a mut dyn Observer,
    claim: &'a Claim,
}

impl Observer for Watch<'_> {
    fn on_event(&mut self, event: Event) {
        if let Event::Epoch { epoch, .. } = &event {
            self.claim.set_epoch(epoch + 1);
        }
        self.observer.on_event(event);
    }
}

/// A trained training as it goes to disk.
fn finished(
    task: &Task,
    trained: &Trained,
    mut engine: Box<dyn Engine>,
    setting: &Setting,
    notes: Notes,
) -> Result<Finished> {
    let Task { trajectory, data, loss, .. } = task;
    // For the test split alone, which no rule reads.
    let recorder = Recorder::new(data, *loss, trajectory, &[]);
    let mut weights = BTreeMap::new();
    let test_is_left = !trajectory.evaluation.test && !task.tunes;
    let mut test_metrics = BTreeMap::new();
    if test_is_left {
        test_metrics.insert(None, recorder.no_test_scores());
    }
    for Kept { epoch, state } in trained.arms.iter().filter_map(|arm| arm.kept.clone()) {
        if weights.contains_key(&epoch) {
            continue;
        }
        weights.insert(epoch, state.to_safetensors(&data.preprocessing)?);
        if test_is_left {
            engine.load(&state)?;
            let scores = recorder.test_scores(engine.as_mut())?;
            test_metrics.insert(Some(weights_file_name(epoch)), scores);
        }
    }
    let reread = Reread {
        table: &trained.table,
        epochs: trajectory.training.epochs,
        test_metrics: &test_metrics,
    };
    let arms = task
        .arms
        .iter()
        .zip(&trained.arms)
        .map(|(arm, outcome)| {
            let kept = outcome.kept.as_ref().map(|kept| kept.epoch);
            reread.arm(&arm.factors, &arm.rule, &outcome.reading, kept)
        })
        .collect();
    let runs_on = engine.runs_on();
    let provenance = Provenance {
        engine: notes.engine,
        instruction_set: notes.instruction_set,
        threads: runs_on.threads,
        wall_s: trained.table.cell("elapsed_s", trained.table.len()).unwrap_or(0.0),
        cpu_s: notes.cpu_s,
        checkpoint_s: notes.checkpoint_s,
        resumed: notes.resumed,
        ..provenance::of_machine(device::name(setting.compute.device()))
    };
    let record = RunRecord {
        status: status(trained, trajectory.training.epochs),
        seed: trajectory.seed.0,
        epochs: trained.table.len(),
        identity: task.identity.clone(),
        parameters: task.parameters,
        error: None,
        arms,
        config: task.config.clone().into(),
        data: data_record(task).into(),
        provenance,
    };
    Ok(Finished { record, table: trained.table.clone(), weights })
}

/// How the training as a whole ended.
fn status(trained: &Trained, epochs: usize) -> Status {
    let diverged = |arm: &ArmOutcome| arm.reading.ending == Ending::Diverged;
    if has_diverged(&trained.table) || trained.arms.iter().all(diverged) {
        Status::Diverged
    } else if trained.table.len() < epochs {
        Status::Stopped
    } else {
        Status::Completed
    }
}

fn data_record(task: &Task) -> Map<String, Value> {
    let data = &task.data;
    let mut map = Map::new();
    map.insert("digest".to_owned(), data.digest.clone().into());
    map.insert("summary".to_owned(), data.summary.clone().into());
    map.insert("inputs".to_owned(), data.inputs.width().into());
    map.insert("outputs".to_owned(), task.outputs.into());
    map.insert("task".to_owned(), json!(data.targets.task()));
    for (name, rows) in [
        ("train_rows", &data.splits.train),
        ("validation_rows", &data.splits.validation),
        ("test_rows", &data.splits.test),
    ] {
        map.insert(name.to_owned(), rows.len().into());
    }
    map
}
