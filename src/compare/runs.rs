//! Every arm at every seed, as it was recorded.

use super::options::{CompareError, Filter};
use super::selection::{filter, grouped};
use crate::config::Factors;
use crate::results::{ArmRecord, LoadedExperiment, TrainingRecord};

/// An arm at a seed.
#[derive(Debug, Clone, Copy)]
pub struct RunOf<'a> {
    /// The experiment.
    pub experiment: &'a str,
    /// The arm's level of each factor.
    pub factors: &'a Factors,
    /// The repetition.
    pub seed: u64,
    /// The directory of the training, below the experiment's.
    pub dir: &'a str,
    /// What the arm made of it.
    pub arm: &'a ArmRecord,
    /// The training.
    pub record: &'a TrainingRecord,
}

/// Hands over the arms that [`compare`](super::compare()) would compare, in the order of
/// [`curves`](super::curves::curves()).
///
/// # Errors
/// Where a filter names what is not there.
pub fn each_run(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
    mut take: impl FnMut(RunOf),
) -> Result<(), CompareError> {
    let (mut selected, _) = grouped(experiments);
    filter(&mut selected, filters)?;
    for experiment in &selected {
        for arm in &experiment.arms {
            for (seed, observation) in &arm.observations {
                take(RunOf {
                    experiment: &experiment.name,
                    factors: &arm.factors,
                    seed: *seed,
                    dir: observation.training_dir,
                    arm: observation.arm,
                    record: observation.run,
                });
            }
        }
    }
    Ok(())
}
