//! The network: its layers, how they start, what one step does, and what is kept of it.
//!
//! [`Engine`] is the seam between the trainer and the arithmetic. The trainer names rows and
//! learning rates; an engine gathers, steps and evaluates. [`graph`] is the engine on candle's
//! autograd: readable, on any device, and the reference for any other. [`fused`] is the one that
//! trainings on the CPU run on.

pub mod fused;
pub mod graph;
pub mod init;
pub mod layout;
pub mod probe;
pub mod start;
pub mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Result;

pub use fused::{FusedEngine, Isa, Lacking};
pub use graph::GraphEngine;
pub use layout::Layout;
pub use state::StateDict;

use crate::config::model::ModelConfig;
use crate::config::training::{Loss, TrainingConfig};
use crate::data::Dataset;
use crate::seed::Seed;

/// What every engine is built from.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// Its layers.
    pub model: &'a ModelConfig,
    /// How its weights move.
    pub training: &'a TrainingConfig,
    /// What training makes small.
    pub loss: Loss,
    /// Numbers that it puts out for a row.
    pub outputs: usize,
    /// What it learns from.
    pub data: &'a Arc<Dataset>,
    /// What its random numbers come from.
    pub seed: Seed,
}

/// What an engine runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsOn {
    /// `fused` or `graph`.
    pub engine: &'static str,
    /// The processor's vector instructions: `avx512`, `avx2`, `portable`; `candle` where that is
    /// candle's choice.
    pub instruction_set: &'static str,
    /// Threads, the calling one among them.
    pub threads: usize,
}

/// What the trainer asks of a network.
pub trait Engine {
    /// One step of the optimizer on the mean loss of these rows, at `lr_factor` times its rate.
    ///
    /// # Errors
    /// Where the device fails.
    fn train_batch(&mut self, rows: &[u32], lr_factor: f64) -> Result<()>;

    /// The losses of the examples trained since the last call, added up.
    ///
    /// # Errors
    /// Where the device fails.
    fn take_loss_sum(&mut self) -> Result<f64>;

    /// The raw outputs of these rows in evaluation mode: rows x outputs, row by row. The batches
    /// in which rows are evaluated do not show.
    ///
    /// # Errors
    /// Where the device fails.
    fn evaluate(&mut self, rows: &[u32]) -> Result<Vec<f32>>;

    /// Sets the running statistics to the means over these batches of rows, with the weights as
    /// they are and dropout off (Ioffe & Szegedy 2015, algorithm 2). Asks `go_on` before each batch;
    /// where it says no, the statistics stay as they were, and the answer is `false`.
    ///
    /// # Errors
    /// Where the device fails.
    fn recalibrate(&mut self, batches: &[&[u32]], go_on: &dyn Fn() -> bool) -> Result<bool>;

    /// A copy of all parameters and running statistics.
    ///
    /// # Errors
    /// Where the device fails.
    fn state(&self) -> Result<StateDict>;

    /// Sets all parameters and running statistics.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape, or the device fails.
    fn load(&mut self, state: &StateDict) -> Result<()>;

    /// Processor seconds so far of the threads that compute for it beside the calling one; none where it
    /// shares these with others, or the system does not tell.
    fn helpers_cpu_s(&self) -> Option<f64>;

    /// What it runs on.
    fn runs_on(&self) -> RunsOn;

    /// All that the next step depends on, to the last bit: [`state`](Self::state), what the
    /// optimizer remembers, the counters that pick random numbers, and the losses not yet taken.
    /// Names and types are the engine's own; another engine need not understand them.
    ///
    /// # Errors
    /// Where the device fails.
    fn training_state(&self) -> Result<StateDict>;

    /// Goes back to where [`training_state`](Self::training_state) was asked.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape, or the device fails.
    fn load_training(&mut self, state: &StateDict) -> Result<()>;
}
