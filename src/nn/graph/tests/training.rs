//! Steps, recalibration, states.

use candle_core::{DType, Tensor};

use super::{assert_close, elements};
use crate::config::model::{Activation, BatchNorm, ModelConfig, Norm, Placement, Statistics};
use crate::config::training::{Adam, Loss, Optimizer, RmsProp, Rprop, Sgd};
use crate::data::{Inputs, RowChunks};
use crate::kinds::NoSettings;
use crate::nn::Engine;
use crate::nn::graph::{GraphEngine, Pass};
use crate::nn::state::TensorData;
use crate::nn::tests::setup::{
    Setup, batch_norm, classes, dataset, fitting, norms, rows, scattered,
};
use crate::seed::Seed;

#[test]
fn weight_decay_moves_the_weights_of_linear_layers_alone() {
    let kinds: [fn(f64) -> Optimizer; 5] = [
        |weight_decay| Optimizer::Adam(Adam { weight_decay, ..Adam::default() }),
        |weight_decay| Optimizer::AdamW(Adam { weight_decay, ..Adam::default() }),
        |weight_decay| Optimizer::Sgd(Sgd { weight_decay, momentum: 0.9, ..Sgd::default() }),
        |weight_decay| Optimizer::RmsProp(RmsProp { weight_decay, ..RmsProp::default() }),
        |weight_decay| Optimizer::Rprop(Rprop { weight_decay, ..Rprop::default() }),
    ];
    let norm = batch_norm(Placement::AfterActivation);
    let model = ModelConfig { hidden: vec![6, 5], norm: norm.into(), ..ModelConfig::default() };
    for kind in kinds {
        let [without, with] = [0.0, 100.0].map(|weight_decay| {
            let mut setup = Setup::new(model.clone(), Loss::CrossEntropy, 20, 4, 3);
            setup.training.optimizer = kind(weight_decay);
            let mut engine = setup.engine();
            let state = scattered(engine.state().unwrap());
            engine.load(&state).unwrap();
            engine.train_batch(&rows(0, 20), 1.0).unwrap();
            engine.state().unwrap()
        });
        for (without, with) in without.tensors.iter().zip(&with.tensors) {
            let decays = without.shape.len() == 2;
            assert_eq!(without != with, decays, "{:?} `{}`", kind(100.0), without.name);
        }
    }
}

#[test]
fn decoupled_decay_shrinks_weights_by_its_share_whatever_the_gradient() {
    let mut setup = Setup::new(ModelConfig::default(), Loss::CrossEntropy, 20, 4, 3);
    let start = setup.engine_in(DType::F64);
    let [without, with] = [0.0, 50.0].map(|weight_decay| {
        let adam = Adam { weight_decay, lr: 1e-3, ..Adam::default() };
        setup.training.optimizer = Optimizer::AdamW(adam);
        let mut engine = setup.engine_in(DType::F64);
        engine.train_batch(&rows(0, 20), 0.5).unwrap();
        engine
    });
    for ((start, without), with) in start.layers.iter().zip(&without.layers).zip(&with.layers) {
        let [start, without] = [start, without].map(|layer| elements(layer.weight.in_effect()));
        let expected =
            without.iter().zip(start).map(|(moved, start)| moved - 0.5e-3 * 50.0 * start);
        assert_close("weights", with.weight.in_effect(), &expected.collect::<Vec<_>>(), 1e-12);
    }
}

