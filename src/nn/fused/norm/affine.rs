//! Scale and shift behind a norm, whichever it is.

use crate::config::norm::NormTensor;
use crate::config::training::Optimizer;
use crate::nn::fused::parameter::Parameter;
use bnes_kernels::PANEL;

/// Those of a panel of units.
pub struct Affine {
    /// 1 where the norm has none: nothing moves it.
    pub scale: Parameter,
    /// 0 where the norm has none.
    pub shift: Parameter,
    /// Which of both the norm has.
    learned: Vec<NormTensor>,
}

impl Affine {
    /// Of a norm with these tensors, scale 1 and shift 0.
    pub fn new(tensors: &[NormTensor], optimizer: &Optimizer) -> Self {
        let parameter = |start: f32| {
            let mut parameter = Parameter::new(PANEL, optimizer, false, true);
            parameter.values.fill(start);
            parameter
        };
        let learned = tensors.iter().copied().filter(|tensor| tensor.is_parameter());
        Self { scale: parameter(1.0), shift: parameter(0.0), learned: learned.collect() }
    }

    /// Both; none where the norm has neither.
    pub fn learned(&self) -> Option<(&[f32], &[f32])> {
        (!self.learned.is_empty()).then(|| self.values())
    }

    /// Both.
    pub fn values(&self) -> (&[f32], &[f32]) {
        (&self.scale.values, &self.shift.values)
    }

    /// The scale or the shift.
    pub fn parameter(&self, tensor: NormTensor) -> &Parameter {
        if tensor == NormTensor::Scale { &self.scale } else { &self.shift }
    }

    /// The same, to be moved.
    pub fn parameter_mut(&mut self, tensor: NormTensor) -> &mut Parameter {
        if tensor == NormTensor::Scale { &mut self.scale } else { &mut self.shift }
    }

    /// Each that the norm has, to be moved.
    pub fn each(&mut self) -> impl Iterator<Item = &mut Parameter> {
        let Self { scale, shift, learned } = self;
        let both = [(NormTensor::Scale, scale), (NormTensor::Shift, shift)];
        both.into_iter().filter(|(tensor, _)| learned.contains(tensor)).map(|(_, own)| own)
    }
}
