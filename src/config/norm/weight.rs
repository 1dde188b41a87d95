//! `weight`: each unit's weights are a length times a direction (Salimans & Kingma 2016).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{Along, Circumstances, NormSettings, NormTensor, Remark};

/// Settings of `weight`: there are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeightNorm {}

impl NormSettings for WeightNorm {
    fn along(&self) -> Along {
        Along::Weights
    }

    fn centres(&self) -> bool {
        false
    }

    fn tensors(&self) -> Vec<NormTensor> {
        Vec::new()
    }

    fn remarks(&self, training: &Circumstances) -> Vec<Remark> {
        of_decay(training)
    }
}

/// That weight decay works on lengths.
pub(super) fn of_decay(training: &Circumstances) -> Vec<Remark> {
    if training.weight_decay == 0.0 {
        return Vec::new();
    }
    vec![Remark {
        is_warning: false,
        key: "training.optimizer.weight_decay",
        message: "weight decay makes the lengths `g` of normalised weights smaller: on their directions it would change no weight, only how fast they turn".to_owned(),
        help: "",
    }]
}
