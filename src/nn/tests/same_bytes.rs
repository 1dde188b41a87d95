//! What may not change a single bit of the fused engine: the threads, and the rows beside a row.
//! (For the graph engine, see its own tests.)

use std::sync::Arc;

use super::setup::{
    Setup, batch_norm, bits, bits_of, classes, dataset, fitting, fused_norms, fused_on_inputs,
    normal, rows,
};
use crate::config::model::{ModelConfig, Normalisation, Placement};
use crate::config::training::Loss;
use crate::data::{Inputs, RowChunks};
use crate::nn::state::TensorData;
use crate::nn::{Engine, Isa};

#[test]
fn a_training_has_the_same_bytes_on_any_number_of_threads() {
    let norms = fused_norms().into_iter().map(Normalisation::from).chain(fused_on_inputs());
    for (number, norm) in norms.enumerate() {
        let hidden = fitting(&norm.norm, &[100, 65, 33]);
        let model = ModelConfig { hidden, dropout: 0.2, norm, ..ModelConfig::default() };
        let mut setup = Setup::new(model, Loss::CrossEntropy, 700, 70, 40);
        setup.training.clip_norm = (number % 2 == 0).then_some(0.5);
        let trained = |isa, threads| {
            let mut engine = setup.fused(isa, threads);
            assert_eq!(engine.runs_on().threads, threads);
            // Before a step was measured, so together for sure.
            engine.recalibrate(&[&rows(0, 100), &rows(100, 170)], &|| true).unwrap();
            let before = bits_of(&engine.evaluate(&rows(0, 700)).unwrap());
            for start in [0, 65, 130] {
                engine.train_batch(&rows(start, start + 65), 1.0).unwrap();
            }
            engine.train_batch(&rows(195, 200), 1.0).unwrap();
            engine.recalibrate(&[&rows(0, 100), &rows(100, 170)], &|| true).unwrap();
            let outputs = engine.evaluate(&rows(0, 700)).unwrap();
            (before, bits(&engine.training_state().unwrap()), bits_of(&outputs))
        };
        for isa in Isa::available() {
            let expected = trained(isa, 1);
            for threads in 2..=4 {
                assert!(trained(isa, threads) == expected, "{isa:?}, {threads} threads");
            }
        }
    }
}

/// Normal inputs, so small that the squares of their gradients are subnormal numbers.
fn tiny(rows: usize, width: usize) -> Inputs {
    let Inputs::Table(table) = normal(rows, width) else { unreachable!("it is a table") };
    let values = table.chunks().iter().flat_map(|chunk| chunk.iter().map(|value| value * 1e-18));
    Inputs::Table(RowChunks::of_rows(&values.collect::<Vec<f32>>(), width))
}

#[test]
fn no_thread_computes_with_subnormal_numbers() {
    let hidden = vec![100, 65, 33];
    for norm in fused_norms() {
        let hidden = fitting(&norm, &hidden);
        let model = ModelConfig { hidden, norm: norm.into(), ..ModelConfig::default() };
        let mut setup = Setup::new(model, Loss::CrossEntropy, 100, 70, 10);
        setup.data = Arc::new(dataset(tiny(100, 70), classes(100, 10)));
        let trained = |isa, threads| {
            let mut engine = setup.fused(isa, threads);
            for start in [0, 50] {
                engine.train_batch(&rows(start, start + 50), 1.0).unwrap();
            }
            engine.recalibrate(&[&rows(0, 100)], &|| true).unwrap();
            let outputs = engine.evaluate(&rows(0, 100)).unwrap();
            (engine.training_state().unwrap(), bits_of(&outputs))
        };
        for isa in Isa::available() {
            let (state, outputs) = trained(isa, 1);
            let floats = state.tensors.iter().filter_map(|tensor| match &tensor.data {
                TensorData::F32(values) => Some((tensor.name.as_str(), values)),
                TensorData::F64(_) | TensorData::I64(_) => None,
            });
            for (name, values) in floats {
                assert!(!values.iter().any(|value| value.is_subnormal()), "{isa:?}, {name}");
            }
            for threads in 2..=4 {
                let (other, of_other) = trained(isa, threads);
                assert!(
                    (bits(&other), of_other) == (bits(&state), outputs.clone()),
                    "{isa:?}, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn the_outputs_of_a_row_are_the_same_whatever_rows_are_evaluated_with_it() {
    const ROWS: u32 = 700;
    for (width, outputs, hidden) in
        [(1, 1, vec![]), (3, 2, vec![1]), (33, 10, vec![64, 100]), (100, 1, vec![5])]
    {
        let norm = batch_norm(Placement::BeforeActivation);
        let model = ModelConfig { hidden, norm: norm.into(), ..ModelConfig::default() };
        let loss = if outputs == 1 { Loss::Bce } else { Loss::CrossEntropy };
        let setup = Setup::new(model, loss, ROWS as usize, width, outputs);
        for isa in Isa::available() {
            for threads in [1, 3] {
                let mut engine = setup.fused(isa, threads);
                engine.train_batch(&rows(0, 50), 1.0).unwrap();
                let all = engine.evaluate(&rows(0, ROWS)).unwrap();
                assert_eq!(all.len(), ROWS as usize * outputs);
                for size in [1, 2, 7, 13, 65, 300] {
                    for start in [0, 1, 263, ROWS - size] {
                        let some = engine.evaluate(&rows(start, start + size)).unwrap();
                        let from = start as usize * outputs;
                        let expected = &all[from..from + size as usize * outputs];
                        assert_eq!(bits_of(&some), bits_of(expected), "{isa:?}, {size} rows");
                    }
                }
            }
        }
    }
}

#[test]
fn no_rows_have_no_outputs() {
    let setup = Setup::new(ModelConfig::default(), Loss::Mse, 5, 3, 2);
    for isa in Isa::available() {
        assert!(setup.fused(isa, 2).evaluate(&[]).unwrap().is_empty());
    }
}
