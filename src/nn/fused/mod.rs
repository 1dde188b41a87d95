//! The engine for processors: explicit forward and backward passes on kernels of its own.
//!
//! A step works layer by layer and, within a layer, panel by panel ([`bnes_kernels`] says how panels are
//! laid out and why); the threads of a [`ThreadPool`] share out the panels. All buffers are made once. The
//! graph engine is its reference: both give the same to the rounding of f32. Numbers too small to be normal are
//! zeros here and not there: candle computes on threads that it shares with others.

mod activation;
mod layer;
mod loss;
mod norm;
mod optimizer;
mod parameter;
mod rows;
mod state;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Error, Result};

use self::layer::Layer;
pub use self::norm::Lacking;
use self::norm::Pass;
use self::parameter::Steps;
use super::init::initial_state;
use super::layout::{LayerLayout, Layout};
use super::{Engine, Network, RunsOn, StateDict};
use crate::config::training::{ClassWeights, Loss, Optimizer};
use crate::data::Dataset;
use crate::seed::Seed;
pub use bnes_kernels::Isa;
use bnes_kernels::buffer::Buffer;
use bnes_kernels::subnormal::FlushToZero;
use bnes_kernels::threads::{Each, Partition, ThreadPool};
use bnes_kernels::{PANEL, panels};

/// Rows that a thread evaluates at a time.
const EVALUATION_ROWS: usize = 256;

/// Parameters times rows of a batch from which on a second thread is worth its waiting: a step of some 20
/// microseconds on one.
const WORK_OF_TWO: usize = 250_000;

/// What each thread takes where there are more than two.
const WORK_OF_A_THREAD: usize = 500_000;

/// A network, its optimizer and the data.
pub struct FusedEngine {
    isa: Isa,
    pool: ThreadPool,
    /// A norm of the inputs comes first.
    layers: Vec<Layer>,
    optimizer: Optimizer,
    clip_norm: Option<f64>,
    loss: Loss,
    outputs: usize,
    /// What a row of each class counts in training.
    class_weights: Option<Vec<f32>>,
    dropout: f64,
    seed: Seed,
    /// Training batches seen; picks the dropout masks.
    steps: u64,
    /// Steps of the optimizer.
    optimizer_steps: i32,
    /// Losses since they were last taken.
    loss_sum: f64,
    data: Arc<Dataset>,
    /// The inputs of a batch, `rows x PANEL` a panel.
    inputs: Vec<Buffer>,
    /// What dropout keeps of a layer, row by row, before it is cut into panels.
    mask: Vec<f32>,
    /// Rows that the buffers have room for.
    room: usize,
    /// One per thread.
    evaluations: Vec<Evaluation>,
}

/// What a thread evaluates in.
struct Evaluation {
    inputs: Vec<Buffer>,
    /// Per layer.
    outputs: Vec<Vec<Buffer>>,
    /// What any of them works in.
    scratch: Buffer,
}

impl FusedEngine {
    /// A network before its first step.
    ///
    /// # Errors
    /// Where `BNES_ISA` names instructions that this processor does not have.
    pub fn new(network: &Network, threads: usize) -> Result<Self> {
        let isa = Isa::chosen().map_err(Error::msg)?;
        Self::with_isa(network, threads, isa)
    }

    /// What it does not have to train a network with; none where it can train it.
    #[must_use]
    pub fn lacks(network: &Network) -> Option<Lacking> {
        let layout = Layout::new(network.model, 1, 1);
        let of_hidden = layout.layers.iter().filter_map(LayerLayout::norm);
        let mut norms = layout.input_norm.iter().chain(of_hidden);
        norms.find_map(|norm| norm::build(norm, 1).err())
    }

