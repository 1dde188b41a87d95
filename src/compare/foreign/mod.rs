//! Trainings of other tools as an experiment: what their parameters vary are the factors, and their seeds pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

mod asked;
mod parameters;
mod pattern;

pub use asked::{Asked, ForeignError};
use parameters::{factors, fits, parameters, seed_key};
pub use pattern::Pattern;

use super::label;
use crate::config::{Factor, Factors};
use crate::logs::{Ended, Training, is_measure, split, tell_apart, whole};
use crate::results::recorded_training::{RecordedTraining, has_diverged, rule_table};
use crate::results::{
    Files, Foreign, LoadedExperiment, LoadedTraining, Plan, Provenance, Status, TrainingRecord,
};
use crate::stopping::{Split, StoppingRule};
use crate::text::{counted, quoted};

/// The experiment that trainings of other tools make.
///
/// # Errors
/// Where no seeds are told, or what is asked for is not there.
pub fn experiment(
    mut trainings: Vec<Training>,
    asked: &Asked,
) -> Result<LoadedExperiment, ForeignError> {
    tell_apart(&mut trainings);
    let all: Vec<Map<String, Value>> =
        trainings.iter().map(|one| parameters(one, asked.pattern.as_ref())).collect();
    if let Some(pattern) = &asked.pattern
        && let Some(first) = trainings.first()
        && !trainings.iter().any(|one| fits(one, pattern))
    {
        return Err(ForeignError::NoMatch { path: first.path.display().to_string() });
    }
    let seed_key = match seed_key(&all, asked) {
        Err(ForeignError::NoSeed { .. }) if asked.unpaired && asked.seed_key.is_none() => None,
        found => Some(found?),
    };
    let monitored = &asked.rule.monitored.column;
    if trainings.iter().all(|one| one.table.column(monitored).is_none()) {
        let columns = trainings.iter().flat_map(Training::columns);
        let columns: BTreeSet<&str> = columns.filter(|column| is_measure(column)).collect();
        let columns: Vec<&str> = columns.into_iter().collect();
        let column = monitored.clone();
        return Err(ForeignError::NoColumn { column, columns: quoted(&columns) });
    }
    let mut warnings = Vec::new();
    let seed_of = |one: &Map<String, Value>| whole(one.get(seed_key.as_ref()?)?);
    let seeds: Vec<Option<u64>> = all.iter().map(seed_of).collect();
    let without: Vec<&str> = trainings
        .iter()
        .zip(&seeds)
        .filter(|(_, seed)| seed.is_none())
        .map(|(t, _)| t.name.as_str())
        .collect();
    if !without.is_empty() && !asked.unpaired {
        let seed_key = seed_key.as_deref().unwrap_or_default();
        warnings.push(format!("left out, without a seed `{seed_key}`: {}", quoted(&without)));
    }
    let known: Vec<(u64, &Map<String, Value>)> = (0..)
        .zip(seeds.iter().zip(&all))
        .filter_map(|(at, (seed, one))| Some((seed.or_else(|| asked.unpaired.then_some(at))?, one)))
        .collect();
    let factors = factors(&known, seed_key.as_deref(), asked, &mut warnings)?;
    let mut runs: Vec<LoadedTraining> = Vec::new();
    let mut places = Places::default();
    let mut twice = Vec::new();
    let mut notes: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut truncated = Vec::new();
    for ((training, parameters), seed) in trainings.into_iter().zip(&all).zip(seeds) {
        if seed.is_none() && !asked.unpaired {
            continue;
        }
        let levels: Factors = factors
            .iter()
            .map(|factor| {
                (factor.key.clone(), parameters.get(&factor.key).cloned().unwrap_or(Value::Null))
            })
            .collect();
        let cell = levels.values().map(label::text).collect::<Vec<_>>().join("\n");
        let Some(seed) = places.of(cell, seed, asked.unpaired) else {
            twice.push(training.name.clone());
            continue;
        };
        for note in &training.notes {
            let (count, _) = notes.entry(note.clone()).or_insert((0, training.name.clone()));
            *count += 1;
        }
        if training.is_truncated() {
            truncated.push(training.name.clone());
        }
        runs.push(run(training, parameters, seed, &levels, &asked.rule));
    }
    if let Some(metric) = &asked.metric {
        let has_it = |run: &&LoadedTraining| run.record.arms[0].metrics.contains_key(metric);
        let (with, without): (Vec<_>, Vec<_>) = runs.iter().partition(has_it);
        let is_column = |run: &&LoadedTraining| {
            run.curves.as_ref().is_some_and(|table| table.column_of_its_own(metric).is_some())
        };
        match without.iter().filter(|run| is_column(run)).count() {
            0 => {}
            _ if with.is_empty() => return Err(ForeignError::NotMeasured { metric: metric.clone() }),
            count => warnings.push(format!(
                "`{metric}` was not measured at the best epoch of {}, left out of it: --at last takes the last value \
                 there is",
                counted(count, "training")
            )),
        }
    }
    warnings.extend(Noticed { twice, truncated, notes }.said());
    Ok(LoadedExperiment {
        path: PathBuf::from("logs"),
        argument: 0,
        plan: plan(factors, &runs),
        runs,
        missing: Vec::new(),
        failed: Vec::new(),
        left_out: Vec::new(),
        warnings,
        foreign: Some(Foreign { directions: asked.directions.clone(), kept: asked.kept.clone() }),
    })
}

