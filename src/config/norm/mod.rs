//! `[model.norm]`: the normalisation of hidden layers and of inputs.
//!
//! The settings of a norm are a file beside this one and a line in the list of [`Norm`]. All that
//! others have to know of a norm they ask of [`Norm::settings`], so that nobody else names a kind
//! but the engines, which give each its arithmetic in `nn/graph/norm/` and `nn/fused/norm/`.

mod batch;
mod batch_renorm;
mod ghost_batch;
mod group;
mod layer;
mod mean_only_batch;
mod normalisation;
mod rms;
mod settings;
mod weight;

pub use self::batch::BatchNorm;
pub use self::batch_renorm::BatchRenorm;
pub use self::ghost_batch::GhostBatchNorm;
pub use self::group::GroupNorm;
pub use self::layer::LayerNorm;
pub use self::mean_only_batch::MeanOnlyBatchNorm;
pub use self::normalisation::{Normalisation, Sites};
pub use self::rms::RmsNorm;
pub use self::settings::{
    Along, ByRow, Circumstances, EpsPlacement, NormSettings, NormTensor, Placement, Remark,
    Running, RunningStatistics, Statistics, Unfit,
};
pub use self::weight::WeightNorm;
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
    /// What normalises, or that nothing does.
    pub enum Norm: "norm", default Some("none"), each a NormKind;
    /// No normalisation
    "none" => None(NoSettings),
    /// Over the batch (Ioffe & Szegedy 2015)
    "batch" => Batch(BatchNorm),
    /// Each row over its units (Ba et al. 2016)
    "layer" => Layer(LayerNorm),
    /// Each row over groups of its units (Wu & He 2018)
    "group" => Group(GroupNorm),
    /// Each row by its root mean square (Zhang & Sennrich 2019)
    "rms" => Rms(RmsNorm),
    /// The weights of each unit (Salimans & Kingma 2016)
    "weight" => Weight(WeightNorm),
    /// The mean over the batch alone (Salimans & Kingma 2016)
    "mean_only_batch" => MeanOnlyBatch(MeanOnlyBatchNorm),
    /// Over the batch, corrected towards running statistics (Ioffe 2017)
    "batch_renorm" => BatchRenorm(BatchRenorm),
    /// Over chunks of the batch (Hoffer et al. 2017)
    "ghost_batch" => GhostBatch(GhostBatchNorm),
    later [] with keys []
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
