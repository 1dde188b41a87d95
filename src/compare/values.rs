//! A metric of every arm at every seed.

use std::collections::BTreeSet;

use super::designs::{Design, Term};
use super::experiment::{Experiment, Measured, Weights};
use crate::stats::SeedRows;

/// A metric of each arm and seed.
pub(super) struct Values<'a> {
    pub metric: &'a str,
    pub seeds: Vec<u64>,
    /// For each arm, for each of the seeds of all arms: of the weights kept, and of the best of the full run.
    arms: Vec<Vec<[Measured; 2]>>,
}

impl<'a> Values<'a> {
    pub fn of(experiment: &Experiment, metric: &'a str, seeds: &BTreeSet<u64>) -> Self {
        let arms = experiment.arms.iter().map(|arm| {
            let value = |seed| match arm.observations.get(seed) {
                Some(observation) => [Weights::Kept, Weights::BestOfFullRun]
                    .map(|weights| observation.measured(metric, weights)),
                None => [Measured::NotRecorded; 2],
            };
            seeds.iter().map(value).collect()
        });
        Self { metric, arms: arms.collect(), seeds: seeds.iter().copied().collect() }
    }

    /// The metric of an arm at one of them.
    pub fn at(&self, term: &Term, seed: usize) -> Measured {
        let [kept, best] = self.arms[term.arm][seed];
        match term.of {
            Weights::Kept => kept,
            Weights::BestOfFullRun => best,
        }
    }

    /// Of every seed with all values, the second level and the first.
    pub fn levels(&self, design: &Design) -> Vec<(f64, f64)> {
        let side = |seed: usize, sign: f64| -> Option<f64> {
            let terms = design.terms.iter().filter(|term| term.factor * sign > 0.0);
            terms.map(|term| Some(term.factor.abs() * self.at(term, seed).finite()?)).sum()
        };
        let seeds = 0..self.seeds.len();
        seeds.filter_map(|seed| Some((side(seed, 1.0)?, side(seed, -1.0)?))).collect()
    }

    /// The level that alone has a seed, the first or the second; none where neither or both do.
    pub fn only_side(&self, design: &Design, seed: usize) -> Option<usize> {
        let has = |sign: f64| {
            let mut terms = design.terms.iter().filter(|term| term.factor * sign > 0.0);
            terms.all(|term| self.at(term, seed) != Measured::NotRecorded)
        };
        match (has(-1.0), has(1.0)) {
            (true, false) => Some(0),
            (false, true) => Some(1),
            _ => None,
        }
    }

    /// The differences of a seed's test rows; none where they were not recorded, or arms have other rows.
    pub fn rows(&self, experiment: &Experiment, design: &Design, seed: usize) -> Option<SeedRows> {
        let mut found: Option<SeedRows> = None;
        for term in &design.terms {
            let observation = experiment.arms[term.arm].observations.get(&self.seeds[seed])?;
            let (rows, values) = observation.rows(self.metric, term.of)?;
            let sum = found.get_or_insert_with(|| SeedRows {
                rows: rows.to_vec(),
                differences: vec![0.0; rows.len()],
            });
            if sum.rows != rows {
                return None;
            }
            for (sum, value) in sum.differences.iter_mut().zip(values) {
                *sum += term.factor * f64::from(*value);
            }
        }
        found
    }
}

/// Whether the metric is in different units in the arms concerned.
pub(super) fn units_differ(design: &Design, units: &[Option<usize>]) -> bool {
    let mut found = design.terms.iter().filter_map(|term| units[term.arm]);
    let first = found.next();
    found.any(|unit| Some(unit) != first)
}