/// What is to be said of trainings beside their figures.
struct Noticed {
    /// Those with the parameters and the seed of another.
    twice: Vec<String>,
    /// Those that ended before their time.
    truncated: Vec<String>,
    /// What was noticed when they were read: in how many, and in which first.
    notes: BTreeMap<String, (usize, String)>,
}

impl Noticed {
    fn said(self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.twice.is_empty() {
            let names: Vec<&str> = self.twice.iter().take(5).map(String::as_str).collect();
            found.push(format!(
            "{} with the parameters and the seed of another left out, such as {}: --factor KEY tells them apart",
            counted(self.twice.len(), "training"),
            quoted(&names)
        ));
        }
        if !self.truncated.is_empty() {
            let names: Vec<&str> = self.truncated.iter().take(5).map(String::as_str).collect();
            found.push(format!(
                "{} ended before {} time, such as {}: what is compared is what {} reached",
                counted(self.truncated.len(), "training"),
                if self.truncated.len() == 1 { "its" } else { "their" },
                quoted(&names),
                if self.truncated.len() == 1 { "it" } else { "they" },
            ));
        }
        found.extend(self.notes.into_iter().map(|(note, (count, name))| {
            if count == 1 {
                format!("{name}: {note}")
            } else {
                format!("{note} (in {})", counted(count, "log"))
            }
        }));
        found.push(
        "logs of other tools: bnes cannot know whether seeds had splits of their own, whether a test column was \
         looked at on the way, nor what chose their settings"
            .to_owned(),
    );
        found
    }
}

/// The seeds that are taken in each cell.
#[derive(Default)]
struct Places {
    taken: BTreeSet<(String, u64)>,
    /// Of each cell, below which number all are taken.
    next: HashMap<String, u64>,
}

impl Places {
    /// The place of a training in its cell: its seed, or where trainings are but numbered the next number; none where
    /// its seed is taken.
    fn of(&mut self, cell: String, seed: Option<u64>, are_numbered: bool) -> Option<u64> {
        let free = seed.filter(|seed| !self.taken.contains(&(cell.clone(), *seed)));
        let place = free.or_else(|| {
            let next = self.next.entry(cell.clone()).or_default();
            while self.taken.contains(&(cell.clone(), *next)) {
                *next += 1;
            }
            are_numbered.then_some(*next)
        })?;
        self.taken.insert((cell, place));
        Some(place)
    }
}

/// What such trainings would have been planned as.
fn plan(factors: Vec<Factor>, runs: &[LoadedTraining]) -> Plan {
    let trainings = runs.iter().map(|run| (&*run.dir, run.seed, &*run.record.arms));
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Plan::of_records(version, "logs".to_owned(), factors, trainings)
}

