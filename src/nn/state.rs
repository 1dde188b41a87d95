//! Parameters and running statistics by name, on their way to a file or back into an engine.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use safetensors::{Dtype, SafeTensors, View};
use serde_json::Value;

/// The key of a weights file's metadata under which the preprocessing stands, as JSON.
pub const PREPROCESSING: &str = "preprocessing";

/// Named tensors with the keys, shapes and layout of a `PyTorch` `state_dict`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict {
    /// In the order of the layers.
    pub tensors: Vec<NamedTensor>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Such as `0.weight`.
    pub name: String,
    /// Lengths of its dimensions; a Linear's weight is `[outputs, inputs]`.
    pub shape: Vec<usize>,
    /// Its numbers, the last dimension fastest.
    pub data: TensorData,
}

/// The numbers of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Parameters and statistics.
    F32(Vec<f32>),
    /// Sums that are carried on to their last bit.
    F64(Vec<f64>),
    /// Counts.
    I64(Vec<i64>),
}

impl TensorData {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// Whether there are not elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl View for &NamedTensor {
    fn dtype(&self) -> Dtype {
        match self.data {
            TensorData::F32(_) => Dtype::F32,
            TensorData::F64(_) => Dtype::F64,
            TensorData::I64(_) => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.data {
            TensorData::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            TensorData::F64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            TensorData::I64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        match &self.data {
            TensorData::F32(values) => 4 * values.len(),
            TensorData::F64(values) => 8 * values.len(),
            TensorData::I64(values) => 8 * values.len(),
        }
    }
}

impl StateDict {
    /// Adds a tensor of floats.
    ///
    /// # Panics
    /// Where `values` has another length than `shape` says.
    pub fn push(&mut self, name: String, shape: &[usize], values: Vec<f32>) {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name} fits its shape");
        let data = TensorData::F32(values);
        self.tensors.push(NamedTensor { name, shape: shape.to_vec(), data });
    }

    /// Adds a single count.
    pub fn push_count(&mut self, name: String, count: i64) {
        let data = TensorData::I64(vec![count]);
        self.tensors.push(NamedTensor { name, shape: Vec::new(), data });
    }

    /// Adds a single float in double precision.
    pub fn push_sum(&mut self, name: String, sum: f64) {
        let data = TensorData::F64(vec![sum]);
        self.tensors.push(NamedTensor { name, shape: Vec::new(), data });
    }

    /// A tensor by name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn get(&self, name: &str) -> Result<&NamedTensor> {
        let found = self.tensors.iter().find(|tensor| tensor.name == name);
        found.with_context(|| format!("the weights have no tensor `{name}`"))
    }

    /// The floats of a tensor of this shape.
    ///
    /// # Errors
    /// Where there is no such tensor, or it has another shape or type.
    pub fn floats(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let tensor = self.get(name)?;
        ensure!(
            tensor.shape == shape,
            "tensor `{name}` has the shape {:?}, expected {shape:?}",
            tensor.shape
        );
        match &tensor.data {
            TensorData::F32(values) => Ok(values),
            _ => bail!("tensor `{name}` is not of the type F32"),
        }
    }

    /// The same in double precision.
    ///
    /// # Errors
    /// Where there is no such tensor, or it has another shape or type.
    pub fn doubles(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        Ok(self.floats(name, shape)?.iter().map(|value| f64::from(*value)).collect())
    }

    /// A single count.
    ///
    /// # Errors
    /// Where there is no such tensor, or it is something else.
    pub fn count(&self, name: &str) -> Result<i64> {
        match &self.get(name)?.data {
            TensorData::I64(values) if values.len() == 1 => Ok(values[0]),
            _ => bail!("tensor `{name}` is not a single whole number"),
        }
    }

    /// A single float in double precision.
    ///
    /// # Errors
    /// Where there is no such tensor, or it is something else.
    pub fn sum(&self, name: &str) -> Result<f64> {
        match &self.get(name)?.data {
            TensorData::F64(values) if values.len() == 1 => Ok(values[0]),
            _ => bail!("tensor `{name}` is not a single float in double precision"),
        }
    }

    /// As a safetensors file whose metadata holds the preprocessing; the same bytes each time.
    ///
    /// # Errors
    /// Where the format refuses a tensor.
    pub fn to_safetensors(&self, preprocessing: &Value) -> Result<Vec<u8>> {
        // One entry alone: several would stand in the order of a hash map.
        let metadata = HashMap::from([(PREPROCESSING.to_owned(), preprocessing.to_string())]);
        let tensors = self.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
        Ok(safetensors::serialize(tensors, Some(metadata))?)
    }

    /// The preprocessing that goes with the tensors of a safetensors file.
    ///
    /// # Errors
    /// Where the bytes are no such file, or it has none.
    pub fn preprocessing(bytes: &[u8]) -> Result<Value> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().as_ref();
        let text = metadata.and_then(|metadata| metadata.get(PREPROCESSING));
        let text =
            text.context("its metadata has no `preprocessing`: these are not weights of bnes")?;
        Ok(serde_json::from_str(text)?)
    }

    /// Reads a safetensors file of floats and counts; its tensors come in no certain order.
    ///
    /// # Errors
    /// Where the bytes are no such file.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut state = Self::default();
        for (name, view) in file.tensors() {
            let data = match view.dtype() {
                Dtype::F32 => TensorData::F32(
                    view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                ),
                Dtype::F64 => TensorData::F64(
                    view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
                ),
                Dtype::I64 => TensorData::I64(
                    view.data().as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
                ),
                other => bail!("tensor `{name}` is of type {other:?}, expected F32, F64 or I64"),
            };
            state.tensors.push(NamedTensor { name, shape: view.shape().to_vec(), data });
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_from_its_file_and_the_file_is_always_the_same() {
        let mut state = StateDict::default();
        state.push("0.weight".into(), &[2, 3], vec![1.0, -2.5, 0.0, f32::MIN_POSITIVE, 3.0, 4.0]);
        state.push_count("1.num_batches_tracked".into(), 7);
        let preprocessing = serde_json::json!({"mean": 0.5});
        let bytes = state.to_safetensors(&preprocessing).unwrap();
        assert_eq!(bytes, state.to_safetensors(&preprocessing).unwrap());
        let mut back = StateDict::from_safetensors(&bytes).unwrap();
        back.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(back, state);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        assert_eq!(metadata[PREPROCESSING], preprocessing.to_string());
    }
}
