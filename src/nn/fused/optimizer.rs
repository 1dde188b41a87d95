//! The settings of an optimizer as the constants of its steps, with `PyTorch`'s update rules.

use bnes_kernels::update::{self, Step};

use crate::config::training::Optimizer;

/// Step number `steps` (from 1) at `lr_factor` times the learning rate.
#[allow(clippy::cast_possible_truncation)] // constants are rounded to f32 once
pub fn step(settings: &Optimizer, lr_factor: f64, steps: i32) -> Step {
    match settings {
        Optimizer::Adam(adam) | Optimizer::AdamW(adam) => {
            let lr = adam.lr * lr_factor;
            let constants = update::Adam {
                rate: (lr / (1.0 - adam.beta1.powi(steps))) as f32,
                beta1: adam.beta1 as f32,
                beta1_rest: (1.0 - adam.beta1) as f32,
                beta2: adam.beta2 as f32,
                beta2_rest: (1.0 - adam.beta2) as f32,
                correction: (1.0 / (1.0 - adam.beta2.powi(steps)).sqrt()) as f32,
                eps: adam.eps as f32,
            };
            if adam.weight_decay == 0.0 {
                return Step::Adam(constants);
            }
            let decoupled = matches!(settings, Optimizer::AdamW(_));
            Step::DecayingAdam(update::DecayingAdam {
                adam: constants,
                decay: if decoupled { 0.0 } else { adam.weight_decay as f32 },
                keep: if decoupled { (1.0 - lr * adam.weight_decay) as f32 } else { 1.0 },
            })
        }
        Optimizer::Sgd(sgd) => {
            let first = steps <= 1;
            let momentum = sgd.momentum as f32;
            let nesterov = sgd.nesterov && sgd.momentum > 0.0;
            Step::Sgd(update::Sgd {
                rate: (sgd.lr * lr_factor) as f32,
                decay: sgd.weight_decay as f32,
                momentum: if first { 0.0 } else { momentum },
                along_velocity: if nesterov { momentum } else { 1.0 },
                along_gradient: if nesterov { 1.0 } else { 0.0 },
            })
        }
        Optimizer::RmsProp(rmsprop) => Step::RmsProp(update::RmsProp {
            rate: (rmsprop.lr * lr_factor) as f32,
            decay: rmsprop.weight_decay as f32,
            alpha: rmsprop.alpha as f32,
            alpha_rest: (1.0 - rmsprop.alpha) as f32,
            eps: rmsprop.eps as f32,
        }),
        Optimizer::Rprop(rprop) => Step::Rprop(update::Rprop {
            factor: lr_factor as f32,
            decay: rprop.weight_decay as f32,
            eta_minus: rprop.eta_minus as f32,
            eta_plus: rprop.eta_plus as f32,
            step_min: rprop.step_min as f32,
            step_max: rprop.step_max as f32,
        }),
    }
}

/// What each parameter's memory starts from: one entry per number that an optimizer remembers of it.
#[allow(clippy::cast_possible_truncation)] // parameters are f32
pub fn memory(settings: &Optimizer) -> Vec<f32> {
    match settings {
        Optimizer::Adam(_) | Optimizer::AdamW(_) => vec![0.0; 2],
        Optimizer::Sgd(sgd) if sgd.momentum > 0.0 => vec![0.0],
        Optimizer::Sgd(_) => Vec::new(),
        Optimizer::RmsProp(_) => vec![0.0],
        Optimizer::Rprop(rprop) => vec![0.0, rprop.lr as f32],
    }
}
