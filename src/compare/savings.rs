//! What stopping rules saved and cost, each against the full run of the very same training.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::experiment::{Arm, Experiment, Observation, RULE, finite};
use super::label;
use super::metric::PRIMARY;
use super::monitor::Monitor;
use super::significance::CONFIDENCE;
use super::units::units;
use crate::config::{Factors, without_rule};
use crate::history::{CPU, ELAPSED};
use crate::results::{FullRun, Status};
use crate::stats::{self, mean};

/// What a rule saved and cost against the full run of the same training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saving {
    /// The experiment.
    pub experiment: String,
    /// The cell of the other factors; empty: all of them.
    pub factors: Factors,
    /// The rule.
    pub rule: String,
    /// Share of the full run's epochs; none where that is not known.
    pub epochs_saved: Option<f64>,
    /// Epochs until the rule fired, and those of the full run.
    pub epochs: Option<f64>,
    /// Of the full run.
    pub full_epochs: Option<f64>,
    /// The best epoch of the full run: what was trained beyond it came to nothing.
    pub best_epoch: Option<f64>,
    /// Seconds of the full run that were not needed: of the processors where these are known of all.
    pub seconds_saved: Option<f64>,
    /// The monitored value kept, minus the best of the full run; sign turned where larger is
    /// better.
    pub val_regret: Option<f64>,
    /// Its interval over the seeds.
    pub val_regret_ci95: Option<[f64; 2]>,
    /// `test_loss` of the weights kept, minus that of the full run's best epoch.
    pub test_regret: Option<f64>,
    /// Its interval over the seeds.
    pub test_regret_ci95: Option<[f64; 2]>,
    /// The same as a share of the full run's seconds.
    pub seconds_saved_fraction: Option<f64>,
    /// Seconds of the full run.
    pub full_seconds: Option<f64>,
    /// The monitored column.
    pub monitor: String,
    /// Arms and seeds that the means are over: those whose trainings did not diverge.
    pub n: usize,
    /// The others: no rule stopped those, and they saved nothing.
    pub diverged: usize,
    /// Of those, the ones whose trainings went to their last epoch, here or for another arm.
    pub n_full: usize,
    /// Whether a regret would be a mean of different units.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub units_differ: bool,
}

impl Saving {
    pub(super) fn forget_clocks(&mut self) {
        self.seconds_saved = None;
        self.seconds_saved_fraction = None;
        self.full_seconds = None;
    }
}

/// Full runs by the identity of their training, its seed, and what chose their best epoch.
type FullRuns<'a> = HashMap<(&'a str, u64, Monitor), &'a FullRun>;

/// An arm at one seed with the full run of the same training: its own where that went on to its last
/// epoch, else that of another arm which trained the very same to the end.
struct WithFullRun<'a> {
    observation: &'a Observation<'a>,
    full: Option<&'a FullRun>,
}

fn full_runs<'a>(experiment: &'a Experiment) -> FullRuns<'a> {
    let mut runs = FullRuns::new();
    for arm in &experiment.arms {
        let monitor = Monitor::of(arm.rule);
        for Observation { arm, run, .. } in arm.observations.values() {
            if let Some(full) = &arm.full_run {
                let training = (run.identity.as_str(), run.seed, monitor.clone());
                runs.entry(training).or_insert(full);
            }
        }
    }
    runs
}

/// One line per rule over all cells of the other factors, and one per such cell.
pub(super) fn savings(experiment: &Experiment) -> Vec<Saving> {
    let full_runs = full_runs(experiment);
    let mut index: HashMap<(String, Monitor), usize> = HashMap::new();
    let mut rules: Vec<(String, Monitor, Vec<usize>)> = Vec::new();
    let stopped = experiment.arms.iter().enumerate().filter(|(_, arm)| kind(arm) != "none");
    for (arm_index, arm) in stopped {
        let (name, monitor) = (rule_name(arm), Monitor::of(arm.rule));
        let at = *index.entry((name.clone(), monitor.clone())).or_insert_with(|| {
            rules.push((name, monitor, Vec::new()));
            rules.len() - 1
        });
        rules[at].2.push(arm_index);
    }
    let mut units_of: HashMap<&str, Vec<Option<usize>>> = HashMap::new();
    for metric in rules.iter().map(|(_, monitor, _)| monitor.column.as_str()).chain([PRIMARY]) {
        units_of.entry(metric).or_insert_with(|| units(experiment, metric));
    }
    let mut savings = Vec::new();
    for (rule, monitor, arms) in &rules {
        let mut line = |factors: Factors, arms: &[usize]| {
            // A training that diverged was not stopped by the rule and saved nothing.
            let (diverged, there): (Vec<&Observation>, Vec<&Observation>) = arms
                .iter()
                .flat_map(|arm| experiment.arms[*arm].observations.values())
                .partition(|observation| observation.arm.status == Status::Diverged);
            let there: Vec<WithFullRun> = there
                .into_iter()
                .map(|observation| WithFullRun {
                    observation,
                    full: observation.arm.full_run.as_ref().or_else(|| {
                        let run = observation.run;
                        let training = (run.identity.as_str(), run.seed, monitor.clone());
                        full_runs.get(&training).copied()
                    }),
                })
                .collect();
            if !there.is_empty() {
                let mut saving = saving(&experiment.name, factors, rule, monitor, &there);
                saving.diverged = diverged.len();
                let Saving {
                    val_regret,
                    val_regret_ci95,
                    test_regret,
                    test_regret_ci95,
                    units_differ,
                    ..
                } = &mut saving;
                for (metric, regret, ci95) in [
                    (monitor.column.as_str(), val_regret, val_regret_ci95),
                    (PRIMARY, test_regret, test_regret_ci95),
                ] {
                    let mut found = arms.iter().filter_map(|arm| units_of[metric][*arm]);
                    let first = found.next();
                    if found.any(|unit| Some(unit) != first) {
                        (*regret, *ci95) = (None, None);
                        *units_differ = true;
                    }
                }
                savings.push(saving);
            }
        };
        let mut by_rest: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for arm in arms {
            by_rest.entry(experiment.rest_levels(&experiment.arms[*arm])).or_default().push(*arm);
        }
        if by_rest.len() > 1 {
            line(Factors::new(), arms);
        }
        for arms in by_rest.values() {
            line(without_rule(&experiment.arms[arms[0]].factors), arms);
        }
    }
    savings
}

