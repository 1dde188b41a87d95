//! Each row by statistics of its own, over groups of its units: layer, group and RMS norm.

use candle_core::{Result, Tensor};

use super::normalise::{Normalise, sd};
use super::pass::Pass;
use crate::config::norm::ByRow;

/// (x - mean) / sd of each group of a row, or x / root mean square.
pub struct RowNorm(pub ByRow);

impl Normalise for RowNorm {
    fn train(&mut self, x: &Tensor, _: Pass) -> Result<Tensor> {
        self.evaluate(x)
    }

    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let ByRow { groups, centres, eps, eps_placement } = self.0;
        let (rows, units) = x.dims2()?;
        let grouped = x.reshape((rows, groups, units / groups))?;
        let centred =
            if centres { grouped.broadcast_sub(&grouped.mean_keepdim(2)?)? } else { grouped };
        let var = centred.sqr()?.mean_keepdim(2)?;
        centred.broadcast_div(&sd(&var, eps, eps_placement)?)?.reshape((rows, units))
    }
}
