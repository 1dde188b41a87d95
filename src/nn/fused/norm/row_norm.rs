//! Norms of each row by itself: a phase of a layer of its own, in which threads share rows.

use crate::config::norm::ByRow as Settings;
use crate::nn::fused::norm::panel_norm::division;
use bnes_kernels::by_row::ByRow;

/// The norm of a layer of so many units, as its kernels have it.
pub fn by_row(settings: Settings, units: usize) -> ByRow {
    let Settings { groups, centres, eps, eps_placement } = settings;
    ByRow { settings: division(eps, eps_placement), units, groups, centres }
}