    /// The same on instructions that this processor has to have.
    ///
    /// # Errors
    /// Where it [lacks](Self::lacks) something.
    pub fn with_isa(network: &Network, threads: usize, isa: Isa) -> Result<Self> {
        let Network { model, training, loss, outputs, data, seed } = *network;
        let layout = Layout::of(network);
        let drops = layout.dropout > 0.0;
        let clips = training.clip_norm.is_some();
        let layer = |layer| Layer::new(layer, &training.optimizer, drops, clips);
        let of_inputs = |norm| Layer::of_inputs(norm, data.inputs.width(), &training.optimizer);
        let layers = layout.input_norm.iter().map(of_inputs);
        let layers = layers.chain(layout.layers.iter().map(layer));
        let weights = match training.class_weights {
            None => None,
            Some(ClassWeights::Balanced) => data.balanced_weights(),
        };
        #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
        let class_weights =
            weights.map(|weights| weights.into_iter().map(|weight| weight as f32).collect());
        let pool = ThreadPool::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN));
        let mut engine = Self {
            isa,
            pool,
            layers: layers.collect::<Result<_, Lacking>>()?,
            optimizer: training.optimizer.clone(),
            clip_norm: training.clip_norm,
            loss,
            outputs,
            class_weights,
            dropout: layout.dropout,
            seed,
            steps: 0,
            optimizer_steps: 0,
            loss_sum: 0.0,
            data: Arc::clone(data),
            inputs: Vec::new(),
            mask: Vec::new(),
            room: 0,
            evaluations: Vec::new(),
        };
        engine.load(&initial_state(&layout, &model.init.init, seed))?;
        Ok(engine)
    }

    /// How many threads a network of this many parameters gains from at batches of `rows`.
    #[must_use]
    pub fn suitable_threads(parameters: usize, rows: usize) -> usize {
        let work = parameters.saturating_mul(rows);
        let at_least = if work < WORK_OF_TWO { 1 } else { 2 };
        (work / WORK_OF_A_THREAD).max(at_least)
    }

    /// Makes room for a batch of this many rows.
    fn reserve(&mut self, rows: usize) {
        if rows <= self.room {
            return;
        }
        self.room = rows;
        self.inputs = vec![Buffer::zeros(rows * PANEL); panels(self.data.inputs.width())];
        let next: Vec<Option<usize>> =
            self.layers.iter().skip(1).map(|layer| Some(layer.layout.outputs)).collect();
        let next = next.into_iter().chain([None]);
        self.layers.iter_mut().zip(next).for_each(|(layer, next)| layer.reserve(rows, next));
    }

    /// Gathers a batch and takes it through all layers; behind the last norm there is nothing to measure anew.
    fn forward(&mut self, rows: &[u32], pass: Pass) {
        self.reserve(rows.len());
        let (isa, inputs) = (self.isa, &self.data.inputs);
        let panels = Each::from(&mut self.inputs[..]);
        self.pool.for_each(panels, Partition::Panels(inputs.width()), |panel, out| {
            rows::gather(isa, inputs, rows, panel, out);
        });
        if self.dropout > 0.0 && pass == Pass::Train {
            self.draw_masks(rows.len());
        }
        let last_norm = self.layers.iter().rposition(|layer| layer.layout.norm().is_some());
        let layers = match pass {
            Pass::Train => self.layers.len(),
            Pass::Recalibrate => last_norm.map_or(0, |last| last + 1),
        };
        for index in 0..layers {
            let (before, layer) = self.layers.split_at_mut(index);
            let inputs = before.last().map_or(&self.inputs, |before| &before.out);
            layer[0].forward(&self.pool, self.isa, inputs, rows.len(), pass);
        }
    }

    /// 0 for a dropped unit, 1 / (1 - rate) for a kept one.
    fn draw_masks(&mut self, rows: usize) {
        #[allow(clippy::cast_possible_truncation)] // a rate
        let (rate, kept) = (self.dropout as f32, (1.0 / (1.0 - self.dropout)) as f32);
        let Self { layers, mask, seed, steps, .. } = self;
        let layers = layers.iter_mut().filter(|layer| layer.has_linear());
        for (index, layer) in layers.enumerate() {
            if layer.layout.hidden.is_some() {
                let mut stream = seed.stream(&format!("dropout/{index}"), *steps);
                let draw = |_| if stream.uniform_f32() < rate { 0.0 } else { kept };
                mask.clear();
                mask.extend((0..rows * layer.layout.outputs).map(draw));
                layer.set_mask(mask);
            }
        }
    }

    /// The gradient of every Linear's outputs, from the one of the loss on.
    fn back(&mut self, rows: usize) {
        // Nothing asks for the gradient of the inputs.
        let first = self.layers.iter().position(Layer::learns).unwrap_or(0);
        for index in (first + 1..self.layers.len()).rev() {
            let (before, layer) = self.layers.split_at_mut(index);
            before[index - 1].back(&self.pool, self.isa, &layer[0], rows);
        }
    }

    /// The loss of a batch that went forward, and its gradient.
    fn loss(&mut self, rows: &[u32]) -> f64 {
        let Some(last) = self.layers.last_mut() else { return 0.0 };
        let weights = self.class_weights.as_deref();
        loss::of_batch(self.isa, self.loss, last, &self.data.targets, rows, weights)
    }

    fn update(&mut self, rows: usize, lr_factor: f64) {
        self.optimizer_steps = self.optimizer_steps.saturating_add(1);
        let steps = Steps::new(&self.optimizer, lr_factor, self.optimizer_steps);
        let at_once = if self.clip_norm.is_some() { None } else { Some(&steps) };
        let Self { layers, pool, isa, inputs, .. } = self;
        layer::update(layers, pool, *isa, inputs, rows, at_once);
        if let Some(limit) = self.clip_norm {
            // min(1, limit / (norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_`.
            let isa = self.isa;
            let norm = self.layers.iter_mut().map(|layer| layer.squared_norm(isa)).sum::<f64>();
            let scale = limit / (norm.sqrt() + 1e-6);
            #[allow(clippy::cast_possible_truncation)] // as all arithmetic here
            let scale = if scale > 1.0 { 1.0 } else { scale as f32 };
            for layer in &mut self.layers {
                layer.step(&self.pool, isa, &steps, scale);
            }
        }
    }
}

