//! What may not change a single bit: the rows beside a row, the threads, the arm.

use std::process::Command;

use candle_core::{DType, Device, Tensor};

use super::elements;
use crate::config::model::{ModelConfig, Placement};
use crate::config::training::Loss;
use crate::nn::tests::setup::{Setup, batch_norm, rows};
use crate::nn::{Engine, StateDict};
use crate::seed::Seed;

/// Set for the process whose only task is to print a digest.
const DIGEST_ASKED: &str = "BNES_TEST_DIGEST";

fn bits(outputs: &[f32]) -> Vec<u32> {
    outputs.iter().map(|output| output.to_bits()).collect()
}

#[test]
fn the_outputs_of_a_row_are_the_same_whatever_rows_are_evaluated_with_it() {
    const ROWS: u32 = 1100;
    for width in [1, 2, 3, 64, 100, 784] {
        for (outputs, hidden) in
            [(1, vec![]), (1, vec![5]), (2, vec![1]), (10, vec![]), (10, vec![80, 600])]
        {
            let norm = batch_norm(Placement::BeforeActivation);
            let model = ModelConfig { hidden, norm: norm.into(), ..ModelConfig::default() };
            let loss = if outputs == 1 { Loss::Bce } else { Loss::CrossEntropy };
            let setup = Setup::new(model, loss, ROWS as usize, width, outputs);
            let mut engine = setup.engine();
            engine.train_batch(&rows(0, 50), 1.0).unwrap();
            let all = engine.evaluate(&rows(0, ROWS)).unwrap();
            assert_eq!(all.len(), ROWS as usize * outputs);
            for size in [1, 7, 65, 300] {
                // A few batches of this size from all over, the last row among them.
                for start in [0, 1, 263, 511, 800, ROWS - size] {
                    let some = engine.evaluate(&rows(start, start + size)).unwrap();
                    let from = start as usize * outputs;
                    let expected = &all[from..from + size as usize * outputs];
                    let case = format!("width {width}, {:?}, {size} rows", setup.model.hidden);
                    assert_eq!(bits(&some), bits(expected), "{case}");
                }
            }
        }
    }
}

#[test]
fn no_rows_have_no_outputs() {
    let mut engine = Setup::new(ModelConfig::default(), Loss::Mse, 5, 3, 2).engine();
    assert!(engine.evaluate(&[]).unwrap().is_empty());
}

/// A network large enough for several threads, after a few steps and with a few of its outputs.
fn trained() -> (StateDict, Vec<u32>) {
    let mut digest = Vec::new();
    let norm = batch_norm(Placement::BeforeActivation);
    let model = ModelConfig { hidden: vec![256, 128], norm: norm.into(), ..ModelConfig::default() };
    let setup = Setup::new(model, Loss::CrossEntropy, 640, 784, 10);
    let mut engine = setup.engine();
    for step in 0..4 {
        engine.train_batch(&rows(128 * step, 128 * (step + 1)), 1.0).unwrap();
    }
    engine.train_batch(&rows(0, 37), 1.0).unwrap();
    digest.extend(engine.take_loss_sum().unwrap().to_bits().to_le_bytes().map(u32::from));
    digest.extend(bits(&engine.evaluate(&rows(0, 640)).unwrap()));
    engine.recalibrate(&[&rows(0, 300), &rows(300, 640)], &|| true).unwrap();
    digest.extend(bits(&engine.evaluate(&rows(0, 640)).unwrap()));
    (engine.state().unwrap(), digest)
}

#[test]
fn a_training_has_the_same_bytes_in_a_pool_of_any_size() {
    let expected = trained();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(trained) == expected, "{threads} threads");
    }
}