/// A training as one arm read it.
fn run(
    training: Training,
    parameters: &Map<String, Value>,
    seed: u64,
    levels: &Factors,
    rule: &StoppingRule,
) -> LoadedTraining {
    let table = training.table;
    // Of one that was stopped, nobody knows the rest.
    let is_short =
        matches!(training.ended, Some(Ended::Stopped | Ended::Interrupted | Ended::Failed));
    let epochs = table.len() + usize::from(is_short);
    let nothing = BTreeMap::new();
    let recorded = RecordedTraining { table: &table, epochs, test_metrics: &nothing };
    let stop = rule.read(&table);
    let kept =
        if rule.restore_best { stop.best.map(|(epoch, _)| epoch) } else { Some(stop.epochs) };
    let mut arm = recorded.arm(levels, rule, &stop, kept);
    let is_outcome = |name: &str| name == "epochs" || is_measure(name);
    arm.metrics.retain(|name, _| is_outcome(name));
    // A cell that was not measured is no divergence: at the last epoch the last value counts, at the best none.
    if let Some(kept) = kept {
        for name in table.names().iter().filter(|name| is_measure(name)) {
            let cells = table.column(name).unwrap_or_default();
            if cells.get(kept - 1).is_some_and(Option::is_some) {
                continue;
            }
            let last = cells[..kept.min(cells.len())].iter().rev().flatten().next();
            match last.filter(|_| !rule.restore_best) {
                Some(value) => arm.metrics.insert(name.clone(), (*value).into()),
                None => arm.metrics.remove(name),
            };
        }
    }
    // What was measured once on test rows, at the end, is of the training as a whole.
    for name in table.names().iter().filter(|name| split(name) == Some(Split::Test)) {
        let mut measured = table.column(name).unwrap_or_default().iter().flatten();
        if let (Some(once), None, true) = (measured.next(), measured.next(), table.len() > 1) {
            arm.metrics.insert(name.clone(), (*once).into());
            if let Some(full) = &mut arm.full_run {
                full.metrics.insert(name.clone(), (*once).into());
            }
        }
    }
    if let Some(full) = &mut arm.full_run {
        let at_best = |name: &str| table.cell(name, full.best_epoch).is_some();
        full.metrics.retain(|name, value| is_outcome(name) && (!value.is_null() || at_best(name)));
    }
    arm.rule = rule_table(rule).into();
    let status = if has_diverged(&table) { Status::Diverged } else { Status::Completed };
    let record = TrainingRecord {
        files: Files::default(),
        status,
        seed,
        epochs: table.len(),
        identity: format!("{} {}", training.path.display(), training.name),
        parameters: 0,
        error: None,
        arms: vec![arm],
        config: parameters.clone().into(),
        data: Map::new().into(),
        provenance: Provenance::default(),
    };
    LoadedTraining {
        dir: training.name,
        seed,
        record,
        test_rows: None,
        curves: Some(Arc::new(table)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::logs::{Nan, read};

    /// Ten seeds of two norms, whose losses differ by one.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (norm, shift) in [("none", 1.0), ("batch", 0.0)] {
            for seed in 0..10 {
                let path = dir.path().join(format!("{norm}/seed{seed}"));
                std::fs::create_dir_all(&path).unwrap();
                let at = |epoch: f64| {
                    shift
                        + f64::from(seed) / 100.0
                        + (epoch - 2.0).abs() / 10.0
                        + shift * f64::from(seed) / 1000.0
                };
                let rows = (0..5).fold(String::new(), |rows, e| {
                    rows + &format!("{e},{},{}\n", at(f64::from(e)), 1.0 + at(f64::from(e)))
                });
                std::fs::write(path.join("metrics.csv"), format!("epoch,val_loss,score\n{rows}"))
                    .unwrap();
            }
        }
        dir
    }

    fn asked(rule: Value) -> Asked {
        let rule = serde_json::from_value(rule).unwrap();
        let pattern = Some("{norm}/seed{seed}/metrics.csv".parse().unwrap());
        Asked {
            seed_key: None,
            factors: Vec::new(),
            pattern,
            rule,
            kept: "best val_loss".to_owned(),
            metric: None,
            directions: Vec::new(),
            unpaired: false,
        }
    }

    #[test]
    fn trainings_pair_by_seed_and_what_varies_is_a_factor() {
        let dir = folder();
        let trainings = || read(dir.path(), Nan::ByTool).unwrap().trainings;
        let rule = serde_json::json!({"kind": "none", "restore_best": true});
        let loaded = experiment(trainings(), &asked(rule)).unwrap();
        assert_eq!(loaded.plan.factors.len(), 1);
        assert_eq!(loaded.plan.factors[0].levels, ["none", "batch"]);
        let comparison = compare(&[loaded], &Options::default()).unwrap();
        let contrast =
            comparison.contrasts.iter().find(|contrast| contrast.metric == "val_loss").unwrap();
        assert_eq!((contrast.pairs(), contrast.name.as_str()), (10, "norm"));
        assert!((contrast.estimate.unwrap() + 1.0045).abs() < 1e-9, "{contrast:?}");
        let last = serde_json::json!({"kind": "none", "restore_best": false});
        let loaded = experiment(trainings(), &asked(last)).unwrap();
        let value = &loaded.runs[0].record.arms[0].metrics["val_loss"];
        assert!((value.as_f64().unwrap() - 0.2).abs() < 1e-9, "of the last epoch: {value}");
    }

    #[test]
    fn arms_with_seeds_of_their_own_are_arms_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for (norm, seeds) in [("none", 0..4), ("batch", 10..14)] {
            for seed in seeds {
                let path = dir.path().join(format!("{norm}_s{seed}.csv"));
                std::fs::write(path, "epoch,val_loss\n0,2\n1,1\n").unwrap();
            }
        }
        let trainings = read(dir.path(), Nan::ByTool).unwrap().trainings;
        let mut asked = asked(serde_json::json!({"kind": "none"}));
        asked.pattern = Some("{norm}_s{seed}".parse().unwrap());
        let loaded = experiment(trainings, &asked).unwrap();
        assert_eq!(loaded.plan.factors[0].levels, ["none", "batch"]);
    }

    #[test]
    fn without_a_seed_the_ways_to_tell_it_are_named() {
        let dir = folder();
        let trainings = read(dir.path(), Nan::ByTool).unwrap().trainings;
        let rule = serde_json::json!({"kind": "none"});
        let error = experiment(trainings, &Asked { pattern: None, ..asked(rule) }).unwrap_err();
        assert!(error.to_string().contains("--pattern"), "{error}");
    }
}
