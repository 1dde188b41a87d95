//! One layer: its weights and its batch, panel by panel, forward and back.

use std::sync::OnceLock;

use super::activation;
use super::norm::{self, Affine, Back, Form, Forward, Lacking, Norm, Pass};
use super::parameter::{Parameter, Steps};
use crate::config::model::{self, Placement};
use crate::config::training::Optimizer;
use crate::nn::layout::{HiddenLayout, LayerLayout, NormLayout};
use bnes_kernels::activate::{Activate, Activation, Multiply, Slope, SlopeFrom, slope_from};
use bnes_kernels::buffer::Buffer;
use bnes_kernels::by_row::{ByRow, NormaliseRows, NormaliseRowsBack};
use bnes_kernels::normalise::{self, AffineActivate, AffineBack, ColumnSums, Row};
use bnes_kernels::product::{Product, Transpose};
use bnes_kernels::threads::{Each, Partition, Place, ThreadPool};
use bnes_kernels::update::{Gradient, Update, UpdateDirections, WeightGradient, Weights};
use bnes_kernels::weight_norm::{Directions, Fold, Norms, Stretch, StretchBack};
use bnes_kernels::{Isa, MAX_LANES, PANEL, columns_of, panels};

/// One Linear and what follows it, or a norm of the inputs, which has no Linear before it.
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
    /// Where the norm is one of rows.
    by_row: Option<ByRow>,
    /// What that needs on its way back.
    kept_of_rows: Buffer,
    /// What each thread works in.
    scratch: Vec<Buffer>,
    plan: Plan,
}

/// The weights of a panel of units, and their norm.
pub struct Units {
    /// Units of this panel.
    columns: usize,
    /// `inputs x PANEL`, with rows of zeros up to a whole number of [`MAX_LANES`]; where there are
    /// lengths, the directions of the weights. Empty without a Linear.
    pub weight: Parameter,
    /// Of the weights of each unit, where training moves these in place of the weights.
    pub length: Option<Length>,
    /// Per unit.
    pub bias: Option<Parameter>,
    /// Behind the norm, where there is one.
    pub affine: Option<Affine>,
    /// After the Linear, where it works on panels.
    pub norm: Option<Box<dyn Norm>>,
}

/// The lengths of weights `g v / |v|`.
pub struct Length {
    /// `g` of each unit.
    pub parameter: Parameter,
    /// `|v|` of each unit.
    norms: Row,
    /// `g / |v|` of each unit.
    factors: Row,
    /// Of a batch on its way back, `dw v` of each unit.
    along: Row,
    /// The weights themselves, once they are asked for.
    weights: OnceLock<Buffer>,
}

impl Length {
    /// Takes note of new lengths or directions.
    fn refresh(&mut self) {
        for (column, factor) in self.factors.iter_mut().enumerate() {
            let norm = self.norms[column];
            // Columns beyond the width have no direction.
            *factor = if norm > 0.0 { self.parameter.values[column] / norm } else { 0.0 };
        }
        self.weights.take();
    }

    /// What of a direction is taken off the gradient by it.
    fn shares(&self) -> Row {
        std::array::from_fn(|column| {
            let norm = self.norms[column];
            if norm > 0.0 { self.factors[column] * self.along[column] / norm / norm } else { 0.0 }
        })
    }
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
    /// Products of inputs and directions of weights.
    products: Buffer,
}

/// What is the same for all panels of a layer.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // what holds of the layer
struct Plan {
    /// Whether there is a Linear; else what goes in is what its outputs would be.
    has_linear: bool,
    inputs: usize,
    activation: Activation,
    placement: Placement,
    drops: bool,
    keeps_slope: bool,
    /// Whether the norm is one of rows.
    by_row: bool,
}

