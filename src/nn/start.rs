//! Where a training starts.

use anyhow::Result;

use super::graph::GraphEngine;
use super::init::initial_state;
use super::layout::Layout;
use super::{Network, StateDict};

/// What an engine is loaded with before the first step, as a training state where data had a say in it and as the
/// tensors of a weights file else.
///
/// # Errors
/// Where the arithmetic of the layers fails.
pub fn start(network: &Network) -> Result<StateDict> {
    if network.model.starts_from_data() {
        GraphEngine::start_from_data(network)
    } else {
        Ok(initial_state(&Layout::of(network), &network.model.init.init, network.seed))
    }
}
