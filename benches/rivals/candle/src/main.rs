//! candle as a newcomer writes it: `candle_nn`'s layers and optimisers, a tensor operation a line.

#[path = "../../rival.rs"]
mod rival;

use std::time::Instant;

use candle_core::{DType, Device, Module, ModuleT, Result, Tensor, Var};
use candle_nn::{
    AdamW, BatchNorm, Linear, Optimizer, ParamsAdamW, SGD, VarBuilder, VarMap, batch_norm, linear,
    loss,
};
use rival::{Orders, Rows, Work};

struct Network {
    layers: Vec<(Linear, Option<BatchNorm>)>,
    last: Linear,
    relu: bool,
}

impl Network {
    fn new(work: &Work, variables: &VarBuilder) -> Result<Self> {
        let mut layers = Vec::new();
        let mut width = work.inputs;
        for (layer, &units) in work.hidden.iter().enumerate() {
            let norm = match work.batch_norm {
                true => Some(batch_norm(units, 1e-5, variables.pp(format!("norm{layer}")))?),
                false => None,
            };
            layers.push((linear(width, units, variables.pp(format!("linear{layer}")))?, norm));
            width = units;
        }
        let last = linear(width, work.classes, variables.pp("last"))?;
        Ok(Self { layers, last, relu: work.relu })
    }
}

impl ModuleT for Network {
    fn forward_t(&self, rows: &Tensor, train: bool) -> Result<Tensor> {
        let mut rows = rows.clone();
        for (linear, norm) in &self.layers {
            rows = linear.forward(&rows)?;
            if let Some(norm) = norm {
                rows = norm.forward_t(&rows, train)?;
            }
            rows = if self.relu { rows.relu()? } else { candle_nn::ops::sigmoid(&rows)? };
        }
        self.last.forward(&rows)
    }
}

/// candle's SGD has no momentum; each variable with its velocity.
struct Momentum {
    variables: Vec<(Var, Tensor)>,
    momentum: f64,
    lr: f64,
}

impl Momentum {
    fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        let gradients = loss.backward()?;
        for (variable, velocity) in &mut self.variables {
            if let Some(gradient) = gradients.get(variable) {
                *velocity = ((&*velocity * self.momentum)? + gradient)?.detach();
                variable.set(&(variable.as_tensor() - (&*velocity * self.lr)?)?)?;
            }
        }
        Ok(())
    }
}

enum Optimiser {
    Adam(AdamW),
    Sgd(SGD),
    Momentum(Momentum),
}

impl Optimiser {
    fn new(work: &Work, variables: Vec<Var>) -> Result<Self> {
        if work.adam {
            let settings = ParamsAdamW { lr: work.lr, weight_decay: 0.0, ..Default::default() };
            return Ok(Self::Adam(AdamW::new(variables, settings)?));
        }
        if work.momentum == 0.0 {
            return Ok(Self::Sgd(SGD::new(variables, work.lr)?));
        }
        let variables = variables
            .into_iter()
            .map(|variable| Ok((variable.clone(), variable.zeros_like()?)))
            .collect::<Result<_>>()?;
        Ok(Self::Momentum(Momentum { variables, momentum: work.momentum, lr: work.lr }))
    }

    fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        match self {
            Self::Adam(optimiser) => optimiser.backward_step(loss),
            Self::Sgd(optimiser) => optimiser.backward_step(loss),
            Self::Momentum(optimiser) => optimiser.backward_step(loss),
        }
    }
}

fn tensors(rows: Rows, inputs: usize) -> Result<(Tensor, Tensor)> {
    let count = rows.labels.len();
    let inputs = Tensor::from_vec(rows.inputs, (count, inputs), &Device::Cpu)?;
    Ok((inputs, Tensor::from_vec(rows.labels, count, &Device::Cpu)?))
}

fn main() -> Result<()> {
    let work = Work::from_arguments();
    let (train, validation) = rival::data(&work);
    let count = train.labels.len();
    let (inputs, labels) = tensors(train, work.inputs)?;
    let (held_out, answers) = tensors(validation, work.inputs)?;
    let map = VarMap::new();
    let network = Network::new(&work, &VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu))?;
    let mut optimiser = Optimiser::new(&work, map.all_vars())?;
    let mut orders = Orders::new(count, work.seed);
    let mut accuracy = 0.0;

    let began = Instant::now();
    for _ in 0..work.epochs {
        let mut total = 0.0;
        for batch in orders.next().chunks(work.batch) {
            let batch = Tensor::new(batch, &Device::Cpu)?;
            let outputs = network.forward_t(&inputs.index_select(&batch, 0)?, true)?;
            let loss = loss::cross_entropy(&outputs, &labels.index_select(&batch, 0)?)?;
            optimiser.backward_step(&loss)?;
            total += f64::from(loss.to_scalar::<f32>()?) * batch.elem_count() as f64;
        }
        let outputs = network.forward_t(&held_out, false)?;
        let val_loss = loss::cross_entropy(&outputs, &answers)?.to_scalar::<f32>()?;
        let right = outputs.argmax(1)?.eq(&answers)?.to_dtype(DType::F32)?;
        accuracy = f64::from(right.mean_all()?.to_scalar::<f32>()?);
        std::hint::black_box((total / count as f64, val_loss));
    }
    rival::report(began, accuracy);
    Ok(())
}
