//! `[tune]`: the trainings that values are chosen by, and the choice.
//!
//! In rounds: first the grid of every arm; then, where the best lies on the edge of it, a value
//! beyond, and so on for a few times. What is chosen depends on nothing but what the trainings came
//! to, so that a tuning that is interrupted comes to the same when it goes on.

use std::collections::BTreeMap;

use super::dataset_cache::DatasetCache;
use super::need::{Need, Needs};
use super::prepare_error::PrepareError;
use super::prepared_training::PreparedTraining;
use crate::config::{Experiment, Factors, Point, Tune, without_rule};
use crate::results::{ArmRecord, Status, TrainingRecord, Tried, TunedArm, TuningRecord};
use crate::stats;
use crate::stopping::StoppingRule;
use crate::storage::{Store, Twins};

/// Times that a grid is extended, at most.
const EXTENSIONS: usize = 3;

/// The tuning of an experiment.
pub struct Tuning<'a> {
    experiment: &'a Experiment,
    tune: &'a Tune,
    arms: Vec<ArmTuning>,
    /// By folder: the validation loss that a training which is done is judged by, none where it diverged.
    done: BTreeMap<String, Option<f64>>,
}

/// Arms that are tuned together.
struct ArmTuning {
    /// Of one of them, the rule's among them.
    factors: Factors,
    /// Of each of them.
    rules: Vec<StoppingRule>,
    tried: Vec<Candidate>,
    /// Times that the grid was extended.
    extended: usize,
    /// The place of what was chosen.
    chosen: Option<usize>,
    on_edge: Vec<String>,
}

/// A value of each tuned key.
struct Candidate {
    point: Point,
    /// A training for each seed.
    trainings: Vec<PreparedTraining>,
    /// The key beyond whose edge it lies, where it was added to the grid.
    added: Option<String>,
}

impl<'a> Tuning<'a> {
    /// Of an experiment with `[tune]`.
    ///
    /// # Errors
    /// As [`PreparedExperiment::new`](super::PreparedExperiment::new).
    pub fn new(
        experiment: &'a Experiment,
        cache: &mut DatasetCache,
    ) -> Result<Option<Self>, PrepareError> {
        let Some(tune) = &experiment.tune else { return Ok(None) };
        let mut tuning = Self { experiment, tune, arms: Vec::new(), done: BTreeMap::new() };
        for training in experiment.tuned_together() {
            let mut arm = ArmTuning {
                factors: training.arms[0].factors.clone(),
                rules: training.arms.iter().map(|arm| arm.rule.clone()).collect(),
                tried: Vec::new(),
                extended: 0,
                chosen: None,
                on_edge: Vec::new(),
            };
            for point in tune.grid() {
                let candidate = tuning.candidate(&arm, point, None, cache)?;
                arm.tried.push(candidate);
            }
            tuning.arms.push(arm);
        }
        Ok(Some(tuning))
    }

    fn candidate(
        &self,
        arm: &ArmTuning,
        point: Point,
        added: Option<&str>,
        cache: &mut DatasetCache,
    ) -> Result<Candidate, PrepareError> {
        let levels: Factors =
            without_rule(&arm.factors).into_iter().chain(point.values.clone()).collect();
        let training = |seed: &u64| {
            let config = self.experiment.tried(&arm.factors, &point, *seed)?;
            PreparedTraining::of_tuning(self.experiment, config, &levels, &arm.rules, cache)
        };
        let trainings = self.tune.seeds.iter().map(training).collect::<Result<_, _>>()?;
        Ok(Candidate { point, trainings, added: added.map(str::to_owned) })
    }

    /// Every training of it so far.
    #[must_use]
    pub fn trainings(&self) -> Vec<&PreparedTraining> {
        let tried = self.arms.iter().flat_map(|arm| &arm.tried);
        tried.flat_map(|candidate| &candidate.trainings).collect()
    }

    /// The trainings that are not known to be done.
    #[must_use]
    pub fn open(&self) -> Vec<&PreparedTraining> {
        let mut trainings = self.trainings();
        trainings.retain(|training| !self.done.contains_key(&training.dir));
        trainings
    }

    /// Takes what is done already into account, as far as one round leads to the next; whether every
    /// arm has its value; with `twins` also what is done under other names. `seen` is told what each training that is looked at needs.
    pub(super) fn find(
        &mut self,
        store: &Store,
        twins: Option<&Twins>,
        fresh: bool,
        cache: &mut DatasetCache,
        mut seen: impl FnMut(&Needs, &PreparedTraining, &Need),
    ) -> bool {
        loop {
            let needs = Needs::look(store, self.open(), fresh);
            let needs = match twins {
                Some(twins) => needs.with(twins),
                None => needs,
            };
            let mut done = Vec::new();
            for training in &needs.trainings {
                let need = needs.of(training);
                seen(&needs, training, &need);
                let found = match need {
                    Need::Nothing(done) => Some(done.record),
                    Need::Move(twin) => Some(twin.1.record),
                    Need::Training | Need::Newer(_) => None,
                };
                done.extend(found.map(|record| (training.dir.clone(), record)));
            }
            let all = done.len() == needs.trainings.len();
            self.note(done);
            if self.choose(cache) {
                return true;
            }
            if !all {
                return false;
            }
        }
    }

