//! What other stopping rules would have done on recorded trainings: what each saves, what it gives
//! up, which of them are worth considering, and which is recommended.
//!
//! Cost and quality are on different scales in every training, so each is first held against that
//! training's own best: Prechelt's slowness and badness (1998). The recommendation is made by the
//! validation split alone; chosen by the test split, a rule would be tuned to it.

mod finding;
mod outcome;
mod replays;
mod row;
mod summary;
#[cfg(test)]
mod tests;

pub use finding::{Fastest, Finding, Recommendation, Tradeoff};
pub use outcome::{Logged, ReplayError, RuleOutcome, replay};
pub use replays::{Replays, Summary};
pub use row::{Candidate, RecordedTraining, Row};
pub use summary::RuleSummary;
