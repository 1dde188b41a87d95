//! One layer: its weights and its batch, panel by panel, forward and back.

use super::activation;
use super::norm::{self, Back, Forward, Lacking, Norm, Pass};
use super::parameter::{Parameter, Steps};
use crate::config::model::Placement;
use crate::config::training::Optimizer;
use crate::nn::layout::{LayerLayout, NormLayout};
use bnes_kernels::activate::{Activate, Activation, Multiply, Slope, SlopeFrom, slope_from};
use bnes_kernels::buffer::Buffer;
use bnes_kernels::normalise::{Affine, ColumnSums};
use bnes_kernels::product::{Product, Transpose};
use bnes_kernels::threads::{Each, Partition, Place, ThreadPool};
use bnes_kernels::update::{Gradient, Update, WeightGradient, Weights};
use bnes_kernels::{Isa, MAX_LANES, PANEL, columns_of, panels};

/// One Linear and what follows it.
pub struct Layer {
    /// What it is.
    pub layout: LayerLayout,
    /// Per panel of its units.
    pub units: Vec<Units>,
    /// What comes out, `rows x PANEL` a panel.
    pub out: Vec<Buffer>,
    /// The gradient of what comes out, then of the Linear's outputs.
    pub gradient: Vec<Buffer>,
    /// What the way back needs besides, per panel.
    kept: Vec<Kept>,
    plan: Plan,
}

/// The weights of a panel of units, and their norm.
pub struct Units {
    /// Units of this panel.
    columns: usize,
    /// `inputs x PANEL`, with rows of zeros up to a whole number of [`MAX_LANES`].
    pub weight: Parameter,
    /// Per unit.
    pub bias: Option<Parameter>,
    /// After the Linear.
    pub norm: Option<Box<dyn Norm>>,
}

/// What a panel keeps between forward and back, `rows x PANEL` each, empty where not needed.
struct Kept {
    /// What the norm makes of its input.
    normalised: Buffer,
    /// What the activation's slope is worked out from; empty: `out`.
    slope: Buffer,
    /// 0 or 1 / (1 - rate).
    mask: Buffer,
    /// The next layer's weights of these units, transposed.
    transposed: Buffer,
}

/// What is the same for all panels of a layer.
#[derive(Clone, Copy)]
struct Plan {
    inputs: usize,
    activation: Activation,
    placement: Placement,
    drops: bool,
    keeps_slope: bool,
}

impl Layer {
    /// Zeros; the norm as before the first step.
    ///
    /// # Errors
    /// Where this engine does not have the norm.
    pub fn new(
        layout: &LayerLayout,
        optimizer: &Optimizer,
        drops: bool,
        clips: bool,
    ) -> Result<Self, Lacking> {
        let (inputs, outputs) = (layout.inputs, layout.outputs);
        let hidden = layout.hidden.as_ref();
        let activation =
            hidden.map_or(Activation::Identity, |hidden| activation::kernel_of(hidden.activation));
        let placement = layout.placement();
        let drops = drops && hidden.is_some();
        let plan = Plan {
            inputs,
            activation,
            placement,
            drops,
            keeps_slope: hidden.is_some()
                && (slope_from(activation) == SlopeFrom::Input
                    || drops
                    || placement == Placement::AfterActivation),
        };
        let norm = |norm: &NormLayout| norm::build(&norm.kind, optimizer);
        let units = |index| {
            Ok(Units {
                columns: columns_of(outputs, index),
                weight: Parameter::new(
                    inputs.next_multiple_of(MAX_LANES) * PANEL,
                    optimizer,
                    true,
                    clips,
                ),
                bias: layout.bias.then(|| Parameter::new(PANEL, optimizer, false, true)),
                norm: layout.norm().map(norm).transpose()?,
            })
        };
        let empty = |_| Kept {
            normalised: Buffer::default(),
            slope: Buffer::default(),
            mask: Buffer::default(),
            transposed: Buffer::default(),
        };
        Ok(Self {
            units: (0..panels(outputs)).map(units).collect::<Result<_, Lacking>>()?,
            out: Vec::new(),
            gradient: Vec::new(),
            kept: (0..panels(outputs)).map(empty).collect(),
            layout: layout.clone(),
            plan,
        })
    }

    /// Makes room for batches of this many rows; `next` are the outputs of the layer behind it.
    pub fn reserve(&mut self, rows: usize, next: Option<usize>) {
        let room = rows * PANEL;
        self.out = vec![Buffer::zeros(room); self.units.len()];
        self.gradient = vec![Buffer::zeros(room); self.units.len()];
        let has_norm = self.layout.norm().is_some();
        let where_needed = |needed: bool| Buffer::zeros(if needed { room } else { 0 });
        for kept in &mut self.kept {
            *kept = Kept {
                normalised: where_needed(has_norm),
                slope: where_needed(self.plan.keeps_slope),
                mask: where_needed(self.plan.drops),
                transposed: Buffer::zeros(panels(next.unwrap_or(0)) * PANEL * PANEL),
            };
        }
    }

