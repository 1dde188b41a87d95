//! Whole steps of training, of both engines: `cargo bench --bench steps`.
//!
//! The networks are those of docs/performance.md; rows are noise. Counts are training rows a second.

use std::sync::Arc;

use bnes::config::model::{Activation, BatchNorm, ModelConfig, Norm, Statistics};
use bnes::config::training::{Adam, BatchSize, Loss, Optimizer, Sgd, TrainingConfig};
use bnes::data::{Dataset, Inputs, RowChunks, Splits, Targets};
use bnes::nn::{Engine, FusedEngine, GraphEngine, Network};
use bnes::seed::Seed;
use candle_core::Device;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const ROWS: usize = 2560;
const CLASSES: usize = 10;
const WORKLOADS: [&str; 4] = ["digits", "mnist", "wide", "ioffe"];

/// The norms that are held against none.
const NORMS: [&str; 9] = [
    "none",
    "batch",
    "layer",
    "rms",
    "group",
    "ghost_batch",
    "mean_only_batch",
    "batch_renorm",
    "weight",
];

/// A workload with a norm.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    norm: &'static str,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.norm)
    }
}

/// Every norm on every workload but the largest.
fn cases() -> Vec<Case> {
    let of = |name| NORMS.map(|norm| Case { name, norm });
    ["digits", "mnist", "ioffe"].into_iter().flat_map(of).collect()
}

/// A norm with its defaults, running averages, and groups that divide every workload.
fn norm(kind: &str) -> Norm {
    let mut table = serde_json::json!({ "kind": kind, "statistics": "ema", "groups": 4 });
    if kind == "mean_only_batch" {
        // Its weight norm has a line of its own.
        table["weight_norm"] = false.into();
    }
    serde_json::from_value(table).expect("these are settings of every norm")
}

/// A workload's inputs, network and training.
fn workload(name: &str) -> (usize, ModelConfig, TrainingConfig) {
    let adam = Optimizer::Adam(Adam::default());
    let sgd = |lr, momentum| Optimizer::Sgd(Sgd { lr, momentum, ..Sgd::default() });
    let (inputs, hidden, activation, batch, optimizer) = match name {
        "digits" => (64, vec![64, 64], Activation::Relu, 32, adam),
        "mnist" => (784, vec![256, 128], Activation::Relu, 128, adam),
        "wide" => (784, vec![1024; 3], Activation::Relu, 256, sgd(0.01, 0.9)),
        _ => (784, vec![100; 3], Activation::Sigmoid, 60, sgd(0.1, 0.0)),
    };
    let statistics = Statistics::Ema;
    let norm = Norm::Batch(BatchNorm { statistics, ..BatchNorm::default() });
    let model = ModelConfig { hidden, activation, norm: norm.into(), ..ModelConfig::default() };
    let batch_size = BatchSize::Rows(batch);
    (inputs, model, TrainingConfig { batch_size, optimizer, ..TrainingConfig::default() })
}

#[allow(clippy::cast_possible_truncation)] // a small number; inputs are f32
fn data(width: usize) -> Arc<Dataset> {
    let mut stream = Seed(0).stream("bench/data", 0);
    let values: Vec<f32> = (0..ROWS * width).map(|_| stream.normal() as f32).collect();
    let labels = (0..ROWS).map(|_| stream.below(CLASSES as u64) as u32).collect();
    let rows = |range: std::ops::Range<u32>| range.collect::<Vec<u32>>();
    Arc::new(Dataset {
        inputs: Inputs::Table(RowChunks::of_rows(&values, width)),
        targets: Targets::Classes {
            labels,
            names: (0..CLASSES).map(|class| class.to_string()).collect(),
        },
        splits: Splits {
            train: rows(0..ROWS as u32),
            validation: Vec::new(),
            test: Vec::new(),
            train_evaluated: Vec::new(),
        },
        preprocessing: serde_json::Value::Null,
        summary: String::new(),
        doubts: Vec::new(),
        digest: String::new(),
    })
}

fn network<'a>(
    model: &'a ModelConfig,
    training: &'a TrainingConfig,
    data: &'a Arc<Dataset>,
) -> Network<'a> {
    let (loss, outputs, seed) = (Loss::CrossEntropy, CLASSES, Seed(0));
    Network { model, training, loss, outputs, data, seed }
}

fn steps(bencher: Bencher, engine: &mut dyn Engine, training: &TrainingConfig) {
    let batch = training.batch_size.rows(ROWS);
    let order: Vec<u32> = (0..).take(ROWS).collect();
    let mut batches = order.chunks_exact(batch).cycle();
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| batches.next().map(|rows| engine.train_batch(rows, 1.0)));
}

fn fused_with(bencher: Bencher, case: Case, threads: usize) {
    let (inputs, model, training) = workload(case.name);
    let model = ModelConfig { norm: norm(case.norm).into(), ..model };
    let data = data(inputs);
    let engine = FusedEngine::new(&network(&model, &training, &data), threads);
    steps(bencher, &mut engine.expect("BNES_ISA is one that there is"), &training);
}

#[divan::bench(args = cases())]
fn norms_one_thread(bencher: Bencher, case: Case) {
    fused_with(bencher, case, 1);
}

#[divan::bench(args = cases())]
fn norms_two_threads(bencher: Bencher, case: Case) {
    fused_with(bencher, case, 2);
}

fn fused(bencher: Bencher, name: &str, threads: usize) {
    let (inputs, model, training) = workload(name);
    let data = data(inputs);
    let engine = FusedEngine::new(&network(&model, &training, &data), threads);
    steps(bencher, &mut engine.expect("BNES_ISA is one that there is"), &training);
}

#[divan::bench(args = WORKLOADS)]
fn fused_one_thread(bencher: Bencher, name: &str) {
    fused(bencher, name, 1);
}

#[divan::bench(args = WORKLOADS)]
fn fused_two_threads(bencher: Bencher, name: &str) {
    fused(bencher, name, 2);
}

#[divan::bench(args = WORKLOADS)]
fn graph(bencher: Bencher, name: &str) {
    let (inputs, model, training) = workload(name);
    let data = data(inputs);
    let engine = GraphEngine::new(&network(&model, &training, &data), &Device::Cpu);
    steps(bencher, &mut engine.expect("the CPU does not fail"), &training);
}
