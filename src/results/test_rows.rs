//! `test_rows.safetensors`: what each test row adds to the metrics of the weights of some epochs.
//!
//! The tensor `rows` (int64) holds the numbers of the rows in the data, from 0; `EPOCH.loss`, and
//! `EPOCH.accuracy` or `EPOCH.mae`, a float32 per row whose mean is that test metric of the weights at
//! the end of the epoch.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::TrainingRecord;
use super::layout::{TEST_ROWS_FILE, test_rows_file};

/// The test rows of a training, and their part in its metrics.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestRows {
    /// The numbers of the rows in the data, from 0.
    pub rows: Vec<u32>,
    /// By epoch and metric (`loss`, `accuracy`, `mae`), a value per row.
    pub values: BTreeMap<(usize, String), Vec<f32>>,
}

const ROWS: &str = "rows";

impl TestRows {
    /// What the rows add to a metric of the weights of an epoch; none where that was not recorded, or
    /// the metric is not a mean over test rows.
    #[must_use]
    pub fn of(&self, epoch: usize, metric: &str) -> Option<&[f32]> {
        let metric = metric.strip_prefix("test_")?;
        self.values.get(&(epoch, metric.to_owned())).map(Vec::as_slice)
    }

    /// As a file; the same bytes each time.
    ///
    /// # Errors
    /// Where the format refuses a tensor.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let rows: Vec<u8> =
            self.rows.iter().flat_map(|row| i64::from(*row).to_le_bytes()).collect();
        let mut tensors = vec![(ROWS.to_owned(), Dtype::I64, rows)];
        tensors.extend(self.values.iter().map(|((epoch, metric), values)| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (format!("{epoch}.{metric}"), Dtype::F32, bytes)
        }));
        let views: Vec<(&str, TensorView)> = tensors
            .iter()
            .map(|(name, dtype, bytes)| {
                Ok((name.as_str(), TensorView::new(*dtype, vec![self.rows.len()], bytes)?))
            })
            .collect::<Result<_>>()?;
        Ok(safetensors::serialize(views, None)?)
    }

    /// Of a file's bytes.
    ///
    /// # Errors
    /// Where they are not such a file.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut found = Self::default();
        for (name, view) in SafeTensors::deserialize(bytes)?.tensors() {
            let bytes = view.data();
            match (name.split_once('.'), view.dtype()) {
                (None, Dtype::I64) if name == ROWS => {
                    let rows = bytes.as_chunks().0.iter().map(|row| i64::from_le_bytes(*row));
                    found.rows = rows.map(u32::try_from).collect::<Result<_, _>>()?;
                }
                (Some((epoch, metric)), Dtype::F32) => {
                    let epoch =
                        epoch.parse().with_context(|| format!("unknown tensor `{name}`"))?;
                    let values = bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value));
                    found.values.insert((epoch, metric.to_owned()), values.collect());
                }
                _ => bail!("unknown tensor `{name}`"),
            }
        }
        let rows = found.rows.len();
        let is_whole = found.values.values().all(|values| values.len() == rows);
        ensure!(is_whole, "a tensor does not have a value for each of the {rows} rows");
        Ok(found)
    }

    /// Those in a training's directory; none where there is no test split, or an earlier version of
    /// bnes trained it.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or the record of the training names it and it is gone or damaged.
    pub fn read(training: &Path, record: &TrainingRecord) -> Result<Option<Self>> {
        let path = test_rows_file(training);
        let bytes = match record.file(training, TEST_ROWS_FILE) {
            Ok(bytes) => bytes,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && !record.files.has(TEST_ROWS_FILE) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Self::decode(&bytes).with_context(|| path.display().to_string()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_cut_files_are_refused() {
        let loss = |epoch: usize, values: [f32; 2]| ((epoch, "loss".to_owned()), values.to_vec());
        let values = BTreeMap::from([loss(3, [0.5, 2.0]), loss(12, [1.0, 1.0])]);
        let rows = TestRows { rows: vec![7, 2], values };
        let bytes = rows.encode().unwrap();
        assert_eq!(bytes, rows.encode().unwrap());
        assert_eq!(TestRows::decode(&bytes).unwrap(), rows);
        assert_eq!(rows.of(3, "test_loss"), Some(&[0.5, 2.0][..]));
        for (epoch, metric) in [(3, "val_loss"), (3, "test_f1"), (4, "test_loss")] {
            assert_eq!(rows.of(epoch, metric), None);
        }
        for length in 0..bytes.len() {
            assert!(TestRows::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