impl Engine for FusedEngine {
    fn train_batch(&mut self, rows: &[u32], lr_factor: f64) -> Result<()> {
        let since = Instant::now();
        let _flush = FlushToZero::new();
        self.forward(rows, Pass::Train);
        self.loss_sum += self.loss(rows);
        self.back(rows.len());
        self.update(rows.len(), lr_factor);
        self.steps += 1;
        self.pool.note(rows.len(), since.elapsed());
        Ok(())
    }

    fn take_loss_sum(&mut self) -> Result<f64> {
        Ok(std::mem::take(&mut self.loss_sum))
    }

    fn evaluate(&mut self, rows: &[u32]) -> Result<Vec<f32>> {
        let _flush = FlushToZero::new();
        let Self { isa, pool, layers, outputs, data, evaluations, .. } = self;
        evaluations.resize_with(pool.size(), || Evaluation::new(layers, data.inputs.width()));
        let chunk = rows.len().div_ceil(pool.size()).clamp(1, EVALUATION_ROWS);
        let chunks: Vec<&[u32]> = rows.chunks(chunk).collect();
        let mut results = vec![0.0; rows.len() * *outputs];
        let mut places: Vec<&mut [f32]> = results.chunks_mut(chunk * *outputs).collect();
        for (chunks, places) in chunks.chunks(pool.size()).zip(places.chunks_mut(pool.size())) {
            let count = chunks.len();
            let items = (Each::from(&mut evaluations[..count]), Each::from(places));
            pool.for_each(items, Partition::Even, |index, (evaluation, place)| {
                evaluation.run(*isa, layers, data, chunks[index]);
                rows::scatter(evaluation.last(), *outputs, place);
            });
        }
        Ok(results)
    }

    fn recalibrate(&mut self, batches: &[&[u32]], go_on: &dyn Fn() -> bool) -> Result<bool> {
        let _flush = FlushToZero::new();
        let mut complete = true;
        for rows in batches {
            complete = go_on();
            if !complete {
                break;
            }
            self.forward(rows, Pass::Recalibrate);
        }
        let units = self.layers.iter_mut().flat_map(|layer| &mut layer.units);
        for norm in units.filter_map(|units| units.norm.as_mut()) {
            norm.running_mut().finish_recalibration(complete);
        }
        Ok(complete)
    }

    fn state(&self) -> Result<StateDict> {
        // Weights that are folded here are those of an evaluation.
        let _flush = FlushToZero::new();
        Ok(state::save(&self.layers, self.isa))
    }

    fn load(&mut self, state: &StateDict) -> Result<()> {
        state::load(&mut self.layers, state, self.isa)
    }

    fn helpers_cpu_s(&self) -> Option<f64> {
        self.pool.helpers_cpu_time().map(|time| time.as_secs_f64())
    }

    fn runs_on(&self) -> RunsOn {
        let instruction_set = self.isa.name();
        RunsOn { engine: "fused", instruction_set, threads: self.pool.size() }
    }

    fn training_state(&self) -> Result<StateDict> {
        let _flush = FlushToZero::new();
        let mut state = state::save(&self.layers, self.isa);
        state::save_training(&self.layers, &mut state);
        state::save_memory(&self.layers, self.optimizer_steps, &mut state);
        // Bit for bit: a counter never comes near 2^63.
        state.push_count("engine.steps".to_owned(), self.steps.cast_signed());
        state.push_sum("engine.loss_sum".to_owned(), self.loss_sum);
        Ok(state)
    }

    fn load_training(&mut self, state: &StateDict) -> Result<()> {
        self.load(state)?;
        state::load_training(&mut self.layers, state, self.isa)?;
        self.optimizer_steps = state::load_memory(&mut self.layers, state)?;
        self.steps = state.count("engine.steps")?.cast_unsigned();
        self.loss_sum = state.sum("engine.loss_sum")?;
        Ok(())
    }
}

impl Evaluation {
    fn new(layers: &[Layer], width: usize) -> Self {
        let buffers = |columns| vec![Buffer::zeros(EVALUATION_ROWS * PANEL); panels(columns)];
        Self {
            inputs: buffers(width),
            outputs: layers.iter().map(|layer| buffers(layer.layout.outputs)).collect(),
            scratch: Buffer::zeros(layers.iter().map(Layer::scratch).max().unwrap_or(0)),
        }
    }

    fn run(&mut self, isa: Isa, layers: &[Layer], data: &Dataset, rows: &[u32]) {
        for (panel, out) in self.inputs.iter_mut().enumerate() {
            rows::gather(isa, &data.inputs, rows, panel, out);
        }
        for (index, layer) in layers.iter().enumerate() {
            let (before, out) = self.outputs.split_at_mut(index);
            let inputs = before.last().unwrap_or(&self.inputs);
            layer.evaluate(isa, inputs, rows.len(), &mut out[0], &mut self.scratch);
        }
    }

    /// What came out of the last layer.
    fn last(&self) -> &[Buffer] {
        self.outputs.last().unwrap_or(&self.inputs)
    }
}
