//! Laws of the engine: arithmetic against reference figures and finite differences, and what may
//! not change a single bit.

mod activations;
mod batch_norm;
mod gradients;
mod inside;
mod losses;
mod norms;
mod optimizers;
mod probe;
mod reproducible;
mod start;
mod training;

use candle_core::{DType, Device, Tensor};

use super::GraphEngine;
use crate::nn::tests::golden;
use crate::nn::tests::setup::Setup;

impl Setup {
    /// The engine on the CPU.
    pub fn engine(&self) -> GraphEngine {
        self.engine_in(DType::F32)
    }

    /// The same in double precision: what other engines are held against.
    pub fn reference(&self) -> GraphEngine {
        self.engine_in(DType::F64)
    }

    /// The same on the first GPU.
    #[cfg(feature = "cuda")]
    pub fn on_gpu(&self) -> GraphEngine {
        GraphEngine::new(&self.network(), &Device::new_cuda(0).unwrap()).unwrap()
    }

    fn engine_in(&self, dtype: DType) -> GraphEngine {
        GraphEngine::with_dtype(&self.network(), &Device::Cpu, dtype).unwrap()
    }
}

/// A tensor of these rows on the CPU.
fn matrix(rows: &[Vec<f64>], dtype: DType) -> Tensor {
    let (height, width) = (rows.len(), rows[0].len());
    let tensor = Tensor::from_vec(rows.concat(), (height, width), &Device::Cpu).unwrap();
    tensor.to_dtype(dtype).unwrap()
}

/// A tensor of these numbers on the CPU.
fn vector(values: &[f64], dtype: DType) -> Tensor {
    Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn elements(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Every element within `tolerance` times 1 + the largest absolute value expected.
fn assert_close(what: &str, actual: &Tensor, expected: &[f64], tolerance: f64) {
    golden::assert_close(what, &elements(actual), expected, tolerance);
}
