//! Optimizers as candle tensor operations, with `PyTorch`'s update rules.

use candle_core::{Result, Tensor, Var};

use super::tensors::{from_floats, to_floats};
use crate::config::training::{Adam, Optimizer as Settings, RmsProp, Rprop, Sgd};
use crate::nn::state::StateDict;

/// A parameter and what the optimizer remembers of it.
struct Slot {
    var: Var,
    /// Whether weight decay applies: to weights of linear layers alone.
    decays: bool,
    /// Adam: mean, mean square. SGD: velocity. `RMSprop`: mean square. Rprop: last gradient, step.
    memory: Vec<Tensor>,
}

/// Moves parameters along their gradients.
pub struct Optimizer {
    settings: Settings,
    clip_norm: Option<f64>,
    slots: Vec<Slot>,
    steps: i32,
}

impl Optimizer {
    /// For these parameters; the flag says whether weight decay applies.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(
        settings: &Settings,
        clip_norm: Option<f64>,
        parameters: Vec<(Var, bool)>,
    ) -> Result<Self> {
        let slots = parameters.into_iter().map(|(var, decays)| {
            let memory = match settings {
                Settings::Adam(_) | Settings::AdamW(_) => vec![var.zeros_like()?; 2],
                Settings::Sgd(sgd) if sgd.momentum > 0.0 => vec![var.zeros_like()?],
                Settings::Sgd(_) => vec![],
                Settings::RmsProp(_) => vec![var.zeros_like()?],
                Settings::Rprop(rprop) => {
                    vec![var.zeros_like()?, (var.ones_like()? * rprop.lr)?]
                }
            };
            Ok(Slot { var, decays, memory })
        });
        let slots = slots.collect::<Result<_>>()?;
        Ok(Self { settings: settings.clone(), clip_norm, slots, steps: 0 })
    }

    /// One step along `gradients`, one per parameter, at `lr_factor` times the learning rate.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn step(&mut self, gradients: &[Tensor], lr_factor: f64) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let scale = self.clip_norm.map(|limit| clip_scale(gradients, limit)).transpose()?;
        for (slot, gradient) in self.slots.iter_mut().zip(gradients) {
            let gradient = match &scale {
                Some(scale) => gradient.broadcast_mul(scale)?,
                None => gradient.clone(),
            };
            match &self.settings {
                Settings::Adam(adam) => slot.adam(adam, gradient, lr_factor, self.steps, false)?,
                Settings::AdamW(adam) => slot.adam(adam, gradient, lr_factor, self.steps, true)?,
                Settings::Sgd(sgd) => slot.sgd(sgd, gradient, lr_factor, self.steps)?,
                Settings::RmsProp(rmsprop) => slot.rmsprop(rmsprop, gradient, lr_factor)?,
                Settings::Rprop(rprop) => slot.rprop(rprop, gradient, lr_factor)?,
            }
        }
        Ok(())
    }

    /// Writes what it remembers; `names` are those of the parameters.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn save(
        &self,
        names: impl Iterator<Item = String>,
        state: &mut StateDict,
    ) -> anyhow::Result<()> {
        state.push_count(STEPS.to_owned(), i64::from(self.steps));
        for (slot, name) in self.slots.iter().zip(names) {
            for (index, memory) in slot.memory.iter().enumerate() {
                state.push(memory_name(&name, index), memory.dims(), to_floats(memory)?);
            }
        }
        Ok(())
    }

    /// Reads what it remembered; `names` are those of the parameters.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape, or the device fails.
    pub fn load(
        &mut self,
        names: impl Iterator<Item = String>,
        state: &StateDict,
    ) -> anyhow::Result<()> {
        self.steps = i32::try_from(state.count(STEPS)?)?;
        for (slot, name) in self.slots.iter_mut().zip(names) {
            for (index, memory) in slot.memory.iter_mut().enumerate() {
                let values = state.floats(&memory_name(&name, index), memory.dims())?;
                *memory = from_floats(values, memory.shape(), &memory.clone())?;
            }
        }
        Ok(())
    }
}

/// The name of the optimizer's step counter.
const STEPS: &str = "optimizer.steps";

fn memory_name(parameter: &str, index: usize) -> String {
    format!("optimizer.{parameter}.{index}")
}

/// min(1, limit / (norm + 1e-6)) with the Euclidean norm over all gradients, as
/// `torch.nn.utils.clip_grad_norm_`; stays on the device.
fn clip_scale(gradients: &[Tensor], limit: f64) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for gradient in gradients {
        let square = gradient.sqr()?.sum_all()?;
        sum = Some(match sum {
            Some(sum) => (sum + square)?,
            None => square,
        });
    }
    let Some(sum) = sum else { candle_core::bail!("a model without parameters") };
    let scale = ((sum.sqrt()? + 1e-6)?.recip()? * limit)?;
    scale.minimum(1.0)
}