    /// Notes what trainings came to, by their folders; those that failed stay open.
    pub fn note(&mut self, records: impl IntoIterator<Item = (String, TrainingRecord)>) {
        for (dir, record) in records {
            match record.status {
                Status::Completed | Status::Stopped => {
                    self.done.insert(dir, judged(&record.arms));
                }
                Status::Diverged => {
                    self.done.insert(dir, None);
                }
                Status::Interrupted | Status::Failed => {}
            }
        }
    }

    /// Chooses where all is known, or extends the grid; whether every arm has its value.
    pub fn choose(&mut self, cache: &mut DatasetCache) -> bool {
        for index in 0..self.arms.len() {
            let is_open = |training: &PreparedTraining| !self.done.contains_key(&training.dir);
            let arm = &self.arms[index];
            let open = arm.tried.iter().flat_map(|candidate| &candidate.trainings).any(is_open);
            if arm.chosen.is_some() || open {
                continue;
            }
            let record = self.record_of(arm);
            let Some(best) = record.place_of_best() else { continue };
            let (added, on_edge) = self.beyond(arm, &record, best, cache);
            let arm = &mut self.arms[index];
            if added.is_empty() {
                let chosen = record.simplest_like(best);
                arm.chosen = Some(chosen);
                let is_on_edge = |key: &&str| !matches!(record.beyond(chosen, key), Ok(None));
                arm.on_edge = if chosen == best {
                    on_edge
                } else {
                    self.tune.keys().filter(is_on_edge).map(str::to_owned).collect()
                };
            } else {
                arm.tried.extend(added);
                arm.extended += 1;
            }
        }
        self.arms.iter().all(|arm| arm.chosen.is_some())
    }

    /// What is to be tried beyond the edges that the best lies on, and the keys on whose edge it
    /// stays.
    fn beyond(
        &self,
        arm: &ArmTuning,
        record: &TunedArm,
        best: usize,
        cache: &mut DatasetCache,
    ) -> (Vec<Candidate>, Vec<String>) {
        let (mut added, mut on_edge) = (Vec::new(), Vec::new());
        for key in self.tune.keys() {
            let next = match record.beyond(best, key) {
                Ok(None) => continue,
                Ok(Some(next)) if arm.extended < EXTENSIONS => Some(next),
                _ => None,
            };
            let point = next.and_then(|next| self.tune.moved(&arm.tried[best].point, key, next));
            let point =
                point.filter(|point| record.tried.iter().all(|tried| tried.values != point.values));
            // What the config or the data refuses, such as a dropout of 1, is not a value.
            let candidate =
                point.and_then(|point| self.candidate(arm, point, Some(key), cache).ok());
            match candidate {
                Some(candidate) => added.push(candidate),
                None => on_edge.push(key.to_owned()),
            }
        }
        (added, on_edge)
    }

    /// What is known so far.
    #[must_use]
    pub fn record(&self) -> TuningRecord {
        TuningRecord {
            seeds: self.tune.seeds.clone(),
            arms: self.arms.iter().map(|arm| self.record_of(arm)).collect(),
        }
    }

    fn record_of(&self, arm: &ArmTuning) -> TunedArm {
        let tried = |candidate: &Candidate| {
            let results: Vec<Option<Option<f64>>> = candidate
                .trainings
                .iter()
                .map(|training| self.done.get(&training.dir).copied())
                .collect();
            let losses: Vec<Option<f64>> = results.iter().map(|result| result.flatten()).collect();
            let known: Vec<f64> = losses.iter().copied().flatten().collect();
            Tried {
                values: candidate.point.values.clone(),
                added: candidate.added.clone(),
                mean: stats::mean(&known),
                val_loss: losses,
                diverged: results.iter().filter(|result| **result == Some(None)).count(),
                trainings: candidate
                    .trainings
                    .iter()
                    .map(|training| training.dir.clone())
                    .collect(),
            }
        };
        TunedArm {
            factors: without_rule(&arm.factors),
            chosen: arm.chosen.map(|place| arm.tried[place].point.values.clone()),
            on_edge: arm.on_edge.clone(),
            tried: arm.tried.iter().map(tried).collect(),
        }
    }

    /// The experiment with what was chosen.
    ///
    /// # Errors
    /// None in practice: what was trained was accepted.
    pub fn chosen(&self) -> Result<Experiment, PrepareError> {
        let best = |arm: &'_ ArmTuning| arm.chosen.unwrap_or(0);
        let points: Vec<&Point> = self.arms.iter().map(|arm| &arm.tried[best(arm)].point).collect();
        Ok(self.experiment.with_values(&points)?)
    }
}

/// What a value is judged by: the `val_loss` of the weights that the arms keep, on average over them. Beside
/// other rules one that keeps the last epoch is compared by the best of its run, so it is judged by that.
fn judged(arms: &[ArmRecord]) -> Option<f64> {
    let beside_others = arms.len() > 1;
    let kept = |arm: &ArmRecord| -> Option<f64> {
        let keeps_last = arm.rule.get("restore_best").is_some_and(|keeps| keeps == false);
        let is_none = arm.rule.get("kind").is_some_and(|kind| kind == "none");
        let metrics = match &arm.full_run {
            Some(full) if beside_others && is_none && keeps_last => &full.metrics,
            _ => &arm.metrics,
        };
        metrics.get("val_loss")?.as_f64()
    };
    let losses: Option<Vec<f64>> = arms.iter().map(kept).collect();
    stats::mean(&losses?)
}
