//! The engine on candle's autograd: any device, and the reference for every faster one.

mod activation;
mod loss;
mod norm;
mod optimizer;
mod start;
mod tensors;
mod weight;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, Var};

use self::loss::Target;
pub use self::norm::{Fixed, NormAlone, WayBack};
use self::norm::{Like, Norm, Pass};
use self::optimizer::Optimizer;
use self::tensors::{from_floats, to_floats};
use self::weight::Weight;
use super::init::initial_state;
use super::layout::{LayerLayout, Layout};
use super::{Engine, Network, RunsOn, StateDict};
use crate::config::model::{Activation, Placement};
use crate::config::training::{ClassWeights, Loss};
use crate::data::{Dataset, Inputs, Targets};
use crate::seed::Seed;

/// Rows that are evaluated at a time, exactly: matrix products of another shape may add up their
/// terms in another order, so the outputs of a row would depend on how many rows stand beside it.
const EVALUATION_ROWS: usize = 256;

/// A network, its optimizer and the data on one device.
pub struct GraphEngine {
    /// Of the inputs.
    input_norm: Option<Norm>,
    layers: Vec<Layer>,
    optimizer: Optimizer,
    loss: Loss,
    /// What a row of each class counts in training.
    class_weights: Option<Tensor>,
    dropout: f64,
    seed: Seed,
    /// Training batches seen; picks the dropout masks.
    steps: u64,
    /// Losses since they were last taken, f64.
    loss_sum: Tensor,
    data: DeviceData,
    dtype: DType,
    device: Device,
}

/// One Linear and what follows it.
struct Layer {
    number: usize,
    weight: Weight,
    bias: Option<Var>,
    hidden: Option<Hidden>,
}

struct Hidden {
    norm: Option<Norm>,
    placement: Placement,
    activation: Activation,
}

/// All rows on the device; images stay bytes until they are gathered.
struct DeviceData {
    inputs: Tensor,
    /// Factor and addend of an image's bytes.
    affine: Option<(f64, f64)>,
    targets: Target,
}

impl DeviceData {
    fn new(data: &Dataset, dtype: DType, device: &Device) -> candle_core::Result<Self> {
        let rows = data.inputs.rows();
        let (inputs, affine) = match &data.inputs {
            Inputs::Table(table) => {
                let inputs = Tensor::from_vec(table.to_vec(), (rows, table.width()), device)?;
                (inputs.to_dtype(dtype)?, None)
            }
            Inputs::Images { bytes, width, scale, shift } => {
                let inputs = Tensor::from_slice(bytes, (rows, *width), device)?;
                (inputs, Some((f64::from(*scale), f64::from(*shift))))
            }
        };
        let targets = match &data.targets {
            Targets::Classes { labels, .. } => {
                Target::Classes(Tensor::from_slice(labels, rows, device)?)
            }
            Targets::Values { values, names, .. } => {
                let values = Tensor::from_slice(values, (rows, names.len()), device)?;
                Target::Values(values.to_dtype(dtype)?)
            }
        };
        Ok(Self { inputs, affine, targets })
    }

    fn inputs(&self, rows: &Tensor, dtype: DType) -> candle_core::Result<Tensor> {
        let inputs = self.inputs.index_select(rows, 0)?;
        match self.affine {
            Some((scale, shift)) => inputs.to_dtype(dtype)?.affine(scale, shift),
            None => Ok(inputs),
        }
    }

    fn targets(&self, rows: &Tensor) -> candle_core::Result<Target> {
        Ok(match &self.targets {
            Target::Classes(classes) => Target::Classes(classes.index_select(rows, 0)?),
            Target::Values(values) => Target::Values(values.index_select(rows, 0)?),
        })
    }
}

impl Layer {
    fn new(layout: &LayerLayout, like: &Like) -> Result<Self> {
        let Like { dtype, device } = *like;
        let shape = (layout.outputs, layout.inputs);
        let bias =
            if layout.bias { Some(Var::zeros(layout.outputs, dtype, device)?) } else { None };
        let hidden = match &layout.hidden {
            None => None,
            Some(hidden) => Some(Hidden {
                norm: match &hidden.norm {
                    None => None,
                    Some(norm) => Some(Norm::new(norm, layout.outputs, like)?),
                },
                placement: layout.placement(),
                activation: hidden.activation,
            }),
        };
        let weight = Weight::zeros(shape, layout.normalises_weights, like)?;
        Ok(Self { number: layout.linear, weight, bias, hidden })
    }

