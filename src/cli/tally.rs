//! How many trainings of a run came to which end, in numbers and in words.

use crate::launch::Outcome;

/// The counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Trained here.
    pub trained: usize,
    /// Failed here.
    pub failed: usize,
    saved: usize,
    lost: usize,
    elsewhere: usize,
    not_begun: usize,
}

impl Tally {
    /// Of the trainings that were not done at the start.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Found(_) => continue,
                Outcome::Trained(_) => &mut tally.trained,
                Outcome::Interrupted { saved: true, .. } => &mut tally.saved,
                Outcome::Interrupted { saved: false, .. } => &mut tally.lost,
                Outcome::Elsewhere => &mut tally.elsewhere,
                Outcome::NotBegun => &mut tally.not_begun,
                Outcome::Failed(_) => &mut tally.failed,
            } += 1;
        }
        tally
    }

    /// Those that a signal kept from their end.
    pub fn interrupted(&self) -> usize {
        self.saved + self.lost + self.elsewhere + self.not_begun
    }

    /// Of all, those that needed no training here.
    pub fn found_done(&self, all: usize) -> usize {
        all - self.trained - self.failed - self.interrupted()
    }

    /// What a signal did.
    pub fn in_words(&self, signal: &str) -> String {
        let parts = [
            (self.saved, "in progress saved"),
            (self.lost, "in progress NOT saved since their last checkpoint"),
            (self.elsewhere, "at work in other processes"),
            (self.not_begun, "not begun"),
            (self.failed, "failed"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("interrupted by {signal}: {}; the same command goes on from here", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Position;

    #[test]
    fn what_a_signal_ended_is_told_apart_from_what_never_began_here() {
        let at = Position { epoch: 2, batch: 1 };
        let outcomes = [
            Outcome::Interrupted { at, saved: true },
            Outcome::Interrupted { at, saved: false },
            Outcome::Elsewhere,
            Outcome::NotBegun,
            Outcome::NotBegun,
        ];
        let tally = Tally::of(&outcomes);
        assert_eq!((tally.interrupted(), tally.found_done(7)), (5, 2));
        assert_eq!(
            tally.in_words("SIGINT"),
            "interrupted by SIGINT: 1 in progress saved, 1 in progress NOT saved since their last \
             checkpoint, 1 at work in other processes, 2 not begun; the same command goes on from \
             here"
        );
    }
}