impl Plan {
    /// The panels of inputs that a panel is made from.
    fn read(self, inputs: &[Buffer], panel: usize) -> &[Buffer] {
        if self.has_linear { inputs } else { &inputs[panel..=panel] }
    }
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
        Self::build(layout, optimizer, drops, clips, true)
    }

    /// A norm of so many inputs as before the first step.
    ///
    /// # Errors
    /// Where this engine does not have the norm.
    pub fn of_inputs(
        norm: &NormLayout,
        inputs: usize,
        optimizer: &Optimizer,
    ) -> Result<Self, Lacking> {
        let layout = LayerLayout {
            linear: 0,
            inputs: 0,
            outputs: inputs,
            bias: false,
            normalises_weights: false,
            hidden: Some(HiddenLayout {
                norm: Some(norm.clone()),
                activation: model::Activation::Identity,
            }),
        };
        Self::build(&layout, optimizer, false, false, false)
    }

    fn build(
        layout: &LayerLayout,
        optimizer: &Optimizer,
        drops: bool,
        clips: bool,
        has_linear: bool,
    ) -> Result<Self, Lacking> {
        let (inputs, outputs) = (layout.inputs, layout.outputs);
        let hidden = layout.hidden.as_ref();
        let activation =
            hidden.map_or(Activation::Identity, |hidden| activation::kernel_of(hidden.activation));
        let placement = layout.placement();
        let drops = drops && hidden.is_some();
        let form = || layout.norm().map(|norm| norm::build(norm, outputs)).transpose();
        let by_row = match form()? {
            Some(Form::Rows(by_row)) => Some(by_row),
            Some(Form::Panel(_)) | None => None,
        };
        let plan = Plan {
            has_linear,
            inputs,
            activation,
            placement,
            drops,
            keeps_slope: hidden.is_some()
                && (slope_from(activation) == SlopeFrom::Input
                    || drops
                    || placement == Placement::AfterActivation),
            by_row: by_row.is_some(),
        };
        let normalised = layout.normalises_weights;
        if let Some(norm) = layout.norm().filter(|_| normalised && by_row.is_some()) {
            // What stretches the outputs comes back before rows do.
            return Err(Lacking(norm.kind.kind()));
        }
        let room = inputs.next_multiple_of(MAX_LANES) * PANEL;
        let length = || Length {
            parameter: Parameter::new(PANEL, optimizer, true, true),
            norms: [0.0; PANEL],
            factors: [0.0; PANEL],
            along: [0.0; PANEL],
            weights: OnceLock::new(),
        };
        let units = |index| {
            Ok(Units {
                columns: columns_of(outputs, index),
                // On the directions, decay would change no weight.
                weight: Parameter::new(room, optimizer, !normalised, clips || normalised),
                length: normalised.then(length),
                bias: layout.bias.then(|| Parameter::new(PANEL, optimizer, false, true)),
                affine: layout.norm().map(|norm| Affine::new(&norm.tensors, optimizer)),
                norm: match form()? {
                    Some(Form::Panel(norm)) => Some(norm),
                    Some(Form::Rows(_)) | None => None,
                },
            })
        };
        let empty = |_| Kept {
            normalised: Buffer::default(),
            slope: Buffer::default(),
            mask: Buffer::default(),
            transposed: Buffer::default(),
            products: Buffer::default(),
        };
        Ok(Self {
            units: (0..panels(outputs)).map(units).collect::<Result<_, Lacking>>()?,
            out: Vec::new(),
            gradient: Vec::new(),
            kept: (0..panels(outputs)).map(empty).collect(),
            by_row,
            kept_of_rows: Buffer::default(),
            scratch: Vec::new(),
            layout: layout.clone(),
            plan,
        })
    }

    /// Whether it has a Linear, and is no norm of the inputs.
    pub fn has_linear(&self) -> bool {
        self.plan.has_linear
    }

    /// Whether training moves anything in it.
    pub fn learns(&self) -> bool {
        let learns = |units: &Units| units.affine.as_ref().and_then(Affine::learned).is_some();
        self.plan.has_linear || self.units.iter().any(learns)
    }

    /// Makes room for batches of this many rows; `next` are the outputs of the layer behind it.
    pub fn reserve(&mut self, rows: usize, next: Option<usize>) {
        let room = rows * PANEL;
        self.out = vec![Buffer::zeros(room); self.units.len()];
        self.gradient = vec![Buffer::zeros(room); self.units.len()];
        let has_norm = self.layout.norm().is_some();
        let kept_of_rows = self.by_row.map_or(0, |by_row| by_row.kept(rows));
        self.kept_of_rows = Buffer::zeros(kept_of_rows);
        let where_needed = |needed: bool| Buffer::zeros(if needed { room } else { 0 });
        for kept in &mut self.kept {
            *kept = Kept {
                normalised: where_needed(has_norm),
                slope: where_needed(self.plan.keeps_slope),
                mask: where_needed(self.plan.drops),
                transposed: Buffer::zeros(panels(next.unwrap_or(0)) * PANEL * PANEL),
                products: where_needed(self.layout.normalises_weights),
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
        let panels = Partition::Panels(self.layout.outputs);
        pool.for_each(items, panels, |panel, (units, out, kept)| {
            units.forward(
                isa,
                plan,
                plan.read(inputs, panel),
                &mut out[..rows * PANEL],
                kept,
                pass,
            );
        });
        if let Some(by_row) = self.by_row {
            self.normalise_rows(by_row, pool, isa, rows, pass);
        }
    }

    /// What follows the product, where the norm is one of rows.
    fn normalise_rows(
        &mut self,
        by_row: ByRow,
        pool: &ThreadPool,
        isa: Isa,
        rows: usize,
        pass: Pass,
    ) {
        let (plan, units) = (self.plan, &self.units);
        let chunk = rows_of_chunk(rows, pool);
        let room = chunk * PANEL;
        self.scratch.resize_with(pool.size(), || Buffer::zeros(by_row.scratch()));
        let of_rows = self.kept_of_rows.chunks_mut(by_row.kept(chunk)).zip(&mut self.scratch);
        let mut chunks: Vec<_> = of_rows
            .take(rows.div_ceil(chunk))
            .map(|(kept, scratch)| RowsForward { kept, scratch, panels: Vec::new() })
            .collect();
        let mut xs: Vec<Vec<&mut [f32]>> = chunks.iter().map(|_| Vec::new()).collect();
        for (kept, out) in self.kept.iter_mut().zip(&mut self.out) {
            let Kept { normalised, slope, mask, .. } = kept;
            let x = normalised[..rows * PANEL].chunks_mut(room);
            x.zip(&mut xs).for_each(|(x, xs)| xs.push(x));
            let mut slopes = slope.chunks_mut(room);
            let mut masks = mask.chunks(room);
            let outs = out[..rows * PANEL].chunks_mut(room);
            for (chunk, out) in chunks.iter_mut().zip(outs) {
                let (slope, mask) = (slopes.next(), masks.next());
                chunk.panels.push(PanelForward { out, slope, mask });
            }
        }
        let before = plan.placement == Placement::BeforeActivation;
        let activation = if before { plan.activation } else { Activation::Identity };
        let items = (Each::from(&mut chunks[..]), Each::from(&mut xs[..]));
        pool.for_each(items, Partition::Even, |_, (chunk, x)| {
            let RowsForward { kept, scratch, panels } = chunk;
            NormaliseRows { by_row, x, kept: Some(kept), scratch }.run(isa);
            for ((x, panel), units) in x.iter().zip(panels).zip(units) {
                let len = x.len();
                let saved = panel.slope.as_mut().map(|slope| &mut slope[..len]);
                let saved = saved.filter(|_| before);
                let affine = units.affine.as_ref().and_then(Affine::learned);
                let (out, columns) = (&mut *panel.out, units.columns);
                AffineActivate { x, out, saved, affine, activation, columns }.run(isa);
                if let Some(mask) = panel.mask.filter(|_| plan.drops && pass == Pass::Train) {
                    Multiply { values: panel.out, factors: &mask[..len] }.run(isa);
                }
            }
        });
    }

    /// The gradient of the norm's inputs, where it is one of rows, from that of what it scales.
    fn back_through_rows(&mut self, by_row: ByRow, pool: &ThreadPool, isa: Isa, rows: usize) {
        let Plan { activation, placement, .. } = self.plan;
        let chunk = rows_of_chunk(rows, pool);
        let room = chunk * PANEL;
        let scales: Vec<&[f32]> = self.units.iter().filter_map(Units::scale).collect();
        let scale = (!scales.is_empty()).then_some(&scales[..]);
        let of_rows = self.kept_of_rows.chunks(by_row.kept(chunk)).zip(&mut self.scratch);
        let mut chunks: Vec<_> = of_rows
            .take(rows.div_ceil(chunk))
            .map(|(kept, scratch)| RowsBack {
                kept,
                scratch,
                normalised: Vec::new(),
                slopes: Vec::new(),
            })
            .collect();
        let mut gradients: Vec<Vec<&mut [f32]>> = chunks.iter().map(|_| Vec::new()).collect();
        for (kept, gradient) in self.kept.iter().zip(&mut self.gradient) {
            let gradient = gradient[..rows * PANEL].chunks_mut(room);
            gradient.zip(&mut gradients).for_each(|(gradient, all)| all.push(gradient));
            let normalised = kept.normalised[..rows * PANEL].chunks(room);
            for (chunk, normalised) in chunks.iter_mut().zip(normalised) {
                chunk.normalised.push(normalised);
            }
            for (chunk, slope) in chunks.iter_mut().zip(kept.slope.chunks(room)) {
                chunk.slopes.push(slope);
            }
        }
        let items = (Each::from(&mut chunks[..]), Each::from(&mut gradients[..]));
        pool.for_each(items, Partition::Even, |_, (chunk, gradient)| {
            let RowsBack { kept, scratch, normalised, slopes } = chunk;
            NormaliseRowsBack { by_row, normalised, kept, scale, gradient, scratch }.run(isa);
            if placement == Placement::AfterActivation && activation != Activation::Identity {
                for (gradient, slope) in gradient.iter_mut().zip(slopes) {
                    let saved = &slope[..gradient.len()];
                    Slope { activation, saved, gradient }.run(isa);
                }
            }
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
        if let Some(by_row) = self.by_row {
            self.back_through_rows(by_row, pool, isa, rows);
        }
    }

    /// Moves all parameters along the gradients that were kept.
    pub fn step(&mut self, pool: &ThreadPool, isa: Isa, steps: &Steps, scale: f32) {
        let panels = Each::from(&mut self.units[..]);
        pool.for_each(panels, Partition::Panels(self.layout.outputs), |_, units| {
            let columns = units.columns;
            units.weight.step(isa, steps, scale, columns);
            units.small_parameters(&mut |small| small.step(isa, steps, scale, columns));
            units.measure_directions(isa);
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

    /// Floats that [`evaluate`](Self::evaluate) works in.
    pub fn scratch(&self) -> usize {
        self.by_row.map_or(0, |by_row| by_row.scratch())
    }

    /// The layer outside of training, for `rows` rows.
    pub fn evaluate(
        &self,
        isa: Isa,
        inputs: &[Buffer],
        rows: usize,
        out: &mut [Buffer],
        scratch: &mut [f32],
    ) {
        let Plan { activation, placement, inputs: depth, has_linear, .. } = self.plan;
        let activate = |values: &mut [f32]| {
            if activation != Activation::Identity {
                Activate { activation, values, saved: None }.run(isa);
            }
        };
        let mut out: Vec<&mut [f32]> = out.iter_mut().map(|out| &mut out[..rows * PANEL]).collect();
        for ((units, out), panel) in self.units.iter().zip(&mut out).zip(0..) {
            if !has_linear {
                out.copy_from_slice(&inputs[panel][..rows * PANEL]);
                continue;
            }
            let start = units.bias.as_ref().map(|bias| &*bias.values);
            units.product(isa, units.weights(isa), start, inputs, rows, depth, out);
            if placement == Placement::AfterActivation {
                activate(out);
            }
        }
        if let Some(by_row) = self.by_row {
            NormaliseRows { by_row, x: &mut out, kept: None, scratch }.run(isa);
        }
        for (units, x) in self.units.iter().zip(out) {
            if let Some((scale, shift)) = units.evaluation(isa) {
                normalise::Affine { x, scale: &scale, shift: &shift }.run(isa);
            }
            if placement == Placement::BeforeActivation {
                activate(x);
            }
        }
    }
}

/// Some rows of every panel on their way forward, the norm's inputs aside.
struct RowsForward<'a> {
    /// For the way back.
    kept: &'a mut [f32],
    scratch: &'a mut Buffer,
    panels: Vec<PanelForward<'a>>,
}

/// Some rows of a panel.
struct PanelForward<'a> {
    out: &'a mut [f32],
    slope: Option<&'a mut [f32]>,
    mask: Option<&'a [f32]>,
}

/// Some rows of every panel on their way back, the gradient aside.
struct RowsBack<'a> {
    kept: &'a [f32],
    scratch: &'a mut Buffer,
    normalised: Vec<&'a [f32]>,
    slopes: Vec<&'a [f32]>,
}

/// Rows that a thread takes at a time.
fn rows_of_chunk(rows: usize, pool: &ThreadPool) -> usize {
    rows.div_ceil(pool.size()).next_multiple_of(MAX_LANES)
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
        panels.extend(gradients.map(|(units, gradient)| (inputs, *plan, units, gradient)));
        inputs = out;
    }
    let panels = Each::from(&mut panels[..]);
    pool.for_each(panels, Partition::Listed(&places), |_, (inputs, plan, units, gradient)| {
        units.update(isa, *plan, inputs, &gradient[..rows * PANEL], steps);
    });
}

impl Units {
    /// The weights, `inputs x PANEL`.
    pub fn weights(&self, isa: Isa) -> &Buffer {
        let directions = &self.weight.values;
        let Some(Length { factors, weights, .. }) = &self.length else { return directions };
        weights.get_or_init(|| {
            let mut weights = Buffer::zeros(directions.len());
            Fold { directions, factors, weights: &mut weights }.run(isa);
            weights
        })
    }

    /// Takes the weights for their own directions, and their lengths from them.
    pub fn start_lengths(&mut self, isa: Isa) {
        self.measure_directions(isa);
        if let Some(length) = &mut self.length {
            length.parameter.values.copy_from_slice(&length.norms);
            length.refresh();
        }
    }

    /// Takes note of new directions and lengths, where training moves these.
    pub fn measure_directions(&mut self, isa: Isa) {
        let (directions, columns) = (&self.weight.values, self.columns);
        if let Some(length) = &mut self.length {
            Norms { directions, norms: &mut length.norms, columns }.run(isa);
            length.refresh();
        }
    }

    /// Sets the weights, bit for bit, to what lengths and directions made of them elsewhere.
    pub fn set_folded(&mut self, weights: Buffer) {
        if let Some(length) = &mut self.length {
            length.weights = OnceLock::from(weights);
        }
    }

    /// The factors of a norm that has any.
    fn scale(&self) -> Option<&[f32]> {
        self.affine.as_ref()?.learned().map(|(scale, _)| scale)
    }

    /// Factor and addend of each column outside of training, behind what a norm does to each row.
    fn evaluation(&self, isa: Isa) -> Option<(Row, Row)> {
        let affine = self.affine.as_ref()?;
        match &self.norm {
            Some(norm) => Some(norm.evaluation(isa, affine.values())),
            None => affine.learned().map(|(scale, shift)| {
                let row = |values: &[f32]| std::array::from_fn(|column| values[column]);
                (row(scale), row(shift))
            }),
        }
    }

    /// The product of inputs and some weights, with `start` added.
    #[allow(clippy::too_many_arguments)] // of one product
    fn product(
        &self,
        isa: Isa,
        right: &[f32],
        start: Option<&[f32]>,
        left: &[Buffer],
        rows: usize,
        depth: usize,
        out: &mut [f32],
    ) {
        Product { left, right, start, out, rows, depth, columns: self.columns }.run(isa);
    }

    /// The outputs of the Linear in training, or what goes in where there is none.
    fn linear(
        &self,
        isa: Isa,
        plan: Plan,
        inputs: &[Buffer],
        out: &mut [f32],
        products: &mut [f32],
    ) {
        if !plan.has_linear {
            return out.copy_from_slice(&inputs[0][..out.len()]);
        }
        let depth = plan.inputs;
        let (rows, right) = (out.len() / PANEL, &self.weight.values);
        let start = self.bias.as_ref().map(|bias| &*bias.values);
        let Some(Length { factors, .. }) = &self.length else {
            return self.product(isa, right, start, inputs, rows, depth, out);
        };
        self.product(isa, right, None, inputs, rows, depth, out);
        let products = &mut products[..out.len()];
        Stretch { x: out, products, factors, start }.run(isa);
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
        if plan.by_row {
            // What follows takes all panels at once.
            let x = &mut kept.normalised[..out.len()];
            self.linear(isa, plan, inputs, x, &mut kept.products);
            if placement == Placement::AfterActivation {
                Activate { activation, values: x, saved: slope }.run(isa);
            }
            return;
        }
        if self.norm.is_none() {
            self.linear(isa, plan, inputs, out, &mut kept.products);
            if activation != Activation::Identity || keeps_slope {
                Activate { activation, values: out, saved: slope }.run(isa);
            }
        } else {
            let x = &mut kept.normalised[..out.len()];
            self.linear(isa, plan, inputs, x, &mut kept.products);
            let (saved, activation) = match placement {
                Placement::BeforeActivation => (slope.take(), activation),
                Placement::AfterActivation => {
                    Activate { activation, values: x, saved: slope.take() }.run(isa);
                    (None, Activation::Identity)
                }
            };
            if let Some(norm) = &mut self.norm {
                let affine = self.affine.as_ref().and_then(Affine::learned);
                norm.train(isa, Forward { x, out, saved, affine, activation, columns }, pass);
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
        if let (Some(norm), Some(affine)) = (&mut self.norm, &mut self.affine) {
            let x = &kept.normalised[..out.len()];
            let activation = if before { activation } else { Activation::Identity };
            let learns = affine.learned().is_some();
            let Affine { scale, shift, .. } = affine;
            let back = Back {
                x,
                saved,
                gradient,
                scale: learns.then_some(&*scale.values),
                scale_gradient: &mut scale.gradient,
                shift_gradient: &mut shift.gradient,
                activation,
                columns,
            };
            norm.back(isa, back);
        }
        // Behind a norm of panels that comes first, the slope is the norm's.
        let comes_here = if plan.by_row { before } else { self.norm.is_none() || !before };
        if activation != Activation::Identity && comes_here {
            Slope { activation, saved, gradient }.run(isa);
        }
        if let Some(affine) = self.affine.as_mut().filter(|affine| affine.learned().is_some())
            && plan.by_row
        {
            let normalised = &kept.normalised[..out.len()];
            let Affine { scale, shift, .. } = affine;
            AffineBack {
                normalised,
                gradient,
                scale_gradient: &mut scale.gradient,
                shift_gradient: &mut shift.gradient,
                columns,
            }
            .run(isa);
        }
        if let Some(Length { parameter, norms, factors, along, .. }) = &mut self.length {
            let products = &kept.products[..out.len()];
            let bias_gradient = self.bias.as_mut().map(|bias| &mut *bias.gradient);
            StretchBack { products, gradient, factors, along, bias_gradient }.run(isa);
            for column in 0..columns {
                parameter.gradient[column] =
                    if norms[column] > 0.0 { along[column] / norms[column] } else { 0.0 };
            }
        }
    }

    fn update(
        &mut self,
        isa: Isa,
        plan: Plan,
        inputs: &[Buffer],
        outputs: &[f32],
        steps: Option<&Steps>,
    ) {
        if plan.has_linear {
            self.update_weights(isa, plan.inputs, inputs, outputs, steps);
        }
        if let Some(steps) = steps {
            let columns = self.columns;
            self.small_parameters(&mut |small| small.step(isa, steps, 1.0, columns));
            self.length.iter_mut().for_each(Length::refresh);
        }
    }

    /// Moves the weights of the Linear, or keeps their gradients, and those of biases.
    fn update_weights(
        &mut self,
        isa: Isa,
        depth: usize,
        inputs: &[Buffer],
        outputs: &[f32],
        steps: Option<&Steps>,
    ) {
        let (rows, columns) = (outputs.len() / PANEL, self.columns);
        let gradient = Gradient { inputs, depth, outputs, rows, columns };
        let Parameter { values, memory, decays, gradient: kept, .. } = &mut self.weight;
        if let Some(length) = &mut self.length {
            let shares = &length.shares();
            match steps {
                None => {
                    WeightGradient { gradient, kept }.run(isa);
                    Directions { directions: values, gradient: kept, shares }.run(isa);
                }
                Some(steps) => {
                    let (step, norms) = (steps.of(*decays), &mut length.norms);
                    let weights = Weights { values, memory };
                    UpdateDirections { gradient, step, weights, shares, norms }.run(isa);
                }
            }
        } else {
            if let Some(bias) = &mut self.bias {
                ColumnSums { panel: outputs, sums: &mut bias.gradient }.run(isa);
            }
            match steps {
                None => WeightGradient { gradient, kept }.run(isa),
                Some(steps) => {
                    let weights = Weights { values, memory };
                    Update { gradient, step: steps.of(*decays), weights }.run(isa);
                }
            }
        }
    }

    /// Moves all parameters but the weights of the Linear, or looks at them.
    fn small_parameters(&mut self, visit: &mut dyn FnMut(&mut Parameter)) {
        self.length.iter_mut().for_each(|length| visit(&mut length.parameter));
        self.bias.iter_mut().for_each(&mut *visit);
        self.affine.iter_mut().flat_map(Affine::each).for_each(&mut *visit);
    }
}
