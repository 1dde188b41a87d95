//! The kernels of the fused engine, on each instruction set of this processor: `cargo bench --bench
//! kernels`.
//!
//! Products report multiply-adds a second: twice that is FLOP/s.

use bnes_kernels::activate::{Activate, Activation, Slope};
use bnes_kernels::buffer::Buffer;
use bnes_kernels::gather::{GatherBytes, GatherFloats};
use bnes_kernels::loss::CrossEntropy;
use bnes_kernels::normalise::{Moments, Normalise, NormaliseBack, Settings};
use bnes_kernels::product::{Product, Transpose};
use bnes_kernels::update::{Adam, Gradient, Step, Update, Weights};
use bnes_kernels::{Isa, PANEL, panels};
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
        Product { left, right, start: None, out, rows, depth, columns }.run(isa);
    });
}

/// A panel of a layer's outputs.
#[divan::bench(args = cases())]
fn product(bencher: Bencher, (name, (rows, depth)): (&str, (usize, usize))) {
    let (left, right) = (panels_of(rows, depth), filled(depth * PANEL, 3));
    let mut out = Buffer::zeros(rows * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * depth * PANEL)).bench_local(|| {
        Product {
            left: &left,
            right: &right,
            start: None,
            out: &mut out,
            rows,
            depth,
            columns: PANEL,
        }
        .run(isa);
    });
}

/// The gradient of a panel of weights, and Adam's step along it.
#[divan::bench(args = cases())]
fn update(bencher: Bencher, (name, (rows, depth)): (&str, (usize, usize))) {
    let (inputs, outputs) = (panels_of(rows, depth), filled(rows * PANEL, 5));
    let step = Step::Adam(Adam {
        rate: 1e-3,
        beta1: 0.9,
        beta1_rest: 0.1,
        beta2: 0.999,
        beta2_rest: 0.001,
        correction: 1.0,
        eps: 1e-8,
    });
    let mut values = filled(depth * PANEL, 1);
    let mut memory = vec![Buffer::zeros(depth * PANEL); 2];
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * depth * PANEL)).bench_local(|| {
        Update {
            gradient: Gradient { inputs: &inputs, depth, outputs: &outputs, rows, columns: PANEL },
            step,
            weights: Weights { values: &mut values, memory: &mut memory },
        }
        .run(isa);
    });
}

const SETTINGS: Settings = Settings { eps: 1e-5, eps_outside: false, divides: true };

/// Batch statistics, normalisation and relu of a panel.
#[divan::bench(args = cases())]
fn normalise(bencher: Bencher, (name, (rows, _)): (&str, (usize, usize))) {
    let (mut x, mut out) = (filled(rows * PANEL, 7), Buffer::zeros(rows * PANEL));
    let mut moments = Moments::default();
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * PANEL)).bench_local(|| {
        Normalise {
            settings: SETTINGS,
            x: &mut x,
            out: &mut out,
            saved: None,
            affine: None,
            activation: Activation::Relu,
            moments: &mut moments,
            columns: PANEL,
        }
        .run(isa);
    });
}

/// The way back through relu and the norm.
#[divan::bench(args = cases())]
fn normalise_back(bencher: Bencher, (name, (rows, _)): (&str, (usize, usize))) {
    let (mut normalised, mut saved) = (filled(rows * PANEL, 7), Buffer::zeros(rows * PANEL));
    let mut gradient = filled(rows * PANEL, 4);
    let (scale, mut moments) = ([1.1; PANEL], Moments::default());
    let (mut scale_gradient, mut shift_gradient) = ([0.0; PANEL], [0.0; PANEL]);
    let isa = isa(name);
    Normalise {
        settings: SETTINGS,
        x: &mut normalised,
        out: &mut saved,
        saved: None,
        affine: None,
        activation: Activation::Relu,
        moments: &mut moments,
        columns: PANEL,
    }
    .run(isa);
    bencher.counter(ItemsCount::new(rows * PANEL)).bench_local(|| {
        NormaliseBack {
            normalised: &normalised,
            saved: &saved,
            gradient: &mut gradient,
            scale: Some(&scale),
            activation: Activation::Relu,
            moments: &moments,
            scale_gradient: &mut scale_gradient,
            shift_gradient: &mut shift_gradient,
            columns: PANEL,
        }
        .run(isa);
    });
}

