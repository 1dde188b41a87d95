//! The config file as checked types: TOML or JSON in, an [`Experiment`] out.
//!
//! A text becomes a tree that remembers where each value was written ([`parse`]), `--set` and the
//! matrix edit that tree ([`edit`], [`matrix`]), and serde reads every cell of the matrix from it
//! ([`decode`]), so that any fault is shown in the text it comes from ([`error`]).

mod arm;
mod cell;
pub mod checkpoint;
pub mod data;
pub mod decode;
mod document;
pub mod edit;
mod effective;
pub mod error;
mod errors;
pub mod evaluation;
pub mod experiment;
mod factors;
mod fault;
pub mod gate;
mod keys;
pub mod label;
mod load;
pub mod log;
pub mod matrix;
pub mod model;
pub mod node;
pub mod norm;
mod overrides;
pub mod parse;
mod plan;
pub mod schema;
mod sections;
mod settling;
mod snippet;
#[cfg(test)]
mod tests;
pub mod training;
mod trainings;
pub mod tune;

pub use arm::{Arm, Training};
pub use checkpoint::CheckpointConfig;
pub use effective::Config;
pub use error::ConfigError;
pub use errors::ConfigErrors;
pub use experiment::{ConfigFile, Experiment};
pub use factors::{Factor, Factors, is_of_rule, is_within, without_rule};
pub use gate::Gate;
pub use log::LogConfig;
pub use overrides::Overrides;
pub use settling::Settling;
pub use trainings::Trainings;
pub use tune::{Point, Tune};
