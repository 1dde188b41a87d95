//! What there is to doubt about the data, as whoever read it found.

use super::finding::{Findings, Level};
use crate::config::Experiment;
use crate::config::data::DataConfig;
use crate::data::Weight;
use crate::runner::PreparedExperiment;

/// Warnings about the rows that trainings read: of each kind the first, whichever seed's split it is of.
pub(super) fn doubts(_: &Experiment, prepared: &PreparedExperiment, findings: &mut Findings) {
    let mut told: Vec<(&'static str, &DataConfig)> = Vec::new();
    for training in &prepared.trainings {
        let config = &training.config.data;
        let doubts = training.data.doubts.iter().filter(|doubt| doubt.weight == Weight::Warning);
        for doubt in doubts {
            if told.contains(&(doubt.kind, config)) {
                continue;
            }
            told.push((doubt.kind, config));
            let message = doubt.message.clone();
            findings.of_training(Level::Warning, training, doubt.key, message, &doubt.advice);
        }
    }
}