#[test]
fn a_loaded_state_gives_the_same_outputs_and_the_same_state_bit_for_bit() {
    for norm in norms() {
        let hidden = fitting(&norm, &[6, 5]);
        let model =
            ModelConfig { hidden, dropout: 0.2, norm: norm.into(), ..ModelConfig::default() };
        let mut setup = Setup::new(model, Loss::CrossEntropy, 40, 4, 3);
        let mut trained = setup.engine();
        for _ in 0..3 {
            trained.train_batch(&rows(0, 32), 1.0).unwrap();
        }
        let state = trained.state().unwrap();
        setup.seed = Seed(77);
        let mut fresh = setup.engine();
        assert_ne!(fresh.state().unwrap(), state);
        fresh.load(&state).unwrap();
        assert_eq!(fresh.state().unwrap(), state);
        let [one, two] = [&mut trained, &mut fresh].map(|engine| {
            engine.evaluate(&rows(0, 40)).unwrap().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert_eq!(one, two);
    }
}

#[test]
fn a_state_has_the_names_and_shapes_of_a_sequential() {
    let named = |norm: Norm| {
        let model = ModelConfig { hidden: vec![6, 5], norm: norm.into(), ..ModelConfig::default() };
        let state = Setup::new(model, Loss::CrossEntropy, 9, 4, 3).engine().state().unwrap();
        let named = state.tensors.into_iter().map(|tensor| (tensor.name, tensor.shape));
        named.collect::<Vec<_>>()
    };
    let expect = |names: &[(&str, &[usize])]| -> Vec<(String, Vec<usize>)> {
        names.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
    };
    let plain = expect(&[
        ("0.weight", &[6, 4]),
        ("0.bias", &[6]),
        ("2.weight", &[5, 6]),
        ("2.bias", &[5]),
        ("4.weight", &[3, 5]),
        ("4.bias", &[3]),
    ]);
    assert_eq!(named(Norm::None(NoSettings {})), plain);
    let before = expect(&[
        ("0.weight", &[6, 4]),
        ("1.weight", &[6]),
        ("1.bias", &[6]),
        ("1.running_mean", &[6]),
        ("1.running_var", &[6]),
        ("1.num_batches_tracked", &[]),
        ("3.weight", &[5, 6]),
        ("4.weight", &[5]),
        ("4.bias", &[5]),
        ("4.running_mean", &[5]),
        ("4.running_var", &[5]),
        ("4.num_batches_tracked", &[]),
        ("6.weight", &[3, 5]),
        ("6.bias", &[3]),
    ]);
    assert_eq!(named(batch_norm(Placement::BeforeActivation)), before);
    let not_affine =
        BatchNorm { placement: Placement::AfterActivation, affine: false, ..BatchNorm::default() };
    let after = expect(&[
        ("0.weight", &[6, 4]),
        ("0.bias", &[6]),
        ("2.running_mean", &[6]),
        ("2.running_var", &[6]),
        ("2.num_batches_tracked", &[]),
        ("3.weight", &[5, 6]),
        ("3.bias", &[5]),
        ("5.running_mean", &[5]),
        ("5.running_var", &[5]),
        ("5.num_batches_tracked", &[]),
        ("6.weight", &[3, 5]),
        ("6.bias", &[3]),
    ]);
    assert_eq!(named(Norm::Batch(not_affine)), after);
}

#[test]
fn the_loss_sum_is_the_mean_loss_of_each_batch_times_its_rows_and_starts_over() {
    let mut setup = Setup::new(ModelConfig::default(), Loss::CrossEntropy, 20, 4, 3);
    setup.training.optimizer = Optimizer::Sgd(Sgd { lr: 1e-300, ..Sgd::default() });
    let mut engine = setup.engine_in(DType::F64);
    let mut mean =
        |from, to| -> f64 { engine.batch_loss(&rows(from, to)).unwrap().to_scalar().unwrap() };
    let expected = mean(0, 13) * 13.0 + mean(13, 20) * 7.0;
    engine.train_batch(&rows(0, 13), 1.0).unwrap();
    engine.train_batch(&rows(13, 20), 1.0).unwrap();
    assert!((engine.take_loss_sum().unwrap() - expected).abs() < 1e-12);
    assert_eq!(engine.take_loss_sum().unwrap(), 0.0);
}

fn statistics(engine: &GraphEngine, number: usize) -> [Vec<f64>; 2] {
    let state = engine.state().unwrap();
    ["running_mean", "running_var"].map(|name| {
        match &state.get(&format!("{number}.{name}")).unwrap().data {
            TensorData::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            _ => panic!("{name} is of floats"),
        }
    })
}

fn recalibrated(dropout: f64) -> Setup {
    let norm = BatchNorm { statistics: Statistics::Recalibrate, ..BatchNorm::default() };
    let norm = Norm::Batch(norm);
    let model =
        ModelConfig { hidden: vec![6, 5], dropout, norm: norm.into(), ..ModelConfig::default() };
    Setup::new(model, Loss::CrossEntropy, 50, 4, 3)
}

#[test]
fn recalibration_sets_the_means_and_mean_unbiased_variances_of_its_batches() {
    let mut engine = recalibrated(0.0).engine_in(DType::F64);
    engine.train_batch(&rows(0, 20), 1.0).unwrap();
    let before = engine.state().unwrap();
    let batches = [rows(0, 30), rows(30, 50)];
    let weight = elements(engine.layers[0].weight.in_effect());
    let inputs = elements(&engine.data.inputs);
    let (mut mean, mut var) = (vec![0.0; 6], vec![0.0; 6]);
    for batch in &batches {
        #[allow(clippy::cast_precision_loss)] // rows of a batch
        let count = batch.len() as f64;
        for unit in 0..6 {
            let of_row = |row: &u32| -> f64 {
                let row = &inputs[*row as usize * 4..][..4];
                row.iter().zip(&weight[unit * 4..]).map(|(x, w)| x * w).sum()
            };
            let units: Vec<f64> = batch.iter().map(of_row).collect();
            let of_batch = units.iter().sum::<f64>() / count;
            let squares: f64 = units.iter().map(|value| (value - of_batch).powi(2)).sum();
            mean[unit] += of_batch / 2.0;
            var[unit] += squares / (count - 1.0) / 2.0;
        }
    }
    engine.recalibrate(&[&batches[0], &batches[1]], &|| true).unwrap();
    let [actual_mean, actual_var] = statistics(&engine, 1);
    // A state holds them in single precision.
    for (actual, expected) in actual_mean.iter().chain(&actual_var).zip(mean.iter().chain(&var)) {
        assert!((actual - expected).abs() <= 1e-7 * (1.0 + expected.abs()), "{actual} {expected}");
    }
    let after = engine.state().unwrap();
    for (before, after) in before.tensors.iter().zip(&after.tensors) {
        let moves = before.name.contains("running");
        assert_eq!(before != after, moves, "`{}`", before.name);
    }
}

#[test]
fn recalibration_is_without_dropout_and_leaves_the_next_step_as_it_was() {
    let [with, without] = [0.5, 0.0].map(|dropout| {
        let mut engine = recalibrated(dropout).engine();
        engine.recalibrate(&[&rows(0, 50)], &|| true).unwrap();
        engine
    });
    assert_eq!(statistics(&with, 1), statistics(&without, 1));
    // A dropout takes a number in the Sequential.
    assert_eq!(statistics(&with, 5), statistics(&without, 4));

    let [mut plain, mut recalibrated] = [(); 2].map(|()| recalibrated(0.5).engine());
    recalibrated.recalibrate(&[&rows(0, 50)], &|| true).unwrap();
    for engine in [&mut plain, &mut recalibrated] {
        engine.train_batch(&rows(0, 50), 1.0).unwrap();
    }
    assert_eq!(plain.take_loss_sum().unwrap(), recalibrated.take_loss_sum().unwrap());
    assert_eq!(
        elements(plain.layers[0].weight.in_effect()),
        elements(recalibrated.layers[0].weight.in_effect())
    );
}

#[test]
fn after_recalibration_on_one_batch_its_outputs_are_those_of_training_up_to_the_unbiased_factor() {
    let norm = BatchNorm { eps: 1e-12, ..BatchNorm::default() };
    let model = ModelConfig {
        hidden: vec![6],
        activation: Activation::Identity,
        norm: Norm::Batch(norm).into(),
        ..ModelConfig::default()
    };
    let mut engine = Setup::new(model, Loss::CrossEntropy, 50, 4, 3).engine_in(DType::F64);
    let batch = Tensor::from_vec(rows(0, 50), 50, &engine.device).unwrap();
    let inputs = engine.data.inputs(&batch, DType::F64).unwrap();
    let trained = elements(&engine.forward(inputs, Pass::Train).unwrap());
    engine.recalibrate(&[&rows(0, 50)], &|| true).unwrap();
    let evaluated = engine.evaluate(&rows(0, 50)).unwrap();
    // Biases are 0 before the first step, so the outputs are linear in what the norm puts out.
    let factor = (49.0_f64 / 50.0).sqrt();
    for (trained, evaluated) in trained.iter().zip(evaluated) {
        assert!((trained * factor - f64::from(evaluated)).abs() < 1e-6);
    }
}

#[test]
fn losses_in_single_precision_follow_those_in_double_over_twenty_steps() {
    for norm in [Norm::None(NoSettings {}), batch_norm(Placement::BeforeActivation)] {
        let model =
            ModelConfig { hidden: vec![32, 16], norm: norm.into(), ..ModelConfig::default() };
        let mut setup = Setup::new(model, Loss::CrossEntropy, 128, 10, 4);
        setup.training.optimizer = Optimizer::Adam(Adam { lr: 1e-2, ..Adam::default() });
        let [mut single, mut double] = [DType::F32, DType::F64].map(|dtype| setup.engine_in(dtype));
        let mut losses = Vec::new();
        for step in 0..20 {
            let start = 32 * (step % 4);
            let [single, double] = [&mut single, &mut double].map(|engine| {
                engine.train_batch(&rows(start, start + 32), 1.0).unwrap();
                engine.take_loss_sum().unwrap()
            });
            assert!((single - double).abs() <= 1e-4 * double, "{step}: {single} {double}");
            losses.push(double);
        }
        assert!(losses[19] < 0.8 * losses[0], "the network learns: {losses:?}");
    }
}

#[test]
fn an_image_enters_as_its_bytes_times_the_scale_plus_the_shift() {
    let (scale, shift) = (1.0 / 255.0 / 0.3081_f32, -0.1307 / 0.3081);
    let bytes: Vec<u8> = (0..240).map(|index: u8| index.wrapping_mul(37)).collect();
    let values: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) * scale + shift).collect();
    let table = Inputs::Table(RowChunks::of_rows(&values, 12));
    let images = Inputs::Images { bytes: bytes.into(), width: 12, scale, shift };
    let [table, images] = [table, images].map(|inputs| {
        let mut setup = Setup::new(ModelConfig::default(), Loss::CrossEntropy, 20, 12, 3);
        setup.data = dataset(inputs, classes(20, 3)).into();
        let mut engine = setup.engine();
        engine.train_batch(&rows(0, 20), 1.0).unwrap();
        (engine.state().unwrap(), engine.evaluate(&rows(0, 20)).unwrap())
    });
    assert!(table == images);
}