/// SHA-256 of a trained state and outputs, in hex.
fn digest() -> String {
    use sha2::{Digest, Sha256};
    let (state, outputs) = trained();
    let mut hash = Sha256::new();
    hash.update(state.to_safetensors(&serde_json::Value::Null).unwrap());
    for word in outputs {
        hash.update(word.to_le_bytes());
    }
    hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn a_training_has_the_same_bytes_for_any_number_of_threads_that_products_are_split_over() {
    // Products are split over as many threads as this variable says, whatever pool runs them, and
    // a process may not change its own variables while it runs: each number is a process.
    const NAME: &str = "nn::graph::tests::reproducible::a_training_has_the_same_bytes_for_any_number_\
                        of_threads_that_products_are_split_over";
    if std::env::var_os(DIGEST_ASKED).is_some() {
        #[allow(clippy::print_stdout)] // the parent process reads it
        {
            println!("digest {}", digest());
        }
        return;
    }
    let expected = format!("digest {}", digest());
    for threads in ["1", "2", "3", "8"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(DIGEST_ASKED, "1")
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&expected), "{threads} threads: {text}");
    }
}

#[test]
fn an_engine_built_twice_trains_to_the_same_bytes_and_another_seed_to_others() {
    let model = ModelConfig { dropout: 0.3, ..ModelConfig::default() };
    let mut setup = Setup::new(model, Loss::CrossEntropy, 60, 5, 3);
    let train = |setup: &Setup| {
        let mut engine = setup.engine();
        for _ in 0..5 {
            engine.train_batch(&rows(0, 32), 1.0).unwrap();
        }
        engine.state().unwrap()
    };
    let state = train(&setup);
    assert_eq!(state, train(&setup));
    setup.seed = Seed(2);
    assert_ne!(state, train(&setup));
}

#[test]
fn arms_of_a_seed_start_from_the_same_shared_values_and_the_same_dropout() {
    for placement in [Placement::BeforeActivation, Placement::AfterActivation] {
        let plain = ModelConfig { hidden: vec![6, 5], dropout: 0.5, ..ModelConfig::default() };
        let normed = ModelConfig { norm: batch_norm(placement).into(), ..plain.clone() };
        let [mut plain, mut normed] =
            [plain, normed].map(|model| Setup::new(model, Loss::CrossEntropy, 20, 4, 3).engine());
        for (plain, normed) in plain.layers.iter().zip(&normed.layers) {
            assert_eq!(elements(plain.weight.in_effect()), elements(normed.weight.in_effect()));
            if let (Some(plain), Some(normed)) = (&plain.bias, &normed.bias) {
                assert_eq!(elements(plain), elements(normed));
            }
        }
        let mut seen: Vec<Vec<f64>> = Vec::new();
        for _ in 0..3 {
            for layer in 0..2 {
                let like = Tensor::zeros((20, 6), DType::F32, &Device::Cpu).unwrap();
                let mask = elements(&plain.dropout_mask(layer, &like).unwrap());
                assert_eq!(mask, elements(&normed.dropout_mask(layer, &like).unwrap()));
                assert!(mask.iter().all(|factor| [0.0, 2.0].contains(factor)));
                assert!(!seen.contains(&mask), "each layer and step has its own mask");
                seen.push(mask);
            }
            plain.train_batch(&rows(0, 20), 1.0).unwrap();
            normed.train_batch(&rows(0, 20), 1.0).unwrap();
        }
    }
}

#[test]
fn dropout_zeroes_its_share_of_the_units() {
    let model = ModelConfig { dropout: 0.2, ..ModelConfig::default() };
    let engine = Setup::new(model, Loss::CrossEntropy, 20, 4, 3).engine();
    let like = Tensor::zeros((100, 100), DType::F32, &Device::Cpu).unwrap();
    let mask = elements(&engine.dropout_mask(0, &like).unwrap());
    let dropped = mask.iter().filter(|factor| **factor == 0.0).count();
    // Four standard deviations around 2000.
    assert!((1840..=2160).contains(&dropped), "{dropped}");
    assert!(mask.iter().all(|factor| *factor == 0.0 || *factor == 1.25));
}
