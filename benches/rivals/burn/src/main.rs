//! burn on its flex backend with autodiff, in a training loop of its own.

#[path = "../../rival.rs"]
mod rival;

use std::time::Instant;

use burn::backend::{Autodiff, Flex};
use burn::module::{AutodiffModule, Module};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{Adam, AdamConfig, GradientsParams, Optimizer, Sgd, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::backend::Backend;
use burn::tensor::{ElementConversion, Int, Tensor, TensorData};
use rival::{Orders, Rows, Work};

type Training = Autodiff<Flex>;

#[derive(Module, Debug)]
struct Network<B: Backend> {
    linear: Vec<Linear<B>>,
    norm: Vec<BatchNorm<B>>,
    last: Linear<B>,
    relu: bool,
}

impl<B: Backend> Network<B> {
    fn new(work: &Work, device: &B::Device) -> Self {
        let widths: Vec<usize> = std::iter::once(work.inputs).chain(work.hidden.clone()).collect();
        let linear = |pair: &[usize]| {
            LinearConfig::new(pair[0], pair[1]).with_bias(!work.batch_norm).init(device)
        };
        let norms = if work.batch_norm { work.hidden.as_slice() } else { &[] };
        Self {
            linear: widths.windows(2).map(linear).collect(),
            norm: norms.iter().map(|&units| BatchNormConfig::new(units).init(device)).collect(),
            last: LinearConfig::new(widths[widths.len() - 1], work.classes).init(device),
            relu: work.relu,
        }
    }

    fn forward(&self, mut rows: Tensor<B, 2>) -> Tensor<B, 2> {
        for (layer, linear) in self.linear.iter().enumerate() {
            rows = linear.forward(rows);
            if let Some(norm) = self.norm.get(layer) {
                rows = norm.forward(rows);
            }
            rows = if self.relu { relu(rows) } else { sigmoid(rows) };
        }
        self.last.forward(rows)
    }
}

enum Optimiser {
    Adam(OptimizerAdaptor<Adam, Network<Training>, Training>),
    Sgd(OptimizerAdaptor<Sgd<Flex>, Network<Training>, Training>),
}

impl Optimiser {
    fn new(work: &Work) -> Self {
        if work.adam {
            return Self::Adam(AdamConfig::new().with_epsilon(1e-8).init());
        }
        let momentum = (work.momentum > 0.0)
            .then(|| MomentumConfig::new().with_momentum(work.momentum).with_dampening(0.0));
        Self::Sgd(SgdConfig::new().with_momentum(momentum).init())
    }

    fn step(
        &mut self,
        lr: f64,
        network: Network<Training>,
        gradients: GradientsParams,
    ) -> Network<Training> {
        match self {
            Self::Adam(optimiser) => optimiser.step(lr, network, gradients),
            Self::Sgd(optimiser) => optimiser.step(lr, network, gradients),
        }
    }
}

/// The rows picked, as tensors.
fn gather<B: Backend>(
    rows: &Rows,
    picked: &[u32],
    inputs: usize,
    device: &B::Device,
) -> (Tensor<B, 2>, Tensor<B, 1, Int>) {
    let mut values = Vec::with_capacity(picked.len() * inputs);
    let mut labels = Vec::with_capacity(picked.len());
    for &row in picked {
        let row = row as usize;
        values.extend_from_slice(&rows.inputs[row * inputs..(row + 1) * inputs]);
        labels.push(rows.labels[row] as i32);
    }
    let values = TensorData::new(values, [picked.len(), inputs]);
    let labels = TensorData::new(labels, [picked.len()]);
    (Tensor::from_data(values, device), Tensor::from_data(labels, device))
}

fn main() {
    let work = Work::from_arguments();
    let (train, validation) = rival::data(&work);
    let device = Default::default();
    Training::seed(&device, work.seed);
    let mut network = Network::<Training>::new(&work, &device);
    let mut optimiser = Optimiser::new(&work);
    let everyone: Vec<u32> = (0..validation.labels.len() as u32).collect();
    let (held_out, answers) = gather::<Flex>(&validation, &everyone, work.inputs, &device);
    let cross_entropy = CrossEntropyLossConfig::new().init::<Training>(&device);
    let val_cross_entropy = CrossEntropyLossConfig::new().init::<Flex>(&device);
    let mut orders = Orders::new(train.labels.len(), work.seed);
    let mut accuracy = 0.0;

    let began = Instant::now();
    for _ in 0..work.epochs {
        let mut total = 0.0;
        for batch in orders.next().chunks(work.batch) {
            let (rows, labels) = gather::<Training>(&train, batch, work.inputs, &device);
            let loss = cross_entropy.forward(network.forward(rows), labels);
            total += loss.clone().into_scalar().elem::<f64>() * batch.len() as f64;
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimiser.step(work.lr, network, gradients);
        }
        let evaluated = network.valid();
        let outputs = evaluated.forward(held_out.clone());
        let val_loss = val_cross_entropy.forward(outputs.clone(), answers.clone()).into_scalar();
        let right = outputs.argmax(1).flatten::<1>(0, 1).equal(answers.clone()).int().sum();
        accuracy = right.into_scalar().elem::<f64>() / everyone.len() as f64;
        std::hint::black_box((total, val_loss));
    }
    rival::report(began, accuracy);
}