impl Slot {
    /// Weight decay as a part of the gradient.
    fn with_decay(&self, gradient: Tensor, decay: f64) -> Result<Tensor> {
        if self.decays && decay > 0.0 {
            // Detached: what enters the memory would else keep the graph of every step before it.
            gradient + (self.var.as_detached_tensor() * decay)?
        } else {
            Ok(gradient)
        }
    }

    /// Moves the parameter by minus `step`.
    fn subtract(&self, step: Tensor) -> Result<()> {
        self.var.set(&(self.var.as_tensor() - step)?)
    }

    fn adam(
        &mut self,
        settings: &Adam,
        gradient: Tensor,
        lr_factor: f64,
        steps: i32,
        decoupled: bool,
    ) -> Result<()> {
        let lr = settings.lr * lr_factor;
        let gradient = if decoupled {
            if self.decays && settings.weight_decay > 0.0 {
                self.var.set(&(self.var.as_tensor() * (1.0 - lr * settings.weight_decay))?)?;
            }
            gradient
        } else {
            self.with_decay(gradient, settings.weight_decay)?
        };
        let (beta1, beta2) = (settings.beta1, settings.beta2);
        self.memory[0] = ((&self.memory[0] * beta1)? + (&gradient * (1.0 - beta1))?)?;
        self.memory[1] = ((&self.memory[1] * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let bias1 = 1.0 - beta1.powi(steps);
        let bias2 = 1.0 - beta2.powi(steps);
        let denominator = ((self.memory[1].sqrt()? / bias2.sqrt())? + settings.eps)?;
        self.subtract(((&self.memory[0] / denominator)? * (lr / bias1))?)
    }

    fn sgd(&mut self, settings: &Sgd, gradient: Tensor, lr_factor: f64, steps: i32) -> Result<()> {
        let gradient = self.with_decay(gradient, settings.weight_decay)?;
        let mut direction = gradient.clone();
        if let Some(velocity) = self.memory.first_mut() {
            if steps > 1 {
                direction = ((&*velocity * settings.momentum)? + &gradient)?;
            }
            *velocity = direction.clone();
            if settings.nesterov {
                direction = (gradient + (direction * settings.momentum)?)?;
            }
        }
        self.subtract((direction * (settings.lr * lr_factor))?)
    }

    fn rmsprop(&mut self, settings: &RmsProp, gradient: Tensor, lr_factor: f64) -> Result<()> {
        let gradient = self.with_decay(gradient, settings.weight_decay)?;
        let alpha = settings.alpha;
        self.memory[0] = ((&self.memory[0] * alpha)? + (gradient.sqr()? * (1.0 - alpha))?)?;
        let denominator = (self.memory[0].sqrt()? + settings.eps)?;
        self.subtract(((gradient / denominator)? * (settings.lr * lr_factor))?)
    }

    /// A parameter whose gradient changed sign stays for this step and forgets the gradient.
    fn rprop(&mut self, settings: &Rprop, gradient: Tensor, lr_factor: f64) -> Result<()> {
        let gradient = self.with_decay(gradient, settings.weight_decay)?;
        let agreement = (&gradient * &self.memory[0])?;
        let kept = agreement.gt(0.0)?.to_dtype(gradient.dtype())?;
        let reversed = agreement.lt(0.0)?.to_dtype(gradient.dtype())?;
        let factor =
            ((&kept * (settings.eta_plus - 1.0))? + (&reversed * (settings.eta_minus - 1.0))?)?;
        let step = (&self.memory[1] * (factor + 1.0)?)?
            .maximum(settings.step_min)?
            .minimum(settings.step_max)?;
        let gradient = (gradient * (1.0 - reversed)?)?;
        self.subtract((gradient.sign()? * (&step * lr_factor)?)?)?;
        self.memory[0] = gradient;
        self.memory[1] = step;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn what_an_optimizer_remembers_holds_no_graph() {
        let settings = [
            Settings::Adam(Adam { weight_decay: 0.1, ..Adam::default() }),
            Settings::AdamW(Adam { weight_decay: 0.1, ..Adam::default() }),
            Settings::Sgd(Sgd { weight_decay: 0.1, momentum: 0.9, ..Sgd::default() }),
            Settings::RmsProp(RmsProp { weight_decay: 0.1, ..RmsProp::default() }),
            Settings::Rprop(Rprop { weight_decay: 0.1, ..Rprop::default() }),
        ];
        for settings in settings {
            let var = Var::ones(3, DType::F32, &Device::Cpu).unwrap();
            let mut optimizer = Optimizer::new(&settings, Some(1.0), vec![(var, true)]).unwrap();
            for _ in 0..2 {
                let gradient = Tensor::ones(3, DType::F32, &Device::Cpu).unwrap();
                optimizer.step(&[gradient], 1.0).unwrap();
            }
            let memory = &optimizer.slots[0].memory;
            assert!(memory.iter().all(|tensor| !tensor.track_op()), "{settings:?}");
        }
    }
}
