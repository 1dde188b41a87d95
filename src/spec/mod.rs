//! The config file as checked types: TOML or JSON in, an [`Experiment`] out.

pub mod data;
pub mod experiment;
pub mod model;
pub mod norm;
pub mod training;

pub use experiment::{
    Arm, ConfigFile, Experiment, Factor, Factors, Overrides, PlannedTraining, Trajectory,
};
