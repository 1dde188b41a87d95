//! Which curves a comparison is about: of each arm, as far as it read each of its trainings.

use std::path::PathBuf;
use std::sync::Arc;

use super::options::{CompareError, Filter};
use super::selection::{filter, grouped};
use crate::config::Factors;
use crate::history::EpochTable;
use crate::results::{Files, LoadedExperiment};

/// The curve of one training, as far as one arm read it.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveOf {
    /// The experiment.
    pub experiment: String,
    /// The arm's level of each factor.
    pub factors: Factors,
    /// The repetition.
    pub seed: u64,
    /// The directory of the training.
    pub training: PathBuf,
    /// The checksums of its files.
    pub files: Files,
    /// The curves, where they are not read from there.
    pub curves: Option<Arc<EpochTable>>,
    /// Epochs that the arm read.
    pub epochs: usize,
    /// The epoch after which its rule ended the training; none where it did not.
    pub stop_epoch: Option<usize>,
    /// The epoch that it keeps.
    pub best_epoch: Option<usize>,
    /// Whether the training diverged.
    pub has_diverged: bool,
}

/// The curves of the arms that [`compare`](super::compare()) would compare: experiment by
/// experiment, arm by arm, seed by seed.
///
/// # Errors
/// Where a filter names what is not there.
pub fn curves(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
) -> Result<Vec<CurveOf>, CompareError> {
    let (mut selected, _) = grouped(experiments);
    filter(&mut selected, filters)?;
    let mut curves = Vec::new();
    for experiment in &selected {
        for arm in &experiment.arms {
            curves.extend(arm.observations.iter().map(|(seed, observation)| CurveOf {
                experiment: experiment.name.clone(),
                factors: arm.factors.clone(),
                seed: *seed,
                training: observation.experiment_dir.join(observation.training_dir),
                files: observation.run.files.clone(),
                curves: observation.curves.cloned(),
                epochs: observation.arm.epochs,
                stop_epoch: observation.arm.stop_epoch,
                best_epoch: observation.arm.best_epoch,
                has_diverged: observation.has_diverged(),
            }));
        }
    }
    Ok(curves)
}