fn activations() -> Vec<(&'static str, Activation)> {
    let isas = Isa::available();
    isas.iter().flat_map(|isa| Activation::ALL.map(|activation| (isa.name(), activation))).collect()
}

/// An activation of a panel of 128 rows.
#[divan::bench(args = activations())]
fn activate(bencher: Bencher, (name, activation): (&str, Activation)) {
    let (start, mut values) = (filled(128 * PANEL, 7), Buffer::zeros(128 * PANEL));
    let isa = isa(name);
    bencher.counter(ItemsCount::new(values.len())).bench_local(|| {
        values.copy_from_slice(&start);
        Activate { activation, values: &mut values, saved: None }.run(isa);
    });
}

/// The way back through an activation of a panel of 128 rows.
#[divan::bench(args = activations())]
fn slope(bencher: Bencher, (name, activation): (&str, Activation)) {
    let (saved, start) = (filled(128 * PANEL, 7), filled(128 * PANEL, 4));
    let mut gradient = Buffer::zeros(128 * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(gradient.len())).bench_local(|| {
        gradient.copy_from_slice(&start);
        Slope { activation, saved: &saved, gradient: &mut gradient }.run(isa);
    });
}

/// A panel of weights transposed for the way back, for as many outputs as inputs.
#[divan::bench(args = cases())]
fn transpose(bencher: Bencher, (name, (_, width)): (&str, (usize, usize))) {
    let weights: Vec<Buffer> =
        (0..panels(width)).map(|panel| filled(width * PANEL, panel)).collect();
    let mut out = Buffer::zeros(width.next_multiple_of(PANEL) * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(width * PANEL)).bench_local(|| {
        let weights = &|panel: usize| &weights[panel][..];
        Transpose { weights, row: 0, rows: PANEL, outputs: width, out: &mut out }.run(isa);
    });
}

/// Rows of the data from all over it.
#[allow(clippy::cast_possible_truncation)] // few rows
fn batch(rows: usize) -> Vec<u32> {
    (0..rows).map(|row| (row * 7919 % DATA_ROWS) as u32).collect()
}

const DATA_ROWS: usize = 10_000;

/// A panel of a batch of bytes.
#[divan::bench(args = cases())]
fn gather_bytes(bencher: Bencher, (name, (rows, width)): (&str, (usize, usize))) {
    let (bytes, batch) = (vec![7; DATA_ROWS * width], batch(rows));
    let mut out = Buffer::zeros(rows * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * PANEL)).bench_local(|| {
        GatherBytes {
            bytes: &bytes,
            width,
            rows: &batch,
            from: 0,
            columns: PANEL,
            scale: 0.01,
            shift: -1.0,
            out: &mut out,
        }
        .run(isa);
    });
}

/// A panel of a batch of floats.
#[divan::bench(args = cases())]
fn gather_floats(bencher: Bencher, (name, (rows, width)): (&str, (usize, usize))) {
    let (chunk_rows, batch) = (1_usize << 10, batch(rows));
    let chunks = vec![vec![0.5; chunk_rows * width]; DATA_ROWS.div_ceil(chunk_rows)];
    let mut out = Buffer::zeros(rows * PANEL);
    let isa = isa(name);
    bencher.counter(ItemsCount::new(rows * PANEL)).bench_local(|| {
        let (chunks, log_rows, rows) = (&chunks[..], chunk_rows.ilog2(), &batch[..]);
        let (from, columns, out) = (0, PANEL, &mut out[..]);
        GatherFloats { chunks, log_rows, width, rows, from, columns, out }.run(isa);
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
        CrossEntropy {
            logits: &logits,
            gradient: &mut gradient,
            classes: 10,
            labels: &labels,
            weights: None,
            share: 1.0 / rows as f32,
        }
        .run(isa)
    });
}
