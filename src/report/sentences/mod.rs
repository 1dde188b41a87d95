//! Conclusions, warnings and judged gates in plain sentences.

mod best;
mod conclusion;
mod effect;
mod gate;
mod phrase;
mod replay;
mod running_statistics;
mod stopping;
#[cfg(test)]
mod tests;
mod tuning;
mod warning;

pub use conclusion::{conclusion, finding};
pub use gate::{gate, gate_name, gate_outcome, gate_sentence};
pub use phrase::{cell_name, norm_name};
pub use replay::{percent, replay};
pub use warning::{error, warning, warning_kind};