    /// Sets the mask of a batch: `values` are rows x units.
    pub fn set_mask(&mut self, values: &[f32]) {
        let units = self.layout.outputs;
        for (panel, kept) in self.kept.iter_mut().enumerate() {
            let columns = columns_of(units, panel);
            for (row, values) in values.chunks_exact(units).enumerate() {
                let values = &values[panel * PANEL..][..columns];
                kept.mask[row * PANEL..][..columns].copy_from_slice(values);
            }
        }
    }

    /// The layer's outputs of `rows` rows, from what came out of the one before.
    pub fn forward(
        &mut self,
        pool: &ThreadPool,
        isa: Isa,
        inputs: &[Buffer],
        rows: usize,
        pass: Pass,
    ) {
        let plan = self.plan;
        let items = (
            Each::from(&mut self.units[..]),
            Each::from(&mut self.out[..]),
            Each::from(&mut self.kept[..]),
        );
        pool.for_each(items, Partition::Panels(self.layout.outputs), |_, (units, out, kept)| {
            units.forward(isa, plan, inputs, &mut out[..rows * PANEL], kept, pass);
        });
    }

    /// The gradient of this layer's Linear from that of the layer behind it, `next`.
    pub fn back(&mut self, pool: &ThreadPool, isa: Isa, next: &Layer, rows: usize) {
        let (plan, outputs) = (self.plan, &self.out);
        let items = (
            Each::from(&mut self.units[..]),
            Each::from(&mut self.gradient[..]),
            Each::from(&mut self.kept[..]),
        );
        pool.for_each(
            items,
            Partition::Panels(self.layout.outputs),
            |panel, (units, gradient, kept)| {
                let gradient = &mut gradient[..rows * PANEL];
                Transpose {
                    weights: &|panel| &next.units[panel].weight.values,
                    row: panel * PANEL,
                    rows: units.columns,
                    outputs: next.layout.outputs,
                    out: &mut kept.transposed,
                }
                .run(isa);
                Product {
                    left: &next.gradient,
                    right: &kept.transposed,
                    start: None,
                    out: gradient,
                    rows,
                    depth: next.layout.outputs,
                    columns: units.columns,
                }
                .run(isa);
                units.back(isa, plan, &outputs[panel][..rows * PANEL], gradient, kept);
            },
        );
    }

    /// Moves all parameters along the gradients that were kept.
    pub fn step(&mut self, pool: &ThreadPool, isa: Isa, steps: &Steps, scale: f32) {
        let panels = Each::from(&mut self.units[..]);
        pool.for_each(panels, Partition::Panels(self.layout.outputs), |_, units| {
            let columns = units.columns;
            units.weight.step(isa, steps, scale, columns);
            units.small_parameters(&mut |small| small.step(isa, steps, scale, columns));
        });
    }

    /// The squared norm of all gradients that were kept.
    pub fn squared_norm(&mut self, isa: Isa) -> f64 {
        let mut sum = 0.0;
        for units in &mut self.units {
            sum += units.weight.squared_norm(isa);
            units.small_parameters(&mut |parameter| sum += parameter.squared_norm(isa));
        }
        sum
    }

    /// The layer outside of training, for `rows` rows.
    pub fn evaluate(&self, isa: Isa, inputs: &[Buffer], rows: usize, out: &mut [Buffer]) {
        let Plan { activation, placement, inputs: depth, .. } = self.plan;
        for (units, out) in self.units.iter().zip(out) {
            let out = &mut out[..rows * PANEL];
            units.product(isa, inputs, rows, depth, out);
            let affine = units.norm.as_ref().map(|norm| norm.evaluation(isa));
            if let (Some((scale, shift)), Placement::BeforeActivation) = (&affine, placement) {
                Affine { x: out, scale, shift }.run(isa);
            }
            if activation != Activation::Identity {
                Activate { activation, values: out, saved: None }.run(isa);
            }
            if let (Some((scale, shift)), Placement::AfterActivation) = (&affine, placement) {
                Affine { x: out, scale, shift }.run(isa);
            }
        }
    }
}

