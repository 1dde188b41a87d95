//! Those who watch trainings: each reacts to events, none decides.

mod progress;

pub use progress::{Progress, Style};