    fn norm(&self) -> Option<&Norm> {
        self.hidden.as_ref()?.norm.as_ref()
    }

    fn norm_mut(&mut self) -> Option<&mut Norm> {
        self.hidden.as_mut()?.norm.as_mut()
    }

    fn linear(&self, x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        let y = x.matmul(&weight.t()?)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }

    /// The layer in a training or recalibration pass, dropout aside.
    fn train(&mut self, x: &Tensor, pass: Pass) -> candle_core::Result<Tensor> {
        let y = self.linear(x, &self.weight.in_training()?)?;
        let Some(hidden) = &mut self.hidden else { return Ok(y) };
        let Hidden { norm, placement, activation } = hidden;
        around(*placement, *activation, &y, |x| match norm {
            Some(norm) => norm.train(x, pass),
            None => Ok(x.clone()),
        })
    }

    fn evaluate(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = self.linear(x, self.weight.in_effect())?;
        let Some(hidden) = &self.hidden else { return Ok(y) };
        let Hidden { norm, placement, activation } = hidden;
        around(*placement, *activation, &y, |x| match norm {
            Some(norm) => norm.evaluate(x),
            None => Ok(x.clone()),
        })
    }
}

/// Norm and activation in the order of the placement.
fn around(
    placement: Placement,
    activation: Activation,
    x: &Tensor,
    mut norm: impl FnMut(&Tensor) -> candle_core::Result<Tensor>,
) -> candle_core::Result<Tensor> {
    match placement {
        Placement::BeforeActivation => activation::activate(activation, &norm(x)?),
        Placement::AfterActivation => norm(&activation::activate(activation, x)?),
    }
}

impl GraphEngine {
    /// A network before its first step, in f32.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(network: &Network, device: &Device) -> Result<Self> {
        Self::with_dtype(network, device, DType::F32)
    }

    fn with_dtype(network: &Network, device: &Device, dtype: DType) -> Result<Self> {
        let Network { model, training, loss, data, seed, .. } = *network;
        let layout = Layout::of(network);
        let like = Like { dtype, device };
        let layers: Vec<Layer> =
            layout.layers.iter().map(|layer| Layer::new(layer, &like)).collect::<Result<_>>()?;
        let of_inputs = |norm| Norm::new(norm, data.inputs.width(), &like);
        let input_norm = layout.input_norm.as_ref().map(of_inputs).transpose()?;
        let parameters = parameters(input_norm.as_ref(), &layers);
        let decaying = parameters.into_iter().map(|(_, var, decays)| (var.clone(), decays));
        let optimizer =
            Optimizer::new(&training.optimizer, training.clip_norm, decaying.collect())?;
        let class_weights = match training.class_weights {
            None => None,
            Some(ClassWeights::Balanced) => data
                .balanced_weights()
                .map(|weights| Tensor::new(weights, device)?.to_dtype(dtype))
                .transpose()?,
        };
        let mut engine = Self {
            input_norm,
            layers,
            optimizer,
            loss,
            class_weights,
            dropout: layout.dropout,
            seed,
            steps: 0,
            loss_sum: Tensor::zeros((), DType::F64, device)?,
            data: DeviceData::new(data, dtype, device)?,
            dtype,
            device: device.clone(),
        };
        engine.load(&initial_state(&layout, &model.init.init, seed))?;
        Ok(engine)
    }

    /// 0 for a dropped unit, 1 / (1 - rate) for a kept one.
    fn dropout_mask(&self, layer: usize, like: &Tensor) -> candle_core::Result<Tensor> {
        let mut stream = self.seed.stream(&format!("dropout/{layer}"), self.steps);
        #[allow(clippy::cast_possible_truncation)] // a rate
        let (rate, kept) = (self.dropout as f32, (1.0 / (1.0 - self.dropout)) as f32);
        let mask: Vec<f32> = (0..like.elem_count())
            .map(|_| if stream.uniform_f32() < rate { 0.0 } else { kept })
            .collect();
        from_floats(&mask, like.shape(), like)
    }

    /// The outputs of rows in a pass that moves or measures the norms' statistics.
    fn forward(&mut self, x: Tensor, pass: Pass) -> candle_core::Result<Tensor> {
        let mut x = self.normalise_inputs(x, pass)?;
        for index in 0..self.layers.len() {
            x = self.layers[index].train(&x, pass)?;
            let hidden = self.layers[index].hidden.is_some();
            if hidden && self.dropout > 0.0 && pass == Pass::Train {
                x = (&x * self.dropout_mask(index, &x)?)?;
            }
        }
        Ok(x)
    }

    /// What goes into the first Linear in such a pass.
    fn normalise_inputs(&mut self, x: Tensor, pass: Pass) -> candle_core::Result<Tensor> {
        match &mut self.input_norm {
            Some(norm) => norm.train(&x, pass),
            None => Ok(x),
        }
    }

    /// What goes into the first Linear outside of training.
    fn evaluate_inputs(&self, x: Tensor) -> candle_core::Result<Tensor> {
        match &self.input_norm {
            Some(norm) => norm.evaluate(&x),
            None => Ok(x),
        }
    }

    fn finish_recalibration(&mut self, put: bool) -> Result<()> {
        let of_hidden = self.layers.iter_mut().filter_map(Layer::norm_mut);
        for norm in self.input_norm.iter_mut().chain(of_hidden) {
            norm.arithmetic.finish_recalibration(put)?;
        }
        Ok(())
    }

    /// The mean loss of a training batch, with its graph.
    fn batch_loss(&mut self, rows: &[u32]) -> candle_core::Result<Tensor> {
        let rows = Tensor::from_slice(rows, rows.len(), &self.device)?;
        let inputs = self.data.inputs(&rows, self.dtype)?;
        let targets = self.data.targets(&rows)?;
        let outputs = self.forward(inputs, Pass::Train)?;
        loss::mean_loss(self.loss, &outputs, &targets, self.class_weights.as_ref())
    }

    fn parameters(&self) -> Vec<(String, &Var, bool)> {
        parameters(self.input_norm.as_ref(), &self.layers)
    }

    /// The mean loss of a batch and the gradient of every parameter, in their order.
    fn gradients(&mut self, rows: &[u32]) -> Result<(Tensor, Vec<Tensor>)> {
        let loss = self.batch_loss(rows)?;
        let mut store = loss.backward()?;
        let gradients = self.parameters().into_iter().map(|(name, var, _)| {
            // Some operations have no backward pass and drop gradients without a word.
            store.remove(var).with_context(|| format!("parameter `{name}` got no gradient"))
        });
        Ok((loss, gradients.collect::<Result<_>>()?))
    }
}

