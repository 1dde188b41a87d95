//! What became of some trainings: their records, and how many came to which end.

use super::outcome::{Outcome, note};
use super::prepared_training::PreparedTraining;
use crate::results::{Status, TrainingRecord};

/// What became of some trainings.
#[derive(Debug, Default)]
pub struct Summary {
    /// What there is to say of each, in their order; none where it did not begin here. Empty where all stand
    /// as they were.
    pub records: Vec<Option<TrainingRecord>>,
    /// How each ended where all stand as they were, whose records were not read.
    pub standing: Vec<Status>,
    /// Trained here.
    pub trained: usize,
    /// Done already, or by another process meanwhile.
    pub found: usize,
    /// Failed here.
    pub failed: usize,
    saved: usize,
    lost: usize,
    elsewhere: usize,
    not_begun: usize,
}

impl Summary {
    /// Of these trainings.
    pub(super) fn of(trainings: &[&PreparedTraining], outcomes: Vec<Outcome>) -> Self {
        let mut summary = Self::default();
        for (training, outcome) in trainings.iter().zip(outcomes) {
            summary.count(&outcome);
            summary.records.push(record(training, outcome));
        }
        summary
    }

    /// Of trainings that all stand as they were.
    pub(super) fn of_standing(standing: Vec<Status>) -> Self {
        Self { found: standing.len(), standing, ..Self::default() }
    }

    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Found(_) | Outcome::Moved { .. } => &mut self.found,
            Outcome::Trained(_) => &mut self.trained,
            Outcome::Interrupted { saved: true, .. } => &mut self.saved,
            Outcome::Interrupted { saved: false, .. } => &mut self.lost,
            Outcome::Elsewhere => &mut self.elsewhere,
            Outcome::NotBegun => &mut self.not_begun,
            Outcome::Failed(_) => &mut self.failed,
        } += 1;
    }

    /// Those that a signal kept from their end.
    #[must_use]
    pub fn interrupted(&self) -> usize {
        self.saved + self.lost + self.elsewhere + self.not_begun
    }

    /// Those of which the record has a status.
    #[must_use]
    pub fn with_status(&self, status: Status) -> usize {
        let records = self.records.iter().flatten().map(|record| record.status);
        let all = records.chain(self.standing.iter().copied());
        all.filter(|one| *one == status).count()
    }

    /// What a signal did.
    #[must_use]
    pub fn interruption(&self, signal: &str) -> String {
        let parts = [
            (self.saved, "in progress saved"),
            (self.lost, "in progress NOT saved since their last checkpoint"),
            (self.elsewhere, "being trained by other processes"),
            (self.not_begun, "not begun"),
            (self.failed, "failed"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("interrupted by {signal}: {}; the same command resumes from here", parts.join(", "))
    }
}

fn record(training: &PreparedTraining, outcome: Outcome) -> Option<TrainingRecord> {
    match outcome {
        Outcome::Found(record) | Outcome::Trained(record) | Outcome::Moved { record, .. } => {
            Some(record)
        }
        Outcome::Interrupted { at, .. } => {
            Some(note(training, Status::Interrupted, at.epoch - 1, None))
        }
        Outcome::Failed(error) => {
            Some(note(training, Status::Failed, 0, Some(format!("{error:#}"))))
        }
        Outcome::Elsewhere | Outcome::NotBegun => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Position;

    #[test]
    fn what_a_signal_ended_is_told_apart_from_what_never_began_here() {
        let at = Position { epoch: 2, batch: 1 };
        let mut summary = Summary::default();
        for outcome in [
            Outcome::Interrupted { at, saved: true },
            Outcome::Interrupted { at, saved: false },
            Outcome::Elsewhere,
            Outcome::NotBegun,
            Outcome::NotBegun,
        ] {
            summary.count(&outcome);
        }
        assert_eq!((summary.interrupted(), summary.found), (5, 0));
        assert_eq!(
            summary.interruption("SIGINT"),
            "interrupted by SIGINT: 1 in progress saved, 1 in progress NOT saved since their last \
             checkpoint, 1 being trained by other processes, 2 not begun; the same command resumes from here"
        );
    }
}
