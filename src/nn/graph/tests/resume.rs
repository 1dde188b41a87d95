//! A training state is all that the next step depends on.

use super::setup::{Setup, batch_norm, rows};
use crate::kinds::NoSettings;
use crate::nn::Engine;
use crate::nn::state::{StateDict, TensorData};
use crate::spec::model::{BatchNorm, ModelSpec, Norm, Placement, Statistics};
use crate::spec::training::{Adam, Loss, Optimizer, RmsProp, Rprop, Sgd};

fn optimizers() -> Vec<Optimizer> {
    vec![
        Optimizer::Adam(Adam { weight_decay: 0.01, ..Adam::default() }),
        Optimizer::AdamW(Adam { weight_decay: 0.01, ..Adam::default() }),
        Optimizer::Sgd(Sgd::default()),
        Optimizer::Sgd(Sgd { momentum: 0.9, nesterov: true, ..Sgd::default() }),
        Optimizer::RmsProp(RmsProp::default()),
        Optimizer::Rprop(Rprop::default()),
    ]
}

fn norms() -> Vec<Norm> {
    let mut norms = vec![Norm::None(NoSettings {}), batch_norm(Placement::AfterActivation)];
    for statistics in [Statistics::Ema, Statistics::Cumulative, Statistics::Recalibrate] {
        norms.push(Norm::Batch(BatchNorm { statistics, ..BatchNorm::default() }));
    }
    norms
}

/// Every bit of every tensor, by name.
fn bits(state: &StateDict) -> Vec<(String, Vec<u64>)> {
    let tensors = state.tensors.iter().map(|tensor| {
        let bits = match &tensor.data {
            TensorData::F32(values) => values.iter().map(|v| u64::from(v.to_bits())).collect(),
            TensorData::F64(values) => values.iter().map(|v| v.to_bits()).collect(),
            TensorData::I64(values) => values.iter().map(|v| v.cast_unsigned()).collect(),
        };
        (tensor.name.clone(), bits)
    });
    tensors.collect()
}

#[test]
fn an_engine_goes_on_from_a_training_state_to_the_same_bits() {
    for norm in norms() {
        for optimizer in optimizers() {
            let model = ModelSpec {
                hidden: vec![6, 5],
                dropout: 0.3,
                norm: norm.clone(),
                ..ModelSpec::default()
            };
            let mut setup = Setup::new(model, Loss::CrossEntropy, 80, 4, 3);
            setup.training.optimizer = optimizer.clone();
            setup.training.clip_norm = Some(1.0);
            let step = |engine: &mut dyn Engine, step: u32| {
                engine.train_batch(&rows(10 * step, 10 * step + 10), 0.9).unwrap();
            };
            let mut whole = setup.engine();
            for number in 0..4 {
                step(&mut whole, number);
            }
            let state = whole.training_state().unwrap();
            let mut resumed = setup.engine();
            // What it did before does not matter.
            step(&mut resumed, 7);
            resumed.load_training(&state).unwrap();
            let case = format!("{norm:?} {optimizer:?}");
            assert_eq!(bits(&resumed.training_state().unwrap()), bits(&state), "{case}");
            for number in 4..8 {
                step(&mut whole, number);
                step(&mut resumed, number);
            }
            let ends = [&mut whole, &mut resumed].map(|engine| {
                engine.recalibrate(&[&rows(0, 40), &rows(40, 80)], &|| true).unwrap();
                (bits(&engine.training_state().unwrap()), engine.evaluate(&rows(0, 80)).unwrap())
            });
            assert!(ends[0] == ends[1], "{case}");
        }
    }
}

#[test]
fn a_recalibration_that_is_broken_off_changes_nothing() {
    let norm = Norm::Batch(BatchNorm::default());
    let model = ModelSpec { hidden: vec![6], norm, ..ModelSpec::default() };
    let setup = Setup::new(model, Loss::CrossEntropy, 80, 4, 3);
    let [mut whole, mut broken] = [(); 2].map(|()| setup.engine());
    let asked = std::cell::Cell::new(0);
    let once = || asked.replace(asked.get() + 1) == 0;
    assert!(!broken.recalibrate(&[&rows(0, 10), &rows(10, 80)], &once).unwrap());
    assert_eq!(bits(&broken.state().unwrap()), bits(&whole.state().unwrap()));
    for engine in [&mut whole, &mut broken] {
        assert!(engine.recalibrate(&[&rows(20, 80)], &|| true).unwrap());
    }
    assert_eq!(bits(&broken.state().unwrap()), bits(&whole.state().unwrap()));
}

#[test]
fn a_state_of_another_optimizer_is_refused() {
    let mut setup = Setup::new(ModelSpec::default(), Loss::Mse, 20, 4, 2);
    setup.training.optimizer = Optimizer::Sgd(Sgd::default());
    let state = setup.engine().training_state().unwrap();
    setup.training.optimizer = Optimizer::Adam(Adam::default());
    let message = setup.engine().load_training(&state).unwrap_err().to_string();
    assert!(message.contains("optimizer.0.weight.0"), "{message}");
}
