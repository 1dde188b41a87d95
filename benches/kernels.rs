//! The kernels of the fused engine, on each instruction set of this processor: `cargo bench --bench
//! kernels`.
//!
//! Products report multiply-adds a second: twice that is FLOP/s.

use bnes::nn::fused::Isa;
use bnes::nn::fused::kernels::buffer::Buffer;
use bnes::nn::fused::kernels::descend::{Descend, Gradient, Step, Weights, memory};
use bnes::nn::fused::kernels::loss::CrossEntropy;
use bnes::nn::fused::kernels::normalise::{Moments, Normalise, Settings};
use bnes::nn::fused::kernels::product::Product;
use bnes::nn::fused::kernels::{PANEL, panels};
use bnes::spec::model::Activation;
use bnes::spec::training::{Adam, Optimizer};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Rows and inputs of the layers of the workloads.
const SHAPES: [(usize, usize); 4] = [(32, 64), (60, 784), (128, 784), (256, 1024)];

fn cases() -> Vec<(&'static str, (usize, usize))> {
    let isas = Isa::available();
    isas.iter().flat_map(|isa| SHAPES.map(|shape| (isa.name(), shape))).collect()
}

fn isa(name: &str) -> Isa {
    Isa::available().into_iter().find(|isa| isa.name() == name).unwrap_or(Isa::Portable)
}

fn panels_of(rows: usize, columns: usize) -> Vec<Buffer> {
    (0..panels(columns)).map(|panel| filled(rows * PANEL, panel)).collect()
}

#[allow(clippy::cast_precision_loss)] // small numbers
fn filled(len: usize, start: usize) -> Buffer {
    let mut buffer = Buffer::zeros(len);
    for (index, value) in buffer.iter_mut().enumerate() {
        *value = ((index + start) % 17) as f32 / 17.0 - 0.5;
    }
    buffer
}

/// Panels of 1 to 4 half registers of AVX-512.
const COLUMNS: [usize; 4] = [8, 16, 24, 32];

fn widths() -> Vec<(&'static str, usize)> {
    let isas = Isa::available();
    isas.iter().flat_map(|isa| COLUMNS.map(|columns| (isa.name(), columns))).collect()
}

/// A panel of a layer's outputs of 60 rows and 784 inputs.
#[divan::bench(args = widths())]
fn product_of_columns(bencher: Bencher, (name, columns): (&str, usize)) {
    let (rows, depth) = SHAPES[1];
    let (left, right) = (panels_of(rows, depth), filled(depth * PANEL, 3));
    let mut out = Buffer::zeros(rows * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * depth * columns)).bench_local(|| {
        let (left, right, out) = (&left[..], &right[..], &mut out[..]);
        isa.run(Product { left, right, start: None, out, rows, depth, columns });
    });
}

/// A panel of a layer's outputs.
#[divan::bench(args = cases())]
fn product(bencher: Bencher, (name, (rows, depth)): (&str, (usize, usize))) {
    let (left, right) = (panels_of(rows, depth), filled(depth * PANEL, 3));
    let mut out = Buffer::zeros(rows * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * depth * PANEL)).bench_local(|| {
        isa.run(Product {
            left: &left,
            right: &right,
            start: None,
            out: &mut out,
            rows,
            depth,
            columns: PANEL,
        });
    });
}

/// The gradient of a panel of weights, and Adam's step along it.
#[divan::bench(args = cases())]
fn descend(bencher: Bencher, (name, (rows, depth)): (&str, (usize, usize))) {
    let (inputs, outputs) = (panels_of(rows, depth), filled(rows * PANEL, 5));
    let optimizer = Optimizer::Adam(Adam::default());
    let mut values = filled(depth * PANEL, 1);
    let mut memory: Vec<Buffer> =
        memory(&optimizer).iter().map(|start| Buffer::filled(depth * PANEL, *start)).collect();
    let isa = isa(name);
    let mut number = 0;
    bencher.counter(ItemsCount::new(rows * depth * PANEL)).bench_local(|| {
        number += 1;
        isa.run(Descend {
            gradient: Gradient { inputs: &inputs, depth, outputs: &outputs, rows, columns: PANEL },
            step: Step::new(&optimizer, 1.0, number),
            weights: Weights { values: &mut values, memory: &mut memory },
        });
    });
}

/// Batch statistics, normalisation and relu of a panel.
#[divan::bench(args = cases())]
fn normalise(bencher: Bencher, (name, (rows, _)): (&str, (usize, usize))) {
    let (mut x, mut out) = (filled(rows * PANEL, 7), Buffer::zeros(rows * PANEL));
    let mut moments = Moments::default();
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * PANEL)).bench_local(|| {
        isa.run(Normalise {
            settings: Settings { eps: 1e-5, eps_outside: false },
            x: &mut x,
            out: &mut out,
            saved: None,
            affine: None,
            activation: Activation::Relu,
            moments: &mut moments,
            columns: PANEL,
        });
    });
}

/// The softmax, the cross-entropy and its gradient of a batch with ten classes.
#[divan::bench(args = cases())]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // small numbers
fn cross_entropy(bencher: Bencher, (name, (rows, _)): (&str, (usize, usize))) {
    let (logits, mut gradient) = (panels_of(rows, 10), panels_of(rows, 10));
    let labels: Vec<u32> = (0..rows).map(|row| row as u32 % 10).collect();
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows)).bench_local(|| {
        isa.run(CrossEntropy {
            logits: &logits,
            gradient: &mut gradient,
            classes: 10,
            labels: &labels,
            weights: None,
            share: 1.0 / rows as f32,
        })
    });
}
