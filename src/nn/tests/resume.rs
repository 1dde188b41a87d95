//! A training state is all that the next step depends on.

use super::setup::{
    Kind, Setup, batch_norm, bits, bits_of, fitting, fused_on_inputs, norms as all_norms,
    optimizers, rows,
};
use crate::config::model::{BatchNorm, ModelConfig, Norm, Normalisation, Placement, Statistics};
use crate::config::norm::BatchRenorm;
use crate::config::training::{Adam, Loss, Optimizer, Sgd};
use crate::nn::Engine;

fn norms() -> Vec<Normalisation> {
    let mut norms = vec![batch_norm(Placement::AfterActivation)];
    let others = all_norms().into_iter().filter(|norm| !matches!(norm, Norm::Batch(_)));
    norms.extend(others);
    for statistics in [Statistics::Ema, Statistics::Cumulative, Statistics::Recalibrate] {
        norms.push(Norm::Batch(BatchNorm { statistics, ..BatchNorm::default() }));
        norms.push(Norm::BatchRenorm(BatchRenorm { statistics, ..BatchRenorm::default() }));
    }
    norms.into_iter().map(Normalisation::from).chain(fused_on_inputs()).collect()
}

fn setup(norm: &Normalisation, optimizer: &Optimizer) -> Setup {
    let (hidden, norm) = (fitting(&norm.norm, &[6, 35]), norm.clone());
    let model = ModelConfig { hidden, dropout: 0.3, norm, ..ModelConfig::default() };
    let mut setup = Setup::new(model, Loss::CrossEntropy, 80, 4, 3);
    setup.training.optimizer = optimizer.clone();
    setup.training.clip_norm = Some(1.0);
    setup
}

fn step(engine: &mut dyn Engine, step: u32) {
    engine.train_batch(&rows(10 * step, 10 * step + 10), 0.9).unwrap();
}

#[test]
fn an_engine_goes_on_from_a_training_state_to_the_same_bits() {
    for norm in norms() {
        for optimizer in optimizers() {
            let setup = setup(&norm, &optimizer);
            for kind in Kind::all() {
                let mut whole = setup.build(kind);
                for number in 0..4 {
                    step(whole.as_mut(), number);
                }
                let state = whole.training_state().unwrap();
                let mut resumed = setup.build(kind);
                // What it did before does not matter.
                step(resumed.as_mut(), 7);
                resumed.load_training(&state).unwrap();
                let case = format!("{kind:?} {norm:?} {optimizer:?}");
                assert_eq!(bits(&resumed.training_state().unwrap()), bits(&state), "{case}");
                for number in 4..8 {
                    step(whole.as_mut(), number);
                    step(resumed.as_mut(), number);
                }
                let ends = [whole, resumed].map(|mut engine| {
                    engine.recalibrate(&[&rows(0, 40), &rows(40, 80)], &|| true).unwrap();
                    let state = bits(&engine.training_state().unwrap());
                    (state, bits_of(&engine.evaluate(&rows(0, 80)).unwrap()))
                });
                assert!(ends[0] == ends[1], "{case}");
            }
        }
    }
}

#[test]
fn engines_understand_the_training_states_of_one_another() {
    for norm in norms() {
        for optimizer in optimizers() {
            let setup = setup(&norm, &optimizer);
            for from in Kind::all() {
                let mut engine = setup.build(from);
                step(engine.as_mut(), 0);
                step(engine.as_mut(), 1);
                let by_name = |engine: &dyn Engine| {
                    let mut state = engine.training_state().unwrap();
                    state.tensors.sort_by(|a, b| a.name.cmp(&b.name));
                    state
                };
                let state = by_name(engine.as_ref());
                for to in Kind::all() {
                    let mut engine = setup.build(to);
                    engine.load_training(&state).unwrap();
                    // The same names, shapes and numbers.
                    let same = by_name(engine.as_ref()) == state;
                    assert!(same, "{from:?} {to:?} {norm:?} {optimizer:?}");
                }
            }
        }
    }
}

#[test]
fn a_recalibration_that_is_broken_off_changes_nothing() {
    let norm = Norm::Batch(BatchNorm::default());
    let model = ModelConfig { hidden: vec![6], norm: norm.into(), ..ModelConfig::default() };
    let setup = Setup::new(model, Loss::CrossEntropy, 80, 4, 3);
    for kind in Kind::all() {
        let [mut whole, mut broken] = [(); 2].map(|()| setup.build(kind));
        let asked = std::cell::Cell::new(0);
        let once = || asked.replace(asked.get() + 1) == 0;
        assert!(!broken.recalibrate(&[&rows(0, 10), &rows(10, 80)], &once).unwrap());
        assert_eq!(bits(&broken.state().unwrap()), bits(&whole.state().unwrap()), "{kind:?}");
        for engine in [&mut whole, &mut broken] {
            assert!(engine.recalibrate(&[&rows(20, 80)], &|| true).unwrap());
        }
        assert_eq!(bits(&broken.state().unwrap()), bits(&whole.state().unwrap()), "{kind:?}");
    }
}

#[test]
fn a_state_of_another_optimizer_or_another_shape_is_refused() {
    let with = |optimizer, hidden: usize| {
        let model = ModelConfig { hidden: vec![hidden], ..ModelConfig::default() };
        let mut setup = Setup::new(model, Loss::Mse, 20, 4, 2);
        setup.training.optimizer = optimizer;
        setup
    };
    let sgd = || Optimizer::Sgd(Sgd::default());
    let state = with(sgd(), 6).engine().training_state().unwrap();
    for kind in Kind::all() {
        let adam = with(Optimizer::Adam(Adam::default()), 6);
        let message = adam.build(kind).load_training(&state).unwrap_err().to_string();
        assert!(message.contains("optimizer.0.weight.0"), "{kind:?}: {message}");
        let message = with(sgd(), 5).build(kind).load(&state).unwrap_err().to_string();
        assert!(message.contains("`0.weight`"), "{kind:?}: {message}");
    }
}
