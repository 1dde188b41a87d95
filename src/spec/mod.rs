//! The config file as checked types: TOML or JSON in, an [`Experiment`] out.
//!
//! A text becomes a tree that remembers where each value was written ([`parse`]), `--set` and the
//! matrix edit that tree ([`edit`], [`matrix`]), and serde reads every cell of the matrix from it
//! ([`decode`]), so that any fault is shown in the text it comes from ([`error`]).

mod cell;
pub mod checkpoint;
pub mod data;
pub mod decode;
mod document;
pub mod edit;
pub mod error;
pub mod evaluation;
pub mod experiment;
mod fault;
mod keys;
pub mod label;
mod load;
pub mod matrix;
pub mod model;
pub mod node;
pub mod norm;
pub mod parse;
mod plan;
mod snippet;
#[cfg(test)]
mod tests;
pub mod training;
pub mod tune;

pub use checkpoint::CheckpointSpec;
pub use error::ConfigError;
pub use experiment::{
    Arm, ConfigFile, Experiment, Factor, Factors, Overrides, PlannedTraining, Trajectory,
    is_of_rule, is_within, without_rule,
};
pub use tune::{Point, Tune};
