//! What there is to doubt about the data, as whoever read it found.

use super::finding::{Findings, Level};
use crate::config::data::DataConfig;
use crate::data::Weight;
use crate::runner::PreparedTraining;

/// Warnings about the rows that trainings read: of each kind the first, whichever seed's split it is of.
pub(super) fn doubts(trainings: impl Iterator<Item = PreparedTraining>, findings: &mut Findings) {
    let mut told: Vec<(&'static str, DataConfig)> = Vec::new();
    for training in trainings {
        let config = &training.config.data;
        let doubts = training.data.doubts.iter().filter(|doubt| doubt.weight == Weight::Warning);
        for doubt in doubts {
            if told.iter().any(|(kind, of)| *kind == doubt.kind && of == config) {
                continue;
            }
            told.push((doubt.kind, config.clone()));
            let message = doubt.message.clone();
            findings.of_training(Level::Warning, &training, doubt.key, message, &doubt.advice);
        }
    }
}
