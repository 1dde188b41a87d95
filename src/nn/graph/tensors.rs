//! Between candle's tensors and plain floats.

use candle_core::{DType, Result, Shape, Tensor};

/// The elements of a tensor as f32, the last dimension fastest.
///
/// # Errors
/// Where the device fails.
pub fn to_floats(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// A tensor of these elements, with the type and on the device of `like`.
///
/// # Errors
/// Where the device fails.
pub fn from_floats(values: &[f32], shape: impl Into<Shape>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_slice(values, shape.into(), like.device())?.to_dtype(like.dtype())
}