/// Moves the weights of all layers, or keeps their gradients where `steps` are none; `inputs` are
/// those of the first.
pub fn update(
    layers: &mut [Layer],
    pool: &ThreadPool,
    isa: Isa,
    inputs: &[Buffer],
    rows: usize,
    steps: Option<&Steps>,
) {
    let mut inputs = inputs;
    let (mut panels, mut places) = (Vec::new(), Vec::new());
    for Layer { units, out, gradient, plan, layout, .. } in layers {
        places.extend((0..units.len()).map(|panel| Place::of_panel(layout.outputs, panel)));
        let gradients = units.iter_mut().zip(&*gradient);
        panels.extend(gradients.map(|(units, gradient)| (inputs, plan.inputs, units, gradient)));
        inputs = out;
    }
    let panels = Each::from(&mut panels[..]);
    pool.for_each(panels, Partition::Listed(&places), |_, (inputs, depth, units, gradient)| {
        units.update(isa, inputs, *depth, &gradient[..rows * PANEL], steps);
    });
}

impl Units {
    /// The outputs of the Linear.
    fn product(&self, isa: Isa, left: &[Buffer], rows: usize, depth: usize, out: &mut [f32]) {
        let right = &*self.weight.values;
        let start = self.bias.as_ref().map(|bias| &*bias.values);
        Product { left, right, start, out, rows, depth, columns: self.columns }.run(isa);
    }

    fn forward(
        &mut self,
        isa: Isa,
        plan: Plan,
        inputs: &[Buffer],
        out: &mut [f32],
        kept: &mut Kept,
        pass: Pass,
    ) {
        let (rows, columns) = (out.len() / PANEL, self.columns);
        let Plan { activation, placement, keeps_slope, .. } = plan;
        let mut slope = keeps_slope.then(|| &mut kept.slope[..out.len()]);
        if self.norm.is_none() {
            self.product(isa, inputs, rows, plan.inputs, out);
            if activation != Activation::Identity || keeps_slope {
                Activate { activation, values: out, saved: slope }.run(isa);
            }
        } else {
            let x = &mut kept.normalised[..out.len()];
            self.product(isa, inputs, rows, plan.inputs, x);
            let (saved, activation) = match placement {
                Placement::BeforeActivation => (slope.take(), activation),
                Placement::AfterActivation => {
                    Activate { activation, values: x, saved: slope.take() }.run(isa);
                    (None, Activation::Identity)
                }
            };
            if let Some(norm) = &mut self.norm {
                norm.train(isa, Forward { x, out, saved, activation, columns }, pass);
            }
        }
        if plan.drops && pass == Pass::Train {
            Multiply { values: out, factors: &kept.mask[..rows * PANEL] }.run(isa);
        }
    }

    /// From the gradient of the outputs to that of the Linear's.
    fn back(&mut self, isa: Isa, plan: Plan, out: &[f32], gradient: &mut [f32], kept: &Kept) {
        let Plan { activation, placement, keeps_slope, .. } = plan;
        let columns = self.columns;
        if plan.drops {
            Multiply { values: gradient, factors: &kept.mask[..out.len()] }.run(isa);
        }
        let saved = if keeps_slope { &kept.slope[..out.len()] } else { out };
        let before = placement == Placement::BeforeActivation;
        if let Some(norm) = &mut self.norm {
            let x = &kept.normalised[..out.len()];
            let activation = if before { activation } else { Activation::Identity };
            norm.back(isa, Back { x, saved, gradient, activation, columns });
        }
        if activation != Activation::Identity && (self.norm.is_none() || !before) {
            Slope { activation, saved, gradient }.run(isa);
        }
    }

    fn update(
        &mut self,
        isa: Isa,
        inputs: &[Buffer],
        depth: usize,
        outputs: &[f32],
        steps: Option<&Steps>,
    ) {
        let (rows, columns) = (outputs.len() / PANEL, self.columns);
        if let Some(bias) = &mut self.bias {
            ColumnSums { panel: outputs, sums: &mut bias.gradient }.run(isa);
        }
        let gradient = Gradient { inputs, depth, outputs, rows, columns };
        match steps {
            None => WeightGradient { gradient, kept: &mut self.weight.gradient }.run(isa),
            Some(steps) => {
                let Parameter { values, memory, decays, .. } = &mut self.weight;
                let weights = Weights { values, memory };
                Update { gradient, step: steps.of(*decays), weights }.run(isa);
                self.small_parameters(&mut |small| small.step(isa, steps, 1.0, columns));
            }
        }
    }

    /// Moves all parameters but the weights of the Linear, or looks at them.
    fn small_parameters(&mut self, visit: &mut dyn FnMut(&mut Parameter)) {
        self.bias.iter_mut().for_each(&mut *visit);
        if let Some(norm) = &mut self.norm {
            for name in norm.parameters() {
                norm.parameter_mut(name).into_iter().for_each(&mut *visit);
            }
        }
    }
}