/// All that training moves: the name, the tensor, and whether weight decay applies.
fn parameters<'a>(
    input_norm: Option<&'a Norm>,
    layers: &'a [Layer],
) -> Vec<(String, &'a Var, bool)> {
    let of_inputs = input_norm.into_iter().flat_map(Norm::parameters);
    let mut parameters: Vec<_> = of_inputs.map(|(name, var)| (name, var, false)).collect();
    for layer in layers {
        let of_weight = layer.weight.parameters().into_iter();
        parameters.extend(
            of_weight.map(|(name, var, decays)| (format!("{}.{name}", layer.number), var, decays)),
        );
        if let Some(bias) = &layer.bias {
            parameters.push((format!("{}.bias", layer.number), bias, false));
        }
        let of_norm = layer.norm().into_iter().flat_map(Norm::parameters);
        parameters.extend(of_norm.map(|(name, var)| (name, var, false)));
    }
    parameters
}

impl Engine for GraphEngine {
    fn train_batch(&mut self, rows: &[u32], lr_factor: f64) -> Result<()> {
        let (loss, gradients) = self.gradients(rows)?;
        self.optimizer.step(&gradients, lr_factor)?;
        self.layers.iter_mut().try_for_each(|layer| layer.weight.fold())?;
        self.steps += 1;
        #[allow(clippy::cast_precision_loss)] // rows of a batch
        let weighted = (loss.detach().to_dtype(DType::F64)? * rows.len() as f64)?;
        self.loss_sum = (&self.loss_sum + weighted)?;
        Ok(())
    }

    fn take_loss_sum(&mut self) -> Result<f64> {
        let sum = self.loss_sum.to_scalar()?;
        self.loss_sum = self.loss_sum.zeros_like()?;
        Ok(sum)
    }

