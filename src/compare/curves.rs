//! Which curves a comparison is about: each arm's reading of each of its trainings.

use std::path::PathBuf;

use super::study::{self, studies};
use super::{CompareError, Filter};
use crate::results::LoadedExperiment;
use crate::spec::Factors;

/// One arm's reading of one training.
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
    /// Epochs that the arm read.
    pub epochs: usize,
}

/// The readings of the arms that [`compare`](super::compare()) would compare: experiment by
/// experiment, arm by arm, seed by seed.
///
/// # Errors
/// Where a filter names what is not there.
pub fn curves(
    experiments: &[LoadedExperiment],
    filters: &[Filter],
) -> Result<Vec<CurveOf>, CompareError> {
    let (mut studies, _) = studies(experiments);
    study::filter(&mut studies, filters)?;
    let mut curves = Vec::new();
    for study in &studies {
        for cell in &study.cells {
            curves.extend(cell.readings.iter().map(|(seed, reading)| CurveOf {
                experiment: study.name.clone(),
                factors: cell.factors.clone(),
                seed: *seed,
                training: reading.place.0.join(reading.place.1),
                epochs: reading.arm.epochs,
            }));
        }
    }
    Ok(curves)
}
