//! Optimizers against reference figures.

use crate::config::model::ModelConfig;
use crate::config::training::{Adam, Loss, Optimizer, RmsProp, Sgd};
use crate::nn::fused::parameter::{Parameter, Steps};
use crate::nn::tests::golden::{self, Optimizers, assert_close};
use crate::nn::tests::setup::{Kind, Setup, rows};
use bnes_kernels::buffer::Buffer;
use bnes_kernels::{Isa, PANEL};

#[allow(clippy::cast_possible_truncation)] // as all arithmetic of the engine
fn set(place: &mut Buffer, values: &[f64]) {
    values.iter().zip(place.iter_mut()).for_each(|(value, place)| *place = *value as f32);
}

#[test]
fn optimizers_hold_to_the_reference_step_by_step() {
    let Optimizers { p0, grads, runs } = Optimizers::get();
    for isa in Isa::available() {
        for (name, run) in &runs {
            let optimizer = golden::optimizer(name, &run.params);
            let mut parameter = Parameter::new(PANEL, &optimizer, true, true);
            set(&mut parameter.values, &p0);
            for (number, (gradient, after)) in (1..).zip(grads.iter().zip(&run.after_each_step)) {
                set(&mut parameter.gradient, gradient);
                parameter.step(isa, &Steps::new(&optimizer, 1.0, number), 1.0, PANEL);
                let values: Vec<f64> = parameter.values.iter().map(|v| f64::from(*v)).collect();
                assert_close(&format!("{isa:?} {name}"), &values[..p0.len()], after, 1e-5);
                // Columns that there are not stay 0.
                assert!(values[p0.len()..].iter().all(|value| *value == 0.0), "{isa:?} {name}");
            }
        }
    }
}

#[test]
fn a_gradient_whose_square_is_infinite_leaves_a_weight_where_it_is() {
    let optimizers = [Optimizer::Adam(Adam::default()), Optimizer::RmsProp(RmsProp::default())];
    for isa in Isa::available() {
        for optimizer in &optimizers {
            let mut parameter = Parameter::new(PANEL, optimizer, true, true);
            parameter.values.fill(1.0);
            parameter.gradient.fill(1e25);
            for number in 1..4 {
                parameter.step(isa, &Steps::new(optimizer, 1.0, number), 1.0, PANEL);
            }
            assert!(parameter.values.iter().all(|value| *value == 1.0), "{isa:?} {optimizer:?}");
        }
    }
}

#[test]
fn a_step_along_a_clipped_gradient_is_as_long_as_the_limit_says() {
    let mut setup = Setup::new(ModelConfig::default(), Loss::CrossEntropy, 20, 4, 3);
    setup.training.optimizer = Optimizer::Sgd(Sgd { lr: 1.0, ..Sgd::default() });
    setup.training.clip_norm = Some(0.01);
    for kind in Kind::all() {
        let mut engine = setup.build(kind);
        let before = engine.state().unwrap();
        engine.train_batch(&rows(0, 20), 1.0).unwrap();
        let after = engine.state().unwrap();
        let mut squares = 0.0;
        for tensor in &before.tensors {
            let [before, after] =
                [&before, &after].map(|state| state.floats(&tensor.name, &tensor.shape).unwrap());
            let moved = before.iter().zip(after).map(|(b, a)| f64::from(b - a).powi(2));
            squares += moved.sum::<f64>();
        }
        assert!((squares.sqrt() - 0.01).abs() < 1e-5, "{kind:?}: {}", squares.sqrt());
    }
}
