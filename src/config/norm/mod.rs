//! `[model.norm]`: the normalisation of each hidden layer.
//!
//! The settings of a norm are a file beside this one and a line in the list of [`Norm`]. All that
//! others have to know of a norm they ask of [`Norm::settings`], so that nobody else names a kind
//! but the engines, which give each its arithmetic in `nn/graph/norm/` and `nn/fused/norm/`.

mod batch;
mod settings;

pub use self::batch::BatchNorm;
pub use self::settings::{
    Along, EpsPlacement, NormSettings, NormTensor, Placement, RunningStatistics, Statistics,
};
use crate::kinds;
use crate::kinds::NoSettings;

/// A kind of `[model.norm]`: a norm, or none.
pub trait NormKind {
    /// The norm; none where there is none.
    fn settings(&self) -> Option<&dyn NormSettings>;
}

impl<T: NormSettings> NormKind for T {
    fn settings(&self) -> Option<&dyn NormSettings> {
        Some(self)
    }
}

impl NormKind for NoSettings {
    fn settings(&self) -> Option<&dyn NormSettings> {
        None
    }
}

kinds! {
    /// `[model.norm]`: the normalisation of each hidden layer.
    pub enum Norm: "norm", default Some("none"), each a NormKind;
    /// No normalisation
    "none" => None(NoSettings),
    /// Over the batch (Ioffe & Szegedy 2015)
    "batch" => Batch(BatchNorm),
    later ["layer", "group", "rms", "weight", "mean_only_batch", "batch_renorm", "ghost_batch"]
    with keys ["groups", "ghost_size", "r_max", "d_max", "warmup"]
}

/// Keys that other settings of a norm may leave unread, with what is to be known where nothing reads one.
pub const READ_WITH: [(&str, &str); 2] = [
    (
        "model.norm.momentum",
        "`momentum` is read with model.norm.statistics = \"ema\" alone, as the weight of the new batch: \
         Keras's 0.99 is 0.01 here",
    ),
    (
        "model.norm.recalibrate_rows",
        "`recalibrate_rows` is read with model.norm.statistics = \"recalibrate\" alone",
    ),
];

impl Norm {
    /// What there is to know of the norm; none where there is none.
    #[must_use]
    pub fn settings(&self) -> Option<&dyn NormSettings> {
        self.inner().settings()
    }
}