    fn evaluate(&mut self, rows: &[u32]) -> Result<Vec<f32>> {
        let mut outputs = Vec::new();
        for block in rows.chunks(EVALUATION_ROWS) {
            let filler = std::iter::repeat(&block[0]);
            let padded: Vec<u32> =
                block.iter().chain(filler).take(EVALUATION_ROWS).copied().collect();
            let padded = Tensor::from_vec(padded, EVALUATION_ROWS, &self.device)?;
            let inputs = self.data.inputs(&padded, self.dtype)?;
            let mut x = self.evaluate_inputs(inputs)?.detach();
            for layer in &self.layers {
                // Without a graph behind it each intermediate result is freed at once.
                x = layer.evaluate(&x)?.detach();
            }
            outputs.extend(to_floats(&x.narrow(0, 0, block.len())?)?);
        }
        Ok(outputs)
    }

    fn recalibrate(&mut self, batches: &[&[u32]], go_on: &dyn Fn() -> bool) -> Result<bool> {
        for rows in batches {
            if !go_on() {
                self.finish_recalibration(false)?;
                return Ok(false);
            }
            let rows = Tensor::from_slice(rows, rows.len(), &self.device)?;
            let inputs = self.data.inputs(&rows, self.dtype)?;
            self.forward(inputs, Pass::Recalibrate)?;
        }
        self.finish_recalibration(true)?;
        Ok(true)
    }

    fn state(&self) -> Result<StateDict> {
        let mut state = StateDict::default();
        self.input_norm.as_ref().map_or(Ok(()), |norm| norm.save(&mut state))?;
        for layer in &self.layers {
            let number = layer.number;
            let weight = layer.weight.in_effect();
            state.push(format!("{number}.weight"), weight.dims(), to_floats(weight)?);
            if let Some(bias) = &layer.bias {
                state.push(format!("{number}.bias"), bias.dims(), to_floats(bias)?);
            }
            if let Some(norm) = layer.norm() {
                norm.save(&mut state)?;
            }
        }
        Ok(state)
    }

    fn load(&mut self, state: &StateDict) -> Result<()> {
        self.input_norm.as_mut().map_or(Ok(()), |norm| norm.load(state))?;
        for layer in &mut self.layers {
            let number = layer.number;
            layer.weight.load(number, state)?;
            if let Some(bias) = &layer.bias {
                let values = state.floats(&format!("{number}.bias"), bias.dims())?;
                bias.set(&from_floats(values, bias.shape(), bias.as_tensor())?)?;
            }
            if let Some(norm) = layer.norm_mut() {
                norm.load(state)?;
            }
        }
        Ok(())
    }

    fn helpers_cpu_s(&self) -> Option<f64> {
        // Of several threads, the others are those of the whole process.
        (candle_core::utils::get_num_threads() == 1).then_some(0.0)
    }

    fn runs_on(&self) -> RunsOn {
        // What candle's products use, candle does not report.
        let (engine, instruction_set) = ("graph", "candle");
        RunsOn { engine, instruction_set, threads: candle_core::utils::get_num_threads() }
    }

    fn training_state(&self) -> Result<StateDict> {
        let mut state = self.state()?;
        self.input_norm.as_ref().map_or(Ok(()), |norm| norm.save_training(&mut state))?;
        for layer in &self.layers {
            layer.weight.save_training(layer.number, &mut state)?;
            layer.norm().map_or(Ok(()), |norm| norm.save_training(&mut state))?;
        }
        let names = self.parameters().into_iter().map(|(name, ..)| name);
        self.optimizer.save(names, &mut state)?;
        // Bit for bit: a counter never comes near 2^63.
        state.push_count("engine.steps".to_owned(), self.steps.cast_signed());
        state.push_sum("engine.loss_sum".to_owned(), self.loss_sum.to_scalar()?);
        Ok(state)
    }

    fn load_training(&mut self, state: &StateDict) -> Result<()> {
        self.load(state)?;
        self.input_norm.as_mut().map_or(Ok(()), |norm| norm.load_training(state))?;
        for layer in &mut self.layers {
            layer.weight.load_training(layer.number, state)?;
            layer.norm_mut().map_or(Ok(()), |norm| norm.load_training(state))?;
        }
        let names: Vec<String> = self.parameters().into_iter().map(|(name, ..)| name).collect();
        self.optimizer.load(names.into_iter(), state)?;
        self.steps = state.count("engine.steps")?.cast_unsigned();
        self.loss_sum = Tensor::new(state.sum("engine.loss_sum")?, &self.device)?;
        Ok(())
    }
}
