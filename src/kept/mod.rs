//! Networks that trainings kept, read back to be used on other rows and elsewhere.

mod network;
mod onnx;

pub use network::{KeptNetwork, Measured};
pub use onnx::OnnxModel;