fn kind<'a>(arm: &'a Arm) -> &'a str {
    arm.rule.get("kind").and_then(Value::as_str).unwrap_or("none")
}

/// The rule as results name it: its level, with further keys of the table that are factors too.
fn rule_name(arm: &Arm) -> String {
    let name = arm.factors.get(RULE).map_or_else(|| kind(arm).into(), label::text);
    let further: Vec<String> = arm
        .factors
        .iter()
        .filter_map(|(key, level)| {
            let key = key.strip_prefix("early_stopping.").filter(|key| *key != "kind")?;
            Some(format!("{key}={}", label::text(level)))
        })
        .collect();
    if further.is_empty() { name } else { format!("{name}({})", further.join(", ")) }
}

#[allow(clippy::cast_precision_loss)] // epochs are far below 2^53
fn saving(
    experiment: &str,
    factors: Factors,
    rule: &str,
    monitor: &Monitor,
    observed: &[WithFullRun],
) -> Saving {
    let average = |figure: &dyn Fn(&WithFullRun) -> Option<f64>| -> Option<f64> {
        mean(&observed.iter().filter_map(figure).collect::<Vec<f64>>())
    };
    // Where the full run is known; a mean over others would be of other trainings.
    let of_full = |figure: &dyn Fn(&WithFullRun, &FullRun) -> Option<f64>| -> Option<f64> {
        average(&|one| figure(one, one.full?))
    };
    let full = |one: &WithFullRun, metric: &str| finite(&one.full?.metrics, metric);
    let sign = if monitor.maximize { -1.0 } else { 1.0 };
    let regret = |metric: &str, sign: f64| {
        let of = |one: &WithFullRun| {
            Some(sign * stats::difference(one.observation.value(metric)?, full(one, metric)?))
        };
        (average(&of), over_seeds(observed, &of))
    };
    let seconds_by = |clock: &str, one: &WithFullRun| -> Option<(f64, f64)> {
        Some((one.observation.value(clock)?, full(one, clock)?))
    };
    let has_cpu = |one: &WithFullRun| one.full.is_none() || seconds_by(CPU, one).is_some();
    let clock = if observed.iter().all(has_cpu) { CPU } else { ELAPSED };
    let seconds = |one: &WithFullRun| seconds_by(clock, one);
    let full_seconds = average(&|one| Some(seconds(one)?.1));
    let seconds_saved = average(&|one| seconds(one).map(|(spent, all)| all - spent));
    let (val_regret, val_regret_ci95) = regret(&monitor.column, sign);
    let (test_regret, test_regret_ci95) = regret(PRIMARY, 1.0);
    Saving {
        experiment: experiment.to_owned(),
        factors,
        rule: rule.to_owned(),
        epochs_saved: of_full(&|one, full| {
            let all = Some(full.epochs as f64).filter(|epochs| *epochs > 0.0)?;
            Some(1.0 - one.observation.arm.epochs as f64 / all)
        }),
        epochs: of_full(&|one, _| Some(one.observation.arm.epochs as f64)),
        full_epochs: of_full(&|_, full| Some(full.epochs as f64)),
        best_epoch: of_full(&|_, full| Some(full.best_epoch as f64)),
        seconds_saved,
        val_regret,
        val_regret_ci95,
        test_regret,
        test_regret_ci95,
        seconds_saved_fraction: seconds_saved
            .zip(full_seconds.filter(|all| *all > 0.0))
            .map(|(saved, all)| saved / all),
        full_seconds,
        monitor: monitor.column.clone(),
        n: observed.len(),
        diverged: 0,
        n_full: observed.iter().filter(|one| ran_on(one)).count(),
        units_differ: false,
    }
}

/// The interval of a figure over the seeds, of each the mean over its arms.
fn over_seeds(
    observed: &[WithFullRun],
    figure: &dyn Fn(&WithFullRun) -> Option<f64>,
) -> Option<[f64; 2]> {
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for one in observed {
        let of_seed = by_seed.entry(one.observation.run.seed).or_default();
        of_seed.extend(figure(one));
    }
    let means: Vec<f64> = by_seed.values().filter_map(|figures| mean(figures)).collect();
    stats::t_interval(&means, CONFIDENCE)
}

/// Whether the training went on to its end, even if no column there chooses a best epoch.
fn ran_on(one: &WithFullRun) -> bool {
    one.full.is_some() || one.observation.run.status == Status::Completed
}
